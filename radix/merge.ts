/**
 * Merge: takes entries from elsewhere, in any order and any number of times, and always arrives at
 * the same tree.
 *
 * What is known of a key is a set of facts: bytes, tombstones, heads, elements. The entry shown
 * follows from maxima over that set alone, which is why order and repetition do not matter:
 *
 *   winner      the highest (stamp, origin, kind, value or type) of bytes, tombstones, heads; an
 *               element counts as a head of its type at its stamp; at equal stamps heads lose
 *               whatever the origins, for bytes and tombstones clear what is at their stamp, and
 *               of two heads of different types (a hash, a list ...) that of the higher number wins
 *   clearedAt   the highest stamp of bytes and tombstones, and the highest clearedAt of heads; and if
 *               the winner is a head, the highest stamp of heads and elements of types with higher
 *               numbers, and 1 less than that of those with lower ones: elements of one type mean
 *               nothing to another, so each clears what it would win over
 *
 *   winner is bytes or a tombstone:   that is the entry; nothing else is left, for everything else
 *                                     at the key is at or below its stamp
 *   winner is a head:                 type and stamp from it; the expiry with the highest (stamp,
 *                                     origin) above clearedAt; of each sub key the highest
 *                                     element of its type above clearedAt
 *
 * Only the state that follows is kept, not the facts; the invariants of head.ts make that enough.
 *
 * What a database's clear covers is refused, and so is what had expired by `expiredUntilMs`, the
 * time now less the bound of clocks: others have dropped it without a tombstone, and it must not
 * come back. An expired entry that would have won takes with it what it beats.
 */
import { type HeadParts, TYPE_NUMBER_MASK } from './head.js';
import { KIND_HEAD, KIND_MASK, KIND_TOMBSTONE, type Leaf } from './leaf.js';
import { SubTree } from './subtree.js';
import type { Tree } from './tree.js';

export class Merger {
  readonly tree: Tree;
  readonly sub: SubTree;
  /** Stamp of the database's last clear: what is at or below it is refused. */
  clearedAt = 0;
  /** Whatever expires at or before this time, ms since 1970, is refused. */
  expiredUntilMs = 0;
  /**
   * How many elements may be looked through at once for those that a clear covers. Where there are
   * more, a merge changes nothing and sets `postponedClear`: they are to be taken out first, and
   * `isPurged` says that they have been.
   */
  purgedElementsMax = Infinity;
  /** The stamp of the clear postponed; 0: none. */
  postponedClear = 0;
  isPurged = false;
  /** What the last `entry` has written, if it was over no head; else 0. */
  leaf: Leaf = 0;

  constructor(tree: Tree, sub: SubTree = new SubTree(tree)) {
    this.tree = tree;
    this.sub = sub;
  }

  /** Merges bytes or a tombstone (the kind is in `flags`); false if nothing changed. */
  entry(
    key: Buffer,
    from: number,
    to: number,
    stamp: number,
    origin: number,
    flags: number,
    expiryMs: number,
    value: Buffer,
    vfrom: number,
    vto: number,
  ): boolean {
    const { sub, tree } = this;
    this.leaf = 0;
    if (stamp <= this.clearedAt) return false;
    if (this.#isExpired(expiryMs)) return this.#expire(key, from, to, stamp, origin, flags);
    const old = tree.seek(key, from, to);
    if (old === 0 || tree.kind(old) !== KIND_HEAD) {
      this.leaf = tree.merge(key, from, to, stamp, origin, flags, expiryMs, value, vfrom, vto, old);
      return this.leaf !== 0;
    }
    sub.open(key, from, to);
    if (this.#order(stamp, origin, flags & KIND_MASK) > 0) {
      tree.putEntry(key, from, to, stamp, origin, flags, expiryMs, value, vfrom, vto);
      return true;
    }
    if (stamp <= sub.parts.clearedAt || this.#postpones(stamp)) return false;
    this.#clear(key, from, to, stamp);
    sub.rewriteHead(key, from, to, 0, 0, 0);
    return true;
  }

  /** Merges a head part by part; false if nothing changed. Its elements come by `element`. */
  head(
    key: Buffer,
    from: number,
    to: number,
    stamp: number,
    origin: number,
    flags: number,
    parts: HeadParts,
  ): boolean {
    const { sub, tree } = this;
    if (stamp <= this.clearedAt) return false;
    if (this.#isExpired(parts.expiryMs))
      return this.#expire(key, from, to, stamp, origin, KIND_HEAD);
    this.#forgetCleared(parts);
    if (!sub.open(key, from, to)) {
      const other = tree.find(key, from, to);
      let clearedAt = parts.clearedAt;
      if (other !== 0) {
        if (this.#orderOf(other, stamp, origin, KIND_HEAD) <= 0) return false;
        clearedAt = Math.max(clearedAt, tree.stamp(other));
      }
      sub.parts.reset(parts.type, clearedAt);
      this.#adoptExpiry(parts);
      sub.rewriteHead(key, from, to, stamp, origin, flags);
      return true;
    }
    let isChanged = this.#settleType(key, from, to, parts.type, stamp, origin, flags);
    if (parts.clearedAt > sub.parts.clearedAt) {
      if (this.#postpones(parts.clearedAt)) return false;
      this.#clear(key, from, to, parts.clearedAt);
      isChanged = true;
    }
    if (this.#adoptExpiry(parts)) isChanged = true;
    if (sub.isOfAnotherType(parts.type)) {
      if (isChanged) sub.rewriteHead(key, from, to, 0, 0, 0);
      return isChanged;
    }
    const order = this.#order(stamp, origin, KIND_HEAD) || parts.type - sub.parts.type;
    if (order > 0) {
      sub.changeType(parts.type);
      isChanged = true;
    }
    if (isChanged) sub.rewriteHead(key, from, to, stamp, origin, flags);
    return isChanged;
  }

  /**
   * Merges an element, bytes or tombstone, of a sub tree of this type; false if it is refused.
   * `headExpiryMs`: when the whole sub tree expires where the element comes from.
   */
  element(
    key: Buffer,
    from: number,
    to: number,
    type: number,
    subKey: Buffer,
    sfrom: number,
    sto: number,
    stamp: number,
    origin: number,
    flags: number,
    value: Buffer,
    vfrom: number,
    vto: number,
    expiryMs = 0,
    headExpiryMs = 0,
  ): boolean {
    const { sub } = this;
    if (stamp <= this.clearedAt || this.#isExpired(headExpiryMs)) return false;
    if (this.#isExpired(expiryMs)) {
      return this.#expireElement(key, from, to, subKey, sfrom, sto, stamp, origin);
    }
    if (!sub.begin(key, from, to, type, subKey, sfrom, sto, stamp, origin, flags)) return false;
    if (sub.isOfAnotherType(type)) {
      const isChanged = this.#settleType(key, from, to, type, stamp, origin, flags);
      if (sub.isOfAnotherType(type)) return isChanged;
      sub.beginExisting(key, from, to, subKey, sfrom, sto);
    }
    const { elements } = sub;
    const old = elements.find(subKey, sfrom, sto);
    if (old !== 0) {
      const order =
        stamp - elements.stamp(old) ||
        origin - elements.origin(old) ||
        (flags & KIND_MASK) - elements.kind(old) ||
        -elements.compareValue(old, value, vfrom, vto);
      if (order <= 0) return false;
    }
    const order = this.#order(stamp, origin, KIND_HEAD) || type - sub.parts.type;
    if (order > 0 && type !== sub.parts.type) {
      sub.changeType(type);
      sub.rewriteHead(key, from, to, stamp, origin, flags);
      sub.beginExisting(key, from, to, subKey, sfrom, sto);
    }
    if ((flags & KIND_MASK) === KIND_TOMBSTONE) {
      sub.deleteElement(subKey, sfrom, sto, stamp, origin, flags);
    } else {
      sub.putElement(subKey, sfrom, sto, stamp, origin, flags, value, vfrom, vto, expiryMs);
    }
    return true;
  }

  #isExpired(expiryMs: number): boolean {
    return expiryMs > 0 && expiryMs <= this.expiredUntilMs;
  }

  /** Drops what an entry that has expired beats; true if there was something. */
  #expire(
    key: Buffer,
    from: number,
    to: number,
    stamp: number,
    origin: number,
    flags: number,
  ): boolean {
    const { tree } = this;
    const leaf = tree.find(key, from, to);
    if (leaf === 0 || this.#orderOf(leaf, stamp, origin, flags & KIND_MASK) < 0) return false;
    return tree.drop(key, from, to);
  }

  #expireElement(
    key: Buffer,
    from: number,
    to: number,
    subKey: Buffer,
    sfrom: number,
    sto: number,
    stamp: number,
    origin: number,
  ): boolean {
    const { sub } = this;
    if (!sub.open(key, from, to)) return false;
    const { elements } = sub;
    const old = elements.find(subKey, sfrom, sto);
    if (old === 0 || (stamp - elements.stamp(old) || origin - elements.origin(old)) < 0) {
      return false;
    }
    return sub.drop(key, from, to, subKey, sfrom, sto);
  }

  /**
   * A head or an element of another type has come to the sub tree opened: the later of both clears
   * the earlier. True if that changed anything.
   */
  #settleType(
    key: Buffer,
    from: number,
    to: number,
    type: number,
    stamp: number,
    origin: number,
    flags: number,
  ): boolean {
    const { sub, tree } = this;
    if (!sub.isOfAnotherType(type)) return false;
    const own = tree.stamp(sub.head);
    const isHigher = (type & TYPE_NUMBER_MASK) > (sub.parts.type & TYPE_NUMBER_MASK);
    const wins = stamp > own || (stamp === own && isHigher);
    // What is at the loser's stamp goes with it, unless the winner's type has the higher number.
    let clearedAt = (wins ? own : stamp) - (wins === isHigher ? 1 : 0);
    if (clearedAt <= this.clearedAt) clearedAt = 0;
    if (wins) {
      sub.becomeType(key, from, to, type, clearedAt, stamp, origin, flags);
      return true;
    }
    if (clearedAt <= sub.parts.clearedAt) return false;
    this.#clear(key, from, to, clearedAt);
    sub.rewriteHead(key, from, to, 0, 0, 0);
    return true;
  }

  /** What the database's clear covers, a head does not remember. */
  #forgetCleared(parts: HeadParts): void {
    if (parts.expiryStamp <= this.clearedAt) {
      parts.expiryStamp = 0;
      parts.expiryOrigin = 0;
      parts.expiryMs = 0;
    }
    if (parts.clearedAt <= this.clearedAt) parts.clearedAt = 0;
  }

  /** Whether too many elements of the sub tree opened would have to be looked through. */
  #postpones(clearedAt: number): boolean {
    const { sub, tree } = this;
    if (clearedAt >= tree.stamp(sub.head) || this.isPurged) return false;
    if (sub.elements.allCount <= this.purgedElementsMax) return false;
    this.postponedClear = clearedAt;
    return true;
  }

  /** Takes out of the sub tree opened what this stamp clears; `rewriteHead` must follow. */
  #clear(key: Buffer, from: number, to: number, stamp: number): void {
    const { sub, tree } = this;
    const goesAll = stamp >= tree.stamp(sub.head);
    if (goesAll) tree.observer?.beforeChange(tree, key, from, to);
    sub.beginExisting(key, from, to);
    if (goesAll) sub.detachElements();
    else if (this.isPurged) sub.finish(0, 0, 0);
    else sub.purge(key, from, to, stamp);
    sub.parts.raiseClearedAt(stamp);
  }

  /** Takes over a later expiry into the parts of the sub tree opened; true if it is one. */
  #adoptExpiry(parts: HeadParts): boolean {
    const own = this.sub.parts;
    if (parts.expiryStamp <= own.clearedAt) return false;
    const order =
      parts.expiryStamp - own.expiryStamp ||
      parts.expiryOrigin - own.expiryOrigin ||
      parts.expiryMs - own.expiryMs;
    if (order <= 0) return false;
    own.expiryStamp = parts.expiryStamp;
    own.expiryOrigin = parts.expiryOrigin;
    own.expiryMs = parts.expiryMs;
    return true;
  }

  /** Whether (stamp, origin, kind) is above the head opened (positive), below it, or equal (0). */
  #order(stamp: number, origin: number, kind: number): number {
    return this.#orderOf(this.sub.head, stamp, origin, kind);
  }

  #orderOf(leaf: number, stamp: number, origin: number, kind: number): number {
    const { tree } = this;
    const other = tree.kind(leaf);
    const plainness = (kind === KIND_HEAD ? 0 : 1) - (other === KIND_HEAD ? 0 : 1);
    return stamp - tree.stamp(leaf) || plainness || origin - tree.origin(leaf) || kind - other;
  }
}
