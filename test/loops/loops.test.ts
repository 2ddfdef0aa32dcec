/** The loops one by one, in a ring whose views are made by hand. */
import t, { type Test } from 'tap';
import { PeerError } from '../../discord/peer/peer-error.js';
import type { PeerReply } from '../../discord/peer/pipeline.js';
import type { LoopEvent } from '../../lib/loops/reports.js';
import { TYPE_SET } from '../../lib/types/types.js';
import { seedOfRun } from '../support/random.js';
import { Content, put } from './support/content.js';
import { type FakeNode, FakeRing, replicasFor } from './support/fake-ring.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);

const QUIET_MS = 60_000;
const NOTHING = Buffer.alloc(0);

interface Scene {
  readonly ring: FakeRing;
  readonly nodes: FakeNode[];
  readonly content: Content;
}

function sceneOf(members: number, replicas = 3): Scene {
  const ring = new FakeRing(seed, replicas, { migrates: false });
  const positions = Array.from({ length: members }, (_, n) => Buffer.from(`${n}`));
  return { ring, nodes: ring.begin(positions), content: new Content(ring) };
}

function stop({ ring }: Scene): void {
  for (const node of ring.up) node.loops.stop();
}

function tombstones({ store }: FakeNode): number {
  return store.databases.reduce((sum, { tree }) => sum + tree.allCount - tree.liveCount, 0);
}

t.test('an idle ring of ten says little', async (t) => {
  const scene = sceneOf(10);
  for (let n = 0; n < 500; n += 1) {
    const write = scene.content.write(Buffer.from(`${n % 10}:${n}`));
    for (const { id } of replicasFor(scene.ring.view, write.key)) {
      put(scene.ring.nodes.get(id)!.store, write);
    }
  }
  await scene.ring.sim.runFor(QUIET_MS);
  const before = scene.nodes.map(({ sentBytes }) => sentBytes);
  await scene.ring.sim.runFor(QUIET_MS);
  for (const [at, { sentBytes }] of scene.nodes.entries()) {
    const perSecond = (sentBytes - before[at]!) / (QUIET_MS / 1000);
    t.ok(perSecond < 400, `${Math.round(perSecond)} bytes in a second`);
  }
  stop(scene);
});

t.test('tombstones go once all replicas have them, and nothing comes back', async (t) => {
  const scene = sceneOf(4);
  const { content, nodes, ring } = scene;
  for (let n = 0; n < 200; n += 1) content.writeQuorum(content.write(Buffer.from(`${n % 4}:${n}`)));
  await ring.sim.runFor(1000);
  for (let n = 0; n < 200; n += 2) {
    content.writeQuorum(content.write(Buffer.from(`${n % 4}:${n}`), true));
  }
  t.ok(
    nodes.some((node) => tombstones(node) > 0),
    'there are some',
  );
  const isGone = await ring.sim.runUntil(
    () => nodes.every((node) => tombstones(node) === 0),
    QUIET_MS,
  );
  t.ok(isGone, `gone after ${Math.round(ring.sim.nowMs)} ms`);
  await ring.sim.runFor(QUIET_MS);
  t.same(content.problems(), [], 'what was deleted stays so');
  t.ok(
    nodes.some(({ store }) => store.collectedRanges.highest > 0),
    'and it is known up to when',
  );
  stop(scene);
});

t.test('while a member is dead, or holds what it should not, tombstones stay', async (t) => {
  const scene = sceneOf(5);
  const { content, nodes, ring } = scene;
  for (let n = 0; n < 100; n += 1) {
    content.writeQuorum(content.write(Buffer.from(`${n % 5}:${n}`), true));
  }
  const [away] = nodes as [FakeNode];
  ring.isolate(away);
  await ring.sim.runFor(2 * QUIET_MS);
  t.ok(
    nodes.every((node) => tombstones(node) > 0),
    'all are still there',
  );
  ring.heal();
  const isGone = await ring.sim.runUntil(
    () => nodes.every((node) => tombstones(node) === 0),
    QUIET_MS,
  );
  t.ok(isGone, 'and go when it is back');
  stop(scene);
});

t.test('elements of collections and their tombstones go the same ways', async (t) => {
  const scene = sceneOf(4);
  const { nodes, ring } = scene;
  const [first] = nodes as [FakeNode];
  const key = Buffer.from('a set');
  const set = first.store.databases[2]!.collection();
  first.store.refresh();
  first.store.beginCommand();
  set.openToWrite(key, 0, key.length, TYPE_SET);
  for (let n = 0; n < 300; n += 1) {
    const member = Buffer.from(`member ${n}`);
    set.put(member, 0, member.length, NOTHING, 0, 0);
  }
  const isThere = await ring.sim.runUntil(() => {
    const holders = nodes.filter(({ store }) => store.databases[2]!.tree.allCount === 301);
    const others = nodes.filter(({ store }) => store.databases[2]!.tree.allCount === 0);
    return holders.length === 3 && others.length === 1;
  }, QUIET_MS);
  t.ok(isThere, 'the set is on three of four');
  const [owner] = replicasFor(ring.view, key);
  const { store } = ring.nodes.get(owner!.id)!;
  const { sub } = store.databases[2]!.collection();
  store.refresh();
  for (let n = 0; n < 300; n += 1) {
    const member = Buffer.from(`member ${n}`);
    sub.delete(key, 0, key.length, member, 0, member.length, store.clock.next(), 1, 0);
  }
  const isGone = await ring.sim.runUntil(
    () => nodes.every((node) => node.store.databases[2]!.tree.allCount === 0),
    2 * QUIET_MS,
  );
  t.ok(isGone, 'nothing is left of it, not even its head');
  stop(scene);
});

t.test('VERIFY names what is wrong', async (t) => {
  const scene = sceneOf(4);
  const { content, nodes, ring } = scene;
  for (const node of nodes) node.loops.stop();
  const verify = () => ring.sim.finish(nodes[0]!.loops.verifier.verify());
  t.same((await verify()).problems, [], 'nothing, of an empty ring');
  const write = content.write(Buffer.from('1'));
  const holders = replicasFor(ring.view, write.key).map(({ id }) => ring.nodes.get(id)!);
  for (const { store } of holders.slice(1)) put(store, write);
  const report = await verify();
  t.equal(report.ranges.filter(({ isEqual }) => !isEqual).length, 1);
  t.match(report.problems.join(), /holds something else/);
  put(holders[0]!.store, write);
  const stranger = nodes.find((node) => !holders.includes(node))!;
  put(stranger.store, write);
  const name = `a:1 (${stranger.selfId.slice(0, 12)})`;
  t.same((await verify()).problems, [`${name} holds 1 entries that it should not`]);
  ring.isolate(nodes[2]!);
  t.match((await verify()).problems.join(), /does not answer/);
});

t.test('events and counters tell what was done', async (t) => {
  const scene = sceneOf(4);
  const { content, nodes, ring } = scene;
  const events: LoopEvent[] = [];
  for (const node of nodes) node.loops.reports.listen((event) => events.push(event));
  const write = content.write(Buffer.from('1'));
  const replicas = replicasFor(ring.view, write.key).map(({ id }) => id);
  const stranger = nodes.find(({ selfId }) => !replicas.includes(selfId))!;
  content.writeAt(stranger, write);
  await ring.sim.runFor(QUIET_MS);
  t.same(content.problems(), []);
  const cleaned = events.filter(({ loop, entries }) => loop === 'clean' && entries > 0);
  t.equal(cleaned.length, 1);
  t.equal(cleaned[0]!.from, stranger.selfId);
  t.equal(cleaned[0]!.to, replicas[0]);
  t.equal(stranger.loops.reports.of('clean').entries, 1);
  const synced = events.filter(({ loop, entries }) => loop === 'sync' && entries > 0);
  t.ok(synced.length >= 1, 'the third replica got it from the owner');
  stop(scene);
});

// --- who asks wrongly ----------------------------------------------------------------------------

function ask(scene: Scene, channel: 'bulk' | 'control', words: (string | Buffer)[]) {
  const [from, to] = scene.nodes as [FakeNode, FakeNode];
  const answer = new Promise<PeerReply>((resolve) => {
    const request = from.request(to.selfId, channel, words, 1000, (error, reply) => {
      resolve(error ?? reply);
    });
    if (request instanceof PeerError) resolve(request);
  });
  return scene.ring.sim.finish(answer);
}

async function refuses(t: Test, scene: Scene, words: (string | Buffer)[], what: RegExp) {
  const reply = await ask(scene, 'bulk', words);
  t.ok(reply instanceof Error && what.test(reply.message), `${words[1]}: ${String(reply)}`);
}

t.test('SYNC and COLLECT refuse what makes no sense, and harm nothing', async (t) => {
  const scene = sceneOf(4);
  for (const node of scene.nodes) node.loops.stop();
  const [, to] = scene.nodes as [FakeNode, FakeNode];
  await refuses(t, scene, ['SYNC', 'DANCE', '1'], /^ERR SYNC takes/);
  await refuses(t, scene, ['SYNC', 'OPEN', '1', '99', NOTHING], /^SYNCEPOCH .* epoch 1/);
  await refuses(t, scene, ['SYNC', 'FRAME', '1', NOTHING], /^NOSYNC/);
  await refuses(t, scene, ['SYNC', 'OPEN', '1', '1', Buffer.alloc(9, 0xff)], /^SYNCFAILED/);
  await refuses(t, scene, ['SYNC', 'OPEN', '1', '1', Buffer.alloc(200_000)], /^SYNCLIMIT/);
  t.equal(to.loops.answers.size, 0, 'no session is left');
  for (let n = 0; n < 8; n += 1) {
    t.same(await ask(scene, 'bulk', ['SYNC', 'OPEN', `${n}`, '1', NOTHING]), [0, NOTHING]);
  }
  await refuses(t, scene, ['SYNC', 'OPEN', '8', '1', NOTHING], /^SYNCBUSY/);
  t.same(await ask(scene, 'bulk', ['SYNC', 'CLOSE', '3']), Buffer.from('OK'));
  t.equal(to.loops.answers.size, 7);
  await scene.ring.sim.runFor(5000);
  to.loops.answers.tick();
  t.equal(to.loops.answers.size, 0, 'whoever says nothing is forgotten');
  await refuses(t, scene, ['COLLECT', '1', NOTHING, NOTHING, '9007199254740991'], /^ERR no stamp/);
  await refuses(t, scene, ['COLLECT', '7', NOTHING, NOTHING, '1'], /^COLLECTEPOCH/);
  await refuses(t, scene, ['COLLECT'], /^ERR COLLECT takes/);
});
