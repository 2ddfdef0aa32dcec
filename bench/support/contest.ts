/**
 * redis-server and dhash, on each Node that is to be had, in one run: the servers take turns, so
 * that all see the same machine.
 */
import { type ServerProcess, startDhash, startRedis } from '../../test/support/server-process.js';
import { median, type Report } from './harness.js';
import {
  fill,
  type LoadFigures,
  type LoadOptions,
  nodeOf,
  redisBenchmark,
  residentBytes,
} from './redis-benchmark.js';

export type Major = 20 | 24;

export interface Contest {
  readonly redis: ServerProcess;
  readonly contenders: readonly { readonly major: Major; readonly server: ServerProcess }[];
}

export interface SpeedTest {
  readonly name: string;
  readonly load: LoadOptions;
  /** What dhash must reach of Redis's rate. */
  readonly targets: Readonly<Record<Major, number>>;
}

export interface MemoryTest {
  /** As in `key, 1,000 keys`. */
  readonly name: string;
  readonly count: number;
  /** What puts one of them into a server. */
  readonly command: (index: number) => string[];
  /** What dhash may take at most of Redis's memory. */
  readonly ratioMax: number;
}

/** Figures of one test: of redis first, then of the contenders, each of all rounds. */
type Figures = readonly (readonly LoadFigures[])[];

export async function withContest(work: (contest: Contest) => Promise<void>): Promise<void> {
  const redis = await startRedis();
  const contenders: { major: Major; server: ServerProcess }[] = [];
  try {
    for (const major of [24, 20] as const) {
      const node = nodeOf(major);
      if (node !== null) contenders.push({ major, server: await startDhash({ node }) });
    }
    await work({ redis, contenders });
  } finally {
    for (const { server } of contenders) await server.stop();
    await redis.stop();
  }
}

/** The round that does not count is so many times as long: V8 compiles for the first 200,000 commands. */
export const WARM_UP = 4;

/** Resident memory that each of so many takes, all of which stay. */
export async function compareMemory(
  report: Report,
  { redis, contenders }: Contest,
  test: MemoryTest,
): Promise<void> {
  const theirs = await bytesOfEach(redis, test);
  for (const { major, server } of contenders) {
    const ours = await bytesOfEach(server, test);
    report.add({
      name: `memory per ${test.name}, Node ${major}`,
      ours,
      unit: 'B',
      peer: 'redis',
      theirs,
      ratio: ours / theirs,
      target: test.ratioMax,
      atMost: true,
    });
  }
}

async function bytesOfEach(server: ServerProcess, { count, command }: MemoryTest): Promise<number> {
  const before = residentBytes(server.pid);
  await fill(server, count, command);
  return (residentBytes(server.pid) - before) / count;
}

/**
 * Rates, and rates per CPU second for a look at the server alone: on a busy machine the former are
 * everybody's. In a round a server runs all tests, so that one may take what another has put. The
 * first round warms up, for WARM_UP times as long, and does not count. With `latencyRatioMax`, p99.9 too.
 */
export async function compareSpeed(
  report: Report,
  contest: Contest,
  tests: readonly SpeedTest[],
  { rounds, latencyRatioMax }: { rounds: number; latencyRatioMax?: number },
): Promise<void> {
  const servers = [contest.redis, ...contest.contenders.map(({ server }) => server)];
  const figures = tests.map(() => servers.map((): LoadFigures[] => []));
  for (let round = 0; round <= rounds; round++) {
    for (const [s, server] of servers.entries()) {
      for (const [i, { load }] of tests.entries()) {
        const count = round === 0 ? load.count * WARM_UP : load.count;
        const figure = await redisBenchmark(server, { ...load, count });
        if (round > 0) figures[i]![s]!.push(figure);
      }
    }
  }
  for (const [i, test] of tests.entries()) {
    for (const [c, { major }] of contest.contenders.entries()) {
      addSpeedRows(report, test, major, [figures[i]![c + 1]!, figures[i]![0]!], latencyRatioMax);
    }
  }
}

function addSpeedRows(
  report: Report,
  { name, targets }: SpeedTest,
  major: Major,
  figures: Figures,
  latencyRatioMax: number | undefined,
): void {
  const title = `${name}, Node ${major}`;
  const medians = (pick: (figure: LoadFigures) => number): [number, number] => {
    const [ours, theirs] = figures.map((runs) => median(runs.map(pick)));
    return [ours!, theirs!];
  };
  const rates = medians((figure) => figure.perSecond);
  report.compare(title, 'op/s', 'redis', rates, targets[major]);
  const perCpu = medians((figure) => figure.perCpuSecond);
  report.compare(`${title}: CPU`, 'op/CPU s', 'redis', perCpu);
  if (latencyRatioMax === undefined) return;
  const [ours, theirs] = medians((figure) => figure.p999Ms);
  report.add({
    name: `${title}: p99.9`,
    ours,
    unit: 'ms',
    peer: 'redis',
    theirs,
    ratio: ours / theirs,
    target: latencyRatioMax,
    atMost: true,
  });
}

const PIPELINES = [1, 16] as const;
/** What dhash must reach of Redis's rate, by pipeline and version of Node. */
const TARGETS = { 1: { 20: 0.9, 24: 0.9 }, 16: { 20: 0.6, 24: 0.75 } } as const;
const QUICK_DIVISOR = 10;

export interface CommandTest {
  readonly name: string;
  readonly command: readonly string[];
  /** Commands without a pipeline; twice as many with one. */
  readonly count: number;
}

/** The speed of commands, plain and in pipelines of 16; `quick`: of a tenth as many. */
export async function compareCommands(
  report: Report,
  contest: Contest,
  commands: readonly CommandTest[],
  { quick, rounds }: { readonly quick: boolean; readonly rounds: number },
): Promise<void> {
  for (const pipeline of PIPELINES) {
    const divisor = (quick ? QUICK_DIVISOR : 1) / (pipeline === 1 ? 1 : 2);
    const tests = commands.map(({ name, command, count }) => ({
      name: pipeline === 1 ? name : `${name} -P ${pipeline}`,
      load: { command, pipeline, count: Math.ceil(count / divisor) },
      targets: TARGETS[pipeline],
    }));
    await compareSpeed(report, contest, tests, { rounds });
  }
}
