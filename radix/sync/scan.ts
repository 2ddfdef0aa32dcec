/**
 * Scan: goes over the items of a replica between two places, in order, for somebody who takes
 * them: a visitor, who sees each, or a list of symbols, which takes thousands at a time.
 *
 *   places        from                                to
 *   items     ... | k  l: head  l/a  l/b  m  n  o     | p ...
 *   batches       [k  l]      [l/a  l/b] [m  n  o]          one of entries ends behind a head
 *
 * Nothing is written during a scan, so the leaf at which to stop is found once, and no key is
 * compared on the way there. A scan ends after so many items and says where to go on.
 */
import { HEAD_ROOT_WORD, headWord, KIND_HEAD, type Leaf } from '../leaf.js';
import type { Space } from '../space.js';
import { hashLeaf } from '../totals.js';
import type { Tree } from '../tree.js';
import { LeafWalk } from './leaf-walk.js';
import { comparePlaces, FIRST_PLACE, type Place } from './place.js';
import type { Interval, View } from './view.js';

const BATCH_LEAVES = 1024;
const KEY_NONE = Buffer.alloc(0);

/** Leaves in order, and the lows of their own hashes. */
export class Batch {
  readonly leaves = new Int32Array(BATCH_LEAVES);
  readonly lows = new Int32Array(BATCH_LEAVES);
  count = 0;

  /** Takes the next leaves of a walk, no more than there is room for. */
  fill(walk: LeafWalk, room: number, stop: Leaf): number {
    const most = Math.min(BATCH_LEAVES, Math.max(1, room));
    this.count = walk.fill(this.leaves, this.lows, most, stop);
    return this.count;
  }
}

export interface Taker {
  /** How many more items it takes. */
  room: number;
  clear(view: View): void;
  /**
   * Takes entries of a batch from this index on, as far as there is room. Returns the index behind
   * the last one taken.
   */
  entries(view: View, batch: Batch, from: number): number;
  /** Takes elements of a head, likewise. */
  elements(view: View, head: Leaf, batch: Batch, from: number): number;
}

export class Scan {
  readonly #views: readonly View[];
  readonly #intervals: readonly Interval[];
  readonly #batch = new Batch();
  readonly #elementBatch = new Batch();
  readonly #walk: LeafWalk;
  readonly #elementWalk: LeafWalk;
  #resume: Place | null = null;
  #isOver = false;

  constructor(views: readonly View[], intervals: readonly Interval[], space: Space) {
    this.#walk = new LeafWalk(space);
    this.#elementWalk = new LeafWalk(space);
    this.#views = views;
    this.#intervals = intervals;
  }

  /** Gives the taker what it has room for; returns where to go on, null at the end. */
  run(from: Place, to: Place | null, taker: Taker): Place | null {
    if (to !== null && comparePlaces(from, to) >= 0) return null;
    this.#resume = null;
    this.#isOver = false;
    for (const view of this.#views) {
      if (view.db < from.db || view.isEmpty) continue;
      if (to !== null && (to.db < view.db || (to.db === view.db && to.key === null))) return null;
      const start = view.db === from.db ? from : { ...FIRST_PLACE, db: view.db };
      if (start.key === null && view.database.clearedAt > 0) this.#clear(view, taker);
      for (const interval of this.#intervals) {
        if (!this.#isOver) this.#interval(view, interval, start, to, taker);
      }
      if (this.#isOver) return this.#resume;
    }
    return null;
  }

  #clear(view: View, taker: Taker): void {
    if (taker.room > 0) taker.clear(view);
    else this.#stopAt({ ...FIRST_PLACE, db: view.db });
  }

  #stopAt(place: Place): void {
    this.#resume = place;
    this.#isOver = true;
  }

  #interval(
    view: View,
    { low, high }: Interval,
    start: Place,
    to: Place | null,
    taker: Taker,
  ): void {
    const { tree } = view;
    const first = start.key ?? KEY_NONE;
    if (high !== null && first.compare(high) > 0) return;
    const isLow = low !== null && low.compare(first) >= 0;
    const end = to !== null && to.db === view.db ? to : null;
    const isEnd = end !== null && (high === null || end.key!.compare(high) <= 0);
    if (isEnd && (end.key!.compare(isLow ? low : first) < 0 || low?.compare(end.key!) === 0)) {
      this.#isOver = true;
      return;
    }
    let stop: Leaf = 0;
    if (isEnd) stop = this.#leafFrom(tree, end.key!, false);
    else if (high !== null) stop = this.#leafFrom(tree, high, true);
    // Where a scan goes on among the elements of a head, the head has been taken.
    const isWithin = start.sub !== null && !isLow;
    const within = isWithin ? tree.find(first, 0, first.length) : 0;
    const endSub = isEnd && stop !== 0 && end.sub !== null && isKey(view, stop, end.key!);
    if (within !== 0 && within === stop) {
      if (endSub) this.#elements(view, within, start.sub, end.sub, taker);
    } else {
      if (within !== 0) this.#elements(view, within, start.sub, null, taker);
      this.#walk.seek(tree, 0, tree.root, isLow ? low : first, isLow || within !== 0);
      if (!this.#isOver) this.#entries(view, stop, taker);
      if (!this.#isOver && endSub) this.#entryUpTo(view, stop, end.sub!, taker);
    }
    if (isEnd) this.#isOver = true;
  }

  #entries(view: View, stop: Leaf, taker: Taker): void {
    const { tree } = view;
    const batch = this.#batch;
    while (batch.fill(this.#walk, taker.room, stop) > 0) {
      for (let at = 0; at < batch.count; ) {
        if (taker.room <= 0) {
          this.#stopAt({ db: view.db, key: tree.key(batch.leaves[at]!), sub: null });
          return;
        }
        at = taker.entries(view, batch, at);
      }
      if (!this.#walk.isAtHead) continue;
      this.#elements(view, batch.leaves[batch.count - 1]!, null, null, taker);
      if (this.#isOver) return;
    }
  }

  /** Takes an entry and those of its elements before this sub key. */
  #entryUpTo(view: View, leaf: Leaf, toSub: Buffer, taker: Taker): void {
    const { tree } = view;
    const batch = this.#batch;
    if (taker.room <= 0) {
      this.#stopAt({ db: view.db, key: tree.key(leaf), sub: null });
      return;
    }
    hashLeaf(tree, leaf);
    batch.leaves[0] = leaf;
    batch.lows[0] = tree.space.hash.low;
    batch.count = 1;
    taker.entries(view, batch, 0);
    this.#elements(view, leaf, null, toSub, taker);
  }

  /** Takes the elements in [from, to) of an entry, if it is a head. */
  #elements(view: View, head: Leaf, from: Buffer | null, to: Buffer | null, taker: Taker): void {
    const { tree } = view;
    if (tree.kind(head) !== KIND_HEAD) return;
    const root = headWord(tree.space.leaves, head, HEAD_ROOT_WORD);
    const walk = this.#elementWalk;
    let stop: Leaf = 0;
    if (to !== null) {
      walk.seek(tree, head, root, to, false);
      stop = walk.next();
    }
    walk.seek(tree, head, root, from, false);
    const batch = this.#elementBatch;
    while (batch.fill(walk, taker.room, stop) > 0) {
      for (let at = 0; at < batch.count; ) {
        if (taker.room <= 0) {
          const sub = tree.key(batch.leaves[at]!);
          this.#stopAt({ db: view.db, key: tree.key(head), sub });
          return;
        }
        at = taker.elements(view, head, batch, at);
      }
    }
  }

  /** The first leaf with a key >= this one, or with `isBehind` > it; 0: there is none. */
  #leafFrom(tree: Tree, key: Buffer, isBehind: boolean): Leaf {
    this.#walk.seek(tree, 0, tree.root, key, isBehind);
    return this.#walk.next();
  }
}

function isKey({ tree }: View, leaf: Leaf, key: Buffer): boolean {
  return tree.find(key, 0, key.length) === leaf;
}
