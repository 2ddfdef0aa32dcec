/**
 * KRANGE of 100 entries with values against ZRANGEBYLEX of 100 members from a sorted set of
 * as many, and KCOUNT over half of the keys against GET.
 *
 * The sorted set's members are key and value in one, so that both servers answer with the same
 * bytes; a row without target shows members that are keys alone, whose values the client would
 * still have to fetch. What is compared is the work per second of the server's CPU time:
 * reading replies this long, redis-benchmark is slower than either server. Without pipelining more
 * than half of that time is the system's, and Node's on the way to it; with `-P 16` the range is.
 */

import { seededRandom } from '../test/support/random.js';
import { type ServerProcess, startDhash, startRedis } from '../test/support/server-process.js';
import { WARM_UP } from './support/contest.js';
import { type BenchOptions, median, Report } from './support/harness.js';
import { fill, keyName, nodeOf, redisBenchmark } from './support/redis-benchmark.js';

const VALUE = 'v'.repeat(64);
const RANGE_ENTRIES = '100';
const COUNT_TARGET = 5;
const LIMIT = ['LIMIT', '0', RANGE_ENTRIES] as const;
const FROM = '[key:__rand_int__';
const CONTESTANTS = [
  { server: 'dhash', command: ['KRANGE', FROM, '+', ...LIMIT, 'WITHVALUES'] },
  { server: 'redis', command: ['ZRANGEBYLEX', 'entries', FROM, '+', ...LIMIT] },
  { server: 'redis', command: ['ZRANGEBYLEX', 'keys', FROM, '+', ...LIMIT] },
] as const;
/** Where memory lies differs from start to start, and with it by a tenth what a range costs. */
const STARTS = 3;
const ROUNDS_DEFAULT = 3;
const PIPELINES = [1, 16] as const;
const TARGETS = { random: 1.5, inOrder: 1.0 } as const;

type Order = keyof typeof TARGETS;

interface Size {
  readonly keyCount: number;
  readonly rounds: number;
  readonly quick: boolean;
}

export async function run(options: BenchOptions): Promise<void> {
  const quick = options.quick === true;
  const keyCount = quick ? 100_000 : 1_000_000;
  const rounds = options.rounds ?? (quick ? 1 : ROUNDS_DEFAULT);
  const size: Size = { keyCount, rounds, quick };
  const report = new Report('krange', options);
  const node = nodeOf(24) ?? process.execPath;
  for (const order of ['random', 'inOrder'] as const) {
    const samples = PIPELINES.map(() => CONTESTANTS.map(() => [] as number[]));
    for (let start = 0; start < (quick ? 1 : STARTS); start += 1) {
      const [redis, dhash] = await Promise.all([startRedis(), startDhash({ node })]);
      try {
        await load(redis, dhash, keyCount, order);
        for (const [i, pipeline] of PIPELINES.entries()) {
          await measureRanges({ redis, dhash }, samples[i]!, { ...size, pipeline });
        }
        if (order === 'random' && start === 0) await countRow(report, dhash, size);
      } finally {
        await redis.stop();
        await dhash.stop();
      }
    }
    for (const [i, pipeline] of PIPELINES.entries()) {
      reportRanges(report, order, pipeline, samples[i]!);
    }
  }
  report.finish();
}

async function load(
  redis: ServerProcess,
  dhash: ServerProcess,
  keyCount: number,
  order: Order,
): Promise<void> {
  const indexes = Array.from({ length: keyCount }, (_, index) => index);
  if (order === 'random') seededRandom(1).shuffle(indexes);
  const name = (at: number): string => keyName(indexes[at]!);
  await fill(dhash, keyCount, (at) => ['SET', name(at), VALUE]);
  await fill(redis, keyCount, (at) => ['ZADD', 'entries', '0', `${name(at)}=${VALUE}`]);
  await fill(redis, keyCount, (at) => ['ZADD', 'keys', '0', name(at)]);
}

/** Bounds leave room above, so that every range is full. */
function keySpaceOf(keyCount: number): number {
  return keyCount - Number(RANGE_ENTRIES);
}

/** Adds a sample of each contestant and round: commands per second of the server's CPU time. */
async function measureRanges(
  servers: { readonly redis: ServerProcess; readonly dhash: ServerProcess },
  samples: readonly number[][],
  { keyCount, rounds, quick, pipeline }: Size & { pipeline: number },
): Promise<void> {
  const count = quick ? 5_000 : 50_000;
  for (let round = 0; round <= rounds; round++) {
    for (const [i, { server, command }] of CONTESTANTS.entries()) {
      const figures = await redisBenchmark(servers[server], {
        command,
        count: round === 0 ? count * WARM_UP : count,
        pipeline,
        keySpace: keySpaceOf(keyCount),
      });
      if (round > 0) samples[i]!.push(figures.perCpuSecond);
    }
  }
}

function reportRanges(
  report: Report,
  order: Order,
  pipeline: number,
  samples: readonly number[][],
): void {
  const [ours, entries, keys] = samples.map(median) as [number, number, number];
  const loaded = order === 'random' ? 'loaded at random' : 'loaded in order';
  const peer = 'ZRANGEBYLEX';
  const name = `KRANGE of ${RANGE_ENTRIES}, ${loaded}${pipeline === 1 ? '' : `, -P ${pipeline}`}`;
  report.compare(name, 'op/CPU s', peer, [ours, entries], TARGETS[order]);
  report.compare(`${name}; the peer without values`, 'op/CPU s', peer, [ours, keys]);
}

/** Through the protocol, in pipelines; bench/tree.ts has the same inside the engine. */
async function countRow(
  report: Report,
  dhash: ServerProcess,
  { keyCount, rounds, quick }: Size,
): Promise<void> {
  const count = quick ? 20_000 : 300_000;
  const bounds = [`[${keyName(keyCount / 4)}`, `[${keyName((keyCount * 3) / 4)}`];
  const commands = [['KCOUNT', ...bounds], ['get']];
  const samples = commands.map(() => [] as number[]);
  for (let round = 0; round <= rounds; round++) {
    for (const [i, command] of commands.entries()) {
      const figures = await redisBenchmark(dhash, {
        command,
        count,
        pipeline: 16,
        keySpace: keyCount,
      });
      if (round > 0) samples[i]!.push(1e6 / figures.perCpuSecond);
    }
  }
  const [ours, get] = samples.map(median) as [number, number];
  report.add({
    name: `KCOUNT over ${(keyCount / 2).toLocaleString('en-US')} keys, -P 16`,
    ours,
    unit: 'us CPU',
    peer: 'GET',
    theirs: get,
    ratio: ours / get,
    target: COUNT_TARGET,
    atMost: true,
  });
}
