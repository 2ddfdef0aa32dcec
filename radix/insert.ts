/**
 * Insert: hangs a new leaf into the tree, at the place that `locate` has found.
 *
 *   a byte without child      a leaf in the way           inside a skipped stretch
 *
 *   [2]          [2]          [2]          [2]            [2]          [2]
 *    a -> L1      a -> L1      a -> L1      a -> [5]       a -> [9]     a -> [6]
 *                 b -> new                       x -> L1        ..           x -> [9] ..
 *                                                y -> new                    y -> new
 *
 * The number is a node's depth, the byte by which its keys differ. No other node changes its place,
 * so the shape of the tree depends on its keys alone and not on their order.
 */
import { CHUNK_SHIFT, GRANULE_MASK } from './arena.js';
import { type Leaf, leafFlags } from './leaf.js';
import { ALL, addChild, createNode, HIGH, LIVE, LOW, nodeDepth, TERMINAL } from './node.js';
import { deepest, type Path } from './path.js';
import { addAlong, addLeaf, addPointer, hintAlong, hintOfKind, hintsOf } from './totals.js';
import type { Tree } from './tree.js';

/** Makes the pointer that led to path.nodes[index] (or, at the end, to the leaf) lead elsewhere. */
export function relink(tree: Tree, path: Path, index: number, pointer: number): void {
  if (index === 0) {
    tree.root = pointer;
    return;
  }
  const parent = path.nodes[index - 1]!;
  tree.space.nodes.i32[parent >>> CHUNK_SHIFT]![path.slots[index - 1]!] = pointer;
}

/** Inserts a leaf where `locate` on this path has not found its key; the space is reserved. */
export function insertLeaf(
  tree: Tree,
  path: Path,
  leaf: Leaf,
  key: Buffer,
  from: number,
  to: number,
): void {
  const { leaves, sum } = tree.space;
  sum.clear();
  addLeaf(sum, tree, leaf, 1);
  const count = insertSummed(tree, path, leaf, key, from, to);
  const hint = hintOfKind(leafFlags(leaves, leaf));
  if (hint !== 0) hintAlong(tree, path, count, hint);
}

/** `insertLeaf` of what `space.sum` sums up; returns how many nodes of the path are above it. */
export function insertSummed(
  tree: Tree,
  path: Path,
  leaf: Leaf,
  key: Buffer,
  from: number,
  to: number,
): number {
  const { nodes, sum } = tree.space;
  if (tree.root === 0) {
    tree.root = 0 - leaf;
    return 0;
  }
  const depth = path.common;
  const byte = depth < to - from ? key[from + depth]! : -1;
  const index = deepest(path, nodes, depth);
  if (index < 0 || !hang(tree, path, index, leaf, byte)) {
    const branch = split(tree, path, index, leaf, byte);
    relink(tree, path, index + 1, branch);
  }
  addAlong(tree, path, index + 1, sum);
  return index + 1;
}

/** Makes the leaf a child of path.nodes[index], if that is where keys part. */
function hang(tree: Tree, path: Path, index: number, leaf: Leaf, byte: number): boolean {
  const { nodes, leaves, sum } = tree.space;
  const node = path.nodes[index]!;
  const i32 = nodes.i32[node >>> CHUNK_SHIFT]!;
  const word = (node & GRANULE_MASK) << 1;
  if (nodeDepth(i32[word]!) !== path.common) return false;
  if (byte < 0) {
    i32[word + TERMINAL] = 0 - leaf;
    return true;
  }
  const moved = addChild(nodes, leaves, node, byte, 0 - leaf, sum.low);
  if (moved !== node) {
    path.nodes[index] = moved;
    relink(tree, path, index, moved);
  }
  return true;
}

/** A new node above what path.nodes[index] led to so far, with it and the new leaf. */
function split(tree: Tree, path: Path, index: number, leaf: Leaf, byte: number): number {
  const { nodes, leaves, sum } = tree.space;
  let below = tree.root;
  if (index >= 0) below = nodes.i32[path.nodes[index]! >>> CHUNK_SHIFT]![path.slots[index]!]!;
  const branch = createNode(nodes, path.common);
  const i32 = nodes.i32[branch >>> CHUNK_SHIFT]!;
  const word = (branch & GRANULE_MASK) << 1;
  const total = tree.space.branchSum;
  total.clear();
  addPointer(total, tree, below, 1);
  i32[word + LIVE] = total.live + sum.live;
  i32[word + ALL] = total.all + sum.all;
  i32[word + LOW] = total.low + sum.low;
  i32[word + HIGH] = total.high + sum.high;
  i32[word]! |= hintsOf(tree, below) | hintsOf(tree, 0 - leaf);
  if (path.otherByte < 0) i32[word + TERMINAL] = below;
  else addChild(nodes, leaves, branch, path.otherByte, below, total.low);
  if (byte < 0) i32[word + TERMINAL] = 0 - leaf;
  else addChild(nodes, leaves, branch, byte, 0 - leaf, sum.low);
  return branch;
}
