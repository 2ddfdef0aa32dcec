/**
 * A whole node against redis-server, as `redis-benchmark -c 50 -d 64 -r 1000000` sees them: GET and
 * SET, plain and in pipelines of 16, p99.9 latency, and resident memory for a million keys; dhash
 * on Node 24 and on Node 20. The servers take turns, so that all see the same machine.
 */

import { type ServerProcess, startDhash, startRedis } from '../test/support/server-process.js';
import { type BenchOptions, median, Report } from './support/harness.js';
import {
  fill,
  keyName,
  type LoadFigures,
  nodeOf,
  redisBenchmark,
  residentBytes,
} from './support/redis-benchmark.js';

interface Test {
  readonly name: string;
  readonly command: 'get' | 'set';
  readonly pipeline: number;
  readonly count: number;
  /** What dhash must reach of Redis's rate. */
  readonly targets: Readonly<Record<20 | 24, number>>;
}

interface Contender {
  readonly major: 20 | 24;
  readonly server: ServerProcess;
}

const TESTS: readonly Test[] = [
  { name: 'SET', command: 'set', pipeline: 1, count: 200_000, targets: { 20: 0.95, 24: 0.95 } },
  { name: 'GET', command: 'get', pipeline: 1, count: 200_000, targets: { 20: 0.95, 24: 0.95 } },
  { name: 'SET -P 16', command: 'set', pipeline: 16, count: 1e6, targets: { 20: 0.65, 24: 0.85 } },
  { name: 'GET -P 16', command: 'get', pipeline: 16, count: 1e6, targets: { 20: 0.65, 24: 0.85 } },
];
const ROUNDS_DEFAULT = 5;
const LATENCY_RATIO_MAX = 2;
const MEMORY_RATIO_MAX = 0.7;
const QUICK_DIVISOR = 10;

export async function run(options: BenchOptions): Promise<void> {
  const quick = options.quick === true;
  const rounds = options.rounds ?? (quick ? 1 : ROUNDS_DEFAULT);
  const keyCount = quick ? 100_000 : 1_000_000;
  const report = new Report('server', options);
  const redis = await startRedis();
  const contenders: Contender[] = [];
  try {
    for (const major of [24, 20] as const) {
      const node = nodeOf(major);
      if (node !== null) contenders.push({ major, server: await startDhash({ node }) });
    }
    await memoryRows(report, redis, contenders, keyCount);
    for (const test of TESTS) {
      const count = quick ? test.count / QUICK_DIVISOR : test.count;
      await speedRows(report, redis, contenders, { ...test, count }, rounds);
    }
  } finally {
    for (const { server } of contenders) await server.stop();
    await redis.stop();
  }
  report.finish();
}

/** Loads the keys, each once, which the rows after this one then find. */
async function memoryRows(
  report: Report,
  redis: ServerProcess,
  contenders: readonly Contender[],
  keyCount: number,
): Promise<void> {
  const theirs = await bytesPerKey(redis, keyCount);
  for (const { major, server } of contenders) {
    const ours = await bytesPerKey(server, keyCount);
    report.add({
      name: `memory per key, ${keyCount.toLocaleString('en-US')} keys, Node ${major}`,
      ours,
      unit: 'B',
      peer: 'redis',
      theirs,
      ratio: ours / theirs,
      target: MEMORY_RATIO_MAX,
      atMost: true,
    });
  }
}

async function bytesPerKey(server: ServerProcess, keyCount: number): Promise<number> {
  const value = 'v'.repeat(64);
  const before = residentBytes(server.pid);
  await fill(server, keyCount, (index) => ['SET', keyName(index), value]);
  return (residentBytes(server.pid) - before) / keyCount;
}

async function speedRows(
  report: Report,
  redis: ServerProcess,
  contenders: readonly Contender[],
  test: Test,
  rounds: number,
): Promise<void> {
  const servers = [redis, ...contenders.map(({ server }) => server)];
  const figures: LoadFigures[][] = servers.map(() => []);
  const load = { command: [test.command], pipeline: test.pipeline, count: test.count };
  // The first run warms up and does not count.
  for (const server of servers) await redisBenchmark(server, load);
  for (let round = 0; round < rounds; round++) {
    for (const [i, server] of servers.entries()) {
      figures[i]!.push(await redisBenchmark(server, load));
    }
  }
  const [theirs, ...ours] = figures.map((runs) => ({
    perSecond: median(runs.map((figure) => figure.perSecond)),
    p999Ms: median(runs.map((figure) => figure.p999Ms)),
    perCpuSecond: median(runs.map((figure) => figure.perCpuSecond)),
  }));
  for (const [i, { major }] of contenders.entries()) {
    const rates = [ours[i]!.perSecond, theirs!.perSecond];
    report.compare(`${test.name}, Node ${major}`, 'op/s', 'redis', rates, test.targets[major]);
    // For a look at the server alone: on a busy machine the rates above are everybody's.
    const perCpu = [ours[i]!.perCpuSecond, theirs!.perCpuSecond];
    report.compare(`${test.name}, Node ${major}: CPU`, 'op/CPU s', 'redis', perCpu);
    report.add({
      name: `${test.name}, Node ${major}: p99.9`,
      ours: ours[i]!.p999Ms,
      unit: 'ms',
      peer: 'redis',
      theirs: theirs!.p999Ms,
      ratio: ours[i]!.p999Ms / theirs!.p999Ms,
      target: LATENCY_RATIO_MAX,
      atMost: true,
    });
  }
}
