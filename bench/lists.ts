/**
 * Lists against redis-server, as redis-benchmark sees them: LPUSH, LPOP, LRANGE of the first 100
 * and the first 600, plain and in pipelines of 16; dhash on Node 24 and on Node 20. LPOP takes what
 * LPUSH has put, so in each round a server runs all of them, and then it is the next one's turn.
 */

import { type CommandTest, compareCommands, withContest } from './support/contest.js';
import { type BenchOptions, Report } from './support/harness.js';
import { fill } from './support/redis-benchmark.js';

const VALUE = 'v'.repeat(64);
/** What LRANGE reads. */
const RANGE_KEY = 'range';
const RANGE_SIZE = 600;
const TESTS: readonly CommandTest[] = [
  { name: 'LPUSH', command: ['LPUSH', 'list', VALUE], count: 200_000 },
  { name: 'LPOP', command: ['LPOP', 'list'], count: 200_000 },
  { name: 'LRANGE_100', command: ['LRANGE', RANGE_KEY, '0', '99'], count: 40_000 },
  { name: 'LRANGE_600', command: ['LRANGE', RANGE_KEY, '0', '599'], count: 10_000 },
];
const ROUNDS_DEFAULT = 5;

export async function run(options: BenchOptions): Promise<void> {
  const quick = options.quick === true;
  const rounds = options.rounds ?? (quick ? 1 : ROUNDS_DEFAULT);
  const report = new Report('lists', options);
  await withContest(async (contest) => {
    const servers = [contest.redis, ...contest.contenders.map(({ server }) => server)];
    for (const server of servers) {
      await fill(server, RANGE_SIZE, () => ['RPUSH', RANGE_KEY, VALUE]);
    }
    await compareCommands(report, contest, TESTS, { quick, rounds });
  });
  report.finish();
}
