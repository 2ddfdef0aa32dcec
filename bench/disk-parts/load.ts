/** A million entries come back at a start, against redis-server loading its AOF; bytes on disk. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { type BenchOptions, median, type Report } from '../support/harness.js';
import { fill, keyName } from '../support/redis-benchmark.js';
import { sizeOf, withServers } from './servers.js';

const ENTRIES = 1_000_000;
const VALUE = 'v'.repeat(64);
const ROUNDS = 3;

export async function load(report: Report, options: BenchOptions): Promise<void> {
  const { divisor, rounds } = sizeOf(options, ROUNDS);
  const count = ENTRIES / divisor;
  await withServers(async (servers) => {
    const starts = {
      dhash: () => servers.dhash('dhash', 'everysec'),
      redis: () => servers.redis('redis', 'everysec'),
    };
    for (const start of [starts.dhash, starts.redis]) {
      const server = await start();
      // In an order that is not that of the keys, as clients write.
      const prime = 7_368_787;
      await fill(server, count, (i) => ['SET', keyName((i * prime) % count), VALUE]);
      await server.stop();
    }
    const seconds = { dhash: [] as number[], redis: [] as number[] };
    for (let round = 0; round < rounds; round += 1) {
      const dhash = await starts.dhash();
      seconds.dhash.push(Number(/"seconds":([\d.]+)/.exec(dhash.output())?.[1]));
      await dhash.stop();
      const redis = await starts.redis();
      const told = /loaded from append only file: ([\d.]+)/.exec(redis.output())?.[1];
      seconds.redis.push(Number(told));
      await redis.stop();
    }
    const ours = median(seconds.dhash);
    const theirs = median(seconds.redis);
    const name = `loading ${count.toLocaleString('en')} entries`;
    const times = { ours, unit: 's', peer: 'redis AOF', theirs, ratio: ours / theirs };
    report.add({ name, ...times, target: 1.5, atMost: true });
    const bytes = (path: string) => bytesOf(join(servers.folder, path)) / count;
    const sizes = {
      ours: bytes('dhash/log'),
      unit: 'B',
      peer: 'redis AOF',
      theirs: bytes('redis'),
    };
    report.add({ name: 'disk per entry', ...sizes, ratio: sizes.ours / sizes.theirs });
  });
}

function bytesOf(path: string): number {
  return Number(execFileSync('du', ['-sb', path], { encoding: 'utf8' }).split('\t')[0]);
}
