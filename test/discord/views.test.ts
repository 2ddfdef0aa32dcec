/** Changes of the ring, as scenarios: what is done, what is seen. */

import t from 'tap';
import { firstView } from '../../discord/ring/view.js';
import { ViewMachine } from '../../discord/views/view-machine.js';
import { SimRandom } from '../../world/sim/random.js';
import { seedOfRun } from '../support/random.js';
import { EVICT_AFTER_MS, RingSim } from './support/ring-sim.js';

const seed = seedOfRun();
const MINUTE_MS = 60_000;

/** A settled ring of so many. */
function ringOf(count: number, of = seed): RingSim {
  const sim = new RingSim(of);
  const first = sim.addFirst();
  for (let n = 1; n < count; n += 1) {
    sim.addJoining([first]);
    if (!sim.runUntil(() => sim.isSettled(), MINUTE_MS)) throw new Error(`seed ${of}: no ring`);
  }
  return sim;
}

t.test(`ten nodes at once, all told to join the first, SEED=${seed}`, (t) => {
  for (let line = 0; line < 10; line += 1) {
    const sim = new RingSim(seed + line);
    const first = sim.add();
    for (let n = 1; n < 10; n += 1) sim.addJoining([first]);
    sim.net.after(sim.net.random.between(0, 3000), () => sim.begin(first));
    t.ok(
      sim.runUntil(() => sim.isSettled(), 2 * MINUTE_MS),
      `seed ${seed + line}`,
    );
    t.strictSame(sim.problems, []);
    t.equal(sim.newest?.epoch, 19, 'two decrees for each, none in vain');
    const origins = sim.newest!.members.map(({ origin }) => origin).sort((a, b) => a - b);
    t.strictSame(origins, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  }
  t.end();
});

t.test(`one joins, moves, leaves, SEED=${seed}`, (t) => {
  const sim = ringOf(3);
  const node = sim.addJoining(sim.living().slice(0, 1), { position: Buffer.from('told') });
  t.ok(sim.runUntil(() => sim.isSettled(), MINUTE_MS));
  const at = (): string | undefined =>
    sim.newest?.members.find(({ id }) => id === node.id)?.position.toString();
  t.equal(at(), 'told');
  node.do((nowMs) => node.machine.move(nowMs, Buffer.from('elsewhere')));
  t.ok(sim.runUntil(() => at() === 'elsewhere' && sim.isSettled(), MINUTE_MS));
  sim.leave(node);
  t.ok(sim.runUntil(() => node.isRetired && sim.isSettled(), MINUTE_MS));
  t.strictSame(sim.problems, []);
  t.end();
});

t.test(`the subject dies midway: rolled back, SEED=${seed}`, (t) => {
  for (const size of [1, 2, 3, 4]) {
    const sim = ringOf(size);
    const before = sim.newest!;
    sim.isFillHeld = true;
    const node = sim.addJoining(sim.living().slice(0, 1));
    t.ok(sim.runUntil(() => sim.newest?.next !== undefined, MINUTE_MS));
    sim.kill(node);
    t.ok(
      sim.runUntil(() => sim.isSettled(), MINUTE_MS),
      `a newcomer to ${size}`,
    );
    t.strictSame(sim.newest!.members, before.members);
    t.equal(sim.newest!.originNext, before.originNext + 1, 'its origin is not given again');
    t.strictSame(sim.problems, []);
  }
  for (const kind of ['leave', 'move'] as const) {
    const sim = ringOf(4);
    const before = sim.newest!;
    sim.isFillHeld = true;
    const node = sim.living()[2]!;
    if (kind === 'leave') sim.leave(node);
    else node.do((nowMs) => node.machine.move(nowMs, Buffer.from('elsewhere')));
    t.ok(sim.runUntil(() => sim.newest?.next !== undefined, MINUTE_MS));
    node.crash();
    t.ok(
      sim.runUntil(() => sim.newest?.epoch === before.epoch + 2, MINUTE_MS),
      kind,
    );
    t.strictSame(sim.newest!.members, before.members);
    t.equal(sim.newest!.next, undefined);
    t.strictSame(sim.problems, []);
  }
  t.end();
});

t.test('a ring of one whose newcomer is dead and asks again takes its time', (t) => {
  const id = '1'.repeat(40);
  const newcomer = { id: '2'.repeat(40), address: 'newcomer' };
  const random = new SimRandom(seed, 'machine');
  const machine = new ViewMachine({ self: { id, address: 'self' }, random });
  const member = { id, address: 'self', position: Buffer.from('m') };
  machine.begin(0, firstView({ clusterId: '3'.repeat(32), replicas: 3, member }));
  let nowMs = 0;
  /** Whatever it says to itself it hears at once: no time passes. */
  const settle = (): void => {
    for (let steps = 0; ; steps += 1) {
      const out = machine.takeOutput();
      if (out === null) return;
      if (steps > 100) throw new Error(`no end, in epoch ${machine.view!.epoch}`);
      for (const { to, message } of out.messages) {
        if (to.address === 'self') machine.receive(nowMs, { id, address: 'self' }, message);
      }
    }
  };
  settle();
  for (let round = 0; round < 5; round += 1) {
    machine.receive(nowMs, newcomer, { kind: 'join', request: newcomer });
    settle();
    t.equal(machine.view!.next?.change.kind, 'join', `it is taken in, ${round}`);
    machine.setDead(nowMs, newcomer.id, true);
    settle();
    t.equal(machine.view!.next, undefined, 'rolled back');
    machine.setDead(nowMs, newcomer.id, true);
    machine.receive(nowMs, newcomer, { kind: 'join', request: newcomer });
    settle();
    t.equal(machine.view!.next, undefined, 'and not at once again');
    nowMs += 1000;
    machine.tick(nowMs);
    settle();
    t.equal(machine.view!.next?.change.kind, 'join', 'what was known of it is forgotten');
    machine.setDead(nowMs, newcomer.id, true);
    settle();
    nowMs += 1000;
  }
  t.ok(machine.view!.epoch < 25, `epoch ${machine.view!.epoch}`);
  t.end();
});

t.test(`the dead are evicted, but not from a ring of three, SEED=${seed}`, (t) => {
  const sim = ringOf(4);
  const [first, second, third] = sim.living();
  const diedMs = sim.net.nowMs;
  sim.kill(second!);
  sim.runFor(EVICT_AFTER_MS - 1000);
  t.equal(sim.newest!.members.length, 4, 'not at once');
  t.ok(sim.runUntil(() => sim.isSettled(), MINUTE_MS));
  t.ok(sim.net.nowMs - diedMs >= EVICT_AFTER_MS);
  sim.kill(third!);
  sim.runFor(5 * MINUTE_MS);
  t.equal(sim.newest!.members.length, 3, 'a newcomer is needed first');
  sim.addJoining([first!]);
  t.ok(
    sim.runUntil(() => sim.isSettled(), MINUTE_MS),
    'then the dead one goes',
  );
  t.equal(sim.newest!.members.length, 3);
  t.strictSame(sim.problems, []);
  t.end();
});

t.test(`who is evicted and comes back is told, and joins anew, SEED=${seed}`, (t) => {
  const sim = ringOf(5);
  const [first, sleeper] = sim.living();
  let evicted = 0;
  sim.onEvicted = () => {
    evicted += 1;
    sim.addJoining([first!]);
  };
  sim.pause(sleeper!);
  t.ok(sim.runUntil(() => sim.newest!.members.length === 4, MINUTE_MS));
  sim.resume(sleeper!);
  t.ok(sim.runUntil(() => evicted === 1 && sim.isSettled(), MINUTE_MS));
  t.equal(sim.newest!.members.length, 5);
  t.strictSame(sim.problems, []);
  t.end();
});

t.test(`an evicted member that is back in time stays, SEED=${seed}`, (t) => {
  const sim = ringOf(5);
  const sleeper = sim.living()[1]!;
  const { members } = sim.newest!;
  sim.isFillHeld = true;
  sim.pause(sleeper);
  t.ok(sim.runUntil(() => sim.newest?.next?.change.kind === 'evict', MINUTE_MS));
  sim.resume(sleeper);
  t.ok(sim.runUntil(() => sim.isSettled(), MINUTE_MS));
  t.strictSame(sim.newest!.members, members);
  t.end();
});

t.test(`half of a ring changes nothing, SEED=${seed}`, (t) => {
  const sim = ringOf(6);
  const nodes = sim.living();
  const { epoch } = sim.newest!;
  for (const one of nodes.slice(0, 3)) {
    for (const other of nodes.slice(3)) {
      sim.cut(one, other);
      sim.cut(other, one);
    }
  }
  const joiners = [sim.addJoining([nodes[0]!]), sim.addJoining([nodes[5]!])];
  sim.runFor(2 * MINUTE_MS);
  t.equal(sim.newest!.epoch, epoch);
  sim.heal();
  t.ok(sim.runUntil(() => sim.isSettled(), MINUTE_MS));
  t.ok(
    joiners.every(({ machine }) => machine.isMember),
    'their wishes were kept',
  );
  t.strictSame(sim.problems, []);
  t.end();
});

t.test(`what a newcomer is refused, SEED=${seed}`, (t) => {
  const sim = ringOf(2);
  const [first] = sim.living();
  const { position } = sim.newest!.members[0]!;
  const rows = [
    [{ replicas: 5 }, 'the ring keeps 3 replicas, not 5'],
    [{ settings: [['lease-ms', '1']] as const }, 'lease-ms is not set in the ring, not 1'],
    [{ position }, 'another member has this position'],
  ] as const;
  for (const [wanted, text] of rows) {
    const node = sim.addJoining([first!], wanted);
    sim.runFor(5000);
    t.equal(node.refusals[0], text);
    sim.kill(node);
  }
  t.ok(sim.isSettled());
  const alone = ringOf(1).living()[0]!;
  alone.do((nowMs) => alone.machine.leave(nowMs));
  t.match(alone.refusals, ['the last member of a ring does not leave it']);
  t.end();
});

t.test(`a forced view, SEED=${seed}`, (t) => {
  const sim = ringOf(5);
  const [a, b, c, d, e] = sim.living();
  const { clusterId, epoch } = sim.newest!;
  for (const dead of [c!, d!, e!]) dead.crash();
  sim.runFor(2 * MINUTE_MS);
  t.equal(a!.machine.view!.epoch, epoch, 'two of five decide nothing');
  let isForced = false;
  a!.do((nowMs) => {
    isForced = a!.machine.force(nowMs, [c!.id, d!.id, e!.id]);
  });
  t.equal(isForced, true);
  sim.runFor(5000);
  const forced = a!.machine.view!;
  t.not(forced.clusterId, clusterId);
  t.strictSame(b!.machine.view, forced, 'the other survivor follows');
  t.strictSame(forced.members.map(({ id }) => id).sort(), [a!.id, b!.id].sort());
  // The others were alive after all: a ring of three that knows nothing of the other.
  for (const dead of [c!, d!, e!]) dead.start();
  sim.runFor(MINUTE_MS);
  t.equal(c!.machine.view!.clusterId, clusterId);
  t.equal(a!.machine.view!.clusterId, forced.clusterId);
  b!.do((nowMs) => {
    isForced = b!.machine.force(nowMs, [a!.id, b!.id]);
  });
  t.equal(isForced, false, 'not without oneself');
  t.strictSame(sim.problems, []);
  t.end();
});
