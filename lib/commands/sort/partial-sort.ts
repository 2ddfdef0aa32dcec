/**
 * Sorts indices so that those at some places are right, and no more: SORT ... BY ... LIMIT. It is
 * the quicksort of Bentley and McIlroy ("Engineering a Sort Function", 1993) that leaves out parts
 * where none of these places lies.
 *
 *   | = p | < p |   not looked at yet   | > p | = p |        then what is equal is swapped inwards
 *      equal  low                      high  equal
 *
 * It is not stable: which of several with the same weight come out is given by its every step. So
 * the steps are those of Redis (pqsort.c), for the same reply. Where they would take quadratic time,
 * as input can be made to do, the merge sort takes over.
 */
import { type Comparison, insertionSort, mergeSort } from './merge-sort.js';

/** Fewer are sorted by insertion. */
const SMALL = 7;
/** Of more than this many the middle of nine is taken, not of three. */
const MEDIUM = 40;
/** Comparisons allowed for each index and each halving. */
const COMPARISONS_MAX = 8;

/** Sorts order[0, order.length) as far as the places [first, last] go. */
export function* partialSort(
  order: Int32Array,
  first: number,
  last: number,
  comparison: Comparison,
): Generator<void, void, void> {
  const sort = new PartialSort(order, first, last, comparison);
  yield* sort.part(0, order.length);
  if (sort.isExhausted) yield* mergeSort(order, 0, order.length, comparison);
}

class PartialSort {
  readonly #order: Int32Array;
  readonly #first: number;
  readonly #last: number;
  readonly #comparison: Comparison;
  #comparisonsLeft: number;

  constructor(order: Int32Array, first: number, last: number, comparison: Comparison) {
    this.#order = order;
    this.#first = first;
    this.#last = last;
    this.#comparison = comparison;
    const halvings = 32 - Math.clz32(order.length);
    this.#comparisonsLeft = order.length * halvings * COMPARISONS_MAX;
  }

  /** It has given up; `order` holds the same indices still. */
  get isExhausted(): boolean {
    return this.#comparisonsLeft < 0;
  }

  /** Sorts order[from, to). */
  *part(from: number, to: number): Generator<void, void, void> {
    let low = from;
    const high = to;
    for (let isLast = false; !isLast && !this.isExhausted; ) {
      isLast = true;
      if (high - low < SMALL) {
        insertionSort(this.#order, low, high, this.#comparison);
        return;
      }
      this.#swap(low, this.#choosePivot(low, high - low));
      const { lessCount, moreCount } = yield* this.#divide(low, high);
      if (lessCount > 1 && this.#isWanted(low, low + lessCount)) {
        yield* this.part(low, low + lessCount);
      }
      if (moreCount > 1 && this.#isWanted(high - moreCount, high)) {
        low = high - moreCount;
        isLast = false;
      }
    }
  }

  /** Whether a place that is asked for lies in [from, to), or around it. */
  #isWanted(from: number, to: number): boolean {
    const isBelow = this.#first < from && this.#last < from;
    const isAbove = this.#first >= to && this.#last >= to;
    return !isBelow && !isAbove;
  }

  #choosePivot(from: number, count: number): number {
    const middle = from + Math.floor(count / 2);
    if (count <= SMALL) return middle;
    const last = from + count - 1;
    if (count <= MEDIUM) return this.#medianOf(from, middle, last);
    const step = Math.floor(count / 8);
    return this.#medianOf(
      this.#medianOf(from, from + step, from + 2 * step),
      this.#medianOf(middle - step, middle, middle + step),
      this.#medianOf(last - 2 * step, last - step, last),
    );
  }

  #medianOf(a: number, b: number, c: number): number {
    if (this.#compareAt(a, b) < 0) {
      if (this.#compareAt(b, c) < 0) return b;
      return this.#compareAt(a, c) < 0 ? c : a;
    }
    if (this.#compareAt(b, c) > 0) return b;
    return this.#compareAt(a, c) < 0 ? a : c;
  }

  /** Divides order[from, to) by its first index; how many come before it, and behind it. */
  *#divide(
    from: number,
    to: number,
  ): Generator<void, { lessCount: number; moreCount: number }, void> {
    let lowEqual = from + 1;
    let low = from + 1;
    let high = to - 1;
    let highEqual = to - 1;
    for (;;) {
      for (; low <= high; low += 1) {
        const sign = this.#compareAt(low, from);
        if (sign > 0) break;
        if (sign === 0) {
          this.#swap(lowEqual, low);
          lowEqual += 1;
        }
        if (this.#comparison.isTired()) yield;
      }
      for (; low <= high; high -= 1) {
        const sign = this.#compareAt(high, from);
        if (sign < 0) break;
        if (sign === 0) {
          this.#swap(high, highEqual);
          highEqual -= 1;
        }
        if (this.#comparison.isTired()) yield;
      }
      if (low > high) break;
      this.#swap(low, high);
      low += 1;
      high -= 1;
    }
    const lessCount = low - lowEqual;
    const moreCount = highEqual - high;
    this.#swapBlocks(from, low, Math.min(lowEqual - from, lessCount));
    this.#swapBlocks(low, to, Math.min(moreCount, to - 1 - highEqual));
    return { lessCount, moreCount };
  }

  /** Compares what stands at two places. */
  #compareAt(a: number, b: number): number {
    this.#comparisonsLeft -= 1;
    return this.#comparison.compare(this.#order[a]!, this.#order[b]!);
  }

  #swap(a: number, b: number): void {
    const order = this.#order;
    const kept = order[a]!;
    order[a] = order[b]!;
    order[b] = kept;
  }

  /** Swaps the first `count` from a place on with the last ones before `end`. */
  #swapBlocks(from: number, end: number, count: number): void {
    for (let i = 0; i < count; i += 1) this.#swap(from + i, end - count + i);
  }
}
