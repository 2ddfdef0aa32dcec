/**
 * From registers to a count, without a table of corrections: Otmar Ertl, "New cardinality
 * estimation algorithms for HyperLogLog sketches" (2017), algorithms 4 to 6, in the steps of Redis
 * (`hllCount`), so that the last bit of the sum is the same.
 */
import { HLL_REGISTERS } from './hyperloglog.js';

/** The highest run of zeros of a hash of 50 bits; registers may say one more. */
const RUN_BITS = 50;
/** 1 / (2 ln 2). */
const ALPHA = 0.7213475204444817;

const histogram = new Int32Array(64);

/** How many different elements the registers have seen; not finite if they cannot be true. */
export function estimateCount(registers: Uint8Array): number {
  histogram.fill(0);
  for (let index = 0; index < HLL_REGISTERS; index += 1) histogram[registers[index]! & 63]! += 1;
  const m = HLL_REGISTERS;
  let z = m * tau((m - histogram[RUN_BITS + 1]!) / m);
  for (let run = RUN_BITS; run >= 1; run -= 1) {
    z += histogram[run]!;
    z *= 0.5;
  }
  z += m * sigma(histogram[0]! / m);
  return Math.round((ALPHA * m * m) / z);
}

function sigma(x: number): number {
  if (x === 1) return Infinity;
  let power = x;
  let y = 1;
  let z = x;
  for (let last = NaN; z !== last; ) {
    power *= power;
    last = z;
    z += power * y;
    y += y;
  }
  return z;
}

function tau(x: number): number {
  if (x === 0 || x === 1) return 0;
  let root = x;
  let y = 1;
  let z = 1 - x;
  for (let last = NaN; z !== last; ) {
    root = Math.sqrt(root);
    last = z;
    y *= 0.5;
    z -= (1 - root) ** 2 * y;
  }
  return z / 3;
}
