/** Stores for tests of sync: a few databases of random contents, and ways to write to them. */
import assert from 'node:assert';
import { HeadParts, TYPE_MIRRORED } from '../../radix/head.js';
import { FLAG_LED, KIND_HEAD, KIND_MASK } from '../../radix/leaf.js';
import { Merger } from '../../radix/merge.js';
import { Space } from '../../radix/space.js';
import { SubTree } from '../../radix/subtree.js';
import { TreeDatabase } from '../../radix/sync/database.js';
import { Tree } from '../../radix/tree.js';
import { KEY_SHAPES, type KeyShape } from '../radix/shapes.js';
import type { SeededRandom } from '../support/random.js';

const HASH_KEY = Buffer.alloc(16, 9);
const DATABASES = 3;

/** All stores lie in one space each for a side: arenas are large. */
export const SPACES = [new Space({ hashKey: HASH_KEY }), new Space({ hashKey: HASH_KEY })];

export class TestDatabase extends TreeDatabase {
  readonly sub: SubTree;

  constructor(space: Space) {
    super(new Tree(space));
    this.sub = new SubTree(this.tree);
  }

  clear(stamp: number): void {
    if (stamp <= this.clearedAt) return;
    this.setClearedAt(stamp);
    while (this.purge(7));
  }

  get contents(): string {
    const { tree } = this;
    return [this.clearedAt, tree.liveCount, tree.allCount, tree.digestLow, tree.digestHigh].join();
  }
}

export type Store = TestDatabase[];

export function newStore(side: number): Store {
  return Array.from({ length: DATABASES }, () => new TestDatabase(SPACES[side]!));
}

export function dropStore(store: Store): void {
  for (const { tree } of store) {
    tree.clear();
    while (tree.space.reclaimStep(10_000));
  }
}

export function contentsOf(store: Store): string {
  return store.map((database) => database.contents).join(' | ');
}

export function checkStore(store: Store): void {
  for (const { tree, sub } of store) {
    tree.checkTree();
    const cursor = tree.cursor({ all: true });
    for (let leaf = cursor.next(); leaf !== 0; leaf = cursor.next()) {
      if (tree.kind(leaf) !== KIND_HEAD) continue;
      const key = tree.key(leaf);
      sub.open(key, 0, key.length);
      sub.check();
    }
  }
}

/** Checks stores, and gives their memory back. */
export function done(...stores: Store[]): void {
  for (const store of stores) {
    checkStore(store);
    dropStore(store);
  }
}

/** One write, as a command of a node makes it. The same write may be applied to several stores. */
export type Write = (store: Store) => void;

export function randomWrite(random: SeededRandom, shape: KeyShape, stamp: number): Write {
  const db = random.chance(0.8) ? 0 : random.below(DATABASES);
  const key = shape(random);
  const at = [key, 0, key.length] as const;
  const origin = random.below(3);
  const flags = random.chance(0.2) ? FLAG_LED : 0;
  const value = random.bytes(random.chance(0.02) ? random.below(3000) : random.below(12));
  const expiryMs = random.chance(0.2) ? 2 ** 41 + random.below(1000) : 0;
  const dice = random.float();
  if (dice < 0.001) return (store) => store[db]!.clear(stamp);
  if (dice < 0.15) {
    return (store) => {
      store[db]!.tree.delete(...at, stamp, origin, flags);
    };
  }
  if (dice < 0.4) {
    const subKey = KEY_SHAPES['numbers']!(random);
    const type = random.pick([1, 1, 2, 1 | TYPE_MIRRORED]);
    const isDeleted = random.chance(0.2);
    const isExpiry = random.chance(0.1);
    return (store) => {
      const { sub } = store[db]!;
      const element = [subKey, 0, subKey.length] as const;
      if (isExpiry) sub.setExpiry(...at, stamp, origin, expiryMs);
      else if (isDeleted) sub.delete(...at, ...element, stamp, origin, flags);
      else sub.put(...at, type, ...element, stamp, origin, flags, value, 0, value.length);
    };
  }
  return (store) => {
    store[db]!.tree.put(...at, stamp, origin, flags, expiryMs, value, 0, value.length);
  };
}

/** Two stores that had `both` writes in common, then each `apart` of its own. */
export function randomPair(
  random: SeededRandom,
  shape: KeyShape,
  both: number,
  apart: readonly [number, number],
): [Store, Store] {
  const pair: [Store, Store] = [newStore(0), newStore(1)];
  let stamp = 1;
  for (let i = 0; i < both; i++) {
    const write = randomWrite(random, shape, stamp++);
    for (const store of pair) write(store);
  }
  for (const [side, store] of pair.entries()) {
    for (let i = 0; i < apart[side]!; i++) {
      // Two nodes never give the same stamp and origin to different writes.
      randomWrite(random, shape, 2 * (stamp + i) + side)(store);
    }
  }
  return pair;
}

/** Plain entries with these keys and stamp in database 0. */
export function putKeys(store: Store, keys: Iterable<Buffer>, stamp: number): void {
  const { tree } = store[0]!;
  for (const key of keys) tree.put(key, 0, key.length, stamp, 1, 0, 0, key, 0, key.length);
}

export function putElements(store: Store, key: Buffer, subKeys: Buffer[], stamp: number): void {
  const { sub } = store[0]!;
  for (const subKey of subKeys) {
    const element = [subKey, 0, subKey.length] as const;
    assert(sub.put(key, 0, key.length, 1, ...element, stamp, 1, 0, subKey, 0, subKey.length));
  }
}

/** The merge of stores, entry by entry: what sync must arrive at. */
export function mergeOf(stores: readonly Store[]): Store {
  const merged = newStore(0);
  for (const [db, into] of merged.entries()) {
    for (const store of stores) into.clear(store[db]!.clearedAt);
    for (const store of stores) mergeInto(into, store[db]!);
  }
  return merged;
}

function mergeInto(into: TestDatabase, { tree, sub }: TestDatabase): void {
  const merger = new Merger(into.tree);
  // What a head would clear at or below it is covered by the clear of the database.
  merger.clearedAt = into.clearedAt;
  const cursor = tree.cursor({ all: true });
  for (let leaf = cursor.next(); leaf !== 0; leaf = cursor.next()) {
    const key = tree.key(leaf);
    const flags = tree.flags(leaf) & (KIND_MASK | FLAG_LED);
    const at = [key, 0, key.length, tree.stamp(leaf), tree.origin(leaf), flags] as const;
    if (tree.stamp(leaf) <= into.clearedAt) continue;
    if (tree.kind(leaf) !== KIND_HEAD) {
      const value = tree.value(leaf);
      merger.entry(...at, tree.expiryMs(leaf), value, 0, value.length);
      continue;
    }
    sub.open(key, 0, key.length);
    const { elements } = sub;
    const parts = Object.assign(new HeadParts(), sub.parts);
    if (parts.clearedAt <= into.clearedAt) parts.clearedAt = 0;
    if (parts.expiryStamp <= into.clearedAt) {
      parts.expiryStamp = 0;
      parts.expiryOrigin = 0;
      parts.expiryMs = 0;
    }
    merger.head(...at, parts);
    mergeElements(merger, key, elements, parts.type, into.clearedAt);
  }
}

function mergeElements(
  merger: Merger,
  key: Buffer,
  elements: Tree,
  type: number,
  clearedAt: number,
): void {
  const cursor = elements.cursor({ all: true });
  for (let leaf = cursor.next(); leaf !== 0; leaf = cursor.next()) {
    if (elements.stamp(leaf) <= clearedAt) continue;
    const subKey = elements.key(leaf);
    const value = elements.value(leaf);
    const flags = elements.flags(leaf) & (KIND_MASK | FLAG_LED);
    const element = [subKey, 0, subKey.length] as const;
    const at = [elements.stamp(leaf), elements.origin(leaf), flags] as const;
    merger.element(key, 0, key.length, type, ...element, ...at, value, 0, value.length);
  }
}
