/**
 * Sorted sets: member -> score. An element's sub key is its member; its value is the score in eight
 * bytes that keep the order of the numbers, so that the mirror is the order of the scores:
 *
 *   score >= 0    bits of the double, the sign bit set            big-endian
 *   score < 0     bits of the double, all inverted
 *
 *   elements      member -> score (8)
 *   mirror        score (8) | member -> -          members of one score in the order of their bytes
 *
 * -0 is kept as 0: Redis holds the two for the same score, and tells which it was given only until
 * it converts the set. A NaN is never stored.
 */
import { CHUNK_SHIFT, GRANULE_MASK } from '../../radix/arena.js';
import { TYPE_FIXED8, TYPE_MIRRORED } from '../../radix/head.js';
import { KEY_BYTES_MAX, keyBytesAt, keyWordAt, type Leaf, valueWordAt } from '../../radix/leaf.js';
import type { Tree } from '../../radix/tree.js';
import type { Collection } from '../store/collection.js';
import { OUTGREW_FIRST } from './encodings.js';
import { TYPE_ZSET } from './types.js';

/** What a sorted set opens with. */
export const SORTED_SET = TYPE_ZSET | TYPE_MIRRORED | TYPE_FIXED8;

export const SCORE_BYTES = 8;
export const SCORE_WORDS = 2;
/** Longest member, bytes: with its score it is a key of the mirror. */
export const MEMBER_BYTES_MAX = KEY_BYTES_MAX - SCORE_BYTES;

const double = new Float64Array(1);
/** Its low and its high word. */
const words = new Int32Array(double.buffer);
const encoded = Buffer.allocUnsafeSlow(SCORE_BYTES);

/** Writes a score in its eight bytes. */
export function writeScore(score: number, target: Buffer, at: number): void {
  // Adding 0 makes 0 of -0.
  double[0] = score + 0;
  const mask = words[1]! >> 31;
  target.writeInt32BE(words[1]! ^ (mask | -0x8000_0000), at);
  target.writeInt32BE(words[0]! ^ mask, at + 4);
}

/** The score in the eight bytes from source[at] on. */
export function readScore(source: Buffer, at: number): number {
  const high = source.readInt32BE(at);
  const mask = ~(high >> 31);
  words[1] = high ^ (mask | -0x8000_0000);
  words[0] = source.readInt32BE(at + 4) ^ mask;
  return double[0]!;
}

/** The score whose eight bytes start at a word. */
function scoreAt(i32: Int32Array, word: number): number {
  const high = swapBytes(i32[word]!);
  const mask = ~(high >> 31);
  words[1] = high ^ (mask | -0x8000_0000);
  words[0] = swapBytes(i32[word + 1]!) ^ mask;
  return double[0]!;
}

function swapBytes(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}

/** The score of an element. */
export function scoreOf(tree: Tree, element: Leaf): number {
  const i32 = tree.space.leaves.i32[element >>> CHUNK_SHIFT]!;
  return scoreAt(i32, valueWordAt(i32, (element & GRANULE_MASK) << 1));
}

/** The score that a leaf of the mirror begins with. */
export function mirroredScore(tree: Tree, leaf: Leaf): number {
  const i32 = tree.space.leaves.i32[leaf >>> CHUNK_SHIFT]!;
  return scoreAt(i32, keyWordAt(i32, (leaf & GRANULE_MASK) << 1));
}

/** Copies the member behind the score of a leaf of the mirror; returns how long it is. */
export function copyMember(tree: Tree, leaf: Leaf, target: Buffer): number {
  const { leaves } = tree.space;
  const i32 = leaves.i32[leaf >>> CHUNK_SHIFT]!;
  const word = (leaf & GRANULE_MASK) << 1;
  const start = (keyWordAt(i32, word) + SCORE_WORDS) * 4;
  const bytes = keyBytesAt(i32, word) - SCORE_BYTES;
  leaves.u8[leaf >>> CHUNK_SHIFT]!.copy(target, 0, start, start + bytes);
  return bytes;
}

/** The score of a member; NaN if it is not there. */
export function findScore(zset: Collection, member: Buffer, from: number, to: number): number {
  const element = zset.find(member, from, to);
  return element === 0 ? Number.NaN : scoreOf(zset.elements, element);
}

/** Writes a member of the sorted set that a collection is turned to; true if it is new. */
export function putScore(
  zset: Collection,
  member: Buffer,
  from: number,
  to: number,
  score: number,
): boolean {
  writeScore(score, encoded, 0);
  const isNew = zset.put(member, from, to, encoded, 0, SCORE_BYTES);
  if (!isNew) return false;
  const { zsetMaxListpackEntries, zsetMaxListpackValue } = zset.database.store.settings;
  if (to - from > zsetMaxListpackValue || zset.size > zsetMaxListpackEntries) {
    zset.addHints(OUTGREW_FIRST);
  }
  return true;
}

/** Whether Redis would keep it in one piece, which ZSCAN tells whole. */
export function isSmallSortedSet(zset: Collection): boolean {
  return (zset.hints & OUTGREW_FIRST) === 0;
}

// Places in the order of scores.

/** How many members have a score below this one, or with `inclusive` not above it. */
export function scoreRank(zset: Collection, score: number, inclusive: boolean): number {
  const { mirror } = zset;
  writeScore(score, encoded, 0);
  if (!inclusive) mirror.makeLowKey(encoded, 0, SCORE_BYTES);
  else if (!mirror.makeHighKey(encoded, 0, SCORE_BYTES)) return zset.size;
  return mirror.tree.rank(mirror.key, 0, mirror.keyBytes);
}

/** How many members come before this one, which has this score. */
export function memberRank(
  zset: Collection,
  member: Buffer,
  from: number,
  to: number,
  score: number,
): number {
  const { mirror } = zset;
  writeScore(score, encoded, 0);
  mirror.makeKey(encoded, 0, SCORE_BYTES, member, from, to);
  return mirror.tree.rank(mirror.key, 0, mirror.keyBytes);
}
