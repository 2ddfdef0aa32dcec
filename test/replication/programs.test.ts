/**
 * Random programs of all types on one member of a ring. Once all is quiet every replica has the
 * same entries, to the digest: values, stamps, expiries, heads, tombstones, clears.
 */
import t from 'tap';
import { randomProgram } from '../differential/program.js';
import { seededRandom } from '../support/random.js';
import { RingScene } from '../support/ring-scene.js';
import { contentsOf } from './contents.js';

const SEED = Number(process.env['SEED'] ?? 0);
const PROGRAMS = 12;
const STEPS = 250;
/** What would end the process, or never end; SWAPDB renames databases on one member alone. */
const SKIPPED = new Set(
  'shutdown monitor debug quit client config subscribe swapdb wait waitaof'.split(' '),
);

async function run(seed: number): Promise<void> {
  const scene = new RingScene({
    routes: false,
    seed,
    settings: (settings) => {
      settings.replicas = 3;
    },
  });
  const nodes = await scene.form(3);
  const random = seededRandom(seed);
  const program = randomProgram(seededRandom(seed), seed, STEPS);
  const at = nodes[random.below(3)]!;
  const clients = [await at.client(), await at.client()];
  for (const [index, step] of program.steps.entries()) {
    const name = step.args[0]?.toString('latin1').toLowerCase() ?? '';
    if (step.kind !== 'command' || SKIPPED.has(name)) continue;
    if (clients[step.connection]!.isClosed) clients[step.connection] = await at.client();
    clients[step.connection]!.send(...step.args);
    await scene.sim.runFor(random.below(3));
    for (const client of clients) client.received();
    if (!random.chance(0.05)) continue;
    await scene.sim.runFor(200);
    const [one, ...others] = nodes.map((node) => contentsOf(node.node.store));
    for (const other of others) t.strictSame(other, one, `seed ${seed}, step ${index}`);
  }
}

void t.test('random programs', async (t) => {
  const first = SEED === 0 ? 1 : SEED;
  const count = SEED === 0 ? PROGRAMS : 1;
  for (let seed = first; seed < first + count; seed += 1) {
    try {
      await run(seed);
    } catch (error) {
      t.fail(`seed ${seed}: ${(error as Error).stack}`);
    }
  }
});
