import t from 'tap';
import { Space } from '../../radix/space.js';
import { Tree } from '../../radix/tree.js';
import { seededRandom, seedOfRun } from '../support/random.js';
import { KEY_SHAPES } from './shapes.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);
const hashKey = Buffer.alloc(16, 3);
const value = Buffer.from('value');

function newTree(): Tree {
  return new Tree(new Space({ hashKey }));
}

function put(tree: Tree, key: Buffer | string, stamp = 1): void {
  const buffer = Buffer.from(key);
  tree.put(buffer, 0, buffer.length, stamp, 0, 0, 0, value, 0, value.length);
}

function drop(tree: Tree, key: Buffer | string): boolean {
  const buffer = Buffer.from(key);
  return tree.drop(buffer, 0, buffer.length);
}

t.test('a tree as text', (t) => {
  const tree = newTree();
  t.equal(tree.describe(), '(empty)\n');
  for (const key of ['ab', 'abcd', 'ax', 'b']) put(tree, key);
  tree.delete(Buffer.from('ax'), 0, 2, 7, 3);
  const lines = [
    '[0] 3 live, 4 all',
    "  61 'a' [1] 2 live, 3 all",
    "    62 'b' [2] 2 live, 2 all",
    '      (end) ab = 5 B @ 1',
    "      63 'c' abcd = 5 B @ 1",
    "    78 'x' ax tombstone @ 7 by 3",
    "  62 'b' b = 5 B @ 1",
  ];
  t.equal(tree.describe(), `${lines.join('\n')}\n`);
  t.end();
});

t.test('nodes of every size grow and shrink', (t) => {
  const random = seededRandom(seed);
  const tree = newTree();
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  for (const prefix of ['', 'prefix']) {
    const key = (byte: number): Buffer => Buffer.concat([Buffer.from(prefix), Buffer.of(byte)]);
    put(tree, prefix);
    for (const byte of random.shuffle([...bytes])) {
      put(tree, key(byte));
      tree.checkTree();
    }
    for (const byte of bytes) t.ok(tree.find(key(byte), 0, prefix.length + 1) !== 0);
    for (const byte of random.shuffle([...bytes])) {
      drop(tree, key(byte));
      tree.checkTree();
    }
    t.equal(tree.liveCount, 1);
    drop(tree, prefix);
    t.equal(tree.space.usedBytes, 0);
  }
  t.end();
});

t.test('groups of big nodes count what is visible', (t) => {
  const random = seededRandom(seed);
  const tree = newTree();
  for (let i = 0; i < 256; i++) put(tree, Buffer.of(i));
  for (let step = 0; step < 600; step++) {
    const key = Buffer.of(random.below(256));
    if (random.chance(0.3)) put(tree, key);
    else if (random.chance(0.7)) tree.delete(key, 0, 1, 1, 1);
    else drop(tree, key);
    if (random.chance(0.1)) put(tree, Buffer.of(random.below(256), 1));
    tree.checkTree();
  }
  t.end();
});

for (const [name, shape] of Object.entries(KEY_SHAPES)) {
  t.test(`shape and digest depend on the keys alone: ${name}`, (t) => {
    const random = seededRandom(seed);
    const keys = new Map<string, Buffer>();
    for (let i = 0; i < 400; i++) {
      const key = shape(random);
      keys.set(key.toString('hex'), key);
    }
    const wanted = newTree();
    for (const key of keys.values()) put(wanted, key, key.length + 1);
    for (let round = 0; round < 3; round++) {
      const tree = newTree();
      const others = Array.from({ length: 300 }, () => shape(random));
      for (const key of random.shuffle([...keys.values(), ...others])) put(tree, key);
      for (const key of random.shuffle([...keys.values()])) put(tree, key, key.length + 1);
      for (const key of others) if (!keys.has(key.toString('hex'))) drop(tree, key);
      tree.checkTree();
      t.equal(tree.describe(), wanted.describe());
      t.equal(tree.digestLow, wanted.digestLow);
      t.equal(tree.digestHigh, wanted.digestHigh);
    }
    t.end();
  });
}

t.test('a chain of keys that are prefixes of each other', (t) => {
  const tree = newTree();
  const longest = Buffer.alloc(4000, 'x');
  for (let bytes = 0; bytes <= 4000; bytes++) put(tree, longest.subarray(0, bytes));
  tree.checkTree();
  t.equal(tree.liveCount, 4001);
  for (const bytes of [0, 1, 2000, 4000]) {
    t.equal(tree.rank(longest, 0, bytes), bytes);
    t.equal(tree.keyBytes(tree.nth(bytes)), bytes);
    const next = tree.next(longest, 0, bytes);
    t.equal(next === 0 ? 4001 : tree.keyBytes(next), bytes + 1);
  }
  const cursor = tree.cursor();
  let count = 0;
  for (let leaf = cursor.next(); leaf !== 0; leaf = cursor.next()) count++;
  t.equal(count, 4001);
  tree.clear();
  while (tree.space.reclaimStep(100));
  t.equal(tree.space.usedBytes, 0);
  t.end();
});

t.test('keys of 64 KiB', (t) => {
  const tree = newTree();
  const keys = [0, 1, 2].map((last) => Buffer.concat([Buffer.alloc(65_535, 255), Buffer.of(last)]));
  keys.push(Buffer.alloc(65_535, 255), Buffer.alloc(65_536, 255), Buffer.alloc(30_000, 255));
  for (const key of keys) put(tree, key);
  tree.checkTree();
  const sorted = [...keys].sort(Buffer.compare);
  for (const [index, key] of sorted.entries()) {
    t.ok(tree.key(tree.find(key, 0, key.length)).equals(key));
    t.equal(tree.rank(key, 0, key.length), index);
    t.ok(tree.key(tree.nth(index)).equals(key));
  }
  t.throws(() => put(tree, Buffer.alloc(65_537)), 'a longer one is a mistake');
  for (const key of keys) t.ok(drop(tree, key));
  t.equal(tree.space.usedBytes, 0);
  t.end();
});
