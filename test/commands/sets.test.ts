/** Sets. Replies are those of redis-server 7.0.15, encodings those of 7.2. */
import t from 'tap';
import { ReplySet } from '../../resp/reply-parser.js';
import { localClient } from '../support/local.js';
import { NOT_INTEGER, OK, SYNTAX, testRows } from './rows.js';

const WRONG_TYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value';
const NOT_POSITIVE = '-ERR value is out of range, must be positive';
const MAX = '9223372036854775807';

testRows('members', [
  [
    'SADD, SREM, SCARD, SMEMBERS in the order of members',
    ['SADD s b a', 2],
    ['SADD s b c c', 1],
    ['SMEMBERS s', ['a', 'b', 'c']],
    ['SMEMBERS x', []],
    ['SCARD s', 3],
    ['SCARD x', 0],
    ['SREM s b x b', 1],
    ['SMEMBERS s', ['a', 'c']],
    ['SREM x a', 0],
    ['TYPE s', 'set'],
  ],
  ['an empty member', [['SADD', 's', ''], 1], [['SISMEMBER', 's', ''], 1]],
  [
    'SISMEMBER and SMISMEMBER',
    ['SADD s a', 1],
    ['SISMEMBER s a', 1],
    ['SISMEMBER s b', 0],
    ['SISMEMBER x a', 0],
    ['SMISMEMBER s a b a', [1, 0, 1]],
    ['SMISMEMBER x a b', [0, 0]],
  ],
  [
    'SREM of the last member removes the key',
    ['SADD s a b', 2],
    ['EXPIRE s 100', 1],
    ['SREM s a', 1],
    ['TTL s', 100],
    ['SREM s b a', 1],
    ['EXISTS s', 0],
    ['DBSIZE', 0],
    ['SADD s a', 1],
    ['TTL s', -1],
  ],
  [
    'SMOVE',
    ['SADD s a b', 2],
    ['SMOVE s d a', 1],
    ['SMOVE s d a', 0],
    ['SMOVE s s b', 1],
    ['SMOVE s s x', 0],
    ['SMEMBERS s', ['b']],
    ['SADD d b', 1],
    ['SMOVE s d b', 1],
    ['EXISTS s', 0],
    ['SMEMBERS d', ['a', 'b']],
    ['SMOVE s d b', 0],
  ],
  [
    'wrong types',
    ['SET str 1', OK],
    ['SADD str a', WRONG_TYPE],
    ['SREM str a', WRONG_TYPE],
    ['SMEMBERS str', WRONG_TYPE],
    ['SISMEMBER str a', WRONG_TYPE],
    ['SMISMEMBER str a', WRONG_TYPE],
    ['SCARD str', WRONG_TYPE],
    ['SPOP str', WRONG_TYPE],
    ['SPOP str 1', WRONG_TYPE],
    ['SRANDMEMBER str', WRONG_TYPE],
    ['SRANDMEMBER str 1', WRONG_TYPE],
    ['SSCAN str 0', WRONG_TYPE],
    ['SMOVE x str a', 0],
    ['SMOVE str x a', WRONG_TYPE],
    ['SADD s a', 1],
    ['SMOVE s str a', WRONG_TYPE],
    ['SISMEMBER s a', 1],
    ['SINTER s str', WRONG_TYPE],
    ['SINTER x str', WRONG_TYPE],
    ['SUNION s str', WRONG_TYPE],
    ['SDIFF x str', WRONG_TYPE],
    ['SINTERSTORE d s str', WRONG_TYPE],
    ['SINTERCARD 2 s str', WRONG_TYPE],
    ['HSET s a 1', WRONG_TYPE],
    ['GET s', WRONG_TYPE],
  ],
  [
    'members too long for a tree',
    [['SADD', 's', 'x'.repeat(65_536)], 1],
    [
      ['SADD', 's', 'a', 'x'.repeat(65_537)],
      '-ERR field or member is too long: at most 65536 bytes, not applied',
    ],
    ['SCARD s', 1],
    [['SISMEMBER', 's', 'x'.repeat(65_537)], 0],
    [['SREM', 's', 'x'.repeat(65_537)], 0],
    [['SCARD', 'x'.repeat(65_537)], 0],
    [['SMEMBERS', 'x'.repeat(65_537)], []],
    [['SUNION', 'x'.repeat(65_537)], []],
  ],
  [
    'keys as wholes',
    ['SADD s a b', 2],
    ['RENAME s d', OK],
    ['COPY d e', 1],
    ['SADD d c', 1],
    ['SMEMBERS e', ['a', 'b']],
    ['PEXPIRE e 10', 1],
    10,
    ['SMEMBERS e', []],
    ['SADD e 1', 1],
    ['PTTL e', -1],
  ],
  [
    'transactions',
    ['SADD s a b', 2],
    ['WATCH s', OK],
    ['SREM s a', 1],
    ['MULTI', OK],
    ['SADD s c', 'QUEUED'],
    ['EXEC', null],
    ['MULTI', OK],
    ['SUNIONSTORE d s s', 'QUEUED'],
    ['SMEMBERS d', 'QUEUED'],
    ['SSCAN d 0', 'QUEUED'],
    ['SPOP d 5', 'QUEUED'],
    ['EXEC', [1, ['b'], ['0', ['b']], ['b']]],
  ],
]);

testRows('SPOP and SRANDMEMBER', [
  [
    'SPOP',
    ['SPOP s', null],
    ['SPOP s 2', []],
    ['SADD s a', 1],
    ['SPOP s 0', []],
    ['SPOP s', 'a'],
    ['EXISTS s', 0],
    ['SADD s a b', 2],
    ['SPOP s 3', ['a', 'b']],
    ['EXISTS s', 0],
    ['SPOP s -1', NOT_POSITIVE],
    ['SPOP s x', NOT_POSITIVE],
    ['SPOP s 9223372036854775808', NOT_POSITIVE],
    ['SPOP s 1 2', SYNTAX],
  ],
  [
    'SRANDMEMBER',
    ['SRANDMEMBER s', null],
    ['SRANDMEMBER s 3', []],
    ['SADD s a', 1],
    ['SRANDMEMBER s', 'a'],
    ['SRANDMEMBER s 3', ['a']],
    ['SRANDMEMBER s -3', ['a', 'a', 'a']],
    ['SRANDMEMBER s 0', []],
    ['SRANDMEMBER s 1 2', SYNTAX],
    ['SRANDMEMBER s x', NOT_INTEGER],
    [
      'SRANDMEMBER s -9223372036854775808',
      `-ERR value is out of range, value must between -${MAX} and ${MAX}`,
    ],
  ],
]);

testRows('SINTER, SUNION, SDIFF', [
  [
    'without a target',
    ['SADD a 1 2 3 4', 4],
    ['SADD b 2 3 5', 3],
    ['SADD c 3 6', 2],
    ['SINTER a', ['1', '2', '3', '4']],
    ['SINTER a b', ['2', '3']],
    ['SINTER a b c', ['3']],
    ['SINTER a x', []],
    ['SINTER a a', ['1', '2', '3', '4']],
    ['SUNION a b c', ['1', '2', '3', '4', '5', '6']],
    ['SUNION x y', []],
    ['SDIFF a', ['1', '2', '3', '4']],
    ['SDIFF a b', ['1', '4']],
    ['SDIFF a b c x', ['1', '4']],
    ['SDIFF a a', []],
    ['SDIFF x a', []],
  ],
  [
    'SINTERCARD',
    ['SADD a 1 2 3 4', 4],
    ['SADD b 2 3 4', 3],
    ['SINTERCARD 2 a b', 3],
    ['SINTERCARD 2 a b LIMIT 2', 2],
    ['SINTERCARD 2 a b limit 0', 3],
    ['SINTERCARD 2 a b LIMIT 9', 3],
    ['SINTERCARD 2 a x', 0],
    ['SINTERCARD 1 a b', SYNTAX],
    ['SINTERCARD 2 a b LIMIT', SYNTAX],
    ['SINTERCARD 2 a b LIMIT -1', "-ERR LIMIT can't be negative"],
    ['SINTERCARD 2 a b LIMIT x', "-ERR LIMIT can't be negative"],
    ['SINTERCARD 0 a', '-ERR numkeys should be greater than 0'],
    ['SINTERCARD x a', '-ERR numkeys should be greater than 0'],
    ['SINTERCARD 3 a b', "-ERR Number of keys can't be greater than number of args"],
  ],
  [
    'with a target',
    ['SADD a 1 2 3', 3],
    ['SADD b 2 3 5', 3],
    ['SET d x', OK],
    ['EXPIRE d 100', 1],
    ['SINTERSTORE d a b', 2],
    ['TTL d', -1],
    ['SMEMBERS d', ['2', '3']],
    ['SUNIONSTORE d a b', 4],
    ['SDIFFSTORE a a b', 1],
    ['SMEMBERS a', ['1']],
    ['SDIFFSTORE d a a', 0],
    ['EXISTS d', 0],
    ['SINTERSTORE d x b', 0],
    ['SUNIONSTORE b x y', 0],
    ['EXISTS b', 0],
  ],
  [
    'a difference from many small sets',
    ['SADD a 1 2 3 4 5 6 7 8', 8],
    ['SADD b 1 2 3 4', 4],
    ['SADD c 5', 1],
    ['SDIFFSTORE d a c c c c c b c', 3],
    ['SMEMBERS d', ['6', '7', '8']],
    ['SADD e 6 7 8', 3],
    ['SDIFFSTORE d a b c e c c c c', 0],
    ['EXISTS d', 0],
  ],
]);

testRows(
  'OBJECT ENCODING of a set',
  [
    [
      'integers',
      ['SADD s 1 -9223372036854775808', 2],
      ['OBJECT ENCODING s', 'intset'],
      ['SADD s 01', 1],
      ['OBJECT ENCODING s', 'listpack'],
      ['SREM s 01', 1],
      ['OBJECT ENCODING s', 'listpack'],
      ['SREM s 1 -9223372036854775808', 2],
      ['SADD s 1', 1],
      ['OBJECT ENCODING s', 'intset'],
    ],
    [
      'too many integers',
      ['SADD s 1 2 3 4', 4],
      ['OBJECT ENCODING s', 'intset'],
      ['SADD s 5', 1],
      ['OBJECT ENCODING s', 'hashtable'],
    ],
    [
      'too many members',
      ['SADD s a b c', 3],
      ['OBJECT ENCODING s', 'listpack'],
      ['SADD s d', 1],
      ['OBJECT ENCODING s', 'hashtable'],
      ['SREM s a b c', 3],
      ['OBJECT ENCODING s', 'hashtable'],
    ],
    ['too long a member', ['SADD s 1 abcde', 2], ['OBJECT ENCODING s', 'hashtable']],
    [
      'a text among too many integers',
      ['SADD s 1 2 3', 3],
      ['SADD s a', 1],
      ['OBJECT ENCODING s', 'hashtable'],
    ],
    [
      'SADD of many at once, however often they repeat',
      ['SADD s 1 1 1 1 1', 1],
      ['OBJECT ENCODING s', 'hashtable'],
      ['SADD r a a a a', 1],
      ['OBJECT ENCODING r', 'hashtable'],
      ['SADD q 1', 1],
      ['SADD q 1 1 1 1 1', 0],
      ['OBJECT ENCODING q', 'hashtable'],
      ['SADD p a', 1],
      ['SADD p a a a a', 0],
      ['OBJECT ENCODING p', 'hashtable'],
    ],
    [
      'what is stored',
      ['SADD s 1 2 3 a b', 5],
      ['OBJECT ENCODING s', 'hashtable'],
      ['SADD i 1 2 3', 3],
      ['SINTERSTORE d s i', 3],
      ['OBJECT ENCODING d', 'intset'],
      ['SDIFFSTORE d s i', 2],
      ['OBJECT ENCODING d', 'listpack'],
      ['SUNIONSTORE d s i', 5],
      ['OBJECT ENCODING d', 'hashtable'],
      ['COPY s c', 1],
      ['OBJECT ENCODING c', 'hashtable'],
      ['RENAME i j', OK],
      ['OBJECT ENCODING j', 'intset'],
    ],
  ],
  (settings) => {
    settings.setMaxIntsetEntries = 4;
    settings.setMaxListpackEntries = 3;
    settings.setMaxListpackValue = 4;
  },
);

testRows('SSCAN', [
  [
    'a small set is told whole',
    ['SADD s a ab b', 3],
    ['SSCAN s 0 COUNT 1', ['0', ['a', 'ab', 'b']]],
    ['SSCAN s 0 MATCH a*', ['0', ['a', 'ab']]],
    ['SSCAN x 0', ['0', []]],
    ['SSCAN s x', '-ERR invalid cursor'],
    ['SSCAN s +', '-ERR invalid cursor'],
    ['SSCAN s 18446744073709551616', '-ERR invalid cursor'],
    ['SSCAN s +00', ['0', ['a', 'ab', 'b']]],
    ['SSCAN s 0 COUNT 0', SYNTAX],
    ['SSCAN s 0 TYPE set', SYNTAX],
  ],
]);

t.test('SPOP and SRANDMEMBER find every member about equally often', async (t) => {
  const client = await localClient();
  const counts = new Map<string, number>();
  const count = (member: string): unknown => counts.set(member, (counts.get(member) ?? 0) + 1);
  const members = Array.from({ length: 10 }, (_, i) => `m${i}`);
  for (let i = 0; i < 300; i += 1) {
    client.send('SADD', 's', ...members);
    const popped = client.send('SPOP', 's', '2') as string[];
    t.equal(new Set(popped).size, 2);
    for (const member of [...popped, client.text('SPOP', 's')]) count(member);
    t.equal(client.send('SCARD', 's'), 7);
  }
  client.send('SADD', 's', ...members);
  for (const member of client.send('SRANDMEMBER', 's', '-900') as string[]) count(member);
  t.equal(counts.size, 10);
  t.ok(Math.min(...counts.values()) > 120 && Math.max(...counts.values()) < 240);
});

t.test('RESP3 sets', async (t) => {
  const client = await localClient();
  client.send('HELLO', '3');
  client.send('SADD', 's', 'a');
  const rows = [
    'SMEMBERS s',
    'SINTER s',
    'SUNION s',
    'SDIFF s',
    'SINTER s x',
    'SPOP s 1',
    'SPOP x 1',
  ];
  for (const row of rows) t.ok(client.sendRaw(...row.split(' ')) instanceof ReplySet, row);
  client.send('SADD', 's', 'a');
  t.same(client.send('SRANDMEMBER', 's', '1'), ['a'], 'an array');
});
