/**
 * Replica: a range of a store as sync sees it, one ordered sequence of items (place.ts): the
 * entries of all databases, elements of sub trees among them, and the clear of each database as an
 * item of its own.
 *
 *   items      0   1   2   3   4   5   6   7 ...
 *   prefix(p)  ------------->| p                  count and digest of all items before a place
 *   placeOf(4)               ^                    the place of an item
 *   scan(p, q)               | 4   5   6 |q       visits the items between two places, in blocks
 *   symbols(p, q)              likewise: of each nothing but what cells know it by, without a look
 *                              at the entries
 *
 * An item's hash is that of its entry, each half multiplied by an odd number that depends on the
 * database. Hashes do not cover the database, and an entry that is in database 0 here and in 1
 * there must not look the same; a product keeps the sums of the tree usable.
 *
 * Cost: prefix and placeOf are O(depth). Nothing here is kept between calls but scratch, so writers
 * may do what they like between two calls; the item shown to a visitor is valid until a write.
 */

import { KIND_HEAD } from '../leaf.js';
import type { Space } from '../space.js';
import type { SubTree } from '../subtree.js';
import { addLeaf, hashLeaf, Sum } from '../totals.js';
import type { Tree } from '../tree.js';
import type { SyncDatabase } from './database.js';
import { type Bound, boundAt, entryAt } from './item-order.js';
import { FIRST_PLACE, type Place, separator } from './place.js';
import { Scan } from './scan.js';
import { type Item, type SymbolList, SymbolTaker, VisitingTaker, type Visitor } from './takers.js';
import { type Interval, intervalsOf, type KeyRange, View } from './view.js';

/** Sums over items. */
export interface Prefix {
  readonly count: number;
  readonly low: number;
  readonly high: number;
}

const CLEAR_MARK = 0x72616c63;
/** No block of a value has this number. */
const OTHER_BLOCK = -1;
const KEY_CHECK_MARK = 0x2e79656b;

export class Replica {
  readonly databases: readonly SyncDatabase[];
  readonly #views: View[];
  readonly #intervals: Interval[];
  readonly #isWhole: boolean;
  readonly #scan: Scan;
  readonly #sum = new Sum();
  readonly #clearWords = new Int32Array(3);

  constructor(databases: readonly SyncDatabase[], range: KeyRange) {
    this.databases = databases;
    this.#views = databases.map((database, db) => new View(database, db));
    this.#intervals = intervalsOf(range);
    this.#isWhole = this.#intervals.some(({ low, high }) => low === null && high === null);
    this.#scan = new Scan(this.#views, this.#intervals, this.space);
  }

  /** That all databases lie in. */
  get space(): Space {
    return this.databases[0]!.tree.space;
  }

  /** Of the head that an item's element belongs to. */
  elementsOf(item: Item): SubTree {
    return this.subOf(item.db);
  }

  /** Scratch for the sub trees of a database, which scans use. */
  subOf(db: number): SubTree {
    return this.#views[db]!.sub;
  }

  /** How many items are clears of databases. */
  get clearCount(): number {
    return this.databases.filter(({ clearedAt }) => clearedAt > 0).length;
  }

  hasKey(key: Buffer): boolean {
    if (this.#isWhole) return true;
    return this.#intervals.some(
      ({ low, high }) =>
        (low === null || low.compare(key) < 0) && (high === null || high.compare(key) >= 0),
    );
  }

  /** Sums over all items before a place; null: over all. */
  prefix(place: Place | null): Prefix {
    let count = 0;
    let low = 0;
    let high = 0;
    for (const view of this.#views) {
      if (place !== null && view.db > place.db) break;
      if (view.isEmpty) continue;
      const inside = place !== null && view.db === place.db ? place : null;
      if (inside !== null && inside.key === null) break;
      this.#sum.clear();
      for (const interval of this.#intervals) this.#addInterval(view, interval, inside);
      this.#addClear(view);
      count += this.#sum.all;
      low = (low + Math.imul(this.#sum.low, view.factorLow)) | 0;
      high = (high + Math.imul(this.#sum.high, view.factorHigh)) | 0;
    }
    return { count, low, high };
  }

  /** Sums over the items in [from, to). */
  between(from: Place, to: Place | null): Prefix {
    const before = this.prefix(from);
    const { count, low, high } = this.prefix(to);
    return {
      count: count - before.count,
      low: (low - before.low) | 0,
      high: (high - before.high) | 0,
    };
  }

  /** The place of the item with so many before it; null if there is none. */
  placeOf(index: number): Place | null {
    let rest = index;
    for (const view of this.#views) {
      if (view.isEmpty) continue;
      if (view.database.clearedAt > 0 && rest-- === 0) return { ...FIRST_PLACE, db: view.db };
      for (const interval of this.#intervals) {
        this.#sum.clear();
        this.#addInterval(view, interval, null);
        const count = this.#sum.all;
        if (rest < count) return this.#placeInTree(view, interval, rest);
        rest -= count;
      }
    }
    return null;
  }

  /**
   * A short place with about `index` items before it, as many more or fewer as `slack` at most; null
   * if there are not as many items.
   */
  placeNear(index: number, slack: number): Place | null {
    let rest = index;
    for (const view of this.#views) {
      if (view.isEmpty) continue;
      if (view.database.clearedAt > 0) rest--;
      for (const interval of this.#intervals) {
        this.#sum.clear();
        this.#addInterval(view, interval, null);
        const count = this.#sum.all;
        if (rest - slack > 0 && rest + slack < count) {
          const bound = this.#boundInTree(view, interval, rest, slack);
          if (bound !== null) return { db: view.db, ...bound };
        }
        rest -= count;
        // Near the bounds of databases and intervals, or of the range.
        if (rest <= slack) return this.#placeBetween(index - slack - 1, index + slack);
      }
    }
    return null;
  }

  /**
   * Visits up to `itemsMax` items from a place on, up to another one (null: to the end). Returns
   * where to go on; null at the end.
   */
  scan(from: Place, to: Place | null, itemsMax: number, visit: Visitor): Place | null {
    return this.#scan.run(from, to, new VisitingTaker(this, itemsMax, visit));
  }

  /** Adds the symbols, in an attempt, of the items between two places to a list, likewise. */
  symbols(
    salt: number,
    from: Place,
    to: Place | null,
    itemsMax: number,
    into: SymbolList,
  ): Place | null {
    return this.#scan.run(from, to, new SymbolTaker(this, salt, itemsMax, into));
  }

  #addClear(view: View): void {
    if (view.database.clearedAt === 0) return;
    this.hashClear(view);
    const hash = view.tree.space.hash;
    this.#sum.all++;
    this.#sum.low = (this.#sum.low + hash.low) | 0;
    this.#sum.high = (this.#sum.high + hash.high) | 0;
  }

  hashClear(view: View): void {
    const words = this.#clearWords;
    const { clearedAt, tree } = view.database;
    words[0] = clearedAt;
    words[1] = clearedAt / 4294967296;
    words[2] = CLEAR_MARK;
    tree.space.hash.hashBlocks(words, 0, 12, OTHER_BLOCK);
  }

  /** Adds the totals of an interval, or of what of it lies before a place in this database. */
  #addInterval(view: View, interval: Interval, place: Place | null): void {
    const { low, high } = interval;
    if (place === null || (high !== null && high.compare(place.key!) < 0)) {
      this.#addUpTo(view.tree, high, 1);
    } else {
      if (low !== null && low.compare(place.key!) >= 0) return;
      this.#addBefore(view, place.key!, place.sub);
    }
    if (low !== null) this.#addUpTo(view.tree, low, -1);
  }

  /** Adds (sign 1) or subtracts (-1) the totals of all keys <= this one; null: of all. */
  #addUpTo(tree: Tree, key: Buffer | null, sign: number): void {
    const sum = this.#sum;
    const totals = tree.rangeDigest(null, key);
    sum.all += sign * totals.all;
    sum.low = (sum.low + Math.imul(sign, totals.digestLow)) | 0;
    sum.high = (sum.high + Math.imul(sign, totals.digestHigh)) | 0;
  }

  #addBefore(view: View, key: Buffer, sub: Buffer | null): void {
    const { tree } = view;
    const sum = this.#sum;
    this.#addUpTo(tree, key, 1);
    const leaf = tree.find(key, 0, key.length);
    if (leaf === 0) return;
    const isHead = tree.kind(leaf) === KIND_HEAD;
    if (sub !== null && !isHead) return;
    addLeaf(sum, tree, leaf, -1);
    if (sub === null) return;
    hashLeaf(tree, leaf);
    sum.all++;
    sum.low = (sum.low + tree.space.hash.low) | 0;
    sum.high = (sum.high + tree.space.hash.high) | 0;
    view.sub.open(key, 0, key.length);
    const { elements } = view.sub;
    this.#addUpTo(elements, sub, 1);
    const element = elements.find(sub, 0, sub.length);
    if (element !== 0) addLeaf(sum, elements, element, -1);
  }

  #placeBetween(first: number, last: number): Place | null {
    const low = this.placeOf(Math.max(0, first));
    const high = this.placeOf(last);
    return low === null || high === null ? null : separator(low, high);
  }

  #boundInTree({ tree }: View, { low }: Interval, index: number, slack: number): Bound | null {
    this.#sum.clear();
    if (low !== null) this.#addUpTo(tree, low, 1);
    const rank = index + this.#sum.all;
    return boundAt(tree, rank - slack, rank + slack);
  }

  #placeInTree(view: View, interval: Interval, index: number): Place {
    const { db, sub, tree } = view;
    this.#sum.clear();
    if (interval.low !== null) this.#addUpTo(tree, interval.low, 1);
    const at = entryAt(tree, index + this.#sum.all);
    const key = tree.key(at.leaf);
    if (at.rest === 0) return { db, key, sub: null };
    sub.open(key, 0, key.length);
    const element = entryAt(sub.elements, at.rest - 1).leaf;
    return { db, key, sub: sub.elements.key(element) };
  }
}

/** 32 bits by which two sides tell whether their trees' hashes have the same secret key. */
export function keyCheck(databases: readonly SyncDatabase[], salt: number): number {
  const { hash } = databases[0]!.tree.space;
  hash.hashBlocks(Int32Array.of(salt, KEY_CHECK_MARK), 0, 8, OTHER_BLOCK);
  return hash.low;
}
