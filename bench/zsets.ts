/**
 * Sorted sets against redis-server: ZADD plain and in pipelines; ZRANK and ZRANGEBYSCORE on a
 * million members; and resident memory per member.
 */

import { compareMemory, compareSpeed, type SpeedTest, withContest } from './support/contest.js';
import { type BenchOptions, Report } from './support/harness.js';

/** As redis-benchmark's own test. */
const ZADD = ['ZADD', 'myzset', '__rand_int__', 'element:__rand_int__'];
const RANK = ['ZRANK', 'big', 'member:__rand_int__'];
const BY_SCORE = ['ZRANGEBYSCORE', 'big', '__rand_int__', '+inf', 'LIMIT', '0', '10'];

const TESTS: readonly SpeedTest[] = [
  { name: 'ZADD', load: load(ZADD, 1, 200_000), targets: { 20: 0.9, 24: 0.9 } },
  { name: 'ZADD -P 16', load: load(ZADD, 16, 5e5), targets: { 20: 0.6, 24: 0.75 } },
  { name: 'ZRANK -P 16', load: load(RANK, 16, 1e6), targets: { 20: 0.7, 24: 0.7 } },
  {
    name: 'ZRANGEBYSCORE of 10 -P 16',
    load: load(BY_SCORE, 16, 1e6),
    targets: { 20: 0.7, 24: 0.7 },
  },
];
const ROUNDS_DEFAULT = 5;
const MEMORY_RATIO_MAX = 1;
const QUICK_DIVISOR = 10;
/** Coprime to the count of members, so that scores do not come in order. */
const SCORE_STEP = 7919;

function load(command: readonly string[], pipeline: number, count: number): SpeedTest['load'] {
  return { command, pipeline, count };
}

export async function run(options: BenchOptions): Promise<void> {
  const quick = options.quick === true;
  const rounds = options.rounds ?? (quick ? 1 : ROUNDS_DEFAULT);
  const memberCount = quick ? 100_000 : 1_000_000;
  const report = new Report('zsets', options);
  await withContest(async (contest) => {
    // Loads the members that the tests after this one then find.
    await compareMemory(report, contest, {
      name: `member, ${memberCount.toLocaleString('en-US')} members`,
      count: memberCount,
      command: (index) => {
        const score = (index * SCORE_STEP) % memberCount;
        return ['ZADD', 'big', `${score}`, `member:${String(index).padStart(12, '0')}`];
      },
      ratioMax: MEMORY_RATIO_MAX,
    });
    for (const test of TESTS) {
      const count = quick ? test.load.count / QUICK_DIVISOR : test.load.count;
      const tests = [{ ...test, load: { ...test.load, count, keySpace: memberCount } }];
      await compareSpeed(report, contest, tests, { rounds });
    }
  });
  report.finish();
}
