import t from 'tap';
import { exchangeBigValues } from '../../radix/exchange.js';
import { Space } from '../../radix/space.js';
import { Tree } from '../../radix/tree.js';
import { seededRandom, seedOfRun } from '../support/random.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);

t.test('big values change places with their hashes', async (t) => {
  const random = seededRandom(seed);
  const space = new Space({ hashKey: Buffer.alloc(16, 7) });
  const one = new Tree(space);
  const two = new Tree(space);
  const expectedOne = new Tree(space);
  const expectedTwo = new Tree(space);
  const long = random.bytes(3_000_000);
  const short = random.bytes(20_000);
  const put = (tree: Tree, key: string, value: Buffer, expiryMs = 0) => {
    const bytes = Buffer.from(key);
    tree.put(bytes, 0, bytes.length, 5, 0, 0, expiryMs, value, 0, value.length);
  };
  for (const tree of [one, two, expectedOne, expectedTwo]) {
    for (let i = 0; i < 100; i++) put(tree, `key ${i}`, Buffer.from(`value ${i}`));
  }
  put(one, 'a', long, 1000);
  put(two, 'b', short);
  put(expectedOne, 'a', short, 1000);
  put(expectedTwo, 'b', long);
  const a = { tree: one, key: Buffer.from('a'), from: 0, to: 1 };
  const b = { tree: two, key: Buffer.from('b'), from: 0, to: 1 };
  exchangeBigValues(a, b);
  for (const [tree, expected, key, value] of [
    [one, expectedOne, a.key, short],
    [two, expectedTwo, b.key, long],
  ] as const) {
    tree.checkTree();
    t.equal(tree.digestLow, expected.digestLow, 'digest, low');
    t.equal(tree.digestHigh, expected.digestHigh, 'digest, high');
    t.ok(tree.value(tree.find(key, 0, 1)).equals(value), 'value');
  }
  for (const tree of [one, two, expectedOne, expectedTwo]) tree.clear();
  while (space.reclaimStep(1000));
  t.equal(space.usedBytes, 0, 'nothing is left');
});
