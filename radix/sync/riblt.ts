/**
 * RIBLT: finds out what two sets do not share, from as many cells as the difference needs,
 * whatever the size of the sets (Yang, Gilad, Alizadeh: Practical Rateless Set Reconciliation,
 * SIGCOMM 2024).
 *
 *   set A   a b c d e         cell        0       1     2     3    4     5 ...
 *                             of A      abcde    bde   ac     d    be    .
 *   set B   b c d e f         of B      bcdef    bde   cf     df   be    .
 *                             A - B      a-f      .    a-f   -f    .     .
 *                                                            |
 *                   one entry, of B only: f <----------------+  taken out of cell 2: a, of A only
 *
 * An item is the 32-bit hash of an entry. It lies in cell 0 and, from there, in cell i with
 * probability 1 / (1 + i / 2), at indexes that a generator seeded with the item gives (Indexes).
 *
 *   cell    sum     32 bits    sum of the items
 *           check   24 bits    sum of a function of each item, tells one item from a mixture
 *           count   integer    how many items
 *
 * Why sums and not the exclusive or of the paper: the tree keeps sums of hashes, so the sum and
 * count of a whole range, which is cell 0, are there without looking at an entry. Cell 0 has no
 * check for the same reason: it is not peeled, but says whether all has been found.
 *
 * Limits: two items of one side with the same hash are one knot that no number of cells undoes, and
 * an item of each side with the same hash goes unseen; both happen to d differences with
 * probability d^2 / 2^33. The digests tell, and another salt gives other hashes.
 *
 * Invariant: cells subtracted from each other are those of the symmetric difference; a Decoder is
 * `isComplete` only if what it has found has the sum and count of cell 0.
 */

const GOLDEN = 0x9e3779b9;
const TWO_32 = 4294967296;
const CHECK_MASK = 0xffffff;
const CELLS_FIRST = 64;

function mix(value: number): number {
  let x = value;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}

/** The 24 bits that tell an item from the sum of several. */
export function checkOf(item: number): number {
  return mix(item + 0x5bd1e995) & CHECK_MASK;
}

/** The share of items that lie in a cell. */
export function density(cell: number): number {
  return 2 / (2 + cell);
}

/**
 * The cells that an item lies in, ascending, cell 0 first.
 *
 * The next index after i is the smallest that has the right chance never to be passed over:
 * ceil((i + 1.5) (1 / sqrt(u) - 1)) further, for u uniform in (0, 1]. All in operations whose
 * results IEEE 754 fixes, so that both sides get the same.
 */
export class Indexes {
  index = 0;
  #state = 0;

  start(item: number): void {
    this.index = 0;
    this.#state = mix(item);
  }

  next(): number {
    this.#state = (this.#state + GOLDEN) | 0;
    const u = ((mix(this.#state) >>> 0) + 1) / TWO_32;
    const step = Math.ceil((this.index + 1.5) * (1 / Math.sqrt(u) - 1));
    this.index += step > 1 ? step : 1;
    return this.index;
  }
}

/** The cells [from, to) of a set. Cell `i` is at `i - from` of each array. */
export class Cells {
  readonly from: number;
  readonly to: number;
  readonly sums: Int32Array;
  readonly checks: Int32Array;
  readonly counts: Int32Array;
  readonly #indexes = new Indexes();

  constructor(from: number, to: number) {
    this.from = from;
    this.to = to;
    this.sums = new Int32Array(to - from);
    this.checks = new Int32Array(to - from);
    this.counts = new Int32Array(to - from);
  }

  /** Adds (sign 1) or takes out (sign -1) an item. */
  add(item: number, sign: number): void {
    const { from, to, sums, checks, counts } = this;
    const indexes = this.#indexes;
    const sum = Math.imul(item, sign);
    const check = Math.imul(checkOf(item), sign);
    indexes.start(item);
    for (let cell = 0; cell < to; cell = indexes.next()) {
      if (cell < from) continue;
      sums[cell - from]! += sum;
      checks[cell - from]! += check;
      counts[cell - from]! += sign;
    }
  }

  /** Adds items[begin, end). */
  addAll(items: Int32Array, begin: number, end: number): void {
    for (let i = begin; i < end; i++) this.add(items[i]!, 1);
  }

  /** Takes out the cells of another set, of the same indexes. */
  subtract(other: Cells): void {
    for (let i = 0; i < this.sums.length; i++) {
      this.sums[i]! -= other.sums[i]!;
      this.checks[i]! -= other.checks[i]!;
      this.counts[i]! -= other.counts[i]!;
    }
  }
}

/**
 * Finds the items of a difference, from its cells as they come. `step` does a bounded piece of the
 * work. What is positive is in the set that was subtracted from, what is negative in the other.
 */
export class Decoder {
  /** Found so far. */
  readonly positive: number[] = [];
  readonly negative: number[] = [];
  /** How many cells it has got, cell 0 included. */
  cellCount = 1;

  readonly #itemsMax: number;
  /** Of cell 0: what is still to be found. */
  #restSum: number;
  #restCount: number;
  #sums = new Int32Array(CELLS_FIRST);
  #checks = new Int32Array(CELLS_FIRST);
  #counts = new Int32Array(CELLS_FIRST);
  /** Cells to look at; all below `#scanned` have been looked at once. */
  readonly #queue: number[] = [];
  #scanned = 1;
  readonly #indexes = new Indexes();

  /**
   * `sum`, `count`: cell 0 of the difference. More than `itemsMax` items are not found: cells that
   * are no cells of a set could be peeled for ever.
   */
  constructor(sum: number, count: number, itemsMax: number) {
    this.#restSum = sum | 0;
    this.#restCount = count;
    this.#itemsMax = itemsMax;
  }

  /** Whether all has been found: cell 0 is empty, and no cell has anything left to peel. */
  get isComplete(): boolean {
    return this.#restSum === 0 && this.#restCount === 0 && this.#isPeeled;
  }

  /** Whether more items came out than there can be. */
  get isOverfull(): boolean {
    return this.positive.length + this.negative.length > this.#itemsMax;
  }

  get #isPeeled(): boolean {
    return this.#queue.length === 0 && this.#scanned === this.cellCount;
  }

  /** Takes the next cells of the difference, which begin at `cellCount`. */
  add(cells: Cells): void {
    for (const item of this.positive) cells.add(item, -1);
    for (const item of this.negative) cells.add(item, 1);
    this.#reserve(cells.to);
    this.#sums.set(cells.sums, cells.from);
    this.#checks.set(cells.checks, cells.from);
    this.#counts.set(cells.counts, cells.from);
    this.cellCount = cells.to;
  }

  /** Looks at up to `cellsMax` cells; false when there is nothing left to look at. */
  step(cellsMax: number): boolean {
    for (let i = 0; i < cellsMax && !this.isOverfull; i++) {
      const cell = this.#queue.pop() ?? (this.#scanned < this.cellCount ? this.#scanned++ : 0);
      if (cell === 0) return false;
      this.#peel(cell);
    }
    return !this.#isPeeled && !this.isOverfull;
  }

  /**
   * How many items have not been found, as far as the counts tell: of d items, c of them in excess
   * on one side, a cell of density p has a count of mean p c and variance p (1 - p) d. Good to a
   * factor of sqrt(2 / cells).
   */
  estimateRest(): number {
    const excess = this.#restCount;
    let sum = 0;
    for (let cell = 1; cell < this.cellCount; cell++) {
      const share = density(cell);
      sum += (this.#counts[cell]! - share * excess) ** 2 / (share * (1 - share));
    }
    const byVariance = this.cellCount === 1 ? 0 : sum / (this.cellCount - 1);
    return Math.ceil(Math.max(byVariance, Math.abs(excess)));
  }

  #peel(cell: number): void {
    const count = this.#counts[cell]!;
    if (count !== 1 && count !== -1) return;
    const item = Math.imul(this.#sums[cell]!, count);
    if ((Math.imul(this.#checks[cell]!, count) & CHECK_MASK) !== checkOf(item)) return;
    (count > 0 ? this.positive : this.negative).push(item);
    this.#restSum = (this.#restSum - Math.imul(item, count)) | 0;
    this.#restCount -= count;
    const check = Math.imul(checkOf(item), count);
    const indexes = this.#indexes;
    indexes.start(item);
    for (let at = indexes.next(); at < this.cellCount; at = indexes.next()) {
      this.#sums[at]! -= Math.imul(item, count);
      this.#checks[at]! -= check;
      this.#counts[at]! -= count;
      if (at < this.#scanned && Math.abs(this.#counts[at]!) === 1) this.#queue.push(at);
    }
  }

  #reserve(cellCount: number): void {
    if (cellCount <= this.#sums.length) return;
    const capacity = Math.max(cellCount, this.#sums.length * 2);
    this.#sums = grown(this.#sums, capacity);
    this.#checks = grown(this.#checks, capacity);
    this.#counts = grown(this.#counts, capacity);
  }
}

function grown(array: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const longer = new Int32Array(length);
  longer.set(array);
  return longer;
}
