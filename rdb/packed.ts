/**
 * Small collections that Redis keeps, and serialises, in one string: element after element.
 *
 *   listpack   total bytes 4 B, count 2 B, { encoding and data, its length from behind }, ff
 *   ziplist    total bytes 4 B, offset of the last 4 B, count 2 B,
 *              { length of the one before, encoding, data }, ff
 *   intset     bytes per integer 4 B (2, 4 or 8), count 4 B, integers in ascending order
 *   zipmap     count 1 B, { length, key, length, unused 1 B, value, unused bytes }, ff
 *
 * All little-endian, but for lengths inside a ziplist and the long ones of listpacks' strings. Each
 * is checked to the last byte: what is handed out lies inside, and it ends where it says.
 *
 * After `next`, bytes[from, to) is the element, an integer in decimal digits. A count that does not
 * fit (65535, in a zipmap 254) stands for any.
 */
import { digitsAt } from '../resp/numbers.js';
import { backLengthBytes } from './listpack-writer.js';
import { corrupt } from './rdb-error.js';

const DIGITS_BYTES = 4096;
const INT64_TEXT_MAX = 20;
const COUNT_UNKNOWN = 0xffff;
const END = 0xff;

/** A string of elements: `next` until it is false. */
export abstract class Packed {
  protected readonly buf: Buffer;
  protected at: number;
  protected readonly end: number;
  bytes: Buffer;
  from = 0;
  to = 0;
  #digits = Buffer.allocUnsafe(DIGITS_BYTES);
  #digitsAt = 0;

  constructor(buf: Buffer, from: number, to: number) {
    this.buf = buf;
    this.at = from;
    this.end = to;
    this.bytes = buf;
  }

  /** Moves to the next element; false if there is none. Throws an RdbError if it is corrupt. */
  abstract next(): boolean;

  /** Checks that so many bytes are left. */
  protected need(bytes: number): void {
    if (bytes > this.end - this.at) throw corrupt('packed elements that end too early');
  }

  /** The bytes at `at` are the element; moves behind them. */
  protected take(bytes: number): true {
    this.need(bytes);
    this.bytes = this.buf;
    this.from = this.at;
    this.at += bytes;
    this.to = this.at;
    return true;
  }

  /** The integer of so many bytes at `at` is the element; moves behind it. */
  protected takeInteger(bytes: number): true {
    this.need(bytes);
    const { at, buf } = this;
    this.at += bytes;
    if (bytes < 8) return this.integer(buf.readIntLE(at, bytes));
    const high = buf.readInt32LE(at + 4);
    // What is exact as a double needs no 64-bit integer.
    if (high >= -0x20_0000 && high < 0x20_0000) {
      return this.integer(high * 0x1_0000_0000 + buf.readUInt32LE(at));
    }
    this.#reserve();
    this.from = this.#digitsAt;
    const text = String(buf.readBigInt64LE(at));
    this.#digitsAt += this.#digits.write(text, this.#digitsAt, 'latin1');
    this.to = this.#digitsAt;
    return true;
  }

  protected integer(value: number): true {
    this.#reserve();
    this.from = this.#digitsAt;
    this.#digitsAt = digitsAt(this.#digits, this.#digitsAt, value);
    this.to = this.#digitsAt;
    return true;
  }

  #reserve(): void {
    if (this.#digitsAt + INT64_TEXT_MAX > DIGITS_BYTES) {
      this.#digits = Buffer.allocUnsafe(DIGITS_BYTES);
      this.#digitsAt = 0;
    }
    this.bytes = this.#digits;
  }
}

const LISTPACK_HEADER_BYTES = 6;

export class Listpack extends Packed {
  #left: number;

  constructor(buf: Buffer, from: number, to: number) {
    super(buf, from, to);
    this.need(LISTPACK_HEADER_BYTES + 1);
    if (buf.readUInt32LE(from) !== to - from) throw corrupt('a listpack of another length');
    this.#left = buf.readUInt16LE(from + 4);
    this.at += LISTPACK_HEADER_BYTES;
  }

  next(): boolean {
    this.need(1);
    const { at, buf } = this;
    const op = buf[at]!;
    if (op === END) return finish(this.#left, this.end - at);
    if (this.#left !== COUNT_UNKNOWN) {
      if (this.#left === 0) throw corrupt('a listpack with more elements than it says');
      this.#left -= 1;
    }
    this.at += 1;
    this.#take(op);
    this.#skipBackLength(this.at - at);
    return true;
  }

  #take(op: number): true {
    const { buf } = this;
    if (op < 0x80) return this.integer(op);
    if (op < 0xc0) return this.take(op & 63);
    if (op < 0xf0) {
      this.need(1);
      const rest = ((op & (op < 0xe0 ? 31 : 15)) << 8) | buf[this.at]!;
      this.at += 1;
      if (op >= 0xe0) return this.take(rest);
      return this.integer(rest < 1 << 12 ? rest : rest - (1 << 13));
    }
    if (op === 0xf0) {
      this.need(4);
      this.at += 4;
      return this.take(buf.readUInt32LE(this.at - 4));
    }
    if (op > 0xf4) throw corrupt('a listpack with an unknown encoding');
    return this.takeInteger(op === 0xf4 ? 8 : op - 0xf1 + 2);
  }

  /** An element is followed by its length, seven bits a byte, to be read from behind. */
  #skipBackLength(bytes: number): void {
    const size = backLengthBytes(bytes);
    this.need(size);
    let value = 0;
    for (let i = 0; i < size; i += 1) {
      const byte = this.buf[this.at + i]!;
      if (byte >= 0x80 !== i > 0) throw corrupt('a listpack with a wrong length from behind');
      value = value * 128 + (byte & 127);
    }
    if (value !== bytes) throw corrupt('a listpack with a wrong length from behind');
    this.at += size;
  }
}

const ZIPLIST_HEADER_BYTES = 10;

export class Ziplist extends Packed {
  readonly #start: number;
  #left: number;
  #previousBytes = 0;
  #last: number;

  constructor(buf: Buffer, from: number, to: number) {
    super(buf, from, to);
    this.need(ZIPLIST_HEADER_BYTES + 1);
    if (buf.readUInt32LE(from) !== to - from) throw corrupt('a ziplist of another length');
    this.#start = from;
    this.#left = buf.readUInt16LE(from + 8);
    this.at += ZIPLIST_HEADER_BYTES;
    this.#last = this.at;
  }

  next(): boolean {
    this.need(1);
    const { at, buf } = this;
    if (buf[at] === END) {
      if (buf.readUInt32LE(this.#start + 4) !== this.#last - this.#start) {
        throw corrupt('a ziplist whose last element is elsewhere');
      }
      return finish(this.#left, this.end - at);
    }
    if (this.#left !== COUNT_UNKNOWN) {
      if (this.#left === 0) throw corrupt('a ziplist with more elements than it says');
      this.#left -= 1;
    }
    this.#last = at;
    this.#skipPrevious();
    this.need(1);
    this.at += 1;
    this.#take(buf[this.at - 1]!);
    this.#previousBytes = this.at - at;
    return true;
  }

  #skipPrevious(): void {
    const { buf } = this;
    let bytes = buf[this.at]!;
    this.at += 1;
    if (bytes === 0xfe) {
      this.need(4);
      bytes = buf.readUInt32LE(this.at);
      this.at += 4;
    }
    if (bytes !== this.#previousBytes) throw corrupt('a ziplist with a wrong length from behind');
  }

  #take(op: number): true {
    const { buf } = this;
    if (op < 0x40) return this.take(op);
    if (op < 0x80) {
      this.need(1);
      this.at += 1;
      return this.take(((op & 63) << 8) | buf[this.at - 1]!);
    }
    if (op === 0x80) {
      this.need(4);
      this.at += 4;
      return this.take(buf.readUInt32BE(this.at - 4));
    }
    if (op === 0xc0) return this.takeInteger(2);
    if (op === 0xd0) return this.takeInteger(4);
    if (op === 0xe0) return this.takeInteger(8);
    if (op === 0xf0) return this.takeInteger(3);
    if (op === 0xfe) return this.takeInteger(1);
    if (op > 0xf0 && op < 0xfe) return this.integer((op & 15) - 1);
    throw corrupt('a ziplist with an unknown encoding');
  }
}

const INTSET_HEADER_BYTES = 8;

export class Intset extends Packed {
  readonly #integerBytes: number;
  #previous: bigint | undefined;

  constructor(buf: Buffer, from: number, to: number) {
    super(buf, from, to);
    this.need(INTSET_HEADER_BYTES);
    const bytes = buf.readUInt32LE(from);
    if (bytes !== 2 && bytes !== 4 && bytes !== 8) throw corrupt('an intset of unknown integers');
    this.#integerBytes = bytes;
    this.at += INTSET_HEADER_BYTES;
    if (buf.readUInt32LE(from + 4) * bytes !== to - this.at) {
      throw corrupt('an intset of another length');
    }
  }

  next(): boolean {
    const { at, buf } = this;
    if (at === this.end) return false;
    const bytes = this.#integerBytes;
    const value = bytes === 8 ? buf.readBigInt64LE(at) : BigInt(buf.readIntLE(at, bytes));
    if (this.#previous !== undefined && this.#previous >= value) {
      throw corrupt('an intset that is not in order');
    }
    this.#previous = value;
    return this.takeInteger(bytes);
  }
}

const ZIPMAP_COUNT_UNKNOWN = 254;

/** Keys and values in turn. */
export class Zipmap extends Packed {
  #left: number;
  #isValue = false;

  constructor(buf: Buffer, from: number, to: number) {
    super(buf, from, to);
    this.need(2);
    this.#left = buf[from]!;
    this.at += 1;
  }

  next(): boolean {
    this.need(1);
    const { buf } = this;
    let bytes = buf[this.at]!;
    if (!this.#isValue) {
      if (bytes === END) {
        const left = this.#left >= ZIPMAP_COUNT_UNKNOWN ? 0 : this.#left;
        return finish(left, this.end - this.at);
      }
      if (this.#left === 0) throw corrupt('a zipmap with more fields than it says');
      if (this.#left < ZIPMAP_COUNT_UNKNOWN) this.#left -= 1;
    }
    this.at += 1;
    if (bytes === END) throw corrupt('a zipmap that ends with a field');
    if (bytes === 254) {
      this.need(4);
      bytes = buf.readUInt32LE(this.at);
      this.at += 4;
    }
    if (!this.#isValue) {
      this.#isValue = true;
      return this.take(bytes);
    }
    this.#isValue = false;
    this.need(1);
    const unused = buf[this.at]!;
    this.at += 1;
    this.take(bytes);
    this.need(unused);
    this.at += unused;
    return true;
  }
}

/** At the last byte: checks the count and that nothing follows. */
function finish(left: number, bytes: number): false {
  if (left !== 0 && left !== COUNT_UNKNOWN) throw corrupt('fewer packed elements than they say');
  if (bytes !== 1) throw corrupt('something behind packed elements');
  return false;
}
