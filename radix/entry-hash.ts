/**
 * The keyed hash of an entry, of which digests are sums.
 *
 * HalfSipHash-1-3 with 64 bits of output (Aumasson, Bernstein 2012/2016) over 32-bit words, with
 * one change: the four words of the state are keyed with 16 secret bytes, not with 8 bytes twice.
 * It must be keyed, because a sum of hashes that a client can compute is a sum that a client can
 * forge; and it must be 32-bit arithmetic, because every write hashes the old and the new entry.
 *
 * What is hashed, in words of 32 bits, little endian:
 *
 *    of an element first:    head's key bytes, head's key
 *   +---------------------------------------------------------------+
 *   | stamp, low 32                                                 |
 *   | stamp, high 21        | kind 2 | led 1 | 0                    |
 *   | value bytes 16 (0 of a wide entry)    | origin 16             |
 *   | key bytes 8 (0 of a wide entry)| expiry high 21 | shape 3     |  shape: 1 expiry, 2 wide
 *   | expiry, low 32                          if there is an expiry |
 *   | key bytes 32, value bytes 32            if wide               |
 *   | key, padded with zeros                                        |
 *   | value, padded with zeros; or the value hash 64 of a wide one; |
 *   |   of a head, the words that are not this node's own           |
 *   +---------------------------------------------------------------+
 *
 * Not covered: access bits, where the value lies, the hint on its encoding. They differ between
 * replicas that hold the same data.
 *
 * The value hash of a wide entry is itself a sum, over blocks of 256 B, of the keyed hash of
 * (block number, words of the block up to the last that is not zero); a block of zeros counts 0.
 * So a change in place costs what it touches, and growing by zeros costs nothing.
 *
 * Invariant: equal entries hash equally on every node of a cluster, whatever the layout around
 * them. No call allocates; results lie in `low` and `high`.
 */

import {
  EXPIRY_WORDS,
  FLAG_EXPIRY,
  FLAG_LED,
  FLAG_WIDE,
  FLAGS_SHIFT,
  HEAD_MIRROR_WORD,
  KIND_HEAD,
  KIND_MASK,
  LEAF_WORDS,
  STAMP_HIGH_MASK,
  WIDE_WORDS,
} from './leaf.js';

/** Bytes of a block of a wide value's hash. */
export const BLOCK_BYTES = 256;
const BLOCK_WORDS = BLOCK_BYTES >>> 2;

const EXPIRY_BIT = FLAG_EXPIRY << FLAGS_SHIFT;
const WIDE_BIT = FLAG_WIDE << FLAGS_SHIFT;
const LAYOUT_BITS = EXPIRY_BIT | WIDE_BIT;
const KIND_BITS = KIND_MASK << FLAGS_SHIFT;
const HEAD_BITS = KIND_HEAD << FLAGS_SHIFT;
const COVERED_MASK = STAMP_HIGH_MASK | KIND_BITS | (FLAG_LED << FLAGS_SHIFT);
const SHAPE_EXPIRY = 1 << 29;
const SHAPE_WIDE = 1 << 30;

/** HalfSipHash's constants, and what tells the three domains apart. */
const CONSTANT_2 = 0x6c796765;
const CONSTANT_3 = 0x74656462;
const DOMAIN_ENTRY = 0xee;
const DOMAIN_ELEMENT = 0x1ee;
const DOMAIN_BLOCK = 0x2ee;

/** A round that absorbs a zero word is a bare round. */
const THREE_ZEROS = new Int32Array(3);

export class EntryHash {
  /** The last hash, two 32-bit halves, signed. */
  low = 0;
  high = 0;

  private readonly state = new Int32Array(4);
  private readonly header = new Int32Array(8);
  private readonly key0: number;
  private readonly key1: number;
  private readonly key2: number;
  private readonly key3: number;

  /** `key`: 16 secret bytes, the same on every node of a cluster. */
  constructor(key: Uint8Array) {
    if (key.length !== 16) throw new RangeError('the key of the entry hash has 16 bytes');
    const view = new DataView(key.buffer, key.byteOffset, key.length);
    this.key0 = view.getInt32(0, true);
    this.key1 = view.getInt32(4, true);
    this.key2 = view.getInt32(8, true) ^ CONSTANT_2;
    this.key3 = view.getInt32(12, true) ^ CONSTANT_3;
  }

  /** Hashes the entry whose leaf begins at `i32[word]`, as an entry of a database. */
  hashLeaf(i32: Int32Array, word: number): void {
    this.#start(DOMAIN_ENTRY);
    this.#absorbLeaf(i32, word);
    this.#finish();
  }

  /** Hashes an element of the sub tree whose head has the given key. */
  hashElement(
    i32: Int32Array,
    word: number,
    headI32: Int32Array,
    headKeyWord: number,
    headKeyBytes: number,
  ): void {
    this.#start(DOMAIN_ELEMENT);
    this.header[0] = headKeyBytes;
    this.#absorb(this.header, 0, 1);
    this.#absorb(headI32, headKeyWord, headKeyWord + ((headKeyBytes + 3) >>> 2));
    this.#absorbLeaf(i32, word);
    this.#finish();
  }

  /**
   * Sums the hashes of the blocks of `bytes` bytes at `i32[word]`, the first of which is block
   * `block` of its value. Bytes behind the last one, up to the word's end, must be zero.
   */
  hashBlocks(i32: Int32Array, word: number, bytes: number, block: number): void {
    let sumLow = 0;
    let sumHigh = 0;
    const end = word + ((bytes + 3) >>> 2);
    for (let from = word; from < end; from += BLOCK_WORDS, block++) {
      let to = Math.min(from + BLOCK_WORDS, end);
      while (to > from && i32[to - 1] === 0) to--;
      if (to === from) continue;
      this.#start(DOMAIN_BLOCK);
      this.header[0] = block;
      this.header[1] = to - from;
      this.#absorb(this.header, 0, 2);
      this.#absorb(i32, from, to);
      this.#finish();
      sumLow = (sumLow + this.low) | 0;
      sumHigh = (sumHigh + this.high) | 0;
    }
    this.low = sumLow;
    this.high = sumHigh;
  }

  #absorbLeaf(i32: Int32Array, word: number): void {
    const header = this.header;
    const w1 = i32[word + 1]!;
    const keyBytes = i32[word + 2]! >>> 24;
    const w3 = i32[word + 3]!;
    header[0] = i32[word]!;
    header[1] = w1 & COVERED_MASK;
    header[2] = w3;
    header[3] = keyBytes;
    if ((w1 & LAYOUT_BITS) !== 0 || (w1 & KIND_BITS) === HEAD_BITS) {
      this.#absorbUncommonLeaf(i32, word, w1);
      return;
    }
    const words = ((keyBytes + 3) >>> 2) + (((w3 & 0xffff) + 3) >>> 2);
    this.#absorb(header, 0, 4);
    this.#absorb(i32, word + LEAF_WORDS, word + LEAF_WORDS + words);
  }

  /** An entry with an expiry, a wide one, the head of a sub tree, or several of these. */
  #absorbUncommonLeaf(i32: Int32Array, word: number, w1: number): void {
    const header = this.header;
    let keyBytes = header[3]!;
    let headerWords = 4;
    let at = word + LEAF_WORDS;
    if ((w1 & EXPIRY_BIT) !== 0) {
      header[3] = keyBytes | (i32[at + 1]! << 8) | SHAPE_EXPIRY;
      header[headerWords++] = i32[at]!;
      at += EXPIRY_WORDS;
    }
    const isWide = (w1 & WIDE_BIT) !== 0;
    const hashWord = at + 2;
    if (isWide) {
      keyBytes = i32[at]!;
      header[3] = header[3]! | SHAPE_WIDE;
      header[headerWords++] = keyBytes;
      header[headerWords++] = i32[at + 1]!;
      at += WIDE_WORDS;
    }
    const keyEnd = at + ((keyBytes + 3) >>> 2);
    const valueBytes = isWide ? i32[hashWord - 1]! : header[2]! & 0xffff;
    const valueEnd = keyEnd + ((valueBytes + 3) >>> 2);
    this.#absorb(header, 0, headerWords);
    this.#absorb(i32, at, keyEnd);
    if ((w1 & KIND_BITS) === HEAD_BITS) {
      this.#absorb(i32, keyEnd + HEAD_MIRROR_WORD + 1, valueEnd);
    } else if (isWide) {
      this.#absorb(i32, hashWord, hashWord + 2);
    } else {
      this.#absorb(i32, keyEnd, valueEnd);
    }
  }

  #start(domain: number): void {
    const state = this.state;
    state[0] = this.key0;
    state[1] = this.key1 ^ domain;
    state[2] = this.key2;
    state[3] = this.key3;
  }

  /** One SipRound for each word of `i32[from, to)`. */
  #absorb(i32: Int32Array, from: number, to: number): void {
    const state = this.state;
    let v0 = state[0]!;
    let v1 = state[1]!;
    let v2 = state[2]!;
    let v3 = state[3]!;
    for (let i = from; i < to; i++) {
      const m = i32[i]!;
      v3 ^= m;
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      v0 ^= m;
    }
    state[0] = v0;
    state[1] = v1;
    state[2] = v2;
    state[3] = v3;
  }

  /** Three rounds for each half of the result. */
  #finish(): void {
    const state = this.state;
    state[2] = state[2]! ^ 0xee;
    this.#absorb(THREE_ZEROS, 0, 3);
    this.low = state[1]! ^ state[3]!;
    state[1] = state[1]! ^ 0xdd;
    this.#absorb(THREE_ZEROS, 0, 3);
    this.high = state[1]! ^ state[3]!;
  }
}
