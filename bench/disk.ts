/**
 * What keeping entries costs, and how fast they come back: SET with and without a disk; `always`
 * against redis-server's `appendfsync always`; a million entries loaded against redis-server
 * loading its AOF; bytes on disk; the slowest replies while the log is written anew.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ServerProcess, startDhash, startRedis } from '../test/support/server-process.js';
import { type BenchOptions, interleave, median, Report } from './support/harness.js';
import { fill, keyName, redisBenchmark } from './support/redis-benchmark.js';

const ENTRIES = 1_000_000;
const VALUE = 'v'.repeat(64);
const ROUNDS_DEFAULT = 5;
const QUICK_DIVISOR = 20;

export async function run(options: BenchOptions): Promise<void> {
  const divisor = options.quick === true ? QUICK_DIVISOR : 1;
  const rounds = options.rounds ?? (options.quick === true ? 1 : ROUNDS_DEFAULT);
  const folder = mkdtempSync(join(tmpdir(), 'dhash-bench-'));
  const report = new Report('disk', options);
  try {
    await compareThroughput(report, folder, { divisor, rounds });
    await compareLoads(report, folder, { divisor, rounds: Math.min(rounds, 3) });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  report.finish();
}

interface Size {
  readonly divisor: number;
  readonly rounds: number;
}

async function compareThroughput(report: Report, folder: string, size: Size): Promise<void> {
  const servers = {
    memory: await startDhash(),
    everysec: await startDhash({ args: ['--dir', join(folder, 'everysec')] }),
    always: await startDhash({ args: ['--dir', join(folder, 'always'), '--fsync', 'always'] }),
    redis: await startRedis({ args: redisArgs(folder, 'always') }),
  };
  try {
    for (const pipeline of [1, 16]) {
      const count = (pipeline === 1 ? 200_000 : 1_000_000) / size.divisor;
      const rateOf = (server: ServerProcess) => async () => {
        const load = { command: ['set'], pipeline, count };
        return (await redisBenchmark(server, load)).perSecond;
      };
      const contestants = [
        { name: 'everysec', run: rateOf(servers.everysec) },
        { name: 'memory', run: rateOf(servers.memory) },
        { name: 'always', run: rateOf(servers.always) },
        { name: 'redis', run: rateOf(servers.redis) },
      ];
      const [everysec, memory, always, redis] = await interleave(contestants, size.rounds);
      const name = `SET -P ${pipeline}`;
      report.compare(`${name}, everysec`, '/s', 'no disk', [everysec!, memory!], 0.8);
      const target = pipeline === 1 ? undefined : 1;
      report.compare(`${name}, always`, '/s', 'redis always', [always!, redis!], target);
    }
    await slowestWhileSwept(report, servers.everysec, size);
  } finally {
    for (const server of Object.values(servers)) await server.stop();
  }
}

async function slowestWhileSwept(report: Report, server: ServerProcess, size: Size): Promise<void> {
  const client = await server.connect();
  const waits: number[] = [];
  for (let round = 0; round < size.rounds; round += 1) {
    await client.call('BGREWRITEAOF');
    const load = { command: ['set'], count: 100_000 / size.divisor };
    waits.push((await redisBenchmark(server, load)).p999Ms);
  }
  await client.close();
  report.add({ name: 'SET while the log is written anew, p99.9', ours: median(waits), unit: 'ms' });
}

async function compareLoads(report: Report, folder: string, size: Size): Promise<void> {
  const count = ENTRIES / size.divisor;
  const dhashFolder = join(folder, 'load');
  const starts = {
    dhash: () => startDhash({ args: ['--dir', dhashFolder] }),
    redis: () => startRedis({ args: redisArgs(folder, 'everysec') }),
  };
  for (const start of [starts.dhash, starts.redis]) {
    const server = await start();
    // In an order that is not that of the keys, as clients write.
    const prime = 7_368_787;
    await fill(server, count, (i) => ['SET', keyName((i * prime) % count), VALUE]);
    await server.stop();
  }
  const bytes = (path: string) =>
    Number(execFileSync('du', ['-sb', path], { encoding: 'utf8' }).split('\t')[0]) / count;
  const loadSeconds = { dhash: [] as number[], redis: [] as number[] };
  for (let round = 0; round < size.rounds; round += 1) {
    const dhash = await starts.dhash();
    loadSeconds.dhash.push(Number(/"seconds":([\d.]+)/.exec(dhash.output())?.[1]));
    await dhash.stop();
    const redis = await starts.redis();
    loadSeconds.redis.push(
      Number(/loaded from append only file: ([\d.]+)/.exec(redis.output())?.[1]),
    );
    await redis.stop();
  }
  const ours = median(loadSeconds.dhash);
  const theirs = median(loadSeconds.redis);
  const name = `loading ${count.toLocaleString('en')} entries`;
  const times = { ours, unit: 's', peer: 'redis AOF', theirs, ratio: ours / theirs };
  report.add({ name, ...times, target: 1.5, atMost: true });
  const oursBytes = bytes(join(dhashFolder, 'log'));
  const theirsBytes = bytes(join(folder, 'redis-everysec'));
  const sizes = { ours: oursBytes, unit: 'B', peer: 'redis AOF', theirs: theirsBytes };
  report.add({ name: 'disk per entry', ...sizes, ratio: oursBytes / theirsBytes });
}

function redisArgs(folder: string, fsync: string): string[] {
  const dir = join(folder, `redis-${fsync}`);
  execFileSync('mkdir', ['-p', dir]);
  const rewrites = ['--auto-aof-rewrite-percentage', '0'];
  return ['--appendonly', 'yes', '--appendfsync', fsync, '--dir', dir, ...rewrites];
}
