/** Hashes. Replies are those of redis-server 7.0.15. */
import t from 'tap';
import { ReplyMap } from '../../resp/reply-parser.js';
import { localClient } from '../support/local.js';
import { NOT_FLOAT, NOT_INTEGER, OK, SYNTAX, testRows } from './rows.js';

const WRONG_TYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value';
const OVERFLOW = '-ERR increment or decrement would overflow';
const NO_INTEGER_FIELD = '-ERR hash value is not an integer';
const NO_FLOAT_FIELD = '-ERR hash value is not a float';
const MAX = '9223372036854775807';

function wrongArity(name: string): string {
  return `-ERR wrong number of arguments for '${name}' command`;
}

testRows('fields', [
  [
    'HSET, HGET, HMGET, HGETALL in the order of fields',
    ['HSET h b 2 a 1', 2],
    ['HSET h b 3 c 4', 1],
    ['HGET h b', '3'],
    ['HGET h x', null],
    ['HGET x b', null],
    ['HMGET h a x b', ['1', null, '3']],
    ['HMGET x a b', [null, null]],
    ['HGETALL h', ['a', '1', 'b', '3', 'c', '4']],
    ['HGETALL x', []],
    ['HKEYS h', ['a', 'b', 'c']],
    ['HVALS h', ['1', '3', '4']],
    ['HKEYS x', []],
    ['HLEN h', 3],
    ['HLEN x', 0],
    ['HSET h a', wrongArity('hset')],
    ['HSET h a 1 b', wrongArity('hset')],
    ['HMSET h a 1 b', wrongArity('hmset')],
  ],
  ['the same field twice', ['HSET h a 1 a 2', 1], ['HGETALL h', ['a', '2']]],
  ['HMSET and HSETNX', ['HMSET h a 1', OK], ['HSETNX h a 2', 0], ['HSETNX h b 2', 1]],
  [
    'empty field and value',
    [['HSET', 'h', '', ''], 1],
    [
      ['HGETALL', 'h'],
      ['', ''],
    ],
  ],
  [
    'HEXISTS and HSTRLEN',
    ['HSET h a 123', 1],
    ['HEXISTS h a', 1],
    ['HEXISTS h b', 0],
    ['HEXISTS x a', 0],
    ['HSTRLEN h a', 3],
    ['HSTRLEN h b', 0],
    ['HSTRLEN x a', 0],
  ],
  [
    'HDEL of the last field removes the key',
    ['HSET h a 1 b 2', 2],
    ['EXPIRE h 100', 1],
    ['HDEL h a x', 1],
    ['TTL h', 100],
    ['HDEL h a b b', 1],
    ['EXISTS h', 0],
    ['DBSIZE', 0],
    ['HDEL h b', 0],
    ['HSET h a 1', 1],
    ['TTL h', -1],
  ],
  [
    'wrong types',
    ['SET s 1', OK],
    ['HSET s a 1', WRONG_TYPE],
    ['HGET s a', WRONG_TYPE],
    ['HGETALL s', WRONG_TYPE],
    ['HDEL s a', WRONG_TYPE],
    ['HSCAN s 0', WRONG_TYPE],
    ['HRANDFIELD s', WRONG_TYPE],
    ['HSET h a 1', 1],
    ['GET h', WRONG_TYPE],
    ['APPEND h x', WRONG_TYPE],
    ['INCR h', WRONG_TYPE],
    ['SETRANGE h 0 x', WRONG_TYPE],
    ['SETBIT h 0 1', WRONG_TYPE],
    ['BITOP NOT d h', WRONG_TYPE],
    ['LCS h s', '-ERR The specified keys must contain string values'],
    ['MGET h s', [null, '1']],
    ['GETSET h 1', WRONG_TYPE],
    ['SET h 1 GET', WRONG_TYPE],
    ['HGET h a', '1'],
  ],
  [
    'SET replaces a hash, and a hash comes back empty',
    ['HSET h a 1', 1],
    ['SET h 1', OK],
    ['DEL h', 1],
    ['HSET h b 1', 1],
    ['HGETALL h', ['b', '1']],
  ],
  [
    'fields too long for a tree',
    [['HSET', 'h', 'x'.repeat(65_536), '1'], 1],
    [
      ['HSET', 'h', 'x'.repeat(65_537), '1'],
      '-ERR field or member is too long: at most 65536 bytes, not applied',
    ],
    [['HGET', 'h', 'x'.repeat(65_537)], null],
    [['HDEL', 'h', 'x'.repeat(65_537)], 0],
  ],
  [
    'expiry of the whole',
    ['HSET h a 1', 1],
    ['PEXPIRE h 10', 1],
    ['HSET h b 2', 1],
    ['PTTL h', 10],
    ['HLEN h', 2],
    10,
    ['HGETALL h', []],
    ['TYPE h', 'none'],
    ['HSET h c 3', 1],
    ['HGETALL h', ['c', '3']],
    ['PEXPIRE h 10', 1],
    ['PERSIST h', 1],
    10,
    ['HLEN h', 1],
  ],
]);

testRows('numbers in hashes', [
  [
    'HINCRBY',
    ['HINCRBY h a 5', 5],
    ['HINCRBY h a -7', -2],
    ['HSET h b x', 1],
    ['HINCRBY h b 1', NO_INTEGER_FIELD],
    ['HINCRBY h a x', NOT_INTEGER],
    ['HSET h c 1.0', 1],
    ['HINCRBY h c 1', NO_INTEGER_FIELD],
    [`HSET h m ${MAX}`, 1],
    ['HINCRBY h m 1', OVERFLOW],
    ['HGET h m', MAX],
    ['HINCRBY h m -1', 9223372036854775806n],
    ['HGET h m', '9223372036854775806'],
    ['SET s 1', OK],
    ['HINCRBY s a 1', WRONG_TYPE],
  ],
  [
    'HINCRBYFLOAT',
    ['HINCRBYFLOAT h a 0.1', '0.1'],
    ['HINCRBYFLOAT h a 0.2', '0.3'],
    ['HINCRBYFLOAT h c 3.0e3', '3000'],
    ['HSET h b x', 1],
    ['HINCRBYFLOAT h b 1', NO_FLOAT_FIELD],
    ['HINCRBYFLOAT h a x', NOT_FLOAT],
    ['HINCRBYFLOAT x a inf', '-ERR value is NaN or Infinity'],
    ['EXISTS x', 0],
  ],
]);

testRows('hashes under generic commands', [
  [
    'TYPE, OBJECT, EXISTS, SCAN TYPE',
    ['HSET h a 1', 1],
    ['SET s 1', OK],
    ['TYPE h', 'hash'],
    ['OBJECT ENCODING h', 'listpack'],
    ['OBJECT REFCOUNT h', 1],
    ['OBJECT IDLETIME h', 0],
    ['EXISTS h', 1],
    ['SCAN 0 TYPE hash', ['0', ['h']]],
    ['SCAN 0 TYPE string', ['0', ['s']]],
    ['KRANGE - + WITHVALUES', ['h', null, 's', '1']],
    ['UNLINK h', 1],
    ['DBSIZE', 1],
  ],
  [
    'RENAME and COPY keep fields, expiry and encoding',
    [['HSET', 'h', 'a', 'x'.repeat(65), 'b', '2'], 2],
    ['HDEL h a', 1],
    ['EXPIRE h 100', 1],
    ['SET t 1', OK],
    ['COPY h t', 0],
    ['COPY h t REPLACE', 1],
    ['HSET t c 3', 1],
    ['RENAME h g', OK],
    ['EXISTS h', 0],
    ['HGETALL g', ['b', '2']],
    ['TTL g', 100],
    ['OBJECT ENCODING g', 'hashtable'],
    ['HGETALL t', ['b', '2', 'c', '3']],
    ['TTL t', 100],
    ['OBJECT ENCODING t', 'hashtable'],
    ['RENAMENX g t', 0],
    ['RENAME g t', OK],
    ['HGETALL t', ['b', '2']],
    ['RENAME t t', OK],
    ['MOVE t 1', 1],
    ['EXISTS t', 0],
    ['SELECT 1', OK],
    ['HGETALL t', ['b', '2']],
    ['TTL t', 100],
  ],
  [
    'transactions',
    ['HSET h a 1', 1],
    ['WATCH h', OK],
    ['HDEL h a', 1],
    ['MULTI', OK],
    ['HSET h a 2', 'QUEUED'],
    ['EXEC', null],
    ['MULTI', OK],
    ['HSET h a 2 b 3', 'QUEUED'],
    ['RENAME h g', 'QUEUED'],
    ['HGETALL g', 'QUEUED'],
    ['HSCAN g 0', 'QUEUED'],
    ['EXEC', [2, OK, ['a', '2', 'b', '3'], ['0', ['a', '2', 'b', '3']]]],
  ],
]);

testRows(
  'OBJECT ENCODING of a hash',
  [
    [
      'too many fields',
      ['HSET h a 1 b 2 c 3', 3],
      ['OBJECT ENCODING h', 'listpack'],
      ['HSET h d 4', 1],
      ['OBJECT ENCODING h', 'hashtable'],
      ['HDEL h a b c', 3],
      ['OBJECT ENCODING h', 'hashtable'],
      ['EXPIRE h 100', 1],
      ['OBJECT ENCODING h', 'hashtable'],
      ['HDEL h d', 1],
      ['HSET h a 1', 1],
      ['OBJECT ENCODING h', 'listpack'],
    ],
    ['too long a field', ['HSET h 12345 1', 1], ['OBJECT ENCODING h', 'hashtable']],
    ['too long a value', ['HINCRBY h a 12345', 12345], ['OBJECT ENCODING h', 'hashtable']],
  ],
  (settings) => {
    settings.hashMaxListpackEntries = 3;
    settings.hashMaxListpackValue = 4;
  },
);

const NO_VALUES = '-ERR NOVALUES option can only be used in HSCAN';

testRows('HSCAN and HRANDFIELD', [
  [
    'a small hash is told whole',
    ['HSET h a 1 ab 2 b 3', 3],
    ['HSCAN h 0 COUNT 1', ['0', ['a', '1', 'ab', '2', 'b', '3']]],
    ['HSCAN h 0 MATCH a*', ['0', ['a', '1', 'ab', '2']]],
    ['HSCAN h 0 MATCH *b', ['0', ['ab', '2', 'b', '3']]],
    ['HSCAN x 0', ['0', []]],
    ['HSCAN x 0 FOO', ['0', []]],
    ['HSCAN h x', '-ERR invalid cursor'],
    ['HSCAN h 0 COUNT 0', SYNTAX],
    ['HSCAN h 0 COUNT x', NOT_INTEGER],
    ['HSCAN h 0 TYPE hash', SYNTAX],
    ['HSCAN h 0 NOVALUES', ['0', ['a', 'ab', 'b']]],
    ['HSCAN h 0 novalues MATCH a* COUNT 1', ['0', ['a', 'ab']]],
    ['HSCAN h 0 COUNT 5 NOVALUES NOVALUES', ['0', ['a', 'ab', 'b']]],
    ['HSCAN h 0 NOVALUES MATCH', SYNTAX],
    ['HSCAN x 0 NOVALUES', ['0', []]],
    ['SCAN 0 NOVALUES', NO_VALUES],
    ['SADD s 1', 1],
    ['SSCAN s 0 NOVALUES', NO_VALUES],
    ['SSCAN x 0 NOVALUES', ['0', []]],
    ['ZADD z 1 a', 1],
    ['ZSCAN z 0 MATCH a NOVALUES', NO_VALUES],
  ],
  [
    'HRANDFIELD',
    ['HRANDFIELD h', null],
    ['HRANDFIELD h 3', []],
    ['HSET h a 1', 1],
    ['HRANDFIELD h', 'a'],
    ['HRANDFIELD h 3', ['a']],
    ['HRANDFIELD h -3', ['a', 'a', 'a']],
    ['HRANDFIELD h -2 WITHVALUES', ['a', '1', 'a', '1']],
    ['HRANDFIELD h 0', []],
    ['HRANDFIELD h 1 FOO', SYNTAX],
    ['HRANDFIELD h 1 WITHVALUES x', SYNTAX],
    ['HRANDFIELD h x', NOT_INTEGER],
    [`HRANDFIELD h ${MAX} WITHVALUES`, '-ERR value is out of range'],
    ['HRANDFIELD h 4611686018427387903 WITHVALUES', ['a', '1']],
    ['HRANDFIELD h 4611686018427387904 WITHVALUES', '-ERR value is out of range'],
    ['HRANDFIELD h -4611686018427387904 WITHVALUES', '-ERR value is out of range'],
    ['HRANDFIELD x 4611686018427387904 WITHVALUES', '-ERR value is out of range'],
    ['HRANDFIELD h 4611686018427387904', ['a']],
    [
      'HRANDFIELD h -9223372036854775808',
      `-ERR value is out of range, value must between -${MAX} and ${MAX}`,
    ],
  ],
]);

t.test('HRANDFIELD finds every field about equally often', async (t) => {
  const client = await localClient();
  for (let i = 0; i < 10; i += 1) client.send('HSET', 'h', `f${i}`, `${i}`);
  const counts = new Map<string, number>();
  for (let i = 0; i < 300; i += 1) {
    const chosen = client.send('HRANDFIELD', 'h', '3') as string[];
    t.equal(new Set(chosen).size, 3);
    for (const field of chosen) counts.set(field, (counts.get(field) ?? 0) + 1);
  }
  for (const field of client.send('HRANDFIELD', 'h', '-900') as string[]) {
    counts.set(field, (counts.get(field) ?? 0) + 1);
  }
  t.equal(counts.size, 10);
  t.ok(Math.min(...counts.values()) > 120 && Math.max(...counts.values()) < 240);
});

t.test('RESP3 maps, and pairs of HRANDFIELD', async (t) => {
  const client = await localClient();
  client.send('HELLO', '3');
  client.send('HSET', 'h', 'a', '1');
  t.same(client.send('HRANDFIELD', 'h', '1', 'WITHVALUES'), [['a', '1']]);
  const all = client.sendRaw('HGETALL', 'h');
  t.ok(all instanceof ReplyMap);
});
