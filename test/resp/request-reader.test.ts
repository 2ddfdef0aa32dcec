/**
 * The request reader against the model: whole, byte by byte, cut at every place, at random; with
 * stops in the middle as under backpressure; its limits, and what it holds.
 */
import t from 'tap';
import { Args } from '../../resp/args.js';
import {
  NEED_MORE,
  PROTOCOL_ERROR,
  REQUEST,
  RequestReader,
  requestLimitsDefault,
} from '../../resp/request-reader.js';
import { seededRandom, seedOfRun } from '../support/random.js';
import {
  drive,
  modelRequests,
  modelSplit,
  multibulk,
  mutate,
  randomCuts,
  randomStream,
} from './model.js';

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

const STREAMS: readonly { name: string; input: Buffer }[] = [
  { name: 'one request', input: multibulk('GET', 'key') },
  { name: 'a pipeline', input: latin1(`${multibulk('SET', 'a', '1')}${multibulk('GET', 'a')}`) },
  { name: 'an empty argument', input: multibulk('ECHO', '') },
  { name: 'binary', input: multibulk('SET', Buffer.from([0, 13, 10, 255, 36, 42]), '\r\n') },
  { name: 'empty requests', input: latin1('*0\r\n*-1\r\n\r\n\n  \r\n*1\r\n$4\r\nPING\r\n*0\r\n') },
  { name: 'inline', input: latin1('PING\r\nECHO "a b" \'c\'\nSET x "\\x41\\n\\"\\\\"\r\n') },
  { name: 'inline and multibulk', input: latin1('PING\n*1\r\n$4\r\nPING\r\nPING\r\n') },
  { name: 'bytes that nobody looks at', input: latin1('*1\rx$4\ryPINGzz*1\r\n$1\r\nabc') },
  { name: 'a bad count', input: latin1('*1\r\n$1\r\na\r\n*x\r\n') },
  { name: 'a count with a plus', input: latin1('*+1\r\n$4\r\nPING\r\n') },
  { name: 'a count with a leading zero', input: latin1('*01\r\n$4\r\nPING\r\n') },
  { name: 'an empty count', input: latin1('*\r\n$4\r\nPING\r\n') },
  { name: 'a count beyond int', input: latin1('*2147483648\r\n') },
  { name: 'the largest count', input: latin1('*2147483647\r\n$4\r\nPING\r\n') },
  { name: 'a count of twenty digits', input: latin1('*99999999999999999999\r\n') },
  { name: 'a bad length', input: latin1('*1\r\n$x\r\n') },
  { name: 'a negative length', input: latin1('*1\r\n$-1\r\n') },
  { name: 'a length with a leading zero', input: latin1('*1\r\n$04\r\nPING\r\n') },
  { name: 'a length beyond the limit', input: latin1('*1\r\n$536870913\r\n') },
  { name: 'something else than a length', input: latin1('*2\r\n$4\r\nECHO\r\nhello\r\n') },
  { name: 'nothing instead of a length', input: latin1('*1\r\n\r\n') },
  { name: 'a line feed instead of a length', input: latin1('*1\r\n\n$4\r\nPING\r\n') },
  { name: 'a byte above 127', input: latin1('*1\r\n\xff4\r\n') },
  { name: 'unbalanced double quotes', input: latin1('PING\r\nECHO "a\r\n') },
  { name: 'unbalanced single quotes', input: latin1("ECHO 'a\r\n") },
  { name: 'text behind a quote', input: latin1('ECHO "a"b\r\n') },
  { name: 'a NUL in an inline command', input: latin1('ECHO a\0b\r\nPING\r\n') },
  { name: 'a NUL in a count', input: latin1('*1\0\r\n$4\r\nPING\r\n') },
];

t.test('named streams, whole and cut at every place', async (t) => {
  for (const { name, input } of STREAMS) {
    const expected = modelRequests(input);
    t.same(drive(input, [], {}), expected, `${name}, whole`);
    const everywhere = Array.from({ length: input.length }, (_, at) => at);
    t.same(drive(input, everywhere, {}), expected, `${name}, byte by byte`);
    for (const first of everywhere) {
      for (const second of everywhere.slice(first)) {
        const outcome = drive(input, [first, second], {});
        if (JSON.stringify(outcome) !== JSON.stringify(expected)) {
          t.same(outcome, expected, `${name}, cut at ${first} and ${second}`);
        }
      }
    }
  }
});

t.test('what the streams mean', async (t) => {
  const meaning = (text: string): unknown => modelRequests(latin1(text));
  t.same(meaning('*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n'), {
    requests: [['GET', 'key']],
    error: undefined,
  });
  t.same(meaning('*1\r\n$x\r\n'), {
    requests: [],
    error: 'ERR Protocol error: invalid bulk length',
  });
  t.same(modelSplit('a "b\\x41\\n" \'c\\\'d\' e"f g"'), ['a', 'bA\n', "c'd", 'ef g']);
});

t.test('random streams, cut at random, with stops', async (t) => {
  const seed = seedOfRun();
  const random = seededRandom(seed);
  for (let round = 0; round < 3000; round++) {
    const clean = randomStream(random, 6);
    const input = round % 3 === 0 ? clean : mutate(random, clean);
    const authenticated = random.chance(0.7);
    const expected = modelRequests(input, { authenticated });
    const outcome = drive(input, randomCuts(random, input.length), { authenticated, random });
    if (JSON.stringify(outcome) !== JSON.stringify(expected)) {
      t.fail(`seed ${seed}, round ${round}: ${input.subarray(0, 500).toString('hex')}`);
      return;
    }
  }
  t.pass(`seed ${seed}`);
});

t.test('lines that never end', async (t) => {
  const cases = [
    { start: '', filler: 'a', error: 'too big inline request' },
    { start: 'ECHO \0', filler: 'a\r\n', error: 'too big inline request' },
    { start: '*', filler: '1', error: 'too big mbulk count string' },
    { start: '*1\r\n', filler: '$', error: 'too big bulk count string' },
  ];
  for (const { start, filler, error } of cases) {
    const full = Buffer.concat([latin1(start), Buffer.alloc(66_000, filler)]);
    const lineFrom = start.endsWith('\n') ? start.length : 0;
    const most = full.subarray(0, lineFrom + 65_536);
    t.equal(drive(most, [10, 60_000], {}).error, undefined, `${filler}: 64 KiB is no error yet`);
    const more = full.subarray(0, lineFrom + 65_537);
    t.equal(drive(more, [10, 60_000], {}).error, `ERR Protocol error: ${error}`);
    t.equal(drive(full, [], {}).error, `ERR Protocol error: ${error}`);
  }
});

t.test('limits before authentication', async (t) => {
  const reader = new RequestReader(requestLimitsDefault);
  const args = new Args();
  const feed = (text: string): number => {
    reader.feed(latin1(text), 0, text.length);
    return reader.next(args);
  };
  t.equal(feed(multibulk(...'abcdefghij').toString()), REQUEST, 'ten arguments');
  t.equal(feed(multibulk('a'.repeat(16384)).toString()), REQUEST, '16 KiB');
  reader.authenticated = true;
  t.equal(feed(multibulk(...'abcdefghijk').toString()), REQUEST, 'eleven once authenticated');
  reader.authenticated = false;
  t.equal(feed('*11\r\n'), PROTOCOL_ERROR);
  t.equal(reader.error, 'ERR Protocol error: unauthenticated multibulk length');
  t.equal(feed('*1\r\n$4\r\nPING\r\n'), PROTOCOL_ERROR, 'and stays there');

  const whole = multibulk('a'.repeat(16385));
  t.equal(
    drive(whole, [], { authenticated: false }).error?.slice(20),
    'unauthenticated bulk length',
  );
});

t.test('limits that change at run time', async (t) => {
  const limits = { ...requestLimitsDefault };
  const reader = new RequestReader(limits);
  reader.authenticated = true;
  const args = new Args();
  const text = multibulk('0123456789');
  reader.feed(text, 0, text.length);
  t.equal(reader.next(args), REQUEST);
  limits.bulkBytesMax = 9;
  reader.feed(text, 0, text.length);
  t.equal(reader.next(args), PROTOCOL_ERROR);
  t.equal(reader.error, 'ERR Protocol error: invalid bulk length');
  t.equal(
    drive(multibulk('a', 'b'), [], { limits: { ...limits, argumentsMax: 1 } }).error,
    'ERR Protocol error: invalid multibulk length',
  );
});

t.test('the query buffer is bounded, and ends without a reply', async (t) => {
  const limits = { ...requestLimitsDefault, queryBufferBytesMax: 100_000 };
  const big = multibulk('SET', 'k', Buffer.alloc(200_000));
  let heldMax = 0;
  const after = (reader: RequestReader): void => {
    heldMax = Math.max(heldMax, reader.bufferedBytes);
  };
  const everyKiB = Array.from({ length: 195 }, (_, at) => at * 1024);
  t.equal(drive(big, everyKiB, { limits, after }).error, '', 'one big argument');
  t.ok(heldMax < 200_000 + 1000, `held at most ${heldMax}`);

  heldMax = 0;
  const many = latin1(`*100000\r\n${'$0\r\n\r\n'.repeat(30_000)}`);
  const pieces = Array.from({ length: 175 }, (_, at) => at * 1024);
  t.equal(drive(many, pieces, { limits, after }).error, '', 'many empty arguments');
  t.ok(heldMax < 300_000, `held at most ${heldMax}`);

  const reader = new RequestReader(limits);
  const chunk = Buffer.alloc(60_000, '\n');
  reader.feed(chunk, 0, chunk.length);
  reader.keep();
  reader.feed(chunk, 0, chunk.length);
  t.equal(reader.next(new Args()), PROTOCOL_ERROR, 'what was fed to a reader that was stopped');
});

t.test('nothing is reserved for a promise, and nothing held while idle', async (t) => {
  const reader = new RequestReader(requestLimitsDefault);
  reader.authenticated = true;
  const args = new Args();
  const feed = (bytes: Buffer): number => {
    reader.feed(bytes, 0, bytes.length);
    return reader.next(args);
  };
  t.equal(feed(latin1('*2000000000\r\n$500000000\r\nabc')), NEED_MORE);
  t.ok(reader.bufferedBytes < 1000, `${reader.bufferedBytes} bytes for a promise`);

  const other = new RequestReader(requestLimitsDefault);
  other.authenticated = true;
  const big = multibulk('SET', 'k', Buffer.alloc(3_000_000, 7));
  for (let at = 0; at < big.length; at += 65_536) {
    const to = Math.min(big.length, at + 65_536);
    other.feed(big, at, to);
    const result = other.next(args);
    t.ok(other.bufferedBytes <= 16 * to + 1000, 'grows with what has arrived');
    if (to === big.length) t.equal(result, REQUEST);
  }
  t.equal(args.buf.length, 3_000_000 + 4, 'ends at the exact size');
  t.equal(other.bufferedBytes, 0);
  t.equal(other.next(args), NEED_MORE);
  t.equal(args.buf.length, 0, 'the arguments let go of it');
});

t.test('time is linear in the bytes, however they are cut', async (t) => {
  const shapes = [
    { name: 'small arguments', make: (n: number) => multibulk(...Array<string>(n).fill('abc')) },
    { name: 'empty arguments', make: (n: number) => multibulk(...Array<string>(n).fill('')) },
    { name: 'one argument', make: (n: number) => multibulk('SET', Buffer.alloc(n * 9)) },
    { name: 'a line', make: (n: number) => Buffer.alloc(Math.min(65_000, n), 'x') },
    { name: 'empty requests', make: (n: number) => latin1('*0\r\n\r\n'.repeat(n)) },
    { name: 'requests', make: (n: number) => latin1(multibulk('GET', 'a').toString().repeat(n)) },
  ];
  for (const { name, make } of shapes) {
    const input = make(100_000);
    for (const piece of [1, 7, 1024, 65_536]) {
      const reader = new RequestReader(requestLimitsDefault);
      reader.authenticated = true;
      const args = new Args();
      for (let at = 0; at < input.length; at += piece) {
        reader.feed(input, at, Math.min(input.length, at + piece));
        while (reader.next(args) === REQUEST);
        reader.keep();
      }
      t.equal(reader.error, '');
      const ratio = reader.workBytes / input.length;
      t.ok(ratio < 8, `${name} in pieces of ${piece}: ${ratio.toFixed(2)} per byte`);
    }
  }
});

t.test('a reader that is stopped keeps what is unread', async (t) => {
  const reader = new RequestReader(requestLimitsDefault);
  const args = new Args();
  const shared = latin1('PING 1\r\nPING 2\r\nPING 3\r\nPI');
  reader.feed(shared, 0, shared.length);
  t.equal(reader.next(args), REQUEST);
  reader.keep();
  shared.fill(0);
  const rest = latin1('NG 4\r\n');
  reader.feed(rest, 0, rest.length);
  rest.fill(0);
  const seen: string[] = [];
  while (reader.next(args) === REQUEST) seen.push(args.string(1));
  t.same(seen, ['2', '3', '4']);
  t.equal(reader.bufferedBytes, 0);
});
