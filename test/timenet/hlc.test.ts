/** The hybrid clock: always above what it knows, whatever the wall clock does. */

import t from 'tap';

import {
  counterOf,
  HybridClock,
  msOf,
  STAMP_EPOCH_MS,
  STAMP_MAX,
  stampOf,
} from '../../timenet/hlc.js';
import { seededRandom, seedOfRun } from '../support/random.js';

const NOON_MS = Date.UTC(2025, 5, 1, 12);

/** A wall clock set by hand. */
class HandClock {
  ms = NOON_MS;
  wallMs(): number {
    return this.ms;
  }
}

function make(options = {}): { clock: HandClock; hlc: HybridClock } {
  const clock = new HandClock();
  return { clock, hlc: new HybridClock({ clock }, options) };
}

void t.test('a stamp is milliseconds and a counter, exactly', (t) => {
  t.equal(stampOf(STAMP_EPOCH_MS, 0), 0);
  t.equal(STAMP_EPOCH_MS, Date.UTC(2020, 0, 1));
  t.equal(stampOf(STAMP_EPOCH_MS + 1, 5), 4101);
  t.equal(stampOf(STAMP_EPOCH_MS - 1, 5), 0, 'a clock before 2020 is no clock');
  const lastMs = STAMP_EPOCH_MS + 2 ** 41 - 1;
  t.equal(stampOf(lastMs, 4095), 2 ** 53 - 1);
  t.equal(stampOf(lastMs, 4095), STAMP_MAX);
  t.equal(new Date(lastMs).getUTCFullYear(), 2089);
  for (const [ms, counter] of [
    [STAMP_EPOCH_MS, 0],
    [NOON_MS, 4095],
    [lastMs, 4095],
    [lastMs, 0],
  ] as const) {
    t.equal(msOf(stampOf(ms, counter)), ms);
    t.equal(counterOf(stampOf(ms, counter)), counter);
  }
  t.equal(stampOf(lastMs + 1, 0), STAMP_MAX, 'the end of stamps');
  t.end();
});

void t.test('next follows the wall clock, and counts within a millisecond', (t) => {
  const { clock, hlc } = make();
  t.equal(hlc.next(), stampOf(NOON_MS, 0));
  t.equal(hlc.next(), stampOf(NOON_MS, 1));
  clock.ms += 1;
  t.equal(hlc.next(), stampOf(NOON_MS + 1, 0));
  t.equal(hlc.last, stampOf(NOON_MS + 1, 0));
  t.end();
});

void t.test('a full counter borrows from the next millisecond', (t) => {
  const { clock, hlc } = make();
  for (let i = 0; i < 4096; i++) hlc.next();
  t.equal(hlc.last, stampOf(NOON_MS, 4095));
  t.equal(hlc.next(), stampOf(NOON_MS + 1, 0));
  t.equal(hlc.aheadMs, 1);
  clock.ms += 1;
  t.equal(hlc.next(), stampOf(NOON_MS + 1, 1), 'what was borrowed is not given out twice');
  clock.ms += 1;
  t.equal(hlc.next(), stampOf(NOON_MS + 2, 0));
  t.equal(hlc.aheadMs, 0);
  t.end();
});

void t.test('a wall clock that steps back does not take the stamps along', (t) => {
  const { clock, hlc } = make();
  const before = hlc.next();
  clock.ms -= 3_600_000;
  t.equal(hlc.next(), before + 1);
  t.equal(hlc.aheadMs, 3_600_000);
  clock.ms = 0;
  t.equal(hlc.next(), before + 2);
  clock.ms = NOON_MS + 1;
  t.equal(hlc.next(), stampOf(NOON_MS + 1, 0));
  t.end();
});

void t.test('witness: within the bound believed, beyond it refused and counted', (t) => {
  const { hlc } = make();
  const edge = stampOf(NOON_MS + 500, 4095);
  t.equal(hlc.witness(edge + 1), false);
  t.equal(hlc.last, 0, 'it moves nothing');
  t.equal(hlc.refusedCount, 1);
  t.equal(hlc.next(), stampOf(NOON_MS, 0));
  t.equal(hlc.witness(edge), true);
  t.equal(hlc.next(), edge + 1);
  t.equal(hlc.witness(5), true, 'an old stamp is no matter');
  t.equal(hlc.next(), edge + 2);
  t.equal(hlc.refusedCount, 1);
  const strict = make({ clockSkewMaxMs: 0 });
  t.equal(strict.hlc.witness(stampOf(NOON_MS + 1, 0)), false);
  t.equal(strict.hlc.witness(stampOf(NOON_MS, 4095)), true);
  t.end();
});

void t.test('after the wall clock was set back its own stamps are refused too', (t) => {
  const { clock, hlc } = make();
  const last = hlc.next();
  clock.ms -= 3_600_000;
  t.equal(hlc.witness(last), false);
  t.equal(hlc.refusedCount, 1);
  t.equal(hlc.next(), last + 1, 'order is kept all the same');
  t.end();
});

void t.test('nextAbove goes above what the write replaces, without a bound', (t) => {
  const { hlc } = make();
  const ahead = stampOf(NOON_MS + 86_400_000, 7);
  t.equal(hlc.nextAbove(ahead), ahead + 1);
  t.equal(hlc.next(), ahead + 2);
  t.equal(hlc.nextAbove(3), ahead + 3);
  t.end();
});

void t.test('after a restart stamps begin above the reserved one', (t) => {
  const floor = stampOf(NOON_MS + 10_000, 9);
  const { clock, hlc } = make({ floor });
  t.equal(hlc.last, floor);
  t.equal(hlc.next(), floor + 1);
  clock.ms = NOON_MS + 10_001;
  t.equal(hlc.next(), stampOf(NOON_MS + 10_001, 0));
  t.end();
});

void t.test('what is no stamp is a bug of the caller', (t) => {
  const { hlc } = make();
  for (const bad of [-1, 0.5, Number.NaN, Infinity, 2 ** 53]) {
    t.throws(() => hlc.witness(bad), RangeError);
    t.throws(() => hlc.nextAbove(bad), RangeError);
    t.throws(() => make({ floor: bad }), RangeError);
  }
  const end = make({ floor: STAMP_MAX });
  t.throws(() => end.hlc.next(), /used up/);
  t.end();
});

void t.test('random interleavings of nodes with bad clocks keep the order of causes', (t) => {
  const seed = seedOfRun();
  const random = seededRandom(seed);
  const nodes = Array.from({ length: 4 }, () => {
    const { clock, hlc } = make();
    return { clock, hlc, highest: 0 };
  });
  const problems: string[] = [];
  for (let step = 0; step < 100_000 && problems.length === 0; step++) {
    const node = random.pick(nodes);
    const peer = random.pick(nodes);
    const action = random.below(10);
    if (action < 4) node.clock.ms += random.below(3);
    else if (action === 4 && random.chance(0.01)) node.clock.ms += random.below(4000) - 2000;
    else if (action < 8) {
      const stamp = random.chance(0.2) ? node.hlc.nextAbove(peer.hlc.last) : node.hlc.next();
      if (stamp <= node.highest) problems.push(`step ${step}: ${stamp} <= ${node.highest}`);
      if (stamp < stampOf(node.clock.ms, 0)) problems.push(`step ${step}: behind the wall clock`);
      if (!Number.isSafeInteger(stamp)) problems.push(`step ${step}: ${stamp} is not exact`);
      node.highest = stamp;
    } else {
      const stamp = peer.hlc.last;
      const isTooFar = msOf(stamp) > node.clock.ms + 500;
      if (node.hlc.witness(stamp) === isTooFar) problems.push(`step ${step}: bound`);
      if (!isTooFar) node.highest = Math.max(node.highest, stamp);
    }
  }
  t.same(problems, [], `SEED=${seed}`);
  t.end();
});
