/**
 * CRC-32 (IEEE 802.3, reflected; of "123456789" it is cbf43926), eight bytes at a time over eight
 * tables. `node:zlib` has a faster one, from Node 20.15 and 22.2 on only: `lib/library/real-node.ts` hands it over if it
 * is there (`useCrc32`). Both give the same.
 */

const POLYNOMIAL = 0xedb88320 | 0;
const tables = new Int32Array(8 * 256);
for (let byte = 0; byte < 256; byte += 1) {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (POLYNOMIAL & -(crc & 1));
  tables[byte] = crc;
}
for (let at = 256; at < tables.length; at += 1) {
  const before = tables[at - 256]!;
  tables[at] = (before >>> 8) ^ tables[before & 255]!;
}

let native: ((bytes: Uint8Array) => number) | undefined;

/** Takes checksums by this function from now on; undefined: by the one here. */
export function useCrc32(given: ((bytes: Uint8Array) => number) | undefined): void {
  native = given;
}

/** The checksum of buf[from, to), as an unsigned integer. */
export function crc32(buf: Uint8Array, from: number, to: number): number {
  if (native !== undefined) return native(buf.subarray(from, to));
  let crc = -1;
  let at = from;
  for (const end = to - 7; at < end; at += 8) {
    const low =
      crc ^ (buf[at]! | (buf[at + 1]! << 8) | (buf[at + 2]! << 16) | (buf[at + 3]! << 24));
    crc =
      tables[0x700 | (low & 255)]! ^
      tables[0x600 | ((low >>> 8) & 255)]! ^
      tables[0x500 | ((low >>> 16) & 255)]! ^
      tables[0x400 | (low >>> 24)]! ^
      tables[0x300 | buf[at + 4]!]! ^
      tables[0x200 | buf[at + 5]!]! ^
      tables[0x100 | buf[at + 6]!]! ^
      tables[buf[at + 7]!]!;
  }
  for (; at < to; at += 1) crc = (crc >>> 8) ^ tables[(crc ^ buf[at]!) & 255]!;
  return ~crc >>> 0;
}
