/**
 * One logical database: the keys that users see, over one radix tree.
 *
 * The tree knows entries, stamps and tombstones; this knows what is visible: no tombstone, nothing
 * that has expired. Every write of a command goes through here, so that what must happen with each
 * write (its stamp, watchers, later replication) happens in one place.
 *
 * Keys come as `(buf, from, to)`, leaves go out as numbers: nothing is allocated when a key is read
 * or written. A leaf is valid until the next write to any database of the store.
 */
import type { Cursor } from '../../radix/cursor.js';
import type { Leaf } from '../../radix/leaf.js';
import { FLAG_EXPIRY, FLAG_RAW, KIND_BYTES, KIND_HEAD, KIND_MASK } from '../../radix/leaf.js';
import { SubTree } from '../../radix/subtree.js';
import { Collection } from './collection.js';
import { DatabaseBase } from './database-base.js';
import type { DatabaseObserver } from './database-observer.js';
import {
  NOTIFY_EVICTED,
  NOTIFY_EXPIRED,
  NOTIFY_GENERIC,
  NOTIFY_HASH,
  NOTIFY_NEW,
} from './notify.js';
import type { Store } from './store.js';

export { WRONG_TYPE } from './database-base.js';

/** Flyweights kept; a command that opens more makes its own. */
const COLLECTIONS_MAX = 16;

/** Elements expired between two looks at the clock. */
const EXPIRE_STEP_ELEMENTS = 128;

export class Database extends DatabaseBase {
  /** For walks that end before anything else runs. */
  readonly cursor: Cursor;
  /** Follows changes; null: nobody does. See `observe`. */
  observer: DatabaseObserver | null = null;
  readonly #collections: Collection[] = [];
  /** What elements that have expired are removed with; made when it is needed. */
  #expiring: SubTree | undefined;

  constructor(store: Store, index: number) {
    super(store, index);
    this.cursor = this.tree.cursor();
  }

  /**
   * A flyweight for the collection at a key, to be opened. A command that has several open at a
   * time takes one `slot` for each, counted from 0.
   */
  collection(slot = 0): Collection {
    const known = this.#collections[slot];
    if (known !== undefined) return known;
    const made = new Collection(this);
    if (slot < COLLECTIONS_MAX) this.#collections[slot] = made;
    return made;
  }

  /** Visible keys. Exact once `expireDue` has nothing left to do. */
  size(): number {
    return this.tree.liveCount;
  }

  /** Keys that carry an expiry. */
  expiringSize(): number {
    return this.tree.expiries.size;
  }

  protected present(found: Leaf, buf: Buffer, from: number, to: number): Leaf {
    const leaf = this.isPurging ? this.#purged(buf, from, to) : found;
    if (leaf === 0) return 0;
    const flags = this.tree.flags(leaf);
    if ((flags & (KIND_MASK | FLAG_EXPIRY)) === KIND_BYTES) return leaf;
    if (!this.tree.visible(leaf)) return 0;
    if ((flags & FLAG_EXPIRY) !== 0 && this.tree.expiryMs(leaf) <= this.store.nowMs) {
      this.#expire(buf, from, to);
      return 0;
    }
    if ((flags & KIND_MASK) !== KIND_HEAD) return leaf;
    if (this.tree.heads.firstDueMs > this.store.nowMs) return leaf;
    this.#expireElements(buf, from, to, this.store.nowMs, Number.POSITIVE_INFINITY);
    return this.tree.findVisible(buf, from, to);
  }

  #purged(buf: Buffer, from: number, to: number): Leaf {
    this.purgeKey(buf, from, to);
    return this.tree.find(buf, from, to);
  }

  /**
   * Writes a string, whatever was there before. `expiryMs` 0 = it does not expire; `hints` are
   * HINT_FLAGS of leaf.ts.
   */
  set(
    buf: Buffer,
    from: number,
    to: number,
    value: Buffer,
    valueFrom: number,
    valueTo: number,
    expiryMs: number,
    hints = 0,
  ): Leaf {
    const store = this.store;
    const isNew = this.#isNewsOfKey(buf, from, to);
    const { observer } = this;
    if (observer !== null) observer.begin();
    const leaf = this.tree.put(
      buf,
      from,
      to,
      this.stampFor(buf, from, to),
      store.origin,
      hints,
      expiryMs,
      value,
      valueFrom,
      valueTo,
    );
    if (observer !== null) observer.written(leaf);
    store.touchNew(this.tree, leaf);
    if (isNew) this.notify(NOTIFY_NEW, 'new', buf, from, to);
    if (store.watches.size !== 0) this.changed(buf, from, to);
    // A stream may have been there.
    this.signalRemoved(buf, from, to);
    store.dirty += 1;
    return leaf;
  }

  /** `set` that keeps the expiry which the key has. */
  setKeepTtl(
    buf: Buffer,
    from: number,
    to: number,
    value: Buffer,
    valueFrom: number,
    valueTo: number,
  ): Leaf {
    const leaf = this.peek(buf, from, to);
    const expiryMs = leaf === 0 ? 0 : this.tree.expiryMs(leaf);
    return this.set(buf, from, to, value, valueFrom, valueTo, expiryMs);
  }

  /**
   * Overwrites bytes of the string at `offset`, growing it with zeros as needed; a key that is not
   * there starts as the empty string. Keeps the expiry. Costs what is patched, not what is there.
   */
  patch(
    buf: Buffer,
    from: number,
    to: number,
    offset: number,
    value: Buffer,
    valueFrom: number,
    valueTo: number,
  ): Leaf {
    const store = this.store;
    const isNew = this.peek(buf, from, to) === 0;
    const { observer } = this;
    if (observer !== null) observer.begin();
    const leaf = this.tree.patch(
      buf,
      from,
      to,
      this.stampFor(buf, from, to),
      store.origin,
      FLAG_RAW,
      offset,
      value,
      valueFrom,
      valueTo,
    );
    if (observer !== null) {
      if (isNew) observer.written(leaf);
      else observer.patched(leaf, offset, offset + valueTo - valueFrom);
    }
    store.touchNew(this.tree, leaf);
    if (isNew) this.notify(NOTIFY_NEW, 'new', buf, from, to);
    if (store.watches.size !== 0) this.changed(buf, from, to);
    store.dirty += 1;
    return leaf;
  }

  /** Sets the expiry of a visible key, or removes it with 0. A time that has passed removes the key. */
  setExpiry(buf: Buffer, from: number, to: number, expiryMs: number): void {
    const store = this.store;
    if (expiryMs !== 0 && expiryMs <= store.nowMs) {
      this.remove(buf, from, to);
      return;
    }
    this.#writeExpiry(buf, from, to, expiryMs);
    if (store.watches.size !== 0) this.changed(buf, from, to);
    store.dirty += 1;
  }

  #writeExpiry(buf: Buffer, from: number, to: number, expiryMs: number): void {
    const { store, tree } = this;
    if (tree.kind(tree.find(buf, from, to)) !== KIND_HEAD) {
      const { observer } = this;
      if (observer !== null) observer.begin();
      const stamp = this.stampFor(buf, from, to);
      const leaf = tree.setExpiry(buf, from, to, stamp, store.origin, expiryMs);
      if (observer !== null && leaf !== 0) observer.patched(leaf, 0, 0);
    } else {
      const { sub } = this.collection();
      sub.setExpiry(buf, from, to, this.stampFor(buf, from, to), store.origin, expiryMs);
    }
  }

  /**
   * Writes a collection whatever was there before: what `other` has prepared at this key in a tree
   * at the side since what is here now was written, and loses. `hints`: HINT_FLAGS. One small
   * write, however much it is. As in Redis it makes a key ready that was not there: what has been
   * overwritten by a result that is stored wakes nobody.
   */
  adopt(
    buf: Buffer,
    from: number,
    to: number,
    other: SubTree,
    expiryMs: number,
    hints: number,
    access: number,
  ): void {
    const { store, tree } = this;
    const { sub } = this.collection();
    const isNew = this.peek(buf, from, to) === 0;
    const leaf = tree.find(buf, from, to);
    const stamp = this.stampFor(buf, from, to);
    // One that is ahead of the clock would hide what has been prepared.
    const isBefore = leaf !== 0 && tree.stamp(leaf) < other.tree.stamp(other.head);
    const clearedAt = isBefore ? tree.stamp(leaf) : 0;
    // Nothing is lost if there is no memory for the new head.
    tree.space.nodes.reserve();
    tree.space.leaves.reserve();
    tree.drop(buf, from, to);
    sub.adopt(buf, from, to, other, clearedAt, stamp, store.origin, expiryMs, hints);
    tree.setAccess(sub.head, access);
    if (this.observer !== null) this.observer.adopted(buf, from, to);
    if (isNew) {
      this.notify(NOTIFY_NEW, 'new', buf, from, to);
      this.signalReady(buf, from, to);
    }
    if (store.watches.size !== 0) this.changed(buf, from, to);
    store.dirty += 1;
  }

  /** Removes a key; true if it was visible. */
  remove(buf: Buffer, from: number, to: number): boolean {
    if (this.peek(buf, from, to) === 0) return false;
    this.takeOut(buf, from, to);
    if (this.store.watches.size !== 0) this.changed(buf, from, to);
    this.signalRemoved(buf, from, to);
    this.store.dirty += 1;
    return true;
  }

  /**
   * Takes an entry out with all that is below it. A node that is alone needs no tombstone: nobody
   * else can bring an older value back, so the entry is dropped where it lies.
   */
  takeOut(buf: Buffer, from: number, to: number): void {
    const { store, tree } = this;
    const stamp = this.stampFor(buf, from, to);
    if (this.leavesTombstones) {
      tree.delete(buf, from, to, stamp, store.origin);
      store.buried();
    } else {
      store.collected(stamp);
      tree.drop(buf, from, to);
    }
  }

  /** Whether what is removed leaves a tombstone. */
  get leavesTombstones(): boolean {
    return this.store.keepsTombstones;
  }

  /** Removes a visible key to make room; not a change that a client has made. */
  evict(buf: Buffer, from: number, to: number): void {
    this.takeOut(buf, from, to);
    if (this.store.watches.size !== 0) this.changed(buf, from, to);
    this.signalRemoved(buf, from, to);
    this.notify(NOTIFY_EVICTED, 'evicted', buf, from, to);
  }

  /** Removes every key: one small write; the memory comes back in slices (`Store.reclaim`). */
  flush(): void {
    this.empty();
    this.store.watches.allChanged();
  }

  /** What is older than the last flush is let in again. Of an empty database. */
  forgetClear(): void {
    this.hideUpTo(0);
    this.tree.clear();
  }

  /** `flush`, of which the caller tells who listens to changes. */
  empty(): void {
    const store = this.store;
    this.touchWatched();
    if (store.waits.removalSize !== 0) store.waits.signalAll(this.index);
    store.dirty += this.tree.liveCount;
    this.clearedAt = store.stampAbove(store.storedAhead);
    this.isPurging = false;
    store.collected(this.clearedAt);
    this.tree.clear();
  }

  /** Collections with elements that expire. */
  expiringElementsSize(): number {
    return this.tree.heads.size;
  }

  /** True if a time has come of what is still there. */
  get hasDue(): boolean {
    const { expiries, heads } = this.tree;
    return Math.min(expiries.firstDueMs, heads.firstDueMs) <= this.store.nowMs;
  }

  /** True if the time of elements has come that are still there. */
  get hasDueElements(): boolean {
    return this.tree.heads.firstDueMs <= this.store.nowMs;
  }

  /** Whether all elements of a collection have expired, of which none may have been removed yet. */
  isEmptied(head: Leaf): boolean {
    if (!this.hasDueElements || this.tree.kind(head) !== KIND_HEAD) return false;
    const { elements, expiries } = this.#turnExpiring(head);
    return expiries.dueCount(this.store.nowMs) === elements.liveCount;
  }

  /**
   * The stamp of a write to a key: above that of what it replaces, though that may be ahead of the
   * clock: stored by a sync with a member whose clock nobody believed.
   */
  stampFor(buf: Buffer, from: number, to: number): number {
    const { store, tree } = this;
    const stamp = store.stamp();
    if (store.storedAhead < stamp) return stamp;
    const leaf = tree.find(buf, from, to);
    return store.stampAbove(Math.max(this.clearedAt, leaf === 0 ? 0 : tree.stamp(leaf)));
  }

  /**
   * Removes elements of the key's collection that have expired, until none is due or `deadlineMs`
   * (monotonic) has come: then false. For who has slices; `peek` removes what is left at once.
   */
  expireElements(buf: Buffer, from: number, to: number, deadlineMs: number): boolean {
    const { nowMs, world } = this.store;
    while (this.hasDueElements) {
      const leaf = this.tree.findVisible(buf, from, to);
      if (leaf === 0 || this.tree.kind(leaf) !== KIND_HEAD) return true;
      const count = this.#expireElements(buf, from, to, nowMs, EXPIRE_STEP_ELEMENTS);
      if (count < EXPIRE_STEP_ELEMENTS) return true;
      if (world.clock.monotonicMs() >= deadlineMs) return false;
    }
    return true;
  }

  #turnExpiring(head: Leaf): SubTree {
    this.#expiring ??= new SubTree(this.tree);
    this.#expiring.openHead(head);
    return this.#expiring;
  }

  /** Removes elements whose time had come by `dueMs`; returns how many. */
  #expireElements(buf: Buffer, from: number, to: number, dueMs: number, most: number): number {
    const { store, tree } = this;
    const head = tree.find(buf, from, to);
    // It has the highest stamp of its elements.
    const stamp = head === 0 ? 0 : tree.stamp(head);
    const sub = this.#turnExpiring(head);
    const count = sub.dropDue(buf, from, to, dueMs, most);
    if (count === 0) return 0;
    store.expiredElements += count;
    if (this.leavesTombstones) store.expired.note(stamp);
    const isEmptied = sub.elements.liveCount === 0;
    this.#notifyOfTime(NOTIFY_HASH, 'hexpired', buf, from, to);
    if (isEmptied) this.#notifyOfTime(NOTIFY_GENERIC, 'del', buf, from, to);
    if (store.watches.size !== 0) this.changed(buf, from, to, true);
    if (isEmptied) this.signalRemoved(buf, from, to);
    return count;
  }

  /**
   * Removes what has expired, now or at an earlier time, the earliest first, at most about `most`
   * keys and elements. True if nothing is left due.
   */
  expireDue(most: number, dueMs = this.store.nowMs): boolean {
    const { heads } = this.tree;
    let done = 0;
    if (!this.#expireKeys(most, dueMs)) return false;
    while (heads.firstDueMs <= dueMs) {
      if (done >= most) return false;
      const key = this.store.keyScratch;
      const bytes = this.tree.copyKey(heads.peekDue(dueMs), key, 0);
      done += this.#expireElements(key, 0, bytes, dueMs, most - done);
    }
    return true;
  }

  #expireKeys(most: number, dueMs: number): boolean {
    const heap = this.tree.expiries;
    for (let done = 0; heap.firstDueMs <= dueMs; done += 1) {
      if (done === most) return false;
      const leaf = heap.peekDue(dueMs);
      const key = this.store.keyScratch;
      const bytes = this.tellsOfChanges ? this.tree.copyKey(leaf, key, 0) : -1;
      if (this.leavesTombstones) this.store.expired.note(this.tree.stamp(leaf));
      this.tree.dropLeaf(leaf);
      this.store.expiredKeys += 1;
      if (bytes >= 0) this.#expired(key, 0, bytes);
    }
    return true;
  }

  /** Whether a key is about to be made and its making is to be told; one that has expired goes. */
  #isNewsOfKey(buf: Buffer, from: number, to: number): boolean {
    if (this.store.events.flags === 0) return false;
    return this.peek(buf, from, to) === 0;
  }

  #expire(buf: Buffer, from: number, to: number): void {
    if (this.leavesTombstones)
      this.store.expired.note(this.tree.stamp(this.tree.find(buf, from, to)));
    this.tree.drop(buf, from, to);
    this.store.expiredKeys += 1;
    this.#expired(buf, from, to);
  }

  /** What all who hold the key see for themselves: who acts for it tells of it, as of commands. */
  #notifyOfTime(flags: number, event: string, buf: Buffer, from: number, to: number): void {
    const { actsFor, events } = this.store;
    if ((events.flags & flags) === 0) return;
    if (actsFor?.(buf, from, to) !== false) this.notify(flags, event, buf, from, to);
  }

  #expired(buf: Buffer, from: number, to: number): void {
    this.#notifyOfTime(NOTIFY_EXPIRED, 'expired', buf, from, to);
    if (this.store.watches.size !== 0) this.changed(buf, from, to, true);
    this.signalRemoved(buf, from, to);
  }
}
