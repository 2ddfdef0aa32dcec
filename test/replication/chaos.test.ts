/**
 * Rings of three to five members whose messages are late and lost, which are cut apart, paused and
 * healed, while clients write at all levels. What was acknowledged is then on as many replicas as
 * its level says, or something newer is; once all is quiet and synchronised all replicas of a range
 * are equal.
 */
import t from 'tap';
import type { Plain } from '../support/local.js';
import { seededRandom } from '../support/random.js';
import { RingScene, type SceneClient, type SceneNode } from '../support/ring-scene.js';
import { textOf } from './contents.js';
import { replicasOf, syncAll } from './final-sync.js';

const SEED = Number(process.env['SEED'] ?? 0);
const RUNS = 6;
const STEPS = 150;
const LEVELS = ['one', 'quorum', 'all'] as const;
const NEEDED = { one: 1, quorum: 2, all: 3 } as const;

interface Writer {
  readonly node: SceneNode;
  client: SceneClient;
  /** What was sent and not answered. */
  sent: { readonly key: string; readonly value: number; readonly level: keyof typeof NEEDED }[];
}

/** The number at a key, which grows with each write; 0: none. */
function valueAt(node: SceneNode, key: string): number {
  const { tree } = node.node.store.databases[0]!;
  const bytes = Buffer.from(key);
  const leaf = tree.find(bytes, 0, bytes.length);
  return leaf === 0 ? 0 : Number(tree.value(leaf).toString());
}

async function run(seed: number): Promise<{ acknowledged: number; other: number }> {
  const random = seededRandom(seed);
  const scene = new RingScene({
    seed,
    settings: (settings) => {
      settings.replicas = 3;
      // Who takes the place of a member that was removed would have to be filled.
      settings.evictAfterMs = 3_600_000;
    },
  });
  const nodes = await scene.form(3 + random.below(3));
  const hosts = nodes.map(({ host }) => host);
  const writers: Writer[] = [];
  for (const node of nodes) {
    const from = scene.clientHost();
    writers.push({ node, client: await node.client(from), sent: [] });
  }
  let value = 0;
  const counts = { acknowledged: 0, other: 0 };
  const replicas = (key: string): SceneNode[] => {
    const { current } = nodes[0]!.links.responsibility;
    const bytes = Buffer.from(key);
    const owner = current.ownerOf(bytes, 0, bytes.length);
    return [0, 1, 2].map((n) => {
      const { id } = current.members[current.replicaOf(owner, n)]!;
      return nodes.find((node) => node.id === id)!;
    });
  };
  const take = (writer: Writer): void => {
    for (const reply of writer.client.received()) check(writer.sent.shift()!, reply);
  };
  const check = (sent: Writer['sent'][number], reply: Plain): void => {
    if (reply !== 'OK') {
      counts.other += 1;
      const isKnown = /^-(INDOUBT applied here|NOQUORUM \d of 3|TRYAGAIN .* not executed)/.test(
        textOf(reply),
      );
      t.ok(isKnown, `seed ${seed}: ${textOf(reply)}`);
      return;
    }
    counts.acknowledged += 1;
    if (sent.level === 'one') return;
    const having = replicas(sent.key).filter((node) => valueAt(node, sent.key) >= sent.value);
    const what = `seed ${seed}: ${sent.key} = ${sent.value} at ${sent.level} is on ${having.length}`;
    t.ok(having.length >= NEEDED[sent.level], what);
  };
  for (let step = 0; step < STEPS; step += 1) {
    const key = `${random.below(200).toString(16)}`;
    // The owner writes, so that values grow with stamps.
    const [owner] = replicas(key);
    const writer = writers.find(({ node }) => node === owner)!;
    const level = random.pick(LEVELS);
    value += 1;
    if (!writer.client.isClosed) {
      writer.client.send('AT', level, 'SET', key, value);
      writer.sent.push({ key, value, level });
    }
    disturb(scene, random, nodes, hosts);
    // Now and then for so long that members are found dead.
    await scene.sim.runFor(random.chance(0.04) ? 15_000 : random.below(100));
    for (const one of writers) take(one);
  }
  scene.sim.heal();
  scene.sim.setConditions({ lossChance: 0, delayMaxMs: 1 });
  for (const host of hosts) host.resume();
  await scene.sim.runFor(30_000);
  for (const writer of writers) take(writer);
  syncAll(nodes);
  await scene.sim.runFor(1000);
  for (const { range, replicas: of } of replicasOf(nodes)) {
    const [first, ...others] = of.map(({ node }) =>
      node.store.databases.map(({ tree }) => tree.rangeDigest(range.from, range.to)),
    );
    for (const other of others) t.strictSame(other, first, `seed ${seed}: replicas are equal`);
  }
  return counts;
}

function disturb(
  scene: RingScene,
  random: ReturnType<typeof seededRandom>,
  nodes: readonly SceneNode[],
  hosts: readonly SceneNode['host'][],
): void {
  const dice = random.float();
  if (dice < 0.05) scene.sim.setConditions({ lossChance: random.pick([0, 0.05, 0.2]) });
  else if (dice < 0.1) scene.sim.setConditions({ delayMaxMs: random.pick([1, 10, 100]) });
  else if (dice < 0.13) random.pick(hosts).pause();
  else if (dice < 0.16) for (const host of hosts) host.resume();
  else if (dice < 0.21) {
    const cut = 1 + random.below(nodes.length - 1);
    scene.sim.partition(hosts.slice(0, cut), hosts.slice(cut));
  } else if (dice < 0.24) scene.sim.heal();
}

void t.test('trouble', async (t) => {
  const first = SEED === 0 ? 1 : SEED;
  const count = SEED === 0 ? RUNS : 1;
  let acknowledged = 0;
  let other = 0;
  for (let seed = first; seed < first + count; seed += 1) {
    try {
      const counts = await run(seed);
      acknowledged += counts.acknowledged;
      other += counts.other;
    } catch (error) {
      t.fail(`seed ${seed}: ${(error as Error).stack}`);
    }
  }
  t.comment(`${acknowledged} acknowledged, ${other} not`);
  // Otherwise there was no trouble, or nothing but trouble.
  if (SEED === 0) t.ok(acknowledged > 200 && other > 20);
});
