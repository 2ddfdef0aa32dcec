/**
 * Throws if an invariant of a sub tree does not hold. For tests and simulation.
 *
 * Checked: that the head is hidden exactly if no element is visible and has the highest stamp, that
 * mirror and order by expiry hold what follows from the elements and nothing else, the trees
 * themselves (check.ts), and that what is known of the head without looking is what stands there.
 */
import assert from 'node:assert';
import { NO_SLOT } from './expiry-heap.js';
import { HeadParts } from './head.js';
import {
  HEAD_EXPIRIES_WORD,
  HEAD_MIRROR_WORD,
  HEAD_ROOT_WORD,
  HEAD_SLOT_WORD,
  headWord,
} from './leaf.js';
import { checkLed } from './seek.js';
import type { SubTreeView } from './subtree-view.js';

/** Throws if an invariant of the sub tree that it is turned to does not hold. */
export function checkSubTree(sub: SubTreeView): void {
  const { elements, head, mirror, parts, tree } = sub;
  checkLed(elements, elements.path);
  checkKnown(sub);
  elements.checkTree();
  mirror.tree.checkTree();
  const live = elements.liveCount;
  assert.equal(tree.visible(head), live > 0, 'a head is hidden if no element is visible');
  const stamp = tree.stamp(head);
  assert(stamp > parts.clearedAt && stamp >= parts.expiryStamp, "the head's stamp is highest");
  assert(parts.expiryStamp === 0 || parts.expiryStamp > parts.clearedAt, 'the expiry is valid');
  let mirroredCount = 0;
  let timed = 0;
  const cursor = elements.cursor({ all: true });
  for (let leaf = cursor.next(); leaf !== 0; leaf = cursor.next()) {
    const expiryMs = elements.expiryMs(leaf);
    if (expiryMs !== 0) {
      assert(sub.expiries.has(expiryMs, elements.key(leaf)), 'its expiry is in their order');
      timed++;
    }
    assert(elements.stamp(leaf) > parts.clearedAt, 'no element is cleared');
    assert(elements.stamp(leaf) <= stamp, "no element's stamp is above the head's");
    if (!elements.visible(leaf)) continue;
    const subKey = elements.key(leaf);
    if (!sub.isInMirror(subKey, 0, subKey.length)) continue;
    mirroredCount++;
    const value = elements.value(leaf);
    mirror.makeKey(value, 0, value.length, subKey, 0, subKey.length);
    const mirrored = mirror.tree.find(mirror.key, 0, mirror.keyBytes);
    assert(mirrored !== 0 && mirror.subKey(mirrored).equals(subKey), 'mirrored');
  }
  assert.equal(mirror.tree.liveCount, mirroredCount, 'the mirror has no other elements');
  checkExpiries(sub, timed);
}

/** `timed`: how many elements have an expiry. */
function checkExpiries(sub: SubTreeView, timed: number): void {
  const { expiries, head, tree } = sub;
  expiries.tree.checkTree();
  assert.equal(expiries.size, timed, 'the order by expiry has all elements that have one');
  if (!sub.isTimed || !tree.timed) return;
  const slot = headWord(tree.space.leaves, head, HEAD_SLOT_WORD);
  assert.equal(slot !== NO_SLOT, timed > 0, 'a head is in the heap if it has such elements');
  if (timed > 0) assert.equal(tree.heads.leafAt(slot), head, 'and where it says');
}

/** What it knows of its head without looking at it again is what stands there. */
function checkKnown(sub: SubTreeView): void {
  const { elements, head, mirror, parts, tree } = sub;
  const key = tree.key(head);
  sub.place.check(key, 0, key.length);
  if (!sub.isLoaded(head)) return;
  const { leaves } = tree.space;
  const fresh = new HeadParts();
  fresh.load(leaves, head);
  assert.deepEqual(parts, fresh, 'the parts are those of the head');
  assert.equal(elements.root, headWord(leaves, head, HEAD_ROOT_WORD), 'the elements are');
  assert.equal(mirror.tree.root, headWord(leaves, head, HEAD_MIRROR_WORD), 'the mirror is');
  const ordered = sub.isTimed ? headWord(leaves, head, HEAD_EXPIRIES_WORD) : 0;
  assert.equal(sub.expiries.tree.root, ordered, 'the order by expiry is');
  assert.equal(elements.head, head, 'elements know their head');
}
