/**
 * Binary fields: what frames, views and whatever else is not RESP are made of.
 *
 *   u8 u16 u24 u32   unsigned, little-endian
 *   varint           0 to 2^53 - 1, 7 bits a byte, low bits first, high bit set: more follow
 *   signed           zigzag (0 -1 1 -2 2 ... -> 0 1 2 3 4 ...) as a varint
 *   blob             varint length, bytes
 *
 * Invariant: a reader never reads past its end, and takes a varint in its shortest form only, so
 * that equal contents are equal bytes. What does not parse ends in `fail`, which users override with
 * an error of theirs.
 */

/** Bytes of the longest varint. */
const VARINT_BYTES_MAX = 8;
/** The first bytes of a long one, and where their values end. */
const LOW_BYTES = 4;
const LOW_END = 2 ** 28;
const BYTES_FIRST = 256;

export class ByteWriter {
  #buffer = Buffer.allocUnsafeSlow(BYTES_FIRST);
  /** Bytes written so far. */
  length = 0;

  u8(value: number): void {
    this.#reserve(1);
    this.#buffer[this.length++] = value;
  }

  u16(value: number): void {
    this.u8(value & 255);
    this.u8((value >>> 8) & 255);
  }

  u24(value: number): void {
    this.u16(value & 0xffff);
    this.u8((value >>> 16) & 255);
  }

  u32(value: number): void {
    this.u16(value & 0xffff);
    this.u16(value >>> 16);
  }

  varint(value: number): void {
    this.#reserve(VARINT_BYTES_MAX);
    const buffer = this.#buffer;
    let at = this.length;
    // Two whole numbers of less than 31 bits: a remainder of a double is a call into the runtime.
    const high = Math.floor(value / LOW_END);
    let rest = value - high * LOW_END;
    if (high > 0) {
      for (let i = 0; i < LOW_BYTES; i++) {
        buffer[at++] = (rest & 127) | 128;
        rest >>>= 7;
      }
      rest = high;
    }
    while (rest >= 128) {
      buffer[at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    buffer[at++] = rest;
    this.length = at;
  }

  signed(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  bytes(source: Buffer, from = 0, to = source.length): void {
    this.#reserve(to - from);
    source.copy(this.#buffer, this.length, from, to);
    this.length += to - from;
  }

  blob(source: Buffer): void {
    this.varint(source.length);
    this.bytes(source);
  }

  /** What another one holds, as a blob. */
  blobOf(other: ByteWriter): void {
    this.varint(other.length);
    this.bytes(other.#buffer, 0, other.length);
  }

  /** The buffer to write so many bytes into from `length` on; `length` is then to be raised. */
  room(bytes: number): Buffer {
    this.#reserve(bytes);
    return this.#buffer;
  }

  /** What has been written, valid until the next write. */
  view(): Buffer {
    return this.#buffer.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
  }

  #reserve(bytes: number): void {
    const wanted = this.length + bytes;
    if (wanted <= this.#buffer.length) return;
    const buffer = Buffer.allocUnsafeSlow(Math.max(wanted, this.#buffer.length * 2));
    this.#buffer.copy(buffer, 0, 0, this.length);
    this.#buffer = buffer;
  }
}

export abstract class BinaryReader {
  #buffer: Buffer;
  #end: number;
  #at: number;

  constructor(buffer: Buffer, from = 0, to = buffer.length) {
    this.#buffer = buffer;
    this.#at = from;
    this.#end = to;
  }

  /** Reads buffer[from, to) from now on. */
  reset(buffer: Buffer, from: number, to: number): void {
    this.#buffer = buffer;
    this.#at = from;
    this.#end = to;
  }

  /** Bytes not read yet. */
  get left(): number {
    return this.#end - this.#at;
  }

  u8(): number {
    this.#need(1);
    return this.#buffer[this.#at++]!;
  }

  u16(): number {
    this.#need(2);
    this.#at += 2;
    return this.#buffer.readUInt16LE(this.#at - 2);
  }

  u24(): number {
    this.#need(3);
    this.#at += 3;
    return this.#buffer.readUIntLE(this.#at - 3, 3);
  }

  /** As a signed 32-bit integer: digests and hashes are sums in Int32Arrays. */
  i32(): number {
    this.#need(4);
    this.#at += 4;
    return this.#buffer.readInt32LE(this.#at - 4);
  }

  /** Up to `max`, at most 2^53 - 1. */
  varint(max = Number.MAX_SAFE_INTEGER): number {
    const first = this.#at < this.#end ? this.#buffer[this.#at]! : 128;
    if (first < 128 && first <= max) {
      this.#at++;
      return first;
    }
    let value = 0;
    let unit = 1;
    for (let i = 0; i < VARINT_BYTES_MAX; i++) {
      const byte = this.u8();
      value += (byte & 127) * unit;
      unit *= 128;
      if (byte >= 128) continue;
      // From 2^53 on it may be rounded, but not below that.
      if ((byte === 0 && i > 0) || value > max) break;
      return value;
    }
    this.fail(`a number is too long or above ${max}`);
  }

  signed(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** A view of the next bytes. */
  bytes(count: number): Buffer {
    this.#need(count);
    this.#at += count;
    return this.#buffer.subarray(this.#at - count, this.#at);
  }

  /** A view of a blob of at most `max` bytes. */
  blob(max: number): Buffer {
    return this.bytes(this.varint(max));
  }

  /** Throws unless everything has been read. */
  end(): void {
    if (this.left !== 0) this.fail('bytes behind the last field');
  }

  /** Throws: the bytes are not what they should be. */
  protected abstract fail(what: string): never;

  #need(count: number): void {
    if (count > this.left) this.fail('a field is cut off');
  }
}
