import t, { type Test } from 'tap';
import { SYNC_MODES, type SyncMode } from '../../radix/sync/messages.js';
import type { KeyRange } from '../../radix/sync/view.js';
import { anyKey, KEY_SHAPES } from '../radix/shapes.js';
import { type SeededRandom, seededRandom, seedOfRun } from '../support/random.js';
import {
  contentsOf,
  done,
  dropStore,
  mergeOf,
  newStore,
  putKeys,
  randomPair,
  type Store,
} from './stores.js';
import { type Run, runSync, WHOLE } from './wire.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);
const TYPE_LIST = '>7:';

function expectNoError(t: Test, run: Run): void {
  for (const side of [run.initiator, run.responder]) {
    if (side.error !== null) t.fail(`${side.error.stack}`, { log: run.log });
    if (side.outcome === null) t.fail('it did not end', { log: run.log });
  }
}

function randomSalt(random: SeededRandom): number {
  return random.below(2 ** 32);
}

/** Of a pair with a sub range that differs, though what both sides say of it is the same at first. */
const SEED_EQUAL_BY_CHANCE = 208;
/** Which side takes what the other has. */
const MODES: [SyncMode, number][] = [
  ['push', 1],
  ['pull', 0],
];

for (const [mode, taker] of MODES) {
  t.test(`${mode}: one side takes, the other stays as it was`, (t) => {
    for (let round = 0; round <= 60; round++) {
      const random = seededRandom(round < 60 ? seed + round : SEED_EQUAL_BY_CHANCE);
      const shape = random.pick(Object.values(KEY_SHAPES));
      const apart = [random.below(90), random.below(90)] as const;
      const pair = randomPair(random, shape, random.pick([0, 0, 20, 300]), apart);
      const merged = mergeOf(pair);
      const before = contentsOf(pair[1 - taker]!);
      const run = runSync(pair, { range: WHOLE, mode, salt: randomSalt(random) }, { random });
      expectNoError(t, run);
      if (contentsOf(pair[1 - taker]!) !== before) t.fail(`round ${round}: the source changed`);
      if (contentsOf(pair[taker]!) !== contentsOf(merged)) t.fail(`round ${round}: not the merge`);
      done(...pair, merged);
    }
    t.pass('61 rounds');
    t.end();
  });
}

for (const mode of SYNC_MODES) {
  t.test(`${mode}: a few on one side, many on the other`, (t) => {
    for (let round = 0; round < 12; round++) {
      const random = seededRandom(seed + round);
      const few = 1 + random.below(8);
      const apart = [[few, 900] as const, [900, few] as const][round % 2]!;
      const pair = randomPair(random, random.pick(Object.values(KEY_SHAPES)), round % 3, apart);
      const merged = mergeOf(pair);
      const [mine, theirs, both] = [...pair, merged].map(contentsOf);
      const run = runSync(pair, { range: WHOLE, mode, salt: randomSalt(random) }, { random });
      expectNoError(t, run);
      if (mode === 'two-way' || mode === 'pull') t.equal(contentsOf(pair[0]), both, 'initiator');
      if (mode === 'push') t.equal(contentsOf(pair[0]), mine, 'initiator');
      if (mode === 'follow') t.equal(contentsOf(pair[0]), theirs, 'initiator');
      if (mode === 'destructive')
        t.equal(
          pair[0].some(({ tree }) => tree.root !== 0),
          false,
        );
      const isGiven = mode === 'two-way' || mode === 'push' || mode === 'destructive';
      t.equal(contentsOf(pair[1]), isGiven ? both : theirs, 'responder');
      done(...pair, merged);
    }
    t.end();
  });
}

t.test('a side with hardly anything is filled without a list', (t) => {
  const random = seededRandom(seed);
  const pair = [newStore(0), newStore(1)] as const;
  const keys = Array.from({ length: 9000 }, () => random.bytes(12));
  putKeys(pair[0], keys, 5);
  putKeys(pair[1], [...keys.slice(0, 50), ...keys.slice(0, 9).map((key) => key.subarray(1))], 5);
  const run = runSync(pair, { range: WHOLE, mode: 'push', salt: randomSalt(random) });
  expectNoError(t, run);
  t.equal(pair[1][0]!.tree.allCount, 9009);
  const listed = run.log.filter((line) => line.startsWith(TYPE_LIST));
  t.ok(listed.length > 0 && listed.every((line) => Number(line.slice(3)) < 50), run.log.join(' '));
  done(...pair);
  t.end();
});

t.test('only the range is touched', (t) => {
  for (let round = 0; round < 60; round++) {
    const random = seededRandom(seed + round);
    const shape = random.pick(Object.values(KEY_SHAPES));
    const pair = randomPair(random, shape, 200, [60, 60]);
    const bound = (): Buffer | null => (random.chance(0.2) ? null : anyKey(random));
    const range: KeyRange = { from: bound(), to: bound() };
    const outside: KeyRange = { from: range.to, to: range.from };
    const isWhole = range.from === null || range.to === null || range.from.equals(range.to);
    const before = pair.map((store) => digestsOf(store, outside));
    const clears = pair.map((store) => store.map((database) => database.clearedAt).join());
    const run = runSync(pair, { range, salt: randomSalt(random) }, { random });
    expectNoError(t, run);
    t.equal(run.initiator.outcome?.isEqual, true);
    const inside = pair.map((store) => digestsOf(store, range));
    if (inside[0] !== inside[1]) t.fail(`round ${round}: differs inside`);
    // A clear goes for the whole database, so it reaches further than the range.
    if (!isWhole && clears[0] === clears[1]) {
      const after = pair.map((store) => digestsOf(store, outside));
      if (after.join() !== before.join()) t.fail(`round ${round}: changed outside`);
    }
    done(...pair);
  }
  t.end();
});

function digestsOf(store: Store, { from, to }: KeyRange): string {
  return JSON.stringify(store.map(({ tree }) => tree.rangeDigest(from, to)));
}

t.test('values larger than a frame and than the window', (t) => {
  const random = seededRandom(seed);
  const pair = [newStore(0), newStore(1)] as const;
  for (const [side, store] of pair.entries()) {
    putKeys(store, [Buffer.from('common')], 3);
    for (const bytes of [65_000, 65_536, 70_000, 1_000_000]) {
      const value = random.bytes(bytes);
      const key = Buffer.from(`big ${side} ${bytes}`);
      store[0]!.tree.put(key, 0, key.length, 4, side, 0, 0, value, 0, value.length);
    }
  }
  const run = runSync(pair, { range: WHOLE, salt: randomSalt(random) }, { random });
  expectNoError(t, run);
  t.equal(run.initiator.outcome?.isEqual, true);
  t.equal(contentsOf(pair[0]), contentsOf(pair[1]));
  const frameBytes = run.log.map((line) => Number(line.split(':')[1]));
  t.ok(Math.max(...frameBytes) <= 65_536, 'frames have 64 KiB at most');
  for (const store of pair) dropStore(store);
  t.end();
});

t.test('stores with hardly anything in common', (t) => {
  const random = seededRandom(seed);
  const pair = [newStore(0), newStore(1)] as const;
  for (const store of pair)
    putKeys(
      store,
      Array.from({ length: 9000 }, () => random.bytes(12)),
      5,
    );
  const run = runSync(pair, { range: WHOLE, salt: randomSalt(random) });
  expectNoError(t, run);
  t.equal(run.initiator.outcome?.isEqual, true);
  t.equal(pair[0][0]!.tree.allCount, 18_000);
  t.ok(
    run.log.some((line) => line.startsWith(TYPE_LIST)),
    'listed when that costs less',
  );
  // Once in 256 a sub range has equal digests by chance, and takes another attempt.
  t.ok(run.initiator.stats.roundTrips <= 8, run.log.join(' '));
  for (const store of pair) dropStore(store);
  t.end();
});

t.test('of two versions of an entry the older one stays at home', (t) => {
  const random = seededRandom(seed);
  const pair = [newStore(0), newStore(1)] as const;
  const keys = Array.from({ length: 2000 }, () => random.bytes(12));
  for (const store of pair) putKeys(store, keys, 5);
  putKeys(pair[1], keys.slice(0, 100), 6);
  const run = runSync(pair, { range: WHOLE, salt: randomSalt(random) });
  expectNoError(t, run);
  t.equal(run.initiator.stats.appliedEntries, 100);
  t.equal(run.initiator.stats.sentEntries, 0);
  for (const store of pair) dropStore(store);
  t.end();
});
