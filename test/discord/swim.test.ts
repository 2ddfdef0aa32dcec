/** Who is alive: the dead are found in time, and nobody else is taken for one of them. */

import t from 'tap';
import type { Update } from '../../discord/membership/messages.js';
import { detectionMaxMs } from '../../discord/membership/options.js';
import { Swim } from '../../discord/membership/swim.js';
import { SimRandom } from '../../world/sim/random.js';
import { seedOfRun } from '../support/random.js';
import { SwimNet } from './support/swim-net.js';

const seed = seedOfRun(1);
const SIZES = [2, 3, 5, 10, 50];
const MINUTE_MS = 60_000;
const LINES = [0, 1, 2, 3, 4];

for (const size of [1, ...SIZES]) {
  t.test(`${size} in good health see nothing, SEED=${seed}`, (t) => {
    const ring = new SwimNet(seed, size);
    ring.net.runFor(MINUTE_MS);
    t.strictSame(ring.seen, []);
    const perSecond = ring.net.messageCount / 60 / size;
    t.ok(perSecond <= 2.2, `${perSecond.toFixed(2)} messages a second and member`);
    t.end();
  });
}

for (const size of SIZES) {
  t.test(`of ${size}, one dies, in time, SEED=${seed}`, (t) => {
    for (const line of size > 10 ? LINES.slice(0, 2) : LINES) {
      const ring = new SwimNet(seed + line, size, { lossChance: line % 2 === 0 ? 0 : 0.05 });
      ring.net.runFor(10_000);
      const victim = ring.net.random.pick(ring.ids);
      const diedMs = ring.net.nowMs;
      ring.net.crash(victim);
      const others = ring.ids.filter((id) => id !== victim);
      const isFound = (): boolean => ring.allSee(victim, 'dead', others);
      t.ok(ring.net.runUntil(isFound, detectionMaxMs({}, size)), `seed ${seed + line}`);
      const tookMs = ring.net.nowMs - diedMs;
      t.comment(`${size} members, ${Math.round(tookMs)} ms`);
      ring.net.setConditions({ lossChance: 0 });
      ring.net.runFor(10_000);
      t.strictSame(
        ring.deaths().filter(({ event }) => event.id !== victim),
        [],
      );
      const hashes = new Set(others.map((id) => ring.swims.get(id)!.hash));
      t.equal(hashes.size, 1, 'all know the same');
    }
    t.end();
  });

  t.test(`of ${size}, with up to 30 % of messages lost, nobody dies, SEED=${seed}`, (t) => {
    for (const lossChance of [0.1, 0.2, 0.3]) {
      const ring = new SwimNet(seed, size, { lossChance, duplicateChance: 0.05 });
      ring.net.runFor((size > 10 ? 1 : 10) * MINUTE_MS);
      t.strictSame(ring.deaths(), [], `${lossChance}, seed ${seed}`);
      ring.net.setConditions({ lossChance: 0 });
      ring.net.runFor(detectionMaxMs({}, size));
      t.ok(ring.isCalm(), 'all is well in the end');
    }
    t.end();
  });

  if (size <= 5) {
    t.test(`of ${size}, nobody dies of lost messages, whatever the seed`, (t) => {
      // The first two once killed somebody.
      for (const of of [600_196_001, 600_196_113, seed]) {
        for (let line = 0; line < 5; line += 1) {
          const ring = new SwimNet(of + line, size, { lossChance: 0.3, duplicateChance: 0.05 });
          ring.net.runFor(10 * MINUTE_MS);
          t.strictSame(ring.deaths(), [], `seed ${of + line}`);
        }
      }
      t.end();
    });
  }

  t.test(`of ${size}, some stand still for a while, SEED=${seed}`, (t) => {
    const ring = new SwimNet(seed, size);
    for (const line of LINES) {
      const sleeper = ring.net.random.pick(ring.ids);
      ring.net.runFor(5000);
      ring.net.pause(sleeper);
      ring.net.runFor(1000 + 1200 * line);
      ring.net.resume(sleeper);
      ring.net.runFor(10_000);
      t.strictSame(ring.deaths(), [], `${sleeper} for a moment`);
    }
    const sleeper = ring.net.random.pick(ring.ids);
    ring.net.pause(sleeper);
    ring.net.runFor(2 * MINUTE_MS);
    const others = ring.ids.filter((id) => id !== sleeper);
    t.ok(ring.allSee(sleeper, 'dead', others), 'two minutes is dead');
    ring.net.resume(sleeper);
    ring.net.runFor(detectionMaxMs({}, size));
    t.ok(ring.isCalm(), 'and back it is');
    t.strictSame(
      ring.deaths().filter(({ at }) => at === sleeper),
      [],
      'it blamed nobody',
    );
    t.end();
  });
}

for (const size of [3, 5, 10, 50]) {
  t.test(`of ${size}, one-way links kill nobody, SEED=${seed}`, (t) => {
    const ring = new SwimNet(seed, size);
    const { random } = ring.net;
    for (let links = 0; links < size / 3; links += 1) {
      const from = random.pick(ring.ids);
      const to = random.pick(ring.ids.filter((id) => id !== from));
      ring.net.block(from, to);
    }
    ring.net.runFor((size > 10 ? 1 : 5) * MINUTE_MS);
    t.strictSame(ring.deaths(), []);
    t.end();
  });

  t.test(`of ${size}, two halves lose and find each other, SEED=${seed}`, (t) => {
    const ring = new SwimNet(seed, size);
    const half = ring.ids.slice(0, size >> 1);
    const others = ring.ids.slice(size >> 1);
    ring.net.partition(half, others);
    ring.net.runFor(detectionMaxMs({}, size));
    t.ok(half.every((id) => ring.allSee(id, 'dead', others)));
    t.ok(others.every((id) => ring.allSee(id, 'dead', half)));
    ring.net.heal();
    ring.net.runFor(detectionMaxMs({}, size));
    t.ok(ring.isCalm());
    t.end();
  });
}

t.test(`a member that starts again is heard, SEED=${seed}`, (t) => {
  const ring = new SwimNet(seed, 5);
  ring.net.runFor(5000);
  const victim = ring.ids[2]!;
  ring.net.crash(victim);
  ring.net.runFor(detectionMaxMs({}, 5));
  ring.start(victim);
  ring.net.runFor(10_000);
  t.ok(ring.isCalm());
  t.end();
});

t.test('who was dead and can be reached again is asked at once', (t) => {
  const [a, b, c] = ['a', 'b', 'c'].map((digit) => digit.repeat(40)) as [string, string, string];
  const swim = new Swim({ id: a, random: new SimRandom(seed, 'swim') });
  swim.setMembers(0, [a, b, c], 1);
  swim.reached(b);
  swim.reached('d'.repeat(40));
  t.strictSame(swim.takeMessages(), [], 'not the living, no strangers');
  const updates: Update[] = [{ status: 'suspect', id: b, incarnation: 0, by: c }];
  swim.receive(1, c, { kind: 'nack', seq: 1, updates });
  swim.reached(b);
  t.strictSame(swim.takeMessages(), [], 'nor suspects, who are pinged anyway');
  updates[0] = { status: 'dead', id: b, incarnation: 0 };
  swim.receive(2, c, { kind: 'nack', seq: 1, updates });
  t.equal(swim.statusOf(b), 'dead');
  swim.reached(b);
  const [ping, ...others] = swim.takeMessages();
  t.match(ping, { to: b, message: { kind: 'ping', updates } }, 'it is told what is said of it');
  t.strictSame(others, []);
  const { seq } = ping!.message as { seq: number };
  updates[0] = { status: 'alive', id: b, incarnation: 1 };
  swim.receive(3, b, { kind: 'ack', seq, epoch: 1, hash: swim.hash, updates });
  t.equal(swim.statusOf(b), 'alive');
  t.match(swim.takeEvents().at(-1), { kind: 'alive', id: b });
  t.end();
});

t.test(`the same seed, the same run, SEED=${seed}`, (t) => {
  const run = (of: number): string => {
    const ring = new SwimNet(of, 20, { lossChance: 0.1, duplicateChance: 0.1 });
    ring.net.runFor(20_000);
    ring.net.crash(ring.net.random.pick(ring.ids));
    ring.net.pause(ring.ids[3]!);
    ring.net.runFor(20_000);
    return ring.net.traceHash();
  };
  t.equal(run(seed), run(seed));
  t.not(run(seed), run(seed + 1));
  t.end();
});
