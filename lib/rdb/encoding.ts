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
import { parseInt64 } from '../../resp/numbers.js';

export const MARK_INT8 = 0xc0;
export const MARK_INT16 = 0xc1;
export const MARK_INT32 = 0xc2;
export const MARK_LZF = 0xc3;
const MARK_32 = 0x80;
const MARK_64 = 0x81;
const TWO_32 = 0x1_0000_0000;

export const LENGTH_BYTES_MAX = 9;
/** Longest text of an int32. */
const INT32_TEXT_MAX = 11;

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

/** Reads lengths and strings out of bytes that may be anything. */
export class RdbReader {
  readonly buf: Buffer;
  at: number;
  readonly end: number;
  /** What `readLength` found instead of a length: a MARK_ of a string, or 0. */
  mark = 0;

  constructor(buf: Buffer, from: number, to: number) {
    this.buf = buf;
    this.at = from;
    this.end = to;
  }

  /** One byte; -1 past the end. */
  readByte(): number {
    if (this.at >= this.end) return -1;
    const byte = this.buf[this.at]!;
    this.at += 1;
    return byte;
  }

  /** A length; -1 if there is none: the bytes end, or `mark` says what stands there instead. */
  readLength(): number {
    this.mark = 0;
    const first = this.readByte();
    if (first < 0) return -1;
    const kind = first >> 6;
    if (kind === 0) return first;
    if (kind === 1) {
      const second = this.readByte();
      return second < 0 ? -1 : ((first & 0x3f) << 8) | second;
    }
    if (kind === 3) {
      this.mark = first;
      return -1;
    }
    if (first === MARK_32) return this.#bigEndian32();
    if (first !== MARK_64) return -1;
    const high = this.#bigEndian32();
    const low = this.#bigEndian32();
    return high < 0 || low < 0 ? -1 : high * TWO_32 + low;
  }

  /** The value of an integer whose mark was read; NaN if the bytes end or it is no such mark. */
  readInteger(mark: number): number {
    const bytes = mark === MARK_INT8 ? 1 : mark === MARK_INT16 ? 2 : mark === MARK_INT32 ? 4 : 0;
    if (bytes === 0 || this.at + bytes > this.end) return NaN;
    const value = this.buf.readIntLE(this.at, bytes);
    this.at += bytes;
    return value;
  }

  #bigEndian32(): number {
    if (this.at + 4 > this.end) {
      this.at = this.end;
      return -1;
    }
    const value = this.buf.readUInt32BE(this.at);
    this.at += 4;
    return value;
  }
}
