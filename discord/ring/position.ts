/**
 * Positions: where members stand on the ring. Positions and keys are one space, byte strings in
 * the order of their bytes, a prefix first; behind the last comes the first again.
 *
 * A range is (from, to]: behind its predecessor's position, up to and including the member's own.
 * If `to` <= `from` it goes round the end; `from` equal to `to` is the whole circle, the range of a
 * member that is alone.
 */

/** As keys. */
export const POSITION_BYTES_MAX = 64 * 1024;

export interface RingRange {
  readonly from: Buffer;
  readonly to: Buffer;
}

/** A view of the same bytes as a Buffer. */
export function bufferOf(bytes: Uint8Array): Buffer {
  if (Buffer.isBuffer(bytes)) return bytes;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Negative, 0 or positive, as `a` is before, at or behind `b`. */
export function comparePositions(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}

export function isInRange({ from, to }: RingRange, key: Uint8Array): boolean {
  const isBehindFrom = comparePositions(key, from) > 0;
  const isUpToTo = comparePositions(key, to) <= 0;
  return comparePositions(from, to) < 0 ? isBehindFrom && isUpToTo : isBehindFrom || isUpToTo;
}
