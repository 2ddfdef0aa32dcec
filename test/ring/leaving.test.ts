/** Members of a ring that are told to stop at the same moment: each hands over, one after the other. */
import t, { type Test } from 'tap';
import { entriesIn } from '../../lib/loops/replica.js';
import { seedOfRun } from '../support/random.js';
import { RingScene, type SceneNode } from '../support/ring-scene.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);

const KEYS = 300;
/** What one leave takes, with what lies before it in the queue; far below `leave-timeout-ms`. */
const LEAVE_MAX_MS = 8000;
const MINUTE_MS = 60_000;

async function formWithKeys(scene: RingScene, count: number): Promise<SceneNode[]> {
  const nodes = await scene.form(count);
  const client = await nodes[0]!.client();
  for (let n = 0; n < KEYS; n += 1)
    client.send('SET', `key:${scene.sim.random.below(1e9)}:${n}`, n);
  let answered = 0;
  const isDone = (): boolean => {
    answered += client.received().length;
    return answered === KEYS;
  };
  if (!(await scene.sim.runUntil(isDone, 10_000)))
    throw new Error(`${answered} of ${KEYS} written`);
  return nodes;
}

/** How long each took to stop, ms; Infinity: longer than a minute. */
async function stopAll(scene: RingScene, nodes: readonly SceneNode[]): Promise<number[]> {
  const beganMs = scene.sim.nowMs;
  const tookMs = nodes.map(() => Infinity);
  for (const [at, { host, node }] of nodes.entries()) {
    void node.shutdown().then(() => {
      tookMs[at] = scene.sim.nowMs - beganMs;
      host.crash('process');
    });
  }
  await scene.sim.runUntil(() => tookMs.every((ms) => ms < Infinity), MINUTE_MS);
  return tookMs;
}

function areQuick(t: Test, nodes: readonly SceneNode[], tookMs: readonly number[]): void {
  for (const ms of tookMs) t.ok(ms < LEAVE_MAX_MS * tookMs.length, `stopped after ${ms} ms`);
  for (const { host, warnings } of nodes) {
    t.notMatch(warnings.join(), /without having left/, host.name);
  }
}

for (const [size, leaving] of [
  [5, 2],
  [4, 2],
  [3, 2],
  [5, 4],
] as const) {
  void t.test(`${leaving} of ${size}`, async (t) => {
    const scene = new RingScene({ seed, fills: false });
    const nodes = await formWithKeys(scene, size);
    const going = nodes.slice(1, 1 + leaving);
    const staying = [nodes[0]!, ...nodes.slice(1 + leaving)];
    areQuick(t, going, await stopAll(scene, going));
    t.ok(await scene.settled(staying, MINUTE_MS));
    const all = { from: Buffer.alloc(0), to: Buffer.alloc(0) };
    t.equal(entriesIn(staying[0]!.node.store, all), KEYS, 'nothing is lost');
  });
}

for (const size of [2, 3, 5]) {
  void t.test(`all ${size}`, async (t) => {
    const scene = new RingScene({ seed, fills: false });
    const nodes = await formWithKeys(scene, size);
    areQuick(t, nodes, await stopAll(scene, nodes));
  });
}

void t.test('DHASH LEAVE at both of two', async (t) => {
  const scene = new RingScene({ seed, fills: false });
  const nodes = await formWithKeys(scene, 2);
  const clients = [await nodes[0]!.client(), await nodes[1]!.client()];
  for (const client of clients) client.send('DHASH', 'LEAVE');
  const replies: unknown[] = [];
  const isAnswered = (): boolean => {
    replies.push(...clients.flatMap((client) => client.received()));
    return replies.length === 2;
  };
  t.ok(await scene.sim.runUntil(isAnswered, 2 * LEAVE_MAX_MS));
  t.match(replies.map(String).sort(), [/^-ERR this node is alone/, 'OK']);
  const up = nodes.filter(({ host }) => host.isRunning);
  t.equal(up.length, 1, 'and goes on');
  const all = { from: Buffer.alloc(0), to: Buffer.alloc(0) };
  t.equal(entriesIn(up[0]!.node.store, all), KEYS, 'with everything');
  t.equal(await (await up[0]!.client()).call('PING'), 'PONG');
});

for (const size of [1, 3]) {
  void t.test(`told to stop while the ring of ${size} takes it in`, async (t) => {
    const scene = new RingScene({ seed, fills: false });
    const nodes = await formWithKeys(scene, size);
    const newcomer = await scene.join(nodes[0]!);
    const isBeingTakenIn = (): boolean => {
      const { ring } = newcomer.node.server;
      return ring?.isInView === true && ring.selfIndex < 0;
    };
    t.ok(await scene.sim.runUntil(isBeingTakenIn, MINUTE_MS), 'it is about to be a member');
    areQuick(t, [newcomer], await stopAll(scene, [newcomer]));
    const isWithout = (): boolean =>
      nodes.every(({ node }) => node.server.ring!.allMembers().length === size);
    t.ok(isWithout(), 'nobody had to find it dead');
  });
}
