/**
 * The client libraries that people use, unchanged, against a dhash process: connecting (with all
 * that they send by themselves), pipelines, transactions, scans, binary and big values, both
 * protocols, passwords, and what they do when a connection or the node goes away.
 */

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis, type RedisOptions } from 'ioredis';
import { createClient, createClientPool, RESP_TYPES } from 'redis';
import t, { type Test } from 'tap';
import { seededRandom, seedOfRun } from '../support/random.js';
import { freePort, startDhash } from '../support/server-process.js';
import { until } from '../support/until.js';

const keyCount = 500;
const bigBytes = 20 * 1024 * 1024;
const password = 'correct horse';
const folder = mkdtempSync(join(tmpdir(), 'dhash-clients-'));
const path = join(folder, 'dhash.sock');
const node = await startDhash({ args: ['--unixsocket', path] });
const locked = await startDhash({ args: ['--requirepass', password] });
const random = seededRandom(seedOfRun());
t.comment(`seed ${random.seed}`);

t.teardown(async () => {
  await Promise.all([node.stop(), locked.stop()]);
  rmSync(folder, { recursive: true });
});

t.beforeEach(async () => {
  const client = await node.connect();
  await client.call('FLUSHALL');
  await client.close();
});

/** Keys and values with every byte, and with what a text protocol trips over. */
function awkwardBytes(): Buffer[] {
  const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  return [Buffer.from('\r\n$3\r\n'), Buffer.from([0]), Buffer.from([0xff, 0xfe]), all];
}

function ioredis(t: Test, options: Omit<RedisOptions, 'replyMapping'> = {}): Redis {
  const redis = new Redis(node.port, node.host, options);
  t.teardown(() => redis.disconnect());
  return redis;
}

/** A client of node-redis that is connected; its errors fail the test. */
async function nodeRedis<R extends 2 | 3>(t: Test, RESP: R, database = 0, name = 'nr') {
  const url = `redis://${node.host}:${node.port}/${database}`;
  const client = createClient({ url, RESP, name });
  client.on('error', (error) => t.fail(String(error)));
  await client.connect();
  t.teardown(() => client.destroy());
  return client;
}

async function kill(id: number | string): Promise<void> {
  const client = await node.connect();
  await client.call('CLIENT', 'KILL', 'ID', String(id));
  await client.close();
}

for (const protocol of [2, 3] as const) {
  t.test(`ioredis, RESP${protocol}: commands`, async (t) => {
    const redis = ioredis(t, { protocol, connectionName: 'e2e', db: 3 });
    t.equal(await redis.set('a', '1'), 'OK');
    t.equal(await redis.get('a'), '1');
    t.equal(await redis.incrby('a', 41), 42);
    t.equal(await redis.get('absent'), null);
    t.strictSame(await redis.mget('a', 'absent'), ['42', null]);
    t.strictSame(await redis.getBuffer('a'), Buffer.from('42'));
    t.equal(await redis.client('GETNAME'), 'e2e');
    t.match(await redis.client('INFO'), `db=3 `);
    t.match(await redis.client('INFO'), `resp=${protocol}`);
    t.match(await redis.info('server'), /redis_version:/);
    t.strictSame(await redis.config('GET', 'maxmemory'), ['maxmemory', '0']);
    await t.rejects(redis.call('NOSUCH'), /unknown command/);
    await redis.select(4);
    t.equal(await redis.get('a'), null, 'another database');
    t.equal(await redis.move('a', 3), 0);
  });

  t.test(`ioredis, RESP${protocol}: expiry`, async (t) => {
    const redis = ioredis(t, { protocol });
    await redis.setex('a', 100, 'x');
    t.equal(await redis.ttl('a'), 100);
    t.equal(await redis.persist('a'), 1);
    t.equal(await redis.ttl('a'), -1);
    t.equal(await redis.expire('a', 50, 'NX'), 1);
    t.equal(await redis.expire('a', 40, 'GT'), 0);
    t.equal(await redis.set('a', 'y', 'KEEPTTL'), 'OK');
    t.equal(await redis.ttl('a'), 50);
    t.equal(await redis.set('a', 'z', 'NX'), null);
    t.equal(await redis.set('soon', '1', 'PX', 30), 'OK');
    await until('the key expires', async () => (await redis.exists('soon')) === 0);
    t.equal(await redis.ttl('soon'), -2);
    t.equal(await redis.getex('a', 'PERSIST'), 'y');
    t.equal(await redis.pexpiretime('a'), -1);
  });
}

t.test('ioredis: pipelines, also those that it makes by itself', async (t) => {
  const redis = ioredis(t);
  const pipeline = redis.pipeline();
  for (let i = 0; i < keyCount; i++) pipeline.set(`key:${i}`, `${i}`);
  pipeline.call('NOSUCH');
  const replies = (await pipeline.exec()) ?? [];
  t.equal(replies.length, keyCount + 1);
  t.match(replies.pop()?.[0]?.message, /unknown command/, 'an error is of its command alone');
  t.ok(replies.every(([error, reply]) => error === null && reply === 'OK'));
  const automatic = ioredis(t, { enableAutoPipelining: true });
  const keys = Array.from({ length: keyCount }, (_, i) => `key:${i}`);
  const values = await Promise.all(keys.map((key) => automatic.get(key)));
  t.strictSame(
    values,
    Array.from({ length: keyCount }, (_, i) => `${i}`),
  );
});

t.test('ioredis: transactions and WATCH', async (t) => {
  const redis = ioredis(t);
  t.strictSame(await redis.multi().incr('n').get('n').exec(), [
    [null, 1],
    [null, '1'],
  ]);
  const other = ioredis(t);
  await redis.watch('n');
  await other.set('n', '7');
  t.equal(await redis.multi().incr('n').exec(), null);
  t.strictSame(await redis.multi().incr('n').exec(), [[null, 8]], 'EXEC has unwatched');
  await t.rejects(redis.multi().call('GET').exec(), /EXECABORT/);
  const mixed = await redis.multi().set('text', 'x').incr('text').get('text').exec();
  t.match(mixed, [[null, 'OK'], [{ message: /not an integer/ }], [null, 'x']]);
  await redis.multi({ pipeline: false });
  t.equal(await redis.set('a', '1'), 'QUEUED');
  t.strictSame(await redis.exec(), [[null, 'OK']]);
});

t.test('ioredis: scripts, sent by their SHA1 and whole when they are not known', async (t) => {
  const scripts = {
    addAndGet: {
      numberOfKeys: 1,
      lua: 'redis.call("incrby", KEYS[1], ARGV[1]) return redis.call("get", KEYS[1])',
    },
  };
  const redis = ioredis(t, { scripts });
  const addAndGet = (amount: number): Promise<unknown> =>
    (redis as unknown as { addAndGet(key: string, by: number): Promise<unknown> }).addAndGet(
      'n',
      amount,
    );
  t.equal(await addAndGet(5), '5');
  await redis.script('FLUSH');
  t.equal(await addAndGet(2), '7', 'NOSCRIPT, then EVAL');
  t.strictSame(await redis.eval('return {1, {2, "x"}, false}', 0), [1, [2, 'x'], null]);
  await t.rejects(redis.eval('return redis.call("incr", KEYS[1], 1, 2)', 1, 'n'), /Wrong number/);
  t.strictSame(await redis.multi().eval('return redis.call("incr", KEYS[1])', 1, 'n').exec(), [
    [null, 8],
  ]);
});

t.test('ioredis: scan stream and the ordered commands', async (t) => {
  const redis = ioredis(t);
  await redis.mset(Object.fromEntries(Array.from({ length: keyCount }, (_, i) => [`key:${i}`, i])));
  const found: string[] = [];
  for await (const page of redis.scanStream({ match: 'key:*', count: 50 })) found.push(...page);
  t.equal(found.length, keyCount);
  t.strictSame(found, [...found].sort(), 'in the order of the keys');
  t.strictSame(await redis.call('KRANGE', '[key:1', '(key:100'), ['key:1', 'key:10']);
  redis.addBuiltinCommand('kcount');
  const { kcount } = redis as unknown as { kcount(min: string, max: string): Promise<number> };
  t.equal(await kcount.call(redis, '[key:1', '(key:2'), 111);
  const [count, rank] =
    (await redis.pipeline().call('KCOUNT', '-', '+').call('KRANK', 'key:0').exec()) ?? [];
  t.strictSame(
    [count, rank],
    [
      [null, keyCount],
      [null, 0],
    ],
  );
  const raw = await redis.callBuffer('KNTH', '-1', 'WITHVALUES');
  t.strictSame(raw, [Buffer.from('key:99'), Buffer.from('99')]);
});

t.test('ioredis: a queue whose workers wait', async (t) => {
  const [redis, first, second] = [ioredis(t), ioredis(t), ioredis(t)];
  const job = first.blpop('jobs', 'more jobs', 0);
  await until('the first waits', async () => (await blockedClients(redis)) === 1);
  const moved = second.blmove('jobs', 'taken', 'LEFT', 'RIGHT', 0);
  await until('both wait', async () => (await blockedClients(redis)) === 2);
  t.equal(await redis.rpush('jobs', 'a', 'b', 'c'), 3);
  t.strictSame(await job, ['jobs', 'a']);
  t.equal(await moved, 'b');
  t.strictSame(await redis.lrange('taken', 0, -1), ['b']);
  t.strictSame(await first.blmpop(0, 1, 'jobs', 'RIGHT', 'COUNT', 5), ['jobs', ['c']]);
  t.equal(await first.brpop('jobs', 0.01), null);
});

t.test('ioredis: sort', async (t) => {
  const redis = ioredis(t);
  await redis.rpush('to sort', '10', '9', '1');
  await redis.mset('name_1', 'one', 'name_9', 'nine');
  t.strictSame(await redis.sort('to sort'), ['1', '9', '10']);
  const how = ['BY', 'name_*', 'ALPHA', 'GET', '#', 'GET', 'name_*'];
  const named = await redis.call('SORT', 'to sort', ...how);
  t.strictSame(named, ['10', null, '9', 'nine', '1', 'one']);
  t.equal(await redis.call('SORT', 'to sort', 'DESC', 'LIMIT', '0', '2', 'STORE', 'sorted'), 2);
  t.strictSame(await redis.lrange('sorted', 0, -1), ['10', '9']);
  await redis.del('to sort', 'sorted', 'name_1', 'name_9');
});

async function blockedClients(redis: Redis): Promise<number> {
  return Number(/blocked_clients:(\d+)/.exec(await redis.info('clients'))?.[1]);
}

t.test('ioredis: streams, and a consumer that waits', async (t) => {
  const [redis, consumer] = [ioredis(t), ioredis(t)];
  await redis.xgroup('CREATE', 'jobs', 'workers', '$', 'MKSTREAM');
  const read = ['GROUP', 'workers', 'w1', 'BLOCK', '0', 'STREAMS', 'jobs', '>'] as const;
  const waiting = consumer.xreadgroup(...read);
  const id = await redis.xadd('jobs', '*', 'kind', 'mail', 'to', 'you');
  t.same(await waiting, [['jobs', [[id, ['kind', 'mail', 'to', 'you']]]]]);
  t.same(await redis.xpending('jobs', 'workers'), [1, id, id, [['w1', '1']]]);
  t.equal(await redis.xack('jobs', 'workers', id!), 1);
  t.same(await redis.xrange('jobs', '-', '+'), [[id, ['kind', 'mail', 'to', 'you']]]);
  t.equal(await redis.xlen('jobs'), 1);
});

t.test('ioredis: binary keys and a big value', async (t) => {
  const redis = ioredis(t);
  for (const bytes of awkwardBytes()) {
    await redis.set(bytes, bytes);
    t.strictSame(await redis.getBuffer(bytes), bytes);
  }
  const keys = (await redis.keysBuffer('*')).map((key) => key.toString('hex'));
  t.strictSame(
    keys.sort(),
    awkwardBytes()
      .map((key) => key.toString('hex'))
      .sort(),
  );
  const big = random.bytes(bigBytes);
  await redis.set('big', big);
  t.equal(await redis.strlen('big'), bigBytes);
  t.ok((await redis.getBuffer('big'))?.equals(big), '20 MB come back');
  t.ok((await redis.getrangeBuffer('big', -1000, -1)).equals(big.subarray(-1000)));
  const many = await Promise.all(Array.from({ length: 5 }, () => redis.getBuffer('big')));
  t.ok(
    many.every((value) => value?.equals(big)),
    'also five in a pipeline',
  );
});

t.test('ioredis: a password', async (t) => {
  const url = `redis://:${encodeURIComponent(password)}@${locked.host}:${locked.port}/2`;
  const redis = new Redis(url);
  t.teardown(() => redis.disconnect());
  t.equal(await redis.set('a', 'b'), 'OK');
  t.match(await redis.client('INFO'), 'db=2 ');
  const refused = new Redis({ port: locked.port, password: 'wrong', retryStrategy: () => null });
  t.teardown(() => refused.disconnect());
  // Connecting and the command fail, each where it is asked.
  refused.on('error', () => undefined);
  await t.rejects(refused.get('a'));
});

t.test('ioredis: a connection that is killed comes back as it was', async (t) => {
  const redis = ioredis(t, { db: 5, connectionName: 'again' });
  await redis.set('a', '1');
  const id = await redis.client('ID');
  const reconnected = once(redis, 'ready');
  await kill(id);
  await reconnected;
  t.not(await redis.client('ID'), id);
  t.equal(await redis.get('a'), '1', 'in its database');
  t.equal(await redis.client('GETNAME'), 'again');
});

t.test('ioredis: a node that comes back', async (t) => {
  const port = await freePort();
  const at = { args: ['--port', `${port}`], readyAt: { port } };
  const first = await startDhash(at);
  const redis = new Redis({ port, retryStrategy: () => 20, maxRetriesPerRequest: null });
  redis.on('error', () => undefined);
  t.teardown(() => redis.disconnect());
  t.equal(await redis.set('a', '1'), 'OK');
  await Promise.all([first.stop(), once(redis, 'close')]);
  // Asked while there is no node: the library keeps it.
  const answer = redis.get('a');
  const second = await startDhash(at);
  t.teardown(() => second.stop());
  t.equal(await answer, null, 'and nothing was kept');
});

t.test('ioredis: unix socket, monitor, quit', async (t) => {
  const redis = ioredis(t, { path });
  t.match(await redis.client('INFO'), 'flags=U');
  const monitor = await redis.monitor();
  t.teardown(() => monitor.disconnect());
  const seen = once(monitor, 'monitor');
  await redis.set('a', 'b c');
  t.match(await seen, [/^\d+\.\d+$/, ['set', 'a', 'b c'], `unix:${path}`, '0']);
  const ended = once(redis, 'end');
  t.equal(await redis.quit(), 'OK');
  await ended;
});

for (const RESP of [2, 3] as const) {
  t.test(`node-redis, RESP${RESP}: commands`, async (t) => {
    const client = await nodeRedis(t, RESP, 2);
    t.equal(await client.set('a', 'x', { expiration: { type: 'EX', value: 100 } }), 'OK');
    t.equal(await client.get('a'), 'x');
    t.equal(await client.ttl('a'), 100);
    t.equal(await client.clientGetName(), 'nr');
    t.strictSame(await client.mGet(['a', 'absent']), ['x', null]);
    const info = await client.clientInfo();
    t.equal(info.db, 2);
    t.match(info.libName, /node-redis/);
    await t.rejects(client.sendCommand(['GET']), /wrong number of arguments/);
    t.match(await client.configGet('maxmemory'), { maxmemory: '0' });
    t.ok((await client.commandCount()) > 0);
    t.equal(await client.set('soon', '1', { expiration: { type: 'PX', value: 30 } }), 'OK');
    await until('the key expires', async () => (await client.exists('soon')) === 0);
    await client.select(6);
    t.equal(await client.get('a'), null, 'another database');
    t.equal(await client.incrByFloat('f', 1.5), '1.5');
  });

  t.test(`node-redis, RESP${RESP}: pipelines, transactions, scans, custom commands`, async (t) => {
    const client = await nodeRedis(t, RESP);
    const keys = Array.from({ length: keyCount }, (_, i) => `key:${i}`);
    // Commands of one turn are one pipeline.
    await Promise.all(keys.map((key, i) => client.set(key, `${i}`)));
    const found: string[] = [];
    for await (const page of client.scanIterator({ COUNT: 50, MATCH: 'key:*' }))
      found.push(...page);
    t.strictSame(found, keys.toSorted());
    t.strictSame(await client.multi().set('b', '1').incr('b').exec(), ['OK', 2]);
    const other = await nodeRedis(t, RESP);
    await client.watch('b');
    await other.set('b', '7');
    await t.rejects(client.multi().incr('b').exec(), /watched keys has been changed/);
    const range = ['KRANGE', '[key:1', '(key:100'];
    t.strictSame(await client.sendCommand(range), ['key:1', 'key:10']);
    const flat = ['key:1', '1', 'key:10', '10'];
    const pairs = [
      ['key:1', '1'],
      ['key:10', '10'],
    ];
    t.strictSame(await client.sendCommand([...range, 'WITHVALUES']), RESP === 2 ? flat : pairs);
    t.equal(await client.sendCommand(['KRANK', 'absent']), null);
  });

  t.test(`node-redis, RESP${RESP}: a queue whose worker waits`, async (t) => {
    const [client, worker] = [await nodeRedis(t, RESP), await nodeRedis(t, RESP)];
    const job = worker.blPop(['queue', 'other'], 0);
    await client.rPush('queue', ['a', 'b']);
    t.match(await job, { key: 'queue', element: 'a' });
    t.equal(await worker.blMove('queue', 'done', 'LEFT', 'RIGHT', 0), 'b');
    t.equal(await worker.brPop('queue', 0.01), null);
    const many = worker.blmPop(0, 'queue', 'LEFT', { COUNT: 2 });
    await client.lPush('queue', ['x', 'y', 'z']);
    t.strictSame(await many, ['queue', ['z', 'y']]);
    await client.del(['queue', 'done']);
  });

  t.test(`node-redis, RESP${RESP}: sort`, async (t) => {
    const client = await nodeRedis(t, RESP);
    await client.sAdd('to sort', ['3', '20', '1']);
    t.strictSame(await client.sort('to sort', { DIRECTION: 'DESC' }), ['20', '3', '1']);
    t.strictSame(await client.sortRo('to sort', { ALPHA: true }), ['1', '20', '3']);
    const limit = { LIMIT: { offset: 1, count: 5 } };
    t.equal(await client.sortStore('to sort', 'sorted', limit), 2);
    t.strictSame(await client.lRange('sorted', 0, -1), ['3', '20']);
    await client.del(['to sort', 'sorted']);
  });

  t.test(`node-redis, RESP${RESP}: scripts and functions`, async (t) => {
    const client = await nodeRedis(t, RESP);
    const script = 'return {KEYS[1], ARGV[1], redis.call("incr", KEYS[1])}';
    const given = { keys: ['n'], arguments: ['x'] };
    t.strictSame(await client.eval(script, given), ['n', 'x', 1]);
    const sha1 = await client.scriptLoad(script);
    t.strictSame(await client.evalSha(sha1, given), ['n', 'x', 2]);
    t.strictSame(await client.scriptExists(sha1), [1]);
    const code = `#!lua name=lib${RESP}\nredis.register_function{function_name='get${RESP}', callback=function(keys) return redis.call('get', keys[1]) end, flags={'no-writes'}}`;
    t.equal(await client.functionLoad(code), `lib${RESP}`);
    const call = { keys: ['n'], arguments: [] };
    t.equal(await client.fCall(`get${RESP}`, call), '2');
    t.equal(await client.fCallRo(`get${RESP}`, call), '2');
    const libraries = await client.functionList({ LIBRARYNAME: `lib${RESP}` });
    t.equal(libraries[0]?.library_name, `lib${RESP}`);
    const dump = await client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer }).functionDump();
    t.equal(await client.functionDelete(`lib${RESP}`), 'OK');
    t.equal(await client.functionRestore(dump, { mode: 'REPLACE' }), 'OK');
    t.equal(await client.fCall(`get${RESP}`, call), '2');
    t.equal(await client.functionFlush(), 'OK');
    t.strictSame(await client.multi().eval(script, given).get('n').exec(), [['n', 'x', 3], '3']);
  });

  t.test(`node-redis, RESP${RESP}: binary keys and a big value`, async (t) => {
    const client = (await nodeRedis(t, RESP)).withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
    for (const bytes of awkwardBytes()) {
      await client.set(bytes, bytes);
      t.strictSame(await client.get(bytes), bytes);
    }
    const big = random.bytes(bigBytes);
    await client.set('big', big);
    const value = (await client.get('big')) as unknown as Buffer;
    t.ok(value.equals(big), '20 MB come back');
  });

  t.test(`node-redis, RESP${RESP}: a connection that is killed comes back as it was`, async (t) => {
    const url = `redis://${node.host}:${node.port}/7`;
    const client = createClient({ url, RESP, name: 'again' });
    let errorCount = 0;
    client.on('error', () => {
      errorCount++;
    });
    await client.connect();
    t.teardown(() => client.destroy());
    await client.set('a', '1');
    const id = await client.clientId();
    // Not events.once: it would reject with the error that comes first.
    const reconnected = new Promise((resolve) => client.once('ready', resolve));
    await kill(id);
    await reconnected;
    t.not(await client.clientId(), id);
    t.equal(await client.get('a'), '1', 'in its database');
    t.equal(await client.clientGetName(), 'again');
    t.ok(errorCount > 0, 'and it was told');
  });
}

/** What a library's callback has been given, once there are that many. */
async function given(list: readonly string[], count: number): Promise<readonly string[]> {
  await until(`${count} messages`, () => list.length >= count);
  return list;
}

for (const protocol of [2, 3] as const) {
  t.test(`ioredis, RESP${protocol}: publish and subscribe`, async (t) => {
    const subscriber = ioredis(t, { protocol });
    const redis = ioredis(t, { protocol });
    const heard: string[] = [];
    subscriber.on('message', (channel, message) => heard.push(`${channel} ${message}`));
    subscriber.on('pmessage', (pattern, channel, message) => {
      heard.push(`${pattern} ${channel} ${message}`);
    });
    t.equal(await subscriber.subscribe('news', 'sport'), 2);
    t.equal(await subscriber.psubscribe('__keyevent@0__:*'), 3);
    t.equal(await redis.publish('news', 'hello'), 1);
    t.equal(await redis.publish('nobody', 'hello'), 0);
    await redis.config('SET', 'notify-keyspace-events', 'KEA');
    await redis.multi().set('k', '1').del('k').exec();
    t.strictSame(await given(heard, 3), [
      'news hello',
      '__keyevent@0__:* __keyevent@0__:set k',
      '__keyevent@0__:* __keyevent@0__:del k',
    ]);
    await redis.config('SET', 'notify-keyspace-events', '');
    t.equal(await subscriber.unsubscribe('news'), 2);
    t.strictSame(await redis.pubsub('NUMSUB', 'news', 'sport'), ['news', 0, 'sport', 1]);
  });

  t.test(`node-redis, RESP${protocol}: publish and subscribe`, async (t) => {
    const subscriber = await nodeRedis(t, protocol);
    const client = await nodeRedis(t, protocol);
    const heard: string[] = [];
    const hear = (message: string, channel: string) => heard.push(`${channel} ${message}`);
    await subscriber.subscribe('news', hear);
    await subscriber.pSubscribe('n?ws', hear);
    await subscriber.sSubscribe('shard', hear);
    t.equal(await client.publish('news', 'hello'), 2);
    t.equal(await client.sPublish('shard', 'hello'), 1);
    t.strictSame(await given(heard, 3), ['news hello', 'news hello', 'shard hello']);
    await subscriber.unsubscribe('news');
    await subscriber.pUnsubscribe();
    t.equal(await client.publish('news', 'again'), 0);
    await subscriber.sUnsubscribe('shard');
    t.match(await subscriber.ping(), /^PONG$/i);
  });
}

t.test('node-redis: a cache of its own, kept true by CLIENT TRACKING', async (t) => {
  const url = `redis://${node.host}:${node.port}`;
  const cached = createClient({ url, RESP: 3, clientSideCache: { ttl: 0, maxEntries: 100 } });
  cached.on('error', (error) => t.fail(String(error)));
  await cached.connect();
  t.teardown(() => cached.destroy());
  const other = await nodeRedis(t, 3);
  await other.set('k', '1');
  t.equal(await cached.get('k'), '1');
  const before = (await other.info('commandstats')).match(/cmdstat_get:calls=(\d+)/)?.[1];
  t.equal(await cached.get('k'), '1');
  t.match(await other.info('commandstats'), `cmdstat_get:calls=${before},`, 'from its cache');
  await other.set('k', '2');
  await until('it hears of the change', async () => (await cached.get('k')) === '2');
});

for (const RESP of [2, 3] as const) {
  t.test(`node-redis: streams, RESP${RESP}`, async (t) => {
    const client = await nodeRedis(t, RESP);
    const reader = await nodeRedis(t, RESP, 0, 'reader');
    t.equal(await client.xAdd('s', '1-1', { a: '1' }), '1-1');
    await client.xGroupCreate('s', 'g', '0');
    const waiting = reader.xRead({ key: 's', id: '$' }, { BLOCK: 0 });
    await until('the reader waits', async () => {
      return (await client.clientList()).some(
        (one) => one.name === 'reader' && one.cmd === 'xread',
      );
    });
    await client.xAdd('s', '2-1', { b: '2' });
    const told = [{ name: 's', messages: [{ id: '2-1', message: { b: '2' } }] }];
    t.match(await waiting, told);
    const delivered = await client.xReadGroup('g', 'w1', { key: 's', id: '>' }, { COUNT: 1 });
    t.match(delivered, [{ name: 's', messages: [{ id: '1-1', message: { a: '1' } }] }]);
    t.match(await client.xPending('s', 'g'), { pending: 1, firstId: '1-1', lastId: '1-1' });
    t.match(await client.xAutoClaim('s', 'g', 'w2', 0, '0'), { nextId: '0-0' });
    t.match(await client.xInfoGroups('s'), [{ name: 'g', consumers: 2, pending: 1, lag: 1 }]);
    t.match(await client.xInfoStream('s'), { length: 2, 'last-generated-id': '2-1' });
    await client.xClaim('s', 'g', 'w3', 1_000_000, '1-1');
    const consumers = await client.xInfoConsumers('s', 'g');
    t.same(
      consumers.map(({ name, inactive }) => [name, inactive === -1]),
      [
        ['w1', false],
        ['w2', false],
        ['w3', true],
      ],
    );
    t.match(await client.xRead({ key: 's', id: '+' }), told);
    t.equal(await client.xDel('s', ['1-1', '2-1']), 2);
  });
}

t.test('node-redis: a password', async (t) => {
  const url = `redis://default:${encodeURIComponent(password)}@${locked.host}:${locked.port}`;
  const client = createClient({ url });
  await client.connect();
  t.teardown(() => client.destroy());
  t.equal(await client.ping(), 'PONG');
  for (const wrong of [url.replace('correct', 'wrong'), `redis://${locked.host}:${locked.port}`]) {
    const refused = createClient({ url: wrong, socket: { reconnectStrategy: false } });
    refused.on('error', () => undefined);
    await t.rejects(
      refused.connect().then(() => refused.get('a')),
      /WRONGPASS|NOAUTH/,
    );
  }
  t.match(await client.aclLog(1), [{ count: 1, reason: 'auth', username: 'default' }]);
});

t.test('node-redis: a pool over the unix socket', async (t) => {
  const options = { socket: { path, tls: false as const } };
  const pool = createClientPool(options, { minimum: 2, maximum: 5 });
  await pool.connect();
  t.teardown(() => pool.destroy());
  await Promise.all(Array.from({ length: 100 }, () => pool.incr('n')));
  t.equal(await pool.get('n'), '100');
  const replies = await pool.execute(async (client) => {
    await client.watch('n');
    return client.multi().incr('n').exec();
  });
  t.strictSame(replies, [101]);
});
