/**
 * What a database has besides its writes: its number, its clear, who looks keys up, and who hears of
 * changes.
 *
 *   changed         watchers of a key, and client tracking
 *   notify          subscribers of keyspace events
 *   signalReady...  clients that wait for a key
 *
 * A clear that comes from elsewhere by sync hides what is older, among it what the tree still holds:
 * `isPurging` until that is taken out in slices, and before a key is looked at there by `purgeKey`.
 */
import { KIND_BYTES, KIND_MASK, type Leaf } from '../../radix/leaf.js';
import { ClearPurge } from '../../radix/sync/clear.js';
import { Tree } from '../../radix/tree.js';
import { NOTIFY_KEY_MISS } from './notify.js';
import { SeenTimes } from './seen-times.js';
import type { Store } from './store.js';

export const WRONG_TYPE: Leaf = -1;

export abstract class DatabaseBase {
  readonly store: Store;
  readonly tree: Tree;
  /** Of consumers, where they are not written. */
  readonly seenTimes = new SeenTimes();
  /** Stamp of the last FLUSHDB: entries at or below it are refused. */
  clearedAt = 0;
  /** Whether the tree may still hold what a clear that came by sync hides. */
  isPurging = false;
  /** The number that SELECT knows it by; SWAPDB changes it. */
  index: number;
  readonly #purge: ClearPurge;

  constructor(store: Store, index: number) {
    this.store = store;
    this.index = index;
    this.tree = new Tree(store.space);
    this.#purge = new ClearPurge(this.tree);
  }

  /**
   * What users see of what the tree has at a key; 0: nothing. Removes it first if it has expired,
   * and those of its elements that have.
   */
  protected abstract present(found: Leaf, buf: Buffer, from: number, to: number): Leaf;

  /** Looks a key up without leaving a trace, but for what has expired; 0: it is not there. */
  peek(buf: Buffer, from: number, to: number): Leaf {
    return this.present(this.tree.find(buf, from, to), buf, from, to);
  }

  /** Looks a key up to read it: counts a hit or miss and marks the access. 0 = not there. */
  read(buf: Buffer, from: number, to: number): Leaf {
    return this.readFound(this.tree.find(buf, from, to), buf, from, to);
  }

  /** `read` of what the tree has at the key. */
  readFound(found: Leaf, buf: Buffer, from: number, to: number): Leaf {
    const leaf = this.present(found, buf, from, to);
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
    const leaf = this.present(found, buf, from, to);
    if (leaf !== 0) this.store.touch(this.tree, leaf);
    return leaf;
  }

  /** `find` of a string value: WRONG_TYPE (-1) if the key holds something else. */
  findString(buf: Buffer, from: number, to: number): Leaf {
    const leaf = this.find(buf, from, to);
    if (leaf !== 0 && (this.tree.flags(leaf) & KIND_MASK) !== KIND_BYTES) return WRONG_TYPE;
    return leaf;
  }

  /**
   * Hides what is at or below a stamp, which elsewhere cleared the database: at once for who looks
   * at a key, and for who counts as soon as `purge` is done. A lower stamp than before unhides nothing.
   */
  hideUpTo(stamp: number): void {
    this.clearedAt = stamp;
    this.#purge.setClearedAt(stamp);
    this.isPurging = this.#purge.isPending;
  }

  /** Takes out what is hidden, looking at so many entries at most; true if there are more. */
  purge(entriesMax: number): boolean {
    this.isPurging = this.#purge.step(entriesMax);
    return this.isPurging;
  }

  /** Takes out what is hidden at one key. */
  protected purgeKey(buf: Buffer, from: number, to: number): void {
    this.#purge.purgeKey(buf, from, to);
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

  /** Whether anybody would hear of a change. */
  protected get tellsOfChanges(): boolean {
    const { events, waits, watches } = this.store;
    return watches.size !== 0 || events.flags !== 0 || waits.removalSize !== 0;
  }
}
