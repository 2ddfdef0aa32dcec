/** A member that keeps its folder stops: it stays a member, and what was sent to it or through it is answered. */
import t from 'tap';
import type { RingScene, SceneNode } from '../support/ring-scene.js';
import { threeNodes } from './three-nodes.js';

/** Until replicas that do not answer are in doubt, and a little more. */
const DOUBT_MS = 10_000;
const LATENCY_MS = 50;

async function ring(seed: number): Promise<{ scene: RingScene; nodes: SceneNode[] }> {
  const made = await threeNodes(seed, (settings) => {
    settings.writeLevel = 'quorum';
  });
  // All of them are linked, for what clients send.
  for (const node of made.nodes) {
    const client = await node.client();
    for (const key of ['b', 'm', 'w']) await client.call('SET', key, 'old');
    client.close();
  }
  await made.scene.sim.runFor(1000);
  return made;
}

/** As the process of a member that is told to stop; resolves in virtual time. */
function stop({ host, node }: SceneNode): void {
  void node.stop().then(() => host.crash('process'));
}

t.test(
  'what waits for replicas that do not answer is in doubt, and does not wait on',
  async (t) => {
    const { nodes, scene } = await ring(1);
    const [near, middle, owner] = nodes as [SceneNode, SceneNode, SceneNode];
    const client = await near.client();
    scene.sim.partition([near.host], [middle.host, owner.host]);
    client.send('SET', 'a', '1');
    await scene.sim.runFor(100);
    stop(near);
    await scene.sim.runFor(DOUBT_MS);
    t.match(client.received(), [/^-INDOUBT applied here, acknowledged by 1 of 3/]);
    t.ok(client.isClosed);
  },
);

t.test('replies come before the connection is closed', async (t) => {
  const { nodes, scene } = await ring(2);
  const [near] = nodes as [SceneNode];
  scene.sim.setConditions({ delayMinMs: LATENCY_MS, delayMaxMs: LATENCY_MS });
  const clients = await Promise.all([near.client(), near.client(), near.client()]);
  const idle = clients[2]!;
  clients[0]!.send('SET', 'x', '1');
  clients[1]!.send('SET', 'a', '1');
  await scene.sim.runFor(1.5 * LATENCY_MS);
  stop(near);
  await scene.sim.runFor(3 * LATENCY_MS);
  t.ok(idle.isClosed, 'who has asked nothing is closed at once');
  t.notOk(clients[0]!.isClosed);
  await scene.sim.runFor(10 * LATENCY_MS);
  for (const client of clients.slice(0, 2)) {
    t.strictSame(client.received(), ['OK']);
    t.ok(client.isClosed);
  }
});

t.test(
  'what runs there for clients of other members is answered, what comes later not begun',
  async (t) => {
    const { nodes, scene } = await ring(3);
    const [near, , owner] = nodes as [SceneNode, SceneNode, SceneNode];
    scene.sim.setConditions({ delayMinMs: LATENCY_MS, delayMaxMs: LATENCY_MS });
    const clients = await Promise.all([near.client(), near.client()]);
    clients[0]!.send('INCR', 'x');
    await scene.sim.runFor(1.5 * LATENCY_MS);
    clients[1]!.send('INCR', 'y');
    await scene.sim.runFor(LATENCY_MS);
    stop(owner);
    await scene.sim.runFor(60_000);
    for (const client of clients) t.strictSame(client.received(), [1]);
  },
);

/** Three nodes that come back as themselves; the third owns x. */
async function keptRing(seed: number): Promise<{ scene: RingScene; nodes: SceneNode[] }> {
  return threeNodes(seed, (settings) => {
    settings.dir = '/data';
  });
}

async function comeBack(owner: SceneNode): Promise<void> {
  await owner.start((settings) => {
    settings.position = 'z';
  });
}

const waitsAt = (nodes: readonly SceneNode[]) =>
  nodes.map(({ host, node }) => (host.isRunning ? node.server.blocking.size : 0));

t.test('what waits there for a key waits at the next replica until it is back', async (t) => {
  const { nodes, scene } = await keptRing(4);
  const [near, middle, owner] = nodes as [SceneNode, SceneNode, SceneNode];
  const clients = await Promise.all([near.client(), middle.client(), middle.client()]);
  const other = await middle.client();
  await other.call('XADD', 'y', '1-1', 'f', 'old');
  clients[0]!.send('BLPOP', 'x', '0');
  clients[1]!.send('BLMOVE', 'x', 'x:to', 'LEFT', 'LEFT', '0');
  clients[2]!.send('XREAD', 'BLOCK', '0', 'STREAMS', 'y', '$');
  await scene.sim.runFor(1000);
  t.strictSame(waitsAt(nodes), [0, 0, 3]);
  // What is sent anew to one that stops might be on its way when it has.
  scene.sim.setConditions({ delayMinMs: 20, delayMaxMs: 20 });
  stop(owner);
  t.ok(await scene.sim.runUntil(() => !owner.host.isRunning, 1000), 'it does not wait for them');
  await scene.sim.runFor(4000);
  t.strictSame(waitsAt(nodes), [3, 0, 0]);
  t.equal(await other.call('RPUSH', 'x', 'a'), 1);
  await scene.sim.runFor(1000);
  t.equal(clients.flatMap((client) => client.received()).length, 1, 'one of them has it');
  await comeBack(owner);
  await scene.sim.runFor(4000);
  t.strictSame(waitsAt(nodes), [0, 0, 2]);
  await other.call('RPUSH', 'x', 'b');
  await other.call('XADD', 'y', '1-2', 'f', 'new');
  await scene.sim.runFor(1000);
  t.equal(clients.flatMap((client) => client.received()).length, 2);
  t.strictSame(waitsAt(nodes), [0, 0, 0]);
});
