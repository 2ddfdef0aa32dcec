/** Whole strings and parts of them. Replies are those of redis-server 7.0.15. */
import t from 'tap';
import { localClient } from '../support/local.js';
import { NOT_INTEGER, OK, SYNTAX, sendLine, TOO_LONG, testRows } from './rows.js';

const LONG_KEY = 'k'.repeat(65_537);
const REFUSED = '-ERR key is too long: at most 65536 bytes, not applied';

testRows('GET and SET', [
  [
    'what is set is got',
    ['GET a', null],
    ['SET a 1', OK],
    ['GET a', '1'],
    ['SET a ""', OK],
    ['GET a', ''],
  ],
  ['NX', ['SET a 1 NX', OK], ['SET a 2 nx', null], ['GET a', '1']],
  ['XX', ['SET a 1 XX', null], ['SET a 1', OK], ['SET a 2 xx', OK], ['GET a', '2']],
  ['GET', ['SET a 1 GET', null], ['SET a 2 GET', '1'], ['GET a', '2']],
  ['NX GET', ['SET a 1 NX GET', null], ['SET a 2 NX GET', '1'], ['GET a', '1']],
  [
    'XX GET',
    ['SET a 1 XX GET', null],
    ['GET a', null],
    ['SET a 1', OK],
    ['SET a 2 XX GET', '1'],
    ['GET a', '2'],
  ],
  ['EX', ['SET a 1 EX 10', OK], ['PTTL a', 10_000], 9_999, ['GET a', '1'], 1, ['GET a', null]],
  ['PX', ['SET a 1 PX 10', OK], ['PTTL a', 10], 10, ['GET a', null]],
  ['EXAT', ['SET a 1 EXAT 9000000000', OK], ['PEXPIRETIME a', 9_000_000_000_000]],
  ['PXAT in the past', ['SET a 1 PXAT 1', OK], ['GET a', null], ['DBSIZE', 0]],
  ['the same time twice: the last counts', ['SET a 1 EX 10 EX 20', OK], ['TTL a', 20]],
  ['SET drops the expiry', ['SET a 1 EX 10', OK], ['SET a 2', OK], ['TTL a', -1]],
  [
    'KEEPTTL keeps it',
    ['SET a 1 EX 10', OK],
    ['SET a 2 KEEPTTL', OK],
    ['TTL a', 10],
    ['GET a', '2'],
  ],
  [
    'options that contradict',
    ['SET a 1 NX XX', SYNTAX],
    ['SET a 1 EX 1 PX 1', SYNTAX],
    ['SET a 1 EX 1 EXAT 1', SYNTAX],
    ['SET a 1 EX 1 KEEPTTL', SYNTAX],
    ['SET a 1 KEEPTTL EX 1', SYNTAX],
    ['SET a 1 PERSIST', SYNTAX],
    ['SET a 1 EX', SYNTAX],
    ['SET a 1 foo', SYNTAX],
    ['EXISTS a', 0],
  ],
  [
    'times that are none',
    ['SET a 1 EX 0', "-ERR invalid expire time in 'set' command"],
    ['SET a 1 PX -1', "-ERR invalid expire time in 'set' command"],
    ['SET a 1 EX 9223372036854775807', "-ERR invalid expire time in 'set' command"],
    ['SET a 1 PX 9223372036854775807', "-ERR invalid expire time in 'set' command"],
    ['SET a 1 EX x', NOT_INTEGER],
    ['SET a 1 EX 1.5', NOT_INTEGER],
  ],
  [
    'keys that are too long',
    [['SET', LONG_KEY, '1'], REFUSED],
    [['SET', LONG_KEY, '1', 'NX'], REFUSED],
    [['MSET', 'a', '1', LONG_KEY, '1'], REFUSED],
    [['INCR', LONG_KEY], REFUSED],
    [['APPEND', LONG_KEY, 'x'], REFUSED],
    [['SETRANGE', LONG_KEY, '0', 'x'], REFUSED],
    [['SETBIT', LONG_KEY, '0', '1'], REFUSED],
    [['GET', LONG_KEY], null],
    [['STRLEN', LONG_KEY], 0],
    [['DEL', LONG_KEY], 0],
    [['TTL', LONG_KEY], -2],
    ['DBSIZE', 0],
    [['SET', LONG_KEY.slice(1), '1'], OK],
    [['GET', LONG_KEY.slice(1)], '1'],
  ],
]);

testRows('relatives of GET and SET', [
  ['SETNX', ['SETNX a 1', 1], ['SETNX a 2', 0], ['GET a', '1']],
  [
    'SETEX',
    ['SETEX a 10 1', OK],
    ['TTL a', 10],
    ['SETEX a 0 1', "-ERR invalid expire time in 'setex' command"],
  ],
  ['PSETEX', ['PSETEX a 10 1', OK], ['PTTL a', 10], ['PSETEX a x 1', NOT_INTEGER]],
  [
    'GETSET',
    ['GETSET a 1', null],
    ['EXPIRE a 9', 1],
    ['GETSET a 2', '1'],
    ['TTL a', -1],
    ['GET a', '2'],
  ],
  ['GETDEL', ['GETDEL a', null], ['SET a 1', OK], ['GETDEL a', '1'], ['EXISTS a', 0]],
  [
    'GETEX',
    ['GETEX a', null],
    ['SET a 1', OK],
    ['GETEX a', '1'],
    ['TTL a', -1],
    ['GETEX a EX 10', '1'],
    ['TTL a', 10],
    ['GETEX a PERSIST', '1'],
    ['TTL a', -1],
    ['GETEX a KEEPTTL', SYNTAX],
    ['GETEX a EX 1 PERSIST', SYNTAX],
    ['GETEX a PX 0', "-ERR invalid expire time in 'getex' command"],
    ['GETEX missing PX 0', null],
    ['GETEX a EXAT 1', '1'],
    ['EXISTS a', 0],
  ],
  ['MGET', ['SET a 1', OK], ['MGET a b a', ['1', null, '1']]],
  ['MSET', ['MSET a 1 b 2 a 3', OK], ['MGET a b', ['3', '2']]],
  ['MSETNX', ['MSETNX a 1 b 2', 1], ['MSETNX c 1 b 3', 0], ['MGET a b c', ['1', '2', null]]],
  [
    'pairs that are none',
    ['MSET a 1 b', "-ERR wrong number of arguments for 'mset' command"],
    ['MSETNX a 1 b', "-ERR wrong number of arguments for 'msetnx' command"],
    ['EXISTS a', 0],
  ],
]);

testRows('parts of strings', [
  [
    'APPEND',
    ['APPEND a foo', 3],
    ['APPEND a bar', 6],
    ['GET a', 'foobar'],
    ['APPEND a ""', 6],
    ['STRLEN a', 6],
  ],
  ['APPEND keeps the expiry', ['SET a 1 EX 9', OK], ['APPEND a 2', 2], ['TTL a', 9]],
  ['STRLEN', ['STRLEN a', 0], ['SET a 12', OK], ['STRLEN a', 2]],
  [
    'GETRANGE',
    ['SET a hello', OK],
    ['GETRANGE a 0 -1', 'hello'],
    ['GETRANGE a 1 3', 'ell'],
    ['GETRANGE a -3 -1', 'llo'],
    ['GETRANGE a -99 1', 'he'],
    ['GETRANGE a 2 99', 'llo'],
    ['GETRANGE a 5 9', ''],
    ['GETRANGE a -1 -5', ''],
    ['GETRANGE a -9223372036854775807 -9223372036854775808', ''],
    ['SUBSTR a 0 9223372036854775807', 'hello'],
    ['GETRANGE missing 0 -1', ''],
    ['GETRANGE a x 1', NOT_INTEGER],
  ],
  [
    'SETRANGE',
    ['SETRANGE a 2 ""', 0],
    ['EXISTS a', 0],
    ['SETRANGE a 2 xy', 4],
    ['GET a', '\0\0xy'],
    ['SETRANGE a 0 AB', 4],
    ['GET a', 'ABxy'],
    ['SETRANGE a 9 ""', 4],
    ['SETRANGE a -1 x', '-ERR offset is out of range'],
    ['SETRANGE a x x', NOT_INTEGER],
    ['SETRANGE a 536870911 x', 536_870_912],
    ['SETRANGE a 536870912 x', TOO_LONG],
    ['SETRANGE a 9223372036854775807 x', TOO_LONG],
    ['APPEND a x', TOO_LONG],
  ],
]);

t.test('a long value is patched where it lies', async (t) => {
  const client = await localClient();
  const bytes = Buffer.alloc(3_000_000, 'abcdefg');
  client.send('SET', 'a', bytes);
  t.equal(client.send('SETRANGE', 'a', 1_048_575, 'XYZ'), 3_000_000);
  bytes.write('XYZ', 1_048_575);
  t.equal(
    client.send('GETRANGE', 'a', 1_048_570, 1_048_580),
    bytes.toString('latin1', 1_048_570, 1_048_581),
  );
  t.equal(client.send('APPEND', 'a', 'tail'), 3_000_004);
  t.equal(sendLine(client, 'GETRANGE a -6 -1'), `${bytes.toString('latin1', 2_999_998)}tail`);
});
