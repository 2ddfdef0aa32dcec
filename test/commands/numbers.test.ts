/** Strings as numbers. Replies are those of redis-server 7.0.15. */
import t from 'tap';
import { add, formatLongDouble, parseLongDouble } from '../../lib/commands/strings/long-double.js';
import { NOT_FLOAT, NOT_INTEGER, OK, testRows } from './rows.js';

const OVERFLOW = '-ERR increment or decrement would overflow';

testRows('INCR and its kin', [
  [
    'from nothing',
    ['INCR a', 1],
    ['INCRBY a 41', 42],
    ['DECR a', 41],
    ['DECRBY a 42', -1],
    ['GET a', '-1'],
  ],
  ['the expiry stays', ['SET a 9 EX 9', OK], ['INCR a', 10], ['TTL a', 9]],
  [
    'beyond 2^53',
    ['SET a 9007199254740991', OK],
    ['INCR a', 9007199254740992n],
    ['INCR a', 9007199254740993n],
    ['INCRBY a 9214364837600034814', 9223372036854775807n],
    ['GET a', '9223372036854775807'],
    ['INCR a', OVERFLOW],
    ['DECRBY a 9223372036854775807', 0],
    ['DECRBY a 9223372036854775807', -9223372036854775807n],
    ['DECR a', -9223372036854775808n],
    ['DECR a', OVERFLOW],
    ['INCRBY a -9223372036854775808', OVERFLOW],
    ['DECRBY a -9223372036854775808', '-ERR decrement would overflow'],
  ],
  [
    'what is no integer',
    ['SET a 1.5', OK],
    ['INCR a', NOT_INTEGER],
    ['SET a ""', OK],
    ['INCR a', NOT_INTEGER],
    [['SET', 'a', ' 1'], OK],
    ['INCR a', NOT_INTEGER],
    ['SET a 9223372036854775808', OK],
    ['INCR a', NOT_INTEGER],
    ['SET a 00000000000000000000001', OK],
    ['INCR a', NOT_INTEGER],
    ['INCRBY b 1.0', NOT_INTEGER],
    ['DECRBY b 9223372036854775808', NOT_INTEGER],
    ['EXISTS b', 0],
  ],
]);

testRows('INCRBYFLOAT', [
  [
    'human numbers',
    ['INCRBYFLOAT a 0.1', '0.1'],
    ['INCRBYFLOAT a 0.2', '0.3'],
    ['INCRBYFLOAT a -0.3', '0'],
  ],
  [
    'exponents',
    ['SET a 5.0e3', OK],
    ['INCRBYFLOAT a 2.0e2', '5200'],
    ['INCRBYFLOAT a 1e-3', '5200.00099999999999989'],
  ],
  [
    '64 bits of mantissa',
    ['SET a 18446744073709551615', OK],
    ['INCRBYFLOAT a 1', '18446744073709551616'],
  ],
  ['seventeen digits', ['INCRBYFLOAT a 0.3333333333333333333', '0.33333333333333333']],
  ['hexadecimal', ['INCRBYFLOAT a 0x10', '16'], ['INCRBYFLOAT a 0x1.8p1', '19']],
  ['too small to show', ['INCRBYFLOAT a 1e-30', '0'], ['INCRBYFLOAT a -1e-30', '0']],
  [
    'the expiry stays',
    ['SET a 1 EX 9', OK],
    ['INCRBYFLOAT a 1', '2'],
    ['TTL a', 9],
    ['OBJECT ENCODING a', 'embstr'],
  ],
  [
    'what is no number',
    ['INCRBYFLOAT a x', NOT_FLOAT],
    ['INCRBYFLOAT a nan', NOT_FLOAT],
    ['INCRBYFLOAT a 1e', NOT_FLOAT],
    ['INCRBYFLOAT a 1e5000', NOT_FLOAT],
    ['INCRBYFLOAT a 1e-5000', NOT_FLOAT],
    [['INCRBYFLOAT', 'a', ' 1'], NOT_FLOAT],
    ['INCRBYFLOAT a inf', '-ERR increment would produce NaN or Infinity'],
    ['SET a x', OK],
    ['INCRBYFLOAT a 1', NOT_FLOAT],
  ],
]);

const SUMS: readonly (readonly [a: string, b: string, sum: string])[] = [
  ['0.1', '0.2', '0.3'],
  ['3.0', '0', '3'],
  ['1e17', '0.5', '100000000000000000.5'],
  ['9223372036854775807', '0.5', '9223372036854775807.5'],
  ['9223372036854775807', '0.25', '9223372036854775807'],
  ['1.5e-17', '0', '0.00000000000000002'],
  ['2.5e-17', '0', '0.00000000000000002'],
  ['-0.1', '0.05', '-0.05'],
  ['1', '-1e-20', '1'],
  ['.5', '5.', '5.5'],
];

t.test('sums of long doubles', async (t) => {
  for (const [a, b, sum] of SUMS) {
    const result = formatLongDouble(add(parseLongDouble(a)!, parseLongDouble(b)!));
    t.equal(result, sum, `${a} + ${b}`);
  }
});
