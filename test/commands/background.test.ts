/** What a node does by itself: expiry, giving memory back, moving records together. */
import t from 'tap';
import { LocalNode } from '../support/local.js';

t.test('sparse memory is moved together, and nothing is lost', async (t) => {
  const local = await new LocalNode().start();
  const client = local.client();
  const { space } = local.node.store;
  const value = 'x'.repeat(200);
  const KEYS = 60_000;
  for (let i = 0; i < KEYS; i += 1) client.send('SET', `k${i}`, `${value}${i}`);
  for (let i = 0; i < KEYS; i += 1) if (i % 8 !== 0) client.send('DEL', `k${i}`);
  const before = space.memoryUsage();
  local.world.advance(2000);
  const after = space.memoryUsage();
  t.ok(after.fragmentedBytes < before.fragmentedBytes / 4, JSON.stringify({ before, after }));
  t.ok(local.node.store.compactor.movedCount > 0);
  t.equal(client.send('DBSIZE'), KEYS / 8);
  for (let i = 0; i < KEYS; i += 8) {
    if (client.send('GET', `k${i}`) !== `${value}${i}`) t.fail(`k${i} is lost`);
  }
  local.node.store.databases[0]!.tree.checkTree();
});

t.test('what has expired goes without being looked at', async (t) => {
  const local = await new LocalNode().start();
  const client = local.client();
  for (let i = 0; i < 1000; i += 1) client.send('SET', `k${i}`, 'x', 'PX', `${1 + (i % 50)}`);
  client.send('SET', 'stays', 'x');
  t.not(local.node.store.space.usedBytes, 0);
  local.world.advance(300);
  t.equal(local.node.store.databases[0]!.tree.allCount, 1);
  t.equal(local.node.store.expiredKeys, 1000);
});

t.test('a flushed database gives its memory back', async (t) => {
  const local = await new LocalNode().start();
  const client = local.client();
  for (let i = 0; i < 5000; i += 1) client.send('SET', `k${i}`, 'x'.repeat(i));
  client.send('FLUSHALL');
  t.equal(client.send('DBSIZE'), 0);
  local.world.advance(300);
  t.equal(local.node.store.space.usedBytes, 0);
});
