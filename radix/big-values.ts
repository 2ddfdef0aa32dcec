/**
 * Values too long for an arena: each a list of segments of its own.
 *
 *   value 7   bytes 2 621 440
 *             segments [ 1 MiB ][ 1 MiB ][ 512 KiB ]
 *
 * All segments but the last are 1 MiB; the last is as long as it must be, and doubles when the
 * value grows, so appending costs O(appended) amortised and a write in the middle O(written). One
 * buffer per value would be simpler, but growing it would copy, and 512 MiB copy in 400 ms.
 *
 * A segment that nobody has written to is the shared segment of zeros: SETBIT far out costs a
 * list of pointers, not half a gigabyte.
 *
 * A value can be held as it is, for a reader of many turns: it shares the segments then, and who
 * writes to a shared segment gets one of his own first. So a hold costs pointers, and each write
 * at most a mebibyte more, whatever the length.
 *
 * Invariants: a segment with holders is not written to; bytes of the last segment behind the value's end are zero, so growing shows zeros
 * and block hashes (see entry-hash.ts) may read to the end of a word; the shared segment is never
 * written to; `usedBytes` and `reservedBytes` are exact.
 */

import { strict as assert } from 'node:assert';
import { BLOCK_BYTES, type EntryHash } from './entry-hash.js';

const SEGMENT_SHIFT = 20;
const SEGMENT_BYTES = 1 << SEGMENT_SHIFT;
const OFFSET_MASK = SEGMENT_BYTES - 1;
/** Segments are whole pages, and thus whole blocks of the hash. */
const PAGE_BYTES = 4096;
/** Whole segments kept for reuse, so that overwriting big values leaves the collector alone. */
const SPARE_SEGMENTS_MAX = 16;

export const BIG_VALUE_BYTES_MAX = 2 ** 32 - 1;

interface Segment {
  u8: Buffer;
  i32: Int32Array;
  /** How many values and holds have it, besides one. */
  otherHolders: number;
}

interface BigValue {
  bytes: number;
  segments: Segment[];
}

/** What a value was at one moment. */
export interface HeldValue {
  readonly bytes: number;
  readonly segments: readonly Segment[];
}

function newSegment(bytes: number): Segment {
  const memory = new ArrayBuffer(bytes);
  return { u8: Buffer.from(memory), i32: new Int32Array(memory), otherHolders: 0 };
}

export class BigValues {
  readonly #values: (BigValue | null)[] = [];
  readonly #freeIndexes: number[] = [];
  readonly #spare: Segment[] = [];
  readonly #zeros: Segment = newSegment(SEGMENT_BYTES);
  #usedBytes = 0;
  #reservedBytes = 0;

  /** Bytes of all values. Zeros that nobody wrote count, though they may take no memory. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Bytes of all segments got from the system, spare ones too. */
  get reservedBytes(): number {
    return this.#reservedBytes;
  }

  /** How many values there are. */
  get count(): number {
    return this.#values.length - this.#freeIndexes.length;
  }

  /** A new value of zeros. Returns its index. */
  create(bytes: number): number {
    const value: BigValue = { bytes: 0, segments: [] };
    const index = this.#freeIndexes.pop() ?? this.#values.length;
    this.#values[index] = value;
    this.resize(index, bytes);
    return index;
  }

  free(index: number): void {
    const value = this.#value(index);
    for (const segment of value.segments) this.#releaseSegment(segment);
    this.#usedBytes -= value.bytes;
    this.#values[index] = null;
    this.#freeIndexes.push(index);
  }

  /** The value as it is now, until `release`. `usedBytes` does not count it. */
  hold(index: number): HeldValue {
    const { bytes, segments } = this.#value(index);
    return { bytes, segments: this.#shared(segments) };
  }

  release(held: HeldValue): void {
    for (const segment of held.segments) this.#releaseSegment(segment);
  }

  /** Gives a value the contents of another one, as `hold` would. */
  become(index: number, other: number): void {
    const value = this.#value(index);
    const { bytes, segments } = this.#value(other);
    const shared = this.#shared(segments);
    for (const segment of value.segments) this.#releaseSegment(segment);
    value.segments = shared;
    this.#usedBytes += bytes - value.bytes;
    value.bytes = bytes;
  }

  #shared(segments: readonly Segment[]): Segment[] {
    for (const segment of segments) if (segment !== this.#zeros) segment.otherHolders += 1;
    return [...segments];
  }

  /** Length of the value. */
  bytes(index: number): number {
    return this.#value(index).bytes;
  }

  /** Bytes of memory that the value takes, room for growth included. */
  memoryOf(index: number): number {
    let bytes = 0;
    for (const segment of this.#value(index).segments) {
      if (segment !== this.#zeros) bytes += segment.u8.length;
    }
    return bytes;
  }

  /** Cuts the value off, or lets it grow by zeros. */
  resize(index: number, bytes: number): void {
    assert(bytes >= 0 && bytes <= BIG_VALUE_BYTES_MAX);
    const value = this.#value(index);
    if (bytes < value.bytes) this.#shrink(value, bytes);
    else if (bytes > value.bytes) this.#grow(value, bytes);
    this.#usedBytes += bytes - value.bytes;
    value.bytes = bytes;
  }

  /** Copies source[from, to) to `offset`, growing the value first if it ends before. */
  write(index: number, offset: number, source: Buffer, from: number, to: number): void {
    const value = this.#value(index);
    if (offset + to - from > value.bytes) this.resize(index, offset + to - from);
    let at = offset;
    let i = from;
    while (i < to) {
      const within = at & OFFSET_MASK;
      const bytes = Math.min(to - i, SEGMENT_BYTES - within);
      const segment = this.#writable(value, at >>> SEGMENT_SHIFT, bytes === SEGMENT_BYTES);
      source.copy(segment.u8, within, i, i + bytes);
      at += bytes;
      i += bytes;
    }
  }

  /** Copies value[offset, offset + bytes) to target[at...]; returns the index after the last. */
  read(index: number, offset: number, target: Buffer, at: number, bytes: number): number {
    return this.readHeld(this.#value(index), offset, target, at, bytes);
  }

  /** As `read`. */
  readHeld(value: HeldValue, offset: number, target: Buffer, at: number, bytes: number): number {
    assert(offset >= 0 && bytes >= 0 && offset + bytes <= value.bytes);
    const end = offset + bytes;
    let from = offset;
    let to = at;
    while (from < end) {
      const within = from & OFFSET_MASK;
      const length = Math.min(end - from, SEGMENT_BYTES - within);
      const segment = value.segments[from >>> SEGMENT_SHIFT]!.u8;
      segment.copy(target, to, within, within + length);
      from += length;
      to += length;
    }
    return at + bytes;
  }

  /** One byte; the caller knows that it lies within the value. */
  byteAt(index: number, offset: number): number {
    const segments = this.#value(index).segments;
    return segments[offset >>> SEGMENT_SHIFT]!.u8[offset & OFFSET_MASK]!;
  }

  /** Like memcmp of the value and other[from, to): negative, 0 or positive. */
  compare(index: number, other: Uint8Array, from: number, to: number): number {
    const value = this.#value(index);
    const end = Math.min(value.bytes, to - from);
    for (let at = 0; at < end; at += SEGMENT_BYTES) {
      const length = Math.min(end - at, SEGMENT_BYTES);
      const segment = value.segments[at >>> SEGMENT_SHIFT]!.u8;
      const order = segment.compare(other, from + at, from + at + length, 0, length);
      if (order !== 0) return order;
    }
    return value.bytes - (to - from);
  }

  /**
   * Sums into `hash` the hashes of all blocks that value[from, to) touches. Before and after a
   * change of these bytes the difference is what the change adds to the value's hash.
   */
  hash(index: number, hash: EntryHash, from: number, to: number): void {
    const value = this.#value(index);
    const end = Math.min(Math.ceil(to / BLOCK_BYTES) * BLOCK_BYTES, value.bytes);
    let low = 0;
    let high = 0;
    let at = from - (from % BLOCK_BYTES);
    while (at < end) {
      const within = at & OFFSET_MASK;
      const segmentEnd = at - within + SEGMENT_BYTES;
      const stop = Math.min(segmentEnd, end);
      const segment = value.segments[at >>> SEGMENT_SHIFT]!;
      if (segment !== this.#zeros) {
        hash.hashBlocks(segment.i32, within >>> 2, stop - at, at / BLOCK_BYTES);
        low = (low + hash.low) | 0;
        high = (high + hash.high) | 0;
      }
      at = segmentEnd;
    }
    hash.low = low;
    hash.high = high;
  }

  #value(index: number): BigValue {
    const value = this.#values[index];
    assert(value !== undefined && value !== null, 'no such big value');
    return value;
  }

  #grow(value: BigValue, bytes: number): void {
    const segments = value.segments;
    const full = bytes >>> SEGMENT_SHIFT;
    const rest = bytes - full * SEGMENT_BYTES;
    const last = segments.at(-1);
    if (last !== undefined && last.u8.length < SEGMENT_BYTES) {
      const needed = full >= segments.length ? SEGMENT_BYTES : rest;
      if (needed > last.u8.length) {
        const doubled = Math.min(SEGMENT_BYTES, Math.max(needed, last.u8.length * 2));
        segments[segments.length - 1] = this.#enlarged(last, doubled);
      }
    }
    while (segments.length < full) segments.push(this.#zeros);
    // A first segment that is not whole is made to measure: most big values never grow.
    if (rest > 0 && segments.length === full) {
      segments.push(full > 0 ? this.#zeros : this.#allocate(rest));
    }
  }

  #shrink(value: BigValue, bytes: number): void {
    const segments = value.segments;
    const kept = Math.ceil(bytes / SEGMENT_BYTES);
    while (segments.length > kept) this.#releaseSegment(segments.pop()!);
    if (kept === 0 || segments[kept - 1] === this.#zeros) return;
    const last = this.#writable(value, kept - 1, false);
    const within = bytes - (kept - 1) * SEGMENT_BYTES;
    last.u8.fill(0, within, Math.min(last.u8.length, within + value.bytes - bytes));
  }

  /** The segment, made the value's own if others have it too; `isFilled` next by the caller. */
  #writable(value: BigValue, number: number, isFilled: boolean): Segment {
    const segment = value.segments[number]!;
    if (segment !== this.#zeros && segment.otherHolders === 0) return segment;
    if (segment !== this.#zeros) return this.#ownCopy(value, number, isFilled);
    const isLast = number === value.segments.length - 1;
    const bytes = isLast ? value.bytes - number * SEGMENT_BYTES : SEGMENT_BYTES;
    const own = this.#allocate(bytes, isFilled);
    value.segments[number] = own;
    return own;
  }

  #ownCopy(value: BigValue, number: number, isFilled: boolean): Segment {
    const segment = value.segments[number]!;
    const own = this.#allocate(segment.u8.length, true);
    if (!isFilled) segment.u8.copy(own.u8);
    this.#releaseSegment(segment);
    value.segments[number] = own;
    return own;
  }

  #enlarged(segment: Segment, bytes: number): Segment {
    const larger = this.#allocate(bytes);
    larger.u8.set(segment.u8);
    this.#releaseSegment(segment);
    return larger;
  }

  /** A segment with room for so many bytes, of zeros unless the caller fills it. */
  #allocate(bytes: number, isFilled = false): Segment {
    const rounded = Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
    if (rounded === SEGMENT_BYTES) {
      const spare = this.#spare.pop();
      if (spare !== undefined) {
        if (!isFilled) spare.u8.fill(0);
        return spare;
      }
    }
    this.#reservedBytes += rounded;
    return newSegment(rounded);
  }

  #releaseSegment(segment: Segment): void {
    if (segment === this.#zeros) return;
    if (segment.otherHolders > 0) {
      segment.otherHolders -= 1;
      return;
    }
    if (segment.u8.length === SEGMENT_BYTES && this.#spare.length < SPARE_SEGMENTS_MAX) {
      this.#spare.push(segment);
    } else {
      this.#reservedBytes -= segment.u8.length;
    }
  }
}
