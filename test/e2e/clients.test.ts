/**
 * The client libraries that people use, unchanged, against a dhash process: connecting (with all
 * that they send by themselves), pipelines, transactions, scans, both protocols.
 */

import { Redis } from 'ioredis';
import { createClient } from 'redis';
import t from 'tap';
import { startDhash } from '../support/server-process.js';

const keyCount = 500;
const node = await startDhash();
t.teardown(() => node.stop());

t.beforeEach(async () => {
  const client = await node.connect();
  await client.call('FLUSHALL');
  await client.close();
});

t.test('ioredis', async (t) => {
  const redis = new Redis(node.port, node.host, { connectionName: 'e2e', db: 3 });
  t.teardown(() => redis.disconnect());
  t.equal(await redis.set('a', '1'), 'OK');
  t.equal(await redis.get('a'), '1');
  t.equal(await redis.incrby('a', 41), 42);
  t.equal(await redis.get('absent'), null);
  t.strictSame(await redis.getBuffer('a'), Buffer.from('42'));
  t.equal(await redis.client('GETNAME'), 'e2e');
  t.match(await redis.client('INFO'), /db=3/);
  t.match(await redis.info('server'), /redis_version:/);
  await t.rejects(redis.call('NOSUCH'), /unknown command/);
});

t.test('ioredis: pipeline, transaction, watch, scan stream', async (t) => {
  const redis = new Redis(node.port, node.host);
  t.teardown(() => redis.disconnect());
  const pipeline = redis.pipeline();
  for (let i = 0; i < keyCount; i++) pipeline.set(`key:${i}`, `${i}`);
  const replies = await pipeline.exec();
  t.equal(replies?.length, keyCount);
  t.ok(replies?.every(([error, reply]) => error === null && reply === 'OK'));
  t.strictSame(await redis.multi().incr('n').get('n').exec(), [
    [null, 1],
    [null, '1'],
  ]);
  const other = redis.duplicate();
  t.teardown(() => other.disconnect());
  await redis.watch('n');
  await other.set('n', '7');
  t.equal(await redis.multi().incr('n').exec(), null);
  const found: string[] = [];
  for await (const page of redis.scanStream({ match: 'key:*', count: 50 })) found.push(...page);
  t.equal(found.length, keyCount);
  t.strictSame(found, [...found].sort(), 'in the order of the keys');
  t.strictSame(await redis.call('KRANGE', '[key:1', '(key:100'), ['key:1', 'key:10']);
});

for (const RESP of [2, 3] as const) {
  t.test(`node-redis, RESP${RESP}`, async (t) => {
    const client = createClient({ url: `redis://${node.host}:${node.port}/2`, RESP, name: 'nr' });
    client.on('error', (error) => t.fail(String(error)));
    await client.connect();
    t.teardown(() => client.destroy());
    t.equal(await client.set('a', 'x', { expiration: { type: 'EX', value: 100 } }), 'OK');
    t.equal(await client.get('a'), 'x');
    t.equal(await client.ttl('a'), 100);
    t.equal(await client.clientGetName(), 'nr');
    t.strictSame(await client.mGet(['a', 'absent']), ['x', null]);
    t.strictSame(await client.multi().set('b', '1').incr('b').exec(), ['OK', 2]);
    const info = await client.clientInfo();
    t.equal(info.db, 2);
    t.match(info.libName, /node-redis/);
    const found: string[] = [];
    for await (const page of client.scanIterator({ COUNT: 1 })) found.push(...page);
    t.strictSame(found, ['a', 'b']);
    await t.rejects(client.sendCommand(['GET']), /wrong number of arguments/);
    t.match(await client.configGet('maxmemory'), { maxmemory: '0' });
    t.ok((await client.commandCount()) > 0);
  });
}
