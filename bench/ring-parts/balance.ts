/** Un-hashed keys, loaded in their order: how even the shares become, how soon, and at what price. */
import { setTimeout as pause } from 'node:timers/promises';
import { keyOfCity } from '../../examples/cities/keys.js';
import { cities, valueOfCity } from '../../examples/cities/places.js';
import type { BenchOptions, Report } from '../support/harness.js';
import { fill, keyName } from '../support/redis-benchmark.js';
import { type BenchRing, sum, withRing } from '../support/ring-processes.js';

const SHARE_MAX = 1.5;
const LIMIT_MS = 120_000;
/** Members that have moved often wait for so long until they move again (lib/loops/patience.ts). */
const PATIENCE_MS = 35_000;
/** Time after the ring is even in which nobody should move. */
const CALM_MS = 20_000;

interface Data {
  readonly name: string;
  readonly count: number;
  readonly command: (n: number) => string[];
}

export async function balance(report: Report, options: BenchOptions): Promise<void> {
  const quick = options.quick === true;
  const places: Data = {
    name: 'cities',
    count: quick ? 20_000 : cities.length,
    command: (n) => ['SET', keyOfCity(cities[n]!), valueOfCity(cities[n]!)],
  };
  const sequence: Data = {
    name: 'sequential keys',
    count: quick ? 50_000 : 1_000_000,
    command: (n) => ['SET', keyName(n), 'v'.repeat(64)],
  };
  for (const size of quick ? [3] : [3, 5, 10]) {
    for (const data of [places, sequence]) await one(report, size, data, quick);
  }
}

async function one(report: Report, size: number, data: Data, quick: boolean): Promise<void> {
  await withRing(['--write-level', 'one'], async (ring) => {
    for (let n = 0; n < size; n += 1) await ring.add();
    await fill(ring.nodes[0]!, data.count, data.command);
    const loadedMs = performance.now();
    let share = await shareOf(ring);
    while (share > SHARE_MAX && performance.now() - loadedMs < LIMIT_MS) {
      await pause(200);
      share = await shareOf(ring);
    }
    const tookMs = performance.now() - loadedMs;
    // What is still under way is not counted as going to and fro.
    await ring.quiet(quick ? 5000 : PATIENCE_MS, LIMIT_MS).catch(() => {});
    const even = await ring.status();
    await pause(quick ? 2000 : CALM_MS);
    const calm = await ring.status();
    const moved = await ring.moved('entries', ['fill', 'sync']);
    const title = `balance of ${data.count.toLocaleString('en-US')} ${data.name} on ${size}`;
    report.add({ name: `${title}: time after the load`, ours: tookMs / 1000, unit: 's' });
    report.add({
      ...{ name: `${title}: largest share over mean`, ours: await shareOf(ring), unit: 'x' },
      ...{ target: SHARE_MAX, atMost: true },
    });
    report.add({
      ...{ name: `${title}: moves afterwards`, ours: calm.epoch - even.epoch, unit: 'views' },
      ...{ target: 0, atMost: true },
    });
    const stored = sum(calm.members.map(({ heldEntries }) => heldEntries));
    report.add({
      ...{ name: `${title}: entries moved`, ours: moved, unit: 'entries' },
      ...{ peer: 'copies stored', theirs: stored, ratio: moved / stored },
    });
  });
}

async function shareOf(ring: BenchRing): Promise<number> {
  const { members } = await ring.status();
  const owned = members.map(({ ownedEntries }) => ownedEntries);
  return (Math.max(...owned) * owned.length) / sum(owned);
}
