/**
 * Random scripts for several connections: subscriptions, messages, keyspace events, caches and
 * transactions in any order. Nothing in them depends on time, so that a seed is a transcript.
 * No MGET, of which Redis 7.0 tells in the middle of the reply that a key has expired, and no WATCH,
 * at which dhash takes away what has expired.
 */
import type { SeededRandom } from '../support/random.js';

type Make = (random: SeededRandom) => string;

const peers = ['a', 'b', 'c', 'd'];
const channel: Make = (random) => random.pick(['x', 'y', '__keyevent@0__:set', '""']);
const pattern: Make = (random) => random.pick(['*', 'x*', '[xy]', '__key*__:*', '__key*__:k*']);
const key: Make = (random) => random.pick(['k', 'k2', 'l', 'h', '""']);
const classes: Make = (random) => random.pick(['""', 'KEA', 'KEAnm', 'E$h', 'Kg', 'KEx', 'A']);
const place: Make = (random) => random.pick(['0', '0', '1']);

function text(...parts: readonly (string | Make)[]): Make {
  return (random) =>
    parts.map((part) => (typeof part === 'string' ? part : part(random))).join(' ');
}

function oneOf(...makes: readonly (string | Make)[]): Make {
  return (random) => text(random.pick(makes))(random);
}

/** With that many words more. */
function some(word: Make, most: number): Make {
  return (random) => Array.from({ length: random.between(1, most) }, () => word(random)).join(' ');
}

const subscribing = oneOf(
  text('SUBSCRIBE', some(channel, 3)),
  text('PSUBSCRIBE', some(pattern, 2)),
  text('SSUBSCRIBE', some(channel, 2)),
  text('UNSUBSCRIBE', channel),
  text('PUNSUBSCRIBE', pattern),
  text('SUNSUBSCRIBE', channel),
  oneOf('UNSUBSCRIBE', 'PUNSUBSCRIBE', 'SUNSUBSCRIBE', 'RESET'),
);

const publishing = oneOf(
  text('PUBLISH', channel, 'message'),
  text('SPUBLISH', channel, 'message'),
  text('PUBSUB NUMSUB', some(channel, 3)),
  text('PUBSUB SHARDNUMSUB', some(channel, 3)),
  'PUBSUB NUMPAT',
);

const writing = oneOf(
  text('SET', key, '1'),
  text('SET', key, '1 PX 100000'),
  text('SET', key, '1 PXAT 1'),
  text('MSET', key, '1', key, '2'),
  text('APPEND', key, 'x'),
  text('INCR', key),
  text('HSET', key, 'f 1 g 2'),
  text('HDEL', key, 'f g'),
  text('DEL', some(key, 3)),
  text('UNLINK', key),
  text('EXPIRE', key, '-1'),
  text('EXPIRE', key, '1000'),
  text('PERSIST', key),
  text('GETDEL', key),
  text('GETEX', key, 'EX 1000'),
  text('RENAME', key, key),
  text('RENAMENX', key, key),
  text('COPY', key, key, 'REPLACE'),
  text('MOVE', key, place),
  oneOf('FLUSHDB', 'FLUSHALL', 'SWAPDB 0 1'),
);

const reading = oneOf(
  text('GET', key),
  text('HGET', key, 'f'),
  text('HGETALL', key),
  text('EXISTS', some(key, 2)),
  text('TTL', key),
  text('TYPE', key),
);

const caching = oneOf(
  'CLIENT TRACKING ON',
  'CLIENT TRACKING ON NOLOOP',
  'CLIENT TRACKING ON OPTIN',
  'CLIENT TRACKING ON OPTOUT',
  'CLIENT TRACKING ON BCAST',
  'CLIENT TRACKING ON BCAST NOLOOP PREFIX k PREFIX h',
  'CLIENT TRACKING OFF',
  'CLIENT CACHING YES',
  'CLIENT CACHING NO',
  'CLIENT TRACKINGINFO',
  'CLIENT INFO',
);

const other = oneOf(
  text('SELECT', place),
  text('CONFIG SET notify-keyspace-events', classes),
  'HELLO 2',
  'HELLO 3',
);

const anything: Make = (random) => {
  const x = random.float();
  if (x < 0.17) return subscribing(random);
  if (x < 0.27) return publishing(random);
  if (x < 0.57) return writing(random);
  if (x < 0.77) return reading(random);
  return x < 0.9 ? caching(random) : other(random);
};

/** A script for `runScript`. */
export function randomScript(random: SeededRandom, stepCount: number): string {
  const lines = ['d: CONFIG SET notify-keyspace-events KEA'];
  while (lines.length < stepCount) {
    const peer = random.pick(peers);
    const x = random.float();
    if (x < 0.03) {
      const target = random.pick(peers);
      lines.push(`${target}: PING`, `${peer}: CLIENT TRACKING ON REDIRECT $${target}`);
    } else if (x < 0.05) {
      lines.push(`${peer}: PING`, `${peer} closes`);
    } else if (x < 0.12) {
      lines.push(...transaction(random, peer));
    } else {
      lines.push(`${peer}: ${pipeline(random)}`);
    }
  }
  return lines.join('\n');
}

/** One to three commands in one write. */
function pipeline(random: SeededRandom): string {
  return Array.from({ length: random.between(1, 3) }, () => anything(random)).join('; ');
}

function transaction(random: SeededRandom, peer: string): string[] {
  const body = Array.from({ length: random.between(1, 4) }, () => {
    const make = random.pick([publishing, writing, reading]);
    return `${peer}: ${make(random)}`;
  });
  return [
    `${peer}: RESET`,
    `${peer}: MULTI`,
    ...body,
    `${peer}: ${random.chance(0.8) ? 'EXEC' : 'DISCARD'}`,
  ];
}
