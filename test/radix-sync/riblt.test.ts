import t from 'tap';
import { CellSpan } from '../../radix/sync/cell-span.js';
import { cellsFor } from '../../radix/sync/limits.js';
import { Cells, checkOf, Decoder } from '../../radix/sync/riblt.js';
import { type SeededRandom, seededRandom, seedOfRun } from '../support/random.js';

// Chance decides about some of what is asked here, so each run asks it of the same numbers.
const seed = seedOfRun(1);
t.comment(`SEED=${seed}`);

interface Sets {
  both: number[];
  mine: number[];
  theirs: number[];
}

function randomSets(random: SeededRandom, both: number, mine: number, theirs: number): Sets {
  const seen = new Set<number>();
  const draw = (count: number): number[] => {
    const items = [];
    while (items.length < count) {
      const item = random.bytes(4).readInt32LE();
      if (seen.has(item)) continue;
      seen.add(item);
      items.push(item);
    }
    return items;
  };
  return { both: draw(both), mine: draw(mine), theirs: draw(theirs) };
}

function sumOf(items: number[]): number {
  return items.reduce((sum, item) => (sum + item) | 0, 0);
}

/** Decodes with `first` cells, then `stride` at a time; returns the decoder, complete or not. */
function reconcile(sets: Sets, stride: number, cellsMax: number, first = stride): Decoder {
  const mine = Int32Array.from([...sets.both, ...sets.mine]);
  const theirs = Int32Array.from([...sets.both, ...sets.theirs]);
  const sum = (sumOf(sets.mine) - sumOf(sets.theirs)) | 0;
  const itemsMax = 2 * (mine.length + theirs.length);
  const decoder = new Decoder(sum, mine.length - theirs.length, itemsMax);
  let isComplete = decoder.isComplete;
  while (!isComplete && decoder.cellCount < cellsMax) {
    const from = decoder.cellCount;
    const span = new CellSpan(from, from + (from === 1 ? first : stride), from === 1);
    const cells = new Cells(span);
    const others = new Cells(span);
    cells.addAll(mine, 0, mine.length);
    others.addAll(theirs, 0, theirs.length);
    cells.subtract(others);
    decoder.add(cells);
    while (decoder.step(7));
    isComplete = decoder.isComplete;
  }
  return decoder;
}

function sorted(items: number[]): number[] {
  return items.toSorted((a, b) => a - b);
}

t.test('finds what either side lacks, whatever comes how', (t) => {
  const random = seededRandom(seed);
  for (let round = 0; round < 150; round++) {
    const sets = randomSets(random, random.below(50), random.below(30), random.below(30));
    const decoder = reconcile(sets, 1 + random.below(20), 2000);
    const isRight =
      decoder.isComplete &&
      String(sorted(decoder.positive)) === String(sorted(sets.mine)) &&
      String(sorted(decoder.negative)) === String(sorted(sets.theirs));
    if (!isRight) t.fail(`round ${round}`);
  }
  t.pass('150 pairs of sets');
  t.end();
});

t.test('nothing but one side', (t) => {
  const random = seededRandom(seed);
  for (const [mine, theirs] of [
    [0, 0],
    [1, 0],
    [0, 1],
    [40, 0],
    [0, 40],
  ] as const) {
    const decoder = reconcile(randomSets(random, 10, mine, theirs), 8, 1000);
    t.equal(decoder.isComplete, true);
    t.equal(decoder.positive.length, mine);
    t.equal(decoder.negative.length, theirs);
  }
  t.end();
});

t.test('cells per difference are those of the paper', (t) => {
  const random = seededRandom(seed);
  const rows = [
    [10, 200, 1, 1.3, 2.2],
    [100, 40, 5, 1.3, 1.65],
    [1000, 6, 20, 1.25, 1.5],
    [10_000, 1, 200, 1.2, 1.75],
  ] as const;
  for (const [differences, rounds, stride, low, high] of rows) {
    // All as a stream, and most of what it takes in the first message.
    for (const first of [1, differences]) {
      let cellCount = 0;
      for (let round = 0; round < rounds; round++) {
        const half = differences / 2;
        const sets = randomSets(random, 0, half, half);
        cellCount += reconcile(sets, stride, 100_000, first).cellCount;
      }
      const perDifference = cellCount / rounds / differences;
      t.comment(`${differences} differences: ${perDifference.toFixed(3)} cells each`);
      t.ok(perDifference > low && perDifference < high, `${differences}: ${perDifference}`);
    }
  }
  t.end();
});

t.test('a first message of the usual length does', (t) => {
  const random = seededRandom(seed);
  const rows = [
    [1, 2000, 0.005],
    [10, 2000, 0.06],
    [100, 400, 0.02],
    [1000, 50, 0.02],
  ] as const;
  for (const [differences, rounds, share] of rows) {
    let failed = 0;
    for (let round = 0; round < rounds; round++) {
      const mine = random.below(differences + 1);
      const sets = randomSets(random, 0, mine, differences - mine);
      const first = cellsFor(differences) - 1;
      if (!reconcile(sets, 1, first + 1, first).isComplete) failed++;
    }
    t.comment(`${differences}: ${failed} of ${rounds} need more`);
    t.ok(failed <= rounds * share, `${failed} of ${rounds}`);
  }
  t.end();
});

t.test('an item lies in a cell with the density of the cell', (t) => {
  const items = 20_000;
  const spans = [
    [1, 64, false],
    [500, 564, false],
    [1, 65, true],
    [1, 6, true],
    [30, 50, true],
  ] as const;
  for (const [from, to, isBlock] of spans) {
    const span = new CellSpan(from, to, isBlock);
    const counts = new Array<number>(to).fill(0);
    for (let i = 0; i < items; i++) {
      const item = Math.imul(i, 0x9e3779b1);
      const cells = new Cells(span);
      cells.add(item, checkOf(item));
      for (let cell = from; cell < to; cell++) {
        const at = 2 * (cell - from);
        const [sum, check] = [cells.words[at]!, cells.words[at + 1]!];
        if (check === 0 && sum === 0) continue;
        if (sum !== item || check !== checkOf(item)) t.fail('once in a cell');
        counts[cell]!++;
      }
    }
    // Parts of a block differ by a cell.
    const slack = isBlock ? 4 / (to - from) : 0.04;
    for (let cell = Math.max(from, isBlock ? 1 : 4); cell < to; cell++) {
      const expected = items * span.density(cell);
      const deviation = Math.abs(counts[cell]! - expected);
      if (deviation > 5 * Math.sqrt(expected) + slack * expected) {
        t.fail(`${from}, ${cell}: ${counts[cell]} for ${expected}`);
      }
    }
  }
  t.pass('blocks and streams');
  t.end();
});

t.test('many items at a time are put where one is', (t) => {
  const random = seededRandom(seed);
  const items = Int32Array.from(randomSets(random, 300, 0, 0).both);
  for (const [from, to] of [
    [1, 2],
    [1, 5],
    [1, 6],
    [1, 100],
    [7, 10],
    [7, 12],
    [50, 90],
  ] as const) {
    for (const isBlock of [true, false]) {
      const all = new Cells(new CellSpan(from, to, isBlock));
      const each = new Cells(all.span);
      all.addAll(items, 0, items.length);
      for (const item of items) each.add(item, checkOf(item));
      t.strictSame(all.words, each.words, `${isBlock ? 'block' : 'stream'} ${from} to ${to}`);
    }
  }
  t.end();
});

t.test('a few that are left are found by a block for a few', (t) => {
  const random = seededRandom(seed);
  let failed = 0;
  for (let round = 0; round < 400; round++) {
    // Items that the first block cannot find: in each of its cells there is another one.
    const { mine } = randomSets(random, 0, 6, 0);
    const decoder = new Decoder(sumOf(mine), mine.length, 100);
    for (const [from, to] of [
      [1, 5],
      [5, 5 + cellsFor(6)],
    ] as const) {
      const cells = new Cells(new CellSpan(from, to, true));
      cells.addAll(Int32Array.from(mine), 0, mine.length);
      decoder.add(cells);
      while (decoder.step(7));
    }
    if (!decoder.isComplete) failed++;
  }
  t.comment(`${failed} of 400 need more`);
  t.ok(failed <= 40, `${failed}`);
  t.end();
});

t.test('the rest is estimated from the counts', (t) => {
  const random = seededRandom(seed);
  for (const [mine, theirs] of [
    [3000, 3000],
    [6000, 0],
    [100, 900],
  ] as const) {
    const decoder = reconcile(randomSets(random, 100, mine, theirs), 400, 401);
    const estimate = decoder.estimateRest();
    t.comment(`${mine} + ${theirs}: ${estimate}`);
    t.ok(estimate > (mine + theirs) * 0.6, 'not far too low');
    t.ok(estimate < (mine + theirs) * 1.5, 'not far too high');
  }
  t.end();
});

t.test('equal items of one side are never called complete', (t) => {
  const decoder = reconcile({ both: [], mine: [77, 77, 5], theirs: [] }, 16, 500);
  t.equal(decoder.isComplete, false);
  t.strictSame(decoder.positive, [5]);
  t.end();
});

t.test('cells that are none end', (t) => {
  const random = seededRandom(seed);
  for (let round = 0; round < 30; round++) {
    const decoder = new Decoder(random.below(2 ** 31), 1, 50);
    const cells = new Cells(new CellSpan(1, 300, true));
    for (let i = 0; i < 299; i++) {
      cells.words[2 * i] = random.below(2 ** 31);
      cells.words[2 * i + 1] = random.below(2 ** 31);
    }
    // Some that look like items, so that peeling begins.
    for (let i = 0; i < 40; i++) {
      const item = random.below(2 ** 31);
      if (random.chance(0.5)) cells.add(item, checkOf(item));
      else cells.add(0 - item, 0 - checkOf(item), item);
    }
    decoder.add(cells);
    let steps = 0;
    while (decoder.step(1000)) steps++;
    if (steps > 1000) t.fail('it goes on');
    if (decoder.isComplete) t.fail('nothing adds up here');
  }
  t.pass('30 rounds');
  t.end();
});
