/**
 * Random programs on a node that keeps its entries. Whenever it ends, without warning, the next one
 * has the same databases, to the digest: values, stamps, expiries, heads, clears.
 */
import t from 'tap';
import { randomProgram } from '../differential/program.js';
import { Kept, stateOf, turning } from '../support/kept-node.js';
import { encode, type LocalClient, type LocalNode } from '../support/local.js';
import { seededRandom } from '../support/random.js';

const SEED = Number(process.env['SEED'] ?? 0);
const PROGRAMS = 25;
const STEPS = 250;
/** What would end the process, or never end. */
const SKIPPED = new Set(['shutdown', 'monitor', 'debug', 'quit', 'client', 'config', 'subscribe']);

async function run(seed: number): Promise<void> {
  const random = seededRandom(seed);
  let kept = new Kept();
  let node = await kept.start((settings) => {
    settings.autoAofRewritePercentage = 0;
  });
  const program = randomProgram(seededRandom(seed), seed, STEPS);
  let clients = [node.client(), node.client()];
  for (const [index, step] of program.steps.entries()) {
    const name = step.args[0]?.toString('latin1').toLowerCase() ?? '';
    if (step.kind !== 'command' || SKIPPED.has(name)) continue;
    const at = step.connection;
    if (clients[at]!.link.closed) clients[at] = node.client();
    clients[at]!.link.send(encode(step.args));
    if (name === 'hset' && random.chance(0.5)) {
      const [, key, field] = step.args;
      const due = Buffer.from(String(random.below(200)));
      const words = [Buffer.from('HPEXPIRE'), key!, due, Buffer.from('FIELDS'), Buffer.from('1')];
      if (field !== undefined) clients[at]!.link.send(encode([...words, field]));
    }
    settle(node, clients);
    if (random.chance(0.02)) node.client().send('BGREWRITEAOF');
    if (random.chance(0.01)) node.client().send('SWAPDB', random.below(4), random.below(4));
    if (random.chance(0.05)) await advance(node, 5);
    if (!random.chance(0.03)) continue;
    // The process ends here.
    settle(node, clients);
    const before = stateOf(node);
    kept.nowMs = node.world.nowMs;
    kept = kept.clone();
    node = await kept.start();
    clients = [node.client(), node.client()];
    t.strictSame(stateOf(node), before, `seed ${seed}, step ${index}`);
  }
}

function settle(node: LocalNode, clients: readonly LocalClient[]): void {
  for (let turns = 0; turns < 5; turns += 1) {
    for (const client of clients) client.received();
    node.world.turn();
  }
}

/** Lets time pass, and what goes on beside the clients. */
async function advance(node: LocalNode, ms: number): Promise<void> {
  node.world.advance(ms);
  await turning(node, new Promise<void>((resolve) => setImmediate(resolve)));
}

void t.test('random programs and crashes', async (t) => {
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
