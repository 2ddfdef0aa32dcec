/** SET with and without a disk, and `always` against redis-server's `appendfsync always`. */
import type { ServerProcess } from '../../test/support/server-process.js';
import { type BenchOptions, interleave, type Report } from '../support/harness.js';
import { fill, keyName, redisBenchmark } from '../support/redis-benchmark.js';
import { sizeOf, withServers } from './servers.js';

const ROUNDS = 5;
const KEYS = 1_000_000;
const VALUE = 'v'.repeat(64);

export async function speed(report: Report, options: BenchOptions): Promise<void> {
  const { divisor, rounds } = sizeOf(options, ROUNDS);
  await withServers(async (servers) => {
    const everysec = await servers.dhash('everysec', 'everysec');
    const memory = await servers.memory();
    const always = await servers.dhash('always', 'always');
    const redis = await servers.redis('redis', 'always');
    // All keys are there before, so that no round has more to do than another.
    for (const server of [everysec, memory, always, redis]) {
      await fill(server, KEYS / divisor, (i) => ['SET', keyName(i), VALUE]);
    }
    for (const pipeline of [1, 16]) {
      const count = (pipeline === 1 ? 100_000 : 600_000) / divisor;
      const rateOf = (server: ServerProcess) => async () => {
        const load = { command: ['set'], pipeline, count, keySpace: KEYS / divisor };
        return (await redisBenchmark(server, load)).perSecond;
      };
      const contestants = [
        { name: 'everysec', run: rateOf(everysec) },
        { name: 'memory', run: rateOf(memory) },
        { name: 'always', run: rateOf(always) },
        { name: 'redis', run: rateOf(redis) },
      ];
      const [ours, unkept, synced, theirs] = await interleave(contestants, rounds);
      const name = `SET -P ${pipeline}`;
      const [keptMin, syncedMin] = pipeline === 1 ? [] : [0.8, 1];
      report.compare(`${name}, everysec`, '/s', 'no disk', [ours!, unkept!], keptMin);
      report.compare(`${name}, always`, '/s', 'redis always', [synced!, theirs!], syncedMin);
    }
  });
}
