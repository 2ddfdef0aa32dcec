/**
 * Replica: a range of a store as sync sees it, one ordered sequence of items (place.ts): the
 * entries of all databases, elements of sub trees among them, and the clear of each database as an
 * item of its own.
 *
 *   items      0   1   2   3   4   5   6   7 ...
 *   prefix(p)  ------------->| p                  count and digest of all items before a place
 *   placeOf(4)               ^                    the place of an item
 *   scan(p, q)               | 4   5   6 |q       visits the items between two places, in blocks
 *
 * An item's hash is that of its entry, each half multiplied by an odd number that depends on the
 * database. Hashes do not cover the database, and an entry that is in database 0 here and in 1
 * there must not look the same; a product keeps the sums of the tree usable.
 *
 * Cost: prefix and placeOf are O(depth). Nothing here is kept between calls but scratch, so writers
 * may do what they like between two calls; the item shown to a visitor is valid until a write.
 */

import { CHUNK_SHIFT, GRANULE_MASK } from '../arena.js';
import type { Cursor } from '../cursor.js';
import { HEAD_ROOT_WORD, headWord, KEY_BYTES_MAX, KIND_HEAD, type Leaf } from '../leaf.js';
import { ALL, firstSlot, slotAfter } from '../node.js';
import { SubTree } from '../subtree.js';
import { addLeaf, hashLeaf, Sum } from '../totals.js';
import type { Tree } from '../tree.js';
import { comparePlaces, FIRST_PLACE, type Place } from './place.js';

export interface SyncDatabase {
  readonly tree: Tree;
  /** Everything at or below this stamp is cleared; 0: it never was. */
  readonly clearedAt: number;
  /** Clears at a higher stamp: what is at or below it goes from the tree. */
  clear(stamp: number): void;
}

/** The keys in (from, to] of every database, round the circle if to <= from; null: no bound. */
export interface KeyRange {
  readonly from: Buffer | null;
  readonly to: Buffer | null;
}

/** Sums over items. */
export interface Prefix {
  readonly count: number;
  readonly low: number;
  readonly high: number;
}

/** Keys in (low, high]. */
interface Interval {
  readonly low: Buffer | null;
  readonly high: Buffer | null;
}

const CLEAR_MARK = 0x72616c63;
const CLEAR_BLOCK = -1;
const KEY_NONE = Buffer.alloc(0);

/** What a visitor sees. One object, over and over again. */
export class Item {
  db = 0;
  /** 0: the clear of the database. */
  leaf: Leaf = 0;
  /** Not 0: an element of the head `leaf`, to be read in `elements`. */
  element: Leaf = 0;
  /** Hash, both halves. */
  low = 0;
  high = 0;
}

/** False: enough for now, the scan ends before the next item. */
export type Visitor = (item: Item) => boolean;

class View {
  readonly db: number;
  readonly database: SyncDatabase;
  readonly tree: Tree;
  readonly sub: SubTree;
  readonly cursor: Cursor;
  readonly stopCursor: Cursor;
  readonly elementCursor: Cursor;
  readonly factorLow: number;
  readonly factorHigh: number;

  constructor(database: SyncDatabase, db: number) {
    this.db = db;
    this.database = database;
    this.tree = database.tree;
    this.sub = new SubTree(database.tree);
    this.cursor = database.tree.cursor({ all: true });
    this.stopCursor = database.tree.cursor({ all: true });
    this.elementCursor = this.sub.elements.cursor({ all: true });
    this.factorLow = factorOf(db, 0x9e3779b1);
    this.factorHigh = factorOf(db, 0x85ebca77);
  }
}

/** Odd, and 1 for database 0. */
function factorOf(db: number, seed: number): number {
  return (Math.imul(db, seed) << 1) | 1;
}

export class Replica {
  readonly databases: readonly SyncDatabase[];
  readonly #views: View[];
  readonly #intervals: Interval[];
  readonly #sum = new Sum();
  readonly #item = new Item();
  readonly #clearWords = new Int32Array(3);
  readonly #keyScratch: Buffer;

  constructor(databases: readonly SyncDatabase[], range: KeyRange) {
    this.databases = databases;
    this.#views = databases.map((database, db) => new View(database, db));
    this.#intervals = intervalsOf(range);
    // The space's own scratch is for writers.
    this.#keyScratch = Buffer.allocUnsafeSlow(KEY_BYTES_MAX);
  }

  /** Of the head that an item's element belongs to. */
  elementsOf(item: Item): SubTree {
    return this.#views[item.db]!.sub;
  }

  hasKey(key: Buffer): boolean {
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

  /** The place of the item with so many before it; null if there is none. */
  placeOf(index: number): Place | null {
    let rest = index;
    for (const view of this.#views) {
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
   * Visits up to `itemsMax` items from a place on, up to another one (null: to the end). Returns
   * where to go on; null at the end.
   */
  scan(from: Place, to: Place | null, itemsMax: number, visit: Visitor): Place | null {
    if (to !== null && comparePlaces(from, to) >= 0) return null;
    const scan = new Scan(to, itemsMax, visit);
    for (const view of this.#views) {
      if (view.db < from.db) continue;
      if (to !== null && (to.db < view.db || (to.db === view.db && to.key === null))) return null;
      const start = view.db === from.db ? from : { ...FIRST_PLACE, db: view.db };
      if (start.key === null && view.database.clearedAt > 0) this.#visitClear(scan, view);
      for (const interval of this.#intervals) this.#scanInterval(scan, view, interval, start);
      if (scan.isOver) return scan.resume;
    }
    return null;
  }

  /**
   * Nothing is written during a scan, so the entry at which to stop is found once, and no key is
   * compared on the way there.
   */
  #scanInterval(scan: Scan, view: View, { low, high }: Interval, start: Place): void {
    if (scan.isOver) return;
    const { cursor, stopCursor } = view;
    const first = start.key ?? KEY_NONE;
    if (high !== null && first.compare(high) > 0) return;
    const begin = low !== null && low.compare(first) >= 0 ? low : first;
    const end = scan.to !== null && scan.to.db === view.db ? scan.to : null;
    const isEnd = end !== null && (high === null || end.key!.compare(high) <= 0);
    if (isEnd && (end.key!.compare(begin) < 0 || low?.compare(end.key!) === 0)) {
      scan.isOver = true;
      return;
    }
    // The first entry that is not, or not with all its elements, to be shown.
    let stop: Leaf = 0;
    if (isEnd) stop = seekFrom(stopCursor, end.key!);
    else if (high !== null) stop = seekBehind(view, stopCursor, high);
    const isLow = low !== null && begin === low;
    let leaf = isLow ? seekBehind(view, cursor, begin) : seekFrom(cursor, begin);
    let sub = start.sub !== null && !isLow && isKey(view, leaf, first) ? start.sub : null;
    while (leaf !== 0 && leaf !== stop && !scan.isOver) {
      this.#visitEntry(scan, view, leaf, sub, null);
      sub = null;
      leaf = cursor.next();
    }
    if (!isEnd || scan.isOver) return;
    const isPart = leaf !== 0 && end.sub !== null && isKey(view, leaf, end.key!);
    if (isPart) this.#visitEntry(scan, view, leaf, sub, end.sub);
    scan.isOver = true;
  }

  /**
   * Visits an entry and what belongs to it. With `from`: only the elements from there on. With
   * `to`: of the elements only those before it.
   */
  #visitEntry(scan: Scan, view: View, leaf: Leaf, from: Buffer | null, to: Buffer | null): void {
    const { tree, elementCursor, sub } = view;
    if (from === null) {
      if (!scan.admits(view, leaf, 0)) return;
      hashLeaf(tree, leaf);
      this.#show(scan, view, leaf, 0);
    }
    if (tree.kind(leaf) !== KIND_HEAD) return;
    const key = this.#keyScratch;
    sub.open(key, 0, tree.copyKey(leaf, key, 0));
    const { elements } = sub;
    let stop: Leaf = 0;
    if (to !== null) {
      elementCursor.seek(to, 0, to.length);
      stop = elementCursor.next();
    }
    const begin = from ?? KEY_NONE;
    elementCursor.seek(begin, 0, begin.length);
    for (let at = elementCursor.next(); at !== 0 && at !== stop; at = elementCursor.next()) {
      if (!scan.admits(view, leaf, at)) return;
      hashLeaf(elements, at);
      this.#show(scan, view, leaf, at);
    }
  }

  #visitClear(scan: Scan, view: View): void {
    if (!scan.admits(view, 0, 0)) return;
    this.#hashClear(view);
    this.#show(scan, view, 0, 0);
  }

  /** Shows the item whose hash has just been computed. */
  #show(scan: Scan, view: View, leaf: Leaf, element: Leaf): void {
    const item = this.#item;
    const hash = view.tree.space.hash;
    item.db = view.db;
    item.leaf = leaf;
    item.element = element;
    item.low = Math.imul(hash.low, view.factorLow);
    item.high = Math.imul(hash.high, view.factorHigh);
    scan.show(item);
  }

  #addClear(view: View): void {
    if (view.database.clearedAt === 0) return;
    this.#hashClear(view);
    const hash = view.tree.space.hash;
    this.#sum.all++;
    this.#sum.low = (this.#sum.low + hash.low) | 0;
    this.#sum.high = (this.#sum.high + hash.high) | 0;
  }

  #hashClear(view: View): void {
    const words = this.#clearWords;
    const { clearedAt, tree } = view.database;
    words[0] = clearedAt;
    words[1] = clearedAt / 4294967296;
    words[2] = CLEAR_MARK;
    tree.space.hash.hashBlocks(words, 0, 12, CLEAR_BLOCK);
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

  #placeInTree(view: View, interval: Interval, index: number): Place {
    const { db, sub, tree } = view;
    this.#sum.clear();
    if (interval.low !== null) this.#addUpTo(tree, interval.low, 1);
    const at = nthOfAll(tree, index + this.#sum.all);
    const key = tree.key(at.leaf);
    if (at.rest === 0) return { db, key, sub: null };
    sub.open(key, 0, key.length);
    const element = nthOfAll(sub.elements, at.rest - 1).leaf;
    return { db, key, sub: sub.elements.key(element) };
  }
}

/** One call of `scan`: where it ends, and how much it may still show. */
class Scan {
  readonly to: Place | null;
  isOver = false;
  /** Where to go on. */
  resume: Place | null = null;
  readonly #visit: Visitor;
  #itemsLeft: number;

  constructor(to: Place | null, itemsMax: number, visit: Visitor) {
    this.to = to;
    this.#itemsLeft = itemsMax;
    this.#visit = visit;
  }

  /** Whether one more item may be shown; if not, the scan is over and goes on with that item. */
  admits({ db, sub, tree }: View, leaf: Leaf, element: Leaf): boolean {
    if (this.#itemsLeft-- > 0) return true;
    const key = leaf === 0 ? null : tree.key(leaf);
    this.resume = { db, key, sub: element === 0 ? null : sub.elements.key(element) };
    this.isOver = true;
    return false;
  }

  show(item: Item): void {
    if (!this.#visit(item)) this.#itemsLeft = 0;
  }
}

/** The first entry with a key >= this one; the cursor stands on it. 0: there is none. */
function seekFrom(cursor: Cursor, key: Buffer): Leaf {
  cursor.seek(key, 0, key.length);
  return cursor.next();
}

/** The first entry with a key > this one, likewise. */
function seekBehind(view: View, cursor: Cursor, key: Buffer): Leaf {
  const leaf = seekFrom(cursor, key);
  return isKey(view, leaf, key) ? cursor.next() : leaf;
}

function isKey({ tree }: View, leaf: Leaf, key: Buffer): boolean {
  return leaf !== 0 && tree.find(key, 0, key.length) === leaf;
}

function intervalsOf({ from, to }: KeyRange): Interval[] {
  if (from === null || to === null) return [{ low: from, high: to }];
  if (from.compare(to) < 0) return [{ low: from, high: to }];
  return [
    { low: null, high: to },
    { low: from, high: null },
  ];
}

/** The entry of a tree with so many before it, of all; `rest`: of those that belong to it. */
function nthOfAll(tree: Tree, index: number): { leaf: Leaf; rest: number } {
  const { nodes } = tree.space;
  let pointer = tree.root;
  let rest = index;
  while (pointer > 0) {
    const i32 = nodes.i32[pointer >>> CHUNK_SHIFT]!;
    const word = (pointer & GRANULE_MASK) << 1;
    const header = i32[word]!;
    let slot = firstSlot(i32, word, header);
    let count = countBelow(tree, i32[slot]!);
    while (rest >= count) {
      rest -= count;
      slot = slotAfter(i32, word, header, slot);
      count = countBelow(tree, i32[slot]!);
    }
    pointer = i32[slot]!;
  }
  return { leaf: 0 - pointer, rest };
}

function countBelow(tree: Tree, pointer: number): number {
  const { leaves, nodes } = tree.space;
  if (pointer > 0) {
    return nodes.i32[pointer >>> CHUNK_SHIFT]![((pointer & GRANULE_MASK) << 1) + ALL]!;
  }
  if (pointer === 0) return 0;
  const leaf = 0 - pointer;
  if (tree.kind(leaf) !== KIND_HEAD) return 1;
  return 1 + countBelow(tree, headWord(leaves, leaf, HEAD_ROOT_WORD));
}
