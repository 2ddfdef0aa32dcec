/**
 * What a database tells of its changes, to whoever follows them: the disk, replicas, both, nobody.
 *
 *   Database --+--> written, patched, adopted, hidden     with the leaf at hand
 *   Tree ------+--> beforeChange, beforeElement, ...      everything else, before it happens
 *
 * One point to observe, so that a node that nobody follows pays one comparison for a write, and
 * one that is followed by one pays one call.
 */
import type { Leaf } from '../../radix/leaf.js';
import { Snapshots } from '../../radix/snapshot.js';
import type { Tree, TreeObserver } from '../../radix/tree.js';
import type { Database } from './database.js';

export interface DatabaseObserver extends TreeObserver {
  /** The next write of the tree is told of by `written` or `patched`. */
  begin(): void;
  /** A string was written. */
  written(leaf: Leaf): void;
  /** Bytes [offset, end) of a string were written, or its expiry. */
  patched(leaf: Leaf, offset: number, end: number): void;
  /** A whole collection was linked in. */
  adopted(key: Buffer, from: number, to: number): void;
  /** Entries at or below the stamp are hidden, and will go. */
  hidden(stamp: number): void;
  beforeElement(
    tree: Tree,
    key: Buffer,
    from: number,
    to: number,
    subKey: Buffer | null,
    sfrom: number,
    sto: number,
  ): void;
}

/** From now on `observer` hears of changes too, after whoever does already. */
export function observe(database: Database, observer: DatabaseObserver): void {
  const { observer: other, tree } = database;
  const all = other === null ? observer : new Both(other, observer);
  database.observer = all;
  Snapshots.observe(tree, all);
}

class Both implements DatabaseObserver {
  readonly #one: DatabaseObserver;
  readonly #other: DatabaseObserver;

  constructor(one: DatabaseObserver, other: DatabaseObserver) {
    this.#one = one;
    this.#other = other;
  }

  begin(): void {
    this.#one.begin();
    this.#other.begin();
  }

  written(leaf: Leaf): void {
    this.#one.written(leaf);
    this.#other.written(leaf);
  }

  patched(leaf: Leaf, offset: number, end: number): void {
    this.#one.patched(leaf, offset, end);
    this.#other.patched(leaf, offset, end);
  }

  adopted(key: Buffer, from: number, to: number): void {
    this.#one.adopted(key, from, to);
    this.#other.adopted(key, from, to);
  }

  hidden(stamp: number): void {
    this.#one.hidden(stamp);
    this.#other.hidden(stamp);
  }

  beforeChange(tree: Tree, key: Buffer, from: number, to: number): void {
    this.#one.beforeChange(tree, key, from, to);
    this.#other.beforeChange(tree, key, from, to);
  }

  beforeElement(
    tree: Tree,
    key: Buffer,
    from: number,
    to: number,
    subKey: Buffer | null,
    sfrom: number,
    sto: number,
  ): void {
    this.#one.beforeElement(tree, key, from, to, subKey, sfrom, sto);
    this.#other.beforeElement(tree, key, from, to, subKey, sfrom, sto);
  }

  beforeClear(tree: Tree): void {
    this.#one.beforeClear(tree);
    this.#other.beforeClear(tree);
  }
}
