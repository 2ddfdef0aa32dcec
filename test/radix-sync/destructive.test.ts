/**
 * Destructive sync: whatever happens, and at every moment, what was on either side is on one of
 * them: the merge of both does not change. In the end the source has nothing.
 */
import t, { type Test } from 'tap';
import { KEY_SHAPES } from '../radix/shapes.js';
import { type SeededRandom, seededRandom, seedOfRun } from '../support/random.js';
import {
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
import { type Run, runSync, WHOLE, type WireOptions } from './wire.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);

function moveAll(pair: readonly [Store, Store], random: SeededRandom, wire: WireOptions): Run {
  return runSync(pair, { range: WHOLE, mode: 'destructive', salt: random.below(2 ** 32) }, wire);
}

function mergedContents(pair: readonly [Store, Store]): string {
  const merged = mergeOf(pair);
  const contents = contentsOf(merged);
  dropStore(merged);
  return contents;
}

function somePair(random: SeededRandom, both = random.pick([0, 20, 300])): [Store, Store] {
  const shape = random.pick(Object.values(KEY_SHAPES));
  return randomPair(random, shape, both, [random.below(90), random.below(90)]);
}

function expectNoError(t: Test, name: string, { initiator, log, responder }: Run): void {
  for (const { error, outcome } of [initiator, responder]) {
    if (error !== null) t.fail(`${name}: ${error.stack}`, { log });
    else if (outcome === null) t.fail(`${name}: it did not end`, { log });
  }
}

function entryCount(store: Store): number {
  return store.reduce((sum, { tree }) => sum + tree.allCount, 0);
}

t.test('everything moves over, and is on one side at least all the time', (t) => {
  for (let round = 0; round < 40; round++) {
    const random = seededRandom(seed + round);
    const pair = somePair(random);
    const expected = mergedContents(pair);
    let moments = 0;
    const between = (): void => {
      if (++moments % 3 !== 0) return;
      if (mergedContents(pair) !== expected) t.fail(`round ${round}: lost at moment ${moments}`);
    };
    const run = moveAll(pair, random, { random, between });
    expectNoError(t, `round ${round}`, run);
    if (contentsOf(pair[1]) !== expected) t.fail(`round ${round}: not the merge`);
    if (entryCount(pair[0]) !== 0) t.fail(`round ${round}: ${entryCount(pair[0])} left`);
    done(...pair);
  }
  t.pass('40 rounds');
  t.end();
});

t.test('a link that breaks after any frame loses nothing', (t) => {
  for (let round = 0; round < 5; round++) {
    const make = (): [Store, Store] =>
      somePair(seededRandom(seed + round), [0, 150, 300][round % 3]);
    const random = seededRandom(seed);
    const whole = make();
    const expected = mergedContents(whole);
    const { frames } = moveAll(whole, random, {});
    done(...whole);
    for (let framesMax = 0; framesMax < frames; framesMax++) {
      const pair = make();
      moveAll(pair, random, { framesMax });
      if (mergedContents(pair) !== expected) t.fail(`round ${round}: lost after ${framesMax}`);
      expectNoError(t, `round ${round}`, moveAll(pair, random, {}));
      if (contentsOf(pair[1]) !== expected) t.fail(`round ${round}: not the merge`);
      if (entryCount(pair[0]) !== 0) t.fail(`round ${round}: not all has gone`);
      done(...pair);
    }
  }
  t.pass('every frame');
  t.end();
});

t.test('a frame that is lost, or comes twice, loses nothing', (t) => {
  for (let round = 0; round < 3; round++) {
    const make = (): [Store, Store] =>
      somePair(seededRandom(seed + round), [0, 150, 300][round % 3]);
    const random = seededRandom(seed);
    const whole = make();
    const expected = mergedContents(whole);
    const { frames } = moveAll(whole, random, {});
    done(...whole);
    for (let target = 0; target < 2 * frames; target++) {
      const pair = make();
      let count = 0;
      const tamper = (frame: Buffer): Buffer | null => {
        if (count++ !== target >>> 1) return frame;
        return target % 2 === 0 ? null : Buffer.concat([frame, frame]);
      };
      moveAll(pair, random, { tamper });
      if (mergedContents(pair) !== expected) t.fail(`round ${round}: lost at frame ${target / 2}`);
      done(...pair);
    }
  }
  t.pass('every frame');
  t.end();
});

t.test('writers on both sides: what they write meanwhile is never dropped unseen', (t) => {
  for (let round = 0; round < 25; round++) {
    const random = seededRandom(seed + round);
    const pair = somePair(random);
    const shape = random.pick(Object.values(KEY_SHAPES));
    const expected = mergeOf(pair);
    let stamp = 100_000;
    const write = (store: Store): void => {
      const key = shape(random);
      const at = [key, 0, key.length] as const;
      const value = random.bytes(9);
      const isDelete = random.chance(0.2);
      stamp++;
      for (const { tree } of [store[0]!, expected[0]!]) {
        if (isDelete) tree.delete(...at, stamp, 1, 0);
        else tree.put(...at, stamp, 1, 0, 0, value, 0, value.length);
      }
    };
    const between = (): void => {
      for (const store of pair) if (random.chance(0.5)) write(store);
      if (random.chance(0.2) && mergedContents(pair) !== contentsOf(expected)) {
        t.fail(`round ${round}: lost`);
      }
    };
    expectNoError(t, `round ${round}`, moveAll(pair, random, { random, between }));
    if (mergedContents(pair) !== contentsOf(expected)) t.fail(`round ${round}: lost in the end`);
    expectNoError(t, `round ${round}`, moveAll(pair, random, {}));
    if (entryCount(pair[0]) !== 0) t.fail(`round ${round}: not all has gone`);
    if (contentsOf(pair[1]) !== contentsOf(expected)) t.fail(`round ${round}: not the merge`);
    done(...pair, expected);
  }
  t.pass('25 rounds');
  t.end();
});

t.test('an equal range goes by one comparison', (t) => {
  const random = seededRandom(seed);
  const pair = [newStore(0), newStore(1)] as const;
  const keys = Array.from({ length: 20_000 }, () => random.bytes(9));
  for (const store of pair) {
    putKeys(store, keys, 5);
    putElements(store, Buffer.from('a set'), keys.slice(0, 5000), 6);
  }
  const before = contentsOf(pair[1]);
  const run = moveAll(pair, random, {});
  expectNoError(t, 'equal', run);
  const { droppedEntries, receivedBytes, roundTrips, sentBytes } = run.initiator.stats;
  t.equal(droppedEntries, 25_001);
  t.ok(sentBytes + receivedBytes <= 100, `${sentBytes + receivedBytes} bytes`);
  t.ok(roundTrips <= 2, `${roundTrips} round trips`);
  t.equal(entryCount(pair[0]), 0);
  t.equal(contentsOf(pair[1]), before);
  done(...pair);
  t.end();
});

t.test('a tombstone is not left behind, and none is made', (t) => {
  const pair = [newStore(0), newStore(1)] as const;
  const { tree } = pair[0][0]!;
  const key = Buffer.from('deleted');
  tree.delete(key, 0, key.length, 5, 1, 0);
  putKeys(pair[0], [Buffer.from('kept')], 6);
  moveAll(pair, seededRandom(seed), {});
  t.equal(tree.allCount, 0);
  t.equal(pair[1][0]!.tree.allCount, 2);
  t.equal(pair[1][0]!.tree.liveCount, 1);
  done(...pair);
  t.end();
});

t.test('only the range goes', (t) => {
  const pair = [newStore(0), newStore(1)] as const;
  putKeys(
    pair[0],
    ['a', 'b', 'c', 'd', 'e'].map((text) => Buffer.from(text)),
    5,
  );
  const range = { from: Buffer.from('d'), to: Buffer.from('b') };
  runSync(pair, { range, mode: 'destructive', salt: 1 });
  t.equal(pair[0][0]!.tree.allCount, 2, 'c and d stay');
  t.equal(pair[1][0]!.tree.allCount, 3, 'e, a and b have moved');
  done(...pair);
  t.end();
});

t.test('with `keeps` nothing goes, and the answer is whether the other side holds all', (t) => {
  for (let round = 0; round < 40; round++) {
    const random = seededRandom(seed + round);
    const pair = somePair(random);
    const [ours, theirs] = pair;
    const [before, expected] = [contentsOf(ours), mergedContents(pair)];
    if (entryCount(ours) === 0) continue;
    const options = { range: WHOLE, mode: 'destructive', keeps: true, salt: round } as const;
    const run = runSync(pair, options, round % 2 === 0 ? { random } : {});
    expectNoError(t, `round ${round}`, run);
    t.equal(run.initiator.outcome?.isEqual, true, 'all is held');
    t.equal(contentsOf(ours), before, 'nothing has gone');
    t.equal(contentsOf(theirs), expected, 'and the other side has the merge');
    done(...pair);
  }
  t.end();
});

t.test('with `keeps` a side that never stops writing is found to hold what it has newer', (t) => {
  for (let round = 0; round < 10; round++) {
    const random = seededRandom(seed + round);
    const pair = [newStore(0), newStore(1)] as const;
    const [ours, theirs] = pair;
    const keys = Array.from({ length: 3000 }, (_, n) => Buffer.from(`k:${n + 1000}`));
    for (const store of pair) putKeys(store, keys, 5);
    let stamp = 100_000;
    const overwrite = (): void => {
      const key = random.pick(keys);
      const value = random.bytes(9);
      stamp++;
      theirs[0]!.tree.put(key, 0, key.length, stamp, 1, 0, 0, value, 0, value.length);
    };
    // In the first rounds nearly nothing has changed before, in the others nearly all.
    for (let n = 0; n < (round % 2 === 0 ? 5 : 6000); n++) overwrite();
    const before = contentsOf(ours);
    const options = { range: WHOLE, mode: 'destructive', keeps: true, salt: round } as const;
    const run = runSync(pair, options, { between: overwrite });
    expectNoError(t, `round ${round}`, run);
    t.equal(run.initiator.outcome?.isEqual, true, `round ${round}: all is held`);
    t.equal(contentsOf(ours), before, 'nothing has gone');
    done(...pair);
  }
  t.end();
});
