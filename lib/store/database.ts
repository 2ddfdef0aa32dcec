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
import type { SubTree } from '../../radix/subtree.js';
import { Tree } from '../../radix/tree.js';
import { Collection } from './collection.js';
import { NOTIFY_EVICTED, NOTIFY_EXPIRED, NOTIFY_KEY_MISS, NOTIFY_NEW } from './notify.js';
import type { Store } from './store.js';

export const WRONG_TYPE: Leaf = -1;

/** Flyweights kept; a command that opens more makes its own. */
const COLLECTIONS_MAX = 16;

export class Database {
  readonly store: Store;
  readonly tree: Tree;
  /** For walks that end before anything else runs. */
  readonly cursor: Cursor;
  /** Stamp of the last FLUSHDB: entries at or below it are refused. */
  clearedAt = 0;
  /** The number that SELECT knows it by; SWAPDB changes it. */
  index: number;
  readonly #collections: Collection[] = [];

  constructor(store: Store, index: number) {
    this.store = store;
    this.index = index;
    this.tree = new Tree(store.space);
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

  /** Looks a key up to read it: counts a hit or miss and marks the access. 0 = not there. */
  read(buf: Buffer, from: number, to: number): Leaf {
    return this.readFound(this.tree.find(buf, from, to), buf, from, to);
  }

  /** `read` of what the tree has at the key. */
  readFound(found: Leaf, buf: Buffer, from: number, to: number): Leaf {
    const leaf = this.#present(found, buf, from, to);
    const store = this.store;
    if (leaf === 0) {
      this.missed(buf, from, to);
      return 0;
    }
    store.keyspaceHits += 1;
    store.touch(this.tree, leaf);
    return leaf;
  }

  /** `read` of a string value: WRONG_TYPE (-1) if the key holds something else. */
  readString(buf: Buffer, from: number, to: number): Leaf {
    const leaf = this.read(buf, from, to);
    if (leaf !== 0 && (this.tree.flags(leaf) & KIND_MASK) !== KIND_BYTES) return WRONG_TYPE;
    return leaf;
  }

  /** A key that a command wanted to read is not there. */
  missed(buf: Buffer, from: number, to: number): void {
    this.store.keyspaceMisses += 1;
    this.notify(NOTIFY_KEY_MISS, 'keymiss', buf, from, to);
  }

  /** Looks a key up in order to change it: marks the access, counts nothing. */
  find(buf: Buffer, from: number, to: number): Leaf {
    return this.findFound(this.tree.find(buf, from, to), buf, from, to);
  }

  /** `find` of what the tree has at the key. */
  findFound(found: Leaf, buf: Buffer, from: number, to: number): Leaf {
    const leaf = this.#present(found, buf, from, to);
    if (leaf !== 0) this.store.touch(this.tree, leaf);
    return leaf;
  }

  /** `find` of a string value: WRONG_TYPE (-1) if the key holds something else. */
  findString(buf: Buffer, from: number, to: number): Leaf {
    const leaf = this.find(buf, from, to);
    if (leaf !== 0 && (this.tree.flags(leaf) & KIND_MASK) !== KIND_BYTES) return WRONG_TYPE;
    return leaf;
  }

  /** Looks a key up without leaving a trace. Removes it first if it has expired. */
  peek(buf: Buffer, from: number, to: number): Leaf {
    return this.#present(this.tree.find(buf, from, to), buf, from, to);
  }

  /** What users see of the entry at a key; 0: nothing. */
  #present(leaf: Leaf, buf: Buffer, from: number, to: number): Leaf {
    if (leaf === 0) return 0;
    const flags = this.tree.flags(leaf);
    if ((flags & (KIND_MASK | FLAG_EXPIRY)) === KIND_BYTES) return leaf;
    if (!this.tree.visible(leaf)) return 0;
    if ((flags & FLAG_EXPIRY) !== 0 && this.tree.expiryMs(leaf) <= this.store.nowMs) {
      this.#expire(buf, from, to);
      return 0;
    }
    return leaf;
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
    const leaf = this.tree.put(
      buf,
      from,
      to,
      store.stamp(),
      store.origin,
      hints,
      expiryMs,
      value,
      valueFrom,
      valueTo,
    );
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
    const leaf = this.tree.patch(
      buf,
      from,
      to,
      store.stamp(),
      store.origin,
      FLAG_RAW,
      offset,
      value,
      valueFrom,
      valueTo,
    );
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
      tree.setExpiry(buf, from, to, store.stamp(), store.origin, expiryMs);
    } else {
      const { sub } = this.collection();
      sub.setExpiry(buf, from, to, store.stamp(), store.origin, expiryMs);
    }
  }

  /**
   * Writes a collection whatever was there before: what `other` has prepared at this key in a tree
   * at the side since what is here now was written, and loses. `hints`: HINT_FLAGS. One small
   * write, however much it is.
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
    const clearedAt = leaf === 0 ? 0 : tree.stamp(leaf);
    // Nothing is lost if there is no memory for the new head.
    tree.space.nodes.reserve();
    tree.space.leaves.reserve();
    tree.drop(buf, from, to);
    sub.adopt(buf, from, to, other, clearedAt, store.stamp(), store.origin, expiryMs, hints);
    tree.setAccess(sub.head, access);
    if (isNew) this.notify(NOTIFY_NEW, 'new', buf, from, to);
    this.signalReady(buf, from, to);
    if (store.watches.size !== 0) this.changed(buf, from, to);
    store.dirty += 1;
  }

  /**
   * Removes a key; true if it was visible. A node that is alone needs no tombstone: nobody else
   * can bring an older value back, so the entry is dropped where it lies.
   */
  remove(buf: Buffer, from: number, to: number): boolean {
    if (this.peek(buf, from, to) === 0) return false;
    this.store.collected(this.store.stamp());
    this.tree.drop(buf, from, to);
    if (this.store.watches.size !== 0) this.changed(buf, from, to);
    this.signalRemoved(buf, from, to);
    this.store.dirty += 1;
    return true;
  }

  /** Removes a visible key to make room; not a change that a client has made. */
  evict(buf: Buffer, from: number, to: number): void {
    this.store.collected(this.store.stamp());
    this.tree.drop(buf, from, to);
    if (this.store.watches.size !== 0) this.changed(buf, from, to);
    this.signalRemoved(buf, from, to);
    this.notify(NOTIFY_EVICTED, 'evicted', buf, from, to);
  }

  /** Removes every key: one small write; the memory comes back in slices (`Store.reclaim`). */
  flush(): void {
    this.empty();
    this.store.watches.allChanged();
  }

  /** `flush`, of which the caller tells who listens to changes. */
  empty(): void {
    const store = this.store;
    this.touchWatched();
    if (store.waits.removalSize !== 0) store.waits.signalAll(this.index);
    store.dirty += this.tree.liveCount;
    this.clearedAt = store.stamp();
    store.collected(this.clearedAt);
    this.tree.clear();
  }

  /**
   * Removes what has expired, now or at an earlier time, the earliest first, at most `most` keys.
   * True if nothing is left due.
   */
  expireDue(most: number, dueMs = this.store.nowMs): boolean {
    const heap = this.tree.expiries;
    for (let done = 0; heap.firstDueMs <= dueMs; done += 1) {
      if (done === most) return false;
      const leaf = heap.peekDue(dueMs);
      const key = this.store.keyScratch;
      const bytes = this.#tellsOfChanges ? this.tree.copyKey(leaf, key, 0) : -1;
      this.tree.dropLeaf(leaf);
      this.store.expiredKeys += 1;
      if (bytes >= 0) this.#expired(key, 0, bytes);
    }
    return true;
  }

  /** All that is visible changes: tells who watches any of it. */
  touchWatched(): void {
    const { watches } = this.store;
    if (watches.size === 0) return;
    watches.touchAll(this.index, (key) => {
      const bytes = Buffer.from(key, 'latin1');
      return this.peek(bytes, 0, bytes.length) !== 0;
    });
  }

  /** A key has changed in any way: tells its watchers. */
  changed(buf: Buffer, from: number, to: number, expired = false): void {
    this.store.watches.touch(this.index, buf.toString('latin1', from, to), expired);
  }

  /**
   * Tells subscribers of an event, once what it tells of is done. `flags` is the NOTIFY_ class of
   * the event; one comparison while nobody asked for that class.
   */
  notify(flags: number, event: string, buf: Buffer, from: number, to: number): void {
    const { events } = this.store;
    if ((events.flags & flags) !== 0) events.emit(this.index, event, buf, from, to);
  }

  /**
   * A key was made, or its list, sorted set or stream has grown: who waits for it is served once
   * the command, transaction or script at hand is over. One comparison while nobody waits.
   */
  signalReady(buf: Buffer, from: number, to: number): void {
    const { waits } = this.store;
    if (waits.size !== 0) waits.signal(this.index, buf, from, to);
  }

  /** A key has gone: for those who wait for that, too. */
  signalRemoved(buf: Buffer, from: number, to: number): void {
    const { waits } = this.store;
    if (waits.removalSize !== 0) waits.signal(this.index, buf, from, to);
  }

  /** Whether a key is about to be made and its making is to be told; one that has expired goes. */
  #isNewsOfKey(buf: Buffer, from: number, to: number): boolean {
    if (this.store.events.flags === 0) return false;
    return this.peek(buf, from, to) === 0;
  }

  get #tellsOfChanges(): boolean {
    const { events, waits, watches } = this.store;
    return watches.size !== 0 || events.flags !== 0 || waits.removalSize !== 0;
  }

  #expire(buf: Buffer, from: number, to: number): void {
    this.tree.drop(buf, from, to);
    this.store.expiredKeys += 1;
    this.#expired(buf, from, to);
  }

  #expired(buf: Buffer, from: number, to: number): void {
    this.notify(NOTIFY_EXPIRED, 'expired', buf, from, to);
    if (this.store.watches.size !== 0) this.changed(buf, from, to, true);
    this.signalRemoved(buf, from, to);
  }
}
