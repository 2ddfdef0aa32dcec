/** A fourth node joins three that hold a million entries, under load: time, bytes, latency, errors. */
import { setTimeout as pause } from 'node:timers/promises';
import { ClientLoad, percentile } from '../support/client-load.js';
import type { BenchOptions, Report } from '../support/harness.js';
import { fill, keyName } from '../support/redis-benchmark.js';
import { addressOf, type BenchRing, withRing } from '../support/ring-processes.js';

const VALUE_BYTES = 64;
/** Of an entry besides its key and value: length, code, database, stamp, origin, lengths. */
const RECORD_HEAD_BYTES = 14;
const BEFORE_MS = 10_000;
const CLIENTS = 24;
const PAUSE_MS = 5;
const MOVED_RATIO_MAX = 1.05;

export async function join(report: Report, options: BenchOptions): Promise<void> {
  const quick = options.quick === true;
  const count = quick ? 50_000 : 1_000_000;
  await withRing(['--write-level', 'one'], async (ring) => {
    for (const part of [1, 2, 3]) {
      await ring.add(['--position', keyName(Math.floor((count * part) / 3))]);
    }
    const [first] = ring.nodes;
    // No two alike, so that nothing is saved by packing them.
    await fill(first!, count, (n) => ['SET', keyName(n), valueOf(n)]);
    await ring.quiet(5000);
    const load = new ClientLoad(ring.nodes, {
      clients: CLIENTS,
      pauseMs: PAUSE_MS,
      command: (n) => {
        const key = keyName((n * 7919) % count);
        return n % 2 === 0 ? ['GET', key] : ['SET', key, valueOf(n)];
      },
    });
    await pause(quick ? BEFORE_MS / 10 : BEFORE_MS);
    const before = load.take();
    const loops = ['sync', 'fill', 'clean'];
    const [bytes, entries] = [await ring.moved('bytes', loops), await ring.moved('entries', loops)];
    const bytesBefore = await bytesOf(ring, loops);
    const startedMs = performance.now();
    const fourth = await ring.add();
    const tookMs = performance.now() - startedMs;
    const during = load.take();
    await load.stop();
    const { members } = await ring.status();
    const held = members.find(({ address }) => address === addressOf(fourth))!.heldEntries;
    const movedBytes = (await ring.moved('bytes', loops)) - bytes;
    const bytesAfter = await bytesOf(ring, loops);
    const movedEntries = (await ring.moved('entries', loops)) - entries;
    const needed = held * (keyName(0).length + VALUE_BYTES + RECORD_HEAD_BYTES);
    const title = `join with ${count.toLocaleString('en-US')} entries under load`;
    report.add({ name: `${title}: time until it is in`, ours: tookMs / 1000, unit: 's' });
    report.add({
      ...{ name: `${title}: entries moved`, ours: movedEntries, unit: 'entries' },
      ...{ peer: 'that it holds', theirs: held, ratio: movedEntries / held },
    });
    report.add({
      ...{ name: `${title}: bytes moved`, ours: movedBytes, unit: 'B', peer: 'that had to' },
      ...{ theirs: needed, ratio: movedBytes / needed, target: MOVED_RATIO_MAX, atMost: true },
    });
    for (const [n, loop] of loops.entries()) {
      const name = `${title}: bytes moved, ${loop}`;
      report.add({ name, ours: bytesAfter[n]! - bytesBefore[n]!, unit: 'B' });
    }
    const [ours, theirs] = [percentile(during, 99), percentile(before, 99)];
    const ratio = ours / theirs;
    report.add({ name: `${title}: p99`, ours, unit: 'ms', peer: 'before', theirs, ratio });
    report.add({
      ...{ name: `${title}: errors of ${during.length} commands`, ours: load.errors.length },
      ...{ unit: '', target: 0, atMost: true },
    });
  });
}

async function bytesOf(ring: BenchRing, loops: readonly string[]): Promise<number[]> {
  const bytes: number[] = [];
  for (const loop of loops) bytes.push(await ring.moved('bytes', [loop]));
  return bytes;
}

function valueOf(n: number): string {
  let text = '';
  for (let x = n + 1; text.length < VALUE_BYTES; ) {
    x = (x * 1_103_515_245 + 12_345) % 2 ** 31;
    text += String.fromCharCode(33 + ((x >>> 16) % 94));
  }
  return text;
}
