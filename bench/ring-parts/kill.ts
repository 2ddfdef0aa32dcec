/** kill -9 of an owner: how long until its keys can be written again. It comes back with its folder. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type BenchOptions, median, type Report } from '../support/harness.js';
import { withRing } from '../support/ring-processes.js';

const KILLS_DEFAULT = 50;
const WRITTEN_MAX_MS = 2000;
const GIVEN_UP_MS = 60_000;
const RETRY_MS = 5;
const POSITIONS = ['h', 'p', 'z'];

export async function kill(report: Report, options: BenchOptions): Promise<void> {
  const kills = options.rounds ?? (options.quick === true ? 2 : KILLS_DEFAULT);
  const folder = mkdtempSync(join(tmpdir(), 'dhash-bench-'));
  try {
    await withRing(['--fsync', 'no'], async (ring) => {
      const argsOf = (at: number): string[] => {
        return ['--position', POSITIONS[at]!, '--dir', join(folder, `${at}`)];
      };
      for (const at of POSITIONS.keys()) await ring.add(argsOf(at));
      const writer = await ring.client();
      const timesMs: number[] = [];
      const errors = new Map<string, number>();
      for (let n = 0; n < kills; n += 1) {
        const at = 1 + (n % 2);
        const owner = ring.nodes[at]!;
        await writer.callPlain('SET', POSITIONS[at]!, `${n}`);
        const startedMs = performance.now();
        await ring.kill(owner);
        for (;;) {
          const reply = await writer.callPlain('SET', POSITIONS[at]!, `after ${n}`);
          if (reply === 'OK') break;
          const kind = String(reply)
            .replace(/^Error: /, '')
            .split(' ')[0]!;
          errors.set(kind, (errors.get(kind) ?? 0) + 1);
          if (performance.now() - startedMs > GIVEN_UP_MS) break;
          await pause(RETRY_MS);
        }
        timesMs.push(performance.now() - startedMs);
        const back = await ring.start(argsOf(at), { port: owner.port });
        // Where it was among the nodes.
        ring.nodes = ring.nodes.filter((node) => node !== back);
        ring.nodes.splice(at, 0, back);
        await ring.settled();
      }
      const title = `kill -9 of an owner, ${kills} times: until its keys are written`;
      report.add({
        ...{ name: `${title}, slowest`, ours: Math.max(...timesMs), unit: 'ms' },
        ...{ target: WRITTEN_MAX_MS, atMost: true },
      });
      report.add({ name: `${title}, median`, ours: median(timesMs), unit: 'ms' });
      const kinds = [...errors].map(([kind, count]) => `${kind} ${count}`).join(', ');
      const failed = [...errors.values()].reduce((all, count) => all + count, 0);
      report.add({ name: `errors meanwhile (${kinds || 'none'})`, ours: failed, unit: '' });
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
