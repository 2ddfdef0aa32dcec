/**
 * Random programs on two nodes: one drops what is deleted, as a node that is alone, the other leaves
 * tombstones, as a member of a ring. Users must not see which is which.
 */
import t from 'tap';
import { randomProgram } from '../differential/program.js';
import { encode, LocalNode } from '../support/local.js';
import { seededRandom } from '../support/random.js';

const SEED = Number(process.env['SEED'] ?? 0);
const PROGRAMS = 30;
const STEPS = 200;
/** What would end the process, never end, tell of memory, or reply what only this node knows. */
const SKIPPED = new Set(
  'shutdown monitor debug quit client config subscribe memory info dump scan hscan sscan zscan'.split(
    ' ',
  ),
);

async function run(seed: number): Promise<string | undefined> {
  const program = randomProgram(seededRandom(seed), seed, STEPS);
  const nodes = [await new LocalNode().start(), await new LocalNode().start()] as const;
  nodes[1].node.store.keepsTombstones = true;
  const clients = nodes.map((node) => [node.client(), node.client()]);
  for (const [index, step] of program.steps.entries()) {
    const name = step.args[0]?.toString('latin1').toLowerCase() ?? '';
    if (step.kind !== 'command' || SKIPPED.has(name)) continue;
    const replies = clients.map((pair, at) => {
      const client = pair[step.connection]!;
      client.link.send(encode(step.args));
      for (let turn = 0; turn < 50; turn += 1) nodes[at]!.world.turn();
      return JSON.stringify(client.received(), (_, value: unknown) =>
        typeof value === 'bigint' ? String(value) : value,
      );
    });
    if (replies[0] === replies[1]) continue;
    return `seed ${seed}, step ${index}, ${step.args.map(String).join(' ')}: ${replies.join(' | ')}`;
  }
  for (const { node } of nodes) for (const { tree } of node.store.databases) tree.checkTree();
  return undefined;
}

void t.test('tombstones are not seen', async (t) => {
  const first = SEED === 0 ? 1 : SEED;
  const count = SEED === 0 ? PROGRAMS : 1;
  for (let seed = first; seed < first + count; seed += 1) {
    t.equal(await run(seed), undefined, `seed ${seed}`);
  }
});

/** Deletes, and in the same step writes what was deleted. */
const ONE_STEP: Record<string, readonly (readonly string[])[]> = {
  'a list that turns round': [
    ['RPUSH', 'k', 'a'],
    ['LMOVE', 'k', 'k', 'LEFT', 'RIGHT'],
    ['LRANGE', 'k', '0', '-1'],
  ],
  'a key in a script': [
    ['RPUSH', 'k', 'a'],
    ['EVAL', "redis.call('DEL', KEYS[1]) redis.call('RPUSH', KEYS[1], 'b')", '1', 'k'],
    ['LRANGE', 'k', '0', '-1'],
  ],
  'an element in a script': [
    ['HSET', 'k', 'f', '1', 'g', '1'],
    ['EVAL', "redis.call('HDEL', KEYS[1], 'f') redis.call('HSET', KEYS[1], 'f', 2)", '1', 'k'],
    ['HGETALL', 'k'],
  ],
  'a key in a transaction': [
    ['SADD', 'k', 'a'],
    ['MULTI'],
    ['DEL', 'k'],
    ['HSET', 'k', 'f', 'v'],
    ['EXEC'],
    ['HGETALL', 'k'],
  ],
};

for (const [name, commands] of Object.entries(ONE_STEP)) {
  void t.test(name, async (t) => {
    const nodes = [await new LocalNode().start(), await new LocalNode().start()] as const;
    nodes[1].node.store.keepsTombstones = true;
    const clients = nodes.map((node) => node.client());
    for (const command of commands) {
      const [one, other] = clients.map((client) => client.send(...command));
      t.strictSame(other, one, command.join(' '));
    }
  });
}
