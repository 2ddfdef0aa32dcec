/**
 * The sparse encoding of a HyperLogLog (hyperloglog.ts): its registers as runs, as in Redis.
 *
 *   00LLLLLL             L + 1 registers of 0
 *   01LLLLLL llllllll    L + 1 registers of 0, up to all 16384
 *   1VVVVVLL             L + 1 registers of V + 1
 *
 * Which runs are joined after a change, and how far the search for neighbours goes, decides about
 * the bytes that GET answers; so both are as in Redis's `hllSparseSet`.
 */
import { HLL_HEADER_BYTES, HLL_REGISTERS } from './hyperloglog.js';

const VALUE_BIT = 0x80;
const LONG_BIT = 0x40;
const VALUE_MAX = 32;
const VALUE_LENGTH_MAX = 4;
const SHORT_ZEROS_MAX = 64;
/** Runs looked at, from the one before the change on, for neighbours that can be joined. */
const JOIN_STEPS = 5;
/** What a change may add. */
export const SPARSE_GROWTH_MAX = 3;

/** What became of a change. */
export type SparseChange = 'same' | 'changed' | 'tooBig' | 'corrupt';

/** How long the sparse one was after the last change. */
let changedBytes = 0;

/** The length after a change that was made. */
export function sparseBytesAfter(): number {
  return changedBytes;
}

/** Writes the runs of an empty one; returns where they end. */
export function writeEmptySparse(target: Buffer): number {
  return writeZeros(target, HLL_HEADER_BYTES, HLL_REGISTERS);
}

function isValue(op: number): boolean {
  return (op & VALUE_BIT) !== 0;
}

function isLong(op: number): boolean {
  return (op & (VALUE_BIT | LONG_BIT)) === LONG_BIT;
}

function valueOf(op: number): number {
  return ((op >> 2) & 31) + 1;
}

function valueRun(value: number, length: number): number {
  return VALUE_BIT | ((value - 1) << 2) | (length - 1);
}

/** How many registers the run at `at` covers. A second byte that is missing counts as 0. */
function lengthAt(buf: Buffer, at: number, end: number): number {
  const op = buf[at]!;
  if (isValue(op)) return (op & 3) + 1;
  if (!isLong(op)) return (op & 63) + 1;
  return (((op & 63) << 8) | (at + 1 < end ? buf[at + 1]! : 0)) + 1;
}

function writeZeros(target: Buffer, at: number, length: number): number {
  if (length <= SHORT_ZEROS_MAX) {
    target[at] = length - 1;
    return at + 1;
  }
  target[at] = LONG_BIT | ((length - 1) >> 8);
  target[at + 1] = length - 1;
  return at + 2;
}

/**
 * Raises a register of hll[0, bytes), which has room for SPARSE_GROWTH_MAX bytes more.
 * `tooBig`: nothing was changed, for it would outgrow `bytesMax` or its highest value.
 */
export function raiseSparse(
  hll: Buffer,
  bytes: number,
  index: number,
  run: number,
  bytesMax: number,
): SparseChange {
  if (run > VALUE_MAX) return 'tooBig';
  let at = HLL_HEADER_BYTES;
  let before = -1;
  let first = 0;
  let length = 0;
  for (; at < bytes; at += isLong(hll[at]!) ? 2 : 1) {
    length = lengthAt(hll, at, bytes);
    if (index < first + length) break;
    before = at;
    first += length;
  }
  if (at >= bytes) return 'corrupt';
  const op = hll[at]!;
  if (isValue(op) && valueOf(op) >= run) return 'same';
  const oldEnd = Math.min(bytes, at + (isLong(op) ? 2 : 1));
  let end = bytes;
  if (length === 1 && !isLong(op)) {
    hll[at] = valueRun(run, 1);
  } else {
    const madeBytes = split(op, index - first, first + length - 1 - index, run);
    const growth = madeBytes - (oldEnd - at);
    if (growth > 0 && bytes + growth > bytesMax) return 'tooBig';
    hll.copyWithin(oldEnd + growth, oldEnd, bytes);
    made.copy(hll, at, 0, madeBytes);
    end = bytes + growth;
  }
  changedBytes = join(hll, before < 0 ? HLL_HEADER_BYTES : before, end);
  return 'changed';
}

/** Two long runs with a value between them. */
const made = Buffer.alloc(5);

/** Makes the runs that replace one: what was before the register, it, and what was behind it. */
function split(op: number, before: number, behind: number, run: number): number {
  let at = 0;
  if (before > 0) at = writePart(op, at, before);
  made[at] = valueRun(run, 1);
  at += 1;
  return behind > 0 ? writePart(op, at, behind) : at;
}

function writePart(op: number, at: number, length: number): number {
  if (!isValue(op)) return writeZeros(made, at, length);
  made[at] = valueRun(valueOf(op), length);
  return at + 1;
}

/** Joins neighbours of one value from `from` on; returns the new end. */
function join(hll: Buffer, from: number, to: number): number {
  let at = from;
  let end = to;
  for (let steps = JOIN_STEPS; at < end && steps > 0; steps -= 1) {
    const op = hll[at]!;
    if (!isValue(op)) {
      at += isLong(op) ? 2 : 1;
      continue;
    }
    const next = at + 1 < end ? hll[at + 1]! : 0;
    const length = (op & 3) + 1 + (next & 3) + 1;
    if (isValue(next) && valueOf(next) === valueOf(op) && length <= VALUE_LENGTH_MAX) {
      hll[at + 1] = valueRun(valueOf(op), length);
      hll.copyWithin(at, at + 1, end);
      end -= 1;
    } else {
      at += 1;
    }
  }
  return end;
}

/** Raises `registers` to those of a sparse one of `bytes` bytes; false if it is corrupt. */
export function raiseToSparse(registers: Uint8Array, hll: Buffer, bytes: number): boolean {
  let index = 0;
  for (let at = HLL_HEADER_BYTES; at < bytes; ) {
    const op = hll[at]!;
    const end = index + lengthAt(hll, at, bytes);
    if (end > HLL_REGISTERS) return false;
    if (isValue(op)) {
      const value = valueOf(op);
      for (; index < end; index += 1) {
        if (value > registers[index]!) registers[index] = value;
      }
    }
    index = end;
    at += isLong(op) ? 2 : 1;
  }
  return index === HLL_REGISTERS;
}

/** The runs as PFDEBUG DECODE tells them: `z:4 v:1,2 Z:16378`. */
export function describeSparse(hll: Buffer, bytes: number): string {
  const runs: string[] = [];
  for (let at = HLL_HEADER_BYTES; at < bytes; ) {
    const op = hll[at]!;
    const length = lengthAt(hll, at, bytes);
    if (isValue(op)) runs.push(`v:${valueOf(op)},${length}`);
    else runs.push(`${isLong(op) ? 'Z' : 'z'}:${length}`);
    at += isLong(op) ? 2 : 1;
  }
  return runs.join(' ');
}
