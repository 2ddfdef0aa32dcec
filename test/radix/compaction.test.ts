import t from 'tap';
import { Compactor } from '../../radix/compaction.js';
import { TYPE_MIRRORED } from '../../radix/head.js';
import { Space } from '../../radix/space.js';
import { SubTree } from '../../radix/subtree.js';
import { Tree } from '../../radix/tree.js';
import { type SeededRandom, seededRandom, seedOfRun } from '../support/random.js';
import { anyKey } from './shapes.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);
const hashKey = Buffer.alloc(16, 3);

/** Fills two trees and drops most of it again, so that slabs are full of holes. */
function holedTrees(space: Space, random: SeededRandom): Tree[] {
  const trees = [new Tree(space), new Tree(space)];
  const value = random.bytes(300);
  for (let i = 0; i < 40_000; i++) {
    const key = random.chance(0.1) ? anyKey(random) : random.bytes(10);
    const expiryMs = random.chance(0.2) ? 1 + random.below(1e12) : 0;
    const bytes = random.pick([50, 200, 290]);
    random.pick(trees).put(key, 0, key.length, i + 1, 0, 0, expiryMs, value, 0, bytes);
  }
  for (const tree of trees) {
    for (let left = tree.liveCount * 0.8; left > 0; left--) {
      tree.dropLeaf(tree.nth(random.below(tree.liveCount)));
    }
  }
  return trees;
}

function dump(tree: Tree): string[] {
  const lines = [];
  const cursor = tree.cursor({ all: true });
  for (let leaf = cursor.next(); leaf !== 0; leaf = cursor.next()) {
    const value = tree.value(leaf).toString('hex');
    lines.push(`${tree.key(leaf).toString('hex')} ${value} ${tree.expiryMs(leaf)}`);
  }
  return lines;
}

t.test('compaction gives holes back and changes nothing', (t) => {
  const random = seededRandom(seed);
  const space = new Space({ hashKey });
  const trees = holedTrees(space, random);
  const before = space.memoryUsage();
  const dumps = trees.map(dump);
  const compactor = new Compactor(space, () => trees);
  let steps = 0;
  for (; compactor.step(50); steps++) {
    if (steps % 16 === 0) for (const tree of trees) tree.checkTree();
  }
  t.ok(steps > 20, `${steps} steps`);
  for (const tree of trees) tree.checkTree();
  t.strictSame(trees.map(dump), dumps);
  const after = space.memoryUsage();
  t.equal(after.usedBytes, before.usedBytes);
  t.comment(`holes: ${before.fragmentedBytes} B before, ${after.fragmentedBytes} B after`);
  t.ok(after.fragmentedBytes < before.fragmentedBytes / 2);
  t.equal(compactor.step(50), false, 'a second pass is not worth it');
  t.end();
});

t.test('compaction among writes', (t) => {
  const random = seededRandom(seed);
  const space = new Space({ hashKey });
  const trees = holedTrees(space, random);
  const mirror = trees.map((tree) => {
    return new Map(dump(tree).map((line) => [line.split(' ')[0]!, line]));
  });
  const compactor = new Compactor(space, () => trees);
  for (let step = 0; compactor.step(20); step++) {
    const which = random.below(2);
    const tree = trees[which]!;
    const old = tree.key(tree.nth(random.below(tree.liveCount)));
    const key = random.chance(0.5) ? anyKey(random) : old;
    const hex = key.toString('hex');
    if (random.chance(0.5)) {
      const value = random.bytes(random.below(300));
      tree.put(key, 0, key.length, 10 ** 6 + step, 0, 0, 0, value, 0, value.length);
      mirror[which]!.set(hex, `${hex} ${value.toString('hex')} 0`);
    } else {
      tree.drop(key, 0, key.length);
      mirror[which]!.delete(hex);
    }
    if (step % 50 === 0) tree.checkTree();
  }
  for (const [index, tree] of trees.entries()) {
    tree.checkTree();
    t.strictSame(dump(tree), [...mirror[index]!.values()].sort());
    tree.clear();
  }
  while (space.reclaimStep(1000));
  t.equal(space.usedBytes, 0);
  t.end();
});

t.test('compaction walks sub trees and mirrors', (t) => {
  const random = seededRandom(seed);
  const space = new Space({ hashKey });
  const tree = new Tree(space);
  const sub = new SubTree(tree);
  const names = ['few', 'many', 'mirrored'].map((name) => Buffer.from(name));
  const types = [1, 1, 1 | TYPE_MIRRORED];
  for (let i = 0; i < 52_000; i++) {
    const which = i % 50 === 0 ? 0 : random.between(1, 2);
    const key = names[which]!;
    const subKey = random.bytes(2);
    const value = random.bytes(random.pick([10, 90]));
    const at = [key, 0, key.length] as const;
    if (i < 30_000) {
      sub.put(...at, types[which]!, subKey, 0, 2, i + 1, 0, 0, value, 0, value.length);
    } else {
      sub.open(...at);
      const left = sub.elements.liveCount;
      if (left < 5) continue;
      const victim = sub.elements.key(sub.elements.nth(random.below(left)));
      sub.drop(...at, victim, 0, victim.length);
    }
  }
  tree.checkTree();
  const all = (): string[] => {
    return names.flatMap((key) => {
      sub.open(key, 0, key.length);
      sub.elements.checkTree();
      if (sub.isMirrored) sub.mirror.tree.checkTree();
      return [...dump(sub.elements), ...dump(sub.mirror.tree)];
    });
  };
  const before = all();
  const compactor = new Compactor(space, () => [tree]);
  t.ok(compactor.step(10, 'forced'), 'begins if asked to');
  while (compactor.step(10));
  t.ok(compactor.movedCount > 100, `${compactor.movedCount} records moved`);
  tree.checkTree();
  t.strictSame(all(), before);
  tree.clear();
  while (space.reclaimStep(1000));
  t.equal(space.usedBytes, 0);
  t.end();
});

t.test(
  'where only nodes have left holes, leaves stay where they are, and sub trees are not forgotten',
  (t) => {
    const random = seededRandom(seed);
    const space = new Space({ hashKey });
    const tree = new Tree(space);
    const sub = new SubTree(tree);
    const value = random.bytes(8);
    const heads = Array.from({ length: 60 }, () => random.bytes(9));
    let stamp = 0;
    const put = (key: Buffer): void => {
      tree.put(key, 0, key.length, ++stamp, 0, 0, 0, value, 0, 8);
    };
    for (let i = 0; i < 100_000; i++) {
      put(random.bytes(10));
      if (i % 5 !== 0) continue;
      const [key, name] = [random.pick(heads), random.bytes(4)];
      sub.put(key, 0, key.length, 1, name, 0, 4, ++stamp, 0, 0, value, 0, 8);
    }
    const scattered = Array.from({ length: 100_000 }, (_, i) => i).filter((i) => i % 5 !== 0);
    for (const i of scattered.reverse()) {
      const leaf = tree.nth(Math.min(i, tree.liveCount - 1));
      if (tree.kind(leaf) === 0) tree.dropLeaf(leaf);
    }
    // Keys in order need few nodes, and their leaves take the places of those that went.
    for (let i = 0; i < 80_000; i++) put(Buffer.from(String(i).padStart(10, '0')));
    const leaves = (of: Tree): number[] => {
      const found = [];
      const cursor = of.cursor({ all: true });
      for (let leaf = cursor.next(); leaf !== 0; leaf = cursor.next()) found.push(leaf);
      return found;
    };
    const everyLeaf = (): number[][] => {
      const inner = heads.map((key) => {
        sub.open(key, 0, key.length);
        sub.elements.checkTree();
        return leaves(sub.elements);
      });
      return [leaves(tree), ...inner];
    };
    const before = everyLeaf();
    const holes = space.memoryUsage().fragmentedBytes;
    const compactor = new Compactor(space, () => [tree]);
    let lookedAt = 0;
    for (; compactor.step(10, lookedAt === 0 ? 'forced' : 'idle'); lookedAt += 10);
    t.ok(compactor.movedCount > 1000, `${compactor.movedCount} nodes moved`);
    t.ok(lookedAt < tree.allCount / 2, `looked at ${lookedAt} of ${tree.allCount} entries`);
    t.ok(space.memoryUsage().fragmentedBytes < holes / 2);
    tree.checkTree();
    t.strictSame(everyLeaf(), before);
    tree.clear();
    while (space.reclaimStep(1000));
    t.equal(space.usedBytes, 0);
    t.end();
  },
);

t.test('a pass for nodes does not put off the next one for leaves', (t) => {
  const random = seededRandom(seed);
  const space = new Space({ hashKey });
  const tree = new Tree(space);
  const value = random.bytes(280);
  // The last slab is nearly full, too: else it would be worth emptying.
  const keys = Array.from({ length: 40_240 }, () => random.bytes(10));
  const passing = Array.from({ length: 40_000 }, () => random.bytes(10));
  for (const [i, key] of keys.entries()) {
    tree.put(key, 0, 10, i + 1, 0, 0, 0, value, 0, value.length);
    if (i < passing.length) tree.put(passing[i]!, 0, 10, i + 1, 0, 0, 0, value, 0, 0);
  }
  for (const key of passing) tree.drop(key, 0, 10);
  const holes = (): number => space.leaves.usage().heldBytes - space.leaves.usage().usedBytes;
  const worth = 1024 * 1024;
  // The same holes in each slab, so that none is worth emptying.
  for (let i = 0; holes() < 0.95 * worth; i += 12) tree.drop(keys[i]!, 0, 10);
  const compactor = new Compactor(space, () => [tree]);
  t.ok(compactor.step(10, 'forced'), 'nodes have holes');
  while (compactor.step(1000));
  for (let i = 1; holes() < 1.05 * worth; i += 1) tree.drop(keys[i]!, 0, 10);
  t.ok(compactor.step(10), 'leaves have their turn');
  while (compactor.step(1000));
  tree.checkTree();
  t.ok(holes() < worth);
  t.end();
});

t.test('while clients are busy a pass must be worth more', (t) => {
  const random = seededRandom(seed);
  const value = random.bytes(64);
  const space = new Space({ hashKey });
  const tree = new Tree(space);
  const keys = Array.from({ length: 300_000 }, () => random.bytes(10));
  for (const [i, key] of keys.entries()) {
    tree.put(key, 0, 10, i + 1, 0, 0, 0, value, 0, value.length);
  }
  const compactor = new Compactor(space, () => [tree]);
  while (compactor.step(1000));
  const eighth = keys.length / 8;
  // Every other one, of those that lie beside each other: slabs that are half full.
  const dropSome = (eighths: number, from: number): void => {
    for (let i = from; i < from + eighths * eighth; i += 2) tree.drop(keys[i]!, 0, 10);
  };
  dropSome(1, 0);
  t.notOk(compactor.step(1000, 'busy'), 'a sixteenth is not much');
  t.ok(compactor.step(1000, 'idle'), 'when nobody asks for anything it is');
  while (compactor.step(1000));
  dropSome(3, 2 * eighth);
  t.ok(compactor.step(1000, 'busy'), 'three sixteenths are');
  while (compactor.step(1000, 'busy'));
  tree.checkTree();
  t.end();
});
