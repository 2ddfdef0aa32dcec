/** HyperLogLog. Replies are those of redis-server 7.0.15; its bytes are compared with ours. */
import t from 'tap';
import { localClient } from '../support/local.js';
import { type SeededRandom, seededRandom, seedOfRun } from '../support/random.js';
import { startRedis } from '../support/server-process.js';
import { OK, testRows } from './rows.js';

const WRONG_TYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value';
const NOT_HLL = '-WRONGTYPE Key is not a valid HyperLogLog string value.';
const CORRUPT = '-INVALIDOBJ Corrupted HLL object detected';

function hyperLogLog(encoding: number, registers: number[] | Buffer, stale = 0x80): Buffer {
  const header = Buffer.alloc(16);
  header.write('HYLL');
  header[4] = encoding;
  header[15] = stale;
  return Buffer.concat([header, Buffer.from(registers)]);
}

const EMPTY = hyperLogLog(1, [0x7f, 0xff]);
const SHORT = hyperLogLog(1, [0x7f, 0xfe]);
/** The last run says more registers than are left. */
const LONG = hyperLogLog(1, [0x7f, 0xfe, 0x81]);
const FULL = hyperLogLog(0, Buffer.alloc(12288, 0xff));

testRows('HyperLogLog', [
  ['nothing', ['PFCOUNT a', 0], ['PFCOUNT a b', 0], ['EXISTS a', 0]],
  [
    'add and count',
    ['PFADD a x y z', 1],
    ['PFADD a x y', 0],
    ['PFCOUNT a', 3],
    ['TYPE a', 'string'],
    ['OBJECT ENCODING a', 'raw'],
  ],
  [
    'the count is kept in the value',
    ['PFADD a x y z', 1],
    ['GETRANGE a 8 15', '\0\0\0\0\0\0\0\x80'],
    ['PFCOUNT a', 3],
    ['GETRANGE a 8 15', '\x03\0\0\0\0\0\0\0'],
    ['PFADD a x', 0],
    ['GETRANGE a 8 15', '\x03\0\0\0\0\0\0\0'],
    [['SETRANGE', 'a', '8', Buffer.from([0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f])], 26],
    ['PFCOUNT a', 9_223_372_036_854_775_806n],
  ],
  ['a key of no elements', ['PFADD a', 1], ['PFADD a', 0], ['GET a', EMPTY.toString('latin1')]],
  ['expiry stays', ['PFADD a x', 1], ['EXPIRE a 100', 1], ['PFADD a y', 1], ['TTL a', 100]],
  [
    'merge',
    ['PFADD a x y', 1],
    ['PFADD b y z', 1],
    ['PFMERGE c a b nosuch', OK],
    ['PFCOUNT c', 3],
    ['PFCOUNT a b nosuch', 3],
    ['PFMERGE d', OK],
    ['PFCOUNT d', 0],
    ['EXPIRE c 100', 1],
    ['PFADD a w', 1],
    ['PFMERGE c a', OK],
    ['PFCOUNT c', 4],
    ['TTL c', 100],
  ],
  [
    'dense',
    ['PFADD a x', 1],
    ['PFDEBUG ENCODING a', 'sparse'],
    ['PFDEBUG DECODE a', 'Z:16374 v:2,1 z:9'],
    ['PFDEBUG TODENSE a', 1],
    ['PFDEBUG TODENSE a', 0],
    ['PFDEBUG ENCODING a', 'dense'],
    ['PFDEBUG DECODE a', '-ERR HLL encoding is not sparse'],
    ['STRLEN a', 12304],
    ['PFCOUNT a', 1],
    ['PFADD a x', 0],
    ['PFADD a y z', 1],
    ['PFCOUNT a', 3],
    ['PFADD b v', 1],
    ['PFMERGE b a', OK],
    ['PFDEBUG ENCODING b', 'dense'],
    ['PFCOUNT b', 4],
  ],
  [
    'wrong types and corrupt values: nothing changes',
    ['SET s hello', OK],
    ['PFADD s x', NOT_HLL],
    ['PFCOUNT s', NOT_HLL],
    ['PFMERGE a s', NOT_HLL],
    ['GET s', 'hello'],
    ['HSET h f v', 1],
    ['PFADD h x', WRONG_TYPE],
    ['PFCOUNT h', WRONG_TYPE],
    ['PFCOUNT a h', WRONG_TYPE],
    ['PFMERGE h a', WRONG_TYPE],
    [['SET', 'short', SHORT], OK],
    ['PFCOUNT short', CORRUPT],
    ['PFCOUNT short a', CORRUPT],
    ['PFMERGE a short', CORRUPT],
    ['PFDEBUG TODENSE short', CORRUPT],
    ['GET short', SHORT.toString('latin1')],
    [['SET', 'long', LONG], OK],
    ['PFADD b x', 1],
    ['PFCOUNT b', 1],
    ['PFCOUNT b long', CORRUPT],
    [['SET', 'long', hyperLogLog(1, [0x7f, 0xff, 0x81])], OK],
    ['PFCOUNT long', CORRUPT],
    [['SET', 'huge', hyperLogLog(1, Buffer.alloc(40_000))], OK],
    ['PFADD huge x', CORRUPT],
    ['PFCOUNT huge', CORRUPT],
    [['SET', 'odd', hyperLogLog(0, [1, 2, 3])], OK],
    ['PFCOUNT odd', NOT_HLL],
    [['SET', 'other', hyperLogLog(2, [0x7f, 0xff])], OK],
    ['PFCOUNT other', NOT_HLL],
    ['EXISTS a', 0],
  ],
  [
    'registers that no set can have',
    [['SET', 'a', FULL], OK],
    ['PFCOUNT a', -9_223_372_036_854_775_808n],
    ['PFCOUNT a a', -9_223_372_036_854_775_808n],
  ],
  [
    'PFDEBUG',
    ['PFDEBUG encoding a', '-ERR The specified key does not exist'],
    ['PFADD a x', 1],
    ['PFDEBUG foo a', "-ERR Unknown PFDEBUG subcommand 'foo'"],
    ['PFSELFTEST', OK],
  ],
]);

function elements(random: SeededRandom): string[] {
  const count = random.pick([0, 1, 3, 20, 400]);
  return Array.from({ length: count }, () => `${random.below(random.pick([50, 1000, 1e9]))}`);
}

t.test('the bytes are those of a real server', async (t) => {
  const redis = await startRedis();
  const other = await redis.connect();
  t.teardown(async () => {
    await other.close();
    await redis.stop();
  });
  const random = seededRandom(seedOfRun());
  const client = await localClient();
  const both = async (...command: string[]): Promise<boolean> => {
    const ours = JSON.stringify(client.send(...command));
    const theirs = await other.callPlain(...command);
    return ours === JSON.stringify(theirs instanceof Error ? `-${theirs.message}` : theirs);
  };
  for (let round = 0; round < 60; round += 1) {
    const sparseMax = random.pick(['0', '100', '1000', '3000', '12000']);
    const steps: string[][] = [
      ['CONFIG', 'SET', 'hll-sparse-max-bytes', sparseMax],
      ['DEL', 'a', 'b', 'c'],
    ];
    for (let step = 0; step < 15; step += 1) {
      const key = random.pick(['a', 'b', 'c']);
      const more = random.pick(['a', 'b', 'c']);
      steps.push(
        random.pick([
          ['PFADD', key, ...elements(random)],
          ['PFADD', key, ...elements(random)],
          ['PFMERGE', key, more],
          ['PFCOUNT', key],
          ['PFCOUNT', key, more],
          ['PFDEBUG', 'DECODE', key],
        ]),
        ['GET', key],
      );
    }
    for (const step of steps) {
      if (await both(...step)) continue;
      t.fail(`${step.slice(0, 3).join(' ')}, round ${round}, seed ${random.seed}`);
      return;
    }
  }
  t.pass('all alike');
});
