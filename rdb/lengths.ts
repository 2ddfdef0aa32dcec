/**
 * Lengths and strings as in RDB, Redis's file and dump format.
 *
 *   length    00LLLLLL                         up to 63
 *             01LLLLLL llllllll                up to 16383
 *             10000000 + 4 bytes big-endian    up to 2^32-1
 *             10000001 + 8 bytes big-endian
 *   string    length, bytes
 *             11000000 + int8 | 11000001 + int16 | 11000010 + int32   decimal digits, little-endian
 *             11000011 + length of what follows, length of the string, its LZF compression
 */
import { parseInt64 } from '../resp/numbers.js';

export const MARK_INT8 = 0xc0;
export const MARK_INT16 = 0xc1;
export const MARK_INT32 = 0xc2;
export const MARK_LZF = 0xc3;
export const MARK_32 = 0x80;
export const MARK_64 = 0x81;
export const TWO_32 = 0x1_0000_0000;

/** Longest text of an int32. */
export const INT32_TEXT_MAX = 11;

/** Writes a length at buf[at, ...) and returns the end. */
export function writeLength(buf: Buffer, at: number, length: number): number {
  if (length < 1 << 6) {
    buf[at] = length;
    return at + 1;
  }
  if (length < 1 << 14) {
    buf[at] = 0x40 | (length >> 8);
    buf[at + 1] = length;
    return at + 2;
  }
  if (length < TWO_32) {
    buf[at] = MARK_32;
    return buf.writeUInt32BE(length, at + 1);
  }
  buf[at] = MARK_64;
  buf.writeUInt32BE(Math.floor(length / TWO_32), at + 1);
  return buf.writeUInt32BE(length % TWO_32, at + 5);
}

/** `writeLength` of any number of 64 bits. */
export function writeBigLength(buf: Buffer, at: number, length: bigint): number {
  if (length < TWO_32) return writeLength(buf, at, Number(length));
  buf[at] = MARK_64;
  return buf.writeBigUInt64BE(length, at + 1);
}

/**
 * Writes buf[from, to) at target[at, ...) as an integer, if it is the canonical text of an int32.
 * Returns the end, or `at` if it is not.
 */
export function writeInteger(
  target: Buffer,
  at: number,
  buf: Buffer,
  from: number,
  to: number,
): number {
  if (to - from > INT32_TEXT_MAX) return at;
  const value = parseInt64(buf, from, to);
  if (value >= -0x80 && value <= 0x7f) {
    target[at] = MARK_INT8;
    return target.writeInt8(value, at + 1);
  }
  if (value >= -0x8000 && value <= 0x7fff) {
    target[at] = MARK_INT16;
    return target.writeInt16LE(value, at + 1);
  }
  if (value >= -0x8000_0000 && value <= 0x7fff_ffff) {
    target[at] = MARK_INT32;
    return target.writeInt32LE(value, at + 1);
  }
  return at;
}
