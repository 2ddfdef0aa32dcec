/**
 * View: one database of a replica, and the scratch to read it with; the range as intervals of keys.
 */
import { SubTree } from '../subtree.js';
import type { Tree } from '../tree.js';
import type { SyncDatabase } from './database.js';

/** The keys in (from, to] of every database, round the circle if to <= from; null: no bound. */
export interface KeyRange {
  readonly from: Buffer | null;
  readonly to: Buffer | null;
}

/** Keys in (low, high]. */
export interface Interval {
  readonly low: Buffer | null;
  readonly high: Buffer | null;
}

export function intervalsOf({ from, to }: KeyRange): Interval[] {
  if (from === null || to === null || from.compare(to) < 0) return [{ low: from, high: to }];
  return [
    { low: null, high: to },
    { low: from, high: null },
  ];
}

export class View {
  readonly db: number;
  readonly database: SyncDatabase;
  readonly tree: Tree;
  /** Hashes do not cover the database: what is in 0 here and in 1 there must not look the same. */
  readonly factorLow: number;
  readonly factorHigh: number;
  #sub: SubTree | null = null;

  constructor(database: SyncDatabase, db: number) {
    this.db = db;
    this.database = database;
    this.tree = database.tree;
    this.factorLow = factorOf(db, 0x9e3779b1);
    this.factorHigh = factorOf(db, 0x85ebca77);
  }

  /** Most databases have no sub tree, and most sessions find nothing to read in one. */
  get sub(): SubTree {
    this.#sub ??= new SubTree(this.tree);
    return this.#sub;
  }

  get isEmpty(): boolean {
    return this.tree.root === 0 && this.database.clearedAt === 0;
  }
}

/** Odd, and 1 for database 0. */
function factorOf(db: number, seed: number): number {
  return (Math.imul(db, seed) << 1) | 1;
}
