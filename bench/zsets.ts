/**
 * Sorted sets against redis-server: ZADD plain and in pipelines; ZRANK and ZRANGEBYSCORE on a
 * million members; and resident memory per member.
 */

import { type ServerProcess, startDhash, startRedis } from '../test/support/server-process.js';
import { type BenchOptions, median, Report } from './support/harness.js';
import {
  fill,
  type LoadFigures,
  nodeOf,
  redisBenchmark,
  residentBytes,
} from './support/redis-benchmark.js';

interface Test {
  readonly name: string;
  readonly command: readonly string[];
  readonly pipeline: number;
  readonly count: number;
  /** What dhash must reach of Redis's rate. */
  readonly targets: Readonly<Record<20 | 24, number>>;
}

interface Contender {
  readonly major: 20 | 24;
  readonly server: ServerProcess;
}

/** As redis-benchmark's own test. */
const ZADD = ['ZADD', 'myzset', '__rand_int__', 'element:__rand_int__'];
const RANK = ['ZRANK', 'big', 'member:__rand_int__'];
const BY_SCORE = ['ZRANGEBYSCORE', 'big', '__rand_int__', '+inf', 'LIMIT', '0', '10'];

const TESTS: readonly Test[] = [
  { name: 'ZADD', command: ZADD, pipeline: 1, count: 200_000, targets: { 20: 0.9, 24: 0.9 } },
  { name: 'ZADD -P 16', command: ZADD, pipeline: 16, count: 5e5, targets: { 20: 0.6, 24: 0.75 } },
  { name: 'ZRANK -P 16', command: RANK, pipeline: 16, count: 1e6, targets: { 20: 0.7, 24: 0.7 } },
  {
    name: 'ZRANGEBYSCORE of 10 -P 16',
    command: BY_SCORE,
    pipeline: 16,
    count: 1e6,
    targets: { 20: 0.7, 24: 0.7 },
  },
];
const ROUNDS_DEFAULT = 5;
const MEMORY_RATIO_MAX = 1;
const QUICK_DIVISOR = 10;
/** Coprime to the count of members, so that scores do not come in order. */
const SCORE_STEP = 7919;

export async function run(options: BenchOptions): Promise<void> {
  const quick = options.quick === true;
  const rounds = options.rounds ?? (quick ? 1 : ROUNDS_DEFAULT);
  const memberCount = quick ? 100_000 : 1_000_000;
  const report = new Report('zsets', options);
  const redis = await startRedis();
  const contenders: Contender[] = [];
  try {
    for (const major of [24, 20] as const) {
      const node = nodeOf(major);
      if (node !== null) contenders.push({ major, server: await startDhash({ node }) });
    }
    await memoryRows(report, redis, contenders, memberCount);
    for (const test of TESTS) {
      const count = quick ? test.count / QUICK_DIVISOR : test.count;
      await speedRows(report, redis, contenders, { ...test, count }, { rounds, memberCount });
    }
  } finally {
    for (const { server } of contenders) await server.stop();
    await redis.stop();
  }
  report.finish();
}

/** Loads the members that the rows after this one then find. */
async function memoryRows(
  report: Report,
  redis: ServerProcess,
  contenders: readonly Contender[],
  memberCount: number,
): Promise<void> {
  const theirs = await bytesPerMember(redis, memberCount);
  for (const { major, server } of contenders) {
    const ours = await bytesPerMember(server, memberCount);
    report.add({
      name: `memory per member, ${memberCount.toLocaleString('en-US')} members, Node ${major}`,
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

async function bytesPerMember(server: ServerProcess, memberCount: number): Promise<number> {
  const before = residentBytes(server.pid);
  await fill(server, memberCount, (index) => {
    const score = (index * SCORE_STEP) % memberCount;
    return ['ZADD', 'big', `${score}`, `member:${String(index).padStart(12, '0')}`];
  });
  return (residentBytes(server.pid) - before) / memberCount;
}

async function speedRows(
  report: Report,
  redis: ServerProcess,
  contenders: readonly Contender[],
  test: Test,
  { rounds, memberCount }: { rounds: number; memberCount: number },
): Promise<void> {
  const servers = [redis, ...contenders.map(({ server }) => server)];
  const figures: LoadFigures[][] = servers.map(() => []);
  const { command, count, pipeline } = test;
  const load = { command, pipeline, count, keySpace: memberCount };
  // The first run warms up and does not count.
  for (const server of servers) await redisBenchmark(server, load);
  for (let round = 0; round < rounds; round++) {
    for (const [i, server] of servers.entries()) {
      figures[i]!.push(await redisBenchmark(server, load));
    }
  }
  const [theirs, ...ours] = figures.map((runs) => ({
    perSecond: median(runs.map((figure) => figure.perSecond)),
    perCpuSecond: median(runs.map((figure) => figure.perCpuSecond)),
  }));
  for (const [i, { major }] of contenders.entries()) {
    const rates = [ours[i]!.perSecond, theirs!.perSecond];
    report.compare(`${test.name}, Node ${major}`, 'op/s', 'redis', rates, test.targets[major]);
    const perCpu = [ours[i]!.perCpuSecond, theirs!.perCpuSecond];
    report.compare(`${test.name}, Node ${major}: CPU`, 'op/CPU s', 'redis', perCpu);
  }
}
