/**
 * Damaged values with right checksums: bytes changed, cut, exchanged in bodies that a real server
 * could have written. Whatever comes is read to its end or refused with an RdbError, never more
 * than the limit of memory is taken for a string, and in pieces it is the same as whole.
 */
import t from 'tap';
import { RdbError } from '../../rdb/rdb-error.js';
import { RdbReader } from '../../rdb/reader.js';
import { readValue } from '../../rdb/values.js';
import { type SeededRandom, seededRandom, seedOfRun } from '../support/random.js';
import { collecting } from './dumps.js';
import { intset, rdbLength, rdbString, ziplist, zipmap } from './old-formats.js';

const ROUNDS = 20_000;
const STRING_BYTES_MAX = 4096;

/** Written by redis-server 7.0.15, without their footers. */
const REAL = [
  '10151500000004008161020101816202846363636305ff',
  '1114140000000400816102010181620283312e3504ff',
  '1201021111000000040081610205018162020c01ff',
];

/** a = b until 7. */
const TIMED_LISTPACK = Buffer.from('0f000000030081610281620207' + '01ff', 'hex');

function seeds(): Buffer[] {
  const text = 'x'.repeat(300);
  const packed = (type: number, blob: Buffer): Buffer =>
    Buffer.concat([Buffer.from([type]), rdbString(blob)]);
  const strings = ['a', '1', 'b', '2'].map((part) => rdbString(Buffer.from(part)));
  return [
    ...REAL.map((hex) => Buffer.from(hex, 'hex')),
    Buffer.from('00c30c412c017878e0ff00e01700017878', 'hex'),
    Buffer.concat([Buffer.from([1, 4]), ...strings]),
    Buffer.concat([Buffer.from([4, 2]), ...strings]),
    Buffer.concat([Buffer.from([24]), Buffer.alloc(8), Buffer.from([1, 0]), ...strings.slice(2)]),
    Buffer.concat([Buffer.from([24]), Buffer.alloc(8), Buffer.from([1, 7]), ...strings.slice(2)]),
    Buffer.concat([Buffer.from([25]), Buffer.alloc(8), rdbString(TIMED_LISTPACK)]),
    Buffer.concat([Buffer.from([22, 1, 7]), ...strings.slice(2)]),
    packed(23, TIMED_LISTPACK),
    Buffer.concat([Buffer.from([5, 1]), strings[0]!, Buffer.alloc(8)]),
    Buffer.concat([Buffer.from([14]), rdbLength(1), rdbString(ziplist(['a', 1, text]))]),
    packed(9, zipmap([['a', 'b']], 2)),
    packed(10, ziplist(['a', -1, 70_000, 1e12, text])),
    packed(11, intset(8, [-5n, 1n, 1n << 40n])),
    packed(12, ziplist(['a', '1.5'])),
    packed(13, ziplist(['a', text])),
  ];
}

function damaged(random: SeededRandom, seed: Buffer): Buffer {
  let body = Buffer.from(seed);
  for (let changes = random.below(4); changes > 0 && body.length > 1; changes -= 1) {
    const at = random.below(body.length);
    const kind = random.below(4);
    if (kind === 0) body[at] = random.pick([0, 1, 0x7f, 0x80, 0xc3, 0xf0, 0xfe, 0xff]);
    if (kind === 1) body[at]! ^= 1 << random.below(8);
    if (kind === 2)
      body = Buffer.concat([body.subarray(0, at), random.bytes(2), body.subarray(at)]);
    if (kind === 3) body = body.subarray(0, at);
  }
  return body;
}

/** What was read, and how it ended. `pieces`: fed byte by byte. */
function outcome(body: Buffer, pieces: boolean): string {
  const reader = pieces
    ? new RdbReader({ stringBytesMax: STRING_BYTES_MAX })
    : RdbReader.over(body, 0, body.length, { stringBytesMax: STRING_BYTES_MAX });
  let fed = 0;
  const feed = (): void => {
    reader.feed(body.subarray(fed, fed + 1));
    fed += 1;
    reader.isLast = fed >= body.length;
  };
  const elements: string[] = [];
  try {
    if (pieces) feed();
    const reading = readValue(reader, reader.byte(), collecting(elements));
    while (reading.next().done !== true) if (pieces && reader.missing > 0) feed();
    return elements.join();
  } catch (error) {
    if (!(error instanceof RdbError)) throw error;
    return `${elements.join()} ${error.code === 'tooLong' ? 'corrupt' : error.code}`;
  }
}

t.test('whatever comes is read or refused', async (t) => {
  const random = seededRandom(seedOfRun());
  const bodies = seeds();
  let good = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const body = damaged(random, random.pick(bodies));
    const say = `${body.toString('hex')}, round ${round}, seed ${random.seed}`;
    try {
      const whole = outcome(body, false);
      if (!/ (corrupt|unsupported)$/.test(whole)) good += 1;
      if (body.length > 0 && outcome(body, true) !== whole) t.fail(`differs in pieces: ${say}`);
    } catch (error) {
      t.fail(`${String(error)}: ${say}`);
    }
  }
  t.ok(good > ROUNDS / 10, `${good} were still good`);
});

t.test('undamaged ones are good', async (t) => {
  for (const body of seeds()) {
    t.notMatch(outcome(body, false), / (corrupt|unsupported)$/, body.toString('hex'));
  }
});
