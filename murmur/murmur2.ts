/**
 * MurmurHash64A (Austin Appleby, public domain) of a slice of a Buffer, as Redis's hyperloglog.c
 * has it: 64 bits in two halves, as in murmur3.ts.
 *
 * Not for anything an opponent may choose: collisions are easy to make, whatever the seed.
 */
import { highProduct, word } from './murmur3.js';

/** m = 0xc6a4a7935bd1e995. */
const M_HIGH = 0xc6a4a793;
const M_LOW = 0x5bd1e995;
const BLOCK_BYTES = 8;

/** Hashes `buf[from, to)` with `seed` (32 bits) into `result`: the high half, the low half. */
export function murmur64A(
  buf: Uint8Array,
  from: number,
  to: number,
  seed: number,
  result: Uint32Array,
): void {
  const bytes = to - from;
  let high = (highProduct(bytes, M_LOW) + Math.imul(bytes, M_HIGH)) | 0;
  let low = seed ^ Math.imul(bytes, M_LOW);
  let at = from;
  for (; at + BLOCK_BYTES <= to; at += BLOCK_BYTES) {
    // k *= m; k ^= k >>> 47; k *= m; h ^= k; h *= m
    let kLow = word(buf, at);
    let kHigh = timesHigh(word(buf, at + 4), kLow);
    kLow = Math.imul(kLow, M_LOW);
    kLow ^= kHigh >>> 15;
    kHigh = timesHigh(kHigh, kLow);
    kLow = Math.imul(kLow, M_LOW);
    low ^= kLow;
    high = timesHigh(high ^ kHigh, low);
    low = Math.imul(low, M_LOW);
  }
  if (at < to) {
    for (let i = to - 1; i >= at; i -= 1) {
      const shift = (i - at) * 8;
      if (shift < 32) low ^= buf[i]! << shift;
      else high ^= buf[i]! << (shift - 32);
    }
    high = timesHigh(high, low);
    low = Math.imul(low, M_LOW);
  }
  // h ^= h >>> 47; h *= m; h ^= h >>> 47
  low ^= high >>> 15;
  high = timesHigh(high, low);
  low = Math.imul(low, M_LOW);
  result[0] = high;
  result[1] = low ^ (high >>> 15);
}

/** The high half of a product with m. */
function timesHigh(high: number, low: number): number {
  return (highProduct(low, M_LOW) + Math.imul(high, M_LOW) + Math.imul(low, M_HIGH)) | 0;
}
