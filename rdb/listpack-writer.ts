/** Writes a listpack (packed.ts), each element in its shortest encoding, as Redis does. */
import { parseBigInt64, parseInt64 } from '../resp/numbers.js';

const HEADER_BYTES = 6;
const COUNT_UNKNOWN = 0xffff;
/** Encoding and length from behind, at most. */
const ELEMENT_BYTES_MAX = 10;
/** Longest text of an integer of 64 bits. */
const INT64_TEXT_MAX = 20;

export class ListpackWriter {
  #buf = Buffer.allocUnsafe(128);
  #at = HEADER_BYTES;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Without the end mark. */
  get bytes(): number {
    return this.#at;
  }

  /** Adds an element: an integer if the bytes are the text of one. */
  add(buf: Buffer, from: number, to: number): void {
    this.#reserve(ELEMENT_BYTES_MAX + to - from);
    this.#count += 1;
    const start = this.#at;
    const integer = to - from <= INT64_TEXT_MAX ? parseInt64(buf, from, to) : NaN;
    if (Number.isNaN(integer)) this.#string(buf, from, to);
    else if (Number.isSafeInteger(integer)) this.#integer(integer);
    else this.#int64(parseBigInt64(buf, from, to)!);
    this.#backLength(this.#at - start);
  }

  /** Adds an integer of 64 bits. */
  addInteger(value: number | bigint): void {
    this.#reserve(ELEMENT_BYTES_MAX);
    this.#count += 1;
    const start = this.#at;
    if (typeof value === 'number') this.#integer(value);
    else this.#int64(value);
    this.#backLength(this.#at - start);
  }

  /** The whole listpack. */
  finish(): Buffer {
    this.#reserve(1);
    this.#buf[this.#at] = 0xff;
    const bytes = this.#at + 1;
    this.#buf.writeUInt32LE(bytes, 0);
    this.#buf.writeUInt16LE(Math.min(this.#count, COUNT_UNKNOWN), 4);
    return this.#buf.subarray(0, bytes);
  }

  #integer(value: number): void {
    const buf = this.#buf;
    if (value >= 0 && value <= 127) {
      buf[this.#at] = value;
      this.#at += 1;
    } else if (value >= -4096 && value <= 4095) {
      this.#at = buf.writeUInt16BE(0xc000 | (value & 0x1fff), this.#at);
    } else if (value >= -(2 ** 31) && value < 2 ** 31) {
      const bytes = fits(value, 16) ? 2 : fits(value, 24) ? 3 : 4;
      buf[this.#at] = 0xf1 + bytes - 2;
      this.#at = buf.writeIntLE(value, this.#at + 1, bytes);
    } else {
      this.#int64(BigInt(value));
    }
  }

  #int64(value: bigint): void {
    this.#buf[this.#at] = 0xf4;
    this.#at = this.#buf.writeBigInt64LE(value, this.#at + 1);
  }

  #string(buf: Buffer, from: number, to: number): void {
    const bytes = to - from;
    if (bytes < 1 << 6) {
      this.#buf[this.#at] = 0x80 | bytes;
      this.#at += 1;
    } else if (bytes < 1 << 12) {
      this.#at = this.#buf.writeUInt16BE(0xe000 | bytes, this.#at);
    } else {
      this.#buf[this.#at] = 0xf0;
      this.#at = this.#buf.writeUInt32LE(bytes, this.#at + 1);
    }
    this.#at += buf.copy(this.#buf, this.#at, from, to);
  }

  #backLength(bytes: number): void {
    const size = backLengthBytes(bytes);
    let rest = bytes;
    for (let i = size - 1; i >= 0; i -= 1) {
      this.#buf[this.#at + i] = (rest & 127) | (i > 0 ? 128 : 0);
      rest >>>= 7;
    }
    this.#at += size;
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#buf.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buf.length * 2, this.#at + bytes));
    this.#buf.copy(larger, 0, 0, this.#at);
    this.#buf = larger;
  }
}

/** How many bytes the length of an element of `bytes` bytes takes, behind it. */
export function backLengthBytes(bytes: number): number {
  if (bytes <= 127) return 1;
  if (bytes < 16_383) return 2;
  if (bytes < 2_097_151) return 3;
  return bytes < 268_435_455 ? 4 : 5;
}

function fits(value: number, bits: number): boolean {
  return value >= -(2 ** (bits - 1)) && value < 2 ** (bits - 1);
}
