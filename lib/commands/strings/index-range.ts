/** Ranges of indexes as arguments, both ends included, negative ones counting from the end. */
import type { Args } from '../../../resp/args.js';

/** An index that counts from the end if negative; never below 0. */
export function fromEnd(index: number, count: number): number {
  return index < 0 ? Math.max(0, count + index) : index;
}

/**
 * Whether arguments `first` and `last` are negative and the wrong way round: then a range is empty,
 * even where both would be cut to the first element.
 */
export function isReversed(args: Args, first: number, last: number): boolean {
  const start = args.int64(first);
  const end = args.int64(last);
  if (!(start < 0 && end < 0)) return false;
  // Numbers beyond 2^53 may only seem to be the same.
  if (start === end && !Number.isSafeInteger(start)) {
    return args.bigInt64(first)! > args.bigInt64(last)!;
  }
  return start > end;
}
