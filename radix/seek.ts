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
import { CHUNK_SHIFT, GRANULE_MASK } from './arena.js';
import { commonPrefixAt, keyByteAt, keyBytesAt, keyEqualsAt, type Leaf } from './leaf.js';
import { nodeDepth } from './node.js';
import { locate, type Path } from './path.js';
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
  return true;
}

/**
 * Tells that `path` leads to this leaf, for a write to follow: a walk has gone there, which does
 * not look at the key.
 */
export function lead(tree: Tree, path: Path, leaf: Leaf): void {
  path.found = leaf !== 0;
  if (leaf === 0) return;
  const { leaves, nodes } = tree.space;
  const i32 = leaves.i32[leaf >>> CHUNK_SHIFT]!;
  const word = (leaf & GRANULE_MASK) << 1;
  path.leaf = leaf;
  path.tree = tree;
  path.version = tree.version;
  for (let i = 0; i < path.length; i++) {
    const node = path.nodes[i]!;
    const header = nodes.i32[node >>> CHUNK_SHIFT]![(node & GRANULE_MASK) << 1]!;
    path.bytes[i] = keyByteAt(i32, word, nodeDepth(header));
  }
}
