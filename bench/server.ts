/**
 * A whole node against redis-server, as `redis-benchmark -c 50 -d 64 -r 1000000` sees them: GET and
 * SET, plain and in pipelines of 16, p99.9 latency, and resident memory for a million keys; dhash
 * on Node 24 and on Node 20.
 */

import { compareMemory, compareSpeed, type SpeedTest, withContest } from './support/contest.js';
import { type BenchOptions, Report } from './support/harness.js';
import { keyName } from './support/redis-benchmark.js';

const TESTS: readonly SpeedTest[] = [
  { name: 'SET', load: load('set', 1, 200_000), targets: { 20: 0.95, 24: 0.95 } },
  { name: 'GET', load: load('get', 1, 200_000), targets: { 20: 0.95, 24: 0.95 } },
  { name: 'SET -P 16', load: load('set', 16, 1e6), targets: { 20: 0.65, 24: 0.85 } },
  { name: 'GET -P 16', load: load('get', 16, 1e6), targets: { 20: 0.65, 24: 0.85 } },
];
const ROUNDS_DEFAULT = 5;
const LATENCY_RATIO_MAX = 2;
const MEMORY_RATIO_MAX = 0.7;
const QUICK_DIVISOR = 10;

function load(command: 'get' | 'set', pipeline: number, count: number): SpeedTest['load'] {
  return { command: [command], pipeline, count };
}

export async function run(options: BenchOptions): Promise<void> {
  const quick = options.quick === true;
  const rounds = options.rounds ?? (quick ? 1 : ROUNDS_DEFAULT);
  const keyCount = quick ? 100_000 : 1_000_000;
  const value = 'v'.repeat(64);
  const report = new Report('server', options);
  await withContest(async (contest) => {
    // Loads the keys, each once, which the tests after this one then find.
    await compareMemory(report, contest, {
      name: `key, ${keyCount.toLocaleString('en-US')} keys`,
      count: keyCount,
      command: (index) => ['SET', keyName(index), value],
      ratioMax: MEMORY_RATIO_MAX,
    });
    for (const test of TESTS) {
      const count = quick ? test.load.count / QUICK_DIVISOR : test.load.count;
      const tests = [{ ...test, load: { ...test.load, count } }];
      await compareSpeed(report, contest, tests, { rounds, latencyRatioMax: LATENCY_RATIO_MAX });
    }
  });
  report.finish();
}
