/** A partition of three nodes, with changes on both sides, heals: until all replicas are equal. */
import { freePort } from '../../test/support/server-process.js';
import { until } from '../../test/support/until.js';
import { CuttableLink } from '../support/cuttable-link.js';
import type { BenchOptions, Report } from '../support/harness.js';
import { fill, keyName } from '../support/redis-benchmark.js';
import { type BenchRing, withRing } from '../support/ring-processes.js';

const HEALED_MAX_S = 5;
const DETECTED_MAX_MS = 60_000;
const EQUAL_MAX_MS = 120_000;
const POSITIONS = ['h', 'p', 'z'];

export async function heal(report: Report, options: BenchOptions): Promise<void> {
  const count = options.quick === true ? 20_000 : 1_000_000;
  const links: CuttableLink[] = [];
  await withRing(['--write-level', 'one'], async (ring) => {
    for (const position of POSITIONS) {
      const port = await freePort();
      const link = await CuttableLink.open(() => port);
      links.push(link);
      const announce = ['--announce', `127.0.0.1:${link.port}`];
      await ring.start([...announce, '--position', position], { port });
      await until('it is in', async () => (await ring.status()).members.length === links.length);
      await ring.quiet(500);
    }
    await fill(ring.nodes[0]!, count, (n) => ['SET', keyName(n), 'v'.repeat(64)]);
    await ring.quiet(5000);
    await until('equal replicas', () => areEqual(ring), EQUAL_MAX_MS);
    const { members } = await ring.status();
    const idOf = (at: number) =>
      members.find(({ address }) => address.endsWith(`:${links[at]!.port}`))!.id;
    const alone = idOf(2);
    for (const [at, link] of links.entries()) {
      link.cut((from) => at !== 2 && from !== alone);
    }
    await until(
      'both sides see it',
      async () => {
        const [here, there] = [await downCount(ring, 0), await downCount(ring, 2)];
        return here === 1 && there === 2;
      },
      DETECTED_MAX_MS,
    );
    const changed = Math.floor(count / 100);
    for (const [side, offset] of [
      [0, 3],
      [2, 7],
    ] as const) {
      const command = (n: number) => ['SET', keyName((n * 97 + offset) % count), `side ${side}`];
      await fill(ring.nodes[side]!, changed, command);
    }
    for (const link of links) link.cut(() => true);
    const startedMs = performance.now();
    await until('equal replicas', () => areEqual(ring), EQUAL_MAX_MS);
    const tookS = (performance.now() - startedMs) / 1000;
    const title = `heal of ${count.toLocaleString('en-US')} entries, 1 % changed on each side`;
    report.add({
      ...{ name: `${title}: until all are equal`, ours: tookS, unit: 's' },
      ...{ target: HEALED_MAX_S, atMost: true },
    });
  }).finally(() => {
    for (const link of links) link.close();
  });
}

async function downCount(ring: BenchRing, at: number): Promise<number> {
  const { members } = await ring.status(ring.nodes[at]);
  return members.filter(({ status }) => status !== 'up').length;
}

/** DHASH VERIFY compares digests of all ranges and replicas. */
async function areEqual(ring: BenchRing): Promise<boolean> {
  const reply = await (await ring.client()).callPlain('DHASH', 'VERIFY');
  if (!Array.isArray(reply)) return false;
  const text = JSON.stringify(reply);
  return text.endsWith('"problems",[]]') && !text.includes('"equal","no"');
}
