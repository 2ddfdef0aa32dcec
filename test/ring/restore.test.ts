/** DHASH RESTORE into members of rings: empty ones take a backup, all others refuse it by name. */
import t, { type Test } from 'tap';
import { localClient } from '../support/local.js';
import { RingScene, type SceneClient, type SceneNode } from '../support/ring-scene.js';

const SEED = Number(process.env['SEED'] ?? 1);
const KEYS = 400;
const SETTLE_MS = 120_000;

/** The chunks of a lone node's backup. */
async function backupOf(): Promise<Buffer[]> {
  const client = await localClient();
  client.world.nowMs -= 24 * 3600 * 1000;
  for (let i = 0; i < KEYS; i += 1) client.send('SET', `k${i}`, `v${i}`);
  client.send('HSET', 'h', 'a', '1', 'b', '2');
  client.post('DHASH', 'BACKUP');
  const chunks: Buffer[] = [];
  for (let turns = 0; turns < 1000; turns += 1) {
    for (const reply of client.received()) chunks.push(Buffer.from(reply as string, 'latin1'));
    if (chunks.at(-1)?.length === 0) return chunks.slice(1, -1);
    client.world.turn();
  }
  throw new Error('the backup has no end');
}

async function restore(client: SceneClient, chunks: readonly Buffer[]): Promise<unknown> {
  const begun = await client.call('DHASH', 'RESTORE', 'BEGIN');
  if (begun !== 'OK') return begun;
  for (const chunk of chunks) await client.call('DHASH', 'RESTORE', 'CHUNK', chunk);
  return client.call('DHASH', 'RESTORE', 'END');
}

function recordsOf({ node }: SceneNode): number {
  return node.store.databases.reduce((sum, { tree }) => sum + tree.allCount, 0);
}

/** Every key is at all of its replicas and nowhere else, and every member answers for all. */
async function checkAll(t: Test, scene: RingScene, nodes: readonly SceneNode[]): Promise<void> {
  const replicas = nodes[0]!.links.view!.replicas;
  const isThere = (): boolean => {
    const records = nodes.reduce((sum, node) => sum + recordsOf(node), 0);
    return records === (KEYS + 3) * replicas;
  };
  t.ok(await scene.sim.runUntil(isThere, SETTLE_MS), 'each entry at its replicas');
  for (const node of nodes) {
    const client = await node.client();
    t.equal(await client.call('DBSIZE'), KEYS + 1);
    t.equal(await client.call('GET', 'k17'), 'v17');
    t.equal(await client.call('HGET', 'h', 'b'), '2');
    client.close();
  }
}

for (const [count, replicas] of [
  [3, 3],
  [5, 2],
] as const) {
  void t.test(`${count} nodes, ${replicas} replicas, SEED=${SEED}`, async (t) => {
    const chunks = await backupOf();
    const scene = new RingScene({ seed: SEED, fills: false });
    const nodes = await scene.form(count, (settings) => {
      settings.replicas = replicas;
    });
    const client = await nodes[1]!.client();
    t.equal(await restore(client, chunks), KEYS + 3);
    await checkAll(t, scene, nodes);
    await scene.sim.runUntil(() => false, SETTLE_MS);
    await checkAll(t, scene, nodes);

    const other = await nodes[2]!.client();
    t.match(
      await restore(other, chunks),
      /^-ERR node-\d+:6379 holds \d+ entries, deleted ones incl/,
    );
    await client.call('FLUSHALL');
    const isEmpty = (): boolean => nodes.every((node) => recordsOf(node) === 0);
    t.ok(await scene.sim.runUntil(isEmpty, SETTLE_MS));
    t.match(
      await restore(client, chunks),
      /^-ERR node-\d+:6379 remembers that entries were removed/,
    );
    t.equal(await client.call('DBSIZE'), 0);
    t.match(await client.call('DHASH', 'RESTORE', 'CHUNK', chunks[0]!), /BEGIN comes first/);
  });
}

void t.test(`a member that does not answer, SEED=${SEED}`, async (t) => {
  const chunks = await backupOf();
  const scene = new RingScene({ seed: SEED, fills: false });
  const nodes = await scene.form(3);
  nodes[2]!.host.crash('process');
  const client = await nodes[0]!.client();
  t.match(await restore(client, chunks), /^-ERR node-2:6379 does not answer: /);
});

void t.test(`a lone node takes it, and those who join it get it, SEED=${SEED}`, async (t) => {
  const chunks = await backupOf();
  const scene = new RingScene({ seed: SEED, fills: false });
  const [first] = await scene.form(1);
  const client = await first!.client();
  await client.call('SET', 'k1', 'old');
  await client.call('FLUSHALL');
  t.equal(await restore(client, chunks), KEYS + 3);
  const nodes = [first!, await scene.join(first!), await scene.join(first!)];
  t.ok(await scene.settled(nodes));
  await checkAll(t, scene, nodes);
});
