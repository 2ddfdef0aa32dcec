import t, { type Test } from 'tap';
import { KEY_SHAPES } from '../radix/shapes.js';
import { seededRandom, seedOfRun } from '../support/random.js';
import {
  checkStore,
  contentsOf,
  done,
  dropStore,
  mergeOf,
  newStore,
  putElements,
  putKeys,
  randomPair,
  type Store,
} from './stores.js';
import { type Run, runSync, WHOLE } from './wire.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);
const TYPE_ENTRIES = 9;

function expectEqual(t: Test, pair: readonly [Store, Store], run: Run, name: string): void {
  const { initiator, responder } = run;
  for (const side of [initiator, responder]) {
    if (side.error !== null) t.fail(`${name}: ${side.error.stack}`, { log: run.log });
    if (side.outcome?.isEqual !== true) t.fail(`${name}: not equal`, { log: run.log });
  }
  if (contentsOf(pair[0]) !== contentsOf(pair[1])) t.fail(`${name}: contents differ`);
}

for (const [name, shape] of Object.entries(KEY_SHAPES)) {
  t.test(`random pairs become equal: ${name}`, (t) => {
    for (let round = 0; round < 12; round++) {
      const random = seededRandom(seed + round);
      const apart = [random.below(80), random.below(80)] as const;
      const pair = randomPair(random, shape, random.pick([0, 10, 400]), apart);
      const merged = mergeOf(pair);
      const run = runSync(pair, { range: WHOLE, salt: random.below(2 ** 32) }, { random });
      expectEqual(t, pair, run, `round ${round}`);
      if (contentsOf(pair[0]) !== contentsOf(merged)) t.fail(`round ${round}: not the merge`);
      done(...pair, merged);
    }
    t.pass('12 rounds');
    t.end();
  });
}

function keysOf(prefix: string, from: number, to: number): Buffer[] {
  const keys = [];
  for (let i = from; i < to; i++) keys.push(Buffer.from(`${prefix}${String(i).padStart(7, '0')}`));
  return keys;
}

interface Scale {
  name: string;
  both: number;
  mine: Buffer[];
  theirs: Buffer[];
  discoveryBytesMax: number;
  roundTrips: number;
}

const SCALES: Scale[] = [
  { name: 'equal', both: 20_000, mine: [], theirs: [], discoveryBytesMax: 64, roundTrips: 1 },
];
t.test('what it costs to find out', (t) => {
  // One run in fifty asks once more for cells, so that the bounds hold for given keys only.
  const random = seededRandom(1);
  const spread = (count: number): Buffer[] => Array.from({ length: count }, () => random.bytes(16));
  for (const [differences, bytesMax] of [
    [1, 900],
    [10, 1250],
    [100, 3000],
    [1000, 22_000],
  ] as const) {
    const half = Math.ceil(differences / 2);
    const mine = spread(half);
    const theirs = spread(differences - half);
    const name = `${differences} spread`;
    SCALES.push({ name, both: 20_000, mine, theirs, discoveryBytesMax: bytesMax, roundTrips: 4 });
  }
  SCALES.push({
    name: '1000 clustered',
    both: 20_000,
    mine: keysOf('\x80a', 0, 500),
    theirs: keysOf('\x80b', 0, 500),
    discoveryBytesMax: 20_000,
    roundTrips: 4,
  });
  SCALES.push({
    name: 'one side empty',
    both: 0,
    mine: spread(5000),
    theirs: [],
    discoveryBytesMax: 200,
    roundTrips: 2,
  });
  SCALES.push({
    name: 'the other side empty',
    both: 0,
    mine: [],
    theirs: spread(5000),
    discoveryBytesMax: 200,
    roundTrips: 2,
  });
  for (const scale of SCALES) {
    const pair = [newStore(0), newStore(1)] as const;
    const both = Array.from({ length: scale.both }, () => random.bytes(16));
    for (const store of pair) putKeys(store, both, 5);
    putKeys(pair[0], scale.mine, 6);
    putKeys(pair[1], scale.theirs, 6);
    const run = runSync(pair, { range: WHOLE, salt: random.below(2 ** 32) });
    expectEqual(t, pair, run, scale.name);
    checkCost(t, scale, run);
    for (const store of pair) dropStore(store);
  }
  t.end();
});

function checkCost(t: Test, scale: Scale, run: Run): void {
  const { stats } = run.initiator;
  let bytes = 0;
  for (const line of run.log) {
    const [type, length] = line.slice(1).split(':').map(Number);
    if (type !== TYPE_ENTRIES) bytes += length!;
  }
  t.comment(`${scale.name}: ${bytes} bytes, ${stats.roundTrips} round trips`);
  t.ok(bytes <= scale.discoveryBytesMax, `${scale.name}: ${run.log.slice(0, 30).join(' ')}`);
  t.ok(stats.roundTrips <= scale.roundTrips, `${scale.name}: round trips`);
  t.equal(stats.sentEntries, scale.mine.length, `${scale.name}: sent`);
  t.equal(stats.appliedEntries, scale.theirs.length, `${scale.name}: received`);
}

t.test('a sub tree of many elements', (t) => {
  const random = seededRandom(seed);
  const pair = [newStore(0), newStore(1)] as const;
  const key = Buffer.from('a big set');
  const members = keysOf('', 0, 20_000);
  for (const store of pair) putElements(store, key, members, 5);
  putElements(pair[0], key, keysOf('x', 0, 50), 6);
  putElements(pair[1], key, keysOf('y', 0, 50), 7);
  const run = runSync(pair, { range: WHOLE, salt: random.below(2 ** 32) });
  expectEqual(t, pair, run, 'elements');
  checkStore(pair[0]);
  t.ok(run.initiator.stats.sentEntries <= 53, 'no more than differ');
  for (const store of pair) dropStore(store);
  t.end();
});

t.test('who has next to nothing gets all, at the cost of the entries', (t) => {
  const random = seededRandom(seed);
  const keys = Array.from({ length: 20_000 }, () => random.bytes(12));
  const sentTo = (news: readonly Buffer[]): number => {
    const pair = [newStore(0), newStore(1)] as const;
    putKeys(pair[0], keys, 5);
    putKeys(pair[1], news, 6);
    const run = runSync(pair, { range: WHOLE, salt: random.below(2 ** 32) });
    expectEqual(t, pair, run, `${news.length} news`);
    t.equal(pair[0][0]!.tree.allCount, 20_000 + news.filter((key) => key.length === 8).length);
    const { receivedBytes, sentBytes } = run.initiator.stats;
    done(...pair);
    return sentBytes + receivedBytes;
  };
  const bytes = sentTo([]);
  const own = Array.from({ length: 50 }, () => random.bytes(8));
  const ratio = sentTo([...keys.slice(0, 150), ...own]) / bytes;
  t.ok(ratio < 1.05, `${ratio} times the bytes that an empty side takes`);
  t.end();
});
