/**
 * What was deleted, and whose tombstones were collected, stays deleted: whoever was away for all that
 * time comes back with the old entries, and hands them over. In rings of whole nodes.
 */
import t, { type Test } from 'tap';
import type { Settings } from '../../lib/config/settings.js';
import type { Plain } from '../support/local.js';
import { seedOfRun } from '../support/random.js';
import { RingScene, type SceneClient, type SceneNode } from '../support/ring-scene.js';

const KEYS = 60;
const KEY_NUMBERS = Array.from({ length: KEYS }, (_, n) => n);
const MINUTE_MS = 60_000;
const EVICT_AFTER_MS = 8000;
/** So that each member owns keys, in the order in which they start. */
const POSITIONS = ['hash:4', 'set:2', 'set:5', 'string:4', 'hash:2', 'string:2'];
const seed = seedOfRun();
t.comment(`SEED=${seed}`);

function setOf(n: number): Buffer {
  return Buffer.from(`set:${n}`);
}

function sceneOf(n: number): RingScene {
  return new RingScene({
    seed: seed + n,
    fills: false,
    settings: (settings) => {
      settings.evictAfterMs = EVICT_AFTER_MS;
      settings.position = POSITIONS[Number(/\d+/.exec(settings.announce)![0])]!;
      settings.dir = '/data';
    },
  });
}

/** Strings, and hashes of which one field is to go and one to stay. */
async function write(t: Test, client: SceneClient): Promise<void> {
  for (let n = 0; n < KEYS; n += 1) {
    t.equal(await client.call('SET', `string:${n}`, n), 'OK');
    t.equal(await client.call('HSET', `hash:${n}`, 'goes', 1, 'stays', 2), 2);
    t.equal(await client.call('SADD', `set:${n}`, 'a', 'b'), 2);
  }
}

/** Every third string, every set, and one field of each hash. */
async function remove(t: Test, client: SceneClient): Promise<void> {
  for (let n = 0; n < KEYS; n += 1) {
    if (n % 3 === 0) t.equal(await client.call('DEL', `string:${n}`), 1);
    t.equal(await client.call('HDEL', `hash:${n}`, 'goes'), 1);
    t.equal(await client.call('DEL', `set:${n}`), 1);
  }
}

async function checkContent(t: Test, client: SceneClient): Promise<void> {
  const wrong: Plain[] = [];
  for (let n = 0; n < KEYS; n += 1) {
    const string = await client.call('GET', `string:${n}`);
    if (string !== (n % 3 === 0 ? null : String(n))) wrong.push([`string:${n}`, string]);
    const hash = await client.call('HGETALL', `hash:${n}`);
    if (JSON.stringify(hash) !== '["stays","2"]') wrong.push([`hash:${n}`, hash]);
    const set = await client.call('EXISTS', `set:${n}`);
    if (set !== 0) wrong.push([`set:${n}`, set]);
  }
  t.strictSame(wrong, [], 'what was deleted is gone, all else is there');
}

/** No node has a tombstone, or a head that nothing is left of. */
function areCollected(nodes: readonly SceneNode[]): boolean {
  return nodes.every(({ node: { store } }) => {
    return store.collectedRanges.highest > 0 && !hasTombstones(store);
  });
}

function hasTombstones(store: SceneNode['node']['store']): boolean {
  return store.databases.some(({ tree }) => {
    const cursor = tree.cursor({ all: true });
    for (let leaf = cursor.next(); leaf !== 0; leaf = cursor.next()) {
      if (!tree.visible(leaf)) return true;
    }
    return false;
  });
}

async function collected(t: Test, scene: RingScene, nodes: readonly SceneNode[]): Promise<void> {
  t.ok(await scene.sim.runUntil(() => areCollected(nodes), 5 * MINUTE_MS), 'all collected');
  // What is in the turn at hand a crash would undo, as a whole.
  await scene.sim.runFor(1000);
}

/** Until the one that was away is in the ring again, as another member. */
async function returns(t: Test, scene: RingScene, nodes: readonly SceneNode[]): Promise<void> {
  t.ok(
    await scene.settled(nodes, 5 * MINUTE_MS),
    'it has handed over what it had, and entered anew',
  );
  // Whatever it has brought would be on all replicas by now.
  await scene.sim.runFor(MINUTE_MS);
}

void t.test('a member that was killed, with its disk', async (t) => {
  const scene = sceneOf(1);
  const nodes = await scene.form(4);
  const client = await nodes[0]!.client();
  await write(t, client);
  const away = nodes[2]!;
  away.host.crash('process');
  const others = nodes.filter((node) => node !== away);
  t.ok(await scene.settled(others, 5 * MINUTE_MS), 'evicted');
  await remove(t, client);
  await collected(t, scene, others);
  await away.start((settings) => {
    settings.join = [nodes[0]!.address];
  });
  t.ok(away.node.store.databases[0]!.size() > 0, 'it has found its entries');
  await returns(t, scene, nodes);
  await checkContent(t, client);
});

void t.test(
  'a member that was killed, and again before it has handed over what it had',
  async (t) => {
    const scene = sceneOf(4);
    const nodes = await scene.form(4);
    const client = await nodes[0]!.client();
    await write(t, client);
    const away = nodes[2]!;
    const idBefore = away.id;
    away.host.crash('process');
    const others = nodes.filter((node) => node !== away);
    t.ok(await scene.settled(others, 5 * MINUTE_MS), 'evicted');
    await remove(t, client);
    const join = (settings: Settings): void => {
      settings.join = [nodes[0]!.address];
    };
    await away.start(join);
    const knows = (): boolean => !away.links.isInView;
    t.ok(await scene.sim.runUntil(knows, MINUTE_MS), 'it knows that it was removed');
    await scene.sim.runFor(100);
    t.ok(away.node.store.databases[0]!.size() > 0, 'and has entries still');
    away.host.crash('process');
    await away.start(join);
    t.equal(away.id, idBefore, 'it goes on where it was');
    t.ok(away.node.store.databases[0]!.size() > 0);
    await returns(t, scene, nodes);
    t.not(away.id, idBefore);
    await checkContent(t, client);
  },
);

void t.test('a member that was cut off, and the others are not who they were', async (t) => {
  const scene = sceneOf(2);
  const nodes = await scene.form(4);
  const [first, second, third, away] = nodes as [SceneNode, SceneNode, SceneNode, SceneNode];
  const client = await first.client();
  await write(t, client);
  scene.sim.partition([away.host], [first.host, second.host, third.host]);
  t.ok(await scene.settled([first, second, third], 5 * MINUTE_MS), 'evicted');
  await remove(t, client);
  await collected(t, scene, [first, second, third]);

  // Each is another process than the one that has collected, or has heard of it as it was filled.
  third.host.crash('process');
  await third.start();
  t.ok(third.node.store.collectedRanges.highest > 0, 'the disk knows');
  t.ok(await scene.settled([first, second, third], 5 * MINUTE_MS));
  const late = [await scene.join(first), await scene.join(first)];
  scene.sim.heal();
  scene.sim.partition(
    [away.host],
    [first, second, third, ...late].map(({ host }) => host),
  );
  t.ok(await scene.settled([first, second, third, ...late], 5 * MINUTE_MS), 'two have joined');
  for (const node of [first, second]) {
    await scene.sim.finish(node.node.leave());
    node.host.crash('process');
  }
  const left = [third, ...late];
  t.ok(await scene.settled(left, 5 * MINUTE_MS), 'two have left');
  for (const { node } of left) {
    const unknown = KEY_NUMBERS.filter((n) => node.store.collectedRanges.at(setOf(n)) === 0);
    t.strictSame(unknown, [], 'each knows what was collected');
  }
  scene.sim.heal();
  await returns(t, scene, [...left, away]);
  await checkContent(t, await late[0]!.client());
});

void t.test('what got a time to live while a member was away, and has expired', async (t) => {
  const scene = sceneOf(5);
  const nodes = await scene.form(4);
  const [first, second, third, away] = nodes as [SceneNode, SceneNode, SceneNode, SceneNode];
  const client = await first.client();
  await write(t, client);
  scene.sim.partition([away.host], [first.host, second.host, third.host]);
  t.ok(await scene.settled([first, second, third], 5 * MINUTE_MS), 'evicted');
  for (const n of KEY_NUMBERS) {
    if (n % 3 === 0) t.equal(await client.call('PEXPIRE', `string:${n}`, 500), 1);
    t.strictSame(await client.call('HPEXPIRE', `hash:${n}`, 500, 'FIELDS', 1, 'goes'), [1]);
    t.equal(await client.call('PEXPIRE', `set:${n}`, 500), 1);
  }
  await scene.sim.runFor(MINUTE_MS);
  scene.sim.heal();
  await returns(t, scene, nodes);
  await checkContent(t, client);
});

void t.test('a replica that loses power, after the others have dropped tombstones', async (t) => {
  const scene = sceneOf(4);
  const nodes = await scene.form(3, (settings) => {
    settings.fsync = 'no';
  });
  const [first, second, third] = nodes as [SceneNode, SceneNode, SceneNode];
  const client = await first.client();
  await write(t, client);
  for (const node of nodes) t.equal(await (await node.client()).call('SAVE'), 'OK');
  await remove(t, client);
  await collected(t, scene, nodes);
  // Each of them is the last one somewhere.
  for (const node of [second, third]) {
    node.powerCut();
    await node.start();
    await scene.sim.runFor(MINUTE_MS);
    await checkContent(t, client);
  }
});

void t.test('a member of a ring that evicts nobody: its tombstones wait', async (t) => {
  const scene = sceneOf(3);
  const nodes = await scene.form(3);
  const [first, second, away] = nodes as [SceneNode, SceneNode, SceneNode];
  const others = [first, second];
  const client = await first.client();
  await write(t, client);
  away.host.crash('process');
  t.ok(await scene.sim.runUntil(() => !first.links.isAlive(away.id), MINUTE_MS), 'it is dead');
  await remove(t, client);
  await scene.sim.runFor(2 * MINUTE_MS);
  t.ok(hasTombstones(first.node.store), 'nothing is collected while it may come back');
  const appliedCount = (): number => {
    return others.reduce((sum, { node }) => sum + node.server.replication!.intake.batches, 0);
  };
  const before = appliedCount();
  await away.start();
  await scene.sim.runFor(5000);
  t.equal(appliedCount(), before, 'what it has loaded it sends to nobody');
  await collected(t, scene, nodes);
  await checkContent(t, client);
});
