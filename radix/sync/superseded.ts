/**
 * Superseded: a record that has lost to something newer which another node has written.
 *
 *   owner       x=2 (stamp 5) ------ batch ----->  replica   x=1 (stamp 9, of another origin)
 *
 * The merge rule keeps x=1, and its writer has not heard of x=2, nor the owner of x=1: that happens
 * when clocks differ, to who writes again after another has acted for it. Who sends the record must not
 * take it for kept. What lost to something newer of its own origin, its writer has overwritten itself.
 */
import { KIND_HEAD } from '../leaf.js';
import type { Merger } from '../merge.js';
import { CODE_HEAD, type Incoming } from './entry-codec.js';

/** Whether the record just merged has lost, and not to its own writer. */
export function isSuperseded({ sub, tree }: Merger, incoming: Incoming): boolean {
  const { code, isElement, key, origin, parts, stamp, subKey } = incoming;
  const leaf = tree.find(key, 0, key.length);
  if (leaf === 0) return false;
  const isBelow = isAbove(tree.stamp(leaf), tree.origin(leaf), stamp, origin);
  const isHead = code === CODE_HEAD;
  if (!(isHead || isElement) || tree.kind(leaf) !== KIND_HEAD) return isBelow;
  sub.open(key, 0, key.length);
  if (sub.isOfAnotherType(isHead ? parts.type : incoming.type)) return isBelow;
  if (isHead) {
    const { expiryOrigin, expiryStamp } = sub.parts;
    if (parts.expiryStamp === 0) return false;
    return isAbove(expiryStamp, expiryOrigin, parts.expiryStamp, parts.expiryOrigin);
  }
  const element = sub.elements.find(subKey, 0, subKey.length);
  if (element !== 0) {
    return isAbove(sub.elements.stamp(element), sub.elements.origin(element), stamp, origin);
  }
  // Who has cleared it a head does not say: who has written to it last will have.
  return stamp <= sub.parts.clearedAt && tree.origin(leaf) !== origin;
}

/** Whether something is newer, and of another writer. */
function isAbove(stamp: number, origin: number, ownStamp: number, ownOrigin: number): boolean {
  if (origin === ownOrigin) return false;
  return stamp > ownStamp || (stamp === ownStamp && origin > ownOrigin);
}
