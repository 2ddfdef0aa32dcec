/**
 * Relayout: moves a leaf to a record of another layout or size, with its key and what it keeps of its
 * value.
 */
import { CHUNK_SHIFT, copyWords, GRANULE_MASK } from './arena.js';
import { relink } from './insert.js';
import {
  EXPIRY_WORDS,
  FLAG_EXPIRY,
  FLAG_EXTERNAL,
  FLAG_SLIM,
  FLAG_WIDE,
  FLAGS_SHIFT,
  flagsAt,
  HEAD_SLOT_WORD,
  isTimedHeadAt,
  KIND_HEAD,
  KIND_MASK,
  keyBytesAt,
  keyWordAt,
  LEAF_WORDS,
  type Leaf,
  leafGranules,
  originAt,
  setShortLengthsAt,
  slotAt,
  valueBytesAt,
  valueWordAt,
  wideWordAt,
} from './leaf.js';
import type { Path } from './path.js';
import type { Tree } from './tree.js';

/**
 * Moves a leaf to a record with other flags or room for a longer value. Its old value comes
 * along, followed by zeros, unless it goes from inline to external: then the word stays unset.
 */
export function relayout(
  tree: Tree,
  path: Path,
  old: Leaf,
  flags: number,
  valueBytes: number,
): Leaf {
  const leaves = tree.space.leaves;
  const from = leaves.i32[old >>> CHUNK_SHIFT]!;
  const fromWord = (old & GRANULE_MASK) << 1;
  const keyBytes = keyBytesAt(from, fromWord);
  const oldFlags = flagsAt(from, fromWord);
  const leaf = leaves.alloc(leafGranules(flags, keyBytes, valueBytes));
  const to = leaves.i32[leaf >>> CHUNK_SHIFT]!;
  const word = (leaf & GRANULE_MASK) << 1;
  to[word] = from[fromWord]!;
  to[word + 1] = (from[fromWord + 1]! & ~(-1 << FLAGS_SHIFT)) | (flags << FLAGS_SHIFT);
  const isWide = (flags & FLAG_WIDE) !== 0;
  const origin = originAt(from, fromWord);
  setShortLengthsAt(to, word, flags, isWide ? 0 : keyBytes, isWide ? 0 : valueBytes, origin);
  if (((flags | oldFlags) & FLAG_SLIM) === 0) to[word + 2]! |= from[fromWord + 2]! & 0xffffff;
  if ((flags & FLAG_EXPIRY) !== 0) to[word + LEAF_WORDS + 2] = -1;
  if ((flags & FLAG_EXPIRY & oldFlags) !== 0) {
    copyWords(from, fromWord + LEAF_WORDS, to, word + LEAF_WORDS, EXPIRY_WORDS);
    if (tree.timed) tree.expiries.move(slotAt(to, word), leaf);
  }
  if (isWide) {
    const wide = wideWordAt(to, word);
    const oldWide = wideWordAt(from, fromWord);
    const wasWide = (oldFlags & FLAG_WIDE) !== 0;
    to[wide] = keyBytes;
    to[wide + 1] = valueBytes;
    to[wide + 2] = wasWide ? from[oldWide + 2]! : 0;
    to[wide + 3] = wasWide ? from[oldWide + 3]! : 0;
  }
  copyWords(from, keyWordAt(from, fromWord), to, keyWordAt(to, word), (keyBytes + 3) >>> 2);
  copyOldValue(from, fromWord, to, word, flags, valueBytes);
  if ((flags & KIND_MASK) === KIND_HEAD && isTimedHeadAt(from, fromWord) && tree.timed) {
    tree.heads.move(to[valueWordAt(to, word) + HEAD_SLOT_WORD]!, leaf);
  }
  leaves.free(old);
  relink(tree, path, path.length, 0 - leaf);
  return leaf;
}

function copyOldValue(
  from: Int32Array,
  fromWord: number,
  to: Int32Array,
  word: number,
  flags: number,
  valueBytes: number,
): void {
  const at = valueWordAt(to, word);
  const fromAt = valueWordAt(from, fromWord);
  if ((flags & FLAG_EXTERNAL) !== 0) {
    to[at] = from[fromAt]!;
    return;
  }
  const words = (valueBytes + 3) >>> 2;
  const oldWords = (valueBytesAt(from, fromWord) + 3) >>> 2;
  copyWords(from, fromAt, to, at, oldWords);
  to.fill(0, at + oldWords, at + words);
}
