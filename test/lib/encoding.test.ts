/** Order-preserving keys: the order of the bytes is the order of the numbers. */

import t from 'tap';

import {
  decodeBig,
  decodeFloat,
  decodeInt,
  decodeInt64,
  decodeText,
  type EncodingKind,
  encodeBig,
  encodeFloat,
  encodeInt,
  encodeText,
  prefixWithHash,
  withoutHashPrefix,
} from '../../lib/encoding.js';
import { seededRandom, seedOfRun } from '../support/random.js';

const seed = seedOfRun();
const random = seededRandom(seed);

/** Fails unless every pair of values is in the same order as its encodings. */
function orderProblem<T extends number | bigint>(
  values: readonly T[],
  encode: (value: T) => Buffer,
): string | undefined {
  const rows = values.map((value) => ({ value, encoded: encode(value) }));
  rows.sort((a, b) => Buffer.compare(a.encoded, b.encoded));
  for (const [i, { value, encoded }] of rows.entries()) {
    const before = rows[i - 1];
    if (before === undefined) continue;
    const isEqual = before.encoded.equals(encoded);
    if (isEqual ? before.value !== value : before.value >= value) {
      return `SEED=${seed}: ${before.value} and ${value}`;
    }
    if (!isEqual && encoded.subarray(0, before.encoded.length).equals(before.encoded)) {
      return `SEED=${seed}: ${before.value} is the beginning of ${value}`;
    }
  }
  return undefined;
}

/** Numbers near powers of two, where encodings change shape, and random ones. */
function bigints(bitsMax: number, count: number): bigint[] {
  const values = [0n, 1n, -1n];
  for (let bits = 1; bits <= bitsMax; bits++) {
    for (const near of [-1n, 0n, 1n]) values.push(2n ** BigInt(bits) + near);
  }
  for (let i = 0; i < count; i++) {
    const bytes = random.bytes(1 + random.below(Math.ceil(bitsMax / 8)));
    values.push(BigInt.asUintN(bitsMax, BigInt(`0x${bytes.toString('hex')}`)));
  }
  return values.flatMap((value) => [value, -value]);
}

function doubles(count: number): number[] {
  const values = [0, -0, Infinity, Number.MAX_VALUE, Number.MIN_VALUE, Number.EPSILON, 1, 2 ** 53];
  while (values.length < count) {
    const value = random.bytes(8).readDoubleBE();
    if (!Number.isNaN(value)) values.push(value, Math.fround(value), Math.trunc(value % 1000));
  }
  return values.flatMap((value) => [value, -value]);
}

void t.test('examples', (t) => {
  const rows: [name: string, encoded: Buffer, hex: string][] = [
    ['int 0', encodeInt(0), '8000000000000000'],
    ['int 1', encodeInt(1), '8000000000000001'],
    ['int -1', encodeInt(-1), '7fffffffffffffff'],
    ['least int', encodeInt(-(2n ** 63n)), '0000000000000000'],
    ['greatest int', encodeInt(2n ** 63n - 1n), 'ffffffffffffffff'],
    ['float 0', encodeFloat(0), '8000000000000000'],
    ['float -0', encodeFloat(-0), '8000000000000000'],
    ['float 1', encodeFloat(1), 'bff0000000000000'],
    ['float -1', encodeFloat(-1), '400fffffffffffff'],
    ['float inf', encodeFloat(Infinity), 'fff0000000000000'],
    ['float -inf', encodeFloat(-Infinity), '000fffffffffffff'],
    ['big 0', encodeBig(0), '80'],
    ['big 1', encodeBig(1), '8101'],
    ['big -1', encodeBig(-1), '7efe'],
    ['big 256', encodeBig(256n), '820100'],
    ['big -256', encodeBig(-256n), '7dfeff'],
    ['big of 126 bytes', encodeBig(2n ** 1007n).subarray(0, 3), 'fe8000'],
    ['big of 127 bytes', encodeBig(2n ** 1008n).subarray(0, 7), 'ff0000007f0100'],
  ];
  for (const [name, encoded, hex] of rows) t.equal(encoded.toString('hex'), hex, name);
  t.end();
});

void t.test('ints keep their order and come back', (t) => {
  const values = bigints(62, 2000);
  t.equal(orderProblem(values, encodeInt), undefined);
  for (const value of values) {
    if (decodeInt64(encodeInt(value)) !== value) t.fail(`SEED=${seed}: ${value}`);
  }
  for (const value of [0, 5, -5, 2 ** 53 - 1, 1 - 2 ** 53]) {
    t.equal(decodeInt(encodeInt(value)), value);
  }
  for (const bad of [0.5, 2 ** 53, Number.NaN, Infinity, 2n ** 63n, -(2n ** 63n) - 1n]) {
    t.throws(() => encodeInt(bad), { code: 'ERR_DHASH_ENCODING' }, `${bad}`);
  }
  t.throws(() => decodeInt(encodeInt(2n ** 60n)), { code: 'ERR_DHASH_ENCODING' });
  t.throws(() => decodeInt(Buffer.alloc(7)), { code: 'ERR_DHASH_ENCODING' });
  t.end();
});

void t.test('floats keep their order and come back', (t) => {
  const values = doubles(3000);
  t.equal(orderProblem(values, encodeFloat), undefined);
  for (const value of values) {
    const expected = value === 0 ? 0 : value;
    if (!Object.is(decodeFloat(encodeFloat(value)), expected)) t.fail(`SEED=${seed}: ${value}`);
  }
  t.throws(() => encodeFloat(Number.NaN), { code: 'ERR_DHASH_ENCODING' });
  for (const bad of ['ffffffffffffffff', '0000000000000000', '7fffffffffffffff', '00', '']) {
    t.throws(() => decodeFloat(bad), { code: 'ERR_DHASH_ENCODING' }, bad);
  }
  t.end();
});

void t.test('bigs keep their order and come back', (t) => {
  const values = bigints(1040, 2000);
  t.equal(orderProblem(values, encodeBig), undefined);
  for (const value of values) {
    if (decodeBig(encodeBig(value)) !== value) t.fail(`SEED=${seed}: ${value}`);
  }
  const huge = 2n ** BigInt(8 * 65_531) - 1n;
  t.equal(encodeBig(huge).length, 65_536);
  t.equal(decodeBig(encodeBig(-huge)), -huge);
  t.throws(() => encodeBig(huge + 1n), { code: 'ERR_DHASH_ENCODING' });
  for (const bad of [
    '',
    '81',
    '8100',
    '820001',
    '810102',
    '80ff',
    'ff0000000101',
    '7f',
    'ff',
    '7eff',
  ]) {
    t.throws(() => decodeBig(bad), { code: 'ERR_DHASH_ENCODING' }, bad);
  }
  t.end();
});

void t.test('decoding takes hexadecimal text, and nothing like it', (t) => {
  t.equal(decodeInt('8000000000000005'), 5);
  t.equal(decodeBig('8AFFFFFFFFFFFFFFFFFFFF'), 2n ** 80n - 1n);
  for (const bad of ['8', '0x80', '80 ', 'zz']) {
    t.throws(() => decodeBig(bad), { code: 'ERR_DHASH_ENCODING' }, bad);
  }
  t.end();
});

void t.test('numbers as text', (t) => {
  const rows: [kind: EncodingKind, text: string, back: string][] = [
    ['int', '-5', '-5'],
    ['int', '+7', '7'],
    ['int', '9223372036854775807', '9223372036854775807'],
    ['float', '1.50', '1.5'],
    ['float', '-.5e1', '-5'],
    ['float', '-0', '0'],
    ['float', '+inf', 'inf'],
    ['float', '-Infinity', '-inf'],
    ['float', '1e-400', '0'],
    ['big', '-123456789012345678901234567890', '-123456789012345678901234567890'],
    ['big', '007', '7'],
  ];
  for (const [kind, text, back] of rows) {
    t.equal(decodeText(kind, encodeText(kind, text)), back, `${kind} ${text}`);
  }
  const bad: [kind: EncodingKind, text: string][] = [
    ['int', ''],
    ['int', '1.0'],
    ['int', '0x10'],
    ['int', '9223372036854775808'],
    ['int', '--1'],
    ['float', ''],
    ['float', 'nan'],
    ['float', '1e999'],
    ['float', '1,5'],
    ['float', '.'],
    ['big', '1e3'],
  ];
  for (const [kind, text] of bad) {
    t.throws(() => encodeText(kind, text), { code: 'ERR_DHASH_ENCODING' }, `${kind} "${text}"`);
  }
  t.end();
});

void t.test('a hash in front of a key', (t) => {
  const prefixed = prefixWithHash(Buffer.from('hello'));
  t.equal(prefixed.toString(), 'cbd8a7b341bd9b025b1e906a48ae1d19:hello');
  t.equal(withoutHashPrefix(prefixed).toString(), 'hello');
  const binary = random.bytes(20);
  t.same(withoutHashPrefix(prefixWithHash(binary)), binary, `SEED=${seed}`);
  t.equal(withoutHashPrefix(prefixWithHash(Buffer.alloc(0))).length, 0);
  for (const bad of ['hello', 'cbd8a7b341bd9b025b1e906a48ae1d19:hellO', '']) {
    t.throws(() => withoutHashPrefix(Buffer.from(bad)), { code: 'ERR_DHASH_ENCODING' }, bad);
  }
  t.end();
});
