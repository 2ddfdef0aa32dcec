/**
 * Remove: takes a leaf out of the tree, the reverse of insert.
 *
 *   [2]            [2]                [2]            [2]
 *    a -> L1        a -> L1            a -> [5]       a -> L1     a node left with one child or a
 *    b -> gone                              x -> L1               terminal alone gives way to it
 *    c -> L3        c -> L3                 y -> gone
 */
import { CHUNK_SHIFT, GRANULE_MASK } from './arena.js';
import { relink } from './insert.js';
import {
  FLAG_EXPIRY,
  FLAG_EXTERNAL,
  flagsAt,
  HEAD_EXPIRIES_WORD,
  HEAD_MIRROR_WORD,
  HEAD_ROOT_WORD,
  HEAD_SLOT_WORD,
  isTimedHeadAt,
  KIND_HEAD,
  KIND_MASK,
  type Leaf,
  leafFlags,
  leafSlot,
  leafVisible,
  valueWordAt,
} from './leaf.js';
import { firstSlot, nodeCount, removeChild, TERMINAL } from './node.js';
import type { Path } from './path.js';
import { addAlong, addHashed, hashLeaf } from './totals.js';
import type { Tree } from './tree.js';

/**
 * Removes and frees the leaf that `locate` on this path has found. Returns the node that it hung
 * on, which may have moved; 0: there is none any more.
 */
export function removeFound(tree: Tree, path: Path): number {
  const space = tree.space;
  const leaf = path.leaf;
  const { hash, leaves, sum } = space;
  const flags = leafFlags(leaves, leaf);
  hashLeaf(tree, leaf);
  if ((flags & KIND_MASK) === KIND_HEAD) {
    sum.clear();
    addHashed(sum, tree, leaf, -1);
  } else {
    sum.live = leafVisible(leaves, leaf) ? -1 : 0;
    sum.all = -1;
    sum.low = (0 - hash.low) | 0;
    sum.high = (0 - hash.high) | 0;
  }
  addAlong(tree, path, path.length, sum);
  const node = unlink(tree, path);
  if ((flags & FLAG_EXPIRY) !== 0 && tree.timed) tree.expiries.remove(leafSlot(leaves, leaf));
  if ((flags & (FLAG_EXTERNAL | KIND_HEAD)) !== 0) releaseContents(tree, leaf);
  leaves.free(leaf);
  tree.version++;
  return node;
}

function unlink(tree: Tree, path: Path): number {
  const top = path.length - 1;
  if (top < 0) {
    tree.root = 0;
    return 0;
  }
  const { nodes, leaves } = tree.space;
  let node = path.nodes[top]!;
  let i32 = nodes.i32[node >>> CHUNK_SHIFT]!;
  let word = (node & GRANULE_MASK) << 1;
  const slot = path.slots[top]!;
  if (slot === word + TERMINAL) {
    i32[slot] = 0;
  } else {
    node = removeChild(nodes, leaves, node, path.bytes[top]!);
    if (node !== path.nodes[top]) relink(tree, path, top, node);
    i32 = nodes.i32[node >>> CHUNK_SHIFT]!;
    word = (node & GRANULE_MASK) << 1;
  }
  const rest = nodeCount(i32[word]!) + (i32[word + TERMINAL]! === 0 ? 0 : 1);
  if (rest > 1) return node;
  relink(tree, path, top, i32[firstSlot(i32, word, i32[word]!)]!);
  nodes.free(node);
  return 0;
}

/** Frees what hangs on a leaf besides its record and its own expiry: big value, sub tree. */
export function releaseContents(tree: Tree, leaf: Leaf): void {
  const space = tree.space;
  const i32 = space.leaves.i32[leaf >>> CHUNK_SHIFT]!;
  const word = (leaf & GRANULE_MASK) << 1;
  const flags = flagsAt(i32, word);
  if ((flags & FLAG_EXTERNAL) !== 0) space.bigValues.free(i32[valueWordAt(i32, word)]!);
  if ((flags & KIND_MASK) === KIND_HEAD) {
    const at = valueWordAt(i32, word);
    space.reclaim(i32[at + HEAD_ROOT_WORD]!);
    space.reclaim(i32[at + HEAD_MIRROR_WORD]!);
    if (!isTimedHeadAt(i32, word)) return;
    space.reclaim(i32[at + HEAD_EXPIRIES_WORD]!);
    if (tree.timed) tree.heads.remove(i32[at + HEAD_SLOT_WORD]!);
  }
}
