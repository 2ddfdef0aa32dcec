import t from 'tap';
import { CHUNK_BYTES } from '../../radix/arena.js';
import { Space } from '../../radix/space.js';
import { Tree } from '../../radix/tree.js';
import { seededRandom, seedOfRun } from '../support/random.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);
const hashKey = Buffer.alloc(16, 3);
const value = Buffer.alloc(64, 'v');

t.test('an entry of 16 and 64 bytes takes 96', (t) => {
  const tree = new Tree(new Space({ hashKey }));
  tree.put(Buffer.alloc(16), 0, 16, 1, 0, 0, 0, value, 0, 64);
  t.equal(tree.space.usedBytes, 96);
  t.ok(tree.memoryOf(tree.first()) >= 96);
  t.end();
});

t.test('what the data grow by is nothing that V8 counts: it would collect garbage for it', (t) => {
  const space = new Space({ hashKey });
  const before = process.memoryUsage().external;
  const records: number[] = [];
  while (space.leaves.usage().reservedBytes < 12 * CHUNK_BYTES)
    records.push(space.leaves.alloc(8000));
  t.ok(process.memoryUsage().external - before < CHUNK_BYTES, 'less than one of twelve chunks');
  for (const record of records) space.leaves.free(record);
  t.ok(space.leaves.usage().reservedBytes <= 3 * CHUNK_BYTES, 'and they are given back');
  t.end();
});

t.test('setting and dropping distinct keys leaves memory flat', (t) => {
  const space = new Space({ hashKey });
  const tree = new Tree(space);
  const key = Buffer.alloc(16);
  const kept = 1000;
  let most = 0;
  for (let i = 0; i < 300_000; i++) {
    key.writeUInt32BE(Math.imul(i, 2654435761) >>> 0, 0);
    key.writeUInt32BE(i, 12);
    tree.put(key, 0, 16, i + 1, 0, 0, 0, value, 0, i % 64);
    if (i < kept) continue;
    key.writeUInt32BE(Math.imul(i - kept, 2654435761) >>> 0, 0);
    key.writeUInt32BE(i - kept, 12);
    tree.drop(key, 0, 16);
    most = Math.max(most, space.memoryUsage().reservedBytes);
  }
  t.equal(tree.liveCount, kept);
  t.ok(most <= 4 * CHUNK_BYTES, `${most} bytes reserved at most`);
  tree.checkTree();
  t.end();
});

t.test('clear is one step, and the reclaimer takes everything back in slices', (t) => {
  const random = seededRandom(seed);
  const space = new Space({ hashKey });
  const tree = new Tree(space);
  const other = new Tree(space);
  for (let i = 0; i < 20_000; i++) {
    const key = random.bytes(random.below(4));
    const long = random.chance(0.01) ? random.bytes(20_000) : value;
    const expiryMs = random.chance(0.1) ? 1000 : 0;
    tree.put(key, 0, key.length, i + 1, 0, 0, expiryMs, long, 0, long.length);
  }
  other.put(value, 0, 5, 1, 0, 0, 0, value, 0, 5);
  const before = space.usedBytes - space.memoryUsage().expiryBytes;
  tree.clear();
  t.equal(tree.liveCount, 0);
  t.equal(tree.expiries.size, 0);
  t.equal(space.usedBytes, before);
  const key = Buffer.from('written while the old tree waits');
  tree.put(key, 0, key.length, 1, 0, 0, 0, value, 0, 64);
  let steps = 0;
  while (space.reclaimStep(100)) steps++;
  t.ok(steps > 10, 'in slices');
  tree.checkTree();
  tree.drop(key, 0, key.length);
  other.drop(value, 0, 5);
  t.equal(space.usedBytes, 0);
  t.end();
});

t.test('a full arena throws before anything is changed', (t) => {
  const random = seededRandom(seed);
  const space = new Space({ hashKey, arenaBytesMax: CHUNK_BYTES });
  const tree = new Tree(space);
  const long = random.bytes(16_000);
  let error: unknown;
  let count = 0;
  const key = Buffer.alloc(8);
  for (; error === undefined; count++) {
    key.writeUInt32BE(random.below(2 ** 32), 0);
    key.writeUInt32BE(count, 4);
    const bytes = random.pick([100, 2000, 15_000]);
    const before = [tree.liveCount, tree.digestLow, space.usedBytes];
    try {
      tree.put(key, 0, 8, count + 1, 0, 0, 0, long, 0, bytes);
    } catch (caught) {
      error = caught;
      t.strictSame([tree.liveCount, tree.digestLow, space.usedBytes], before);
    }
  }
  t.match(error, { code: 'OUT_OF_MEMORY' });
  t.ok(space.usedBytes > CHUNK_BYTES * 0.7, `${space.usedBytes} bytes used`);
  tree.checkTree();
  for (let i = 0; i < 200; i++) tree.dropLeaf(tree.nth(random.below(tree.liveCount)));
  tree.checkTree();
  while (tree.liveCount > 10) tree.dropLeaf(tree.first());
  key.writeUInt32BE(1, 4);
  t.doesNotThrow(() => tree.put(key, 0, 8, count, 0, 0, 0, long, 0, 100), 'there is room again');
  t.end();
});

t.test('long values', (t) => {
  const space = new Space({ hashKey });
  const tree = new Tree(space);
  const key = Buffer.from('key');
  const piece = Buffer.alloc(1000, 'p');
  for (let i = 0; i < 5000; i++) tree.patch(key, 0, 3, i + 1, 0, 0, i * 1000, piece, 0, 1000);
  const leaf = tree.find(key, 0, 3);
  t.equal(tree.valueBytes(leaf), 5_000_000);
  t.ok(tree.value(leaf).equals(Buffer.alloc(5_000_000, 'p')));
  tree.checkTree();
  const whole = newDigest(Buffer.alloc(5_000_000, 'p'), 5000);
  t.strictSame([tree.digestLow, tree.digestHigh], whole, 'patched or put at once: one digest');
  tree.patch(key, 0, 3, 6000, 0, 0, 2 ** 32 - 2, piece, 0, 1);
  t.equal(tree.valueBytes(tree.find(key, 0, 3)), 2 ** 32 - 1, 'a hole costs nothing');
  t.equal(tree.valueByte(tree.find(key, 0, 3), 2 ** 32 - 2), 'p'.charCodeAt(0));
  t.throws(() => tree.patch(key, 0, 3, 7000, 0, 0, 2 ** 32 - 1, piece, 0, 1), 'the end');
  tree.checkTree();
  tree.drop(key, 0, 3);
  t.equal(space.usedBytes, 0);
  t.end();
});

function newDigest(long: Buffer, stamp: number): number[] {
  const tree = new Tree(new Space({ hashKey }));
  tree.put(Buffer.from('key'), 0, 3, stamp, 0, 0, 0, long, 0, long.length);
  return [tree.digestLow, tree.digestHigh];
}
