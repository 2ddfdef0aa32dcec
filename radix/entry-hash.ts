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
 *   | stamp, high 21         | kind 2 | led 1 | key bytes 8         |  lengths 0 of a wide entry
 *   | value bytes 16                  | origin 16                   |
 *   | expiry, low 32, high 32                 if there is an expiry |
 *   | key bytes 32, value bytes 32            if wide               |
 *   | key, padded with zeros                                        |
 *   | value, padded with zeros; or the value hash 64 of a wide one; |
 *   |   of a head, the words that are not this node's own           |
 *   +---------------------------------------------------------------+
 *
 * Which of these there are is told by constants, xored into the state before the first word of an
 * entry or element (DOMAIN_ENTRY, DOMAIN_ELEMENT) and of a leaf (DOMAIN_EXPIRY, DOMAIN_WIDE).
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
  SLIM_BIT,
  SLIM_WORDS,
  STAMP_HIGH_MASK,
  sharedHeadWordsAt,
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
const KEY_BYTES_MASK = 0xff << 24;

/** Of a leaf, as they are hashed. */
const HEADER_WORDS = 3;

/** HalfSipHash's constants, and what tells the three domains apart. */
const CONSTANT_2 = 0x6c796765;
const CONSTANT_3 = 0x74656462;
const DOMAIN_ENTRY = 0xee;
const DOMAIN_ELEMENT = 0x1ee;
const DOMAIN_BLOCK = 0x2ee;
const DOMAIN_EXPIRY = 0x400;
const DOMAIN_WIDE = 0x800;

export class EntryHash {
  /** The last hash, two 32-bit halves, signed. */
  low = 0;
  high = 0;

  private readonly state = new Int32Array(4);
  /** Where the hashes of all entries of databases begin. */
  readonly #entryState = new Int32Array(4);
  private readonly header = new Int32Array(8);
  readonly key0: number;
  readonly key1: number;
  readonly key2: number;
  readonly key3: number;

  /** `key`: 16 secret bytes, the same on every node of a cluster. */
  constructor(key: Uint8Array) {
    if (key.length !== 16) throw new RangeError('the key of the entry hash has 16 bytes');
    const view = new DataView(key.buffer, key.byteOffset, key.length);
    this.key0 = view.getInt32(0, true);
    this.key1 = view.getInt32(4, true);
    this.key2 = view.getInt32(8, true) ^ CONSTANT_2;
    this.key3 = view.getInt32(12, true) ^ CONSTANT_3;
    this.#start(DOMAIN_ENTRY);
    this.#entryState.set(this.state);
  }

  /** Hashes the entry whose leaf begins at `i32[word]`, as an entry of a database. */
  hashLeaf(i32: Int32Array, word: number): void {
    this.hashElement(this.#entryState, i32, word);
  }

  /** Sets four words to where the hashes of all elements below a head with this key begin. */
  beginElements(state: Int32Array, i32: Int32Array, keyWord: number, keyBytes: number): void {
    this.#start(DOMAIN_ELEMENT);
    this.header[0] = keyBytes;
    this.#absorb(this.header, 0, 1);
    this.#absorb(i32, keyWord, keyWord + ((keyBytes + 3) >>> 2));
    for (let i = 0; i < 4; i++) state[i] = this.state[i]!;
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
      this.#finish(this.state, 2, i32, from, to);
      sumLow = (sumLow + this.low) | 0;
      sumHigh = (sumHigh + this.high) | 0;
    }
    this.low = sumLow;
    this.high = sumHigh;
  }

  /**
   * Hashes an element of the sub tree to whose head `beginElements` has set `state`, which stays as it
   * is.
   */
  hashElement(state: Int32Array, i32: Int32Array, word: number): void {
    const { header } = this;
    const w1 = i32[word + 1]!;
    const w2 = i32[word + 2]!;
    header[0] = i32[word]!;
    header[1] = (w1 & COVERED_MASK) | (w2 & KEY_BYTES_MASK);
    if ((w1 & SLIM_BIT) !== 0) {
      const valueBytes = (w2 >>> 16) & 0xff;
      header[2] = valueBytes | (w2 << 16);
      const slimFirst = word + SLIM_WORDS;
      const slimEnd = slimFirst + (((w2 >>> 24) + 3) >>> 2) + ((valueBytes + 3) >>> 2);
      this.#finish(state, HEADER_WORDS, i32, slimFirst, slimEnd);
      return;
    }
    const w3 = i32[word + 3]!;
    header[2] = w3;
    if ((w1 & LAYOUT_BITS) !== 0 || (w1 & KIND_BITS) === HEAD_BITS) {
      for (let i = 0; i < 4; i++) this.state[i] = state[i]!;
      this.#finishWithUncommonLeaf(i32, word, w1);
      return;
    }
    const first = word + LEAF_WORDS;
    const end = first + (((w2 >>> 24) + 3) >>> 2) + (((w3 & 0xffff) + 3) >>> 2);
    this.#finish(state, HEADER_WORDS, i32, first, end);
  }

  /** An entry with an expiry, a wide one, the head of a sub tree, or several of these. */
  #finishWithUncommonLeaf(i32: Int32Array, word: number, w1: number): void {
    const { header, state } = this;
    let keyBytes = header[1]! >>> 24;
    let valueBytes = header[2]! & 0xffff;
    let headerWords = HEADER_WORDS;
    let at = word + LEAF_WORDS;
    const isHead = (w1 & KIND_BITS) === HEAD_BITS;
    const headWords = isHead ? HEAD_MIRROR_WORD + 1 + sharedHeadWordsAt(i32, word) : 0;
    if ((w1 & EXPIRY_BIT) !== 0) {
      state[1] = state[1]! ^ DOMAIN_EXPIRY;
      header[headerWords++] = i32[at]!;
      header[headerWords++] = i32[at + 1]!;
      at += EXPIRY_WORDS;
    }
    const isWide = (w1 & WIDE_BIT) !== 0;
    const hashWord = at + 2;
    if (isWide) {
      state[1] = state[1]! ^ DOMAIN_WIDE;
      keyBytes = i32[at]!;
      valueBytes = isHead ? headWords * 4 : i32[at + 1]!;
      header[headerWords++] = keyBytes;
      header[headerWords++] = valueBytes;
      at += WIDE_WORDS;
    } else if (isHead) {
      header[2] = (header[2]! & ~0xffff) | (headWords * 4);
    }
    const valueWord = at + ((keyBytes + 3) >>> 2);
    if (!isWide && !isHead) {
      this.#finish(state, headerWords, i32, at, valueWord + ((valueBytes + 3) >>> 2));
      return;
    }
    this.#absorb(header, 0, headerWords);
    this.#absorb(i32, at, valueWord);
    if (isHead) {
      const shared = valueWord + HEAD_MIRROR_WORD + 1;
      this.#finish(state, 0, i32, shared, valueWord + headWords);
    } else {
      this.#finish(state, 0, i32, hashWord, hashWord + 2);
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

  /**
   * Absorbs so many words of the header and `i32[from, to)`, and ends: three rounds for each half
   * of the result. As one function, so that the state stays in registers.
   */
  #finish(state: Int32Array, headerWords: number, i32: Int32Array, from: number, to: number): void {
    const { header } = this;
    let v0 = state[0]!;
    let v1 = state[1]!;
    let v2 = state[2]!;
    let v3 = state[3]!;
    for (let i = 0; i < headerWords; i++) {
      const m = header[i]!;
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
    v2 ^= 0xee;
    for (let i = 0; i < 6; i++) {
      if (i === 3) {
        this.low = v1 ^ v3;
        v1 ^= 0xdd;
      }
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
    }
    this.high = v1 ^ v3;
  }
}
