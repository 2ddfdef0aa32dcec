/** The highest stamp of what has expired, up to a stamp. */
import t from 'tap';
import { ExpiredStamps } from '../../lib/store/expired-stamps.js';
import { stampOf } from '../../timenet/hlc.js';
import { seededRandom, seedOfRun } from '../support/random.js';

const seed = seedOfRun();
const MINUTE_MS = 60_000;
const START_MS = Date.UTC(2026, 0, 1);

t.test(`never more than the oracle, and no less but for a minute, SEED=${seed}`, (t) => {
  const random = seededRandom(seed);
  for (let round = 0; round < 50; round += 1) {
    const expired = new ExpiredStamps();
    const noted: number[] = [];
    const minutes = random.pick([1, 10, 60]);
    for (let n = 0; n < 300; n += 1) {
      const stamp = stampOf(START_MS + random.below(minutes * MINUTE_MS), random.below(4096));
      noted.push(stamp);
      expired.note(stamp);
      const limitMs = START_MS + random.below(minutes * MINUTE_MS);
      const best = (atMs: number): number =>
        Math.max(0, ...noted.filter((each) => each <= stampOf(atMs, 0)));
      const found = expired.highestUpTo(stampOf(limitMs, 0));
      if (found > best(limitMs)) t.fail(`${found} was not noted, or is above the limit`);
      if (found < best(limitMs - MINUTE_MS)) t.fail(`${found} is too low`);
      if (expired.highest !== Math.max(...noted)) t.fail('not the highest');
    }
  }
  const many = new ExpiredStamps();
  for (let minute = 0; minute < 1000; minute += 1)
    many.note(stampOf(START_MS + minute * MINUTE_MS, 0));
  t.equal(
    many.highestUpTo(stampOf(START_MS + 998.5 * MINUTE_MS, 0)),
    stampOf(START_MS + 998 * MINUTE_MS, 0),
  );
  t.equal(many.highestUpTo(stampOf(START_MS, 0)), 0, 'long ago: told with what followed');
  t.end();
});
