/**
 * SyncDatabase: what sync needs of one database of a node, and the one over a bare tree.
 */
import type { Leaf } from '../leaf.js';
import { SubTree } from '../subtree.js';
import type { Tree } from '../tree.js';
import { ClearPurge } from './clear.js';

export interface SyncDatabase {
  readonly tree: Tree;
  /** Everything at or below this stamp is cleared; 0: it never was. */
  readonly clearedAt: number;
  /**
   * Sets the stamp of the last clear. What it hides is refused from now on, and goes from the tree
   * by `purge`: until that is done, counts and digests of the tree include it. A lower stamp than before comes only from a session that follows.
   */
  setClearedAt(stamp: number): void;
  /** Looks at up to so many entries for what `clearedAt` hides; true: there is more to look at. */
  purge(entriesMax: number): boolean;
  /** Drops up to so many entries whose time had come by then; true: there are more. */
  dropExpired(untilMs: number, entriesMax: number): boolean;
  /** Whether users know this database by another number by now: a session ends then. */
  readonly isMoved: boolean;
  /**
   * What is at a key has been changed by the session; `stamp`: of the entry that came, or 0; `leaf`: what
   * is there now, 0 if that is not at hand.
   */
  changed(key: Buffer, from: number, to: number, stamp: number, leaf: Leaf): void;
}

export class TreeDatabase implements SyncDatabase {
  readonly tree: Tree;
  readonly #purge: ClearPurge;
  readonly #sub: SubTree;

  constructor(tree: Tree) {
    this.tree = tree;
    this.#sub = new SubTree(tree);
    this.#purge = new ClearPurge(tree);
  }

  get clearedAt(): number {
    return this.#purge.clearedAt;
  }

  setClearedAt(stamp: number): void {
    this.#purge.setClearedAt(stamp);
  }

  purge(entriesMax: number): boolean {
    return this.#purge.step(entriesMax);
  }

  dropExpired(untilMs: number, entriesMax: number): boolean {
    const { tree } = this;
    let left = entriesMax;
    for (; tree.expiries.firstDueMs <= untilMs; left--) {
      if (left <= 0) return true;
      tree.dropLeaf(tree.expiries.peekDue(untilMs));
    }
    while (tree.heads.firstDueMs <= untilMs) {
      if (left <= 0) return true;
      left -= this.#sub.dropDueAt(tree.heads.peekDue(untilMs), untilMs, left);
    }
    return false;
  }

  get isMoved(): boolean {
    return false;
  }

  changed(_key: Buffer, _from: number, _to: number, _stamp: number, _leaf: Leaf): void {}
}
