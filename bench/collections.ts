/**
 * Hashes and sets against redis-server, as redis-benchmark sees them: HSET, SADD and SPOP, plain and
 * in pipelines of 16, on a million fields or members; and resident memory per element of big ones,
 * and per hash of a million small ones. dhash runs on Node 24 and on Node 20.
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

interface Load {
  readonly name: string;
  readonly command: readonly string[];
}

interface Content {
  readonly name: string;
  /** What dhash may take at most of Redis's memory. */
  readonly ratioMax: number;
  readonly command: (index: number) => string[];
}

type Major = 20 | 24;

const ELEMENT = 'element:__rand_int__';
/** As redis-benchmark's own tests; SPOP takes what SADD has put. */
const LOADS: readonly Load[] = [
  { name: 'HSET', command: ['HSET', 'myhash', ELEMENT, 'v'.repeat(64)] },
  { name: 'SADD', command: ['SADD', 'myset', ELEMENT] },
  { name: 'SPOP', command: ['SPOP', 'myset'] },
];
const COUNTS = { 1: 200_000, 16: 500_000 } as const;
/** What dhash must reach of Redis's rate. */
const TARGETS = { 1: { 20: 0.9, 24: 0.9 }, 16: { 20: 0.6, 24: 0.75 } } as const;
const CONTENTS: readonly Content[] = [
  {
    name: 'field of a hash',
    ratioMax: 1,
    command: (index) => ['HSET', 'hash', `element:${padded(index)}`, 'v'.repeat(64)],
  },
  {
    name: 'member of a set',
    ratioMax: 1,
    command: (index) => ['SADD', 'set', `element:${padded(index)}`],
  },
  { name: 'hash of five small fields', ratioMax: 1.5, command: smallHash },
];
const ROUNDS_DEFAULT = 5;
const QUICK_DIVISOR = 10;

function padded(index: number): string {
  return String(index).padStart(12, '0');
}

function smallHash(index: number): string[] {
  const fields = ['name', 'mail', 'city', 'year', 'size'];
  return ['HSET', `user:${padded(index)}`, ...fields.flatMap((field) => [field, `v${index}`])];
}

export async function run(options: BenchOptions): Promise<void> {
  const quick = options.quick === true;
  const rounds = options.rounds ?? (quick ? 1 : ROUNDS_DEFAULT);
  const report = new Report('collections', options);
  for (const content of CONTENTS) {
    await withServers((servers, majors) =>
      memoryRows(report, servers, majors, content, quick ? 100_000 : 1_000_000),
    );
  }
  await withServers(async (servers, majors) => {
    for (const pipeline of [1, 16] as const) {
      const count = quick ? COUNTS[pipeline] / QUICK_DIVISOR : COUNTS[pipeline];
      const figures = await measure(servers, { pipeline, count, rounds });
      speedRows(report, figures, pipeline, majors);
    }
  });
  report.finish();
}

/** Redis first, then dhash on each version of Node that is to be had. */
async function withServers(
  work: (servers: readonly ServerProcess[], majors: readonly Major[]) => Promise<void>,
): Promise<void> {
  const servers: ServerProcess[] = [await startRedis()];
  const majors: Major[] = [];
  try {
    for (const major of [24, 20] as const) {
      const node = nodeOf(major);
      if (node === null) continue;
      servers.push(await startDhash({ node }));
      majors.push(major);
    }
    await work(servers, majors);
  } finally {
    for (const server of servers) await server.stop();
  }
}

async function memoryRows(
  report: Report,
  servers: readonly ServerProcess[],
  majors: readonly Major[],
  { name, ratioMax, command }: Content,
  count: number,
): Promise<void> {
  const figures: number[] = [];
  for (const server of servers) {
    const before = residentBytes(server.pid);
    await fill(server, count, command);
    figures.push((residentBytes(server.pid) - before) / count);
  }
  const [theirs, ...ours] = figures;
  for (const [m, major] of majors.entries()) {
    report.add({
      name: `memory per ${name}, ${count.toLocaleString('en-US')} of them, Node ${major}`,
      ours: ours[m]!,
      unit: 'B',
      peer: 'redis',
      theirs: theirs!,
      ratio: ours[m]! / theirs!,
      target: ratioMax,
      atMost: true,
    });
  }
}

/** By server and load, of each round; the first round warms up and does not count. */
async function measure(
  servers: readonly ServerProcess[],
  { pipeline, count, rounds }: { pipeline: number; count: number; rounds: number },
): Promise<LoadFigures[][][]> {
  const figures: LoadFigures[][][] = servers.map(() => LOADS.map(() => []));
  for (let round = 0; round <= rounds; round++) {
    for (const [s, server] of servers.entries()) {
      for (const [i, { command }] of LOADS.entries()) {
        const figure = await redisBenchmark(server, { command, pipeline, count });
        if (round > 0) figures[s]![i]!.push(figure);
      }
    }
  }
  return figures;
}

function speedRows(
  report: Report,
  [theirs, ...ours]: readonly LoadFigures[][][],
  pipeline: 1 | 16,
  majors: readonly Major[],
): void {
  for (const [i, { name }] of LOADS.entries()) {
    for (const [m, major] of majors.entries()) {
      const title = `${name}${pipeline === 1 ? '' : ` -P ${pipeline}`}, Node ${major}`;
      const medians = (pick: (figure: LoadFigures) => number): number[] =>
        [ours[m]![i]!, theirs![i]!].map((runs) => median(runs.map(pick)));
      const rates = medians((figure) => figure.perSecond);
      report.compare(title, 'op/s', 'redis', rates, TARGETS[pipeline][major]);
      const perCpu = medians((figure) => figure.perCpuSecond);
      report.compare(`${title}: CPU`, 'op/CPU s', 'redis', perCpu);
    }
  }
}
