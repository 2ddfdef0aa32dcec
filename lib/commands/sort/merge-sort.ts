/**
 * Sorts indices in pieces: runs of a few, sorted where they lie, then merged to runs of twice the
 * length, and so on. Stable, as the qsort of glibc is; n log n at worst, whatever it is given.
 */

/** By what indices are sorted. */
export interface Comparison {
  /** Negative, 0 or positive. */
  compare(a: number, b: number): number;
  /** Whether it has compared so much since this was true that others shall have a turn. */
  isTired(): boolean;
}

const RUN_LENGTH = 8;

/** Sorts order[from, to); yields when the comparison is tired. */
export function* mergeSort(
  order: Int32Array,
  from: number,
  to: number,
  comparison: Comparison,
): Generator<void, void, void> {
  for (let low = from; low < to; low += RUN_LENGTH) {
    insertionSort(order, low, Math.min(low + RUN_LENGTH, to), comparison);
    if (comparison.isTired()) yield;
  }
  const spare = new Int32Array(to - from);
  for (let length = RUN_LENGTH; length < to - from; length *= 2) {
    for (let low = from; low + length < to; low += length * 2) {
      const places = [low, low + length, Math.min(low + length * 2, to)] as const;
      yield* merge(order, places, spare, comparison);
      if (comparison.isTired()) yield;
    }
  }
}

/** Sorts a few at once. */
export function insertionSort(
  order: Int32Array,
  from: number,
  to: number,
  comparison: Comparison,
): void {
  for (let next = from + 1; next < to; next += 1) {
    const index = order[next]!;
    let at = next;
    for (; at > from && comparison.compare(order[at - 1]!, index) > 0; at -= 1)
      order[at] = order[at - 1]!;
    order[at] = index;
  }
}

/** Merges order[low, middle) and order[middle, high), which are sorted. */
function* merge(
  order: Int32Array,
  [low, middle, high]: readonly [number, number, number],
  spare: Int32Array,
  comparison: Comparison,
): Generator<void, void, void> {
  if (comparison.compare(order[middle - 1]!, order[middle]!) <= 0) return;
  spare.set(order.subarray(low, middle));
  const leftEnd = middle - low;
  let left = 0;
  let right = middle;
  for (let at = low; left < leftEnd; at += 1) {
    const takesRight = right < high && comparison.compare(spare[left]!, order[right]!) > 0;
    if (takesRight) {
      order[at] = order[right]!;
      right += 1;
    } else {
      order[at] = spare[left]!;
      left += 1;
    }
    if (comparison.isTired()) yield;
  }
}
