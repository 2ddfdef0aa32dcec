/**
 * Commands of very many arguments do them in slices, and are one step for everybody else all the same:
 * who sends something meanwhile is answered when they are over.
 */
import { isDeepStrictEqual } from 'node:util';
import t from 'tap';
import type { LocalClient, Plain } from '../support/local.js';
import { Scene } from '../support/scene.js';

const COUNT = 6000;
/** An argument that is one of many, or what comes before them. */
const numbers = Array.from({ length: COUNT }, (_, i) => i);
const keys = numbers.map((i) => `k${i}`);
const pairs = numbers.flatMap((i) => [`k${i}`, `v${i % 7}`]);
const scored = numbers.flatMap((i) => [`${i % 11}`, `k${i}`]);
const placed = numbers.flatMap((i) => [`${i % 180}`, `${i % 80}`, `k${i}`]);

type Fill = (writer: LocalClient) => void;

function inParts(...words: string[]): (many: readonly string[], step?: number) => Fill {
  return (many, step = 1) =>
    (writer) => {
      for (let i = 0; i < many.length; i += 100 * step) {
        writer.send(...words, ...many.slice(i, i + 100 * step));
      }
    };
}

const nothing: Fill = () => {};
const strings = inParts('MSET')(pairs, 2);
const hash = inParts('HSET', 'c')(pairs, 2);
const set = inParts('SADD', 'c')(keys);
const zset = inParts('ZADD', 'c')(scored, 2);
const geo = inParts('GEOADD', 'c')(placed, 3);

/** What a command does that is given all at once is what it does that is given in parts. */
const commands: readonly (readonly [
  words: readonly string[],
  fill: Fill,
  look: readonly string[],
])[] = [
  [['DEL', ...keys, 'none'], strings, ['DBSIZE']],
  [['UNLINK', ...keys, ...keys], strings, ['DBSIZE']],
  [['MSET', ...pairs], nothing, ['MGET', 'k0', 'k3000', 'k5999']],
  [['MSETNX', ...pairs], nothing, ['MGET', 'k0', 'k3000', 'k5999']],
  [
    ['MSETNX', ...pairs.map((one) => one.replace('v', 'w'))],
    inParts('SET')(['k5000', 'x'], 2),
    ['DBSIZE'],
  ],
  [
    ['HSET', 'c', ...pairs],
    inParts('HSET', 'c')(['k1', 'x'], 2),
    ['HRANGE', 'c', '-', '+', 'WITHVALUES'],
  ],
  [['HMSET', 'c', ...pairs], nothing, ['HLEN', 'c']],
  [['HMGET', 'c', 'none', ...keys], hash, []],
  [['HDEL', 'c', ...keys], hash, ['EXISTS', 'c']],
  [['HDEL', 'c', ...keys.slice(1)], hash, ['HGETALL', 'c']],
  [
    ['HEXPIRE', 'c', '100', 'FIELDS', `${COUNT}`, ...keys],
    hash,
    ['HTTL', 'c', 'FIELDS', '1', 'k7'],
  ],
  [['HPEXPIRE', 'c', '0', 'FIELDS', `${COUNT}`, ...keys], hash, ['EXISTS', 'c']],
  [['HPERSIST', 'c', 'FIELDS', `${COUNT}`, ...keys], hash, []],
  [['HTTL', 'c', 'FIELDS', `${COUNT}`, ...keys], hash, []],
  [['SADD', 'c', ...keys], inParts('SADD', 'c')(['k1']), ['SRANGE', 'c', '-', '+']],
  [['SREM', 'c', ...keys], set, ['EXISTS', 'c']],
  [['SMISMEMBER', 'c', 'none', ...keys], set, []],
  [['ZADD', 'c', ...scored], nothing, ['ZRANGE', 'c', '0', '-1', 'WITHSCORES']],
  [['ZADD', 'c', 'XX', 'CH', 'GT', ...scored], zset, ['ZCARD', 'c']],
  [['ZADD', 'c', ...scored.slice(2), 'x', 'last'], nothing, ['EXISTS', 'c']],
  [['ZREM', 'c', ...keys], zset, ['EXISTS', 'c']],
  [['ZMSCORE', 'c', 'none', ...keys], zset, []],
  [['GEOADD', 'c', ...placed], nothing, ['ZRANGE', 'c', '0', '-1', 'WITHSCORES']],
  [['GEOADD', 'c', ...placed.slice(3), '200', '0', 'last'], nothing, ['EXISTS', 'c']],
  [['GEOPOS', 'c', 'none', ...keys], geo, []],
  [['GEOHASH', 'c', 'none', ...keys], geo, []],
  [['RPUSH', 'c', ...keys], inParts('RPUSH', 'c')(['x']), ['LRANGE', 'c', '0', '-1']],
  [['LPUSH', 'c', ...keys], nothing, ['LRANGE', 'c', '0', '-1']],
  [['LPUSHX', 'c', ...keys], nothing, ['EXISTS', 'c']],
  [['HSET', 'c', ...pairs], set, ['TYPE', 'c']],
];

/** Whether the arguments are refused before the first is dealt with. */
const REFUSED = /^"-WRONGTYPE/;

for (const [words, fill, look] of commands) {
  const name = `${words.slice(0, 4).join(' ')} ...`;
  t.test(`${name} of ${words.length} arguments`, async (t) => {
    const scene = await Scene.filled(fill);
    const other = scene.local.client();
    scene.reader.post(...words);
    other.post('ECHO', 'after');
    const early: Plain[] = [];
    const { reply, turns } = scene.awaitReply(() => early.push(...other.received()));
    t.strictSame(other.received(), ['after'], 'who waited is answered');

    const whole = await Scene.filled(fill);
    whole.writer.send('MULTI');
    whole.writer.send(...words);
    const [expected] = whole.writer.send('EXEC') as Plain[];
    t.ok(isDeepStrictEqual(reply, expected), 'the reply is that of a command at once');
    if (!REFUSED.test(`${JSON.stringify(reply)}`) && words[0] !== 'LPUSHX') {
      t.ok(turns > 10, `${turns} turns`);
      t.strictSame(early, [], 'nobody is answered in the middle');
    }
    if (look.length > 0) {
      const [one, two] = [other.send(...look), whole.writer.send(...look)];
      t.ok(isDeepStrictEqual(one, two), 'what there is then');
    }
    scene.checkStore(t);
    scene.checkMemory(t);
  });
}

t.test('a client that goes away: all is done, and others go on', async (t) => {
  const scene = await Scene.filled(nothing);
  scene.reader.post('MSET', ...pairs);
  t.ok(scene.local.node.server.alone.isOn, 'it is under way');
  const other = scene.local.client();
  other.post('DBSIZE');
  scene.reader.link.destroy();
  t.equal(other.send('PING'), COUNT, 'the reply to DBSIZE');
  t.notOk(scene.local.node.server.alone.isOn);
  scene.checkMemory(t);
});

t.test('who waited is gone before it is over', async (t) => {
  const scene = await Scene.filled(nothing);
  scene.reader.post('SADD', 'c', ...keys);
  const other = scene.local.client();
  other.post('SET', 'late', '1');
  other.link.destroy();
  t.equal(scene.awaitReply().reply, COUNT);
  t.equal(scene.writer.send('EXISTS', 'late'), 0, 'what had not begun never does');
});

t.test('a reply that is not wanted, and what a client has sent behind', async (t) => {
  const scene = await Scene.filled(nothing);
  scene.reader.post('CLIENT', 'REPLY', 'SKIP');
  scene.reader.post('RPUSH', 'c', ...keys);
  scene.reader.post('LLEN', 'c');
  t.equal(scene.awaitReply().reply, COUNT);
});

t.test('one that waits for the key is served after the whole, and hears of it once', async (t) => {
  const scene = await Scene.filled((writer) => {
    writer.send('CONFIG', 'SET', 'notify-keyspace-events', 'KEA');
  });
  const [waiting, subscriber] = [scene.local.client(), scene.local.client()];
  waiting.post('BLPOP', 'c', '0');
  subscriber.send('SUBSCRIBE', '__keyspace@0__:c');
  scene.reader.post('RPUSH', 'c', ...keys);
  t.equal(scene.awaitReply().reply, COUNT);
  t.strictSame(waiting.received(), [['c', 'k0']]);
  const events = subscriber.received().map((message) => (message as Plain[])[2]);
  t.strictSame(events, ['rpush', 'lpop']);
  scene.reader.post('HDEL', 'h', ...keys);
  scene.awaitReply();
  hash(scene.writer);
  subscriber.send('SUBSCRIBE', '__keyspace@0__:c');
  subscriber.received();
  scene.writer.send('DEL', 'c');
  hash(scene.writer);
  subscriber.received();
  scene.reader.post('HDEL', 'c', ...keys);
  t.equal(scene.awaitReply().reply, COUNT);
  const last = subscriber.received().map((message) => (message as Plain[])[2]);
  t.strictSame(last, ['hdel', 'del']);
});

t.test('no key expires in the middle', async (t) => {
  const scene = await Scene.filled((writer) => {
    strings(writer);
    writer.send('PEXPIRE', 'k5999', '1000');
  });
  scene.reader.post('MSETNX', ...numbers.flatMap((i) => [`n${i}`, 'x']), 'k5999', 'x');
  const { reply } = scene.awaitReply((turn) => {
    if (turn === 5) scene.local.world.nowMs += 5000;
  });
  t.equal(reply, 0, 'it was there when the command began');
  t.equal(scene.writer.send('EXISTS', 'k5999'), 0);
});

t.test('a script, and SAVE of others, wait; one inside of MULTI runs at once', async (t) => {
  const scene = await Scene.filled(nothing);
  scene.reader.post('HSET', 'c', ...pairs);
  const script = scene.local.client();
  script.post('EVAL', "return redis.call('HLEN', KEYS[1])", '1', 'c');
  t.equal(scene.awaitReply().reply, COUNT);
  t.strictSame(script.received(), [COUNT]);
  scene.writer.send('MULTI');
  scene.writer.send('DEL', ...keys, 'c');
  t.strictSame(scene.writer.send('EXEC'), [1]);
  t.notOk(scene.local.node.server.alone.isOn);
});

t.test('WATCH of very many lets others go on, and minds what they write', async (t) => {
  for (const [at, expected] of [
    [-1, ['PONG']],
    [0, ['PONG']],
    [100_000, null],
  ] as const) {
    const scene = await Scene.filled(strings);
    scene.reader.post('WATCH', ...keys);
    const { reply, turns } = scene.awaitReply((turn) => {
      // It is not watched yet.
      if (turn === at) t.equal(scene.writer.send('SET', 'k5999', 'x'), 'OK');
    });
    t.equal(reply, 'OK');
    t.ok(turns > 10, `${turns} turns`);
    if (at > turns) scene.writer.send('SET', 'k5999', 'x');
    scene.reader.send('MULTI');
    scene.reader.send('PING');
    t.strictSame(scene.reader.send('EXEC'), expected);
  }
});
