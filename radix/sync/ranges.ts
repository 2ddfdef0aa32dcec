/**
 * Ranges: cuts a replica into up to 256 sub ranges with about as many items each, wherever the keys
 * lie, and sums them up. What two sides' digests of them tell, estimate.ts reads.
 *
 *   items      |............|............|............|............|
 *   window            [..]         [..]         [..]                  a quarter of a range each way
 *   bound              "b"          "ca"         "u:4"                the shortest place in it
 *   digest         9f21         03c4         5a5a         e710        16 bits of each
 *
 * A bound may lie anywhere in its window, and the shortest costs least to send: keys that are
 * uniform give the 255 first bytes, which are one run. What is left behind a bound is shared out
 * anew, so that the bounds need not keep to ranks that chance has moved away from the short ones.
 */

import type { ByteReader, ByteWriter } from './bytes.js';
import type { Piece } from './dropper.js';
import type { Task } from './link.js';
import { comparePlaces, encodePlaces, FIRST_PLACE, type Place } from './place.js';
import type { Prefix, Replica } from './replica.js';
import type { Item } from './takers.js';

export const RANGES_MAX = 256;
/** Low bits of a range's digest that are those of its count. */
export const DIGEST_COUNT_BITS = 4;
const DIGEST_COUNT_MASK = 2 ** DIGEST_COUNT_BITS - 1;
/** Fewer items in a range than these are not worth its digest. */
const RANGE_ITEMS_MIN = 16;
/** A bound may lie this part of a range off its place, each way. */
const WINDOW_SHARE = 0.25;
/** Ranges whose bounds take more bytes are fewer: telling little differences from none is dear. */
const BOUNDS_BYTES_FEW = 384;
const RANGES_FEWER = 192;
/** What bounds may take of a frame at most; digests need 512 bytes. */
const BOUNDS_BYTES_MAX = 48 * 1024;
/** Ranges summed up in one slice of work. */
const SLICE_RANGES = 64;
const NOTHING: Prefix = { count: 0, low: 0, high: 0 };

/** Writes the inner bounds of sub ranges with about equally many items; returns those written. */
export function* writeBalancedBounds(replica: Replica, writer: ByteWriter): Task<Place[]> {
  let rangeCount = Math.min(RANGES_MAX, Math.floor(replica.prefix(null).count / RANGE_ITEMS_MIN));
  for (;;) {
    const bounds = yield* balancedBounds(replica, rangeCount);
    const written = encodePlaces(writer, bounds, BOUNDS_BYTES_MAX);
    if (rangeCount <= RANGES_FEWER || writer.length <= BOUNDS_BYTES_FEW) return written;
    rangeCount = RANGES_FEWER;
    writer.clear();
  }
}

function* balancedBounds(replica: Replica, rangeCount: number): Task<Place[]> {
  const { count } = replica.prefix(null);
  const bounds: Place[] = [];
  let rank = 0;
  for (let left = rangeCount; left > 1; left--) {
    const items = (count - rank) / left;
    const slack = Math.floor(items * WINDOW_SHARE);
    const bound = replica.placeNear(rank + Math.round(items), slack);
    if (bound === null) break;
    // Writers may have moved what is there.
    if (bounds.length > 0 && comparePlaces(bounds.at(-1)!, bound) >= 0) break;
    bounds.push(bound);
    rank = replica.prefix(bound).count;
    if (left % SLICE_RANGES === 0) yield 'slice';
  }
  return bounds;
}

/** The sub ranges between bounds: range `i` is [starts[i], starts[i + 1]). */
export class Ranges {
  readonly starts: Place[];
  /** Items, and sums of hashes, of each. */
  readonly counts: Float64Array;
  readonly lows: Int32Array;
  readonly highs: Int32Array;
  /** Items before each. */
  readonly ranks: Float64Array;

  private constructor(bounds: readonly Place[]) {
    this.starts = [FIRST_PLACE, ...bounds];
    const { length } = this.starts;
    this.counts = new Float64Array(length);
    this.lows = new Int32Array(length);
    this.highs = new Int32Array(length);
    this.ranks = new Float64Array(length);
  }

  /** Sums up a replica, in slices: each range is as it was at one moment. */
  static *of(replica: Replica, bounds: readonly Place[]): Task<Ranges> {
    const ranges = new Ranges(bounds);
    let before: Prefix = NOTHING;
    for (let i = 0; i < ranges.length; i++) {
      if (i % SLICE_RANGES === 0 && i > 0) {
        yield 'slice';
        before = replica.prefix(ranges.starts[i]!);
      }
      const prefix = replica.prefix(ranges.end(i));
      ranges.ranks[i] = before.count;
      ranges.counts[i] = prefix.count - before.count;
      ranges.lows[i] = prefix.low - before.low;
      ranges.highs[i] = prefix.high - before.high;
      before = prefix;
    }
    return ranges;
  }

  get length(): number {
    return this.starts.length;
  }

  /** Where a range ends; null: at the end of all. */
  end(index: number): Place | null {
    return this.starts[index + 1] ?? null;
  }

  /** A range as it was summed up. */
  piece(index: number): Piece {
    const [count, low, high] = [this.counts[index]!, this.lows[index]!, this.highs[index]!];
    return { from: this.starts[index]!, to: this.end(index), count, low, high };
  }

  /** The 16 bits by which two sides compare a range: the lowest are those of its count. */
  digest(index: number, salt: number): number {
    const count = this.counts[index]!;
    let x = (this.lows[index]! + Math.imul(this.highs[index]!, salt)) ^ count;
    x = Math.imul(x ^ (x >>> 15), 0x2c1b3c6d);
    x = Math.imul(x ^ (x >>> 12), 0x297a2d39);
    return ((x >>> 20) << DIGEST_COUNT_BITS) | (count & DIGEST_COUNT_MASK);
  }
}

/** Sums over the items of each range that both sides have. At first over all. */
export class CommonSums {
  readonly #counts: Float64Array;
  readonly #lows: Int32Array;
  readonly #highs: Int32Array;

  constructor({ counts, highs, lows }: Ranges) {
    this.#counts = counts.slice();
    this.#lows = lows.slice();
    this.#highs = highs.slice();
  }

  /** Nothing of the range is in common; to be followed by `add` or `addAll`. */
  clear(range: number): void {
    this.#counts[range] = 0;
    this.#lows[range] = 0;
    this.#highs[range] = 0;
  }

  add({ high, low }: Item, range: number): void {
    this.#counts[range]!++;
    this.#lows[range]! += low;
    this.#highs[range]! += high;
  }

  addAll(range: number, { count, high, low }: Prefix): void {
    this.#counts[range]! += count;
    this.#lows[range]! += low;
    this.#highs[range]! += high;
  }

  subtract({ high, low }: Item, range: number): void {
    this.#counts[range]!--;
    this.#lows[range]! -= low;
    this.#highs[range]! -= high;
  }

  encode(writer: ByteWriter): void {
    for (const [range, count] of this.#counts.entries()) {
      writer.varint(Math.max(0, count));
      writer.u32(this.#lows[range]!);
      writer.u32(this.#highs[range]!);
    }
  }

  /** The ranges whose sums on the other side, as encoded there, are the same. */
  decodeEqual(reader: ByteReader): number[] {
    const equal: number[] = [];
    for (const [range, count] of this.#counts.entries()) {
      const [theirs, low, high] = [reader.varint(), reader.i32(), reader.i32()];
      const isSame = low === this.#lows[range]! && high === this.#highs[range]!;
      if (isSame && theirs === count) equal.push(range);
    }
    reader.end();
    return equal;
  }
}

/** The salt of an attempt. */
export function saltOf(sessionSalt: number, attempt: number): number {
  return (sessionSalt + Math.imul(attempt, 0x9e3779b1)) | 0;
}
