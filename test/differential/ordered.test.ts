/**
 * The ordered keyspace against a real server's sorted set of equal scores, which Redis orders by
 * bytes too: the keys of dhash are the members there, and each K command has its Z command.
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

const rounds = 3000;
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

function write(random: SeededRandom): Pair {
  const key = randomKey(random);
  if (random.chance(0.005)) {
    const [low, high] = [randomBound(random), randomBound(random)];
    const redis = ['ZREMRANGEBYLEX', 'z', low, high];
    return { name: 'KDELRANGE', dhash: ['KDELRANGE', low, high], redis };
  }
  if (random.chance(0.2)) return { name: 'DEL', dhash: ['DEL', key], redis: ['ZREM', 'z', key] };
  return { name: 'SETNX', dhash: ['SETNX', key, 'v'], redis: ['ZADD', 'z', '0', key] };
}

function query(random: SeededRandom): Pair {
  const [low, high] = [randomBound(random), randomBound(random)];
  const key = randomKey(random);
  const limit = randomLimit(random);
  const index = random.pick(['0', '1', '-1', '-2', '7', '100000', '-100000']);
  return random.pick<() => Pair>([
    () => ({
      name: 'KRANGE',
      dhash: ['KRANGE', low, high, ...limit],
      redis: ['ZRANGEBYLEX', 'z', low, high, ...limit],
    }),
    () => ({
      name: 'KRANGE REV',
      dhash: ['KRANGE', low, high, 'REV', ...limit],
      redis: ['ZREVRANGEBYLEX', 'z', high, low, ...limit],
    }),
    () => ({
      name: 'KCOUNT',
      dhash: ['KCOUNT', low, high],
      redis: ['ZLEXCOUNT', 'z', low, high],
    }),
    () => ({ name: 'KRANK', dhash: ['KRANK', key], redis: ['ZRANK', 'z', key] }),
    () => ({ name: 'KREVRANK', dhash: ['KREVRANK', key], redis: ['ZREVRANK', 'z', key] }),
    () => ({ name: 'KNTH', dhash: ['KNTH', index], redis: ['ZRANGE', 'z', index, index] }),
    () => ({ name: 'KNEXT', dhash: ['KNEXT', key], redis: after(key, 'ZRANGEBYLEX', '+') }),
    () => ({ name: 'KPREV', dhash: ['KPREV', key], redis: after(key, 'ZREVRANGEBYLEX', '-') }),
  ])();
}

function after(key: Buffer, command: string, end: string): Word[] {
  return [command, 'z', Buffer.concat([Buffer.from('('), key]), end, 'LIMIT', '0', '1'];
}

/** KNTH, KNEXT and KPREV answer with a key or nil, the ranges beside them with a list. */
async function ask(client: RespClient, words: readonly Word[], isOne: boolean): Promise<string> {
  const reply = await client.call(...words);
  if (!isOne || reply.mark !== '*') return show(reply);
  const only = reply.items?.[0];
  return only === undefined ? '$nil' : show(only);
}

t.test(`K commands answer as Z commands do (seed ${seed})`, async (t) => {
  let differences = 0;
  let keysMost = 0;
  for (let round = 0; round < rounds && differences < 5; round++) {
    if (round % 100 === 0) keysMost = Math.max(keysMost, Number(plain(await dhash.call('DBSIZE'))));
    const pairs = [write(random), write(random)];
    for (let i = 0; i < queriesPerRound; i++) pairs.push(query(random));
    for (const { name, dhash: ours, redis: theirs } of pairs) {
      const isOne = /^(KNTH|KNEXT|KPREV)$/.test(name);
      const [actual, expected] = await Promise.all([
        ask(dhash, ours, false),
        ask(redis, theirs, isOne),
      ]);
      if (actual === expected) continue;
      differences++;
      t.equal(actual, expected, `${name} ${ours.map((word) => word.toString('latin1')).join(' ')}`);
    }
  }
  t.equal(differences, 0);
  t.ok(keysMost > 100, `there were up to ${keysMost} keys to range over`);
});
