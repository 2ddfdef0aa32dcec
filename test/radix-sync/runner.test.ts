/** Sessions over connections: simulated ones in any weather, and a socket. */
import t, { type Test } from 'tap';
import { type RunnerOptions, type SyncEvent, SyncRunner } from '../../radix/sync/runner.js';
import { type InitiateOptions, SyncSession } from '../../radix/sync/session.js';
import { RealWorld } from '../../world/real/real-world.js';
import { type SimHost, SimWorld } from '../../world/sim/sim-world.js';
import type { Link, LinkHandler, World } from '../../world/world.js';
import { KEY_SHAPES } from '../radix/shapes.js';
import { seededRandom, seedOfRun } from '../support/random.js';
import { contentsOf, done, mergeOf, newStore, putKeys, randomPair, type Store } from './stores.js';
import { WHOLE } from './wire.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);
const PORT = 7000;
const CONNECT_MS = 5000;

class Recorder {
  readonly events: SyncEvent[] = [];
  readonly onEvent = (event: SyncEvent): void => {
    this.events.push(event);
  };

  get progressCount(): number {
    return this.events.filter(({ type }) => type === 'progress').length;
  }
}

/** `a` initiates, `b` responds. */
class Scene {
  readonly sim: SimWorld;
  readonly a: SimHost;
  readonly b: SimHost;

  constructor(simSeed: number) {
    this.sim = new SimWorld({ seed: simSeed });
    this.a = this.sim.host('a');
    this.b = this.sim.host('b');
  }

  async listen(accept: (link: Link) => LinkHandler): Promise<void> {
    await this.sim.finish(this.b.network.listen({ host: '0.0.0.0', port: PORT }, accept));
  }

  async connect(handler: (link: Link) => LinkHandler): Promise<Link> {
    const address = { host: 'b', port: PORT };
    return this.sim.finish(this.a.network.connect(address, CONNECT_MS, handler));
  }
}

function initiatorOf(
  world: World,
  store: Store,
  options: RunnerOptions = {},
  what: Partial<InitiateOptions> = {},
): SyncRunner {
  const session = SyncSession.initiate(store, { range: WHOLE, salt: seed | 0, ...what });
  return new SyncRunner({ session, clock: world.clock, timers: world.timers }, options);
}

function responderOf(world: World, store: Store, options: RunnerOptions = {}): SyncRunner {
  const session = SyncSession.respond(store);
  return new SyncRunner({ session, clock: world.clock, timers: world.timers }, options);
}

function someKeys(count: number): Buffer[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => random.bytes(9));
}

void t.test('in any weather both become equal, and say how it went', async (t) => {
  for (let round = 0; round < 8; round++) {
    const random = seededRandom(seed + round);
    const pair = randomPair(random, random.pick(Object.values(KEY_SHAPES)), 300, [60, 60]);
    const merged = mergeOf(pair);
    const scene = new Scene(seed + round);
    scene.sim.setConditions({
      delayMaxMs: 300,
      lossChance: 0.1,
      duplicateChance: 0.1,
      spikeChance: 0.05,
    });
    const told = [new Recorder(), new Recorder()] as const;
    const remote = responderOf(scene.b, pair[1], { onEvent: told[1].onEvent, progressMs: 100 });
    await scene.listen((link) => remote.start(link));
    const local = initiatorOf(scene.a, pair[0], { onEvent: told[0].onEvent, progressMs: 100 });
    await scene.connect((link) => local.start(link));
    const [mine, theirs] = await scene.sim.finish(Promise.all([local.done, remote.done]));
    if (mine.type !== 'ended' || mine.outcome.isEqual !== true) {
      t.fail(`round ${round}: not equal`, { mine });
    }
    t.equal(contentsOf(pair[0]), contentsOf(merged));
    t.equal(contentsOf(pair[1]), contentsOf(merged));
    t.equal(mine.stats.sentBytes, theirs.stats.receivedBytes, 'bytes one way');
    t.equal(mine.stats.receivedBytes, theirs.stats.sentBytes, 'bytes the other way');
    t.equal(mine.stats.sentEntries, theirs.stats.receivedEntries, 'entries one way');
    t.equal(mine.stats.receivedEntries, theirs.stats.sentEntries, 'entries the other way');
    for (const { events, progressCount } of told) {
      t.equal(events.at(-1)?.type, 'ended');
      t.equal(events.length, progressCount + 1, 'one event at the end');
    }
    t.equal(scene.sim.network.openLinkCount, 0, 'the connection is closed');
    done(...pair, merged);
  }
});

void t.test('progress is told while values move', async (t) => {
  const pair = [newStore(0), newStore(1)] as const;
  const value = Buffer.alloc(200_000, 'v');
  for (const key of someKeys(40)) {
    pair[0][0]!.tree.put(key, 0, key.length, 5, 1, 0, 0, value, 0, value.length);
  }
  const scene = new Scene(seed);
  scene.sim.setConditions({ delayMaxMs: 200 });
  const told = new Recorder();
  const remote = responderOf(scene.b, pair[1]);
  await scene.listen((link) => remote.start(link));
  const local = initiatorOf(scene.a, pair[0], { onEvent: told.onEvent, progressMs: 500 });
  await scene.connect((link) => local.start(link));
  await scene.sim.finish(Promise.all([local.done, remote.done]));
  t.equal(contentsOf(pair[0]), contentsOf(pair[1]));
  t.ok(told.progressCount >= 5, `${told.progressCount} progress events`);
  const bytes = told.events.map(({ stats }) => stats.sentBytes + stats.receivedBytes);
  t.strictSame(
    bytes,
    [...bytes].sort((x, y) => x - y),
    'they only grow',
  );
  done(...pair);
});

void t.test('a connection that is cut at any moment: the next session goes on', async (t) => {
  let failed = 0;
  for (let round = 0; round < 25; round++) {
    const random = seededRandom(seed + round);
    const pair = randomPair(random, random.pick(Object.values(KEY_SHAPES)), 200, [90, 90]);
    const expected = mergeOf(pair);
    const scene = new Scene(seed + round);
    scene.sim.setConditions({ delayMaxMs: 20 });
    const remotes: SyncRunner[] = [];
    await scene.listen((link) => {
      const remote = responderOf(scene.b, pair[1]);
      remotes.push(remote);
      return remote.start(link);
    });
    for (let attempt = 0; attempt < 2; attempt++) {
      const local = initiatorOf(scene.a, pair[0], {}, { salt: attempt });
      await scene.connect((link) => local.start(link));
      if (attempt === 0) {
        await scene.sim.runFor(random.below(80));
        scene.sim.cut(scene.a, scene.b);
      }
      const results = [local, ...remotes.slice(-1)].map((runner) => runner.done);
      const [mine, theirs] = await scene.sim.finish(Promise.all(results));
      for (const result of [mine, theirs]) {
        if (result?.type !== 'failed') continue;
        if (attempt > 0) t.fail(`round ${round}: ${result.error.stack}`);
        t.equal(result.error.code, 'SYNC_LINK');
        failed++;
      }
    }
    if (contentsOf(pair[0]) !== contentsOf(expected)) t.fail(`round ${round}: not the merge`);
    if (contentsOf(pair[1]) !== contentsOf(expected)) t.fail(`round ${round}: not the merge there`);
    done(...pair, expected);
  }
  t.ok(failed > 10, `${failed} were cut`);
});

void t.test('whoever hears nothing for too long gives up', async (t) => {
  const pair = [newStore(0), newStore(1)] as const;
  putKeys(pair[0], someKeys(500), 5);
  const scene = new Scene(seed);
  const remote = responderOf(scene.b, pair[1], { idleTimeoutMs: 3000 });
  await scene.listen((link) => remote.start(link));
  const local = initiatorOf(scene.a, pair[0], { idleTimeoutMs: 2000 });
  await scene.connect((link) => {
    scene.sim.partition([scene.a], [scene.b]);
    return local.start(link);
  });
  const before = scene.sim.nowMs;
  await expectFailure(t, scene, local, 'SYNC_TIMEOUT');
  t.ok(scene.sim.nowMs - before <= 2002, `after ${scene.sim.nowMs - before} ms`);
  await expectFailure(t, scene, remote, 'SYNC_TIMEOUT');
  t.ok(scene.sim.nowMs - before <= 3100, `after ${scene.sim.nowMs - before} ms`);
  done(...pair);
});

async function expectFailure(t: Test, scene: Scene, runner: SyncRunner, code: string) {
  const result = await scene.sim.finish(runner.done);
  t.equal(result.type === 'failed' && result.error.code, code);
}

/** Somebody who connects, and does with the connection what he likes. */
class Stranger implements LinkHandler {
  link!: Link;
  isLeft = false;

  with(link: Link): this {
    this.link = link;
    return this;
  }

  say(bytes: Buffer): void {
    this.link.write(bytes, 0, bytes.length);
  }

  data(): void {}
  drained(): void {}
  ended(): void {
    this.isLeft = true;
  }

  closed(): void {
    this.isLeft = true;
  }
}

void t.test('a peer that drips bytes, but says nothing, is given up in time', async (t) => {
  const store = newStore(1);
  const scene = new Scene(seed);
  const remote = responderOf(scene.b, store, { idleTimeoutMs: 5000 });
  await scene.listen((link) => remote.start(link));
  const stranger = new Stranger();
  await scene.connect((link) => stranger.with(link));
  stranger.say(Buffer.of(1, 0x80, 0x80, 3));
  for (let second = 0; second < 12; second++) {
    await scene.sim.runFor(1000);
    stranger.say(Buffer.alloc(1));
  }
  await expectFailure(t, scene, remote, 'SYNC_TIMEOUT');
  t.ok(stranger.isLeft, 'and hears of it');
  done(store);
});

void t.test(
  'a peer that reads nothing is given up in time, and little is kept for it',
  async (t) => {
    const pair = [newStore(0), newStore(1)] as const;
    putKeys(pair[1], someKeys(100_000), 5);
    const scene = new Scene(seed);
    const remote = responderOf(scene.b, pair[1], { idleTimeoutMs: 5000 });
    let served: Link | undefined;
    await scene.listen((link) => {
      served = link;
      return remote.start(link);
    });
    const stranger = new Stranger();
    // An empty initiator is sent everything.
    const session = SyncSession.initiate(pair[0], { range: WHOLE, salt: 1 });
    session.work();
    await scene.connect((link) => stranger.with(link));
    stranger.say(session.take()!);
    stranger.link.pause();
    await scene.sim.runFor(1000);
    t.ok(served!.queuedBytes <= 64 * 1024, `${served!.queuedBytes} bytes are kept`);
    const { stats } = await scene.sim.finish(remote.done);
    t.ok(stats.sentBytes <= 600 * 1024, `${stats.sentBytes} bytes were sent`);
    await expectFailure(t, scene, remote, 'SYNC_TIMEOUT');
    done(...pair);
  },
);

void t.test('a peer that says what is wrong is disconnected at once', async (t) => {
  const store = newStore(1);
  const scene = new Scene(seed);
  const remote = responderOf(scene.b, store);
  await scene.listen((link) => remote.start(link));
  const stranger = new Stranger();
  await scene.connect((link) => stranger.with(link));
  stranger.say(Buffer.from('GET / HTTP/1.1\r\nHost: example.com\r\n'.repeat(5)));
  await scene.sim.runFor(1000);
  await expectFailure(t, scene, remote, 'SYNC_PROTOCOL');
  t.ok(stranger.isLeft);
  done(store);
});

void t.test('an AbortSignal cancels, before the start and at any moment after it', async (t) => {
  for (const afterMs of [-1, 0, 2, 5, 10]) {
    const pair = [newStore(0), newStore(1)] as const;
    putKeys(pair[0], someKeys(20_000), 5);
    const scene = new Scene(seed);
    scene.sim.setConditions({ delayMaxMs: 5 });
    const remote = responderOf(scene.b, pair[1]);
    await scene.listen((link) => remote.start(link));
    const abort = new AbortController();
    const told = new Recorder();
    if (afterMs < 0) abort.abort(new Error('no need'));
    const local = initiatorOf(scene.a, pair[0], { onEvent: told.onEvent, signal: abort.signal });
    await scene.connect((link) => local.start(link));
    if (afterMs >= 0) await scene.sim.runFor(afterMs);
    abort.abort(new Error('no need'));
    const result = await scene.sim.finish(local.done);
    if (result.type !== 'failed') t.fail(`${afterMs}: it had ended`);
    else {
      t.equal(result.error.code, 'SYNC_CANCELLED');
      t.equal((result.error.cause as Error).message, 'no need');
    }
    await expectFailure(t, scene, remote, 'SYNC_LINK');
    t.strictSame(told.events, [result], 'told once');
    done(...pair);
  }
});

void t.test('over a socket', async (t) => {
  const world = new RealWorld();
  const pair = randomPair(seededRandom(seed), KEY_SHAPES['numbers']!, 3000, [500, 500]);
  for (const [side, store] of pair.entries()) putKeys(store, someKeys(20_000 * side), 9_000_000);
  const merged = mergeOf(pair);
  const remote = responderOf(world, pair[1]);
  const listener = await world.network.listen({ host: '127.0.0.1', port: 0 }, (link) => {
    return remote.start(link);
  });
  const local = initiatorOf(world, pair[0]);
  await world.network.connect(listener.address, CONNECT_MS, (link) => local.start(link));
  const results = await Promise.all([local.done, remote.done]);
  for (const result of results) {
    if (result.type === 'failed') t.fail(`${result.error.stack}`);
  }
  t.equal(contentsOf(pair[0]), contentsOf(merged));
  t.equal(contentsOf(pair[1]), contentsOf(merged));
  await listener.close();
  done(...pair, merged);
});
