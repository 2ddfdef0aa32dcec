/**
 * CellSpan: cells that come in one message, and which of them an item lies in.
 *
 *   a block     from .......... | ............ | ............ | .......... to
 *   an item              ^             ^          ^                 ^     one cell in each part
 *
 *   a stream    from - 1 ---> 1.7 times ----> 1.2 times -------------> 3 times ...        to
 *
 *   seed        s = symbol in the span that begins with cell 1, mixed(symbol ^ from * 0x9e3779b1) in
 *               others;   x = mixed(s)
 *   block       part j of n cells: from + floor(n j / 4) up to from + floor(n (j + 1) / 4)
 *               halves: s >>> 16, s & 0xffff, x >>> 16, x & 0xffff
 *               its cell in part j: the part's first + floor(half[j] * length of the part / 2^16)
 *   stream      state     first s;  next: state * 0x2c9277b5 + 0x5f356495, modulo 2^32
 *               position  first from / sqrt((x + 1/2) / 2^32);  next: (position + 1) * jumps[high 11
 *                         bits of the next state], jumps[j] = 1 / sqrt((j + 1/2) / 2048)
 *               its cells: the integer parts of the positions, up to `to`
 *
 * Jumps that grow with the position leave an item in cell i with a chance of about 2 / i: the
 * density of the paper, whose cells can be asked for without an end. (The first jump is a fine one:
 * from one place 2048 jumps would meet some cells only.) The first message is of a known
 * length, and there four cells an item do better (an invertible Bloom lookup table, Goodrich and
 * Mitzenmacher 2011): it fails less often with as many cells, at a fifth of the work. A stream behind
 * it decodes together with it as well as if all were a stream. If all but a few have been found,
 * only these matter, and another block for a few finds them.
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
const SPAN_FACTOR = 0x9e3779b1;
/** Parts of a block, and cells of an item in it. A shorter span is a stream. */
const PARTS = 4;

export const JUMPS = Float64Array.from({ length: JUMPS_LENGTH }, (_, i) => {
  return 1 / Math.sqrt((i + 0.5) / JUMPS_LENGTH);
});

/** A bijection: where an item lies, and its check, are made of it. */
export function mixed(item: number): number {
  let x = Math.imul(item ^ (item >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}

/**
 * What cells know an item by: the low half of its hash, mixed with the salt of the attempt, so that
 * the same items lie in other cells in each.
 */
export function symbolOf(low: number, salt: number): number {
  return mixed(low ^ salt);
}

export class CellSpan {
  readonly from: number;
  readonly to: number;
  /** Of a block: where its parts begin, counted from `from`, and where the last one ends. */
  readonly parts: Int32Array | null;
  readonly #seed: number;

  constructor(from: number, to: number, isBlock: boolean) {
    const cells = to - from;
    this.from = from;
    this.to = to;
    this.parts = null;
    this.#seed = Math.imul(from, SPAN_FACTOR);
    if (isBlock && cells >= PARTS) {
      this.parts = Int32Array.from({ length: PARTS + 1 }, (_, j) =>
        Math.floor((cells * j) / PARTS),
      );
    }
  }

  seedOf(item: number): number {
    return this.from === 1 ? item : mixed(item ^ this.#seed);
  }

  /** Where an item with this seed first is in a stream. */
  startOf(seed: number): number {
    return this.from / Math.sqrt(((mixed(seed) >>> 0) + 0.5) / 2 ** 32);
  }

  /** The share of items that lie in a cell; of a stream within 3 % from cell 4 on. */
  density(cell: number): number {
    return this.parts === null ? 1 / (1.3 + cell / 2) : PARTS / (this.to - this.from);
  }

  /** Writes the cells of an item, and returns how many those are. */
  cellsOf(item: number, into: Int32Array): number {
    const { from, parts, to } = this;
    const seed = this.seedOf(item);
    if (parts !== null) {
      const x = mixed(seed);
      for (let j = 0; j < PARTS; j++) {
        const half = ((j < 2 ? seed : x) >>> ((j & 1) === 0 ? 16 : 0)) & 0xffff;
        into[j] = from + parts[j]! + (Math.imul(half, parts[j + 1]! - parts[j]!) >>> 16);
      }
      return PARTS;
    }
    let count = 0;
    let state = seed;
    let position = this.startOf(seed);
    while (position < to && count < into.length) {
      into[count++] = position | 0;
      state = (Math.imul(state, GENERATOR_FACTOR) + GENERATOR_ADD) | 0;
      position = (position + 1) * JUMPS[state >>> POSITION_SHIFT]!;
    }
    return count;
  }
}
