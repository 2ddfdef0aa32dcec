/**
 * CONFIG GET and SET word for word as a real redis-server has them: the names, the defaults, what
 * is refused and how.
 */

import { execFileSync } from 'node:child_process';
import t from 'tap';
import { findRow } from '../../lib/config/registry.js';
import { Settings } from '../../lib/config/settings.js';
import { startRedis } from '../support/server-process.js';

/** What differs, and why. */
const DIFFERENT_DEFAULTS = new Map([
  ['port', 'the test chose it'],
  ['bind', 'Redis is started with it'],
  ['enable-debug-command', 'Redis is started with it'],
  ['dir', 'there is no folder without --dir'],
  ['pidfile', 'there is none'],
]);

/** Values that ask each kind of setting everything. */
const VALUES = [
  '',
  '0',
  '1',
  '-1',
  '-2',
  '7',
  '65',
  '101',
  '65536',
  '2147483648',
  '4294967296',
  '9223372036854775807',
  '9223372036854775808',
  '007',
  '+5',
  ' 1',
  '1 ',
  '1e3',
  '0x10',
  '1.5',
  '1k',
  '1kb',
  '1KB',
  '2mb',
  '3g',
  '1gb',
  '1t',
  '1kbb',
  'yes',
  'YES',
  'no',
  'nonsense',
  'local',
  'allkeys-lru',
  'Volatile-TTL',
  'debug',
  'warning',
  '50 99.9',
  '50 101',
  '50  60',
  'inf',
  'nan',
  '50.123456789',
  'normal 1mb 2 3',
  'normal 1 2',
  'replica 10 2 1 pubsub 1gb 2m 3',
  'slave 1 2 3 slave 4 5 6',
  'normal 1 2 -1',
  'normal a 2 1',
  'other 1 2 3',
  '{title} {port}',
  '{title} {foo}',
  'x'.repeat(513),
];

/** Settings that both have, whose every value is compared. */
const COMPARED = [
  ...['timeout', 'tcp-keepalive', 'maxclients', 'proto-max-bulk-len', 'client-query-buffer-limit'],
  ...['client-output-buffer-limit', 'maxmemory', 'maxmemory-policy', 'maxmemory-samples'],
  ...['maxmemory-eviction-tenacity', 'lfu-log-factor', 'lfu-decay-time', 'active-expire-effort'],
  ...['slowlog-log-slower-than', 'slowlog-max-len', 'latency-monitor-threshold', 'hz'],
  ...['latency-tracking', 'latency-tracking-info-percentiles', 'acllog-max-len', 'dynamic-hz'],
  ...['lazyfree-lazy-expire', 'replica-lazy-flush', 'slave-lazy-flush', 'shutdown-timeout'],
  ...['hash-max-listpack-entries', 'hash-max-ziplist-value', 'list-max-listpack-size'],
  ...['list-compress-depth', 'set-max-intset-entries', 'zset-max-listpack-value'],
  ...['stream-node-max-bytes', 'stream-node-max-entries', 'hll-sparse-max-bytes'],
  ...['busy-reply-threshold', 'lua-time-limit', 'tracking-table-max-keys', 'proc-title-template'],
  ...['protected-mode', 'unixsocket', 'unixsocketperm', 'databases'],
  ...[
    'set-proc-title',
    'tcp-backlog',
    'io-threads',
    'logfile',
    'aclfile',
    'replicaof',
    'dbfilename',
  ],
];

/** What newer versions of Redis answer in another way than 7.0 does. */
function isOfThisVersion(reply: string): boolean {
  return !reply.includes('debug, verbose, notice, warning');
}

function hasRedis(): boolean {
  try {
    execFileSync('redis-server', ['--version']);
    return true;
  } catch {
    return false;
  }
}

t.test('against redis-server', { skip: hasRedis() ? false : 'no redis-server' }, async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.stop());
  const client = await redis.connect();
  const ask = async (...words: string[]): Promise<unknown> => client.callPlain(...words);

  await t.test('every name is known, with its default', async (t) => {
    const reply = (await ask('CONFIG', 'GET', '*')) as string[];
    const settings = new Settings();
    for (let index = 0; index < reply.length; index += 2) {
      const name = reply[index] ?? '';
      if (findRow(name) === undefined) t.fail(`${name} is unknown`);
      else if (!DIFFERENT_DEFAULTS.has(name)) {
        t.strictSame(settings.get(name), [[name, reply[index + 1]]], name);
      }
    }
  });

  await t.test('values are taken and refused in the same words', async (t) => {
    const settings = new Settings();
    for (const name of COMPARED) {
      let differences = 0;
      for (const value of VALUES) {
        // A double knows no difference between 2^63 - 1 and 2^63.
        if (name === 'maxmemory' && value === '9223372036854775807') continue;
        // Redis tries how many files the system lets it open, one by one.
        if (name === 'maxclients' && /^[0-9]{5,10}$/.test(value)) continue;
        const theirs = String(await ask('CONFIG', 'SET', name, value));
        const ours = settings.set([[name, value]]) ?? 'OK';
        const theirValue = (await ask('CONFIG', 'GET', name)) as string[];
        const ourValue = settings.get(name)[0];
        const isSame =
          ours === theirs.replace(/^Error: |^-/, '') && ourValue?.[1] === theirValue[1];
        if (isSame || !isOfThisVersion(theirs)) continue;
        differences += 1;
        t.fail(
          `${name} '${value}':\n  ours   ${ours} (${ourValue?.[1]})\n  theirs ${theirs} (${theirValue[1]})`,
        );
      }
      if (differences === 0) t.pass(name);
    }
  });

  await t.test('several at once, in the same order of complaints', async (t) => {
    const settings = new Settings();
    const cases = [
      ['maxclients', '100', 'hz', '10'],
      ['foo', '1'],
      ['FOO', '1'],
      ['maxclients', '1', 'foo', '2', 'databases', '3'],
      ['databases', '3', 'foo', '1'],
      ['maxclients', '5', 'databases', '3', 'maxclients', '6'],
      ['maxclients', '5', 'MAXCLIENTS', '6'],
      ['maxclients', 'abc', 'hz', 'foo'],
      ['hz', '5', 'maxclients', 'abc'],
      ['MAXMEMORY', 'abc'],
      ['DATABASES', '3'],
      ['REPLICA-lazy-flush', 'x', 'HZ', 'y'],
      ['maxmemory', '1mb', 'maxmemory-policy', 'foo'],
      ['hash-max-ziplist-entries', '1', 'hash-max-listpack-entries', '2'],
      ['maxmemory', '1mb', 'hz', '20'],
      ['dir', '/tmp', 'hz', '1'],
    ];
    for (const words of cases) {
      const pairs = words.flatMap((word, index) =>
        index % 2 === 0 ? [[word, words[index + 1] ?? ''] as const] : [],
      );
      const theirs = String(await ask('CONFIG', 'SET', ...words));
      t.equal(settings.set(pairs) ?? 'OK', theirs.replace(/^Error: |^-/, ''), words.join(' '));
    }
    for (const name of ['maxmemory', 'hz', 'maxclients', 'hash-max-listpack-entries']) {
      const [, value] = (await ask('CONFIG', 'GET', name)) as string[];
      t.equal(settings.get(name)[0]?.[1], value, name);
    }
  });
});
