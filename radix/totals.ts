/**
 * Totals: how many entries lie below a pointer, and the sum of their hashes.
 *
 * A node carries its totals; a leaf's are computed from the leaf, so that nothing is stored
 * for it. A head counts as itself and as all elements of its sub tree.
 */
import { CHUNK_SHIFT, GRANULE_MASK } from './arena.js';
import {
  flagsAt,
  HEAD_ROOT_WORD,
  headWord,
  KIND_HEAD,
  KIND_MASK,
  type Leaf,
  leafFlags,
  valueWordAt,
  visibleAt,
} from './leaf.js';
import {
  ALL,
  groupOfByte,
  groupWord,
  HIGH,
  HINT_HEAD,
  HINT_TOMBSTONE,
  HINTS,
  hasGroups,
  LIVE,
  LOW,
  lowWord,
  TERMINAL,
} from './node.js';
import type { Path } from './path.js';
import type { Tree } from './tree.js';

/** Four 32-bit sums; digests wrap round. */
export class Sum {
  live = 0;
  all = 0;
  low = 0;
  high = 0;

  clear(): void {
    this.live = 0;
    this.all = 0;
    this.low = 0;
    this.high = 0;
  }
}

/** Hashes a leaf as an entry of this tree: the result stands in `space.hash`. */
export function hashLeaf(tree: Tree, leaf: Leaf): void {
  const space = tree.space;
  const hash = space.hash;
  if (!tree.digests) {
    hash.low = 0;
    hash.high = 0;
    return;
  }
  const leaves = space.leaves.i32;
  const i32 = leaves[leaf >>> CHUNK_SHIFT]!;
  const word = (leaf & GRANULE_MASK) << 1;
  if (tree.head === 0) hash.hashLeaf(i32, word);
  else hash.hashElement(tree.ownerState(), i32, word);
}

/** Adds (sign 1) or subtracts (sign -1) the totals of a leaf. */
export function addLeaf(sum: Sum, tree: Tree, leaf: Leaf, sign: number): void {
  hashLeaf(tree, leaf);
  addHashed(sum, tree, leaf, sign);
}

/** `addLeaf` of a leaf whose hash stands in `space.hash`. */
export function addHashed(sum: Sum, tree: Tree, leaf: Leaf, sign: number): void {
  const space = tree.space;
  const i32 = space.leaves.i32[leaf >>> CHUNK_SHIFT]!;
  const word = (leaf & GRANULE_MASK) << 1;
  if (visibleAt(i32, word)) sum.live += sign;
  sum.all += sign;
  sum.low = (sum.low + (sign > 0 ? space.hash.low : 0 - space.hash.low)) | 0;
  sum.high = (sum.high + (sign > 0 ? space.hash.high : 0 - space.hash.high)) | 0;
  if ((flagsAt(i32, word) & KIND_MASK) === KIND_HEAD) {
    addElements(sum, tree, leaf, i32[valueWordAt(i32, word) + HEAD_ROOT_WORD]!, sign);
  }
}

/** The elements below a head: entries, but no keys that users see. */
function addElements(sum: Sum, tree: Tree, head: Leaf, root: number, sign: number): void {
  if (root === 0) return;
  const live = sum.live;
  if (root > 0) {
    addNode(sum, tree, root, sign);
  } else {
    const outer = tree.head;
    tree.head = head;
    addLeaf(sum, tree, 0 - root, sign);
    tree.head = outer;
  }
  sum.live = live;
}

export function addNode(sum: Sum, tree: Tree, node: number, sign: number): void {
  const i32 = tree.space.nodes.i32[node >>> CHUNK_SHIFT]!;
  const word = (node & GRANULE_MASK) << 1;
  sum.live += sign * i32[word + LIVE]!;
  sum.all += sign * i32[word + ALL]!;
  sum.low = (sum.low + Math.imul(sign, i32[word + LOW]!)) | 0;
  sum.high = (sum.high + Math.imul(sign, i32[word + HIGH]!)) | 0;
}

/** Totals of whatever a pointer leads to; 0 has none. */
export function addPointer(sum: Sum, tree: Tree, pointer: number, sign: number): void {
  if (pointer > 0) addNode(sum, tree, pointer, sign);
  else if (pointer < 0) addLeaf(sum, tree, 0 - pointer, sign);
}

/**
 * Adds to the totals of the first `count` nodes of a path that `locate` has gone, and to the lows
 * of the children that it has gone to.
 */
export function addAlong(tree: Tree, path: Path, count: number, sum: Sum): void {
  const chunks = tree.space.nodes.i32;
  const { nodes, slots } = path;
  const live = sum.live;
  const all = sum.all;
  const low = sum.low;
  const high = sum.high;
  for (let i = 0; i < count; i++) {
    const node = nodes[i]!;
    const i32 = chunks[node >>> CHUNK_SHIFT]!;
    const word = (node & GRANULE_MASK) << 1;
    i32[word + LOW] = i32[word + LOW]! + low;
    i32[word + HIGH] = i32[word + HIGH]! + high;
    const header = i32[word]!;
    const slot = slots[i]!;
    // The slot of a child that there was not is 0.
    if (slot > word + TERMINAL) {
      const at = lowWord(header, slot);
      i32[at] = i32[at]! + low;
    }
    if (live === 0 && all === 0) continue;
    i32[word + LIVE] = i32[word + LIVE]! + live;
    i32[word + ALL] = i32[word + ALL]! + all;
    if (!hasGroups(header)) continue;
    const byte = path.bytes[i]!;
    if (byte >= 0) i32[groupWord(word, groupOfByte(byte))]! += live;
  }
}

/** What nodes above an entry with these flags hint at; 0: nothing. */
export function hintOfKind(flags: number): number {
  const kind = flags & KIND_MASK;
  return kind === 0 ? 0 : kind === KIND_HEAD ? HINT_HEAD : HINT_TOMBSTONE;
}

/**
 * What the node above would hint at of all that a pointer leads to. A head has its elements' hints, too;
 * without elements it may be there only to say when it was cleared, and counts as a tombstone.
 */
export function hintsOf(tree: Tree, pointer: number): number {
  const { leaves, nodes } = tree.space;
  if (pointer > 0) {
    return nodes.i32[pointer >>> CHUNK_SHIFT]![(pointer & GRANULE_MASK) << 1]! & HINTS;
  }
  if (pointer === 0) return 0;
  const leaf = 0 - pointer;
  const hint = hintOfKind(leafFlags(leaves, leaf));
  if (hint !== HINT_HEAD) return hint;
  const root = headWord(leaves, leaf, HEAD_ROOT_WORD);
  return hint | (root === 0 ? HINT_TOMBSTONE : hintsOf(tree, root) & HINT_TOMBSTONE);
}

/** Sets hint bits on the first `count` nodes of a path. */
export function hintAlong(tree: Tree, path: Path, count: number, hint: number): void {
  for (let i = 0; i < count; i++) {
    const node = path.nodes[i]!;
    tree.space.nodes.i32[node >>> CHUNK_SHIFT]![(node & GRANULE_MASK) << 1]! |= hint;
  }
}
