/** Keys that get another owner while many clients write them: the new one waits for the one before. */
import t, { type Test } from 'tap';
import { HANDOVER_MAX_MS } from '../../lib/routing/handover.js';
import { seedOfRun } from '../support/random.js';
import { RingScene, type SceneClient, type SceneNode } from '../support/ring-scene.js';

const KEYS = 100;
/** Commands that each client has under way. */
const PIPELINE = 16;
const MINUTE_MS = 60_000;

/** Counters and strings, incremented and set at random, by clients of all nodes. */
class Load {
  readonly errors: string[] = [];
  readonly #scene: RingScene;
  readonly #clients: { readonly client: SceneClient; readonly pending: string[] }[] = [];
  /** Increments that were acknowledged, by key. */
  readonly #acknowledged = new Map<string, number>();
  #count = 0;

  constructor(scene: RingScene) {
    this.#scene = scene;
  }

  async add(node: SceneNode): Promise<void> {
    this.#clients.push({ client: await node.client(), pending: [] });
  }

  async run(ms: number): Promise<void> {
    for (let at = 0; at < ms; at += 1) {
      this.#take();
      for (const one of this.#clients) while (one.pending.length < PIPELINE) this.#send(one);
      await this.#scene.sim.runFor(1);
    }
  }

  /** Lets what is under way end. */
  async end(): Promise<void> {
    const isOver = (): boolean => {
      this.#take();
      return this.#clients.every(({ pending }) => pending.length === 0);
    };
    if (!(await this.#scene.sim.runUntil(isOver, MINUTE_MS))) throw new Error('no reply');
  }

  /** Each increment that was acknowledged is there, once. */
  async check(t: Test, node: SceneNode): Promise<void> {
    const client = await node.client();
    for (const [key, count] of this.#acknowledged) {
      t.equal(Number(await client.call('GET', key)), count, key);
    }
    t.ok(this.#acknowledged.size > KEYS / 2);
  }

  #send({ client, pending }: { client: SceneClient; pending: string[] }): void {
    const { random } = this.#scene.sim;
    const number = String(random.below(KEYS)).padStart(2, '0');
    this.#count += 1;
    const isSet = random.below(2) === 0;
    const key = isSet ? `k${number}s` : `k${number}i`;
    if (isSet) client.send('SET', key, this.#count);
    else client.send('INCR', key);
    pending.push(key);
  }

  #take(): void {
    for (const { client, pending } of this.#clients) {
      for (const reply of client.received()) {
        const key = pending.shift()!;
        if (typeof reply === 'number') {
          this.#acknowledged.set(key, (this.#acknowledged.get(key) ?? 0) + 1);
        } else if (reply !== 'OK') this.errors.push(`${key}: ${JSON.stringify(reply)}`);
      }
    }
  }
}

async function formed(
  seed: number,
  count: number,
): Promise<{ scene: RingScene; nodes: SceneNode[] }> {
  const scene = new RingScene({ seed, fills: false });
  const positions = ['k25', 'k50', 'k75', 'k90'];
  const nodes = await scene.form(count, (settings) => {
    settings.position = positions.shift()!;
  });
  scene.sim.setConditions({ delayMaxMs: 2 });
  return { scene, nodes };
}

function moveTo(node: SceneNode, number: number): void {
  node.links.move(Buffer.from(`k${String(number).padStart(2, '0')}`));
}

const seed = seedOfRun();

// The first lost increments before owners handed over.
for (const seedOfMoves of [2, seed]) {
  void t.test(`positions move: seed ${seedOfMoves}`, async (t) => {
    const { nodes, scene } = await formed(seedOfMoves, 3);
    const load = new Load(scene);
    for (const node of nodes) for (let n = 0; n < 2; n += 1) await load.add(node);
    const before = nodes[0]!.links.view!.epoch;
    for (let moves = 0; moves < 6; moves += 1) {
      const which = scene.sim.random.below(3);
      moveTo(nodes[which]!, 5 + which * 30 + scene.sim.random.below(25));
      await load.run(200);
    }
    await load.end();
    t.ok(nodes[0]!.links.view!.epoch > before + 6, 'they moved');
    t.strictSame(load.errors, []);
    await load.check(t, nodes[0]!);
    for (const { warnings } of nodes) t.strictSame(warnings, []);
  });
}

void t.test(`one leaves, one joins: seed ${seed}`, async (t) => {
  const { nodes, scene } = await formed(seed, 4);
  const load = new Load(scene);
  const staying = nodes.slice(0, 3);
  for (const node of staying) await load.add(node);
  const going = nodes[3]!;
  void going.node.shutdown().then(() => going.host.crash('process'));
  await load.run(800);
  const joined = await scene.join(nodes[0]!, (settings) => {
    settings.position = 'k60';
  });
  await load.run(800);
  await load.end();
  t.ok(await scene.settled([...staying, joined]));
  t.strictSame(load.errors, []);
  await load.check(t, joined);
});

/** Three nodes, the first about to get k30 of the second, which the others do not hear any more. */
async function silenced(seed: number): Promise<{ scene: RingScene; nodes: SceneNode[] }> {
  const { nodes, scene } = await formed(seed, 3);
  const [first, second, third] = nodes as [SceneNode, SceneNode, SceneNode];
  const client = await first.client();
  await client.call('SET', 'k30', 'before');
  moveTo(first, 40);
  const isAgreed = (): boolean => second.links.view!.next !== undefined;
  if (!(await scene.sim.runUntil(isAgreed, MINUTE_MS))) throw new Error('it does not move');
  scene.sim.partition([first.host, third.host], [second.host]);
  return { nodes, scene };
}

void t.test('an owner that says nothing is not waited for long', async (t) => {
  const { nodes, scene } = await silenced(3);
  const [first] = nodes as [SceneNode, SceneNode, SceneNode];
  const client = await first.client();
  const hasMoved = (): boolean => first.links.view!.next === undefined;
  t.ok(await scene.sim.runUntil(hasMoved, MINUTE_MS), 'a majority decides it');
  const beganMs = scene.sim.nowMs;
  t.equal(await client.call('PING'), 'PONG', 'what has no keys does not wait');
  t.equal(await client.call('SET', 'k01', 'v'), 'OK', 'nor what is about other keys');
  t.ok(scene.sim.nowMs - beganMs < HANDOVER_MAX_MS / 2);
  t.match(await client.call('INFO', 'ring'), /ring_handovers_awaited:1\r\nring_handovers_missed:0/);
  t.equal(await client.call('SET', 'k30', 'after'), 'OK');
  const tookMs = scene.sim.nowMs - beganMs;
  t.ok(tookMs >= HANDOVER_MAX_MS - 20 && tookMs < HANDOVER_MAX_MS + 100, `${tookMs} ms`);
  t.match(await client.call('INFO', 'ring'), /ring_handovers_awaited:0\r\nring_handovers_missed:1/);
});

void t.test('what waits goes on when the owner before has handed over', async (t) => {
  const { nodes, scene } = await silenced(4);
  const [first, , third] = nodes as [SceneNode, SceneNode, SceneNode];
  const client = await first.client();
  const others = await third.client();
  const hasMoved = (): boolean => first.links.view!.next === undefined;
  t.ok(await scene.sim.runUntil(hasMoved, MINUTE_MS));
  const beganMs = scene.sim.nowMs;
  client.send('SET', 'k30', '1');
  client.send('MULTI');
  client.send('INCR', 'k30');
  client.send('EXEC');
  others.send('GET', 'k30');
  await scene.sim.runFor(50);
  t.strictSame([client.received(), others.received()], [[], []], 'all of it waits');
  scene.sim.heal();
  const replies: unknown[] = [];
  const isOver = (): boolean => {
    replies.push(...client.received());
    return replies.length === 4;
  };
  t.ok(await scene.sim.runUntil(isOver, HANDOVER_MAX_MS));
  t.strictSame(replies, ['OK', 'OK', 'QUEUED', [2]]);
  t.ok(scene.sim.nowMs - beganMs < HANDOVER_MAX_MS, 'it need not give up');
});
