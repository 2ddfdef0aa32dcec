/**
 * Mapping: which cells an item lies in.
 *
 *   position   0 ----> 1.7 -> 4.1 -------> 13.2 ------------------> 61.8 ...
 *   cell       0       1      4            13                       61
 *
 *   state     0: the symbol;   next: state * 0x2c9277b5 + 0x5f356495, modulo 2^32
 *   position  0;               next: (position + 1) * jumps[high 11 bits of the new state]
 *   jumps     jumps[j] = u^-a, u = (j + 1/2) / 2048
 *
 * The integer part of each position is a cell. Jumps that grow with the position leave an item in
 * cell i with a chance of about 1 / (a i): the density of the paper, which a = 1/2 is from; there
 * a jump costs a square root and a division, here a product. With 5/8 large differences take 3 %
 * fewer cells and a fifth less time, small ones more cells.
 *
 * Everything is computed by operations that IEEE 754 rounds in one way only, so that both sides
 * get the same. That is why 5/8 is made of square roots.
 */

const POSITION_BITS = 11;
/** The state's bits that choose a jump are those above. */
export const POSITION_SHIFT = 32 - POSITION_BITS;
export const GENERATOR_FACTOR = 0x2c9277b5;
export const GENERATOR_ADD = 0x5f356495;
const JUMPS = 2 ** POSITION_BITS;
/** From so many cells in the first message on, jumps are those of 5/8. */
const MANY_CELLS_MIN = 512;

export class Mapping {
  readonly jumps = new Float64Array(JUMPS);
  readonly #exponent: number;
  readonly #offset: number;

  constructor(exponent: number, offset: number, jumpOf: (u: number) => number) {
    this.#exponent = exponent;
    this.#offset = offset;
    for (let i = 0; i < JUMPS; i++) this.jumps[i] = jumpOf((i + 0.5) / JUMPS);
  }

  /** The share of items that lie in a cell: within 3 % from cell 4 on. */
  density(cell: number): number {
    return cell === 0 ? 1 : 1 / (this.#offset + this.#exponent * cell);
  }
}

export const MAPPING_FEW = new Mapping(1 / 2, 1.3, (u) => 1 / Math.sqrt(u));
const MAPPING_MANY = new Mapping(5 / 8, 1.36, (u) => {
  return 1 / (Math.sqrt(u) * Math.sqrt(Math.sqrt(Math.sqrt(u))));
});

/** The mapping of a group whose first message holds the cells below this one. */
export function mappingFor(firstEnd: number): Mapping {
  return firstEnd < MANY_CELLS_MIN ? MAPPING_FEW : MAPPING_MANY;
}
