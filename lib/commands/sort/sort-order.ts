/**
 * What SORT sorts by, and the sorting, in pieces: the numbers that the elements are, or the values
 * that a pattern leads to; as texts with ALPHA. Source: Redis sort.c (`sortCompare`).
 *
 *   numbers    equal ones by the bytes of the elements; what has no value counts 0
 *   texts      what has no value comes first; equal ones in any order, which is Redis's
 */
import type { Database } from '../../store/database.js';
import { ByteRecords } from './byte-records.js';
import type { FoundValue } from './key-pattern.js';
import { type Comparison, mergeSort } from './merge-sort.js';
import { partialSort } from './partial-sort.js';
import type { SortOptions } from './sort-options.js';
import { SCORE_TEXT_BYTES_MAX, sortScore } from './sort-score.js';

/** Elements whose value is looked up, or that are looked at, between two looks at the clock. */
const PIECE_LOOKS = 64;
const PIECE_SCORES = 512;
/** Bytes that are looked at in a piece, but for its last element. */
const PIECE_BYTES = 64 * 1024;
/** Comparisons in a piece, and what one of long texts counts for. */
const PIECE_COMPARISONS = 1024;
const COMPARISON_BYTES = 64;

/** Negative, 0 or positive. */
type Compare = (a: number, b: number) => number;

const text = Buffer.allocUnsafeSlow(SCORE_TEXT_BYTES_MAX + 1);

class Pausing implements Comparison {
  readonly #compare: Compare;
  readonly #work: number;
  #done = 0;

  /** `work`: what a comparison counts for. */
  constructor(compare: Compare, work: number) {
    this.#compare = compare;
    this.#work = work;
  }

  compare(a: number, b: number): number {
    this.#done += this.#work;
    return this.#compare(a, b);
  }

  isTired(): boolean {
    if (this.#done < PIECE_COMPARISONS) return false;
    this.#done = 0;
    return true;
  }
}

export class SortOrder {
  /** Some element has no number. */
  isWrong = false;
  /** Indices of the elements, in their order once `step` has said so. */
  readonly #order: Int32Array;
  readonly #database: Database;
  readonly #elements: ByteRecords;
  readonly #options: SortOptions;
  readonly #scores: Float64Array | undefined;
  /** The texts that the elements are sorted by. */
  readonly #weights: ByteRecords;
  /** Some text has a NUL, behind which C does not look. */
  #hasNul = false;
  /** How many have been looked at, and bytes in the piece at hand. */
  #seen = 0;
  #seenBytes = 0;
  readonly #found: FoundValue;
  readonly #first: number;
  readonly #last: number;
  #sorting: Generator<void, void, void> | undefined;

  /** Puts elements in an order as far as the places [first, last] are wanted. */
  constructor(
    database: Database,
    elements: ByteRecords,
    options: SortOptions,
    [first, last]: readonly [number, number],
  ) {
    const { count } = elements;
    this.#database = database;
    this.#elements = elements;
    this.#options = options;
    this.#first = first;
    this.#last = last;
    const { by, isAlpha, isUnsorted } = options;
    this.#order = new Int32Array(isUnsorted ? 0 : count);
    this.#scores = isAlpha || isUnsorted ? undefined : new Float64Array(count);
    this.#weights = isAlpha && by !== undefined ? new ByteRecords(count) : elements;
    this.#found = { tree: database.tree, leaf: 0 };
  }

  /** The index of the element at a place. */
  at(place: number): number {
    return this.#options.isUnsorted ? place : this.#order[place]!;
  }

  /** Does some work; true once all is in order. `quietly`: looks leave no trace. */
  step(quietly: boolean): boolean {
    if (this.#options.isUnsorted) return true;
    if (this.#seen < this.#order.length) {
      this.#look(quietly);
      return false;
    }
    if (this.isWrong || this.#first > this.#last) return true;
    this.#sorting ??= this.#sort();
    return this.#sorting.next().done === true;
  }

  #sort(): Generator<void, void, void> {
    const order = this.#order;
    const isPartial = this.#first > 0 || this.#last < order.length - 1;
    const longest = Math.max(this.#elements.longestBytes, this.#weights.longestBytes);
    const comparison = new Pausing(this.#compare(), 1 + longest / COMPARISON_BYTES);
    if (!isPartial || this.#options.by === undefined) {
      return mergeSort(order, 0, order.length, comparison);
    }
    return partialSort(order, this.#first, this.#last, comparison);
  }

  /** Looks at what some of the elements are sorted by. */
  #look(quietly: boolean): void {
    const { by, isAlpha } = this.#options;
    const most = by === undefined ? PIECE_SCORES : PIECE_LOOKS;
    const end = Math.min(this.#order.length, this.#seen + most);
    this.#seenBytes = 0;
    for (; this.#seen < end && this.#seenBytes < PIECE_BYTES; this.#seen += 1) {
      const i = this.#seen;
      this.#order[i] = i;
      if (by !== undefined) this.#lookUp(i, quietly);
      else if (isAlpha) this.#lookForNul(...this.#bytesOf(i));
      else this.#score(i, ...this.#bytesOf(i));
    }
  }

  #bytesOf(i: number): [Buffer, number, number] {
    const elements = this.#elements;
    return [elements.chunk(i), elements.start(i), elements.end(i)];
  }

  #lookUp(i: number, quietly: boolean): void {
    const { by, isAlpha } = this.#options;
    const found = this.#found;
    const weights = this.#weights;
    const isThere = by!.find(this.#database, ...this.#bytesOf(i), quietly, found);
    if (!isThere) {
      if (isAlpha) weights.addAbsent();
      return;
    }
    const { leaf, tree } = found;
    const bytes = tree.valueBytes(leaf);
    if (isAlpha) {
      weights.reserve(bytes);
      tree.copyValue(leaf, weights.buf, weights.at);
      this.#lookForNul(weights.buf, weights.at, weights.at + bytes);
    } else {
      const seen = Math.min(bytes, text.length);
      tree.copyValue(leaf, text, 0, 0, seen);
      this.#score(i, text, 0, seen);
    }
  }

  #score(i: number, buf: Buffer, from: number, to: number): void {
    this.#seenBytes += to - from;
    const score = sortScore(buf, from, to);
    this.#scores![i] = score;
    if (Number.isNaN(score)) this.isWrong = true;
  }

  #lookForNul(buf: Buffer, from: number, to: number): void {
    this.#seenBytes += to - from;
    if (!this.#hasNul && buf.subarray(from, to).includes(0)) this.#hasNul = true;
  }

  #compare(): Compare {
    const elements = this.#elements;
    const scores = this.#scores;
    const weights = this.#weights;
    const { by, isDescending, target } = this.#options;
    const up = isDescending ? -1 : 1;
    if (scores !== undefined) {
      return (a, b) => {
        const [x, y] = [scores[a]!, scores[b]!];
        if (x === y) return up * elements.compare(a, b);
        return x > y ? up : -up;
      };
    }
    // What is stored is the same everywhere; what is told goes by the locale, which is C.
    const asText = target === 0 && this.#hasNul;
    const order: Compare = asText
      ? (a, b) => up * weights.compareText(a, b)
      : (a, b) => up * weights.compare(a, b);
    if (by === undefined) return order;
    return (a, b) => {
      const [lacksA, lacksB] = [weights.isAbsent(a), weights.isAbsent(b)];
      if (!lacksA && !lacksB) return order(a, b);
      if (lacksA === lacksB) return 0;
      return lacksA ? -up : up;
    };
  }
}
