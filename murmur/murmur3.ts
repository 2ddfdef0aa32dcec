/**
 * MurmurHash3, x64, 128 bits (Austin Appleby, public domain), of a slice of a Buffer.
 *
 * JavaScript has no 64-bit integers that are fast, so every 64-bit lane is two 32-bit halves:
 *
 *   h1 = h1High * 2^32 + h1Low        multiplication: 16-bit limbs for the carry into the high
 *   h2 = h2High * 2^32 + h2Low        half, Math.imul for what only matters modulo 2^32
 *
 * All of it is one function on purpose: the halves live in registers, and nothing is allocated.
 * The result goes into a `Hash128` that the caller keeps and reuses.
 *
 * Not for anything an opponent may choose: collisions are easy to make, whatever the seed.
 */

/**
 * 128 bits: the high and low half of h1, the high and low half of h2. A typed array, for a field
 * of an object boxes what does not fit in 31 bits.
 */
export type Hash128 = Uint32Array;

export function newHash128(): Hash128 {
  return new Uint32Array(4);
}

/** c1 = 0x87c37b91114253d5, c2 = 0x4cf5ad432745937f. */
const C1_HIGH = 0x87c37b91;
const C1_LOW = 0x114253d5;
const C2_HIGH = 0x4cf5ad43;
const C2_LOW = 0x2745937f;

/** Their lowest 32 bits once more, in limbs of 16. */
const C1_LIMB0 = C1_LOW & 0xffff;
const C1_LIMB1 = C1_LOW >>> 16;
const C2_LIMB0 = C2_LOW & 0xffff;
const C2_LIMB1 = C2_LOW >>> 16;

/** The finaliser's factors: m = 0xff51afd7ed558ccd, n = 0xc4ceb9fe1a85ec53. */
const M_HIGH = 0xff51afd7;
const M_LOW = 0xed558ccd;
const N_HIGH = 0xc4ceb9fe;
const N_LOW = 0x1a85ec53;

const BLOCK_BYTES = 16;

/** Hashes `buf[from, to)` with `seed` (32 bits, for both lanes) into `result`. */
export function murmur3(
  buf: Uint8Array,
  from: number,
  to: number,
  seed: number,
  result: Hash128,
): void {
  let h1High = 0;
  let h1Low = seed | 0;
  let h2High = 0;
  let h2Low = seed | 0;
  let kHigh = 0;
  let kLow = 0;
  let low = 0;
  let carry = 0;
  let at = from;

  for (; at + BLOCK_BYTES <= to; at += BLOCK_BYTES) {
    // k1 *= c1; k1 = rotl(k1, 31); k1 *= c2; h1 ^= k1
    kLow = word(buf, at);
    kHigh = word(buf, at + 4);
    carry = (Math.imul(kLow >>> 16, C1_LIMB0) + (Math.imul(kLow & 0xffff, C1_LIMB0) >>> 16)) | 0;
    kHigh = (Math.imul(kHigh, C1_LOW) + Math.imul(kLow, C1_HIGH)) | 0;
    kHigh = (kHigh + Math.imul(kLow >>> 16, C1_LIMB1) + (carry >>> 16)) | 0;
    kHigh = (kHigh + ((Math.imul(kLow & 0xffff, C1_LIMB1) + (carry & 0xffff)) >>> 16)) | 0;
    kLow = Math.imul(kLow, C1_LOW);
    low = (kLow << 31) | (kHigh >>> 1);
    kHigh = (kHigh << 31) | (kLow >>> 1);
    kLow = low;
    carry = (Math.imul(kLow >>> 16, C2_LIMB0) + (Math.imul(kLow & 0xffff, C2_LIMB0) >>> 16)) | 0;
    kHigh = (Math.imul(kHigh, C2_LOW) + Math.imul(kLow, C2_HIGH)) | 0;
    kHigh = (kHigh + Math.imul(kLow >>> 16, C2_LIMB1) + (carry >>> 16)) | 0;
    kHigh = (kHigh + ((Math.imul(kLow & 0xffff, C2_LIMB1) + (carry & 0xffff)) >>> 16)) | 0;
    kLow = Math.imul(kLow, C2_LOW);
    h1Low ^= kLow;
    h1High ^= kHigh;
    // h1 = rotl(h1, 27) + h2; h1 = h1 * 5 + 0x52dce729
    low = (h1Low << 27) | (h1High >>> 5);
    h1High = (h1High << 27) | (h1Low >>> 5);
    h1Low = (low + h2Low) | 0;
    h1High = (h1High + h2High + carryOf(h1Low, low)) | 0;
    h1High = (Math.imul(h1High, 5) + timesFiveCarry(h1Low)) | 0;
    low = Math.imul(h1Low, 5);
    h1Low = (low + 0x52dce729) | 0;
    h1High = (h1High + carryOf(h1Low, low)) | 0;

    // k2 *= c2; k2 = rotl(k2, 33); k2 *= c1; h2 ^= k2
    kLow = word(buf, at + 8);
    kHigh = word(buf, at + 12);
    carry = (Math.imul(kLow >>> 16, C2_LIMB0) + (Math.imul(kLow & 0xffff, C2_LIMB0) >>> 16)) | 0;
    kHigh = (Math.imul(kHigh, C2_LOW) + Math.imul(kLow, C2_HIGH)) | 0;
    kHigh = (kHigh + Math.imul(kLow >>> 16, C2_LIMB1) + (carry >>> 16)) | 0;
    kHigh = (kHigh + ((Math.imul(kLow & 0xffff, C2_LIMB1) + (carry & 0xffff)) >>> 16)) | 0;
    kLow = Math.imul(kLow, C2_LOW);
    low = (kHigh << 1) | (kLow >>> 31);
    kHigh = (kLow << 1) | (kHigh >>> 31);
    kLow = low;
    carry = (Math.imul(kLow >>> 16, C1_LIMB0) + (Math.imul(kLow & 0xffff, C1_LIMB0) >>> 16)) | 0;
    kHigh = (Math.imul(kHigh, C1_LOW) + Math.imul(kLow, C1_HIGH)) | 0;
    kHigh = (kHigh + Math.imul(kLow >>> 16, C1_LIMB1) + (carry >>> 16)) | 0;
    kHigh = (kHigh + ((Math.imul(kLow & 0xffff, C1_LIMB1) + (carry & 0xffff)) >>> 16)) | 0;
    kLow = Math.imul(kLow, C1_LOW);
    h2Low ^= kLow;
    h2High ^= kHigh;
    // h2 = rotl(h2, 31) + h1; h2 = h2 * 5 + 0x38495ab5
    low = (h2Low << 31) | (h2High >>> 1);
    h2High = (h2High << 31) | (h2Low >>> 1);
    h2Low = (low + h1Low) | 0;
    h2High = (h2High + h1High + carryOf(h2Low, low)) | 0;
    h2High = (Math.imul(h2High, 5) + timesFiveCarry(h2Low)) | 0;
    low = Math.imul(h2Low, 5);
    h2Low = (low + 0x38495ab5) | 0;
    h2High = (h2High + carryOf(h2Low, low)) | 0;
  }
  finish(buf, at, to, to - from, h1High, h1Low, h2High, h2Low, result);
}

/** The last 0 to 15 bytes, the length, and the mixing of both lanes. */
function finish(
  buf: Uint8Array,
  at: number,
  to: number,
  bytes: number,
  h1High: number,
  h1Low: number,
  h2High: number,
  h2Low: number,
  result: Hash128,
): void {
  let kHigh = 0;
  let kLow = 0;
  let low = 0;
  if (at + 8 < to) {
    kLow = partialWord(buf, at + 8, to);
    kHigh = partialWord(buf, at + 12, to);
    kHigh = (highProduct(kLow, C2_LOW) + Math.imul(kHigh, C2_LOW) + Math.imul(kLow, C2_HIGH)) | 0;
    kLow = Math.imul(kLow, C2_LOW);
    low = (kHigh << 1) | (kLow >>> 31);
    kHigh = (kLow << 1) | (kHigh >>> 31);
    kLow = low;
    h2High ^= highProduct(kLow, C1_LOW) + Math.imul(kHigh, C1_LOW) + Math.imul(kLow, C1_HIGH);
    h2Low ^= Math.imul(kLow, C1_LOW);
  }
  if (at < to) {
    kLow = partialWord(buf, at, to);
    kHigh = partialWord(buf, at + 4, to);
    kHigh = (highProduct(kLow, C1_LOW) + Math.imul(kHigh, C1_LOW) + Math.imul(kLow, C1_HIGH)) | 0;
    kLow = Math.imul(kLow, C1_LOW);
    low = (kLow << 31) | (kHigh >>> 1);
    kHigh = (kHigh << 31) | (kLow >>> 1);
    kLow = low;
    h1High ^= highProduct(kLow, C2_LOW) + Math.imul(kHigh, C2_LOW) + Math.imul(kLow, C2_HIGH);
    h1Low ^= Math.imul(kLow, C2_LOW);
  }
  h1Low ^= bytes;
  h2Low ^= bytes;
  // h1 += h2; h2 += h1
  low = h1Low;
  h1Low = (h1Low + h2Low) | 0;
  h1High = (h1High + h2High + carryOf(h1Low, low)) | 0;
  low = h2Low;
  h2Low = (h2Low + h1Low) | 0;
  h2High = (h2High + h1High + carryOf(h2Low, low)) | 0;
  // k ^= k >>> 33; k *= m; k ^= k >>> 33; k *= n; k ^= k >>> 33, of both lanes
  h1Low ^= h1High >>> 1;
  h1High = (highProduct(h1Low, M_LOW) + Math.imul(h1High, M_LOW) + Math.imul(h1Low, M_HIGH)) | 0;
  h1Low = Math.imul(h1Low, M_LOW) ^ (h1High >>> 1);
  h1High = (highProduct(h1Low, N_LOW) + Math.imul(h1High, N_LOW) + Math.imul(h1Low, N_HIGH)) | 0;
  h1Low = Math.imul(h1Low, N_LOW) ^ (h1High >>> 1);
  h2Low ^= h2High >>> 1;
  h2High = (highProduct(h2Low, M_LOW) + Math.imul(h2High, M_LOW) + Math.imul(h2Low, M_HIGH)) | 0;
  h2Low = Math.imul(h2Low, M_LOW) ^ (h2High >>> 1);
  h2High = (highProduct(h2Low, N_LOW) + Math.imul(h2High, N_LOW) + Math.imul(h2Low, N_HIGH)) | 0;
  h2Low = Math.imul(h2Low, N_LOW) ^ (h2High >>> 1);
  // h1 += h2; h2 += h1
  low = h1Low;
  h1Low = (h1Low + h2Low) | 0;
  h1High = (h1High + h2High + carryOf(h1Low, low)) | 0;
  low = h2Low;
  h2Low = (h2Low + h1Low) | 0;
  result[0] = h1High;
  result[1] = h1Low;
  result[2] = h2High + h1High + carryOf(h2Low, low);
  result[3] = h2Low;
}

/** 32 hex digits: h1, then h2, each from its highest digit. `hello` is cbd8a7b341bd9b02... */
export function hashHex(bytes: Uint8Array): string {
  murmur3(bytes, 0, bytes.length, 0, scratch);
  return hexOf(scratch);
}

const scratch = newHash128();

export function hexOf(hash: Hash128): string {
  let hex = '';
  for (const half of hash) hex += half.toString(16).padStart(8, '0');
  return hex;
}

/** The high 32 bits of the product of two unsigned 32-bit numbers. */
export function highProduct(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const carry = (Math.imul(aHigh, bLow) + (Math.imul(aLow, bLow) >>> 16)) | 0;
  const carry2 = (Math.imul(aLow, bHigh) + (carry & 0xffff)) | 0;
  return (Math.imul(aHigh, bHigh) + (carry >>> 16) + (carry2 >>> 16)) | 0;
}

/** The high 32 bits of five times an unsigned 32-bit number. */
function timesFiveCarry(a: number): number {
  return (a >>> 30) + carryOf((a << 2) + a, a);
}

/** What a sum of 32 bits carries: it is below its summand if and only if it wrapped. */
function carryOf(sum: number, summand: number): number {
  return sum >>> 0 < summand >>> 0 ? 1 : 0;
}

/** 32 bits, little-endian. The caller has checked that they are there. */
export function word(buf: Uint8Array, at: number): number {
  return buf[at]! | (buf[at + 1]! << 8) | (buf[at + 2]! << 16) | (buf[at + 3]! << 24);
}

/** As `word`, with zeros for what lies at `to` or beyond. */
function partialWord(buf: Uint8Array, at: number, to: number): number {
  if (at + 4 <= to) return word(buf, at);
  let value = 0;
  for (let byte = to - 1; byte >= at; byte--) value = (value << 8) | buf[byte]!;
  return value;
}
