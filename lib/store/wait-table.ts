/**
 * Keys that somebody waits for (BLPOP and its kin), and which of them have become ready.
 *
 * Writers call `signal`; it costs one comparison while nobody waits in the database. What has
 * become ready is kept in the order in which it was signalled, each key once, until the server
 * has finished the command, transaction or script that signalled it and takes it.
 *
 * Databases go by their index: after a SWAPDB a waiter waits at the same index, as in Redis.
 * Invariant: `size` is the number of (database, key, waiter) triples, and every ready key has or
 * had a waiter; so `#ready` is no longer than what was waited for.
 */

export interface ReadyKey {
  readonly database: number;
  /** One character per byte. */
  readonly key: string;
}

export interface KeyWaiter {
  /** It wants to hear when a key goes, too (XREADGROUP). */
  readonly wantsRemovals: boolean;
  /** What the value of a key must be for the waiter to be served. */
  readonly type: WaitedType;
  /** The key may have what it waits for: false if it is no use to it. */
  tryKey(key: string): boolean;
}

/** A value that is no use to one who waits for a list or sorted set is none to the next either. */
export type WaitedType = 'list' | 'zset' | 'stream';

export class WaitTable {
  /** Triples of all databases. Writers look at this before anything else. */
  size = 0;
  /** Those among them that want to hear of removals. */
  removalSize = 0;
  /** Called when there is a ready key and there was none. */
  onReady: () => void = () => {};
  readonly #waiters = new Map<number, Map<string, Set<KeyWaiter>>>();
  readonly #ready = new Map<string, ReadyKey>();

  /** Keys that somebody waits for. */
  get keyCount(): number {
    let count = 0;
    for (const keys of this.#waiters.values()) count += keys.size;
    return count;
  }

  add(database: number, key: string, waiter: KeyWaiter): void {
    let keys = this.#waiters.get(database);
    if (keys === undefined) {
      keys = new Map();
      this.#waiters.set(database, keys);
    }
    let waiters = keys.get(key);
    if (waiters === undefined) {
      waiters = new Set();
      keys.set(key, waiters);
    }
    if (waiters.has(waiter)) return;
    waiters.add(waiter);
    this.size += 1;
    if (waiter.wantsRemovals) this.removalSize += 1;
  }

  remove(database: number, key: string, waiter: KeyWaiter): void {
    const keys = this.#waiters.get(database);
    const waiters = keys?.get(key);
    if (keys === undefined || waiters === undefined || !waiters.delete(waiter)) return;
    this.size -= 1;
    if (waiter.wantsRemovals) this.removalSize -= 1;
    if (waiters.size === 0) keys.delete(key);
    if (keys.size === 0) this.#waiters.delete(database);
  }

  /** Who waits for a key, the longest first. */
  waitersOf(database: number, key: string): Iterable<KeyWaiter> {
    return this.#waiters.get(database)?.get(key) ?? [];
  }

  /** A key holds something new, or has gone. */
  signal(database: number, buf: Buffer, from: number, to: number): void {
    const keys = this.#waiters.get(database);
    if (keys === undefined) return;
    const key = buf.toString('latin1', from, to);
    if (keys.has(key)) this.#addReady(database, key);
  }

  /** Any key of a database may hold something else: FLUSHDB, SWAPDB. */
  signalAll(database: number): void {
    for (const key of this.#waiters.get(database)?.keys() ?? []) this.#addReady(database, key);
  }

  /** The key that has been ready the longest; it may be signalled again from now on. */
  takeReady(): ReadyKey | undefined {
    for (const [id, ready] of this.#ready) {
      this.#ready.delete(id);
      return ready;
    }
    return undefined;
  }

  /** Who still waits for a key that was taken is to be served after all. */
  readyAgain({ database, key }: ReadyKey): void {
    if (this.#waiters.get(database)?.has(key) === true) this.#addReady(database, key);
  }

  #addReady(database: number, key: string): void {
    const id = `${database}:${key}`;
    if (this.#ready.has(id)) return;
    this.#ready.set(id, { database, key });
    if (this.#ready.size === 1) this.onReady();
  }
}
