/**
 * What is ordered against a real server's sorted set of equal scores, which Redis orders by bytes
 * too: the keys of dhash, the fields of a hash and the members of a set are the members there, and
 * each K, H and S command has its Z command.
 */

import t from 'tap';
import { type SeededRandom, seededRandom, seedOfRun } from '../support/random.js';
import { plain, show } from '../support/reply.js';
import type { RespClient } from '../support/resp-client.js';
import { startDhash, startRedis } from '../support/server-process.js';

type Word = string | Buffer;

interface Pair {
  readonly name: string;
  readonly dhash: readonly Word[];
  readonly redis: readonly Word[];
}

const rounds = 2000;
const queriesPerRound = 4;
const seed = seedOfRun();
const random = seededRandom(seed);
const [redisServer, dhashServer] = await Promise.all([startRedis(), startDhash()]);
const [redis, dhash] = await Promise.all([redisServer.connect(), dhashServer.connect()]);

t.teardown(async () => {
  await Promise.all([redis.close(), dhash.close()]);
  await Promise.all([redisServer.stop(), dhashServer.stop()]);
});

/** Long shared prefixes, keys that are prefixes of others, the lowest and highest bytes. */
function randomKey(random: SeededRandom): Buffer {
  const alphabet = random.pick(['ab', '\x00\xff', 'a', '0123456789']);
  const prefix = random.pick(['', '', 'key:', 'p'.repeat(40), '\xff\xff']);
  const bytes = random.below(6);
  let text = prefix;
  for (let i = 0; i < bytes; i++) text += alphabet[random.below(alphabet.length)];
  return Buffer.from(text, 'latin1');
}

function randomBound(random: SeededRandom): Buffer {
  const kind = random.float();
  if (kind < 0.15) return Buffer.from(random.pick(['-', '+']));
  if (kind < 0.18) return Buffer.from(random.pick(['', 'a', '-x', '+x', '-inf', '{']));
  return Buffer.concat([Buffer.from(random.pick(['[', '('])), randomKey(random)]);
}

function randomLimit(random: SeededRandom): string[] {
  if (random.chance(0.5)) return [];
  const integers = ['0', '1', '3', '10', '-1', '1000', '9223372036854775807', 'x', ''];
  return ['LIMIT', random.pick(integers), random.pick(integers)];
}

/** What is ordered: keys, or the elements of the collection at key `c`. */
interface Order {
  readonly letter: 'K' | 'H' | 'S';
  /** Arguments before the others. */
  readonly at: readonly Word[];
  readonly add: (name: Buffer) => readonly Word[];
  readonly remove: string;
  /** Counts what there is. */
  readonly count: readonly Word[];
}

const orders: readonly Order[] = [
  { letter: 'K', at: [], add: (key) => ['SETNX', key, 'v'], remove: 'DEL', count: ['DBSIZE'] },
  {
    letter: 'H',
    at: ['c'],
    add: (field) => ['HSETNX', 'c', field, 'v'],
    remove: 'HDEL',
    count: ['HLEN', 'c'],
  },
  {
    letter: 'S',
    at: ['c'],
    add: (member) => ['SADD', 'c', member],
    remove: 'SREM',
    count: ['SCARD', 'c'],
  },
];

function write(random: SeededRandom, order: Order): Pair {
  const key = randomKey(random);
  if (order.letter === 'K' && random.chance(0.005)) {
    const [low, high] = [randomBound(random), randomBound(random)];
    const redis = ['ZREMRANGEBYLEX', 'z', low, high];
    return { name: 'KDELRANGE', dhash: ['KDELRANGE', low, high], redis };
  }
  if (random.chance(0.2)) {
    const { at, remove } = order;
    return { name: remove, dhash: [remove, ...at, key], redis: ['ZREM', 'z', key] };
  }
  return { name: 'ADD', dhash: order.add(key), redis: ['ZADD', 'z', '0', key] };
}

function query(random: SeededRandom, { at, letter }: Order): Pair {
  const [low, high] = [randomBound(random), randomBound(random)];
  const key = randomKey(random);
  const limit = randomLimit(random);
  const index = random.pick(['0', '1', '-1', '-2', '7', '100000', '-100000']);
  const pair = (name: string, words: readonly Word[], redis: readonly Word[]): (() => Pair) => {
    return () => ({ name, dhash: [`${letter}${name}`, ...at, ...words], redis });
  };
  return random.pick<() => Pair>([
    pair('RANGE', [low, high, ...limit], ['ZRANGEBYLEX', 'z', low, high, ...limit]),
    pair('RANGE', [low, high, 'REV', ...limit], ['ZREVRANGEBYLEX', 'z', high, low, ...limit]),
    pair('COUNT', [low, high], ['ZLEXCOUNT', 'z', low, high]),
    pair('RANK', [key], ['ZRANK', 'z', key]),
    pair('REVRANK', [key], ['ZREVRANK', 'z', key]),
    pair('NTH', [index], ['ZRANGE', 'z', index, index]),
    pair('NEXT', [key], after(key, 'ZRANGEBYLEX', '+')),
    pair('PREV', [key], after(key, 'ZREVRANGEBYLEX', '-')),
  ])();
}

function after(key: Buffer, command: string, end: string): Word[] {
  return [command, 'z', Buffer.concat([Buffer.from('('), key]), end, 'LIMIT', '0', '1'];
}

/** NTH, NEXT and PREV answer with one or nil, the ranges beside them with a list. */
async function ask(client: RespClient, words: readonly Word[], isOne: boolean): Promise<string> {
  const reply = await client.call(...words);
  if (!isOne || reply.mark !== '*') return show(reply);
  const only = reply.items?.[0];
  return only === undefined ? '$nil' : show(only);
}

for (const order of orders) {
  t.test(`${order.letter} commands answer as Z commands do (seed ${seed})`, async (t) => {
    await Promise.all([dhash.call('FLUSHALL'), redis.call('FLUSHALL')]);
    let differences = 0;
    let most = 0;
    for (let round = 0; round < rounds && differences < 5; round++) {
      if (round % 100 === 0) {
        most = Math.max(most, Number(plain(await dhash.call(...order.count))));
      }
      const pairs = [write(random, order), write(random, order)];
      for (let i = 0; i < queriesPerRound; i++) pairs.push(query(random, order));
      for (const { name, dhash: ours, redis: theirs } of pairs) {
        const isOne = /^(NTH|NEXT|PREV)$/.test(name);
        const [actual, expected] = await Promise.all([
          ask(dhash, ours, false),
          ask(redis, theirs, isOne),
        ]);
        if (actual === expected) continue;
        differences++;
        t.equal(actual, expected, ours.map((word) => word.toString('latin1')).join(' '));
      }
    }
    t.equal(differences, 0);
    t.ok(most > 100, `there were up to ${most} to range over`);
  });
}
