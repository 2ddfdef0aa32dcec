/**
 * Follower: how entries are taken by a side that becomes equal to the other: as they are, though
 * the local ones may have higher stamps.
 *
 * With `ledOnly` that goes for what leaders have written. What is free is merged, and a free entry
 * that is here yields to a led one only by the merge rule: it takes effect wherever it arrives.
 *
 * Invariant: a head's stamp stays at or above those of its elements. So if it is to sink below an
 * element that is still here, it sinks as far as that one; the next attempt finds it differing.
 */
import { FLAG_LED, type Leaf } from '../leaf.js';
import type { Merger } from '../merge.js';
import { SubTree } from '../subtree.js';
import type { Tree } from '../tree.js';
import { purgeElements } from './element-purge.js';
import { CODE_ELEMENT_TOMBSTONE, type Incoming } from './entry-codec.js';
import type { Task } from './link.js';

const SLICE_ELEMENTS = 4096;

export class Follower {
  readonly #ledOnly: boolean;

  constructor(ledOnly: boolean) {
    this.#ledOnly = ledOnly;
  }

  /** Whether an entry is to be taken whatever is here. */
  isForced({ clearedAt, expiredUntilMs, sub, tree }: Merger, incoming: Incoming): boolean {
    const { expiryMs, flags, headExpiryMs, key, stamp, subKey } = incoming;
    const soonest = Math.min(expiryMs || Infinity, headExpiryMs || Infinity);
    if (stamp <= clearedAt || soonest <= expiredUntilMs) return false;
    if (!this.#ledOnly) return true;
    if ((flags & FLAG_LED) === 0) return false;
    if (!incoming.isElement) return isAbsentOrLed(tree, tree.find(key, 0, key.length));
    sub.open(key, 0, key.length);
    return isAbsentOrLed(sub.elements, sub.elements.find(subKey, 0, subKey.length));
  }

  /**
   * Whether the sub tree at the key of bytes or a tombstone that come stays: free elements above
   * them do, as they would if they came after them. Then it has been cleared up to there.
   */
  *staysAbove({ sub, tree }: Merger, incoming: Incoming): Task<boolean> {
    const { stamp } = incoming;
    const key = Buffer.from(incoming.key);
    const at = [key, 0, key.length] as const;
    if (!this.#ledOnly || !sub.open(...at) || tree.stamp(sub.head) <= stamp) return false;
    const highest = yield* clearUpTo(tree, key, stamp);
    if (highest === 0 || !sub.open(...at)) return false;
    sub.parts.raiseClearedAt(stamp);
    sub.replaceHead(...at, Math.max(highest, sub.parts.expiryStamp), 0, 0);
    return true;
  }

  /** Puts bytes or a tombstone. */
  *entry(merger: Merger, incoming: Incoming): Task<boolean> {
    if (yield* this.staysAbove(merger, incoming)) return true;
    const { expiryMs, flags, key, origin, stamp, value } = incoming;
    const at = [key, 0, key.length, stamp, origin, flags, expiryMs] as const;
    merger.tree.putEntry(...at, value, 0, value.length);
    return true;
  }

  /** Puts an element; false if a head here clears it. */
  element({ sub }: Merger, incoming: Incoming): boolean {
    const { code, expiryMs, flags, key, origin, stamp, subKey, type, value } = incoming;
    const at = [key, 0, key.length] as const;
    const what = [stamp, origin, flags] as const;
    const element = [subKey, 0, subKey.length, ...what] as const;
    if (!sub.begin(...at, type, ...element)) return false;
    if (code === CODE_ELEMENT_TOMBSTONE) sub.deleteElement(...element);
    else sub.putElement(...element, value, 0, value.length, expiryMs);
    return true;
  }

  /** Gives the sub tree at a key this head. */
  *head({ sub, tree }: Merger, { flags, key, origin, parts, stamp }: Incoming): Task<boolean> {
    const at = [key, 0, key.length] as const;
    const own = Buffer.from(key);
    let floor = stamp;
    if (
      sub.open(...at) &&
      (tree.stamp(sub.head) > stamp || parts.clearedAt > sub.parts.clearedAt)
    ) {
      floor = Math.max(stamp, yield* clearUpTo(tree, own, parts.clearedAt));
    }
    if (!sub.open(own, 0, own.length)) sub.parts.reset(parts.type, parts.clearedAt);
    sub.changeType(parts.type);
    sub.parts.clearedAt = parts.clearedAt;
    sub.parts.expiryStamp = parts.expiryStamp;
    sub.parts.expiryOrigin = parts.expiryOrigin;
    sub.parts.expiryMs = parts.expiryMs;
    sub.replaceHead(own, 0, own.length, floor, origin, flags);
    return true;
  }
}

/**
 * Takes the elements at or below a stamp out of the sub tree at a key, in slices. Returns the highest
 * stamp of those that are left; 0: none is.
 */
function* clearUpTo(tree: Tree, key: Buffer, clearedAt: number): Task<number> {
  const sub = new SubTree(tree);
  const { elements } = sub;
  const at = [key, 0, key.length] as const;
  const isPurged = yield* purgeElements(tree, key, clearedAt);
  if (!sub.open(...at)) return 0;
  const { digestHigh, digestLow } = elements;
  const highest = yield* highestElement(tree, key);
  if (!sub.open(...at)) return 0;
  const isSame = elements.digestLow === digestLow && elements.digestHigh === digestHigh;
  // Only if a writer has been there, or if all are below it, is it done at once.
  if ((!isPurged || !isSame) && sub.parts.clearedAt < clearedAt) {
    const goesAll = tree.stamp(sub.head) <= clearedAt;
    sub.beginExisting(...at);
    if (goesAll) sub.detachElements();
    else sub.purge(...at, clearedAt);
  }
  return elements.root === 0 ? 0 : highest;
}

/** The highest stamp of an element of the head at a key, if it is still there. */
function* highestElement(tree: Tree, key: Buffer): Task<number> {
  const sub = new SubTree(tree);
  const cursor = sub.elements.cursor({ all: true });
  sub.open(key, 0, key.length);
  const headStamp = tree.stamp(sub.head);
  let highest = 0;
  let count = 0;
  for (let leaf = cursor.next(); leaf !== 0; leaf = cursor.next()) {
    highest = Math.max(highest, sub.elements.stamp(leaf));
    if (++count % SLICE_ELEMENTS !== 0) continue;
    yield 'slice';
    if (!sub.open(key, 0, key.length)) return 0;
  }
  // Writers have been there: whatever they wrote is not above the head.
  const isUntouched = tree.stamp(sub.head) === headStamp;
  return isUntouched ? highest : tree.stamp(sub.head);
}

function isAbsentOrLed(tree: Tree, leaf: Leaf): boolean {
  return leaf === 0 || (tree.flags(leaf) & FLAG_LED) !== 0;
}
