/**
 * Lists against redis-server, as redis-benchmark sees them: LPUSH, LPOP, LRANGE of the first 100
 * and the first 600, plain and in pipelines of 16; dhash on Node 24 and on Node 20. LPOP takes what
 * LPUSH has put, so in each round a server runs all of them, and then it is the next one's turn.
 */

import { type ServerProcess, startDhash, startRedis } from '../test/support/server-process.js';
import { type BenchOptions, median, Report } from './support/harness.js';
import { fill, type LoadFigures, nodeOf, redisBenchmark } from './support/redis-benchmark.js';

interface Test {
  readonly name: string;
  readonly command: readonly string[];
  /** Commands without a pipeline; twice as many with one. */
  readonly count: number;
}

const VALUE = 'v'.repeat(64);
/** What LRANGE reads. */
const RANGE_KEY = 'range';
const RANGE_SIZE = 600;
const TESTS: readonly Test[] = [
  { name: 'LPUSH', command: ['LPUSH', 'list', VALUE], count: 200_000 },
  { name: 'LPOP', command: ['LPOP', 'list'], count: 200_000 },
  { name: 'LRANGE_100', command: ['LRANGE', RANGE_KEY, '0', '99'], count: 40_000 },
  { name: 'LRANGE_600', command: ['LRANGE', RANGE_KEY, '0', '599'], count: 10_000 },
];
const PIPELINES = [1, 16] as const;
/** What dhash must reach of Redis's rate. */
const TARGETS = { 1: { 20: 0.9, 24: 0.9 }, 16: { 20: 0.6, 24: 0.75 } } as const;
const ROUNDS_DEFAULT = 5;
const QUICK_DIVISOR = 10;

export async function run(options: BenchOptions): Promise<void> {
  const quick = options.quick === true;
  const rounds = options.rounds ?? (quick ? 1 : ROUNDS_DEFAULT);
  const report = new Report('lists', options);
  const redis = await startRedis();
  const majors: (20 | 24)[] = [];
  const servers: ServerProcess[] = [redis];
  try {
    for (const major of [24, 20] as const) {
      const node = nodeOf(major);
      if (node === null) continue;
      servers.push(await startDhash({ node }));
      majors.push(major);
    }
    for (const server of servers) {
      await fill(server, RANGE_SIZE, () => ['RPUSH', RANGE_KEY, VALUE]);
    }
    for (const pipeline of PIPELINES) {
      const divisor = (quick ? QUICK_DIVISOR : 1) / (pipeline === 1 ? 1 : 2);
      const figures = await measure(servers, pipeline, divisor, rounds);
      addRows(report, figures, pipeline, majors);
    }
  } finally {
    for (const server of servers) await server.stop();
  }
  report.finish();
}

/** By server and test, of each round; the first round warms up and does not count. */
async function measure(
  servers: readonly ServerProcess[],
  pipeline: number,
  divisor: number,
  rounds: number,
): Promise<LoadFigures[][][]> {
  const figures: LoadFigures[][][] = servers.map(() => TESTS.map(() => []));
  for (let round = 0; round <= rounds; round++) {
    for (const [s, server] of servers.entries()) {
      for (const [i, { command, count }] of TESTS.entries()) {
        const load = { command, pipeline, count: Math.ceil(count / divisor) };
        const figure = await redisBenchmark(server, load);
        if (round > 0) figures[s]![i]!.push(figure);
      }
    }
  }
  return figures;
}

function addRows(
  report: Report,
  [theirs, ...ours]: readonly LoadFigures[][][],
  pipeline: 1 | 16,
  majors: readonly (20 | 24)[],
): void {
  for (const [i, { name }] of TESTS.entries()) {
    for (const [m, major] of majors.entries()) {
      const title = `${name}${pipeline === 1 ? '' : ` -P ${pipeline}`}, Node ${major}`;
      const medians = (pick: (figure: LoadFigures) => number) =>
        [ours[m]![i]!, theirs![i]!].map((runs) => median(runs.map(pick)));
      const target = TARGETS[pipeline][major];
      report.compare(
        title,
        'op/s',
        'redis',
        medians((figure) => figure.perSecond),
        target,
      );
      report.compare(
        `${title}: CPU`,
        'op/CPU s',
        'redis',
        medians((figure) => figure.perCpuSecond),
      );
    }
  }
}
