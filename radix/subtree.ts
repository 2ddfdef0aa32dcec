/**
 * Sub tree: the fields of a hash, the members of a set, below one key of a database.
 *
 *        database                         one leaf of it                    tree of its own
 *   +----------------+        +-----------------------------------+        +---------------+
 *   | ... key ...    | -----> | head: stamp, parts, root, mirror  | -----> | sub key: value |
 *   +----------------+        +-----------------------------------+        +---------------+
 *
 * Elements are entries with their own stamps and tombstones. What the database counts and sums
 * above the head includes them all, so every write here also corrects the nodes above the head;
 * for users the head is one key, hidden while no element is visible.
 *
 * A SubTree is a flyweight: `open` turns it to a key, then `elements` answers as any Tree does
 * (find, next, rank, nth, cursor ...), `mirror` orders by value, and `expiries` those elements that
 * expire by when they do; who reads drops first what is due (`dropDue`). What it shows is valid until
 * the next write by another way than through it; then `open` again. Writes take the key anew.
 *
 * In three layers: what it shows (SubTreeView, subtree-view.ts), what a write does to the head and to
 * the whole (SubTreeHead, subtree-head.ts), and here the writes of elements.
 *
 * Deleting the whole is deleting the key: its tombstone clears everything at or below its stamp.
 * Invariants: those of head.ts; the head is hidden exactly if no element is visible.
 */
import assert from 'node:assert';
import { TIMED_SUB_KEY_BYTES_MAX } from './element-expiries.js';
import { isWide, type Leaf } from './leaf.js';
import { MirrorKeyTooLongError } from './mirror.js';
import { HINT_TOMBSTONE } from './node.js';
import { removeFound } from './remove.js';
import { leadInward, leadsNowhere, leadsTo } from './seek.js';
import { SubTreeHead } from './subtree-head.js';
import { hintAlong } from './totals.js';
import { insertPlain, overwritePlain } from './write.js';

const SCRATCH_BYTES_FIRST = 256;
/** What `putHere` answers: users saw the element before, they did not, it is not done. */
const OLD_HERE = 0;
export const NEW_HERE = 1;
export const NOT_HERE = -1;

export class SubTree extends SubTreeHead {
  #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES_FIRST);

  /**
   * Writes an element, making the sub tree, or clearing what else is at the key, if need be. True
   * if users did not see it before. Throws if the mirror cannot take it. `isAbsent`: the caller has
   * just not found it by `elements.seek`, and it need not be looked for again.
   */
  put(
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
    isAbsent = false,
  ): boolean {
    if (!this.begin(key, from, to, type, subKey, sfrom, sto, stamp, origin, flags)) return false;
    if (this.isOfAnotherType(type)) {
      // Hidden: what is left of it are tombstones.
      const own = this.tree.stamp(this.head);
      this.becomeType(key, from, to, type, Math.min(own, stamp - 1), stamp, origin, flags);
      this.beginExisting(key, from, to, subKey, sfrom, sto);
    }
    return this.putElement(
      subKey,
      sfrom,
      sto,
      stamp,
      origin,
      flags,
      value,
      vfrom,
      vto,
      expiryMs,
      isAbsent,
    );
  }

  /**
   * `put` into the sub tree that it is turned to, by the short way, if that is good for it: nobody
   * follows the tree, and an element has but one order and one layout. `isAbsent`: `elements.seek`
   * has just not found it. NOT_HERE: nothing has been done.
   */
  putHere(
    subKey: Buffer,
    sfrom: number,
    sto: number,
    stamp: number,
    origin: number,
    value: Buffer,
    vfrom: number,
    vto: number,
    isAbsent: boolean,
  ): number {
    const { elements, tree } = this;
    if (!this.#isPlainHere() || stamp <= this.parts.clearedAt) return NOT_HERE;
    if (isWide(sto - sfrom, vto - vfrom) || this.isInMirror(subKey, sfrom, sto)) return NOT_HERE;
    const { path } = elements;
    if (!(isAbsent && leadsNowhere(elements, path))) elements.seek(subKey, sfrom, sto);
    this.reserve();
    if (tree.unsettled !== this) this.takeFromSum();
    elements.version++;
    let result = NEW_HERE;
    if (!path.found) {
      insertPlain(elements, subKey, sfrom, sto, stamp, origin, value, vfrom, vto);
    } else if (overwritePlain(elements, subKey, sfrom, sto, stamp, origin, value, vfrom, vto)) {
      result = OLD_HERE;
    }
    this.finish(stamp, origin, 0);
    return result;
  }

  /** `drop` of the element that `elements.path` leads to, by the short way; false: not done. */
  dropHere(element: Leaf, stamp: number, origin: number): boolean {
    const { elements, tree } = this;
    if (!this.#isPlainHere() || this.isMirrored) return false;
    if (!leadsTo(elements, elements.path, element)) return false;
    if (tree.unsettled !== this) this.takeFromSum();
    const node = removeFound(elements, elements.path);
    if (elements.path.edge !== 0) leadInward(elements, elements.path, node);
    this.finish(stamp, origin, 0);
    return true;
  }

  /** Writes an element's tombstone; true if users saw it. Nothing happens without a sub tree. */
  delete(
    key: Buffer,
    from: number,
    to: number,
    subKey: Buffer,
    sfrom: number,
    sto: number,
    stamp: number,
    origin: number,
    flags = 0,
  ): boolean {
    if (!this.beginExisting(key, from, to, subKey, sfrom, sto)) return false;
    return this.deleteElement(subKey, sfrom, sto, stamp, origin, flags);
  }

  /**
   * Takes an element out without a tombstone; true if there was one, of whatever kind. The head
   * takes the stamp, if it is higher: so every change of a sub tree can be told by its head.
   */
  drop(
    key: Buffer,
    from: number,
    to: number,
    subKey: Buffer,
    sfrom: number,
    sto: number,
    stamp = 0,
    origin = 0,
  ): boolean {
    if (!this.beginExisting(key, from, to, subKey, sfrom, sto)) return false;
    const wasThere = this.#dropElement(subKey, sfrom, sto);
    this.finish(stamp, origin, 0);
    return wasThere;
  }

  /**
   * `drop` of the first `count` visible elements; `subKey` has room for the longest of their keys.
   * One way down and one way up for all of them.
   */
  dropFirst(
    key: Buffer,
    from: number,
    to: number,
    count: number,
    subKey: Buffer,
    stamp: number,
    origin: number,
  ): void {
    if (!this.beginExisting(key, from, to)) return;
    const { elements } = this;
    for (let left = count; left > 0; left -= 1) {
      const bytes = elements.copyKey(elements.first(), subKey, 0);
      this.tellObserver(key, from, to, subKey, 0, bytes);
      this.#dropElement(subKey, 0, bytes);
    }
    this.finish(stamp, origin, 0);
  }

  /** Takes an element out if it still has this stamp and origin. */
  dropAt(
    key: Buffer,
    from: number,
    to: number,
    subKey: Buffer,
    sfrom: number,
    sto: number,
    stamp: number,
    origin: number,
  ): boolean {
    if (!this.open(key, from, to)) return false;
    const element = this.elements.find(subKey, sfrom, sto);
    if (element === 0 || this.elements.stamp(element) !== stamp) return false;
    if (this.elements.origin(element) !== origin) return false;
    return this.drop(key, from, to, subKey, sfrom, sto);
  }

  /**
   * Drops elements that have expired by `nowMs`, at most so many, without tombstones; all at once,
   * and the key with them, if nothing else is left. Returns how many.
   */
  dropDue(key: Buffer, from: number, to: number, nowMs: number, most: number): number {
    if (!this.open(key, from, to)) return 0;
    const { elements, expiries, tree } = this;
    const { size } = expiries;
    if (size > 0 && size === elements.allCount && expiries.lastMs <= nowMs) {
      tree.drop(key, from, to);
      this.load(0);
      return size;
    }
    const subKey = tree.space.keyScratch;
    let done = 0;
    for (; done < most && expiries.firstMs <= nowMs; done++) {
      const bytes = expiries.copyFirst(subKey, 0);
      this.beginExisting(key, from, to, subKey, 0, bytes);
      this.#dropElement(subKey, 0, bytes);
      this.finish(0, 0, 0);
    }
    return done;
  }

  /** `dropDue` of a head at hand. */
  dropDueAt(head: Leaf, nowMs: number, most: number): number {
    const key = this.tree.key(head);
    return this.dropDue(key, 0, key.length, nowMs, most);
  }

  /**
   * Sets when an element that is there expires; 0: never. Its value stays as it is. Throws if its
   * sub key is longer than TIMED_SUB_KEY_BYTES_MAX.
   */
  setElementExpiry(
    key: Buffer,
    from: number,
    to: number,
    subKey: Buffer,
    sfrom: number,
    sto: number,
    stamp: number,
    origin: number,
    expiryMs: number,
  ): void {
    const isThere = this.beginExisting(key, from, to, subKey, sfrom, sto);
    assert(isThere && this.elements.findVisible(subKey, sfrom, sto) !== 0, 'the element is there');
    const oldExpiryMs = this.#expiryOf(subKey, sfrom, sto, expiryMs);
    if (oldExpiryMs !== expiryMs) this.#retime(subKey, sfrom, sto, oldExpiryMs, expiryMs);
    this.elements.setExpiry(subKey, sfrom, sto, stamp, origin, expiryMs);
    this.finish(stamp, origin, 0);
  }

  // What merging needs too: begin... -> putElement, deleteElement or others -> finish.

  /**
   * Begins a write of an element of the sub tree at a key, making its head if there is none. False
   * if what is at the key clears this stamp.
   */
  begin(
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
  ): boolean {
    if (this.beginExisting(key, from, to, subKey, sfrom, sto)) {
      return stamp > this.parts.clearedAt;
    }
    const leaf = this.seek(key, from, to);
    const clearedAt = leaf === 0 ? 0 : this.tree.stamp(leaf);
    if (leaf !== 0 && stamp <= clearedAt) return false;
    this.parts.reset(type, clearedAt);
    this.rewriteHead(key, from, to, stamp, origin, flags);
    return this.beginExisting(key, from, to, subKey, sfrom, sto);
  }

  /** Writes an element of the sub tree begun, and finishes. */
  putElement(
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
    isAbsent = false,
  ): boolean {
    const { elements, mirror } = this;
    const isMirrored = this.isInMirror(subKey, sfrom, sto);
    // What may throw comes before the first change: too long a key, no memory for a big value.
    if (isMirrored) {
      if (!isAbsent && this.#makeOldKey(subKey, sfrom, sto)) mirror.remember();
      else mirror.forget();
      mirror.makeKey(value, vfrom, vto, subKey, sfrom, sto);
    }
    const oldExpiryMs = this.#expiryOf(subKey, sfrom, sto, expiryMs);
    const liveBefore = elements.liveCount;
    elements.put(subKey, sfrom, sto, stamp, origin, flags, expiryMs, value, vfrom, vto, isAbsent);
    if (isMirrored) {
      mirror.removeRemembered();
      mirror.add();
    }
    if (oldExpiryMs !== expiryMs) this.#retime(subKey, sfrom, sto, oldExpiryMs, expiryMs);
    this.finish(stamp, origin, flags);
    return elements.liveCount > liveBefore;
  }

  /** Writes an element's tombstone into the sub tree begun, and finishes. */
  deleteElement(
    subKey: Buffer,
    sfrom: number,
    sto: number,
    stamp: number,
    origin: number,
    flags: number,
  ): boolean {
    this.#removeFromMirror(subKey, sfrom, sto);
    this.#forgetExpiry(subKey, sfrom, sto);
    const wasVisible = this.elements.delete(subKey, sfrom, sto, stamp, origin, flags);
    this.finish(stamp, origin, flags);
    const { path } = this.place;
    hintAlong(this.tree, path, path.length, HINT_TOMBSTONE);
    return wasVisible;
  }

  /** Takes out all elements at or below a stamp, and finishes. The key is the one begun with. */
  purge(key: Buffer, from: number, to: number, clearedAt: number): void {
    const { elements } = this;
    const cursor = elements.cursor({ all: true });
    for (let leaf = cursor.next(); leaf !== 0; leaf = cursor.next()) {
      if (elements.stamp(leaf) > clearedAt) continue;
      const bytes = elements.keyBytes(leaf);
      const subKey = Buffer.allocUnsafe(bytes);
      elements.copyKey(leaf, subKey, 0);
      this.tellObserver(key, from, to, subKey, 0, bytes);
      this.#dropElement(subKey, 0, bytes);
    }
    this.finish(0, 0, 0);
  }

  /** Whether what it is turned to is as it was then, nobody follows it, and no element expires. */
  #isPlainHere(): boolean {
    const { head, tree } = this;
    if (head === 0 || this.loadedAt !== tree.version || !this.place.leadsTo(head)) return false;
    return tree.observer === null && this.expiries.tree.root === 0;
  }

  /** When an element expires that is to have a new expiry; throws if it cannot have that. */
  #expiryOf(subKey: Buffer, sfrom: number, sto: number, newMs: number): number {
    if (newMs !== 0 && sto - sfrom > TIMED_SUB_KEY_BYTES_MAX) throw new MirrorKeyTooLongError();
    if (this.expiries.tree.root === 0) return 0;
    const element = this.elements.find(subKey, sfrom, sto);
    return element === 0 ? 0 : this.elements.expiryMs(element);
  }

  /** Moves an element of the sub tree begun in the order by expiry; 0: it has no place there. */
  #retime(subKey: Buffer, sfrom: number, sto: number, oldMs: number, newMs: number): void {
    const { expiries } = this;
    if (!this.isTimed) this.makeRoomForExpiries();
    if (oldMs !== 0) expiries.remove(oldMs, subKey, sfrom, sto);
    if (newMs !== 0) expiries.add(newMs, subKey, sfrom, sto);
  }

  #forgetExpiry(subKey: Buffer, sfrom: number, sto: number): void {
    const oldMs = this.#expiryOf(subKey, sfrom, sto, 0);
    if (oldMs !== 0) this.#retime(subKey, sfrom, sto, oldMs, 0);
  }

  #removeFromMirror(subKey: Buffer, sfrom: number, sto: number): void {
    if (!this.isInMirror(subKey, sfrom, sto)) return;
    if (this.#makeOldKey(subKey, sfrom, sto)) this.mirror.remove();
  }

  #dropElement(subKey: Buffer, sfrom: number, sto: number): boolean {
    this.#removeFromMirror(subKey, sfrom, sto);
    this.#forgetExpiry(subKey, sfrom, sto);
    return this.elements.drop(subKey, sfrom, sto);
  }

  /** Makes the mirror's key of the element as it is now; false if users do not see it. */
  #makeOldKey(subKey: Buffer, sfrom: number, sto: number): boolean {
    const { elements, mirror } = this;
    const leaf = elements.findVisible(subKey, sfrom, sto);
    if (leaf === 0) return false;
    const bytes = elements.valueBytes(leaf);
    if (bytes > this.#scratch.length) this.#scratch = Buffer.allocUnsafeSlow(bytes * 2);
    elements.copyValue(leaf, this.#scratch, 0);
    mirror.makeKey(this.#scratch, 0, bytes, subKey, sfrom, sto);
    return true;
  }
}
