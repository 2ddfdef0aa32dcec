/** What has been collected where, against a stamp for each of a few hundred keys. */
import t from 'tap';
import { CollectedRanges, PIECES_MAX } from '../../lib/store/collected-ranges.js';
import { seededRandom, seedOfRun } from '../support/random.js';

const KEYS = 300;
const seed = seedOfRun();
t.comment(`SEED=${seed}`);

function keyOf(n: number): Buffer {
  return Buffer.from([n >>> 8, n & 0xff]);
}

void t.test('nothing was collected at first', (t) => {
  const ranges = new CollectedRanges();
  t.equal(ranges.at(Buffer.alloc(0)), 0);
  t.equal(ranges.highest, 0);
  t.strictSame(ranges.within({ from: keyOf(3), to: keyOf(3) }), []);
  t.end();
});

void t.test('ranges that meet keep their stamps, and become one piece at one stamp', (t) => {
  const ranges = new CollectedRanges();
  const [a, m] = [Buffer.from('a'), Buffer.from('m')];
  ranges.raise({ from: a, to: m }, 20);
  ranges.raise({ from: m, to: a }, 10);
  const stamps = ['', 'a', 'b', 'm', 'n', 'z'].map((key) => ranges.at(Buffer.from(key)));
  t.strictSame(stamps, [10, 10, 20, 20, 10, 10]);
  t.notOk(ranges.raise({ from: a, to: a }, 10), 'nowhere lower');
  t.ok(ranges.raise({ from: a, to: a }, 20));
  t.strictSame(ranges.pieces(), [{ low: null, high: null, stamp: 20 }]);
  t.end();
});

void t.test('random ranges, as told key by key; and told to another', (t) => {
  const random = seededRandom(seed);
  const ranges = new CollectedRanges();
  const oracle = new Array<number>(KEYS).fill(0);
  for (let round = 0; round < 400; round += 1) {
    const from = random.below(KEYS);
    const to = random.below(KEYS);
    const stamp = 1 + random.below(60);
    const isIn = (n: number): boolean => (from < to ? n > from && n <= to : n > from || n <= to);
    const isHigher = oracle.some((each, n) => isIn(n) && each < stamp);
    // A range may have no key of these and be raised.
    if (isHigher) t.ok(ranges.raise({ from: keyOf(from), to: keyOf(to) }, stamp));
    else ranges.raise({ from: keyOf(from), to: keyOf(to) }, stamp);
    for (const [n, each] of oracle.entries()) if (isIn(n)) oracle[n] = Math.max(each, stamp);
    const found = oracle.map((_, n) => ranges.at(keyOf(n)));
    if (!t.strictSame(found, oracle, `round ${round}, SEED=${seed}`)) break;
    const other = new CollectedRanges();
    for (const piece of ranges.within({ from: keyOf(from), to: keyOf(to) })) {
      other.raiseBetween(piece.low, piece.high, piece.stamp);
    }
    const told = oracle.map((_, n) => other.at(keyOf(n)));
    const wanted = oracle.map((each, n) => (isIn(n) ? each : 0));
    if (!t.strictSame(told, wanted, `told in round ${round}, SEED=${seed}`)) break;
  }
  t.equal(ranges.highest, 60);
  t.end();
});

void t.test('more pieces than may be: none of them is forgotten', (t) => {
  const ranges = new CollectedRanges();
  const count = 2 * PIECES_MAX;
  for (let n = 0; n < count; n += 1) {
    ranges.raise({ from: keyOf(2 * n), to: keyOf(2 * n + 1) }, 1000 + n);
  }
  t.equal(ranges.pieces().length, PIECES_MAX);
  for (let n = 0; n < count; n += 1) {
    if (ranges.at(keyOf(2 * n + 1)) < 1000 + n) t.fail(`${n} is forgotten`);
  }
  t.equal(ranges.highest, 1000 + count - 1);
  t.end();
});
