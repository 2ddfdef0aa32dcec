/** Keys whatever they hold, and OBJECT. Replies are those of redis-server 7.0.15. */
import t from 'tap';
import { localClient } from '../support/local.js';
import { NOT_INTEGER, OK, SYNTAX, testRows } from './rows.js';

const NO_KEY = '-ERR no such key';
const NOT_LFU =
  '-ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that ' +
  'when switching between policies at runtime LRU and LFU data will take some time to adjust.';
const NOT_LRU =
  '-ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that ' +
  'when switching between policies at runtime LRU and LFU data will take some time to adjust.';
const SAME = '-ERR source and destination objects are the same';
const NO_DATABASE = '-ERR DB index is out of range';
const NO_INT = '-ERR value is out of range, value must between -2147483648 and 2147483647';

testRows('keys', [
  [
    'DEL and UNLINK',
    ['MSET a 1 b 2 c 3', OK],
    ['DEL a b b x', 2],
    ['UNLINK c x', 1],
    ['DBSIZE', 0],
  ],
  ['EXISTS and TOUCH', ['MSET a 1 b 2', OK], ['EXISTS a a b x', 3], ['TOUCH a a b x', 3]],
  ['TYPE', ['TYPE a', 'none'], ['SET a 1', OK], ['TYPE a', 'string']],
  [
    'RENAME',
    ['RENAME a b', NO_KEY],
    ['RENAME a a', NO_KEY],
    ['SET a 1 EX 9', OK],
    ['RENAME a a', OK],
    ['SET b 2', OK],
    ['RENAME a b', OK],
    ['GET b', '1'],
    ['TTL b', 9],
    ['EXISTS a', 0],
  ],
  [
    'RENAME to a key that expires',
    ['SET a 1', OK],
    ['SET b 2 EX 9', OK],
    ['RENAME a b', OK],
    ['TTL b', -1],
  ],
  [
    'RENAMENX',
    ['MSET a 1 b 2', OK],
    ['RENAMENX a b', 0],
    ['RENAMENX a a', 0],
    ['RENAMENX a c', 1],
    ['GET c', '1'],
    ['RENAMENX x c', NO_KEY],
  ],
  [
    'COPY',
    ['COPY a b', 0],
    ['SET a 1 EX 9', OK],
    ['COPY a b', 1],
    ['TTL b', 9],
    ['SET a 2', OK],
    ['COPY a b', 0],
    ['GET b', '1'],
    ['COPY a b REPLACE', 1],
    ['GET b', '2'],
    ['TTL b', -1],
    ['COPY a a', SAME],
    ['COPY x x', SAME],
    ['COPY a a DB 1', 1],
    ['COPY a c DB 1 REPLACE', 1],
    ['SELECT 1', OK],
    ['MGET a c', ['2', '2']],
    ['COPY a b DB 99', NO_DATABASE],
    ['COPY a b DB -1', NO_DATABASE],
    ['COPY a b DB x', NOT_INTEGER],
    ['COPY a b DB 99999999999', NO_INT],
    ['COPY a b DB', SYNTAX],
    ['COPY a b foo', SYNTAX],
  ],
  [
    'MOVE',
    ['MOVE a 1', 0],
    ['SET a 1 EX 9', OK],
    ['MOVE a 0', SAME],
    ['MOVE a 99', NO_DATABASE],
    ['MOVE a x', NOT_INTEGER],
    ['MOVE a 2', 1],
    ['EXISTS a', 0],
    ['SET a 2', OK],
    ['MOVE a 2', 0],
    ['SELECT 2', OK],
    ['GET a', '1'],
    ['TTL a', 9],
  ],
  [
    'SWAPDB',
    ['SET a 1', OK],
    ['SWAPDB 0 1', OK],
    ['EXISTS a', 0],
    ['SELECT 1', OK],
    ['GET a', '1'],
    ['SWAPDB 1 1', OK],
    ['SWAPDB x 1', '-ERR invalid first DB index'],
    ['SWAPDB 1 99999999999', '-ERR invalid second DB index'],
    ['SWAPDB 1 99', NO_DATABASE],
  ],
  [
    'FLUSHDB and FLUSHALL',
    ['SET a 1', OK],
    ['SELECT 1', OK],
    ['SET b 1', OK],
    ['FLUSHDB ASYNC', OK],
    ['DBSIZE', 0],
    ['SELECT 0', OK],
    ['DBSIZE', 1],
    ['FLUSHALL sync', OK],
    ['DBSIZE', 0],
    ['FLUSHDB foo', SYNTAX],
    ['FLUSHALL SYNC SYNC', SYNTAX],
  ],
  [
    'RANDOMKEY',
    ['RANDOMKEY', null],
    ['SET a 1 PX 5', OK],
    ['RANDOMKEY', 'a'],
    5,
    ['RANDOMKEY', null],
  ],
]);

testRows('OBJECT', [
  [
    'ENCODING',
    ['OBJECT ENCODING a', null],
    ['SET a 123', OK],
    ['OBJECT ENCODING a', 'int'],
    ['SET a 9223372036854775807', OK],
    ['OBJECT ENCODING a', 'int'],
    ['SET a 9223372036854775808', OK],
    ['OBJECT ENCODING a', 'embstr'],
    ['SET a 0123', OK],
    ['OBJECT ENCODING a', 'embstr'],
    [['SET', 'a', 'x'.repeat(44)], OK],
    ['OBJECT ENCODING a', 'embstr'],
    [['SET', 'a', 'x'.repeat(45)], OK],
    ['OBJECT ENCODING a', 'raw'],
    ['SET a 1', OK],
    ['APPEND a 2', 2],
    ['OBJECT ENCODING a', 'raw'],
    ['RENAME a b', OK],
    ['OBJECT ENCODING b', 'raw'],
    ['INCR b', 13],
    ['OBJECT ENCODING b', 'int'],
    ['APPEND c 12', 2],
    ['OBJECT ENCODING c', 'int'],
    ['INCRBYFLOAT c 1', '13'],
    ['OBJECT ENCODING c', 'embstr'],
    ['COPY c d', 1],
    ['OBJECT ENCODING d', 'embstr'],
    ['SETRANGE e 0 1', 1],
    ['OBJECT ENCODING e', 'raw'],
  ],
  [
    'REFCOUNT',
    ['SET a 9999', OK],
    ['OBJECT REFCOUNT a', 2147483647],
    ['SET a 10000', OK],
    ['OBJECT REFCOUNT a', 1],
    ['OBJECT REFCOUNT x', null],
  ],
  [
    'IDLETIME',
    ['SET a 1', OK],
    5_000,
    ['OBJECT IDLETIME a', 5],
    ['TTL a', -1],
    ['EXISTS a', 1],
    ['OBJECT IDLETIME a', 5],
    ['GET a', '1'],
    ['OBJECT IDLETIME a', 0],
    ['OBJECT IDLETIME x', null],
  ],
  [
    'bad input',
    ['OBJECT FOO a', "-ERR unknown subcommand 'FOO'. Try OBJECT HELP."],
    ['OBJECT ENCODING', "-ERR wrong number of arguments for 'object|encoding' command"],
    ['OBJECT FREQ x', null],
    ['SET a 1', OK],
    ['OBJECT FREQ a', NOT_LFU],
  ],
]);

testRows(
  'OBJECT FREQ',
  [
    ['a new key', ['SET a 1', OK], ['OBJECT FREQ a', 5]],
    [
      'IDLETIME is not kept',
      ['SET a 1', OK],
      ['OBJECT IDLETIME a', NOT_LRU],
      ['OBJECT IDLETIME x', null],
    ],
  ],
  (settings) => {
    settings.maxmemoryPolicy = 'allkeys-lfu';
  },
);

t.test('RANDOMKEY finds every key about equally often', async (t) => {
  const client = await localClient();
  const counts = new Map<string, number>();
  for (let i = 0; i < 10; i += 1) client.send('SET', `key:${i}`, '1');
  for (let i = 0; i < 1000; i += 1) {
    const key = client.send('RANDOMKEY') as string;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  t.equal(counts.size, 10);
  t.ok(Math.min(...counts.values()) > 50);
});
