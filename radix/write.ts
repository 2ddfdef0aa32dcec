/**
 * Write: makes and changes leaves. Every operation
 *
 *   1. tells the observer and reserves memory: from here on nothing throws;
 *   2. descends to the key once, remembering the path;
 *   3. takes the old entry's totals, changes the leaf (in place if it fits), takes the new ones;
 *   4. adds the difference to the nodes on the path.
 */
import assert from 'node:assert';
import { CHUNK_SHIFT, GRANULE_MASK } from './arena.js';
import { insertLeaf, insertSummed, relink } from './insert.js';
import {
  FLAG_EXPIRY,
  FLAG_EXTERNAL,
  FLAG_LED,
  FLAG_SLIM,
  FLAG_WIDE,
  flagsAt,
  HINT_FLAGS,
  INLINE_VALUE_BYTES_MAX,
  isSlimAt,
  isWide,
  KEY_BYTES_MAX,
  KIND_HEAD,
  KIND_MASK,
  KIND_TOMBSTONE,
  keyWordAt,
  LEAF_WORDS,
  type Leaf,
  leafGranules,
  SHORT_KEY_BYTES_MAX,
  SLIM_VALUE_BYTES_MAX,
  SLIM_WORDS,
  setExpiryAt,
  setOriginAt,
  setShortLengthsAt,
  setShortValueBytesAt,
  setStampAt,
  slotAt,
  storeBytes,
  VALUE_BYTES_MAX,
  valueBytesAt,
  valueWordAt,
  visibleAt,
  WRITER_FLAGS,
  wideWordAt,
} from './leaf.js';
import { locate } from './path.js';
import { relayout } from './relayout.js';
import { releaseContents } from './remove.js';
import { leadToInserted, ledBeforeWrite } from './seek.js';
import type { Space } from './space.js';
import { addAlong, addLeaf, hashLeaf, hintAlong, hintOfKind } from './totals.js';
import type { Tree } from './tree.js';
import { createBig, rehashValue } from './value.js';

/** Of entries of bytes that are neither wide nor expire, nor are hidden. */
const PLAIN_FLAGS = FLAG_LED | HINT_FLAGS | FLAG_SLIM;
const NOTHING = Buffer.alloc(0);
/** Those that follow from what an entry holds: see `layoutOf`. */
export const LAYOUT_FLAGS = FLAG_EXPIRY | FLAG_WIDE | FLAG_EXTERNAL | FLAG_SLIM;

/**
 * The flags that follow from an entry's kind, lengths and expiry, in this tree: only keys of databases
 * and heads have access bits.
 */
export function layoutOf(
  tree: Tree,
  kind: number,
  keyBytes: number,
  valueBytes: number,
  expiryMs: number,
): number {
  if (!tree.timed && expiryMs === 0 && kind !== KIND_HEAD) {
    if (keyBytes <= SHORT_KEY_BYTES_MAX && valueBytes <= SLIM_VALUE_BYTES_MAX) return FLAG_SLIM;
  }
  let flags = expiryMs > 0 ? FLAG_EXPIRY : 0;
  if (isWide(keyBytes, valueBytes)) {
    assert(keyBytes <= KEY_BYTES_MAX && valueBytes <= VALUE_BYTES_MAX, 'key or value too long');
    flags |= valueBytes > INLINE_VALUE_BYTES_MAX ? FLAG_WIDE | FLAG_EXTERNAL : FLAG_WIDE;
  }
  return flags;
}

export function beginWrite(tree: Tree, key: Buffer, from: number, to: number): void {
  tree.settle();
  if (tree.observer !== null) tree.observer.beforeChange(tree, key, from, to);
  tree.version++;
  tree.space.nodes.reserve();
  tree.space.leaves.reserve();
}

/**
 * Writes an entry of any kind over whatever is there. Sets `path.wasVisible`. `isSought`: the last to
 * go the tree's path has sought this key (`Tree.seek`), so that it need not be looked for again.
 */
export function putEntry(
  tree: Tree,
  key: Buffer,
  from: number,
  to: number,
  stamp: number,
  origin: number,
  flags: number,
  expiryMs: number,
  value: Buffer,
  vfrom: number,
  vto: number,
  isSought = false,
): Leaf {
  beginWrite(tree, key, from, to);
  const bytes = vto - vfrom;
  const layout = layoutOf(tree, flags & KIND_MASK, to - from, bytes, expiryMs);
  const all = (flags & (KIND_MASK | WRITER_FLAGS)) | layout;
  let big = 0;
  if ((all & FLAG_EXTERNAL) !== 0) big = createBig(tree.space, bytes, value, vfrom, vto, 0);
  let write = writeEntry;
  // Whoever observes may have gone the path meanwhile.
  if (isSought && ledBeforeWrite(tree, tree.path))
    write = tree.path.found ? overwrite : insertEntry;
  return write(tree, key, from, to, stamp, origin, all, expiryMs, bytes, value, vfrom, vto, big);
}

/**
 * Writes an entry with the big value of one of another tree, which shares it with that one: neither
 * copied nor hashed, however long it is.
 */
export function putShared(
  tree: Tree,
  key: Buffer,
  from: number,
  to: number,
  source: Tree,
  leaf: Leaf,
): void {
  const { bigValues, leaves } = tree.space;
  const [stamp, origin] = [source.stamp(leaf), source.origin(leaf)];
  const [expiryMs, bytes] = [source.expiryMs(leaf), source.valueBytes(leaf)];
  beginWrite(tree, key, from, to);
  const flags = source.flags(leaf) & (KIND_MASK | WRITER_FLAGS);
  const all = flags | layoutOf(tree, flags & KIND_MASK, to - from, bytes, expiryMs);
  // Zeros that nobody has written are hashed at no cost.
  const big = bigValues.create(bytes);
  const at = [stamp, origin, all, expiryMs, bytes] as const;
  const copy = writeEntry(tree, key, from, to, ...at, NOTHING, 0, 0, big);
  const sourceWords = leaves.i32[leaf >>> CHUNK_SHIFT]!;
  const sourceWord = (leaf & GRANULE_MASK) << 1;
  const words = leaves.i32[copy >>> CHUNK_SHIFT]!;
  bigValues.become(big, sourceWords[valueWordAt(sourceWords, sourceWord)]!);
  const wide = wideWordAt(words, (copy & GRANULE_MASK) << 1);
  const sourceWide = wideWordAt(sourceWords, sourceWord);
  for (let i = 2; i <= 3; i++) words[wide + i] = sourceWords[sourceWide + i]!;
}

/**
 * Writes an entry whose flags are complete and for which memory is reserved. Its value is either
 * value[vfrom, vto) or, if EXTERNAL, the big value `big`.
 */
export function writeEntry(
  tree: Tree,
  key: Buffer,
  from: number,
  to: number,
  stamp: number,
  origin: number,
  allFlags: number,
  expiryMs: number,
  valueBytes: number,
  value: Buffer,
  vfrom: number,
  vto: number,
  big: number,
): Leaf {
  const space = tree.space;
  const path = tree.path;
  if (locate(path, space.nodes, space.leaves, tree.root, key, from, to)) {
    return overwrite(
      tree,
      key,
      from,
      to,
      stamp,
      origin,
      allFlags,
      expiryMs,
      valueBytes,
      value,
      vfrom,
      vto,
      big,
    );
  }
  return insertEntry(
    tree,
    key,
    from,
    to,
    stamp,
    origin,
    allFlags,
    expiryMs,
    valueBytes,
    value,
    vfrom,
    vto,
    big,
  );
}

/** Writes an entry where the path has led to no entry. */
function insertEntry(
  tree: Tree,
  key: Buffer,
  from: number,
  to: number,
  stamp: number,
  origin: number,
  allFlags: number,
  expiryMs: number,
  valueBytes: number,
  value: Buffer,
  vfrom: number,
  vto: number,
  big: number,
): Leaf {
  const { path, space } = tree;
  path.wasVisible = false;
  const leaf = space.leaves.alloc(leafGranules(allFlags, to - from, valueBytes));
  fill(space, leaf, key, from, to, stamp, origin, allFlags, expiryMs, valueBytes);
  fillValue(space, leaf, allFlags, value, vfrom, vto, big);
  if (expiryMs > 0 && tree.timed) tree.expiries.add(leaf, expiryMs);
  insertLeaf(tree, path, leaf, key, from, to);
  return leaf;
}

/**
 * Inserts an element of bytes, neither wide nor with an expiry, where the path of its tree has led to
 * no entry: the short way, for memory that is reserved and a tree that nobody follows.
 */
export function insertPlain(
  tree: Tree,
  key: Buffer,
  from: number,
  to: number,
  stamp: number,
  origin: number,
  value: Buffer,
  vfrom: number,
  vto: number,
): void {
  const { path, space } = tree;
  const { hash, leaves, sum } = space;
  const flags = vto - vfrom <= SLIM_VALUE_BYTES_MAX ? FLAG_SLIM : 0;
  const firstWords = flags === 0 ? LEAF_WORDS : SLIM_WORDS;
  const keyWords = (to - from + 3) >>> 2;
  const words = firstWords + keyWords + ((vto - vfrom + 3) >>> 2);
  const leaf = leaves.alloc((words + 1) >>> 1);
  const i32 = leaves.i32[leaf >>> CHUNK_SHIFT]!;
  const u8 = leaves.u8[leaf >>> CHUNK_SHIFT]!;
  const word = (leaf & GRANULE_MASK) << 1;
  setStampAt(i32, word, stamp, flags);
  setShortLengthsAt(i32, word, flags, to - from, vto - vfrom, origin);
  storeBytes(i32, u8, word + firstWords, key, from, to);
  if (vto > vfrom) storeBytes(i32, u8, word + firstWords + keyWords, value, vfrom, vto);
  hashLeaf(tree, leaf);
  sum.live = 1;
  sum.all = 1;
  sum.low = hash.low;
  sum.high = hash.high;
  const count = insertSummed(tree, path, leaf, key, from, to);
  if (path.edge !== 0) leadToInserted(tree, path, leaf, count);
}

/** `insertPlain` over the entry that the path leads to; true if users saw it. */
export function overwritePlain(
  tree: Tree,
  key: Buffer,
  from: number,
  to: number,
  stamp: number,
  origin: number,
  value: Buffer,
  vfrom: number,
  vto: number,
): boolean {
  const { path } = tree;
  const bytes = vto - vfrom;
  const flags = bytes <= SLIM_VALUE_BYTES_MAX ? FLAG_SLIM : 0;
  overwrite(tree, key, from, to, stamp, origin, flags, 0, bytes, value, vfrom, vto, 0);
  return path.wasVisible;
}

/** Writes an entry where the path has led to one. */
function overwrite(
  tree: Tree,
  key: Buffer,
  from: number,
  to: number,
  stamp: number,
  origin: number,
  flags: number,
  expiryMs: number,
  valueBytes: number,
  value: Buffer,
  vfrom: number,
  vto: number,
  big: number,
): Leaf {
  const { path, space } = tree;
  const leaves = space.leaves;
  const sum = space.sum;
  const old = path.leaf;
  const i32 = leaves.i32[old >>> CHUNK_SHIFT]!;
  const word = (old & GRANULE_MASK) << 1;
  const oldFlags = flagsAt(i32, word);
  const granules = leafGranules(flags, to - from, valueBytes);
  const isPlain = ((oldFlags | flags) & ~PLAIN_FLAGS) === 0;
  if (isPlain && ((oldFlags ^ flags) & FLAG_SLIM) === 0 && leaves.fits(old, granules)) {
    replaceValue(tree, i32, word, stamp, origin, flags, value, vfrom, vto);
    return old;
  }
  path.wasVisible = visibleAt(i32, word);
  sum.clear();
  addLeaf(sum, tree, old, -1);
  if ((oldFlags & FLAG_EXPIRY) !== 0 && tree.timed) tree.expiries.remove(slotAt(i32, word));
  const keepsTrees = (flags & oldFlags & KIND_MASK) === KIND_HEAD;
  if ((oldFlags & (FLAG_EXTERNAL | KIND_HEAD)) !== 0 && !keepsTrees) releaseContents(tree, old);
  let leaf = old;
  if (leaves.fits(old, granules)) {
    if (((flags ^ oldFlags) & LAYOUT_FLAGS) === 0) {
      refill(i32, word, stamp, origin, flags, expiryMs, valueBytes);
    } else {
      const access = accessAt(i32, word);
      fill(space, old, key, from, to, stamp, origin, flags, expiryMs, valueBytes);
      setAccessAt(i32, word, access);
    }
  } else {
    leaf = leaves.alloc(granules);
    fill(space, leaf, key, from, to, stamp, origin, flags, expiryMs, valueBytes);
    const access = accessAt(i32, word);
    setAccessAt(leaves.i32[leaf >>> CHUNK_SHIFT]!, (leaf & GRANULE_MASK) << 1, access);
    leaves.free(old);
    relink(tree, path, path.length, 0 - leaf);
  }
  fillValue(space, leaf, flags, value, vfrom, vto, big);
  if (expiryMs > 0 && tree.timed) tree.expiries.add(leaf, expiryMs);
  addLeaf(sum, tree, leaf, 1);
  addAlong(tree, path, path.length, sum);
  const hint = hintOfKind(flags);
  if (hint !== 0) hintAlong(tree, path, path.length, hint);
  return leaf;
}

/**
 * Overwrites a visible entry by another that takes its place exactly, the short way: counts, kinds and
 * links stay as they are.
 */
function replaceValue(
  tree: Tree,
  i32: Int32Array,
  word: number,
  stamp: number,
  origin: number,
  flags: number,
  value: Buffer,
  vfrom: number,
  vto: number,
): void {
  const { path, space } = tree;
  const { hash, sum } = space;
  const { leaf } = path;
  path.wasVisible = true;
  hashLeaf(tree, leaf);
  const { low, high } = hash;
  refill(i32, word, stamp, origin, flags, 0, vto - vfrom);
  fillValue(space, leaf, flags, value, vfrom, vto, 0);
  hashLeaf(tree, leaf);
  sum.clear();
  sum.low = (hash.low - low) | 0;
  sum.high = (hash.high - high) | 0;
  addAlong(tree, path, path.length, sum);
}

/** Access bits; 0 of a leaf that has none. */
function accessAt(i32: Int32Array, word: number): number {
  return isSlimAt(i32, word) ? 0 : i32[word + 2]! & 0xffffff;
}

/** Sets the access bits, which are 0, of a new leaf that has some. */
function setAccessAt(i32: Int32Array, word: number, access: number): void {
  if (!isSlimAt(i32, word)) i32[word + 2] = i32[word + 2]! | access;
}

/** Writes all of a new leaf but its value. */
function fill(
  space: Space,
  leaf: Leaf,
  key: Buffer,
  from: number,
  to: number,
  stamp: number,
  origin: number,
  flags: number,
  expiryMs: number,
  valueBytes: number,
): void {
  const i32 = space.leaves.i32[leaf >>> CHUNK_SHIFT]!;
  const u8 = space.leaves.u8[leaf >>> CHUNK_SHIFT]!;
  const word = (leaf & GRANULE_MASK) << 1;
  setStampAt(i32, word, stamp, flags);
  if ((flags & FLAG_EXPIRY) !== 0) {
    setExpiryAt(i32, word, expiryMs);
    i32[word + LEAF_WORDS + 2] = -1;
  }
  if ((flags & FLAG_WIDE) === 0) {
    setShortLengthsAt(i32, word, flags, to - from, valueBytes, origin);
  } else {
    setShortLengthsAt(i32, word, flags, 0, 0, origin);
    const wide = wideWordAt(i32, word);
    i32[wide] = to - from;
    i32[wide + 1] = valueBytes;
  }
  storeBytes(i32, u8, keyWordAt(i32, word), key, from, to);
}

/** Writes the header of a leaf that keeps its layout and key; access bits stay. */
function refill(
  i32: Int32Array,
  word: number,
  stamp: number,
  origin: number,
  flags: number,
  expiryMs: number,
  valueBytes: number,
): void {
  setStampAt(i32, word, stamp, flags);
  if ((flags & FLAG_EXPIRY) !== 0) setExpiryAt(i32, word, expiryMs);
  setOriginAt(i32, word, origin);
  if ((flags & FLAG_WIDE) === 0) setShortValueBytesAt(i32, word, valueBytes);
  else i32[wideWordAt(i32, word) + 1] = valueBytes;
}

function fillValue(
  space: Space,
  leaf: Leaf,
  flags: number,
  value: Buffer,
  vfrom: number,
  vto: number,
  big: number,
): void {
  const i32 = space.leaves.i32[leaf >>> CHUNK_SHIFT]!;
  const word = (leaf & GRANULE_MASK) << 1;
  const at = valueWordAt(i32, word);
  if ((flags & FLAG_EXTERNAL) !== 0) i32[at] = big;
  else storeBytes(i32, space.leaves.u8[leaf >>> CHUNK_SHIFT]!, at, value, vfrom, vto);
  if ((flags & FLAG_WIDE) === 0) return;
  rehashValue(space, i32, word);
}

/** Gives an entry that is no tombstone another expiry; 0: none. Returns 0 if there is none. */
export function setExpiry(
  tree: Tree,
  key: Buffer,
  from: number,
  to: number,
  stamp: number,
  origin: number,
  expiryMs: number,
): Leaf {
  beginWrite(tree, key, from, to);
  const space = tree.space;
  const path = tree.path;
  if (!locate(path, space.nodes, space.leaves, tree.root, key, from, to)) return 0;
  let leaf = path.leaf;
  let i32 = space.leaves.i32[leaf >>> CHUNK_SHIFT]!;
  let word = (leaf & GRANULE_MASK) << 1;
  const oldFlags = flagsAt(i32, word);
  if ((oldFlags & KIND_MASK) === KIND_TOMBSTONE) return 0;
  assert((oldFlags & KIND_MASK) !== KIND_HEAD, 'a sub tree has its expiry in its head');
  const valueBytes = valueBytesAt(i32, word);
  const layout = layoutOf(tree, oldFlags & KIND_MASK, to - from, valueBytes, expiryMs);
  const flags = (oldFlags & ~LAYOUT_FLAGS) | layout;
  const sum = space.sum;
  sum.clear();
  addLeaf(sum, tree, leaf, -1);
  if ((oldFlags & FLAG_EXPIRY) !== 0 && tree.timed) tree.expiries.remove(slotAt(i32, word));
  if (flags !== oldFlags) {
    leaf = relayout(tree, path, leaf, flags, valueBytes);
    i32 = space.leaves.i32[leaf >>> CHUNK_SHIFT]!;
    word = (leaf & GRANULE_MASK) << 1;
  }
  setStampAt(i32, word, stamp, flags);
  setOriginAt(i32, word, origin);
  if (expiryMs > 0) {
    setExpiryAt(i32, word, expiryMs);
    if (tree.timed) tree.expiries.add(leaf, expiryMs);
  }
  addLeaf(sum, tree, leaf, 1);
  addAlong(tree, path, path.length, sum);
  return leaf;
}
