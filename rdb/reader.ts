/**
 * Reads lengths, numbers and strings out of bytes that may be anything, and may come in pieces.
 *
 * Each read either takes what it wants, or takes nothing and says so: then `missing` is how many
 * bytes it lacks, or 0 if a long string is being decompressed and the same call shall be made
 * again. Generators (values.ts) yield there, so that their caller feeds more, or lets others run:
 *
 *   while (!reader.string()) yield;
 *
 * Where no more bytes will come, and where bytes are wrong, reads throw an RdbError.
 * Memory: the bytes not yet read, and of one string at most `stringBytesMax`, checked before it is
 * allocated. Bytes that were handed out stay as they are: nothing is overwritten.
 */
import { digitsAt } from '../resp/numbers.js';
import {
  INT32_TEXT_MAX,
  MARK_32,
  MARK_64,
  MARK_INT8,
  MARK_INT32,
  MARK_LZF,
  TWO_32,
} from './lengths.js';
import { canExpand, LzfDecompressor } from './lzf.js';
import { corrupt, RdbError } from './rdb-error.js';

const NOTHING: Buffer = Buffer.alloc(0);
/** Bytes that one call decompresses. */
const STEP_BYTES = 64 * 1024;
/** Work between two yields of a generator, in bytes; and what an element costs besides its own. */
const WORK_BYTES = 64 * 1024;
const ELEMENT_BYTES = 128;
/** Digits of integers are written into pieces of this size. */
const DIGITS_BYTES = 4096;

export interface RdbReaderOptions {
  /** Longest string, bytes; what is packed into one string counts as it. */
  readonly stringBytesMax: number;
}

export class RdbReader {
  buf: Buffer = NOTHING;
  at = 0;
  end = 0;
  /** No more bytes will come. */
  isLast = false;
  /** Bytes that the read that failed lacks. */
  missing = 0;
  /** `feed` keeps the bytes from here on, even if they were read; -1: from `at`. */
  hold = -1;
  /** The string that was read: bytes[from, to). */
  bytes: Buffer = NOTHING;
  from = 0;
  to = 0;
  readonly stringBytesMax: number;
  #high = 0;
  #low = 0;
  #work = 0;
  #decompressor: LzfDecompressor | undefined;
  #digits = Buffer.allocUnsafe(DIGITS_BYTES);
  #digitsAt = 0;

  constructor(options: RdbReaderOptions) {
    this.stringBytesMax = options.stringBytesMax;
  }

  /** All that there is. */
  static over(buf: Buffer, from: number, to: number, options: RdbReaderOptions): RdbReader {
    const reader = new RdbReader(options);
    reader.buf = buf;
    reader.at = from;
    reader.end = to;
    reader.isLast = true;
    return reader;
  }

  /** More bytes. */
  feed(chunk: Buffer): void {
    const from = this.hold < 0 ? this.at : this.hold;
    const rest = this.buf.subarray(from, this.end);
    this.buf = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    this.end = this.buf.length;
    this.at -= from;
    if (this.hold >= 0) this.hold = 0;
    this.missing = 0;
  }

  /** Whether so many bytes are at hand. */
  has(bytes: number): boolean {
    const lacking = bytes - (this.end - this.at);
    if (lacking <= 0) return true;
    if (this.isLast) throw corrupt('the bytes end in the middle of something');
    this.missing = lacking;
    return false;
  }

  /** True if it is time to yield: called once for each element. */
  isTired(): boolean {
    this.#work += ELEMENT_BYTES;
    if (this.#work < WORK_BYTES) return false;
    this.#work = 0;
    return true;
  }

  /** One byte; -1: not yet. */
  byte(): number {
    if (!this.has(1)) return -1;
    const byte = this.buf[this.at]!;
    this.at += 1;
    return byte;
  }

  /** Skips bytes; false: not yet. */
  skip(bytes: number): boolean {
    if (!this.has(bytes)) return false;
    this.at += bytes;
    return true;
  }

  /** A length or count; -1: not yet. Beyond 2^53 it is not exact: see `bigLength`. */
  length(): number {
    if (!this.has(1)) return -1;
    const first = this.buf[this.at]!;
    if (first >> 6 === 3) throw corrupt('a string where a length should be');
    return this.#length(first);
  }

  /** The length that was read last, exactly. */
  get bigLength(): bigint {
    return (BigInt(this.#high) << 32n) | BigInt(this.#low);
  }

  /** A little-endian integer of eight bytes, signed. Undefined: not yet. */
  int64(): bigint | undefined {
    if (!this.has(8)) return undefined;
    const value = this.buf.readBigInt64LE(this.at);
    this.at += 8;
    return value;
  }

  /** A double as eight bytes; undefined: not yet. */
  double(): number | undefined {
    if (!this.has(8)) return undefined;
    const value = this.buf.readDoubleLE(this.at);
    this.at += 8;
    return value;
  }

  /** A string into `bytes`, `from`, `to`; false: not yet. */
  string(): boolean {
    if (this.#decompressor !== undefined) return this.#decompress();
    const start = this.at;
    const isRead = this.#string();
    if (!isRead && this.#decompressor === undefined) this.at = start;
    return isRead;
  }

  #string(): boolean {
    if (!this.has(1)) return false;
    const first = this.buf[this.at]!;
    if (first >= MARK_INT8 && first <= MARK_INT32) return this.#integer(1 << (first - MARK_INT8));
    if (first === MARK_LZF) return this.#compressed();
    if (first > MARK_LZF) throw corrupt('no such encoding of strings');
    const bytes = this.#length(first);
    if (bytes < 0 || !this.#hasString(bytes)) return false;
    this.bytes = this.buf;
    this.from = this.at;
    this.at += bytes;
    this.to = this.at;
    this.#work += bytes;
    return true;
  }

  /** `has` of a string's bytes; longer ones than allowed are not waited for. */
  #hasString(bytes: number): boolean {
    if (this.isLast) this.has(bytes);
    if (bytes > this.stringBytesMax) throw tooLong();
    return this.has(bytes);
  }

  #integer(bytes: number): boolean {
    if (!this.has(1 + bytes)) return false;
    const value = this.buf.readIntLE(this.at + 1, bytes);
    this.at += 1 + bytes;
    if (this.#digitsAt + INT32_TEXT_MAX > DIGITS_BYTES) {
      this.#digits = Buffer.allocUnsafe(DIGITS_BYTES);
      this.#digitsAt = 0;
    }
    this.bytes = this.#digits;
    this.from = this.#digitsAt;
    this.#digitsAt = digitsAt(this.#digits, this.#digitsAt, value);
    this.to = this.#digitsAt;
    return true;
  }

  #compressed(): boolean {
    this.at += 1;
    const compressedBytes = this.length();
    const bytes = compressedBytes < 0 ? -1 : this.length();
    if (bytes < 0) return false;
    if (this.isLast) this.has(compressedBytes);
    if (compressedBytes === 0 || !canExpand(compressedBytes, bytes)) {
      throw corrupt('a compressed string that cannot be');
    }
    if (bytes > this.stringBytesMax) throw tooLong();
    if (!this.has(compressedBytes)) return false;
    const from = this.at;
    this.at += compressedBytes;
    const output = Buffer.allocUnsafe(bytes);
    this.#decompressor = new LzfDecompressor(this.buf, from, this.at, output);
    this.bytes = output;
    this.from = 0;
    this.to = bytes;
    return this.#decompress();
  }

  #decompress(): boolean {
    this.missing = 0;
    if (!this.#decompressor!.step(STEP_BYTES)) return false;
    const { ok } = this.#decompressor!;
    this.#decompressor = undefined;
    if (!ok) throw corrupt('a compressed string that is not well formed');
    this.#work += this.to;
    return true;
  }

  #length(first: number): number {
    const kind = first >> 6;
    if (kind === 0) {
      this.at += 1;
      return this.#keep(0, first);
    }
    const bytes = kind === 1 ? 2 : first === MARK_32 ? 5 : first === MARK_64 ? 9 : 0;
    if (bytes === 0) throw corrupt('no such length');
    if (!this.has(bytes)) return -1;
    const { at, buf } = this;
    this.at += bytes;
    if (bytes === 2) return this.#keep(0, ((first & 0x3f) << 8) | buf[at + 1]!);
    if (bytes === 5) return this.#keep(0, buf.readUInt32BE(at + 1));
    return this.#keep(buf.readUInt32BE(at + 1), buf.readUInt32BE(at + 5));
  }

  #keep(high: number, low: number): number {
    this.#high = high;
    this.#low = low;
    return high * TWO_32 + low;
  }
}

function tooLong(): RdbError {
  return new RdbError('tooLong', 'a string is longer than allowed');
}
