/**
 * Values of every type between a real redis-server and us, both ways: its dumps into our reader
 * and our RESTORE, our dumps and those of older versions into its RESTORE.
 */
import t from 'tap';
import { localClient } from '../support/local.js';
import { type SeededRandom, seededRandom, seedOfRun } from '../support/random.js';
import type { RespClient } from '../support/resp-client.js';
import { startRedis } from '../support/server-process.js';
import { loadOf, sealed } from './dumps.js';
import { intset, rdbLength, rdbString, ziplist, zipmap } from './old-formats.js';

const redis = await startRedis();
const other = await redis.connect();
t.teardown(async () => {
  await other.close();
  await redis.stop();
});

async function dumpFrom(client: RespClient, key: string): Promise<Buffer> {
  const { bytes } = await client.call('DUMP', key);
  if (bytes === null) throw new Error(`no ${key}`);
  return bytes;
}

const LONG = 'x'.repeat(100);
const HUGE = 'abc'.repeat(10_000);
const many = (make: (i: number) => string[], count = 3000): string[] =>
  Array.from({ length: count }, (_, i) => make(i)).flat();

/** Commands that make the key `k`, and what its dump holds, sorted. */
const VALUES: readonly (readonly [string, readonly (readonly string[])[], readonly string[]])[] = [
  ['string', [['SET', 'k', HUGE]], [HUGE]],
  ['integer', [['SET', 'k', '-123']], ['-123']],
  [
    'small hash',
    [['HSET', 'k', 'a', '1', 'b', LONG.slice(0, 60), '-70000', '9223372036854775807']],
    ['-70000=9223372036854775807', 'a=1', `b=${LONG.slice(0, 60)}`],
  ],
  ['big hash', [['HSET', 'k', ...many((i) => [`f${i}`, `${i}`])]], many((i) => [`f${i}=${i}`])],
  ['hash with a long value', [['HSET', 'k', 'f', HUGE]], [`f=${HUGE}`]],
  ['intset', [['SADD', 'k', '1', '-5', '300']], ['-5', '1', '300']],
  ['intset of 64 bits', [['SADD', 'k', '9223372036854775807']], ['9223372036854775807']],
  ['set', [['SADD', 'k', 'a', 'b', LONG]], ['a', 'b', LONG]],
  ['big set', [['SADD', 'k', ...many((i) => [`m${i}`])]], many((i) => [`m${i}`])],
  [
    'small zset',
    [['ZADD', 'k', '1.5', 'a', '-inf', 'b', '3', 'c']],
    ['a:1.5', 'b:-Infinity', 'c:3'],
  ],
  [
    'big zset',
    [['ZADD', 'k', ...many((i) => [`${i / 8}`, `m${i}`])]],
    many((i) => [`m${i}:${i / 8}`]),
  ],
  [
    'list',
    [
      ['RPUSH', 'k', 'a', '-1', '127', '128', '-4096', '4095', '4096', '70000', '10000000'],
      ['RPUSH', 'k', '-3000000000', HUGE, LONG],
    ],
    ['-1', '-3000000000', '-4096', '10000000', '127', '128', '4095', '4096', '70000'].concat(
      'a',
      HUGE,
      LONG,
    ),
  ],
  ['big list', [['RPUSH', 'k', ...many((i) => [`e${i}`])]], many((i) => [`e${i}`])],
  [
    'stream',
    [
      ['XADD', 'k', '1-1', 'a', '1', 'b', '2'],
      ['XADD', 'k', '2-1', 'a', '3', 'b', '4'],
      ['XADD', 'k', '2-2', 'other', 'field'],
      ['XADD', 'k', '18446744073709551615-18446744073709551614', 'z', 'z'],
      ['XDEL', 'k', '2-1'],
      ['XGROUP', 'CREATE', 'k', 'g', '0'],
      ['XREADGROUP', 'GROUP', 'g', 'alice', 'COUNT', '1', 'STREAMS', 'k', '>'],
      ['XREADGROUP', 'GROUP', 'g', 'bob', 'COUNT', '1', 'STREAMS', 'k', '>'],
    ],
    [
      '1-1 a 1 b 2',
      '2-2 other field',
      '18446744073709551615-18446744073709551614 z z',
      'length 3 last 18446744073709551615-18446744073709551614',
      'group g 2-2',
      'pending 1-1 1',
      'pending 2-2 1',
      'consumer alice',
      'owned 1-1',
      'consumer bob',
      'owned 2-2',
    ],
  ],
];

t.test('dumps of every type are read', async (t) => {
  for (const [name, commands, expected] of VALUES) {
    await other.call('FLUSHALL');
    for (const command of commands) await other.call(...command);
    const { fault, elements } = loadOf(await dumpFrom(other, 'k'));
    t.equal(fault, undefined, name);
    t.same([...elements].sort(), [...expected].sort(), name);
  }
});

const plainPairs = Buffer.concat(['a', '1', 'b', '2'].map((text) => rdbString(Buffer.from(text))));
const quicklist = Buffer.concat([
  rdbLength(2),
  rdbString(ziplist(['a', 1])),
  rdbString(ziplist([LONG.repeat(3), -70_000, 'b'])),
]);
/** Two members: a with `1e3`, b with infinity. */
const scores = Buffer.from('02' + '0161' + '03316533' + '0162' + 'fe', 'hex');

/** Bodies that Redis 7.0 reads and no longer writes. */
const OLD: readonly (readonly [name: string, body: Buffer])[] = [
  ['hash', Buffer.concat([Buffer.from([4, 2]), plainPairs])],
  ['list', Buffer.concat([Buffer.from([1, 4]), plainPairs])],
  [
    'hash of a zipmap',
    Buffer.concat([
      Buffer.from([9]),
      rdbString(
        zipmap(
          [
            ['a', 'b'],
            [LONG.repeat(3), ''],
          ],
          3,
        ),
      ),
    ]),
  ],
  [
    'list of a ziplist',
    Buffer.concat([
      Buffer.from([10]),
      rdbString(ziplist(['a', -1, 12, 13, 300, -70_000, 1e9, 1e12, ''])),
    ]),
  ],
  ['set of an intset', Buffer.concat([Buffer.from([11]), rdbString(intset(2, [-5n, 1n, 300n]))])],
  ['set of 32 bits', Buffer.concat([Buffer.from([11]), rdbString(intset(4, [-70_000n, 1n]))])],
  [
    'zset of a ziplist',
    Buffer.concat([Buffer.from([12]), rdbString(ziplist(['a', '1.5', 'b', 2]))]),
  ],
  [
    'hash of a ziplist',
    Buffer.concat([Buffer.from([13]), rdbString(ziplist(['a', 1, 'b', LONG.repeat(200)]))]),
  ],
  ['quicklist of ziplists', Buffer.concat([Buffer.from([14]), quicklist])],
  ['zset with scores as texts', Buffer.concat([Buffer.from([3]), scores])],
];

t.test('what older versions wrote is read as a real server reads it', async (t) => {
  for (const [name, body] of OLD) {
    const payload = sealed(body);
    await other.call('FLUSHALL');
    t.equal(await other.callPlain('RESTORE', 'k', '0', payload), 'OK', `a real server: ${name}`);
    const found = loadOf(payload);
    t.equal(found.fault, undefined, name);
    const expected = loadOf(await dumpFrom(other, 'k'));
    t.same([...found.elements].sort(), [...expected.elements].sort(), name);
  }
});

function randomText(random: SeededRandom): string {
  const kind = random.below(6);
  if (kind === 0) return `${random.between(-200, 200)}`;
  if (kind === 1) return `${random.between(-1e9, 1e9) * random.pick([1, 1e3, 1e6])}`;
  if (kind === 2)
    return random.pick(['', '007', '-0', '9223372036854775807', '-9223372036854775808']);
  if (kind === 3) return 'ab'.repeat(random.below(60));
  return random.bytes(random.below(30)).toString('hex');
}

t.test('hashes there and back', async (t) => {
  const random = seededRandom(seedOfRun());
  const client = await localClient((settings) => {
    settings.enableDebugCommand = 'yes';
  });
  for (let round = 0; round < 60; round += 1) {
    const count = random.pick([1, 2, 10, 128, 129, 1000]);
    const pairs = many(() => [randomText(random), randomText(random)], count);
    client.send('FLUSHALL');
    client.send('HSET', 'ours', ...pairs);
    await other.call('FLUSHALL');
    await other.call('HSET', 'theirs', ...pairs);
    const ours = Buffer.from(client.text('DUMP', 'ours'), 'latin1');
    const theirs = await dumpFrom(other, 'theirs');
    const say = `round ${round}, seed ${random.seed}`;
    const sent = await other.callPlain('RESTORE', 'ours', '0', ours);
    const taken = client.send('RESTORE', 'theirs', '0', theirs);
    const digests = [
      client.send('DEBUG', 'DIGEST-VALUE', 'ours', 'theirs'),
      await other.callPlain('DEBUG', 'DIGEST-VALUE', 'theirs', 'ours'),
    ];
    const encodings = [
      client.send('OBJECT', 'ENCODING', 'theirs'),
      await other.callPlain('OBJECT', 'ENCODING', 'ours'),
    ];
    if (sent !== 'OK' || taken !== 'OK') t.fail(`${JSON.stringify([sent, taken])} ${say}`);
    const [a, b] = digests as [string[], string[]];
    if (new Set([...a, ...b]).size !== 1 || ours[0] !== theirs[0]) t.fail(`differ: ${say}`);
    if (encodings[0] !== encodings[1]) t.fail(`encodings ${JSON.stringify(encodings)}: ${say}`);
  }
  t.pass('all alike');
});
