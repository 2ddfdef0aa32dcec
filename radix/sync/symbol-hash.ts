/**
 * SymbolHash: the 32 bits by which cells know an item.
 *
 * HalfSipHash-1-3 like the tree's own hash (entry-hash.ts), of the same secret key, with the
 * session's salt and the database in the state, over the same words but for one thing: of a short
 * value it sees the length only. Finding out what differs hashes whole sub ranges, and most of an
 * entry is its value. Two versions of an entry have different stamps; should they ever not, digests
 * differ, cells stay silent, and the sub range is listed by the tree's own hashes.
 *
 *   start    key ^ (salt, domain, 0, db)
 *   element  head's key bytes | head's key                                    first
 *   item     stamp low | stamp high, kind, led, key bytes | value bytes, origin
 *            expiry, 2 words          if there is one
 *            key bytes, value bytes, value hash: 4 words          if wide
 *            key
 *            what a head says, 5 words          of a head
 *
 * The leaves of a batch are touched before they are hashed: their cache misses overlap.
 */
import { type Arena, CHUNK_BYTES, CHUNK_SHIFT, GRANULE_MASK } from '../arena.js';
import type { EntryHash } from '../entry-hash.js';
import {
  EXPIRY_WORDS,
  FLAG_EXPIRY,
  FLAG_LED,
  FLAG_WIDE,
  FLAGS_SHIFT,
  flagsAt,
  HEAD_MIRROR_WORD,
  HEAD_VALUE_BYTES,
  KIND_HEAD,
  KIND_MASK,
  keyBytesAt,
  keyWordAt,
  LEAF_WORDS,
  type Leaf,
  STAMP_HIGH_MASK,
  sharedHeadWordsAt,
  valueWordAt,
  WIDE_WORDS,
} from '../leaf.js';
import type { Space } from '../space.js';

// Constants of this module the compiler takes for constants, those of others it loads each time.
const SHIFT = CHUNK_SHIFT;
const MASK = GRANULE_MASK;
const HEADER_WORDS = LEAF_WORDS;

const DOMAIN_ENTRY = 0x3ee;
const DOMAIN_ELEMENT = 0x4ee;
const EXPIRY_BIT = FLAG_EXPIRY << FLAGS_SHIFT;
const WIDE_BIT = FLAG_WIDE << FLAGS_SHIFT;
const KIND_BITS = KIND_MASK << FLAGS_SHIFT;
const HEAD_BITS = KIND_HEAD << FLAGS_SHIFT;
const COVERED = STAMP_HIGH_MASK | KIND_BITS | (FLAG_LED << FLAGS_SHIFT);
const KEY_BYTES_MASK = 0xff << 24;
const CHUNK_WORDS_MASK = CHUNK_BYTES / 4 - 1;
/** Words of the beginning of a leaf with a key of usual length. */
const KEY_WORDS = 8;
/** Leaves touched at once. */
const TOUCHED = 48;

/** State of the hash before an item. */
export type Start = Int32Array;

export class SymbolHash {
  readonly #leaves: Arena;
  readonly #key: EntryHash;
  readonly #salt: number;
  readonly #state = new Int32Array(4);
  /** Words of an item that is not common. */
  #scratch = new Int32Array(64);
  /** Keeps what was loaded to be in the cache. */
  touched = 0;

  constructor({ hash, leaves }: Space, salt: number) {
    this.#leaves = leaves;
    this.#key = hash;
    this.#salt = salt;
  }

  /** Where the hash of an entry of a database starts. */
  entryStart(db: number): Start {
    return this.#start(DOMAIN_ENTRY, db);
  }

  /** Where that of an element of this head starts. Valid until the next write. */
  elementStart(db: number, head: Leaf): Start {
    const start = this.#start(DOMAIN_ELEMENT, db);
    const i32 = this.#leaves.i32[head >>> SHIFT]!;
    const word = (head & MASK) << 1;
    const words = (keyBytesAt(i32, word) + 3) >>> 2;
    const at = keyWordAt(i32, word);
    absorb(start, Int32Array.of(keyBytesAt(i32, word)), 0, 1);
    absorb(start, i32, at, at + words);
    return start;
  }

  /**
   * Hashes leaves[from, to) to symbols[at...]; ends behind a head. Returns the index behind the
   * last leaf hashed.
   */
  hash(
    start: Start,
    leaves: Int32Array,
    from: number,
    to: number,
    symbols: Int32Array,
    at: number,
  ): number {
    let index = from;
    while (index < to) {
      const end = index + TOUCHED < to ? index + TOUCHED : to;
      this.#touch(leaves, index, end);
      while (index < end) {
        index = this.#hashCommon(start, leaves, index, end, symbols, at + index - from);
        if (index === end) break;
        const leaf = leaves[index]!;
        symbols[at + index++ - from] = this.hashOne(start, leaf);
        if (this.#isHead(leaf)) return index;
      }
    }
    return to;
  }

  /** The symbol of any leaf. */
  hashOne(start: Start, leaf: Leaf): number {
    const count = this.#gather(leaf);
    return this.hashWords(start, this.#scratch, count);
  }

  hashWords(start: Start, words: Int32Array, count = words.length): number {
    const state = this.#state;
    state.set(start);
    absorb(state, words, 0, count);
    return finish(state);
  }

  #isHead(leaf: Leaf): boolean {
    const i32 = this.#leaves.i32[leaf >>> SHIFT]!;
    return (flagsAt(i32, (leaf & MASK) << 1) & KIND_MASK) === KIND_HEAD;
  }

  #start(domain: number, db: number): Start {
    const { key0, key1, key2, key3 } = this.#key;
    return Int32Array.of(key0 ^ this.#salt, key1 ^ domain, key2, key3 ^ db);
  }

  #touch(leaves: Int32Array, from: number, to: number): void {
    const chunks = this.#leaves.i32;
    let touched = 0;
    for (let i = from; i < to; i++) {
      const leaf = leaves[i]!;
      const i32 = chunks[leaf >>> SHIFT]!;
      const word = (leaf & MASK) << 1;
      touched ^= i32[word]! ^ i32[(word + KEY_WORDS) & CHUNK_WORDS_MASK]!;
    }
    this.touched = touched;
  }

  /** Hashes leaves as long as they are common: no expiry, not wide, no head. */
  #hashCommon(
    start: Start,
    leaves: Int32Array,
    from: number,
    to: number,
    symbols: Int32Array,
    at: number,
  ): number {
    const chunks = this.#leaves.i32;
    const s0 = start[0]!;
    const s1 = start[1]!;
    const s2 = start[2]!;
    const s3 = start[3]!;
    for (let index = from; index < to; index++) {
      const leaf = leaves[index]!;
      const i32 = chunks[leaf >>> SHIFT]!;
      const word = (leaf & MASK) << 1;
      const w1 = i32[word + 1]!;
      if ((w1 & (EXPIRY_BIT | WIDE_BIT)) !== 0 || (w1 & KIND_BITS) === HEAD_BITS) return index;
      const w2 = i32[word + 2]!;
      const end = word + HEADER_WORDS + (((w2 >>> 24) + 3) >>> 2);
      let v0 = s0;
      let v1 = s1;
      let v2 = s2;
      let v3 = s3;
      let m = i32[word]!;
      for (let i = word + 1; ; i++) {
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
        if (i === end) break;
        m = i32[i]!;
        // The access bits are this node's own.
        if (i === word + 1) m = (m & COVERED) | (w2 & KEY_BYTES_MASK);
        else if (i === word + 2) m = i32[++i]!;
      }
      v2 ^= 0xee;
      for (let i = 0; i < 3; i++) {
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
      symbols[at + index - from] = v1 ^ v3;
    }
    return to;
  }

  /** Copies the words to be hashed to the scratch; returns how many. */
  #gather(leaf: Leaf): number {
    const i32 = this.#leaves.i32[leaf >>> SHIFT]!;
    const word = (leaf & MASK) << 1;
    const flags = flagsAt(i32, word);
    const keyWords = (keyBytesAt(i32, word) + 3) >>> 2;
    const words = keyWords + HEADER_WORDS + EXPIRY_WORDS + WIDE_WORDS + HEAD_VALUE_BYTES / 4;
    if (words > this.#scratch.length) this.#scratch = new Int32Array(words * 2);
    const scratch = this.#scratch;
    scratch[0] = i32[word]!;
    scratch[1] = (i32[word + 1]! & COVERED) | (i32[word + 2]! & KEY_BYTES_MASK);
    scratch[2] = i32[word + 3]!;
    let count = 3;
    let at = word + HEADER_WORDS;
    if ((flags & FLAG_EXPIRY) !== 0) {
      scratch[count++] = i32[at]!;
      scratch[count++] = i32[at + 1]!;
      at += EXPIRY_WORDS;
    }
    const isWide = (flags & FLAG_WIDE) !== 0;
    const isHead = (flags & KIND_MASK) === KIND_HEAD;
    const sharedWords = isHead ? sharedHeadWordsAt(i32, word) : 0;
    // How long the record is, and its value's hash, are its node's own.
    const headBytes = (HEAD_MIRROR_WORD + 1 + sharedWords) * 4;
    if (isHead && !isWide) scratch[2] = (scratch[2]! & ~0xffff) | headBytes;
    if (isWide && isHead) {
      scratch[count++] = i32[at]!;
      scratch[count++] = headBytes;
    } else if (isWide) {
      for (let i = 0; i < WIDE_WORDS; i++) scratch[count++] = i32[at + i]!;
    }
    if (isWide) at += WIDE_WORDS;
    for (let i = 0; i < keyWords; i++) scratch[count++] = i32[at++]!;
    const value = valueWordAt(i32, word) + HEAD_MIRROR_WORD + 1;
    for (let i = 0; i < sharedWords; i++) scratch[count++] = i32[value + i]!;
    return count;
  }
}

/** One SipRound for each word of `words[from, to)`. */
function absorb(state: Start, words: Int32Array, from: number, to: number): void {
  for (let i = from; i < to; i++) {
    const m = words[i]!;
    state[3]! ^= m;
    sipRound(state);
    state[0]! ^= m;
  }
}

function finish(state: Start): number {
  state[2]! ^= 0xee;
  for (let i = 0; i < 3; i++) sipRound(state);
  return state[1]! ^ state[3]!;
}

function sipRound(state: Start): void {
  let v0 = state[0]!;
  let v1 = state[1]!;
  let v2 = state[2]!;
  let v3 = state[3]!;
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
  state[0] = v0;
  state[1] = v1;
  state[2] = v2;
  state[3] = v3;
}
