/**
 * Numbers of arguments and of replies: against BigInt and Number, and against a real redis-server
 * where it reads the same texts.
 */

import { connect } from 'node:net';
import t from 'tap';
import { Args } from '../../resp/args.js';
import { digitsAt, formatDouble, parseLooseFloat64 } from '../../resp/numbers.js';
import { ReplyError, ReplyParser } from '../../resp/reply-parser.js';
import { type SeededRandom, seededRandom, seedOfRun } from '../support/random.js';
import { startRedis } from '../support/server-process.js';
import { multibulk } from './model.js';

const INTEGERS = [
  '',
  '0',
  '-0',
  '1',
  '-1',
  '+1',
  '01',
  '-01',
  '00',
  '-',
  '--1',
  '1-',
  ' 1',
  '1 ',
  '1.0',
  '0x1',
  '9',
  '999999999999999',
  '1000000000000000',
  '9007199254740993',
  '-9007199254740993',
  '9223372036854775807',
  '9223372036854775808',
  '-9223372036854775808',
  '-9223372036854775809',
  '18446744073709551616',
  '99999999999999999999',
  '1e3',
  'abc',
  '1\0',
  '\0',
  '١',
  '123456789012345678901234567890',
];

const FLOATS = [
  '0',
  '-0',
  '0.0',
  '-0.0',
  '1',
  '-1',
  '+1',
  '01',
  '1.',
  '.5',
  '-.5',
  '+.5',
  '.',
  '',
  '-',
  '+',
  'e5',
  '1e5',
  '1E5',
  '1e+5',
  '1e-5',
  '1e',
  '1e+',
  '1.5e300',
  '1e308',
  '1e309',
  '-1e309',
  '1e-300',
  '5e-324',
  '2e-324',
  '3e-324',
  '1e-400',
  '0e-400',
  '0e999',
  '1.7976931348623157e308',
  '1.7976931348623159e308',
  '2.2250738585072011e-308',
  'inf',
  '-inf',
  '+inf',
  'INF',
  'Infinity',
  'infinit',
  'infinityx',
  'nan',
  'NAN',
  '-nan',
  'nan(1)',
  '0x10',
  '0X1F',
  '0x1p3',
  '0x1.8p1',
  '0x.8',
  '0x',
  '0xg',
  '0x1p',
  '0x1.',
  '0x.',
  '-0x10',
  '0x1p-1074',
  '0x1p-1075',
  '0x1.8p-1075',
  '0x1p-1076',
  '0x1p1023',
  '0x1p1024',
  '0x1.fffffffffffff8p0',
  '0x1.fffffffffffff7p0',
  '0x1fffffffffffffp0',
  '0x20000000000001p0',
  '0x20000000000003p0',
  '0x0p99999',
  '0x1p99999',
  ' 1',
  '1 ',
  '1\n',
  '1_000',
  '1,5',
  '1d5',
  '0b1',
  '0o7',
  '9007199254740993',
  '123456789012345678',
  '1\0',
  '12abc',
  '0.1',
  '3.14159265358979',
  '1e00005',
  '1e-00005',
  '00x1',
  '1.2.3',
  '--1',
  '+-1',
];

/** An oracle of our own for float64: exact where the text is ordinary. */
t.test('int64 against BigInt', async (t) => {
  const seed = seedOfRun();
  const random = seededRandom(seed);
  const texts = [...INTEGERS];
  for (let i = 0; i < 5000; i++) texts.push(randomInteger(random));
  for (const text of texts) {
    const args = Args.of(text);
    const exact = exactInt64(text);
    if (args.bigInt64(0) !== exact || !Object.is(args.int64(0), Number(exact ?? NaN))) {
      t.same([args.bigInt64(0), args.int64(0)], [exact, Number(exact ?? NaN)], `${seed} '${text}'`);
    }
  }
  t.pass(`seed ${seed}`);
});

t.test('int64 and float against redis-server', async (t) => {
  const seed = seedOfRun();
  const random = seededRandom(seed);
  const server = await startRedis();
  t.teardown(() => server.stop());
  const integers = [...INTEGERS];
  for (let i = 0; i < 2000; i++) integers.push(mutated(random, randomInteger(random)));
  const requests = integers.map((text) => [
    multibulk('SET', 'n', '0'),
    multibulk('INCRBY', 'n', text),
  ]);
  const replies = await ask(server.port, Buffer.concat(requests.flat()), integers.length * 2);
  for (const [index, text] of integers.entries()) {
    const reply = replies[index * 2 + 1];
    const exact = Args.of(text).bigInt64(0);
    const theirs = reply instanceof ReplyError ? undefined : BigInt(reply as number | bigint);
    if (exact !== theirs) t.equal(exact, theirs, `seed ${seed}, INCRBY '${text}'`);
  }

  const floats = [...FLOATS];
  for (let i = 0; i < 4000; i++) floats.push(mutated(random, randomFloat(random)));
  const questions = floats.flatMap((text) => [
    multibulk('DEL', 'z'),
    multibulk('ZADD', 'z', text, 'm'),
    multibulk('ZSCORE', 'z', 'm'),
  ]);
  const answers = await ask(server.port, Buffer.concat(questions), floats.length * 3);
  for (const [index, text] of floats.entries()) {
    const score = answers[index * 3 + 2];
    const theirs = score === null ? NaN : scoreOf(String(score as Buffer));
    const ours = Args.of(text).float(0);
    // Redis's small sorted sets forget the sign of zero, hence the addition.
    if (!Object.is(ours + 0, theirs + 0)) t.equal(ours, theirs, `seed ${seed}, ZADD '${text}'`);
  }
  t.pass(`seed ${seed}`);
});

t.test('a hostile number takes no time', async (t) => {
  for (const text of ['1'.repeat(5000) + 'x', `0x${'f'.repeat(5000)}p`, `1.${'0'.repeat(5000)}e`]) {
    t.ok(Number.isNaN(Args.of(text).float(0)));
  }
  t.ok(Number.isNaN(Args.of('1'.repeat(1_000_000)).float(0)), 'longer than Redis takes');
});

t.test('bounds of scores as strtod reads them', async (t) => {
  const cases: readonly [string, number][] = [
    ['', 0],
    ['\x001', 0],
    ['1\0x', 1],
    [' \t\r\n\v\f-1.5', -1.5],
    ['1 ', NaN],
    [' ', NaN],
    ['1e400', Infinity],
    ['-1e400', -Infinity],
    ['1e-400', 0],
    ['-inf', -Infinity],
    [' Infinity', Infinity],
    ['nan', NaN],
    ['0x10', 16],
    [' 0x1p-1', 0.5],
    ['x', NaN],
    ['1x', NaN],
  ];
  for (const [text, value] of cases) {
    const bytes = Buffer.from(text, 'latin1');
    const read = parseLooseFloat64(bytes, 0, bytes.length);
    t.ok(Object.is(read, value), `${JSON.stringify(text)}: ${read}`);
  }
});

t.test('doubles as Redis 7.0 writes them', async (t) => {
  const cases: readonly [number, string][] = [
    [0, '0'],
    [-0, '-0'],
    [1, '1'],
    [-1, '-1'],
    [0.1, '0.10000000000000001'],
    [0.1 + 0.2, '0.30000000000000004'],
    [3.14, '3.1400000000000001'],
    [-2.5, '-2.5'],
    [1e15, '1000000000000000'],
    [1e16, '10000000000000000'],
    [1e17, '1e+17'],
    [99999999999999984, '99999999999999984'],
    [2 ** 53, '9007199254740992'],
    [2 ** 53 + 2, '9007199254740994'],
    [2 ** 62, '4.6116860184273879e+18'],
    [1e21, '1e+21'],
    [1.2345678901234568e20, '1.2345678901234568e+20'],
    [123456.7, '123456.7'],
    [1e300, '1.0000000000000001e+300'],
    [1e-5, '1.0000000000000001e-05'],
    [1e-7, '9.9999999999999995e-08'],
    [1.5e-7, '1.4999999999999999e-07'],
    [0.5 ** 12, '0.000244140625'],
    [0.5 ** 20, '9.5367431640625e-07'],
    [5e-324, '4.9406564584124654e-324'],
    [1.7976931348623157e308, '1.7976931348623157e+308'],
    [Infinity, 'inf'],
    [-Infinity, '-inf'],
    [NaN, 'nan'],
  ];
  for (const [value, text] of cases) t.equal(formatDouble(value), text);
  const random = seededRandom(seedOfRun());
  for (let i = 0; i < 20_000; i++) {
    const value = random.bytes(8).readDoubleLE();
    const text = formatDouble(value);
    const back = scoreOf(text === 'nan' ? 'nan' : text);
    if (!Object.is(back, value)) t.equal(back, value, `${random.seed}: ${text}`);
  }
});

t.test('whole numbers as digits', async (t) => {
  const random = seededRandom(seedOfRun());
  const buf = Buffer.alloc(40);
  const values = [
    0,
    9,
    10,
    99,
    100,
    999,
    1000,
    9999,
    10_000,
    99_999,
    100_000,
    2 ** 31 - 1,
    2 ** 31,
  ];
  for (let i = 0; i < 20_000; i++) values.push(Math.floor(2 ** (random.float() * 53)));
  for (const value of [...values, 2 ** 53, 2 ** 62]) {
    for (const n of [value, -value]) {
      const text = buf.toString('latin1', 3, digitsAt(buf, 3, n));
      if (text !== String(BigInt(n))) t.equal(text, String(BigInt(n)), `seed ${random.seed}`);
    }
  }
  t.pass('all');
});

function exactInt64(text: string): bigint | undefined {
  if (!/^(?:0|-?[1-9][0-9]*)$/.test(text)) return undefined;
  const value = BigInt(text);
  return value === BigInt.asIntN(64, value) ? value : undefined;
}

function scoreOf(text: string): number {
  if (text.endsWith('inf')) return text.startsWith('-') ? -Infinity : Infinity;
  return Number(text);
}

function randomInteger(random: SeededRandom): string {
  const digits = Array.from({ length: random.between(1, 20) }, () => random.below(10)).join('');
  return random.pick(['', '', '-']) + digits;
}

function randomFloat(random: SeededRandom): string {
  const digits = (): string => String(Math.floor(2 ** (random.float() * 50)));
  return random.pick([
    () => String(random.bytes(8).readDoubleLE()),
    () => `${digits()}.${digits()}`,
    () => `-${digits()}e${random.between(-330, 320)}`,
    () => `0x${random.bytes(random.between(1, 9)).toString('hex')}`,
    () => `0x1.${random.bytes(8).toString('hex')}p${random.between(-1090, 1030)}`,
    () => `-0x${random.bytes(3).toString('hex')}.${random.bytes(2).toString('hex')}p7`,
  ])();
}

function mutated(random: SeededRandom, text: string): string {
  if (random.chance(0.6)) return text;
  const at = random.below(text.length + 1);
  const insert = random.pick(['', '0', '.', 'e', '-', '+', 'x', 'p', ' ', '\0', 'f', '\n']);
  return text.slice(0, at) + insert + text.slice(at + random.below(2));
}

/** Sends requests and waits for that many replies. */
function ask(port: number, requests: Buffer, replies: number): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const parser = new ReplyParser();
    const all: unknown[] = [];
    const socket = connect(port, '127.0.0.1');
    socket.on('error', reject);
    socket.on('data', (chunk) => {
      parser.feed(chunk);
      for (const reply of parser.all()) all.push(reply);
      if (all.length < replies) return;
      socket.destroy();
      resolve(all);
    });
    socket.write(requests);
  });
}
