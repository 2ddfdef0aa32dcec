/** What all streams of one expression share: direction, work that they may do, the slice at hand. */
import { compareKeys, type ElementKey } from './element-key.js';
import { MERGED_BYTES_MAX, MergeError, type Value } from './values.js';

/** So many bytes of a value count for a step. */
const STEP_BYTES = 1024;

/** How a move of a stream ended. */
export const FOUND = 1;
/** There is nothing more. */
export const END = 0;
/** The steps are used up: to be called again, and it goes on where it was. */
export const PENDING = -1;
export type Moved = typeof FOUND | typeof END | typeof PENDING;

export class Walk {
  readonly backward: boolean;
  /** Steps left until the next look at the clock. */
  steps = 0;
  /** Others may have written between two slices: what an element lies in has moved. */
  slice = 0;
  /** Bytes of the values of the element at hand. */
  #valueBytes = 0;

  constructor(backward: boolean) {
    this.backward = backward;
  }

  /** Negative if a walk comes to `a` before it comes to `b`. */
  compare(a: ElementKey, b: ElementKey): number {
    const order = compareKeys(a, b);
    return this.backward ? -order : order;
  }

  /** Whether a stream on `key` has come as far as it was to go. */
  hasReached(key: ElementKey, low: ElementKey | null, isIncluded: boolean): boolean {
    if (low === null) return true;
    const order = this.compare(key, low);
    return isIncluded ? order >= 0 : order > 0;
  }

  /** The values of another element are about to be read. */
  beginElement(): void {
    this.#valueBytes = 0;
  }

  /** A value of so many bytes is about to be read: one of any length, several up to a limit. */
  read(bytes: number): void {
    const isFirst = this.#valueBytes === 0;
    this.#valueBytes += bytes;
    if (!isFirst && this.#valueBytes > MERGED_BYTES_MAX)
      throw new MergeError('values are too long');
    this.steps -= bytes / STEP_BYTES;
  }

  /** An operation has made these: Append and ConCat may have made much of little. */
  made(values: readonly Value[]): void {
    let bytes = 0;
    for (const value of values) if (typeof value === 'object') bytes += value.length;
    if (values.length > 1 && bytes > MERGED_BYTES_MAX) throw new MergeError('values are too long');
    this.steps -= values.length + bytes / STEP_BYTES;
  }
}
