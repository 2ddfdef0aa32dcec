import t from 'tap';
import { findMismatches, type Mismatches } from '../../radix/sync/estimate.js';
import { type SeededRandom, seededRandom, seedOfRun } from '../support/random.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);
const RANGES = 256;

/** Puts differing items into ranges: steps of the counts that either side sees, of each. */
type Scatter = (random: SeededRandom, differences: number) => Generator<[number, number]>;

const SCATTERS: Record<string, Scatter> = {
  *'inserts on both sides'(random, differences) {
    for (let i = 0; i < differences; i++) yield [random.below(RANGES), random.pick([1, -1])];
  },
  *'inserts on one side'(random, differences) {
    for (let i = 0; i < differences; i++) yield [random.below(RANGES), 1];
  },
  *'other versions of the same keys'(random, differences) {
    for (let i = 0; i < differences; i++) yield [random.below(RANGES), 0];
  },
};

function mismatchesOf(random: SeededRandom, steps: Iterable<[number, number]>): Mismatches {
  const mine = Array.from({ length: RANGES }, () => random.below(2 ** 12));
  const theirs = [...mine];
  const counts = mine.map(() => random.below(5000));
  const more = new Array<number>(RANGES).fill(0);
  let excess = 0;
  for (const [range, step] of steps) {
    theirs[range] = random.below(2 ** 12);
    more[range]! += step;
    excess += step;
  }
  const digestOf = (hash: number, count: number): number => (hash << 4) | (count & 15);
  const ranges = {
    length: RANGES,
    digest: (index: number) => digestOf(mine[index]!, counts[index]! + more[index]!),
  };
  const said = theirs.map((hash, index) => digestOf(hash, counts[index]!));
  return findMismatches(ranges, said, 0, excess);
}

for (const [name, scatter] of Object.entries(SCATTERS)) {
  t.test(`how many items differ: ${name}`, (t) => {
    const random = seededRandom(seed);
    for (const differences of [0, 1, 2, 10, 50, 100, 300, 700]) {
      const rounds = 100;
      let sum = 0;
      for (let round = 0; round < rounds; round++) {
        sum += mismatchesOf(random, scatter(random, differences)).differences;
      }
      const mean = sum / rounds;
      const isRight = mean >= differences * 0.9 && mean <= differences * 1.15;
      t.ok(isRight, `${differences}: ${mean.toFixed(1)}`);
    }
    t.end();
  });
}

t.test('a range that many writes have met counts for many', (t) => {
  const random = seededRandom(seed);
  let sum = 0;
  for (let round = 0; round < 100; round++) {
    const steps = Array.from({ length: 4000 }, (_, i): [number, number] => {
      return [i % 80, random.pick([1, -1])];
    });
    sum += mismatchesOf(random, steps).differences;
  }
  // 80 ranges differ, which might be 96 items; 50 in each are as many as the counts can tell.
  t.ok(sum / 100 > 1200, `${sum / 100} of 4000`);
  t.end();
});

t.test('the counts of all items tell, too', (t) => {
  const random = seededRandom(seed);
  const steps = Array.from({ length: 900 }, (): [number, number] => [7, 1]);
  t.equal(mismatchesOf(random, steps).differences, 900);
  t.end();
});

t.test('when most ranges differ all are compared', (t) => {
  const random = seededRandom(seed);
  const steps = Array.from({ length: 240 }, (_, i): [number, number] => [i, 1]);
  t.equal(mismatchesOf(random, steps).ranges.length, RANGES);
  const fewer = mismatchesOf(random, steps.slice(0, 200)).ranges;
  t.strictSame(
    fewer,
    steps.slice(0, 200).map(([range]) => range),
  );
  t.end();
});
