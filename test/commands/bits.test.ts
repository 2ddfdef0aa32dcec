/** Bits and bit fields. Replies are those of redis-server 7.0.15; what a range is told, of 7.2. */
import t from 'tap';
import { fitField } from '../../lib/commands/bits/bitfield.js';
import { localClient } from '../support/local.js';
import { seededRandom, seedOfRun } from '../support/random.js';
import { NOT_INTEGER, OK, SYNTAX, testRows } from './rows.js';

const BAD_OFFSET = '-ERR bit offset is not an integer or out of range';
const WRONG_TYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value';
const BAD_BIT = '-ERR bit is not an integer or out of range';
const BAD_TYPE =
  '-ERR Invalid bitfield type. Use something like i16 u8. ' +
  'Note that u64 is not supported but i64 is.';

testRows('SETBIT and GETBIT', [
  [
    'a bit far out',
    ['SETBIT a 100 1', 0],
    ['STRLEN a', 13],
    ['GETBIT a 100', 1],
    ['GETBIT a 99', 0],
    ['GETBIT a 9999', 0],
  ],
  ['back to 0', ['SETBIT a 1 1', 0], ['SETBIT a 1 0', 1], ['GET a', '\0']],
  ['the first bit is the highest', ['SET a A', OK], ['SETBIT a 0 1', 0], ['GET a', '\xc1']],
  ['a zero makes room too', ['SETBIT a 15 0', 0], ['GET a', '\0\0']],
  [
    'bad input',
    ['SETBIT a -1 1', BAD_OFFSET],
    ['SETBIT a 4294967296 1', BAD_OFFSET],
    ['SETBIT a x 1', BAD_OFFSET],
    ['SETBIT a #1 1', BAD_OFFSET],
    ['SETBIT a 1 2', BAD_BIT],
    ['SETBIT a 1 x', BAD_BIT],
    ['GETBIT a -1', BAD_OFFSET],
    ['EXISTS a', 0],
  ],
  [
    'the last bit that there is',
    ['SETBIT a 4294967295 1', 0],
    ['STRLEN a', 536_870_912],
    ['GETBIT a 4294967295', 1],
  ],
]);

testRows('BITCOUNT', [
  [
    'ranges',
    ['SET a foobar', OK],
    ['BITCOUNT a', 26],
    ['BITCOUNT a 0 0', 4],
    ['BITCOUNT a 1 1', 6],
    ['BITCOUNT a 1 1 BYTE', 6],
    ['BITCOUNT a 5 30 BIT', 17],
    ['BITCOUNT a -2 -1', 7],
    ['BITCOUNT a -1 -2', 0],
    ['BITCOUNT a 9 9', 0],
    ['BITCOUNT a -99 99', 26],
    ['BITCOUNT missing', 0],
    ['BITCOUNT missing x', SYNTAX],
    ['BITCOUNT missing x 1', NOT_INTEGER],
    ['BITCOUNT missing 0 1 foo', SYNTAX],
    ['BITCOUNT missing 0 1 BIT', 0],
  ],
  [
    'bad input',
    ['SET a foobar', OK],
    ['BITCOUNT a 0', SYNTAX],
    ['BITCOUNT a 0 1 foo', SYNTAX],
    ['BITCOUNT a x 1', NOT_INTEGER],
    ['BITCOUNT a 1 2 BIT 3', SYNTAX],
    ['BITCOUNT a -1 -2 foo', SYNTAX],
    ['BITCOUNT a -1 -2 BIT', 0],
    ['LPUSH l 1', 1],
    ['BITCOUNT l x 1', NOT_INTEGER],
    ['BITCOUNT l 0 1', WRONG_TYPE],
  ],
]);

testRows('BITPOS', [
  [
    'set bits',
    ['SETRANGE a 2 \xf0', 3],
    ['BITPOS a 1', 16],
    ['BITPOS a 1 2', 16],
    ['BITPOS a 1 0 1', -1],
    ['BITPOS a 1 17 -1 BIT', 17],
    ['BITPOS a 1 20 23 BIT', -1],
    ['BITPOS a 1 9 9', -1],
  ],
  [
    'clear bits',
    [['SET', 'a', '\xff\xf0\0'], OK],
    ['BITPOS a 0', 12],
    ['BITPOS a 0 0 0', -1],
    ['BITPOS a 0 0 11 BIT', -1],
    ['BITPOS a 0 0 12 BIT', 12],
    [['SET', 'a', '\xff\xff'], OK],
    ['BITPOS a 0', 16],
    ['BITPOS a 0 1', 16],
    ['BITPOS a 0 1 -1', -1],
  ],
  [
    'nothing there',
    ['BITPOS missing 0', 0],
    ['BITPOS missing 1', -1],
    ['SET a ""', OK],
    ['BITPOS a 0', -1],
    ['BITPOS missing 1 x', NOT_INTEGER],
    ['BITPOS missing 0 0 1 foo', SYNTAX],
    ['BITPOS missing 0 5 9 BIT', 0],
    ['BITPOS missing 1 5', -1],
  ],
  [
    'bad input',
    ['SET a x', OK],
    ['BITPOS a 2', '-ERR The bit argument must be 1 or 0.'],
    ['BITPOS a x', NOT_INTEGER],
    ['BITPOS a 1 x', NOT_INTEGER],
    ['BITPOS a 1 0 x foo', SYNTAX],
    ['BITPOS a 1 0 x BIT', NOT_INTEGER],
    ['BITPOS a 1 0 1 BIT x', SYNTAX],
  ],
]);

testRows('BITOP', [
  [
    'operations',
    ['MSET a abc b ab', OK],
    ['BITOP AND d a b', 3],
    ['GET d', 'ab\0'],
    ['BITOP OR d a b', 3],
    ['GET d', 'abc'],
    ['BITOP xor d a b', 3],
    ['GET d', '\0\0c'],
    ['BITOP NOT d b', 2],
    ['GET d', '\x9e\x9d'],
    ['BITOP AND d a missing', 3],
    ['GET d', '\0\0\0'],
    ['BITOP AND a a', 3],
    ['GET a', 'abc'],
  ],
  ['nothing in, nothing out', ['SET d 1', OK], ['BITOP AND d x y', 0], ['EXISTS d', 0]],
  [
    'bad input',
    ['BITOP FOO d a', SYNTAX],
    ['BITOP NOT d a b', '-ERR BITOP NOT must be called with a single source key.'],
  ],
]);

testRows('BITFIELD', [
  [
    'widths and signs',
    ['BITFIELD a SET u8 0 255 GET u8 0 GET i8 0 GET u4 2', [0, 255, -1, 15]],
    [
      'BITFIELD a SET i64 8 -9223372036854775808 GET i64 8 GET u63 9',
      [0, -9223372036854775808n, 0],
    ],
    ['BITFIELD a INCRBY u63 7 1', [6917529027641081857n]],
    ['BITFIELD b SET u8 #1 5 GET u8 8', [0, 5]],
    ['BITFIELD a', []],
    ['BITFIELD_RO a GET u8 0', [255]],
    ['BITFIELD_RO missing GET u8 0', [0]],
    ['EXISTS missing', 0],
  ],
  [
    'overflow',
    ['BITFIELD a SET u2 0 3', [0]],
    ['BITFIELD a INCRBY u2 0 1', [0]],
    ['BITFIELD a OVERFLOW SAT INCRBY u2 0 9', [3]],
    ['BITFIELD a OVERFLOW FAIL INCRBY u2 0 1', [null]],
    ['BITFIELD a OVERFLOW SAT INCRBY u2 0 -9', [0]],
    ['BITFIELD a OVERFLOW SAT SET u2 0 -1 GET u2 0', [0, 3]],
    ['BITFIELD a SET i8 0 127 INCRBY i8 0 1', [-64, -128]],
    ['BITFIELD b OVERFLOW FAIL SET u8 0 256', [null]],
    ['STRLEN b', 1],
  ],
  [
    'bad input',
    ['BITFIELD a GET u64 0', BAD_TYPE],
    ['BITFIELD a GET i65 0', BAD_TYPE],
    ['BITFIELD a GET u0 0', BAD_TYPE],
    ['BITFIELD a GET u08 0', BAD_TYPE],
    ['BITFIELD a GET U8 0', BAD_TYPE],
    ['BITFIELD a GET u8 -1', BAD_OFFSET],
    ['BITFIELD a GET u8 #-1', BAD_OFFSET],
    ['BITFIELD a GET u8 4294967296', BAD_OFFSET],
    ['BITFIELD a SET u8 0 x', NOT_INTEGER],
    ['BITFIELD a SET u8 0', SYNTAX],
    ['BITFIELD a FOO', SYNTAX],
    ['BITFIELD a OVERFLOW FOO', '-ERR Invalid OVERFLOW type specified'],
    ['BITFIELD_RO a SET u8 0 1', '-ERR BITFIELD_RO only supports the GET subcommand'],
    ['BITFIELD a SET u8 0 1 GET u8', SYNTAX],
    ['EXISTS a', 0],
  ],
]);

t.test('fields against arithmetic on a row of bits', async (t) => {
  const random = seededRandom(seedOfRun());
  const client = await localClient();
  const bits: number[] = new Array(400).fill(0);
  const read = (offset: number, width: number): bigint => {
    let value = 0n;
    for (let i = 0; i < width; i += 1) value = value * 2n + BigInt(bits[offset + i]!);
    return value;
  };
  for (let step = 0; step < 3000; step += 1) {
    const isSigned = random.chance(0.5);
    const width = 1 + random.below(isSigned ? 64 : 63);
    const offset = random.below(400 - width);
    const amount = BigInt.asIntN(64, random.bytes(8).readBigInt64LE() >> BigInt(random.below(64)));
    const raw = read(offset, width);
    const old = isSigned ? BigInt.asIntN(width, raw) : raw;
    const sum = fitField(old + amount, { isSigned, bits: width, overflow: 'WRAP' })!;
    for (let i = 0; i < width; i += 1) {
      bits[offset + i] = Number((sum >> BigInt(width - 1 - i)) & 1n);
    }
    const type = `${isSigned ? 'i' : 'u'}${width}`;
    const reply = client.send('BITFIELD', 'a', 'INCRBY', type, offset, String(amount)) as [bigint];
    if (BigInt(reply[0]) !== sum) t.fail(`${type} at ${offset} by ${amount}, seed ${random.seed}`);
    const ones = bits.reduce((count, bit) => count + bit, 0);
    if (client.send('BITCOUNT', 'a') !== ones) t.fail(`count, seed ${random.seed}`);
    const from = random.below(400);
    const bit = random.below(2);
    const first = bits.indexOf(bit, from);
    const last = Number(client.send('STRLEN', 'a')) * 8 - 1;
    const found = client.send('BITPOS', 'a', bit, from, 399, 'BIT');
    if (found !== (first > last ? -1 : first)) t.fail(`place of ${bit}, seed ${random.seed}`);
  }
});

t.test('long values: counting, finding and combining', async (t) => {
  const random = seededRandom(seedOfRun());
  const client = await localClient();
  const bytes = 1_500_001;
  const a = Buffer.alloc(bytes);
  for (let i = 0; i < 2000; i += 1) a[random.below(bytes)] = random.below(256);
  const b = Buffer.alloc(bytes - 70_003, 'abc');
  client.send('SET', 'a', a);
  client.send('SET', 'b', b);
  const ones = (buf: Buffer) =>
    buf.reduce((n, byte) => n + byte.toString(2).replace(/0/g, '').length, 0);
  t.equal(client.send('BITCOUNT', 'a'), ones(a), `seed ${random.seed}`);
  const half = ones(a.subarray(123, 1_400_000));
  t.equal(client.send('BITCOUNT', 'a', 123, 1_399_999), half, `seed ${random.seed}`);
  client.send('SETRANGE', 'z', bytes, '\x01');
  t.equal(client.send('BITPOS', 'z', 1), bytes * 8 + 7);
  t.equal(client.send('BITOP', 'XOR', 'd', 'a', 'b'), bytes);
  const xor = Buffer.from(a);
  for (const [i, byte] of b.entries()) xor[i]! ^= byte;
  t.ok(client.send('GET', 'd') === xor.toString('latin1'), `xor, seed ${random.seed}`);
  t.equal(client.send('BITOP', 'NOT', 'd', 'b'), b.length);
  t.equal(client.send('BITCOUNT', 'd'), b.length * 8 - ones(b));
});
