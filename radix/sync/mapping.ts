/**
 * Mapping: which cells an item lies in.
 *
 *   first message       1 ............ | ............ | ............ | ............ firstEnd
 *   an item                    ^             ^          ^                   ^        one in each part
 *   what follows        firstEnd - 1 ---> 1.7 times ----> 1.2 times -------------> 3 times ...
 *
 *   halves    s >>> 16, s & 0xffff, x >>> 16, x & 0xffff        x = mixed(s), s: the symbol
 *   part j    of the cells [1, firstEnd):  from 1 + floor(m j / 4), m = firstEnd - 1
 *   its cell  from + floor(half[j] * length of the part / 2^16)
 *
 *   state     0: the symbol;   next: state * 0x2c9277b5 + 0x5f356495, modulo 2^32
 *   position  0: firstEnd - 1;  next: (position + 1) * jumps[high 11 bits of the new state]
 *   jumps     jumps[j] = 1 / sqrt(u), u = (j + 1/2) / 2048
 *
 * The integer part of each position is a cell. Jumps that grow with the position leave an item in
 * cell i with a chance of about 2 / i: the density of the paper, which any number of cells is good
 * with. The first message is of a known length, and there four cells an item do better (an
 * invertible Bloom lookup table, Goodrich and Mitzenmacher 2011): they fail less often with as many
 * cells, and a fifth to a half of the work. What follows it begins where it ends, and decodes
 * together with it as well as if all cells were of the one kind.
 *
 * Everything is computed by operations that IEEE 754 rounds in one way only, so that both sides
 * get the same.
 */

const POSITION_BITS = 11;
/** The state's bits that choose a jump are those above. */
export const POSITION_SHIFT = 32 - POSITION_BITS;
export const GENERATOR_FACTOR = 0x2c9277b5;
export const GENERATOR_ADD = 0x5f356495;
const JUMPS_LENGTH = 2 ** POSITION_BITS;
/** Cells of an item in the first message, one in each part of it. */
export const PARTS = 4;

export const JUMPS = Float64Array.from({ length: JUMPS_LENGTH }, (_, i) => {
  return 1 / Math.sqrt((i + 0.5) / JUMPS_LENGTH);
});

/** What an item's place in the first message is made of, and its check. A bijection. */
export function mixed(item: number): number {
  let x = Math.imul(item ^ (item >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}

export class Mapping {
  /** Behind the last cell of the first message; 1: that is too short for parts. */
  readonly firstEnd: number;
  /** Where the parts begin, and where the last one ends. */
  readonly parts: Int32Array;

  /** `firstEnd`: behind the last cell of the first message, which begins with cell 1. */
  constructor(firstEnd: number) {
    const cells = firstEnd - 1;
    this.firstEnd = cells < PARTS ? 1 : firstEnd;
    this.parts = Int32Array.from({ length: PARTS + 1 }, (_, j) => 1 + ((cells * j) >>> 2));
  }

  /** The share of items that lie in a cell: within 3 % from cell 4 on. */
  density(cell: number): number {
    if (cell === 0) return 1;
    return cell < this.firstEnd ? PARTS / (this.firstEnd - 1) : 1 / (1.3 + cell / 2);
  }

  /** Writes the cells in [from, to) of an item, and returns how many those are. */
  cellsOf(item: number, from: number, to: number, into: Int32Array): number {
    const { firstEnd, parts } = this;
    let count = 0;
    if (from < firstEnd) {
      const x = mixed(item);
      for (let j = 0; j < PARTS; j++) {
        const half = ((j < 2 ? item : x) >>> ((j & 1) === 0 ? 16 : 0)) & 0xffff;
        const length = parts[j + 1]! - parts[j]!;
        into[count++] = parts[j]! + (Math.imul(half, length) >>> 16);
      }
    }
    let state = item;
    let position = firstEnd - 1;
    for (;;) {
      state = (Math.imul(state, GENERATOR_FACTOR) + GENERATOR_ADD) | 0;
      position = (position + 1) * JUMPS[state >>> POSITION_SHIFT]!;
      if (position >= to || count === into.length) return count;
      if (position >= from) into[count++] = position | 0;
    }
  }
}
