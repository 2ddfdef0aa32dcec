/** What all streams of one expression share: direction, work that they may do, the slice at hand. */
import { compareKeys, type ElementKey } from './element-key.js';
import { MergeError } from './values.js';

/** What a value of so many bytes counts for, in steps. */
const STEP_BYTES = 1024;
/** Of all values that one element is merged of. */
const VALUE_BYTES_MAX = 512 * 1024 * 1024;

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

  /** A value of so many bytes is about to be read. */
  spend(bytes: number): void {
    this.#valueBytes += bytes;
    if (this.#valueBytes > VALUE_BYTES_MAX) throw new MergeError('values are too long');
    this.steps -= bytes / STEP_BYTES;
  }
}
