/**
 * Taking tombstones out of a range, and heads that nothing is left of: those at or below a stamp that
 * every replica has confirmed. In slices: a generator that pauses after a few hundred entries.
 *
 * Costs a look at every entry of the range; nothing if the tree has never held a tombstone.
 *
 * Invariant: what goes is noted as collected in the same turn, so that the disk has both or nothing.
 */
import { comparePositions, type RingRange } from '../../discord/ring/position.js';
import { KIND_HEAD, KIND_TOMBSTONE, type Leaf } from '../../radix/leaf.js';
import { SubTree } from '../../radix/subtree.js';
import { type Interval, intervalsOf } from '../../radix/sync/view.js';
import type { Tree } from '../../radix/tree.js';
import type { Store } from '../store/store.js';

const SLICE_ENTRIES = 128;

/** Resolves to how many went. */
export function* dropTombstones(
  store: Store,
  range: RingRange,
  stamp: number,
): Generator<void, number, void> {
  let dropped = 0;
  // What has expired left no tombstone that could go: it is as if it had, and went now.
  const expired = store.expired.highestUpTo(stamp);
  if (expired > 0) {
    for (const { low, high } of intervalsOf(range)) store.collectedBetween(low, high, expired);
  }
  for (const { tree } of store.databases) {
    if (!tree.mayHoldTombstones) continue;
    const collector = new Collector(tree, stamp);
    const note = (): void => {
      if (collector.highest === 0) return;
      for (const { low, high } of intervalsOf(range)) {
        store.collectedBetween(low, high, collector.highest);
      }
      collector.highest = 0;
    };
    for (const interval of intervalsOf(range)) {
      for (const _ of collector.walk(interval)) {
        note();
        yield;
      }
      note();
    }
    dropped += collector.dropped;
  }
  return dropped;
}

class Collector {
  dropped = 0;
  /** The highest stamp of what has gone since it was last noted; 0: nothing. */
  highest = 0;
  readonly #tree: Tree;
  readonly #sub: SubTree;
  readonly #stamp: number;
  #looked = 0;

  constructor(tree: Tree, stamp: number) {
    this.#tree = tree;
    this.#sub = new SubTree(tree);
    this.#stamp = stamp;
  }

  *walk({ high, low }: Interval): Generator<void, void, void> {
    const tree = this.#tree;
    const cursor = tree.cursor({ all: true });
    if (low !== null) cursor.seek(low, 0, low.length);
    for (let leaf = cursor.next(); leaf !== 0; leaf = cursor.next()) {
      const kind = tree.kind(leaf);
      if (kind === KIND_TOMBSTONE || kind === KIND_HEAD) {
        const key = tree.key(leaf);
        if (high !== null && comparePositions(key, high) > 0) return;
        const isBefore = low !== null && comparePositions(key, low) <= 0;
        if (!isBefore && kind === KIND_HEAD) yield* this.#walkElements(key);
        else if (!isBefore && tree.stamp(leaf) <= this.#stamp) this.#drop(key, tree.stamp(leaf));
      }
      if (this.#isSliceOver) yield;
    }
  }

  *#walkElements(key: Buffer): Generator<void, void, void> {
    const sub = this.#sub;
    let from: Buffer = Buffer.alloc(0);
    while (sub.open(key, 0, key.length)) {
      const { elements } = sub;
      const cursor = elements.cursor({ all: true });
      cursor.seek(from, 0, from.length);
      const gone: Buffer[] = [];
      let leaf: Leaf = 0;
      for (let left = SLICE_ENTRIES; left > 0; left -= 1) {
        leaf = cursor.next();
        if (leaf === 0) break;
        if (left === 1) from = elements.key(leaf);
        const isGone =
          elements.kind(leaf) === KIND_TOMBSTONE && elements.stamp(leaf) <= this.#stamp;
        if (!isGone) continue;
        gone.push(elements.key(leaf));
        this.highest = Math.max(this.highest, elements.stamp(leaf));
      }
      for (const subKey of gone) sub.drop(key, 0, key.length, subKey, 0, subKey.length);
      this.dropped += gone.length;
      if (leaf === 0) break;
      from = Buffer.concat([from, ZERO]);
      yield;
    }
    this.#dropIfEmpty(key);
  }

  /** A head that is only there to say when it was cleared. */
  #dropIfEmpty(key: Buffer): void {
    const sub = this.#sub;
    if (!sub.open(key, 0, key.length) || sub.elements.root !== 0) return;
    const { clearedAt, expiryStamp } = sub.parts;
    const stamp = this.#tree.stamp(this.#tree.find(key, 0, key.length));
    const highest = Math.max(clearedAt, expiryStamp, stamp);
    if (highest <= this.#stamp) this.#drop(key, highest);
  }

  #drop(key: Buffer, stamp: number): void {
    this.#tree.drop(key, 0, key.length);
    this.dropped += 1;
    this.highest = Math.max(this.highest, stamp);
  }

  get #isSliceOver(): boolean {
    this.#looked += 1;
    return this.#looked % SLICE_ENTRIES === 0;
  }
}

const ZERO = Buffer.alloc(1);
