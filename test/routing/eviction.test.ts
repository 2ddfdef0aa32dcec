/** `maxmemory` in a ring: what is read stays, whoever else keeps a copy of it. */
import t from 'tap';
import type { Settings } from '../../lib/config/settings.js';
import { threeNodes } from './three-nodes.js';

const MAXMEMORY = 300_000;
const VALUE = 'x'.repeat(500);
/** The owners have keys up to h, up to p, and the rest. */
const OWNED = ['a', 'i', 'q'];
const HOT_KEYS = OWNED.flatMap((first) => [1, 2, 3, 4, 5].map((n) => `${first}:hot:${n}`));
const ROUNDS = 70;
const WRITES_PER_ROUND = 15;

type Policy = Settings['maxmemoryPolicy'];

for (const [policy, options] of [
  ['allkeys-lru', []],
  ['allkeys-lfu', []],
  ['volatile-lru', ['EX', '100000']],
] as [Policy, string[]][]) {
  t.test(`what is read stays: ${policy}`, async (t) => {
    const { nodes, scene } = await threeNodes(1, (settings) => {
      settings.maxmemory = MAXMEMORY;
      settings.maxmemoryPolicy = policy;
    });
    const clients = await Promise.all(nodes.map((node) => node.client()));
    for (const key of HOT_KEYS) await clients[0]!.call('SET', key, VALUE, ...options);
    for (let round = 0; round < ROUNDS; round += 1) {
      const client = clients[round % 3]!;
      for (let n = 0; n < WRITES_PER_ROUND; n += 1) {
        const key = `${OWNED[n % 3]}:cold:${round}:${n}`;
        const reply = await client.call('SET', key, VALUE, ...options);
        if (reply !== 'OK') t.equal(reply, 'OK');
      }
      for (const key of HOT_KEYS) await client.call('GET', key);
      await scene.sim.runFor(2000);
    }
    t.equal(await clients[0]!.call('EXISTS', ...HOT_KEYS), HOT_KEYS.length);
    for (const { node } of nodes) t.ok(node.store.eviction.evictedKeys > 50);
  });
}

t.test('a member that acts for nothing evicts what others act for', async (t) => {
  const { nodes } = await threeNodes(2, (settings) => {
    settings.maxmemoryPolicy = 'volatile-ttl';
  });
  const [near] = nodes;
  const client = await near!.client();
  for (let n = 0; n < 100; n += 1) await client.call('SET', `q:${n}`, VALUE, 'EX', '1000');
  await client.call('CONFIG', 'SET', 'maxmemory', '40000');
  t.equal(await client.call('SET', 'a', VALUE), 'OK');
  t.ok(near!.node.store.eviction.evictedKeys > 0);
});
