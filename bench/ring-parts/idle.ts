/** Ten nodes that nobody asks anything: what each sends, and what of a core it takes. */
import { setTimeout as pause } from 'node:timers/promises';
import type { BenchOptions, Report } from '../support/harness.js';
import { type BenchRing, sum, withRing } from '../support/ring-processes.js';

const NODES = 10;
const SECONDS = 30;
const BYTES_MAX = 10 * 1024;
const CPU_MAX = 2;

export async function idle(report: Report, options: BenchOptions): Promise<void> {
  const quick = options.quick === true;
  const [count, seconds] = quick ? [3, 3] : [NODES, SECONDS];
  await withRing([], async (ring) => {
    for (let n = 0; n < count; n += 1) await ring.add();
    await ring.quiet(5000);
    const before = await bytesOf(ring);
    const [cpu, startedMs] = [ring.cpuSeconds, performance.now()];
    await pause(seconds * 1000);
    const used = ring.cpuSeconds - cpu;
    const tookS = (performance.now() - startedMs) / 1000;
    const bytes = (await bytesOf(ring)) - before;
    report.add({
      ...{ name: `idle ring of ${count}: sent by a node`, ours: bytes / tookS / count },
      ...{ unit: 'B/s', target: BYTES_MAX, atMost: true },
    });
    report.add({
      ...{ name: `idle ring of ${count}: CPU of a node`, ours: (100 * used) / tookS / count },
      ...{ unit: '% of a core', target: CPU_MAX, atMost: true },
    });
  });
}

/** Requests are counted where they arrive, replies where they leave: each byte once. */
async function bytesOf(ring: BenchRing): Promise<number> {
  const counts: number[] = [];
  for (const node of ring.nodes) {
    for (const name of ['total_net_input_bytes', 'total_net_output_bytes']) {
      counts.push(Number(await ring.info(node, 'stats', name)));
    }
  }
  return sum(counts);
}
