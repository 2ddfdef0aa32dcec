/** DUMP and RESTORE as commands. Replies are those of redis-server 7.0.15. */
import t from 'tap';
import { sealed } from '../rdb/dumps.js';
import { localClient } from '../support/local.js';
import { NOT_INTEGER, OK, SYNTAX, TOO_LONG, testRows } from './rows.js';

const HELLO = Buffer.from('000568656c6c6f0a006372df766534200a', 'hex');
const LONG = Buffer.from('00c30c412c017878e0ff00e017000178780a00f033195a8b660d84', 'hex');
const LIST = Buffer.from('1201020a0a0000000100816102ff0a0009b9edf594ded995', 'hex');
/** Hashes of one field: with a time that cannot be, and too long here. */
const NO_TIME = Buffer.from('18' + '0000000000000001' + '01' + '05' + '0161' + '0162', 'hex');
const LONG_FIELD = Buffer.concat([
  Buffer.from('040180' + '00010001', 'hex'),
  Buffer.alloc(65_537, 'x'),
  Buffer.from([1, 0x62]),
]);
const WRONG = '-ERR DUMP payload version or checksum are wrong';
const BUSY = '-BUSYKEY Target key name already exists.';

const restore = (...more: (string | Buffer)[]) => ['RESTORE', 'a', ...more];

testRows('DUMP and RESTORE', [
  [
    'there and back',
    [restore('0', HELLO), OK],
    ['GET a', 'hello'],
    ['TTL a', -1],
    ['DUMP a', HELLO.toString('latin1')],
  ],
  [
    'compressed',
    [restore('0', LONG), OK],
    ['GET a', 'x'.repeat(300)],
    ['DUMP a', LONG.toString('latin1')],
  ],
  ['nothing to dump', ['DUMP a', null]],
  [
    'a key that is there',
    ['SET a 1', OK],
    [restore('0', HELLO), BUSY],
    [restore('x', 'x'), BUSY],
    ['GET a', '1'],
  ],
  [
    'REPLACE',
    ['SET a 1 EX 9', OK],
    [restore('0', HELLO, 'REPLACE'), OK],
    ['GET a', 'hello'],
    ['TTL a', -1],
  ],
  ['a time', [restore('1500', HELLO), OK], ['PTTL a', 1500]],
  ['ABSTTL', [restore('9000000000000', HELLO, 'absttl'), OK], ['PEXPIRETIME a', 9_000_000_000_000]],
  [
    'ABSTTL in the past',
    ['SET a 1', OK],
    [restore('1', HELLO, 'ABSTTL', 'REPLACE'), OK],
    ['EXISTS a', 0],
  ],
  ['IDLETIME', [restore('0', HELLO, 'IDLETIME', '100'), OK], ['OBJECT IDLETIME a', 100]],
  ['FREQ has no meaning for LRU', [restore('0', HELLO, 'FREQ', '9'), OK], ['OBJECT IDLETIME a', 0]],
  [
    'damaged: the old value stays',
    ['SET a 1', OK],
    [restore('0', HELLO.subarray(0, -1), 'REPLACE'), WRONG],
    [restore('0', '', 'REPLACE'), WRONG],
    [restore('0', 'hello world', 'REPLACE'), WRONG],
    ['GET a', '1'],
  ],
  [
    'a list',
    [restore('0', LIST), OK],
    ['LRANGE a 0 -1', ['a']],
    ['DUMP a', LIST.toString('latin1')],
  ],
  [
    'what cannot be',
    [restore('0', sealed(Buffer.from([7, 1]))), '-ERR a value of type module cannot be restored'],
    [restore('0', sealed(NO_TIME, 12)), '-ERR Bad data format'],
    [
      restore('0', sealed(LONG_FIELD)),
      '-ERR a field or member of more than 65536 bytes cannot be restored',
    ],
    [restore('0', sealed(Buffer.from([4, 0]))), '-ERR Bad data format'],
    ['EXISTS a', 0],
  ],
  [
    'bad input',
    [restore('-1', HELLO), '-ERR Invalid TTL value, must be >= 0'],
    [restore('x', HELLO), NOT_INTEGER],
    [restore('0', HELLO, 'IDLETIME', '-1'), '-ERR Invalid IDLETIME value, must be >= 0'],
    [restore('0', HELLO, 'IDLETIME', 'x'), NOT_INTEGER],
    [restore('0', HELLO, 'FREQ', '256'), '-ERR Invalid FREQ value, must be >= 0 and <= 255'],
    [restore('0', HELLO, 'IDLETIME', '1', 'FREQ', '1'), SYNTAX],
    [restore('0', HELLO, 'FREQ'), SYNTAX],
    [restore('0', HELLO, 'foo'), SYNTAX],
    ['EXISTS a', 0],
  ],
]);

testRows(
  'RESTORE with an LFU policy, and a small limit',
  [
    ['FREQ', [restore('0', HELLO, 'FREQ', '99'), OK], ['OBJECT FREQ a', 99]],
    ['too long', [restore('0', LONG), TOO_LONG], ['EXISTS a', 0]],
  ],
  (settings) => {
    settings.maxmemoryPolicy = 'allkeys-lfu';
    settings.protoMaxBulkLen = 299;
  },
);

t.test('long values, in slices', async (t) => {
  const client = await localClient();
  const value = Buffer.alloc(3_000_000, 'The quick brown fox jumps over the lazy dog. ');
  for (let at = 0; at < value.length; at += 997) value[at] = at % 251;
  client.send('SET', 'a', value);
  const dump = Buffer.from(client.send('DUMP', 'a') as string, 'latin1');
  t.ok(dump.length < value.length / 2);
  t.equal(client.send('RESTORE', 'b', '0', dump), 'OK');
  t.ok(client.send('GET', 'b') === value.toString('latin1'));
  t.equal(client.send('RESTORE', 'b', '0', dump), BUSY);
  dump[1000]! ^= 1;
  t.equal(client.send('RESTORE', 'b', '0', dump, 'REPLACE'), WRONG);
  t.ok(client.send('GET', 'b') === value.toString('latin1'));
});
