/**
 * Which keys are being watched (WATCH), and by whom: a write to one marks its watchers dirty, and
 * their EXEC then does nothing.
 *
 * Why a table and not a comparison of stamps at EXEC: a key that was absent, was written and is
 * absent again has changed, and leaves no stamp to compare. Databases go by their index: after a
 * SWAPDB a watcher watches what now stands at the index, as in Redis.
 */
/** Somebody who watches keys: a session's transaction. */
export interface Watcher {
  /** A watched key has changed since it was watched. */
  dirty: boolean;
}

/** Somebody who hears of every change of any key. */
export interface ChangeListener {
  /** One character per byte; whatever its database. `expired`: by time, and no command. */
  keyChanged(key: string, expired: boolean): void;
  /** Databases were emptied. */
  allChanged(): void;
}

/** Somebody who is reading keys that he knows by their looks. */
export interface KeyReader {
  readonly database: number;
  /** One character per byte. */
  reads(key: string): boolean;
  /** One of them has changed. */
  hasChanged: boolean;
}

export class WatchTable {
  readonly #readers = new Set<KeyReader>();
  readonly #watchers = new Map<number, Map<string, Set<Watcher>>>();
  /**
   * Watched (database, key, watcher) triples, readers and listeners. Writers look at this before
   * anything else.
   */
  size = 0;
  readonly #listeners = new Set<ChangeListener>();

  /** Triples alone. */
  get watchedCount(): number {
    return this.size - this.#readers.size - this.#listeners.size;
  }

  listenWith(listener: ChangeListener): void {
    if (this.#listeners.has(listener)) return;
    this.#listeners.add(listener);
    this.size += 1;
  }

  stopListening(listener: ChangeListener): void {
    if (this.#listeners.delete(listener)) this.size -= 1;
  }

  /** Databases were emptied. */
  allChanged(): void {
    for (const listener of this.#listeners) listener.allChanged();
  }

  addReader(reader: KeyReader): void {
    this.#readers.add(reader);
    this.size += 1;
  }

  removeReader(reader: KeyReader): void {
    if (this.#readers.delete(reader)) this.size -= 1;
  }

  add(database: number, key: string, watcher: Watcher): void {
    let keys = this.#watchers.get(database);
    if (keys === undefined) {
      keys = new Map();
      this.#watchers.set(database, keys);
    }
    let set = keys.get(key);
    if (set === undefined) {
      set = new Set();
      keys.set(key, set);
    }
    if (set.has(watcher)) return;
    set.add(watcher);
    this.size += 1;
  }

  remove(database: number, key: string, watcher: Watcher): void {
    const keys = this.#watchers.get(database);
    const set = keys?.get(key);
    if (keys === undefined || set === undefined || !set.delete(watcher)) return;
    this.size -= 1;
    if (set.size === 0) keys.delete(key);
    if (keys.size === 0) this.#watchers.delete(database);
  }

  /** `key` has changed: its watchers' transactions will not run. */
  touch(database: number, key: string, expired: boolean): void {
    for (const listener of this.#listeners) listener.keyChanged(key, expired);
    for (const reader of this.#readers) {
      if (reader.database === database && reader.reads(key)) reader.hasChanged = true;
    }
    const set = this.#watchers.get(database)?.get(key);
    if (set === undefined) return;
    for (const watcher of set) watcher.dirty = true;
  }

  /** Marks the watchers of all keys that are `affected`, for FLUSHDB and SWAPDB. */
  touchAll(database: number, affected: (key: string) => boolean): void {
    for (const reader of this.#readers) {
      if (reader.database === database) reader.hasChanged = true;
    }
    const keys = this.#watchers.get(database);
    if (keys === undefined) return;
    for (const [key, set] of keys) {
      if (!affected(key)) continue;
      for (const watcher of set) watcher.dirty = true;
    }
  }
}
