/**
 * Patch: changes a piece of a value (APPEND, SETRANGE, SETBIT), at a cost of
 * O(piece) for long values: an inline one is changed in its record, an external
 * one in its segments, and of the value hash only the blocks touched change:
 *
 *      block 0     block 1     block 2     block 3
 *   +-----------+-----------+-----------+-----------+
 *   |           |       [piece  ]       |           |     hash - h(1) - h(2), write, + h(1) + h(2)
 *   +-----------+-----------+-----------+-----------+
 *
 * Bytes behind a value's end are zeros up to the next word, and growing appends zeros; blocks of
 * zeros hash to 0, so the blocks touched are those of the piece even when the value grows.
 */
import assert from 'node:assert';
import { CHUNK_SHIFT, GRANULE_MASK } from './arena.js';
import {
  expiryAt,
  FLAG_EXTERNAL,
  FLAG_SLIM,
  FLAG_WIDE,
  flagsAt,
  INLINE_VALUE_BYTES_MAX,
  KIND_BYTES,
  KIND_MASK,
  KIND_TOMBSTONE,
  keyBytesAt,
  type Leaf,
  leafGranules,
  setOriginAt,
  setShortValueBytesAt,
  setStampAt,
  VALUE_BYTES_MAX,
  valueBytesAt,
  valueWordAt,
  WRITER_FLAGS,
  wideWordAt,
} from './leaf.js';
import { locate } from './path.js';
import { relayout } from './relayout.js';
import type { Space } from './space.js';
import { addAlong, addLeaf } from './totals.js';
import type { Tree } from './tree.js';
import { addBlocks, createBig, outOfMemory, rehashValue } from './value.js';
import { beginWrite, layoutOf, writeEntry } from './write.js';

/** Shorter pieces are written by a loop, which beats a native call. */
const NATIVE_BYTES_MIN = 32;

/** Overwrites a part of a value, growing it with zeros; creates the entry if there is none. */
export function patch(
  tree: Tree,
  key: Buffer,
  from: number,
  to: number,
  stamp: number,
  origin: number,
  flags: number,
  offset: number,
  value: Buffer,
  vfrom: number,
  vto: number,
): Leaf {
  beginWrite(tree, key, from, to);
  const space = tree.space;
  const path = tree.path;
  const end = offset + vto - vfrom;
  assert(offset >= 0 && end <= VALUE_BYTES_MAX, 'a piece beyond the longest value');
  const found = locate(path, space.nodes, space.leaves, tree.root, key, from, to);
  if (!found || !isBytes(space, path.leaf)) {
    return putPiece(tree, key, from, to, stamp, origin, flags, offset, value, vfrom, vto);
  }
  path.wasVisible = true;
  let leaf = path.leaf;
  let i32 = space.leaves.i32[leaf >>> CHUNK_SHIFT]!;
  let word = (leaf & GRANULE_MASK) << 1;
  const oldFlags = flagsAt(i32, word);
  const bytes = Math.max(end, valueBytesAt(i32, word));
  const expiryMs = expiryAt(i32, word);
  const layout = layoutOf(tree, KIND_BYTES, to - from, bytes, expiryMs);
  const allFlags = (flags & WRITER_FLAGS) | layout;
  let big = -1;
  if ((layout & FLAG_EXTERNAL) !== 0) big = enlargeBig(space, leaf, bytes);
  const sum = space.sum;
  sum.clear();
  addLeaf(sum, tree, leaf, -1);
  leaf = enlarge(tree, leaf, allFlags, bytes);
  i32 = space.leaves.i32[leaf >>> CHUNK_SHIFT]!;
  word = (leaf & GRANULE_MASK) << 1;
  setStampAt(i32, word, stamp, allFlags);
  setOriginAt(i32, word, origin);
  if (big >= 0) i32[valueWordAt(i32, word)] = big;
  if (((oldFlags ^ allFlags) & (FLAG_WIDE | FLAG_EXTERNAL)) !== 0) {
    // Short before, or another home: there is no value hash to go on from.
    writePiece(space, leaf, offset, value, vfrom, vto);
    rehashValue(space, i32, word);
  } else if ((allFlags & FLAG_WIDE) !== 0) {
    addBlocks(space, i32, word, offset, end, -1);
    writePiece(space, leaf, offset, value, vfrom, vto);
    addBlocks(space, i32, word, offset, end, 1);
  } else {
    writePiece(space, leaf, offset, value, vfrom, vto);
  }
  addLeaf(sum, tree, leaf, 1);
  addAlong(tree, path, path.length, sum);
  return leaf;
}

function isBytes(space: Space, leaf: Leaf): boolean {
  const i32 = space.leaves.i32[leaf >>> CHUNK_SHIFT]!;
  const kind = flagsAt(i32, (leaf & GRANULE_MASK) << 1) & KIND_MASK;
  assert(kind === KIND_BYTES || kind === KIND_TOMBSTONE, 'a sub tree is no value to patch');
  return kind === KIND_BYTES;
}

/** A new value: zeros up to `offset`, then the piece. */
function putPiece(
  tree: Tree,
  key: Buffer,
  from: number,
  to: number,
  stamp: number,
  origin: number,
  flags: number,
  offset: number,
  value: Buffer,
  vfrom: number,
  vto: number,
): Leaf {
  const bytes = offset + vto - vfrom;
  const all = (flags & WRITER_FLAGS) | layoutOf(tree, KIND_BYTES, to - from, bytes, 0);
  if ((all & FLAG_EXTERNAL) !== 0) {
    const big = createBig(tree.space, bytes, value, vfrom, vto, offset);
    return writeEntry(tree, key, from, to, stamp, origin, all, 0, bytes, value, 0, 0, big);
  }
  if (offset === 0) {
    return writeEntry(tree, key, from, to, stamp, origin, all, 0, bytes, value, vfrom, vto, 0);
  }
  const whole = Buffer.alloc(bytes);
  value.copy(whole, offset, vfrom, vto);
  return writeEntry(tree, key, from, to, stamp, origin, all, 0, bytes, whole, 0, bytes, 0);
}

/** A big value of this length that starts with the leaf's value: its own one, or a new one. */
function enlargeBig(space: Space, leaf: Leaf, bytes: number): number {
  const i32 = space.leaves.i32[leaf >>> CHUNK_SHIFT]!;
  const word = (leaf & GRANULE_MASK) << 1;
  const at = valueWordAt(i32, word);
  if ((flagsAt(i32, word) & FLAG_EXTERNAL) === 0) {
    const u8 = space.leaves.u8[leaf >>> CHUNK_SHIFT]!;
    return createBig(space, bytes, u8, at * 4, at * 4 + valueBytesAt(i32, word), 0);
  }
  try {
    space.bigValues.resize(i32[at]!, bytes);
  } catch (error) {
    throw outOfMemory(error, bytes);
  }
  return i32[at]!;
}

/** Gives a leaf room for a value of this length, in place or elsewhere. */
function enlarge(tree: Tree, leaf: Leaf, flags: number, bytes: number): Leaf {
  const leaves = tree.space.leaves;
  const i32 = leaves.i32[leaf >>> CHUNK_SHIFT]!;
  const word = (leaf & GRANULE_MASK) << 1;
  const layout = FLAG_WIDE | FLAG_EXTERNAL | FLAG_SLIM;
  const keyBytes = keyBytesAt(i32, word);
  const stays =
    ((flags ^ flagsAt(i32, word)) & layout) === 0 &&
    leaves.fits(leaf, leafGranules(flags, keyBytes, bytes));
  if (!stays) return relayout(tree, tree.path, leaf, flags, bytes);
  const oldBytes = valueBytesAt(i32, word);
  if ((flags & FLAG_WIDE) !== 0) i32[wideWordAt(i32, word) + 1] = bytes;
  else setShortValueBytesAt(i32, word, bytes);
  if (bytes <= INLINE_VALUE_BYTES_MAX) {
    const at = valueWordAt(i32, word);
    for (let i = at + ((oldBytes + 3) >>> 2); i < at + ((bytes + 3) >>> 2); i++) i32[i] = 0;
  }
  return leaf;
}

function writePiece(
  space: Space,
  leaf: Leaf,
  offset: number,
  value: Buffer,
  vfrom: number,
  vto: number,
): void {
  const i32 = space.leaves.i32[leaf >>> CHUNK_SHIFT]!;
  const word = (leaf & GRANULE_MASK) << 1;
  const at = valueWordAt(i32, word);
  if ((flagsAt(i32, word) & FLAG_EXTERNAL) !== 0) {
    space.bigValues.write(i32[at]!, offset, value, vfrom, vto);
    return;
  }
  const u8 = space.leaves.u8[leaf >>> CHUNK_SHIFT]!;
  const start = at * 4 + offset;
  if (vto - vfrom >= NATIVE_BYTES_MIN) {
    value.copy(u8, start, vfrom, vto);
    return;
  }
  for (let i = 0; i < vto - vfrom; i++) u8[start + i] = value[vfrom + i]!;
}
