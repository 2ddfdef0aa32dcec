import t from 'tap';
import { KIND_HEAD } from '../../radix/leaf.js';
import { Snapshot, type SnapshotOptions } from '../../radix/snapshot.js';
import { Space } from '../../radix/space.js';
import { SubTree } from '../../radix/subtree.js';
import { Tree, type TreeObserver } from '../../radix/tree.js';
import { type SeededRandom, seededRandom, seedOfRun } from '../support/random.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);
const hashKey = Buffer.alloc(16, 5);

function lineOf(tree: Tree, leaf: number): string {
  const isHead = tree.kind(leaf) === KIND_HEAD;
  const value = isHead ? 'head' : tree.value(leaf).toString('hex');
  const key = tree.key(leaf).toString('hex');
  return `${key} ${tree.flags(leaf)} @${tree.stamp(leaf)} ${tree.expiryMs(leaf)} ${value}`;
}

/** All of a tree as lines, in order: what a copy taken now would be. */
function copyOf(tree: Tree, options: SnapshotOptions): string[][] {
  const sub = new SubTree(tree);
  const entries: string[][] = [];
  const cursor = tree.cursor({ all: true });
  for (let leaf = cursor.next(); leaf !== 0; leaf = cursor.next()) {
    const key = tree.key(leaf);
    if (options.low !== undefined && options.low !== null && key.compare(options.low) < 0) continue;
    if (options.high !== undefined && options.high !== null && key.compare(options.high) > 0) {
      continue;
    }
    const lines = [lineOf(tree, leaf)];
    if (sub.open(key, 0, key.length)) {
      const elements = sub.elements.cursor({ all: true });
      for (let element = elements.next(); element !== 0; element = elements.next()) {
        lines.push(`  ${lineOf(sub.elements, element)}`);
      }
    }
    entries.push(lines);
  }
  return options.backward === true ? entries.reverse() : entries;
}

/** A snapshot being read, beside what it must show. */
class Reading {
  readonly snapshot: Snapshot;
  readonly expected: string[];
  readonly seen: string[] = [];
  isDone = false;
  #inEntry = false;

  constructor(tree: Tree, options: SnapshotOptions) {
    this.expected = copyOf(tree, options).flat();
    this.snapshot = new Snapshot(tree, options);
  }

  /** Reads one entry or element. */
  step(): void {
    const { snapshot } = this;
    if (this.#inEntry && snapshot.nextElement()) {
      this.seen.push(`  ${lineOf(snapshot.elementTree, snapshot.element)}`);
      return;
    }
    this.#inEntry = snapshot.next();
    if (this.#inEntry) this.seen.push(lineOf(snapshot.tree, snapshot.leaf));
    else this.isDone = true;
  }
}

function randomKey(random: SeededRandom): Buffer {
  return Buffer.from(Array.from({ length: random.below(4) }, () => random.pick([0, 97, 98, 255])));
}

function randomOptions(random: SeededRandom): SnapshotOptions {
  const options: SnapshotOptions = { backward: random.chance(0.5) };
  if (random.chance(0.3)) options.low = randomKey(random);
  if (random.chance(0.3)) options.high = randomKey(random);
  return options;
}

/** Changes something at random. */
function write(random: SeededRandom, tree: Tree, sub: SubTree, stamp: number): void {
  const key = randomKey(random);
  const at = [key, 0, key.length] as const;
  const value = random.bytes(random.chance(0.02) ? 20_000 : random.below(40));
  const subKey = randomKey(random);
  const action = random.below(100);
  if (action < 30) tree.put(...at, stamp, 1, 0, random.pick([0, 2 ** 41]), value, 0, value.length);
  else if (action < 40) tree.delete(...at, stamp, 1);
  else if (action < 60) tree.drop(...at);
  else if (action < 65 && !sub.open(...at)) {
    tree.patch(...at, stamp, 1, 0, random.below(50), value, 0, value.length);
  } else if (action < 90) {
    const element = [subKey, 0, subKey.length] as const;
    sub.put(...at, 1, ...element, stamp, 1, 0, value, 0, value.length);
  } else if (action < 95) sub.drop(...at, subKey, 0, subKey.length);
  else if (action < 98) sub.setExpiry(...at, stamp, 1, 2 ** 41 + stamp);
  else if (random.chance(0.2)) tree.clear();
}

t.test('snapshots show the past while writers go on', async (t) => {
  const random = seededRandom(seed);
  const space = new Space({ hashKey });
  const tree = new Tree(space);
  const sub = new SubTree(tree);
  const readings = new Set<Reading>();
  let finishedCount = 0;
  for (let step = 0; step < 30_000; step++) {
    if (readings.size < 4 && random.chance(0.02)) {
      readings.add(new Reading(tree, randomOptions(random)));
    }
    write(random, tree, sub, 1000 + step);
    for (const reading of readings) {
      if (random.chance(0.6)) continue;
      reading.step();
      const { expected, seen } = reading;
      if (seen.at(-1) !== expected[seen.length - 1]) {
        t.same(seen, expected.slice(0, seen.length), `seed ${seed} step ${step}`);
        return;
      }
      if (!reading.isDone && random.chance(0.999)) continue;
      if (reading.isDone && seen.length !== expected.length) {
        t.same(seen, expected, `incomplete, seed ${seed} step ${step}`);
        return;
      }
      if (reading.isDone) finishedCount++;
      reading.snapshot.close();
      readings.delete(reading);
    }
    if (step % 500 === 0) tree.checkTree();
    space.reclaimStep(5);
  }
  t.ok(finishedCount > 20, `${finishedCount} snapshots were read to their end`);
  for (const reading of readings) reading.snapshot.close();
  t.equal(tree.observer, null, 'nobody observes the tree any more');
  tree.clear();
  while (space.reclaimStep(1000));
  t.equal(space.memoryUsage().usedBytes, 0, 'all memory is back');
});

t.test('a snapshot keeps only what is still to come', async (t) => {
  const tree = new Tree(new Space({ hashKey }));
  const value = Buffer.from('value');
  for (let i = 0; i < 1000; i++) {
    const key = Buffer.from(String(i).padStart(4, '0'));
    tree.put(key, 0, 4, 1000 + i, 1, 0, 0, value, 0, 5);
  }
  const snapshot = new Snapshot(tree);
  for (let i = 0; i < 500; i++) snapshot.next();
  for (let i = 0; i < 1000; i++) {
    const key = Buffer.from(String(i).padStart(4, '0'));
    tree.put(key, 0, 4, 5000 + i, 1, 0, 0, value, 0, 5);
    tree.put(key, 0, 4, 6000 + i, 1, 0, 0, value, 0, 5);
  }
  t.equal(snapshot.keptCount, 500);
  let count = 500;
  while (snapshot.next()) {
    if (snapshot.tree.stamp(snapshot.leaf) !== 1000 + count) t.fail('not the past');
    count++;
  }
  t.equal(count, 1000);
  t.equal(snapshot.keptCount, 0);
  t.equal(snapshot.next(), false);
  snapshot.close();
  snapshot.close();
});

t.test('of a big sub tree only what changes is kept, and what goes at once is taken', async (t) => {
  const space = new Space({ hashKey });
  const tree = new Tree(space);
  const sub = new SubTree(tree);
  const key = Buffer.from('key');
  const value = Buffer.from('value');
  const put = (i: number, stamp: number): void => {
    const field = Buffer.from(String(i).padStart(4, '0'));
    sub.put(key, 0, 3, 1, field, 0, 4, stamp, 1, 0, value, 0, 5);
  };
  for (let i = 0; i < 1000; i++) put(i, 1000 + i);
  const one = new Snapshot(tree);
  const two = new Snapshot(tree, { backward: true });
  const within = new Snapshot(tree);
  within.next();
  put(500, 3000);
  put(1500, 3001);
  t.equal(within.tree.stamp(within.leaf), 1999, 'the head under the reader is that of then');
  t.equal(one.keptCount, 3, 'the head, an element, and the absence of an element');
  one.next();
  for (let i = 0; i < 300; i++) one.nextElement();
  put(100, 3002);
  put(700, 3003);
  t.equal(one.keptCount, 4, 'not what has been passed');
  t.equal(tree.delete(key, 0, 3, 4000, 1), true);
  put(2000, 5000);
  while (space.reclaimStep(1000));
  let count = 300;
  while (one.nextElement()) {
    if (one.elementTree.stamp(one.element) !== 1000 + count) t.fail('not the past');
    count++;
  }
  t.equal(count, 1000);
  t.equal(one.tree.stamp(one.leaf), 1999, 'the head is that of then, too');
  t.equal(one.next(), false);
  t.equal(one.keptCount, 0);
  one.close();
  t.equal(two.next(), true);
  within.next();
  t.equal(within.keptCount, 0);
  within.close();
  let others = 0;
  while (two.nextElement()) others++;
  t.equal(others, 1000);
  two.close();
  tree.clear();
  while (space.reclaimStep(1000));
  t.equal(space.memoryUsage().usedBytes, 0);
});

t.test('whoever observed the tree before goes on observing', async (t) => {
  const tree = new Tree(new Space({ hashKey }));
  const told: string[] = [];
  const observer: TreeObserver = {
    beforeChange: (_, key, from, to) => told.push(key.toString('latin1', from, to)),
    beforeClear: () => told.push('clear'),
  };
  tree.observer = observer;
  const one = new Snapshot(tree);
  const two = new Snapshot(tree);
  tree.put(Buffer.from('a'), 0, 1, 1, 1, 0, 0, Buffer.from('v'), 0, 1);
  one.close();
  tree.clear();
  t.equal(two.next(), false);
  two.close();
  tree.drop(Buffer.from('b'), 0, 1);
  t.same(told, ['a', 'clear', 'b']);
  t.equal(tree.observer, observer);
});

t.test('without memory for the past the snapshot is lost, not the write', async (t) => {
  const space = new Space({ hashKey, arenaBytesMax: 16 * 2 ** 20 });
  const tree = new Tree(space);
  const value = Buffer.alloc(1000, 'v');
  const put = (i: number): void => {
    const key = Buffer.from(String(i));
    tree.put(key, 0, key.length, 1000 + i, 1, 0, 0, value, 0, value.length);
  };
  const count = 10_000;
  for (let i = 0; i < count; i++) put(i);
  const snapshot = new Snapshot(tree);
  for (let i = 0; i < count; i++) put(i);
  t.throws(() => snapshot.next(), { code: 'SNAPSHOT_LOST' });
  t.equal(tree.liveCount, count);
  tree.checkTree();
  snapshot.close();
  while (space.reclaimStep(1000));
  put(count);
});
