/**
 * Clear: takes out of a database's tree what its clear hides, as if it had been written before.
 *
 * What is at or below the stamp goes: entries, elements, expiries of heads, and what heads remember
 * of earlier clears, since the database's covers those. So every replica that knows the same clear
 * and the same entries has the same tree, in whatever order it heard of them.
 */
import { KIND_HEAD } from '../leaf.js';
import { SubTree } from '../subtree.js';
import type { Tree } from '../tree.js';

/** Costs a walk over all entries. */
export function purgeCleared(tree: Tree, stamp: number): void {
  const sub = new SubTree(tree);
  const cursor = tree.cursor({ all: true });
  for (let leaf = cursor.next(); leaf !== 0; leaf = cursor.next()) {
    if (tree.stamp(leaf) <= stamp) {
      tree.dropLeaf(leaf);
    } else if (tree.kind(leaf) === KIND_HEAD) {
      purgeHead(sub, tree.key(leaf), stamp);
    }
  }
}

function purgeHead(sub: SubTree, key: Buffer, stamp: number): void {
  const { parts } = sub;
  if (!sub.beginExisting(key, 0, key.length)) return;
  sub.purge(key, 0, key.length, stamp);
  if (parts.expiryStamp <= stamp) {
    parts.expiryStamp = 0;
    parts.expiryOrigin = 0;
    parts.expiryMs = 0;
  }
  if (parts.clearedAt <= stamp) parts.clearedAt = 0;
  sub.rewriteHead(key, 0, key.length, 0, 0, 0);
}
