/** Simulated hosts: clocks, crashes, pauses, and the same run from the same seed. */

import t from 'tap';

import { SimWorld } from '../../world/sim/sim-world.js';
import type { Link, World } from '../../world/world.js';
import { Recorder } from './conformance.js';

void t.test('clocks drift and jump; the monotonic one does not jump', async (t) => {
  const sim = new SimWorld({ seed: 1, wallMs: 1_700_000_000_000 });
  const [a, b] = [sim.host('a'), sim.host('b')];
  t.equal(a.clock.wallMs(), 1_700_000_000_000);
  t.not(a.clock.monotonicMs(), b.clock.monotonicMs());
  a.clockControl.setDrift(1000);
  const monotonicMs = a.clock.monotonicMs();
  await sim.runFor(10_000);
  t.equal(a.clock.wallMs() - b.clock.wallMs(), 10);
  t.ok(Math.abs(a.clock.monotonicMs() - monotonicMs - 10_010) < 0.001);
  a.clockControl.jumpWall(-60_000);
  t.equal(a.clock.wallMs() - b.clock.wallMs(), -59_990);
  t.ok(a.clock.monotonicMs() - monotonicMs > 10_009);
});

void t.test('timers go by the drifting clock', async (t) => {
  const sim = new SimWorld({ seed: 1 });
  const a = sim.host('a');
  a.clockControl.setDrift(-100_000);
  const seen: number[] = [];
  a.timers.after(900, () => seen.push(sim.nowMs));
  await sim.runFor(2000);
  t.ok(seen[0]! >= 1000 && seen[0]! < 1001, `${seen[0]}`);
  a.timers.after(1000, () => seen.push(sim.nowMs));
  a.clockControl.setDrift(0);
  a.clockControl.setDrift(-500_000);
  const setMs = a.clock.monotonicMs();
  await sim.runUntil(() => seen.length === 2, 10_000);
  t.ok(a.clock.monotonicMs() - setMs >= 1000, 'not early, though the clock became slower');
});

void t.test('a crash takes timers and calls with it; restart starts anew', async (t) => {
  const sim = new SimWorld({ seed: 1 });
  const a = sim.host('a');
  let count = 0;
  let isWritten = false;
  a.timers.every(10, () => {
    count += 1;
  });
  await sim.runFor(105);
  t.ok(count >= 9 && count <= 10);
  const before = count;
  void a.disk.makeFolder('/x').then(() => {
    isWritten = true;
  });
  a.crash('process');
  await sim.runFor(1000);
  t.equal(count, before);
  t.equal(isWritten, false, 'a dead process hears of nothing');
  t.equal(a.isRunning, false);
  const world: World = a.restart();
  let isNew = false;
  world.timers.after(1, () => {
    isNew = true;
  });
  await sim.runFor(10);
  t.equal(isNew, true);
  t.equal(count, before);
});

void t.test('a paused process does late what was due; cancelling still works', async (t) => {
  const sim = new SimWorld({ seed: 1 });
  const a = sim.host('a');
  const done: string[] = [];
  const doomed = a.timers.after(20, () => done.push('doomed'));
  a.timers.after(10, () => {
    done.push('first');
    doomed.cancel();
  });
  a.pause();
  await sim.runFor(1000);
  t.same(done, []);
  const monotonicMs = a.clock.monotonicMs();
  a.resume();
  await sim.runFor(1);
  t.same(done, ['first']);
  t.ok(a.clock.monotonicMs() > monotonicMs);
});

void t.test('a suspended machine does not notice the time by its monotonic clock', async (t) => {
  const sim = new SimWorld({ seed: 1 });
  const a = sim.host('a');
  let isFired = false;
  a.timers.after(100, () => {
    isFired = true;
  });
  const [wallMs, monotonicMs] = [a.clock.wallMs(), a.clock.monotonicMs()];
  a.suspend();
  await sim.runFor(5000);
  t.equal(a.clock.monotonicMs(), monotonicMs);
  t.equal(a.clock.wallMs(), wallMs + 5000);
  a.resume();
  await sim.runFor(50);
  t.equal(isFired, false);
  await sim.runFor(60);
  t.equal(isFired, true);
});

void t.test('promise chains run out before time goes on', async (t) => {
  const sim = new SimWorld({ seed: 1 });
  const a = sim.host('a');
  const times: number[] = [];
  a.timers.after(5, () => {
    void (async () => {
      for (let i = 0; i < 50; i++) await Promise.resolve();
      times.push(sim.nowMs);
    })();
  });
  a.timers.after(6, () => times.push(sim.nowMs));
  await sim.runFor(10);
  t.equal(times.length, 2);
  t.ok(times[0]! < 6);
});

void t.test('finish says so if nothing comes of it', async (t) => {
  const sim = new SimWorld({ seed: 42 });
  await t.rejects(sim.finish(new Promise(() => undefined), 100), /seed 42/);
  await t.rejects(sim.finish(Promise.reject(new Error('as is'))), /as is/);
});

/** Three hosts that chat, in bad weather, with a crash: enough to use every source of chance. */
async function storm(seed: number): Promise<string> {
  const sim = new SimWorld({ seed });
  const hosts = ['a', 'b', 'c'].map((name) => sim.host(name));
  sim.setConditions({ lossChance: 0.1, duplicateChance: 0.1, delayMaxMs: 30 });
  const start = async (world: World, index: number): Promise<void> => {
    await world.disk.makeFolder('/data');
    await world.network.listen({ host: '0.0.0.0', port: 1 }, (link) => new Echo().with(link));
    const file = await world.disk.open('/data/log', 'create');
    const bytes = Buffer.alloc(600);
    world.timers.every(40, () => {
      const to = hosts[(index + 1) % hosts.length]!.name;
      const say = (link: Link): Recorder => {
        world.random.bytes(bytes);
        link.write(bytes, 0, bytes.length);
        return new Recorder().with(link);
      };
      world.network.connect({ host: to, port: 1 }, 500, say).then(
        () => file.write(bytes, world.random.below(10_000)),
        () => undefined,
      );
    });
  };
  for (const [index, host] of hosts.entries()) void start(host, index);
  await sim.runFor(500);
  hosts[1]!.crash(sim.random.chance(0.5) ? 'power' : 'process');
  await sim.runFor(300);
  void start(hosts[1]!.restart(), 1);
  sim.block(hosts[0]!, hosts[2]!);
  await sim.runFor(500);
  return sim.traceHash();
}

class Echo extends Recorder {
  override data(buf: Buffer, bytes: number): void {
    super.data(buf, bytes);
    const copy = Buffer.from(buf.subarray(0, bytes));
    this.link.write(copy, 0, bytes);
  }
}

void t.test('one seed, one run; another seed, another', async (t) => {
  const hash = await storm(7);
  t.match(hash, /^[0-9a-f]{16}$/);
  t.equal(await storm(7), hash);
  t.not(await storm(8), hash);
});
