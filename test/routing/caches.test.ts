/** CLIENT TRACKING through any node: whoever keeps what he has read hears of the next change, whatever happens. */
import t from 'tap';
import type { Settings } from '../../lib/config/settings.js';
import type { RingScene, SceneNode } from '../support/ring-scene.js';
import { threeNodes } from './three-nodes.js';

const MINUTE_MS = 60_000;
/** Time enough for a message that has to be sent anew, ms. */
const SOON_MS = 3000;
const LATENCY_MS = 50;

type Nodes = readonly [near: SceneNode, middle: SceneNode, owner: SceneNode];

async function ring(
  seed: number,
  change?: (settings: Settings) => void,
): Promise<{ scene: RingScene; nodes: Nodes }> {
  const { nodes, scene } = await threeNodes(seed, change);
  return { scene, nodes: nodes as unknown as Nodes };
}

/** A client that keeps what it reads, and the keys that it has been told of; '*' are all. */
async function tracker(node: SceneNode, ...options: string[]) {
  const client = await node.client();
  await client.call('HELLO', '3');
  await client.call('CLIENT', 'TRACKING', 'ON', ...options);
  client.received();
  const keysOf = (push: unknown): string[] => {
    const [, keys] = (push as { items: [string, unknown[] | null] }).items;
    return keys === null ? ['*'] : keys.map(String);
  };
  const isPush = (reply: unknown): boolean =>
    (reply as { items?: unknown } | null)?.items !== undefined;
  const told = (): string[] =>
    [...new Set(client.received().filter(isPush).flatMap(keysOf))].sort();
  return { client, told };
}

t.test('OPTIN', async (t) => {
  const { nodes, scene } = await ring(1);
  const { client, told } = await tracker(nodes[0], 'OPTIN');
  const writer = await nodes[1].client();
  for (const key of ['a', 'k', 'z']) {
    await client.call('CLIENT', 'CACHING', 'YES');
    await client.call('GET', key);
    await client.call('GET', `${key}-not`);
  }
  for (const key of ['a', 'k', 'z']) await writer.call('MSET', key, '1', `${key}-not`, '1');
  await scene.sim.runFor(SOON_MS);
  t.strictSame(told(), ['a', 'k', 'z']);
});

t.test('reads of own keys behind others', async (t) => {
  const { nodes, scene } = await ring(2);
  const { client, told } = await tracker(nodes[0]);
  const writer = await nodes[1].client();
  client.send('GET', 'z');
  client.send('GET', 'a');
  client.send('GET', 'k');
  client.send('HGETALL', 'b');
  await scene.sim.runFor(100);
  client.received();
  for (const key of ['a', 'b', 'k', 'z']) await writer.call('HSET', key, 'f', 'v');
  await scene.sim.runFor(SOON_MS);
  t.strictSame(told(), ['a', 'b', 'k', 'z']);
});

t.test('what changes here while others are still asked', async (t) => {
  const { nodes, scene } = await ring(3);
  const { client, told } = await tracker(nodes[0]);
  const writer = await nodes[0].client();
  await client.call('MGET', 'a', 'z');
  scene.sim.setConditions({ delayMinMs: LATENCY_MS, delayMaxMs: LATENCY_MS });
  client.send('MGET', 'b', 'y');
  client.send('GET', 'c');
  await scene.sim.runFor(LATENCY_MS / 2);
  writer.send('SET', 'b', '1');
  writer.send('SET', 'c', '1');
  await scene.sim.runFor(SOON_MS);
  t.strictSame(told(), ['b', 'c']);
});

t.test('transactions and scripts', async (t) => {
  const { nodes, scene } = await ring(4);
  const { client, told } = await tracker(nodes[0]);
  const writer = await nodes[1].client();
  const keys = ['a', 'k', 'z'];
  for (const key of keys) {
    for (const words of [['MULTI'], ['GET', key], ['EXEC']]) await client.call(...words);
    await client.call('EVAL', "return redis.call('GET', KEYS[1])", '1', `${key}-eval`);
    await client.call('EVAL_RO', "return redis.call('GET', KEYS[1])", '1', `${key}-ro`);
  }
  t.strictSame(told(), []);
  const read = keys.flatMap((key) => [key, `${key}-eval`, `${key}-ro`]);
  for (const key of read) await writer.call('SET', key, '1');
  await scene.sim.runFor(SOON_MS);
  t.strictSame(told(), read);
});

/** Two replicas: the second node holds no copy of z, so that nobody but the owner can tell it. */
function twoReplicas(settings: Settings): void {
  settings.replicas = 2;
}

t.test('the owner is killed and back at once', async (t) => {
  const { nodes, scene } = await ring(5, (settings) => {
    twoReplicas(settings);
    settings.dir = '/data';
  });
  const [other, reader, owner] = nodes;
  const { client, told } = await tracker(reader);
  await client.call('GET', 'z');
  owner.host.crash('process');
  await owner.start((settings) => {
    settings.position = 'z';
  });
  await scene.sim.runFor(SOON_MS);
  const writer = await other.client();
  t.equal(await writer.call('SET', 'z', '1'), 'OK');
  await scene.sim.runFor(SOON_MS);
  t.strictSame(told(), ['z']);
  await client.call('GET', 'z');
  await scene.sim.runFor(MINUTE_MS);
  t.strictSame(told(), [], 'once');
});

t.test('the node of the client stands still and is taken for dead', async (t) => {
  const { nodes, scene } = await ring(6, twoReplicas);
  const [other, reader, owner] = nodes;
  const { client, told } = await tracker(reader);
  await client.call('GET', 'z');
  reader.host.pause();
  const isDead = () => !other.links.isAlive(reader.id) && !owner.links.isAlive(reader.id);
  t.ok(await scene.sim.runUntil(isDead, MINUTE_MS));
  const writer = await other.client();
  t.equal(await writer.call('SET', 'z', '1'), 'OK');
  reader.host.resume();
  await scene.sim.runFor(MINUTE_MS);
  t.strictSame(told(), ['z']);
});

t.test('the message does not arrive', async (t) => {
  const { nodes, scene } = await ring(7, twoReplicas);
  const [, reader, owner] = nodes;
  const { client, told } = await tracker(reader);
  await client.call('GET', 'z');
  const writer = await owner.client();
  scene.sim.partition([reader.host], [owner.host]);
  t.equal(await writer.call('SET', 'z', '1'), 'OK');
  await scene.sim.runFor(9000);
  t.ok(reader.links.isAlive(owner.id) && owner.links.isAlive(reader.id));
  scene.sim.heal();
  await scene.sim.runFor(MINUTE_MS);
  t.strictSame(told(), ['z']);
});

t.test('all went while the node of the client was away', async (t) => {
  const { nodes, scene } = await ring(8);
  const [near, middle, owner] = nodes;
  const { client, told } = await tracker(near);
  const writer = await middle.client();
  await writer.call('SET', 'a', '1');
  await client.call('GET', 'a');
  scene.sim.partition([near.host], [middle.host, owner.host]);
  t.ok(await scene.sim.runUntil(() => !middle.links.isAlive(near.id), MINUTE_MS));
  t.equal(await writer.call('FLUSHALL'), 'OK');
  scene.sim.heal();
  await scene.sim.runFor(MINUTE_MS);
  const keys = told();
  t.ok(keys.includes('*') || keys.includes('a'), `told of ${keys}`);
  t.equal(await client.call('GET', 'a'), null);
});
