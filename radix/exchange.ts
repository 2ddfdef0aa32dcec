/**
 * Exchange: two entries with big values swap them. What RENAME and MOVE need to hand a value of any
 * size to another key without reading it: the hash of a value does not depend on its key, so it
 * moves along.
 */
import assert from 'node:assert';
import { CHUNK_SHIFT, GRANULE_MASK } from './arena.js';
import { FLAG_EXTERNAL, flagsAt, type Leaf, valueWordAt, wideWordAt } from './leaf.js';
import { locate } from './path.js';
import { addAlong, addLeaf } from './totals.js';
import type { Tree } from './tree.js';
import { beginWrite } from './write.js';

/** An entry by its key. */
export interface EntryPlace {
  readonly tree: Tree;
  readonly key: Buffer;
  readonly from: number;
  readonly to: number;
}

/** Swaps the values of two entries of one Space, both EXTERNAL. Stamps stay as they are. */
export function exchangeBigValues(a: EntryPlace, b: EntryPlace): void {
  assert(a.tree.space === b.tree.space, 'both live in one space');
  beginWrite(a.tree, a.key, a.from, a.to);
  beginWrite(b.tree, b.key, b.from, b.to);
  const leaf = addTotals(a, -1);
  const other = addTotals(b, -1);
  swap(a.tree, leaf, other);
  addTotals(a, 1);
  addTotals(b, 1);
}

/** Adds the entry's totals to the nodes above it, or takes them away. Returns its leaf. */
function addTotals(place: EntryPlace, sign: 1 | -1): Leaf {
  const { tree, key, from, to } = place;
  const { leaves, nodes, sum } = tree.space;
  const found = locate(tree.path, nodes, leaves, tree.root, key, from, to);
  assert(found, 'the entry is there');
  const { leaf } = tree.path;
  sum.clear();
  addLeaf(sum, tree, leaf, sign);
  addAlong(tree, tree.path, tree.path.length, sum);
  return leaf;
}

/** Swaps what a leaf says of its value: where it lies, its length and its hash. */
function swap(tree: Tree, leaf: Leaf, other: Leaf): void {
  const { leaves } = tree.space;
  const words = leaves.i32[leaf >>> CHUNK_SHIFT]!;
  const otherWords = leaves.i32[other >>> CHUNK_SHIFT]!;
  const word = (leaf & GRANULE_MASK) << 1;
  const otherWord = (other & GRANULE_MASK) << 1;
  const both = flagsAt(words, word) & flagsAt(otherWords, otherWord);
  assert((both & FLAG_EXTERNAL) !== 0, 'both values are big');
  swapWord(words, valueWordAt(words, word), otherWords, valueWordAt(otherWords, otherWord));
  const wide = wideWordAt(words, word);
  const otherWide = wideWordAt(otherWords, otherWord);
  // Behind the key's length: the value's length, and the two words of its hash.
  for (let i = 1; i <= 3; i++) swapWord(words, wide + i, otherWords, otherWide + i);
}

function swapWord(words: Int32Array, at: number, otherWords: Int32Array, otherAt: number): void {
  const kept = words[at]!;
  words[at] = otherWords[otherAt]!;
  otherWords[otherAt] = kept;
}
