/**
 * What is long, by way of any node of a ring of real processes: each command is answered, and as by a
 * node that stands alone. Replies of several MiB, commands in slices, scripts that take longer than one.
 */
import t from 'tap';
import { show } from '../support/reply.js';
import type { RespClient } from '../support/resp-client.js';
import { ringStatusOf } from '../support/ring-status.js';
import { type ServerProcess, startDhash } from '../support/server-process.js';
import { until } from '../support/until.js';

t.setTimeout(240_000);

const SECRET = 'a secret for tests';
const ELEMENTS = 5000;
const ELEMENTS_PER_CALL = 2500;
const ENTRIES = 2000;
/** More than leaves at once. */
const VALUE_BYTES = 6_000_000;
/** The keys of a command have one owner. */
const [HASH, SET, OTHER, ZSET, NUMBERS, LIST, STREAM, VALUE, TARGET] = [
  '{x}hash',
  '{x}set',
  '{x}other',
  '{x}zset',
  '{x}numbers',
  '{x}list',
  '{x}stream',
  '{x}value',
  '{x}target',
];

/** `perElement`: the words of the n-th element. */
async function add(
  client: RespClient,
  [name, key]: readonly [string, string],
  perElement: (n: number) => (string | number)[],
): Promise<void> {
  for (let from = 0; from < ELEMENTS; from += ELEMENTS_PER_CALL) {
    const elements = Array.from({ length: ELEMENTS_PER_CALL }, (_, n) => perElement(from + n));
    await client.call(name, key, ...elements.flat());
  }
}

async function fill(client: RespClient): Promise<void> {
  await add(client, ['HSET', HASH], (n) => [`field ${n}`, `value ${n}`.padEnd(800, '.')]);
  await add(client, ['SADD', SET], (n) => [`member ${n}`]);
  await add(client, ['SADD', OTHER], (n) => [`member ${n + ELEMENTS / 2}`]);
  await add(client, ['ZADD', ZSET], (n) => [(n * 37) % ELEMENTS, `member ${n}`]);
  await add(client, ['RPUSH', NUMBERS], (n) => [(n * 31) % ELEMENTS]);
  await add(client, ['RPUSH', LIST], (n) => [`element ${n}`.padEnd(800, '.')]);
  for (let n = 1; n <= ENTRIES; n += 1)
    client.send('XADD', STREAM, `${n}-1`, 'f', `${n}`.padEnd(1600));
  for (let n = 1; n <= ENTRIES; n += 1) await client.read();
  await client.call('XGROUP', 'CREATE', STREAM, 'group', '0');
  await client.call('SETRANGE', VALUE, VALUE_BYTES, 'end');
}

const COMMANDS: readonly (readonly (string | number)[])[] = [
  ['HGETALL', HASH],
  ['HVALS', HASH],
  ['HRANGE', HASH, '-', '+'],
  ['SMEMBERS', SET],
  ['SUNION', SET, OTHER],
  ['SDIFFSTORE', TARGET, SET, OTHER],
  ['ZRANGE', ZSET, 0, -1, 'WITHSCORES'],
  ['ZRANGESTORE', TARGET, ZSET, 0, -1],
  ['ZUNIONSTORE', TARGET, 2, ZSET, SET],
  ['LRANGE', LIST, 0, -1],
  ['LPOS', LIST, 'none'],
  ['SORT', NUMBERS],
  ['SORT', NUMBERS, 'STORE', TARGET],
  ['XRANGE', STREAM, '-', '+'],
  ['XREAD', 'STREAMS', STREAM, 0],
  ['XREADGROUP', 'GROUP', 'group', 'me', 'STREAMS', STREAM, '>'],
  ['XREADGROUP', 'GROUP', 'group', 'me', 'STREAMS', STREAM, 0],
  ['XAUTOCLAIM', STREAM, 'group', 'you', 0, 0, 'COUNT', ENTRIES],
  ['EVAL', 'return redis.call("HVALS", KEYS[1])', 1, HASH],
  ['EVAL', 'for n = 1, 3000000 do end redis.call("SET", KEYS[1], "x") return n', 1, TARGET],
  ['EVAL_RO', 'return redis.call("GET", KEYS[1])', 1, VALUE],
  ['GET', VALUE],
  ['GETRANGE', VALUE, 10, VALUE_BYTES - 10],
  ['GETEX', VALUE, 'EX', 1000],
  ['MGET', VALUE, VALUE],
  ['BITCOUNT', VALUE],
  ['BITOP', 'NOT', TARGET, VALUE],
  ['GETSET', TARGET, 'short'],
  ['COPY', VALUE, TARGET, 'REPLACE'],
  ['SET', TARGET, 'short', 'GET'],
  ['RENAME', VALUE, TARGET],
  ['DUMP', TARGET],
  ['GETDEL', TARGET],
  ['COPY', HASH, TARGET, 'REPLACE'],
  ['HGETALL', TARGET],
  ['SPOP', SET, ELEMENTS],
  ['LPOP', LIST, ELEMENTS / 2],
  ['LTRIM', LIST, 0, 10],
  ['ZPOPMIN', ZSET, ELEMENTS],
  ['XTRIM', STREAM, 'MAXLEN', 0],
  ['DEL', HASH, OTHER, TARGET],
  ['KEYS', '{x}*'],
];

/** Whether a connection goes on to work is seen by the next command. */
async function replies(client: RespClient): Promise<readonly string[]> {
  const all: string[] = [];
  for (const command of COMMANDS) all.push(show(await client.call(...command)));
  return all;
}

async function startRing(): Promise<readonly ServerProcess[]> {
  const fixed = ['--cluster-secret', SECRET];
  const first = await startDhash({ args: fixed });
  const join = [...fixed, '--join', `127.0.0.1:${first.port}`];
  const all = [first, await startDhash({ args: join }), await startDhash({ args: join })];
  t.teardown(() => {
    for (const node of all) node.signal('SIGKILL');
    return Promise.all(all.map(({ exited }) => exited));
  });
  await until('a ring of three', async () => {
    const status = await ringStatusOf(first);
    return status?.change === 'none' && status.members.length === 3;
  });
  return all;
}

void t.test('by way of any node of a ring', async (t) => {
  const alone = await startDhash();
  t.teardown(() => alone.stop());
  const ring = await startRing();
  const owned = await alone.connect();
  await fill(owned);
  const expected = await replies(owned);
  for (const node of ring) {
    const client = await node.connect();
    await fill(client);
    const actual = await replies(client);
    for (const [at, command] of COMMANDS.entries()) {
      t.ok(actual[at] === expected[at], `${node.port}: ${command.join(' ').slice(0, 60)}`);
    }
    await client.call('FLUSHALL');
  }
});
