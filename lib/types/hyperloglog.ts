/**
 * HyperLogLog: how many different elements were added, in 12 KiB at most and with a standard error
 * of 0.81 %. It is a string, byte for byte as Redis's (hyperloglog.c), so that GET and SET move it:
 *
 *   +--------+----------+-----------+------------------+-----------------------+
 *   | "HYLL" | encoding | 3 B zeros | count, 8 B LE    | registers             |
 *   +--------+----------+-----------+------------------+-----------------------+
 *                                     highest bit: the count is out of date
 *   encoding 0, dense     16384 registers of 6 bits each, from the lowest bit of each byte
 *   encoding 1, sparse    runs of registers: hll-sparse.ts
 *
 * A register holds the longest run of zeros, plus one, that ended the hash of an element of its.
 * After Heule, Nunkesser, Hall 2013 (64-bit hash, sparse) and Ertl 2017 (hll-estimate.ts).
 *
 * Functions on a buffer that holds one; nothing here knows of keys.
 */
import { murmur64A } from '../../murmur/murmur2.js';

export const HLL_HEADER_BYTES = 16;
export const HLL_REGISTERS = 1 << 14;
export const HLL_DENSE_BYTES = HLL_HEADER_BYTES + (HLL_REGISTERS * 6) / 8;
/** No sparse one that is well formed is longer: each register in a run of two bytes. */
export const HLL_SPARSE_BYTES_MAX = HLL_HEADER_BYTES + HLL_REGISTERS * 2;
export const HLL_DENSE = 0;
export const HLL_SPARSE = 1;
/** Where the byte with the mark of an outdated count is. */
export const HLL_STALE_AT = 15;
const STALE_BIT = 0x80;
const ENCODING_AT = 4;
const COUNT_AT = 8;
const MAGIC = 0x4c4c5948;

const INDEX_BITS = 14;
const HASH_SEED = 0xadc83b19;
/** One bit above the 50 that count, so that every run of zeros ends. */
const RUN_MAX = 51;

const hash = new Uint32Array(2);

/** Whether the first bytes of a string of `bytes` bytes say that it is one. */
export function isHyperLogLog(header: Buffer, bytes: number): boolean {
  if (bytes < HLL_HEADER_BYTES || header.readUInt32LE(0) !== MAGIC) return false;
  const encoding = header[ENCODING_AT]!;
  return encoding === HLL_SPARSE || (encoding === HLL_DENSE && bytes === HLL_DENSE_BYTES);
}

export function hllEncoding(hll: Buffer): number {
  return hll[ENCODING_AT]!;
}

/** Writes the header of one with this encoding and a count of 0, which is right when empty. */
export function writeHllHeader(target: Buffer, encoding: number): void {
  target.fill(0, 0, HLL_HEADER_BYTES);
  target.writeUInt32LE(MAGIC, 0);
  target[ENCODING_AT] = encoding;
}

/** Copies the header of `hll`, count included, as that of a dense one. */
export function copyHllHeaderAsDense(hll: Buffer, target: Buffer): void {
  hll.copy(target, 0, 0, HLL_HEADER_BYTES);
  target[ENCODING_AT] = HLL_DENSE;
}

export function isHllCountStale(hll: Buffer): boolean {
  return (hll[HLL_STALE_AT]! & STALE_BIT) !== 0;
}

export function markHllCountStale(hll: Buffer): void {
  hll[HLL_STALE_AT]! |= STALE_BIT;
}

/** The count as it is kept. A double if that is exact. */
export function readHllCount(hll: Buffer): number | bigint {
  const high = hll.readUInt32LE(COUNT_AT + 4);
  if (high < 1 << 21) return high * 2 ** 32 + hll.readUInt32LE(COUNT_AT);
  return hll.readBigInt64LE(COUNT_AT);
}

/** Keeps a count; what is no whole number below 2^53 is kept as a count that is out of date. */
export function writeHllCount(hll: Buffer, count: number): void {
  if (Number.isSafeInteger(count)) {
    hll.writeUInt32LE(count % 2 ** 32, COUNT_AT);
    hll.writeUInt32LE(Math.floor(count / 2 ** 32), COUNT_AT + 4);
  } else {
    hll.fill(0, COUNT_AT, HLL_STALE_AT);
    hll[HLL_STALE_AT] = STALE_BIT;
  }
}

/** The register of buf[from, to) and what it asks of it: `index << 6 | run`. */
export function hllPattern(buf: Buffer, from: number, to: number): number {
  murmur64A(buf, from, to, HASH_SEED, hash);
  const low = hash[1]!;
  const index = low & (HLL_REGISTERS - 1);
  const rest = ((low >>> INDEX_BITS) | (hash[0]! << (32 - INDEX_BITS))) >>> 0;
  if (rest !== 0) return (index << 6) | (trailingZeros(rest) + 1);
  const top = hash[0]! >>> INDEX_BITS;
  return (index << 6) | (top === 0 ? RUN_MAX : 32 + trailingZeros(top) + 1);
}

function trailingZeros(n: number): number {
  return 31 - Math.clz32(n & -n);
}

// Registers of 6 bits. `at`: where the registers begin.

/** The register's first byte; a part of it may lie in the next one. */
export function denseByteOf(index: number): number {
  return (index * 6) >>> 3;
}

export function denseRegister(buf: Buffer, at: number, index: number): number {
  const byte = at + denseByteOf(index);
  const shift = (index * 6) & 7;
  return ((buf[byte]! | ((buf[byte + 1] ?? 0) << 8)) >>> shift) & 63;
}

export function setDenseRegister(buf: Buffer, at: number, index: number, run: number): void {
  const byte = at + denseByteOf(index);
  const shift = (index * 6) & 7;
  buf[byte] = (buf[byte]! & ~(63 << shift)) | (run << shift);
  if (shift > 2) {
    buf[byte + 1] = (buf[byte + 1]! & ~(63 >>> (8 - shift))) | (run >>> (8 - shift));
  }
}

/** Raises `registers` to those of a dense one. */
export function raiseToDense(registers: Uint8Array, hll: Buffer): void {
  // Four registers are three bytes.
  let at = HLL_HEADER_BYTES;
  for (let index = 0; index < HLL_REGISTERS; index += 4) {
    const three = hll[at]! | (hll[at + 1]! << 8) | (hll[at + 2]! << 16);
    at += 3;
    raise(registers, index, three & 63);
    raise(registers, index + 1, (three >>> 6) & 63);
    raise(registers, index + 2, (three >>> 12) & 63);
    raise(registers, index + 3, three >>> 18);
  }
}

function raise(registers: Uint8Array, index: number, run: number): void {
  if (run > registers[index]!) registers[index] = run;
}

/** Writes registers as those of a dense one. */
export function writeDense(registers: Uint8Array, target: Buffer): void {
  let at = HLL_HEADER_BYTES;
  for (let index = 0; index < HLL_REGISTERS; index += 4) {
    const high = (registers[index + 2]! << 12) | (registers[index + 3]! << 18);
    const three = registers[index]! | (registers[index + 1]! << 6) | high;
    target[at] = three;
    target[at + 1] = three >>> 8;
    target[at + 2] = three >>> 16;
    at += 3;
  }
}
