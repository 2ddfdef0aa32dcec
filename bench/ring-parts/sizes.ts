/** Rings of 1 to 20 nodes on this machine: what grows with the ring. */
import { type BenchOptions, median, type Report } from '../support/harness.js';
import { redisBenchmark } from '../support/redis-benchmark.js';
import { withRing } from '../support/ring-processes.js';

const SIZES = [1, 3, 5, 10, 20];
const MIB = 1024 * 1024;
const KEY_SPACE = 100_000;
/** A node runs its code fast only after it has run it often, and each of twenty has a twentieth of the work. */
const WARM_UPS = 4;
const ROUNDS_DEFAULT = 3;

export async function sizes(report: Report, options: BenchOptions): Promise<void> {
  const quick = options.quick === true;
  const count = quick ? 20_000 : 200_000;
  const warmUps = quick ? 0 : WARM_UPS;
  const rounds = options.rounds ?? (quick ? 1 : ROUNDS_DEFAULT);
  for (const size of quick ? [1, 3] : SIZES) {
    await withRing(['--write-level', 'one'], async (ring) => {
      const joinsMs: number[] = [];
      for (let n = 0; n < size; n += 1) {
        const startedMs = performance.now();
        await ring.add();
        joinsMs.push(performance.now() - startedMs);
      }
      const [first] = ring.nodes;
      const load = { connections: 50, keySpace: KEY_SPACE };
      const set = { ...load, count, command: ['SET', 'key:__rand_int__', 'v'.repeat(64)] };
      await redisBenchmark(first!, { ...set, pipeline: 16 });
      await ring.quiet(5000);
      const get = { ...load, command: ['GET', 'key:__rand_int__'] };
      const title = `ring of ${size}`;
      for (const [name, test] of [
        ['SET -P 16', { ...set, pipeline: 16 }],
        ['GET -P 16', { ...get, count, pipeline: 16 }],
        ['GET', { ...get, count: count / 4 }],
      ] as const) {
        const rates: number[] = [];
        for (let round = -warmUps; round < rounds; round += 1) {
          const { perSecond } = await redisBenchmark(first!, test);
          if (round >= 0) rates.push(perSecond);
        }
        const row = `${title}: ${name} through one node`;
        report.add({ name: row, ours: median(rates), unit: 'op/s' });
      }
      const mib = ring.residentBytes / MIB / size;
      report.add({ name: `${title}: memory of a node`, ours: mib, unit: 'MiB' });
      const last = joinsMs.at(-1)! / 1000;
      report.add({ name: `${title}: start and join of the last node`, ours: last, unit: 's' });
      const all = median(joinsMs) / 1000;
      report.add({ name: `${title}: start and join, median`, ours: all, unit: 's' });
    });
  }
}
