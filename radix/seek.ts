/**
 * Seek: descents that are remembered, so that who looks at an entry and then writes to it goes to
 * it once.
 *
 *   seek(key)       descends, unless the path leads to this key already
 *   first, n-th     lead to what they find, too
 *   drop(key)       is there already
 *
 * A path says whose it is and as of which version of that tree; every other descent on it takes
 * that back, and every write to the tree makes another version. So whether it still leads to a key
 * is told by two comparisons and one of the key with the leaf's, and can never be wrong.
 */
import assert from 'node:assert';
import { CHUNK_SHIFT, GRANULE_MASK } from './arena.js';
import { commonPrefixAt, keyByteAt, keyBytesAt, keyEqualsAt, type Leaf } from './leaf.js';
import {
  childSlot,
  firstSlot,
  isDirect,
  lastSlot,
  nodeDepth,
  slotAfter,
  slotBefore,
  TERMINAL,
} from './node.js';
import {
  descendFirst,
  descendLast,
  FIRST,
  LAST,
  locate,
  Path,
  walkFirst,
  walkLast,
} from './path.js';
import type { Tree } from './tree.js';

/** The entry at a key, of whatever kind; 0: there is none. The path then leads there. */
export function seek(tree: Tree, path: Path, key: Buffer, from: number, to: number): Leaf {
  return known(tree, path, key, from, to) || seekAnew(tree, path, key, from, to);
}

/** The entry at a key if the path leads there, in the tree as it is; else 0. */
export function known(tree: Tree, path: Path, key: Buffer, from: number, to: number): Leaf {
  if (path.tree !== tree || path.version !== tree.version || !path.found) return 0;
  const { leaf } = path;
  const i32 = tree.space.leaves.i32[leaf >>> CHUNK_SHIFT]!;
  return keyEqualsAt(i32, (leaf & GRANULE_MASK) << 1, key, from, to) ? leaf : 0;
}

/** `seek` by a path that is known to lead elsewhere. */
export function seekAnew(tree: Tree, path: Path, key: Buffer, from: number, to: number): Leaf {
  const { leaves, nodes } = tree.space;
  const found = locate(path, nodes, leaves, tree.root, key, from, to);
  path.tree = tree;
  path.version = tree.version;
  return found ? path.leaf : 0;
}

/** The first or last of all entries if the path leads there, in the tree as it is; else 0. */
export function knownEdge(tree: Tree, path: Path, edge: number): Leaf {
  if (path.edge !== edge || path.tree !== tree || path.version !== tree.version) return 0;
  return path.found ? path.leaf : 0;
}

/** Whether the path leads to this leaf, in the tree as it is. */
export function leadsTo(tree: Tree, path: Path, leaf: Leaf): boolean {
  return path.tree === tree && path.version === tree.version && path.found && path.leaf === leaf;
}

/** Whether `seek` was the last to go this path, in the tree as it is, and found nothing. */
export function leadsNowhere(tree: Tree, path: Path): boolean {
  return path.tree === tree && path.version === tree.version && !path.found;
}

/** Whether `seek` was the last to go this path, and the one write that has begun the only one since. */
export function ledBeforeWrite(tree: Tree, path: Path): boolean {
  return path.tree === tree && path.version === tree.version - 1;
}

/**
 * Tells that `path` leads to where a key is not: a walk has just gone to `leaf`, the first or last of
 * all entries, and the key stands before or behind it. False: the write must find its way itself.
 */
export function leadBeyond(
  tree: Tree,
  path: Path,
  leaf: Leaf,
  key: Buffer,
  from: number,
  to: number,
): boolean {
  const { leaves, nodes } = tree.space;
  const i32 = leaves.i32[leaf >>> CHUNK_SHIFT]!;
  const word = (leaf & GRANULE_MASK) << 1;
  const common = commonPrefixAt(i32, word, key, from, to);
  // One begins with the other: a terminal is in play.
  if (common === to - from || common === keyBytesAt(i32, word)) return false;
  for (let i = 0; i < path.length; i++) {
    const node = path.nodes[i]!;
    const depth = nodeDepth(nodes.i32[node >>> CHUNK_SHIFT]![(node & GRANULE_MASK) << 1]!);
    if (depth > common) break;
    path.bytes[i] = key[from + depth]!;
    // All of its children stand on the same side of the key: it is none of theirs.
    if (depth === common) path.slots[i] = 0;
  }
  path.common = common;
  path.otherByte = keyByteAt(i32, word, common);
  path.found = false;
  path.leaf = 0;
  path.tree = tree;
  path.version = tree.version;
  path.edge = key[from + common]! < path.otherByte ? FIRST : LAST;
  return true;
}

/**
 * A leaf has been inserted where `leadBeyond` has led, below `count` nodes of the path: from now on
 * the path leads to it, the first or last of all.
 */
export function leadToInserted(tree: Tree, path: Path, leaf: Leaf, count: number): void {
  const { nodes } = tree.space;
  const { common } = path;
  let index = count - 1;
  let node = tree.root;
  // A slot that is not known: the leaf hangs there. Else it has got a branch of its own.
  if (index >= 0 && path.slots[index] === 0) {
    node = path.nodes[index]!;
  } else {
    if (index >= 0) {
      const above = path.nodes[index]!;
      node = nodes.i32[above >>> CHUNK_SHIFT]![path.slots[index]!]!;
    }
    index++;
    if (index === path.nodes.length) path.grow();
  }
  if (node > 0) {
    const byte = keyByteAt(
      tree.space.leaves.i32[leaf >>> CHUNK_SHIFT]!,
      (leaf & GRANULE_MASK) << 1,
      common,
    );
    const i32 = nodes.i32[node >>> CHUNK_SHIFT]!;
    const word = (node & GRANULE_MASK) << 1;
    path.nodes[index] = node;
    path.bytes[index] = byte;
    path.slots[index] = childSlot(i32, word, i32[word]!, byte);
    path.length = index + 1;
  } else {
    path.length = 0;
  }
  path.found = true;
  path.leaf = leaf;
  path.tree = tree;
  path.version = tree.version;
}

/**
 * The first or last of all entries, to which the path led, has been removed from `node`, which may
 * have moved since; 0: the node has gone, too. The path now leads to what is first or last then.
 */
export function leadInward(tree: Tree, path: Path, node: number): void {
  const { edge } = path;
  path.tree = null;
  if (node === 0) return;
  const { leaves, nodes } = tree.space;
  const i32 = nodes.i32[node >>> CHUNK_SHIFT]!;
  const word = (node & GRANULE_MASK) << 1;
  const header = i32[word]!;
  const top = path.length - 1;
  const gone = path.slots[top]!;
  const isSameSlot = node === path.nodes[top] && isDirect(header) && gone !== word + TERMINAL;
  let slot: number;
  if (edge === FIRST)
    slot = isSameSlot ? slotAfter(i32, word, header, gone) : firstSlot(i32, word, header);
  else slot = isSameSlot ? slotBefore(i32, word, header, gone) : lastSlot(i32, word, header);
  if (slot === 0) return;
  path.nodes[top] = node;
  path.slots[top] = slot;
  const pointer = i32[slot]!;
  let leaf = 0 - pointer;
  if (pointer > 0) {
    leaf =
      edge === FIRST
        ? descendFirst(path, nodes, leaves, pointer, true)
        : descendLast(path, nodes, leaves, pointer, true);
  }
  lead(tree, path, leaf, top);
}

/**
 * Tells that `path` leads to this leaf, for a write to follow: a walk has gone there, which does
 * not look at the key. Of the nodes before `from` the bytes are known.
 */
export function lead(tree: Tree, path: Path, leaf: Leaf, from = 0): void {
  path.found = leaf !== 0;
  if (leaf === 0) return;
  const { leaves, nodes } = tree.space;
  const i32 = leaves.i32[leaf >>> CHUNK_SHIFT]!;
  const word = (leaf & GRANULE_MASK) << 1;
  path.leaf = leaf;
  path.tree = tree;
  path.version = tree.version;
  for (let i = from; i < path.length; i++) {
    const node = path.nodes[i]!;
    const header = nodes.i32[node >>> CHUNK_SHIFT]![(node & GRANULE_MASK) << 1]!;
    path.bytes[i] = keyByteAt(i32, word, nodeDepth(header));
  }
}

/** Throws if a path that says that it leads to a leaf, the first or last one perhaps, does not. */
export function checkLed(tree: Tree, path: Path): void {
  const { edge, leaf } = path;
  if (path.tree !== tree || path.version !== tree.version || !path.found) return;
  const { leaves, nodes } = tree.space;
  const fresh = new Path();
  const key = tree.key(leaf);
  assert(locate(fresh, nodes, leaves, tree.root, key, 0, key.length), 'the leaf is there');
  assert.equal(fresh.leaf, leaf, 'the path leads to a leaf of the tree');
  assert.equal(path.length, fresh.length, 'the way is as long');
  for (let i = 0; i < fresh.length; i++) {
    assert.equal(path.nodes[i], fresh.nodes[i], 'by the same nodes');
    assert.equal(path.slots[i], fresh.slots[i], 'by the same slots');
    assert.equal(path.bytes[i], fresh.bytes[i], 'by the same bytes');
  }
  const first = walkFirst(fresh, nodes, leaves, tree.root, true);
  assert(edge !== FIRST || first === leaf, 'it is the first of all');
  const last = walkLast(fresh, nodes, leaves, tree.root, true);
  assert(edge !== LAST || last === leaf, 'it is the last of all');
}
