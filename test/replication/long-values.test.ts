/** What is too long for a record, or for the turn that has changed it. */
import t from 'tap';
import { RingScene, type SceneNode } from '../support/ring-scene.js';
import { contentsOf, textOf } from './contents.js';

const MIB = 1024 * 1024;

async function formed(seed: number) {
  const scene = new RingScene({
    routes: false,
    seed,
    settings: (settings) => {
      settings.replicas = 3;
    },
  });
  return { scene, nodes: (await scene.form(3)) as [SceneNode, SceneNode, SceneNode] };
}

function areEqual(nodes: readonly SceneNode[]): boolean {
  const all = nodes.map(({ node }) => JSON.stringify(contentsOf(node.store)));
  return all.every((one) => one === all[0]);
}

for (const [name, bytes] of Object.entries({
  'longer than a record': 70_000,
  'several pieces': 700_000,
  'sent in slices': 5 * MIB,
})) {
  void t.test(name, async (t) => {
    const { nodes, scene } = await formed(bytes);
    scene.sim.setConditions({ delayMaxMs: 20, lossChance: 0.05 });
    const client = await nodes[0].client();
    t.equal(await client.call('AT', 'all', 'SET', 'k', 'a'.repeat(bytes)), 'OK');
    t.ok(areEqual(nodes), 'all have it once it is acknowledged at all');
    t.equal(await client.call('AT', 'all', 'APPEND', 'k', 'b'), bytes + 1);
    t.ok(areEqual(nodes));
    t.equal(await client.call('AT', 'all', 'HSET', 'h', 'f', 'c'.repeat(bytes)), 1);
    t.ok(areEqual(nodes), 'an element too');
  });
}

void t.test('a string that changes while it is sent', async (t) => {
  const { nodes, scene } = await formed(2);
  const [writer, other] = [await nodes[0].client(), await nodes[0].client()];
  writer.send('AT', 'all', 'SET', 'k', 'a'.repeat(8 * MIB));
  await scene.sim.runFor(3);
  other.send('AT', 'one', 'SETRANGE', 'k', 5, 'b');
  await scene.sim.runFor(3);
  other.send('AT', 'one', 'SET', 'short', 'c');
  await scene.sim.runFor(5000);
  t.strictSame(writer.received(), ['OK']);
  t.ok(areEqual(nodes));
});

void t.test('a collection that is linked in', async (t) => {
  const { nodes, scene } = await formed(3);
  const client = await nodes[0].client();
  for (let n = 0; n < 50; n += 1) {
    const members = Array.from({ length: 1000 }, (_, m) => `member:${n}:${m}`);
    client.send('AT', 'one', 'SADD', 's', ...members);
  }
  await scene.sim.runFor(1000);
  t.equal(client.received().length, 50);
  t.equal(await client.call('AT', 'all', 'RENAME', 's', 't'), 'OK');
  t.ok(areEqual(nodes), 'all have it once it is acknowledged at all');
  t.equal(await client.call('AT', 'all', 'SINTERSTORE', 'u', 't', 't'), 50_000);
  t.ok(areEqual(nodes));
});

void t.test('a replica that has fallen too far behind', async (t) => {
  const { nodes, scene } = await formed(4);
  const [a, , c] = nodes;
  const client = await a.client();
  c.host.pause();
  const value = 'v'.repeat(50_000);
  for (let n = 0; n < 600; n += 1) {
    t.equal(await client.call('SET', `k${n}`, value), 'OK', 'nobody waits for it');
  }
  const info = textOf(await client.call('INFO', 'replication'));
  t.match(info, new RegExp(`member=${c.id},.*dropped=[1-9]`), 'INFO says so');
  t.ok(a.warnings.includes('a replica has fallen behind: dropped batches'), 'and the log');
  const stream = [...a.node.server.replication!.streams].find(({ memberId }) => memberId === c.id)!;
  t.ok(stream.queuedBytes <= 20 * MIB, 'what waits is bounded');
  c.host.resume();
  await scene.sim.runFor(10_000);
  t.equal(await client.call('AT', 'all', 'SET', 'after', '1'), 'OK', 'it follows again');
});
