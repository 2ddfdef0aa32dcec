/** Fetching the ways to several keys: whatever the keys, nothing is found, thrown or changed. */
import t from 'tap';
import { FETCH_KEYS_MAX, fetchKeys } from '../../radix/fetch.js';
import { Space } from '../../radix/space.js';
import { Tree } from '../../radix/tree.js';
import { localClient } from '../support/local.js';
import { seededRandom, seedOfRun } from '../support/random.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);

t.test('any keys, in trees of any size', async (t) => {
  const random = seededRandom(seed);
  for (const size of [0, 1, 2, 500]) {
    const tree = new Tree(new Space({ hashKey: Buffer.alloc(16, 7) }));
    const some = (): Buffer => random.pick([random.bytes(random.below(4)), Buffer.alloc(700, 'x')]);
    for (let i = 0; i < size; i++) {
      const key = some();
      tree.put(key, 0, key.length, i + 1, 1, 0, 0, key, 0, random.below(key.length + 1));
    }
    const { digestLow, liveCount, version } = tree;
    for (let round = 0; round < 200; round++) {
      const keys = Array.from({ length: random.below(2 * FETCH_KEYS_MAX) }, some);
      const ends: number[] = [];
      for (const key of keys) ends.push((ends.at(-1) ?? 0) + key.length);
      const starts = ends.map((end, i) => end - keys[i]!.length);
      const places = [Int32Array.from(starts), Int32Array.from(ends)] as const;
      const step = 1 + random.below(3);
      fetchKeys(tree, Buffer.concat(keys), ...places, random.below(3), keys.length, step);
    }
    t.same([tree.digestLow, tree.liveCount, tree.version], [digestLow, liveCount, version]);
    tree.checkTree();
  }
});

t.test('MSET and MGET of more keys than go down side by side', async (t) => {
  const client = await localClient();
  const names = Array.from({ length: 3 * FETCH_KEYS_MAX + 1 }, (_, i) => `key:${i}`);
  for (const count of [1, 2, 3, FETCH_KEYS_MAX, FETCH_KEYS_MAX + 1, names.length]) {
    const keys = names.slice(0, count);
    t.equal(client.send('MSET', ...keys.flatMap((key) => [key, `${key} ${count}`])), 'OK');
    const values = keys.map((key) => `${key} ${count}`);
    t.same(client.send('MGET', 'none', ...keys), [null, ...values], `${count} keys`);
  }
  t.equal(client.send('DBSIZE'), names.length);
});
