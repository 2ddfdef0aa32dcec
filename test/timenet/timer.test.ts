/** The agreed time, on clocks that drift, jump and lie, over a network that holds answers up. */

import t, { type Test } from 'tap';
import { Latency } from '../../timenet/latency.js';
import { SLEW_MAX, Timer } from '../../timenet/timer.js';
import type { PathConditions } from '../../world/sim/conditions.js';
import { SimMessages, type SimPlace } from '../../world/sim/messages.js';
import { SimRandom } from '../../world/sim/random.js';
import { seedOfRun } from '../support/random.js';

// Chance decides about some of what is asked here, so each run asks it of the same numbers.
const seed = seedOfRun(1);
const MINUTE_MS = 60_000;
const ASK_MS = 1000;

type Message =
  | { readonly kind: 'ask'; readonly sentMs: number }
  | {
      readonly kind: 'tell';
      readonly sentMs: number;
      readonly nowMs: number;
      readonly wallMs: number;
    };

interface Node {
  readonly place: SimPlace<Message>;
  readonly timer: Timer;
}

class Clocks {
  readonly net: SimMessages<Message>;
  readonly nodes: Node[] = [];
  #last: { trueMs: number; nowMs: number }[] = [];

  /** `offsets`: how wrong the wall clock of each is at first, ms. */
  constructor(of: number, offsets: readonly number[], conditions: Partial<PathConditions> = {}) {
    const weather = { delayMinMs: 0.5, delayMaxMs: 3, spikeChance: 0.05, spikeMs: 80 };
    this.net = new SimMessages<Message>({ seed: of, conditions: { ...weather, ...conditions } });
    for (const [at, offsetMs] of offsets.entries()) this.#start(of, `n${at}`, offsetMs);
  }

  /** How far the agreed times of these lie apart. */
  spreadMs(nodes = this.nodes): number {
    const times = nodes.map(({ timer }) => timer.nowMs());
    return Math.max(...times) - Math.min(...times);
  }

  /** Runs, and looks every 50 ms whether time goes on as it should. */
  run(t: Test, ms: number): void {
    for (let left = ms; left > 0; left -= 50) {
      this.net.runFor(50);
      for (const [at, { timer }] of this.nodes.entries()) {
        const nowMs = timer.nowMs();
        const last = this.#last[at];
        this.#last[at] = { trueMs: this.net.nowMs, nowMs };
        if (last === undefined) continue;
        const rate = (nowMs - last.nowMs) / (this.net.nowMs - last.trueMs);
        if (rate < 1 - SLEW_MAX - 0.001 || rate > 1 + SLEW_MAX + 0.001) t.fail(`rate ${rate}`);
      }
    }
  }

  #start(of: number, name: string, offsetMs: number): void {
    const place = this.net.place(name, (from, message) => {
      const nowMs = timer.nowMs();
      const wallMs = place.clock.wallMs();
      if (message.kind === 'ask') {
        place.send(from, { kind: 'tell', sentMs: message.sentMs, nowMs, wallMs });
        return;
      }
      const { sentMs, nowMs: peerNowMs, wallMs: peerWallMs } = message;
      const receivedMs = place.clock.monotonicMs();
      timer.sample(from, { sentMs, receivedMs, peerNowMs, peerWallMs });
    });
    place.clock.jumpWall(offsetMs);
    const random = new SimRandom(of, name);
    const timer = new Timer({ clock: place.clock, random });
    const node = { place, timer };
    this.nodes.push(node);
    const ask = (): void => {
      const others = this.nodes.filter((other) => other !== node).map((other) => other.place.name);
      const peer = timer.pickPeer(others);
      if (peer !== undefined) place.send(peer, { kind: 'ask', sentMs: place.clock.monotonicMs() });
      place.after(ASK_MS * random.between(0.8, 1.2), ask);
    };
    place.after(random.between(0, ASK_MS), ask);
  }
}

t.test('what is usual', (t) => {
  const latency = new Latency();
  for (const ms of [10, 12, 8, 10, 11, 9, 10]) latency.add(ms);
  t.ok(latency.deviationMs > 0.5 && latency.deviationMs < 2);
  t.equal(latency.add(10.2), true);
  t.equal(latency.add(100), false, 'held up');
  t.equal(new Latency().add(100), true, 'the first is all there is');
  const constant = new Latency();
  for (let n = 0; n < 100; n += 1) t.equal(constant.add(1), true);
  t.end();
});

for (const size of [2, 3, 5, 20]) {
  t.test(`${size} clocks that drift agree, SEED=${seed}`, (t) => {
    const offsets = Array.from({ length: size }, (_, at) => ((at * 137) % 400) - 200);
    const clocks = new Clocks(seed, offsets);
    for (const { place } of clocks.nodes) {
      place.clock.setDrift(clocks.net.random.between(-100, 100));
    }
    const initialMs = clocks.spreadMs();
    // Until each has heard the others often enough to know what is usual.
    clocks.run(t, Math.max(2, size) * MINUTE_MS);
    for (let n = 0; n < 10; n += 1) {
      clocks.run(t, 5000);
      t.ok(clocks.spreadMs() < 10, `${clocks.spreadMs().toFixed(2)} of ${initialMs} ms`);
    }
    const status = clocks.nodes[0]!.timer.status();
    t.ok(status.stabilityMs < 10 && status.peers.length === size - 1);
    t.ok(status.peers.every(({ latencyMs }) => latencyMs > 0.5 && latencyMs < 20));
    if (size < 20) t.ok(status.peers.every(({ refusedCount }) => refusedCount > 0));
    t.end();
  });
}

t.test(`a wall clock that jumps moves nothing, and is told of, SEED=${seed}`, (t) => {
  const clocks = new Clocks(seed, [0, 0, 0, 0, 0]);
  clocks.run(t, MINUTE_MS);
  const { place, timer } = clocks.nodes[2]!;
  for (const byMs of [10_000, -20_000]) {
    place.clock.jumpWall(byMs);
    clocks.run(t, MINUTE_MS);
    t.ok(clocks.spreadMs() < 10);
    t.equal(timer.status().isSkewed, true);
    t.ok(clocks.nodes.every((node) => node.timer === timer || !node.timer.status().isSkewed));
  }
  t.ok(Math.abs(timer.status().skewMs + 10_000) < 10);
  t.ok(Math.abs(timer.status().offsetMs - 10_000) < 20);
  place.clock.jumpWall(10_000);
  clocks.run(t, MINUTE_MS);
  t.equal(timer.status().isSkewed, false, 'and is back');
  t.end();
});

t.test(`one that is wrong by a day moves nobody, and comes, SEED=${seed}`, (t) => {
  const clocks = new Clocks(seed, [0, 5, -5, 3, 86_400_000]);
  const good = clocks.nodes.slice(0, 4);
  const bad = clocks.nodes[4]!;
  const startMs = good[0]!.timer.nowMs() - clocks.net.nowMs;
  clocks.run(t, 2 * MINUTE_MS);
  t.ok(clocks.spreadMs(good) < 10);
  t.ok(Math.abs(good[0]!.timer.nowMs() - clocks.net.nowMs - startMs) < 20, 'nobody has moved');
  t.ok(bad.timer.status().isSkewed && bad.timer.status().errorMs < -1000);
  t.end();
});

t.test(`a peer that is forgotten, or silent, counts no more, SEED=${seed}`, (t) => {
  const clocks = new Clocks(seed, [0, 0]);
  const { timer } = clocks.nodes[0]!;
  clocks.nodes[1]!.place.clock.jumpWall(5000);
  clocks.run(t, 10_000);
  t.ok(Math.abs(timer.status().skewMs) > 2000);
  clocks.net.crash('n1');
  clocks.run(t, 2 * MINUTE_MS);
  t.equal(timer.status().skewMs, 0);
  timer.keepPeers([]);
  t.strictSame(timer.status().peers, []);
  t.equal(timer.pickPeer([]), undefined);
  t.end();
});

t.test('samples that make no sense', (t) => {
  const clock = { wallMs: () => 1_000_000, monotonicMs: () => 5000 };
  const timer = new Timer({ clock, random: new SimRandom(1) });
  const good = { sentMs: 4990, receivedMs: 5000, peerNowMs: 1_000_000, peerWallMs: 1_000_000 };
  t.equal(timer.sample('a', { ...good, sentMs: 5001 }), false, 'answered before it was asked');
  t.equal(timer.sample('a', { ...good, sentMs: 0 }), false, 'five seconds');
  t.equal(timer.sample('a', { ...good, peerNowMs: Number.NaN }), false);
  t.equal(timer.sample('a', { ...good, peerWallMs: Infinity }), false);
  t.equal(timer.sample('a', good), true);
  t.match(timer.status().peers, [{ id: 'a', usedCount: 1, refusedCount: 4 }]);
  t.end();
});
