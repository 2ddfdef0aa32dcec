/** The slowest replies while LevelDB compacts, and while the log is written anew. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerProcess } from '../../test/support/server-process.js';
import { type BenchOptions, median, type Report } from '../support/harness.js';
import { type LoadFigures, redisBenchmark } from '../support/redis-benchmark.js';
import { sizeOf, withServers } from './servers.js';

const ROUNDS = 5;
/** A memtable of LevelDB is full, and becomes a table, after some 8,000 of them. */
const LONG_VALUE_BYTES = 1000;

export async function compact(report: Report, options: BenchOptions): Promise<void> {
  const { divisor, rounds } = sizeOf(options, ROUNDS);
  await withServers(async (servers) => {
    const dhash = await servers.dhash('dhash', 'everysec');
    const memory = await servers.memory();
    const redis = await servers.redis('redis', 'everysec');
    const loadOf = (count: number, valueBytes?: number) => (server: ServerProcess) =>
      redisBenchmark(server, {
        command: ['set'],
        count: count / divisor,
        ...(valueBytes === undefined ? {} : { valueBytes }),
      });
    const long = loadOf(200_000, LONG_VALUE_BYTES);
    const short = loadOf(100_000);
    const rewritten = async (server: ServerProcess) => {
      const client = await server.connect();
      await client.call('BGREWRITEAOF');
      await client.close();
      return short(server);
    };
    const ours: LoadFigures[] = [];
    const unkept: LoadFigures[] = [];
    const anew: LoadFigures[] = [];
    const theirs: LoadFigures[] = [];
    const log = join(servers.folder, 'dhash/log/LOG');
    const before = compactionsOf(log);
    for (let round = 0; round < rounds; round += 1) {
      ours.push(await long(dhash));
      unkept.push(await long(memory));
    }
    const compactions = compactionsOf(log) - before;
    for (let round = 0; round < rounds; round += 1) {
      anew.push(await rewritten(dhash));
      theirs.push(await rewritten(redis));
    }
    for (const [percent, of] of [
      ['99', (figures: LoadFigures) => figures.p99Ms],
      ['99.9', (figures: LoadFigures) => figures.p999Ms],
    ] as const) {
      add(report, `SET of 1 KB, p${percent}, LevelDB at ${compactions} compactions`, {
        ...{ ours: median(ours.map(of)), peer: 'no disk', theirs: median(unkept.map(of)) },
      });
      add(report, `SET while the log is written anew, p${percent}`, {
        ...{ ours: median(anew.map(of)), peer: 'redis', theirs: median(theirs.map(of)) },
      });
    }
  });
}

function add(
  report: Report,
  name: string,
  figures: { readonly ours: number; readonly peer: string; readonly theirs: number },
): void {
  report.add({ name, ...figures, unit: 'ms', ratio: figures.ours / figures.theirs });
}

/** What LevelDB's own log says it has done: memtables that became tables, and tables merged. */
function compactionsOf(path: string): number {
  return (readFileSync(path, 'utf8').match(/Level-0 table #\d+: started|Compacting /g) ?? [])
    .length;
}
