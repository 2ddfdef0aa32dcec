/**
 * CRC-64 as Redis takes it of dumps: the polynomial of David Jones, 0xad93d23594c935a9, bits
 * reflected, starting from 0, nothing added at the end. Of "123456789" it is e9c6d914c4b8d9ca.
 *
 * Eight bytes at a time over eight tables: entry n of table k is the checksum of byte n followed
 * by k zero bytes, so that the eight bytes of a step are looked up independently of each other.
 * A checksum is two 32-bit halves, since 64-bit integers would be objects.
 */

/** The polynomial with its bits reversed, in halves. */
const POLYNOMIAL_LOW = 0xac4bc9b5 | 0;
const POLYNOMIAL_HIGH = 0x95ac9329 | 0;
const TABLES = 8;

const lowTable = new Int32Array(TABLES * 256);
const highTable = new Int32Array(TABLES * 256);
fillTables();

export class Crc64 {
  low = 0;
  high = 0;

  /** Adds buf[from, to). */
  update(buf: Buffer, from: number, to: number): void {
    let low = this.low;
    let high = this.high;
    let at = from;
    for (const end = to - 7; at < end; at += 8) {
      low ^= buf[at]! | (buf[at + 1]! << 8) | (buf[at + 2]! << 16) | (buf[at + 3]! << 24);
      high ^= buf[at + 4]! | (buf[at + 5]! << 8) | (buf[at + 6]! << 16) | (buf[at + 7]! << 24);
      const a = 0x700 | (low & 255);
      const b = 0x600 | ((low >>> 8) & 255);
      const c = 0x500 | ((low >>> 16) & 255);
      const d = 0x400 | (low >>> 24);
      const e = 0x300 | (high & 255);
      const f = 0x200 | ((high >>> 8) & 255);
      const g = 0x100 | ((high >>> 16) & 255);
      const h = high >>> 24;
      low =
        lowTable[a]! ^
        lowTable[b]! ^
        lowTable[c]! ^
        lowTable[d]! ^
        lowTable[e]! ^
        lowTable[f]! ^
        lowTable[g]! ^
        lowTable[h]!;
      high =
        highTable[a]! ^
        highTable[b]! ^
        highTable[c]! ^
        highTable[d]! ^
        highTable[e]! ^
        highTable[f]! ^
        highTable[g]! ^
        highTable[h]!;
    }
    for (; at < to; at += 1) {
      const index = (low ^ buf[at]!) & 255;
      low = lowTable[index]! ^ ((low >>> 8) | (high << 24));
      high = highTable[index]! ^ (high >>> 8);
    }
    this.low = low;
    this.high = high;
  }

  /** Writes the eight bytes of the checksum, little-endian. */
  writeTo(buf: Buffer, at: number): void {
    buf.writeInt32LE(this.low, at);
    buf.writeInt32LE(this.high, at + 4);
  }

  /** Whether the eight bytes at buf[at] are the checksum. */
  equals(buf: Buffer, at: number): boolean {
    return buf.readInt32LE(at) === this.low && buf.readInt32LE(at + 4) === this.high;
  }
}

function fillTables(): void {
  for (let byte = 0; byte < 256; byte += 1) {
    let low = byte;
    let high = 0;
    for (let bit = 0; bit < 8; bit += 1) {
      const carry = low & 1;
      low = (low >>> 1) | (high << 31);
      high >>>= 1;
      if (carry !== 0) {
        low ^= POLYNOMIAL_LOW;
        high ^= POLYNOMIAL_HIGH;
      }
    }
    lowTable[byte] = low;
    highTable[byte] = high;
  }
  for (let entry = 256; entry < TABLES * 256; entry += 1) {
    const low = lowTable[entry - 256]!;
    const high = highTable[entry - 256]!;
    lowTable[entry] = lowTable[low & 255]! ^ ((low >>> 8) | (high << 24));
    highTable[entry] = highTable[low & 255]! ^ (high >>> 8);
  }
}
