/**
 * ElementPurge: takes out of a sub tree, in slices, the elements that a clear will cover which is
 * about to be merged, if newer ones are to stay: a clear of all is one step, whatever the size.
 *
 *   elements   e3  e9  e2  e8  e4          stamps; a clear at 5 comes
 *   slices     e9  e2  e8  e4  |  e9  e8  |  clear at 5
 *
 * They go before the clear is known here: a session that is cut in between has dropped what the other
 * side holds a clear of, and brings that clear next time.
 */
import { SubTree } from '../subtree.js';
import type { Tree } from '../tree.js';
import type { Task } from './link.js';

/** Elements looked at in one slice of work. */
export const PURGE_SLICE_ELEMENTS = 512;
/** How often it begins anew because a writer has been there. */
const PASSES_MAX = 3;

/** True: nothing at or below this stamp is left in the sub tree at a key, of which some stays. */
export function* purgeElements(tree: Tree, key: Buffer, clearedAt: number): Task<boolean> {
  const sub = new SubTree(tree);
  for (let pass = 0; pass < PASSES_MAX && isPartlyCleared(sub, key, clearedAt); pass++) {
    if (yield* purgeOnce(sub, key, clearedAt)) return true;
  }
  return false;
}

/** False: a writer has been there. */
function* purgeOnce(sub: SubTree, key: Buffer, clearedAt: number): Task<boolean> {
  const { elements } = sub;
  const cursor = elements.cursor({ all: true });
  let count = 0;
  for (let leaf = cursor.next(); leaf !== 0; leaf = cursor.next()) {
    if (elements.stamp(leaf) <= clearedAt) {
      const subKey = elements.key(leaf);
      sub.drop(key, 0, key.length, subKey, 0, subKey.length);
    }
    if (++count % PURGE_SLICE_ELEMENTS !== 0) continue;
    const { digestHigh, digestLow } = elements;
    yield 'slice';
    if (!isPartlyCleared(sub, key, clearedAt)) return false;
    if (elements.digestLow !== digestLow || elements.digestHigh !== digestHigh) return false;
  }
  return true;
}

function isPartlyCleared(sub: SubTree, key: Buffer, clearedAt: number): boolean {
  if (!sub.open(key, 0, key.length) || sub.parts.clearedAt >= clearedAt) return false;
  return sub.tree.stamp(sub.head) > clearedAt;
}
