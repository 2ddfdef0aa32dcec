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
 *                   one item, of B only: f <-----------------+  taken out of cell 2: a, of A only
 *
 * An item is a symbol of 32 bits. It lies in cell 0 and in those that the symbol leads to
 * (cell-span.ts): four of the first message, and ever fewer of a stream that may follow.
 *
 *   word  0    sum of the symbols
 *         1    sum of check << 8 | 1, check being 24 bits of a function of the symbol
 *
 *   cell with one item   | symbol | check | 1 |      the check tells one item from a mixture, and
 *   of the other set     the same, negated           the low byte counts, modulo 256
 *
 * Why sums and not the exclusive or of the paper: they say on which side an item is. Cell 0 is the
 * sum and number of all symbols; it is not peeled, but says whether all has been found.
 *
 * Limits: two items of one side with the same symbol are one knot that no number of cells undoes,
 * and an item of each side with the same symbol goes unseen; both happen to d differences with
 * probability d^2 / 2^33. The digests tell, and another salt gives other symbols.
 *
 * Invariant: cells subtracted from each other are those of the symmetric difference; a Decoder is
 * `isComplete` only if what it has found has the sum and count of cell 0.
 */
import {
  type CellSpan,
  GENERATOR_ADD,
  GENERATOR_FACTOR,
  JUMPS,
  mixed,
  POSITION_SHIFT,
} from './cell-span.js';

// Constants of this module the compiler takes for constants, those of others it loads each time.
const FACTOR = GENERATOR_FACTOR;
const ADD = GENERATOR_ADD;
const SHIFT = POSITION_SHIFT;

const CELLS_FIRST = 64;
const COUNT_BITS = 8;
/** Room for the cells of one item. A jump leads on by the factor 1.65 in the mean: few dozens. */
const PLACES = new Int32Array(512);
/** The rest is estimated from the sparser cells: of these the density is known best. */
const ESTIMATED_SHARE = 0.25;
/** A cell with all items tells nothing of how many those are. */
const DENSITY_MAX = 0.9;

/** Word 1 of a cell with this item alone. */
export function checkOf(item: number): number {
  return (mixed(item) << COUNT_BITS) | 1;
}

/** The cells of a span, of a set. Cell `i` is at `2 * (i - span.from)` of the words. */
export class Cells {
  readonly span: CellSpan;
  readonly words: Int32Array;

  constructor(span: CellSpan) {
    this.span = span;
    this.words = new Int32Array(2 * (span.to - span.from));
  }

  /** Adds items[begin, end). As functions of locals, since a million items go through them. */
  addAll(items: Int32Array, begin: number, end: number): void {
    const { parts } = this.span;
    if (parts !== null) this.#addToBlock(parts, items, begin, end);
    else this.#addToStream(items, begin, end);
  }

  #addToBlock(parts: Int32Array, items: Int32Array, begin: number, end: number): void {
    const { span, words } = this;
    const [p0, p1, p2, p3, p4] = [...parts] as [number, number, number, number, number];
    const [n0, n1, n2, n3] = [p1 - p0, p2 - p1, p3 - p2, p4 - p3];
    for (let i = begin; i < end; i++) {
      const item = items[i]!;
      const check = checkOf(item);
      const seed = span.seedOf(item);
      const x = mixed(seed);
      const a = (Math.imul(seed >>> 16, n0) >>> 16) << 1;
      const b = (p1 + (Math.imul(seed & 0xffff, n1) >>> 16)) << 1;
      const c = (p2 + (Math.imul(x >>> 16, n2) >>> 16)) << 1;
      const d = (p3 + (Math.imul(x & 0xffff, n3) >>> 16)) << 1;
      words[a] = words[a]! + item;
      words[a + 1] = words[a + 1]! + check;
      words[b] = words[b]! + item;
      words[b + 1] = words[b + 1]! + check;
      words[c] = words[c]! + item;
      words[c + 1] = words[c + 1]! + check;
      words[d] = words[d]! + item;
      words[d + 1] = words[d + 1]! + check;
    }
  }

  #addToStream(items: Int32Array, begin: number, end: number): void {
    const { span, words } = this;
    const { from, to } = span;
    const jumps = JUMPS;
    for (let i = begin; i < end; i++) {
      const item = items[i]!;
      const check = checkOf(item);
      let state = span.seedOf(item);
      let position = span.startOf(state);
      while (position < to) {
        const at = ((position | 0) - from) << 1;
        words[at] = words[at]! + item;
        words[at + 1] = words[at + 1]! + check;
        state = (Math.imul(state, FACTOR) + ADD) | 0;
        position = (position + 1) * jumps[state >>> SHIFT]!;
      }
    }
  }

  /** Adds an item and its check; with both negated: takes it out. The item itself leads the way. */
  add(sum: number, check: number, item = sum): void {
    const { span, words } = this;
    const count = span.cellsOf(item, PLACES);
    for (let i = 0; i < count; i++) {
      const at = (PLACES[i]! - span.from) << 1;
      words[at] = words[at]! + sum;
      words[at + 1] = words[at + 1]! + check;
    }
  }

  /** Takes out the cells of another set, of the same span. */
  subtract(other: Cells): void {
    for (let i = 0; i < this.words.length; i++) this.words[i]! -= other.words[i]!;
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

  readonly #spans: CellSpan[] = [];
  readonly #itemsMax: number;
  /** Of cell 0: what is still to be found. */
  #restSum: number;
  #restCount: number;
  #words = new Int32Array(2 * CELLS_FIRST);
  /** Cells to look at; all below `#scanned` have been looked at once. */
  readonly #queue: number[] = [];
  #scanned = 1;

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
    for (const item of this.positive) cells.add(0 - item, 0 - checkOf(item), item);
    for (const item of this.negative) cells.add(item, checkOf(item));
    const { from, to } = cells.span;
    this.#reserve(2 * to);
    this.#words.set(cells.words, 2 * from);
    this.cellCount = to;
    this.#spans.push(cells.span);
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
   * factor of sqrt(2 / cells). Of few that are left the counts may be 0: cells with anything in them
   * tell of these.
   */
  estimateRest(): number {
    const excess = this.#restCount;
    const first = Math.max(1, Math.floor(this.cellCount * ESTIMATED_SHARE));
    let sum = 0;
    for (const span of this.#spans) {
      for (let cell = Math.max(first, span.from); cell < span.to; cell++) {
        const share = Math.min(span.density(cell), DENSITY_MAX);
        const mean = Math.round(share * excess);
        // The count is known modulo 256: the nearest to its mean is meant.
        const count = mean + (((this.#words[2 * cell + 1]! - mean) << 24) >> 24);
        sum += (count - share * excess) ** 2 / (share * (1 - share));
      }
    }
    const byVariance = this.cellCount === first ? 0 : sum / (this.cellCount - first);
    return Math.ceil(Math.max(byVariance, Math.abs(excess), this.#restMin()));
  }

  /** An item is in four cells of a block, and each that is not empty has two items at least. */
  #restMin(): number {
    const block = this.#spans[0];
    if (block === undefined) return 0;
    let cells = 0;
    for (let cell = block.from; cell < block.to; cell++) {
      if (this.#words[2 * cell] !== 0 || this.#words[2 * cell + 1] !== 0) cells++;
    }
    return cells / 2;
  }

  #peel(cell: number): void {
    const sum = this.#words[2 * cell]!;
    const check = this.#words[2 * cell + 1]!;
    if ((check & 255) === 1 && check === checkOf(sum)) {
      this.positive.push(sum);
      this.#restCount--;
      this.#takeOut(sum, sum, check);
    } else if ((check & 255) === 255 && ((0 - check) | 0) === checkOf(0 - sum)) {
      this.negative.push((0 - sum) | 0);
      this.#restCount++;
      this.#takeOut((0 - sum) | 0, sum, check);
    }
  }

  #takeOut(item: number, sum: number, check: number): void {
    const words = this.#words;
    this.#restSum = (this.#restSum - sum) | 0;
    for (const span of this.#spans) {
      const cells = span.cellsOf(item, PLACES);
      for (let i = 0; i < cells; i++) {
        const cell = PLACES[i]!;
        words[2 * cell]! -= sum;
        words[2 * cell + 1]! -= check;
        const count = words[2 * cell + 1]! & 255;
        if (cell < this.#scanned && (count === 1 || count === 255)) this.#queue.push(cell);
      }
    }
  }

  #reserve(length: number): void {
    if (length <= this.#words.length) return;
    const longer = new Int32Array(Math.max(length, this.#words.length * 2));
    longer.set(this.#words);
    this.#words = longer;
  }
}
