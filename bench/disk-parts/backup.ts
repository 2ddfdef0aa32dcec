/**
 * `dhash backup` of a serving node and `dhash restore`: MB a second, beside `redis-cli --rdb`; and
 * what a client meets meanwhile.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { dhashProgram, type ServerProcess, startDhash } from '../../test/support/server-process.js';
import { ClientLoad } from '../support/client-load.js';
import { type BenchOptions, median, type Report } from '../support/harness.js';
import { takeDelays, WATCHED } from '../support/loop-delays.js';
import { fill, keyName } from '../support/redis-benchmark.js';
import { sizeOf, withServers } from './servers.js';

const ENTRIES = 2_000_000;
const ROUNDS = 5;
const VALUE_BYTES = 64;
/** The node is looked at before, too, for so long. */
const ALONE_MS = 1000;
const WAIT_MAX_MS = 10;
const run = promisify(execFile);

/** What `dhash backup --json` and `dhash restore --json` say. */
interface Told {
  readonly bytes: number;
  readonly fileBytes: number;
  readonly seconds: number;
}

export async function backup(report: Report, options: BenchOptions): Promise<void> {
  const { divisor, rounds } = sizeOf(options, ROUNDS);
  const count = ENTRIES / divisor;
  await withServers(async (servers) => {
    const node = await servers.memory(WATCHED);
    const redis = await servers.redis('redis', 'no');
    // Half of each value can be compressed away, as of text.
    const noise = randomBytes(64 * 1024).toString('hex');
    const valueOf = (i: number) =>
      noise.substr((i * 31) % (noise.length - VALUE_BYTES), VALUE_BYTES);
    for (const server of [node, redis]) {
      await fill(server, count, (i) => ['SET', keyName(i), valueOf(i)]);
    }
    const client = await redis.connect();
    // It would wait for others that might want the same.
    await client.call('CONFIG', 'SET', 'repl-diskless-sync-delay', '0');
    await client.close();

    const file = join(servers.folder, 'backup.dhb');
    const rdb = join(servers.folder, 'redis.rdb');
    const seconds = {
      ...{ backup: [] as number[], beside: [] as number[] },
      ...{ rdb: [] as number[], restore: [] as number[] },
    };
    const slowestMs = { before: [] as number[], meanwhile: [] as number[], loop: [] as number[] };
    let bytes = 0;
    let fileBytes = 0;
    for (let round = 0; round < rounds; round += 1) {
      const told = await dhash(node, 'backup', file, '--force');
      ({ bytes, fileBytes } = told);
      seconds.backup.push(told.seconds);
      const load = new ClientLoad([node], { clients: 1, pauseMs: 1, command: () => ['PING'] });
      await pause(ALONE_MS);
      slowestMs.before.push(load.take().at(-1)!);
      await takeDelays(node);
      seconds.beside.push((await dhash(node, 'backup', file, '--force')).seconds);
      slowestMs.meanwhile.push(load.take().at(-1)!);
      slowestMs.loop.push((await takeDelays(node)).busyMs);
      await load.stop();
      const sinceMs = performance.now();
      await run('redis-cli', ['-p', `${redis.port}`, '--rdb', rdb]);
      seconds.rdb.push((performance.now() - sinceMs) / 1000);
      const empty = await startDhash();
      seconds.restore.push((await dhash(empty, 'restore', file)).seconds);
      await empty.stop();
    }
    const rate = (of: readonly number[]) => bytes / 1e6 / median(of);
    const size = `${Math.round(bytes / 1e6)} MB of entries`;
    report.compare(`backup, ${size}`, 'MB/s', 'redis-cli --rdb', [
      rate(seconds.backup),
      rate(seconds.rdb),
    ]);
    const beside = 'the same, beside a client that asks all the time';
    report.add({ name: beside, ours: rate(seconds.beside), unit: 'MB/s' });
    report.add({ name: `restore, ${size}`, ours: rate(seconds.restore), unit: 'MB/s' });
    report.add({
      name: 'bytes of the file, for each of entries',
      ours: fileBytes / bytes,
      unit: '',
    });
    report.add({
      ...{ name: 'slowest PING during a backup', ours: median(slowestMs.meanwhile), unit: 'ms' },
      ...{ peer: 'before it', theirs: median(slowestMs.before) },
      ...{ target: WAIT_MAX_MS, atMost: true },
    });
    const busy = 'longest the node was at work between two timers of 1 ms';
    report.add({ name: busy, ours: median(slowestMs.loop), unit: 'ms' });
  });
}

async function dhash(node: ServerProcess, command: string, ...args: string[]): Promise<Told> {
  const all = [dhashProgram(), command, ...args, '--at', `127.0.0.1:${node.port}`, '--json'];
  const { stdout } = await run(process.execPath, all);
  return JSON.parse(stdout) as Told;
}
