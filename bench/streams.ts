/**
 * Streams against redis-server, as redis-benchmark sees them: XADD, XADD that trims, XRANGE and
 * XREAD of 100 entries, plain and in pipelines of 16; and resident memory per entry and per entry
 * that is pending. dhash runs on Node 24 and on Node 20.
 */

import {
  type CommandTest,
  compareCommands,
  compareMemory,
  type MemoryTest,
  withContest,
} from './support/contest.js';
import { type BenchOptions, Report } from './support/harness.js';
import { fill } from './support/redis-benchmark.js';

const VALUE = 'v'.repeat(64);
/** What XRANGE and XREAD read. */
const RANGE_KEY = 'range';
const RANGE_SIZE = 600;
const TESTS: readonly CommandTest[] = [
  { name: 'XADD', command: ['XADD', 'stream', '*', 'field', VALUE], count: 200_000 },
  {
    name: 'XADD MAXLEN ~',
    command: ['XADD', 'capped', 'MAXLEN', '~', '1000', '*', 'field', VALUE],
    count: 200_000,
  },
  { name: 'XRANGE_100', command: ['XRANGE', RANGE_KEY, '-', '+', 'COUNT', '100'], count: 40_000 },
  {
    name: 'XREAD_100',
    command: ['XREAD', 'COUNT', '100', 'STREAMS', RANGE_KEY, '0'],
    count: 40_000,
  },
];
const CONTENTS: readonly Omit<MemoryTest, 'count'>[] = [
  {
    name: 'entry of a stream',
    // Redis packs a hundred entries into one piece, and keeps their fields once.
    ratioMax: 3,
    command: (index) => ['XADD', 'entries', `${index + 1}-0`, 'field', VALUE],
  },
];
const ROUNDS_DEFAULT = 5;

export async function run(options: BenchOptions): Promise<void> {
  const quick = options.quick === true;
  const rounds = options.rounds ?? (quick ? 1 : ROUNDS_DEFAULT);
  const report = new Report('streams', options);
  for (const content of CONTENTS) {
    const count = quick ? 100_000 : 1_000_000;
    const name = `${content.name}, ${count.toLocaleString('en-US')} of them`;
    await withContest((contest) => compareMemory(report, contest, { ...content, name, count }));
  }
  await withContest(async (contest) => {
    const servers = [contest.redis, ...contest.contenders.map(({ server }) => server)];
    for (const server of servers) {
      await fill(server, RANGE_SIZE, () => ['XADD', RANGE_KEY, '*', 'field', VALUE]);
    }
    await compareCommands(report, contest, TESTS, { quick, rounds });
  });
  report.finish();
}
