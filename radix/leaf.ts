/**
 * Leaf: the record of one entry, in the arena of leaves.
 *
 *   word  (32 bits each, little-endian; the record is a multiple of 8 bytes)
 *    0    stamp, low 32 bits
 *    1    stamp, high 21 bits            | flags << 21 (11 bits)
 *    2    access bits (24)               | key bytes << 24 (8 bits)
 *    3    value bytes (16)               | origin << 16 (16 bits)
 *         SLIM has in place of these two:
 *    2    origin (16 bits)               | value bytes << 16 (8 bits) | key bytes << 24 (8 bits)
 *   [ EXPIRY: 3 words
 *    +0   expiry ms, low 32 bits
 *    +1   expiry ms, high 21 bits
 *    +2   slot of the leaf in the expiry heap ]
 *   [ WIDE: 4 words (then the short lengths in words 2 and 3 are 0)
 *    +0   key bytes
 *    +1   value bytes, up to 2^32-1
 *    +2   value hash, low 32 bits
 *    +3   value hash, high 32 bits ]
 *    key, padded with zeros to a word
 *    value, padded with zeros to a word; EXTERNAL: one word, its number among the big values
 *
 * A leaf is WIDE if its key is longer than 255 B or its value longer than
 * 1023 B; values above 16 KiB are EXTERNAL (and WIDE). SLIM, without access bits, are those entries of
 * elements and of their other orders that neither expire nor have a value longer than 255 B
 * (`layoutOf`, write.ts). A head's value starts with
 * the words of HEAD_..., whose trees the reclaimer frees with the head.
 *
 * The digest covers key, stamp, origin, kind, LED, expiry and value (of a WIDE leaf
 * the value hash). It does not cover access bits, RAW, TEXT, HIDDEN, SLIM and the heap slot: they are
 * local to a node.
 *
 * A `Leaf` is a positive pointer, 0 if absent, valid until the next write to the
 * Space. A 16-byte key with a 64-byte value takes 96 bytes; a member of a set of 20 bytes, 32.
 */
import { type Arena, CHUNK_SHIFT, GRANULE_MASK } from './arena.js';

export type Leaf = number;

/** Kinds: the low two bits of the flags. */
export const KIND_MASK = 3;
export const KIND_BYTES = 0;
export const KIND_HEAD = 1;
export const KIND_TOMBSTONE = 2;
/** Written by a leader under its term. */
export const FLAG_LED = 4;
export const FLAG_EXPIRY = 8;
export const FLAG_WIDE = 16;
export const FLAG_EXTERNAL = 32;
/** The value was built by APPEND or SETRANGE: a hint for OBJECT ENCODING. */
export const FLAG_RAW = 64;
/** A head that users do not see, since no element of it is visible. */
export const FLAG_HIDDEN = 128;
/** The value was written by INCRBYFLOAT: no integer for OBJECT ENCODING, even if it looks it. */
export const FLAG_TEXT = 256;
/** A leaf without access bits, which only keys have. */
export const FLAG_SLIM = 512;
/** The flags that say how Redis would keep a value. Of a head: what it has outgrown. */
export const HINT_FLAGS = FLAG_RAW | FLAG_TEXT;
/** The flags that a writer may give. */
export const WRITER_FLAGS = FLAG_LED | FLAG_HIDDEN | HINT_FLAGS;

export const SHORT_KEY_BYTES_MAX = 255;
export const SHORT_VALUE_BYTES_MAX = 1023;
export const SLIM_VALUE_BYTES_MAX = 255;
export const INLINE_VALUE_BYTES_MAX = 16 * 1024;
export const KEY_BYTES_MAX = 64 * 1024;
export const VALUE_BYTES_MAX = 2 ** 32 - 1;

/**
 * Words of a head's value that hold trees, as pointers like a node's (negative: a leaf). The
 * digest does not cover these two, nor what stands behind HEAD_VALUE_BYTES; what is between them
 * is the sub tree's own matter.
 */
export const HEAD_ROOT_WORD = 0;
export const HEAD_MIRROR_WORD = 1;
/** Bytes of a head's value, up to what the digest covers. */
export const HEAD_VALUE_BYTES = 28;
/** Without clearedAt and the expiry's stamp, which are 0: most heads, and many of them are small. */
export const SHORT_HEAD_VALUE_BYTES = 12;
/** Two more words, of one that has had elements with an expiry: their order, its heap slot. */
export const HEAD_EXPIRIES_WORD = 7;
export const HEAD_SLOT_WORD = 8;
export const TIMED_HEAD_VALUE_BYTES = 36;

export const FLAGS_SHIFT = 21;
export const STAMP_HIGH_MASK = 0x1fffff;
/** Words of a leaf before the expiry, the wide part, the key. */
export const LEAF_WORDS = 4;
/** The same of a SLIM one, which has neither expiry nor a wide part. */
export const SLIM_WORDS = 3;
export const EXPIRY_WORDS = 3;
export const WIDE_WORDS = 4;
const UNSEEN = (KIND_TOMBSTONE | FLAG_HIDDEN) << FLAGS_SHIFT;
export const SLIM_BIT = FLAG_SLIM << FLAGS_SHIFT;
const TWO_32 = 4294967296;
/** From so many bytes on the native copy beats a loop that takes words apart (Node 24: 64, Node 20: 90). */
const NATIVE_BYTES_MIN = 72;
/** From so many bytes on it beats a loop over words. */
const NATIVE_WORDS_BYTES_MIN = 160;
/** Fewer bytes are stored as soon one by one. */
const VIEW_BYTES_MIN = 12;
/** Of what is read from a connection and the like: not buffers made for one entry, and none that it costs to keep. */
const VIEWED_BYTES_MIN = 1024;
const VIEWED_BYTES_MAX = 1024 * 1024;
/** The same for a copy that begins within a word. */
const UNALIGNED_BYTES_MIN = 32;

// Functions on (i32, word): the chunk's words and the index of the leaf's first word.

export function flagsAt(i32: Int32Array, word: number): number {
  return i32[word + 1]! >>> FLAGS_SHIFT;
}

/** Whether users see the entry: no tombstone, no head without visible elements. */
export function visibleAt(i32: Int32Array, word: number): boolean {
  return (i32[word + 1]! & UNSEEN) === 0;
}

export function stampAt(i32: Int32Array, word: number): number {
  return (i32[word + 1]! & STAMP_HIGH_MASK) * TWO_32 + (i32[word]! >>> 0);
}

export function isSlimAt(i32: Int32Array, word: number): boolean {
  return (i32[word + 1]! & SLIM_BIT) !== 0;
}

export function originAt(i32: Int32Array, word: number): number {
  if (isSlimAt(i32, word)) return i32[word + 2]! & 0xffff;
  return i32[word + 3]! >>> 16;
}

/** Index of the first of the WIDE words. */
export function wideWordAt(i32: Int32Array, word: number): number {
  return word + LEAF_WORDS + ((flagsAt(i32, word) & FLAG_EXPIRY) === 0 ? 0 : EXPIRY_WORDS);
}

/** Bytes of the key of a leaf that is not WIDE. */
export function shortKeyBytesAt(i32: Int32Array, word: number): number {
  return i32[word + 2]! >>> 24;
}

/** Bytes of the value of a leaf that is not WIDE. */
export function shortValueBytesAt(i32: Int32Array, word: number): number {
  if (isSlimAt(i32, word)) return (i32[word + 2]! >>> 16) & 0xff;
  return i32[word + 3]! & 0xffff;
}

export function keyBytesAt(i32: Int32Array, word: number): number {
  if ((flagsAt(i32, word) & FLAG_WIDE) === 0) return shortKeyBytesAt(i32, word);
  return i32[wideWordAt(i32, word)]!;
}

export function valueBytesAt(i32: Int32Array, word: number): number {
  if ((flagsAt(i32, word) & FLAG_WIDE) === 0) return shortValueBytesAt(i32, word);
  return i32[wideWordAt(i32, word) + 1]! >>> 0;
}

/** Index of the first word of the key. */
export function keyWordAt(i32: Int32Array, word: number): number {
  const flags = flagsAt(i32, word) & (FLAG_EXPIRY | FLAG_WIDE | FLAG_SLIM);
  if (flags === 0) return word + LEAF_WORDS;
  if (flags === FLAG_SLIM) return word + SLIM_WORDS;
  let at = word + LEAF_WORDS;
  if ((flags & FLAG_EXPIRY) !== 0) at += EXPIRY_WORDS;
  if ((flags & FLAG_WIDE) !== 0) at += WIDE_WORDS;
  return at;
}

/** Index of the first word of the value, or of the big value's number. */
export function valueWordAt(i32: Int32Array, word: number): number {
  return keyWordAt(i32, word) + ((keyBytesAt(i32, word) + 3) >>> 2);
}

export function expiryAt(i32: Int32Array, word: number): number {
  if ((flagsAt(i32, word) & FLAG_EXPIRY) === 0) return 0;
  return i32[word + LEAF_WORDS + 1]! * TWO_32 + (i32[word + LEAF_WORDS]! >>> 0);
}

export function slotAt(i32: Int32Array, word: number): number {
  return i32[word + LEAF_WORDS + 2]!;
}

export function setStampAt(i32: Int32Array, word: number, stamp: number, flags: number): void {
  i32[word] = stamp;
  i32[word + 1] = (stamp / TWO_32) | (flags << FLAGS_SHIFT);
}

/** Writes lengths and origin of a leaf that is not WIDE; its access bits, if it has any, are 0. */
export function setShortLengthsAt(
  i32: Int32Array,
  word: number,
  flags: number,
  keyBytes: number,
  valueBytes: number,
  origin: number,
): void {
  if ((flags & FLAG_SLIM) !== 0) {
    i32[word + 2] = (keyBytes << 24) | (valueBytes << 16) | origin;
    return;
  }
  i32[word + 2] = keyBytes << 24;
  i32[word + 3] = valueBytes | (origin << 16);
}

/** Changes the value's length, and nothing else, of a leaf that is not WIDE. */
export function setShortValueBytesAt(i32: Int32Array, word: number, valueBytes: number): void {
  if (isSlimAt(i32, word)) i32[word + 2] = (i32[word + 2]! & ~0xff0000) | (valueBytes << 16);
  else i32[word + 3] = (i32[word + 3]! & ~0xffff) | valueBytes;
}

export function setOriginAt(i32: Int32Array, word: number, origin: number): void {
  if (isSlimAt(i32, word)) {
    i32[word + 2] = (i32[word + 2]! & ~0xffff) | origin;
    return;
  }
  i32[word + 3] = (i32[word + 3]! & 0xffff) | (origin << 16);
}

export function setExpiryAt(i32: Int32Array, word: number, expiryMs: number): void {
  i32[word + LEAF_WORDS] = expiryMs;
  i32[word + LEAF_WORDS + 1] = expiryMs / TWO_32;
}

/** Whether a leaf with these lengths takes the WIDE layout. */
export function isWide(keyBytes: number, valueBytes: number): boolean {
  return keyBytes > SHORT_KEY_BYTES_MAX || valueBytes > SHORT_VALUE_BYTES_MAX;
}

/** Granules (8 bytes) of a leaf with these flags and lengths. */
export function leafGranules(flags: number, keyBytes: number, valueBytes: number): number {
  let words = ((flags & FLAG_SLIM) === 0 ? LEAF_WORDS : SLIM_WORDS) + ((keyBytes + 3) >>> 2);
  if ((flags & FLAG_EXPIRY) !== 0) words += EXPIRY_WORDS;
  if ((flags & FLAG_WIDE) !== 0) words += WIDE_WORDS;
  words += (flags & FLAG_EXTERNAL) !== 0 ? 1 : (valueBytes + 3) >>> 2;
  return (words + 1) >>> 1;
}

/** Bytes that the key at `word` shares with key[from, to) from the start. */
export function commonPrefixAt(
  i32: Int32Array,
  word: number,
  key: Buffer,
  from: number,
  to: number,
): number {
  const keyBytes = keyBytesAt(i32, word);
  const bytes = keyBytes < to - from ? keyBytes : to - from;
  let at = keyWordAt(i32, word);
  let i = 0;
  while (i + 4 <= bytes) {
    const j = from + i;
    const mine = key[j]! | (key[j + 1]! << 8) | (key[j + 2]! << 16) | (key[j + 3]! << 24);
    const different = mine ^ i32[at]!;
    if (different !== 0) return i + ((31 - Math.clz32(different & -different)) >>> 3);
    i += 4;
    at++;
  }
  let rest = i < bytes ? i32[at]! : 0;
  while (i < bytes && key[from + i]! === (rest & 255)) {
    i++;
    rest >>>= 8;
  }
  return i;
}

/** Below 0, 0 or above 0: the key at `word` is below key[from, to), equal to it, or above it. */
export function compareKeyAt(
  i32: Int32Array,
  word: number,
  key: Buffer,
  from: number,
  to: number,
): number {
  const common = commonPrefixAt(i32, word, key, from, to);
  const theirs = from + common < to ? key[from + common]! : -1;
  return keyByteAt(i32, word, common) - theirs;
}

export function keyEqualsAt(
  i32: Int32Array,
  word: number,
  key: Buffer,
  from: number,
  to: number,
): boolean {
  if (keyBytesAt(i32, word) !== to - from) return false;
  let at = keyWordAt(i32, word);
  const wordsEnd = to - 3;
  let i = from;
  for (; i < wordsEnd; i += 4) {
    const mine = key[i]! | (key[i + 1]! << 8) | (key[i + 2]! << 16) | (key[i + 3]! << 24);
    if (mine !== i32[at]!) return false;
    at++;
  }
  if (i === to) return true;
  // The rest of the last word is zeros in the leaf, so that one comparison does.
  let mine = key[i]!;
  if (i + 1 < to) mine |= key[i + 1]! << 8;
  if (i + 2 < to) mine |= key[i + 2]! << 16;
  return mine === i32[at]!;
}

/** Byte `index` of the key; -1 past its end. */
export function keyByteAt(i32: Int32Array, word: number, index: number): number {
  if (index >= keyBytesAt(i32, word)) return -1;
  return (i32[keyWordAt(i32, word) + (index >>> 2)]! >>> ((index & 3) << 3)) & 255;
}

/** The buffers that were stored from last, and their words at any offset. */
const viewed: [Buffer, Buffer] = [Buffer.alloc(0), Buffer.alloc(0)];
const views: [DataView, DataView] = [
  new DataView(new ArrayBuffer(0)),
  new DataView(new ArrayBuffer(0)),
];

function viewOf(buf: Buffer): DataView {
  if (buf === viewed[0]) return views[0];
  if (buf === viewed[1]) return views[1];
  viewed[1] = viewed[0];
  views[1] = views[0];
  viewed[0] = buf;
  views[0] = new DataView(buf.buffer, buf.byteOffset, buf.length);
  return views[0];
}

/** Writes bytes to words, padding the last word with zeros. */
export function storeBytes(
  i32: Int32Array,
  u8: Buffer,
  word: number,
  source: Buffer,
  from: number,
  to: number,
): void {
  const bytes = to - from;
  const { length } = source;
  const hasView =
    bytes >= VIEW_BYTES_MIN && length >= VIEWED_BYTES_MIN && length <= VIEWED_BYTES_MAX;
  if (bytes >= (hasView ? NATIVE_WORDS_BYTES_MIN : NATIVE_BYTES_MIN)) {
    i32[word + ((bytes - 1) >>> 2)] = 0;
    source.copy(u8, word * 4, from, to);
    return;
  }
  const wordsEnd = to - 3;
  let at = word;
  let i = from;
  if (hasView) {
    const view = viewOf(source);
    // Eight at a time: one by one the loop takes longer than the words.
    for (; i < wordsEnd - 28; i += 32) {
      i32[at] = view.getInt32(i, true);
      i32[at + 1] = view.getInt32(i + 4, true);
      i32[at + 2] = view.getInt32(i + 8, true);
      i32[at + 3] = view.getInt32(i + 12, true);
      i32[at + 4] = view.getInt32(i + 16, true);
      i32[at + 5] = view.getInt32(i + 20, true);
      i32[at + 6] = view.getInt32(i + 24, true);
      i32[at + 7] = view.getInt32(i + 28, true);
      at += 8;
    }
    for (; i < wordsEnd; i += 4) i32[at++] = view.getInt32(i, true);
  } else {
    for (; i < wordsEnd; i += 4) {
      i32[at++] =
        source[i]! | (source[i + 1]! << 8) | (source[i + 2]! << 16) | (source[i + 3]! << 24);
    }
  }
  if (i === to) return;
  let last = source[i]!;
  if (i + 1 < to) last |= source[i + 1]! << 8;
  if (i + 2 < to) last |= source[i + 2]! << 16;
  i32[at] = last;
}

/** Reads `bytes` bytes starting `skip` bytes after `word`. Returns the index after the last. */
export function loadBytes(
  i32: Int32Array,
  u8: Buffer,
  word: number,
  skip: number,
  bytes: number,
  target: Buffer,
  at: number,
): number {
  if (bytes >= NATIVE_BYTES_MIN || (skip & 3) !== 0) {
    const start = word * 4 + skip;
    if (bytes >= UNALIGNED_BYTES_MIN) u8.copy(target, at, start, start + bytes);
    else for (let i = 0; i < bytes; i++) target[at + i] = u8[start + i]!;
    return at + bytes;
  }
  let from = word + (skip >>> 2);
  const end = at + bytes;
  let i = at;
  for (; i + 4 <= end; i += 4) {
    const four = i32[from++]!;
    target[i] = four;
    target[i + 1] = four >>> 8;
    target[i + 2] = four >>> 16;
    target[i + 3] = four >>> 24;
  }
  if (i < end) {
    let rest = i32[from]!;
    for (; i < end; i++) {
      target[i] = rest;
      rest >>>= 8;
    }
  }
  return end;
}

// Functions on (arena, leaf), for everybody else.

export function leafFlags(leaves: Arena, leaf: Leaf): number {
  return flagsAt(leaves.i32[leaf >>> CHUNK_SHIFT]!, (leaf & GRANULE_MASK) << 1);
}

export function leafVisible(leaves: Arena, leaf: Leaf): boolean {
  return visibleAt(leaves.i32[leaf >>> CHUNK_SHIFT]!, (leaf & GRANULE_MASK) << 1);
}

export function leafStamp(leaves: Arena, leaf: Leaf): number {
  return stampAt(leaves.i32[leaf >>> CHUNK_SHIFT]!, (leaf & GRANULE_MASK) << 1);
}

export function leafOrigin(leaves: Arena, leaf: Leaf): number {
  return originAt(leaves.i32[leaf >>> CHUNK_SHIFT]!, (leaf & GRANULE_MASK) << 1);
}

/** When the entry expires, ms since 1970; 0: never. */
export function leafExpiryMs(leaves: Arena, leaf: Leaf): number {
  return expiryAt(leaves.i32[leaf >>> CHUNK_SHIFT]!, (leaf & GRANULE_MASK) << 1);
}

/** 24 bits for LRU clock or LFU counter; of a leaf that is not SLIM. */
export function leafAccess(leaves: Arena, leaf: Leaf): number {
  return leaves.i32[leaf >>> CHUNK_SHIFT]![((leaf & GRANULE_MASK) << 1) + 2]! & 0xffffff;
}

/** Sets the access bits of a leaf that is not SLIM. */
export function setLeafAccess(leaves: Arena, leaf: Leaf, bits: number): void {
  const i32 = leaves.i32[leaf >>> CHUNK_SHIFT]!;
  const at = ((leaf & GRANULE_MASK) << 1) + 2;
  i32[at] = (i32[at]! & ~0xffffff) | (bits & 0xffffff);
}

/** Sets hint bits, which no digest covers; this is no write. */
export function addLeafHints(leaves: Arena, leaf: Leaf, hints: number): void {
  const i32 = leaves.i32[leaf >>> CHUNK_SHIFT]!;
  const at = ((leaf & GRANULE_MASK) << 1) + 1;
  i32[at] = i32[at]! | ((hints & HINT_FLAGS) << FLAGS_SHIFT);
}

export function leafKeyBytes(leaves: Arena, leaf: Leaf): number {
  return keyBytesAt(leaves.i32[leaf >>> CHUNK_SHIFT]!, (leaf & GRANULE_MASK) << 1);
}

export function leafValueBytes(leaves: Arena, leaf: Leaf): number {
  return valueBytesAt(leaves.i32[leaf >>> CHUNK_SHIFT]!, (leaf & GRANULE_MASK) << 1);
}

/** The expiry heap keeps here where it holds the leaf, which must have EXPIRY. */
export function leafSlot(leaves: Arena, leaf: Leaf): number {
  return slotAt(leaves.i32[leaf >>> CHUNK_SHIFT]!, (leaf & GRANULE_MASK) << 1);
}

export function setLeafSlot(leaves: Arena, leaf: Leaf, slot: number): void {
  leaves.i32[leaf >>> CHUNK_SHIFT]![((leaf & GRANULE_MASK) << 1) + LEAF_WORDS + 2] = slot;
}

/** Copies the key to target[at...]; returns the index after its last byte. */
export function copyLeafKey(leaves: Arena, leaf: Leaf, target: Buffer, at: number): number {
  const i32 = leaves.i32[leaf >>> CHUNK_SHIFT]!;
  const u8 = leaves.u8[leaf >>> CHUNK_SHIFT]!;
  const word = (leaf & GRANULE_MASK) << 1;
  return loadBytes(i32, u8, keyWordAt(i32, word), 0, keyBytesAt(i32, word), target, at);
}

/**
 * Words of a head's value behind its roots that are the same on every node: 5; or 1, if the other 4
 * are 0, be they left out or not.
 */
export function sharedHeadWordsAt(i32: Int32Array, word: number): number {
  if (valueBytesAt(i32, word) === SHORT_HEAD_VALUE_BYTES) return 1;
  const at = valueWordAt(i32, word) + SHORT_HEAD_VALUE_BYTES / 4;
  return (i32[at]! | i32[at + 1]! | i32[at + 2]! | i32[at + 3]!) === 0 ? 1 : 5;
}

/** Whether a head has the words of one whose elements may expire. */
export function isTimedHeadAt(i32: Int32Array, word: number): boolean {
  return valueBytesAt(i32, word) === TIMED_HEAD_VALUE_BYTES;
}

export function isTimedHead(leaves: Arena, head: Leaf): boolean {
  return isTimedHeadAt(leaves.i32[head >>> CHUNK_SHIFT]!, (head & GRANULE_MASK) << 1);
}

/** One word of a head's value (HEAD_ROOT_WORD and so on). */
export function headWord(leaves: Arena, leaf: Leaf, index: number): number {
  const i32 = leaves.i32[leaf >>> CHUNK_SHIFT]!;
  return i32[valueWordAt(i32, (leaf & GRANULE_MASK) << 1) + index]!;
}

/** Changes a word that the digest does not cover: a root. */
export function setHeadWord(leaves: Arena, leaf: Leaf, index: number, to: number): void {
  const i32 = leaves.i32[leaf >>> CHUNK_SHIFT]!;
  i32[valueWordAt(i32, (leaf & GRANULE_MASK) << 1) + index] = to;
}
