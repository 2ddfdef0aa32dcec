/**
 * One database as sync sees it: merges take out of it and put into it as writers do, so that
 * watchers hear of it, the clock has seen each stamp, and what is new does not look long unused.
 */
import type { Leaf } from '../../radix/leaf.js';
import type { SyncDatabase } from '../../radix/sync/database.js';
import type { Tree } from '../../radix/tree.js';
import type { Database } from './database.js';

export class ReplicatedDatabase implements SyncDatabase {
  readonly tree: Tree;
  readonly #database: Database;
  readonly #index: number;

  constructor(database: Database) {
    this.#database = database;
    this.#index = database.index;
    this.tree = database.tree;
  }

  /** SWAPDB has given it another number. */
  get isMoved(): boolean {
    return this.#database.index !== this.#index;
  }

  get clearedAt(): number {
    return this.#database.clearedAt;
  }

  setClearedAt(stamp: number): void {
    const { store } = this.#database;
    if (stamp > this.clearedAt) {
      this.#database.touchWatched();
      if (this.tree.liveCount > 0) store.watches.allChanged();
    }
    store.witness(stamp);
    store.dirty += 1;
    this.#database.hideUpTo(stamp);
    this.#database.observer?.hidden(stamp);
  }

  purge(entriesMax: number): boolean {
    return this.#database.purge(entriesMax);
  }

  dropExpired(untilMs: number, entriesMax: number): boolean {
    return !this.#database.expireDue(entriesMax, untilMs);
  }

  changed(key: Buffer, from: number, to: number, stamp: number, found: Leaf): void {
    const { store } = this.#database;
    if (stamp > 0) {
      store.witness(stamp);
      const leaf = found === 0 ? this.tree.find(key, from, to) : found;
      if (leaf !== 0) store.touchNew(this.tree, leaf);
    }
    if (store.watches.size !== 0) this.#database.changed(key, from, to);
    this.#database.signalReady(key, from, to);
    store.dirty += 1;
  }
}
