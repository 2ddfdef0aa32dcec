/** Commands on big sorted sets, which take many turns, with writers in between. */
import t from 'tap';
import type { LocalClient } from '../support/local.js';
import { Scene } from '../support/scene.js';

const COUNT = 5000;

function member(i: number): string {
  return `m${String(i).padStart(6, '0')}`;
}

/** A sorted set `z` of COUNT members, in whose order scores and members differ. */
function fill(writer: LocalClient): void {
  for (let i = 0; i < COUNT; i += 1) writer.send('ZADD', 'z', `${score(i)}`, member(i));
}

function score(i: number): number {
  return (i * 7919) % COUNT;
}

/** All members as they are told, from the lowest score to the highest. */
function byScore(): string[] {
  const order = Array.from({ length: COUNT }, (_, i) => i).sort((a, b) => score(a) - score(b));
  return order.flatMap((i) => [member(i), `${score(i)}`]);
}

function reversedPairs(flat: readonly string[]): string[] {
  const pairs: string[] = [];
  for (let i = flat.length - 2; i >= 0; i -= 2) pairs.push(flat[i]!, flat[i + 1]!);
  return pairs;
}

const members = Array.from({ length: COUNT }, (_, i) => member(i));

const endings: readonly (readonly [name: string, ...command: string[]])[] = [
  ['goes on', 'PING'],
  ['is deleted', 'DEL', 'z'],
  ['is overwritten', 'SET', 'z', 'x'],
  ['is renamed', 'RENAME', 'z', 'y'],
  ['is flushed', 'FLUSHALL'],
];

const readings: readonly (readonly [command: readonly string[], expected: readonly string[]])[] = [
  [['ZRANGE', 'z', '0', '-1', 'WITHSCORES'], byScore()],
  [['ZREVRANGEBYSCORE', 'z', '+inf', '-inf', 'WITHSCORES'], reversedPairs(byScore())],
  [['ZRANGEBYLEX', 'z', '-', '+'], members],
  [
    ['ZREVRANGEBYLEX', 'z', '+', '-', 'LIMIT', '10', '4000'],
    [...members].reverse().slice(10, 4010),
  ],
];

for (const [name, ...ending] of endings) {
  for (const [command, expected] of readings) {
    t.test(`${command[0]} shows one moment of a sorted set that ${name}`, async (t) => {
      const scene = await Scene.filled(fill);
      const { reader, writer } = scene;
      reader.post(...command);
      const { reply, turns } = scene.awaitReply((turn) => {
        writer.send('ZADD', 'z', `${turn * 31}`, member((turn * 997) % COUNT), '1e9', `new${turn}`);
        writer.send('ZREM', 'z', member((turn * 991) % COUNT));
        if (turn === 5) writer.post(...ending);
      });
      t.ok(turns > 5, `${turns} turns`);
      t.same(reply, expected);
      scene.checkStore(t);
      scene.checkMemory(t);
    });
  }
}

t.test('ZPOPMIN of all shows them, and removes them at once', async (t) => {
  const scene = await Scene.filled(fill);
  scene.reader.post('ZPOPMIN', 'z', '100000');
  t.equal(scene.writer.send('EXISTS', 'z'), 0);
  const { reply, turns } = scene.awaitReply((turn) => {
    if (turn === 2) scene.writer.send('ZADD', 'z', '1', 'new');
  });
  t.ok(turns > 5);
  t.same(reply, byScore());
  scene.checkStore(t);
  scene.checkMemory(t);
});

t.test('ZPOPMAX of many, in slices', async (t) => {
  const scene = await Scene.filled(fill);
  scene.reader.post('ZPOPMAX', 'z', '3000');
  const { reply, turns } = scene.awaitReply((turn) => {
    if (turn === 1) scene.writer.send('ZADD', 'z', '-1', 'low', '1e9', 'high');
  });
  t.ok(turns > 5);
  const flat = reply as string[];
  t.equal(flat.length, 6000);
  t.equal(new Set(flat.filter((_, i) => i % 2 === 0)).size, 3000, 'each once');
  t.ok(flat.includes('high'));
  t.equal(scene.writer.send('ZCARD', 'z'), COUNT + 2 - 3000);
  scene.checkStore(t);
});

t.test('ZPOPMIN of many from one that is deleted meanwhile', async (t) => {
  const scene = await Scene.filled(fill);
  scene.reader.post('ZMPOP', '1', 'z', 'MIN', 'COUNT', '4000');
  const { reply } = scene.awaitReply((turn) => {
    if (turn === 2) scene.writer.send('DEL', 'z');
  });
  const [key, popped] = reply as [string, [string, string][]];
  t.equal(key, 'z');
  t.same(popped.flat(), byScore().slice(0, popped.length * 2));
  scene.checkMemory(t);
});

const removals: readonly (readonly [command: readonly string[], left: number])[] = [
  [['ZREMRANGEBYRANK', 'z', '100', '-101'], 200],
  [['ZREMRANGEBYSCORE', 'z', '100', `(${COUNT - 100}`], 200],
  [['ZREMRANGEBYLEX', 'z', `[${member(100)}`, `(${member(COUNT - 100)}`], 200],
];
for (const [command, left] of removals) {
  t.test(`${command[0]} of many, in slices, leaves what is written meanwhile`, async (t) => {
    const scene = await Scene.filled(fill);
    const { reader, writer } = scene;
    reader.post(...command);
    let written = 0;
    const { reply, turns } = scene.awaitReply((turn) => {
      if (turn % 2 === 1) return;
      writer.send('ZADD', 'z', `${COUNT / 2 + turn}`, `m00${turn}x`);
      written += 1;
    });
    t.ok(turns > 5, `${turns} turns`);
    t.equal(reply, COUNT - left);
    t.equal(writer.send('ZCARD', 'z'), left + written);
    scene.checkStore(t);
    scene.checkMemory(t);
  });
}

t.test('ZRANGESTORE of many begins again when the source changes', async (t) => {
  const scene = await Scene.filled(fill);
  const { reader, writer } = scene;
  writer.send('SET', 'd', 'old');
  reader.post('ZRANGESTORE', 'd', 'z', '1', '-1');
  const { reply, turns } = scene.awaitReply((turn) => {
    if (turn === 0) t.equal(writer.send('GET', 'd'), 'old', 'nothing is seen of it before');
    if (turn === 2) writer.send('ZADD', 'z', '1e9', 'late');
  });
  t.ok(turns > 5, `${turns} turns`);
  t.equal(reply, COUNT);
  t.same(writer.send('ZRANGE', 'd', '-1', '-1'), ['late']);
  t.same(writer.send('ZRANGE', 'd', '0', '0'), writer.send('ZRANGE', 'z', '1', '1'));
  t.equal(writer.send('OBJECT', 'ENCODING', 'd'), 'skiplist');
  scene.checkStore(t);
  scene.checkMemory(t);
});

t.test('ZRANGESTORE whose client goes away leaves nothing behind', async (t) => {
  const scene = await Scene.filled(fill);
  scene.reader.post('ZRANGESTORE', 'd', 'z', '0', '-1');
  scene.local.world.turn();
  scene.reader.link.destroy();
  scene.local.world.turn();
  t.equal(scene.writer.send('EXISTS', 'd'), 0);
  scene.checkStore(t);
  scene.checkMemory(t);
});

t.test('ZREMRANGEBYRANK of all is one step; memory comes back in slices', async (t) => {
  const scene = await Scene.filled(fill);
  const before = scene.local.node.store.space.usedBytes;
  t.equal(scene.writer.send('ZREMRANGEBYRANK', 'z', '0', '-1'), COUNT);
  t.ok(scene.local.node.store.space.usedBytes > before / 2, 'not at once');
  scene.checkMemory(t);
});

/** A second sorted set of every third member, with a score of 1000000. */
function fillTwo(writer: LocalClient): void {
  fill(writer);
  for (let i = 0; i < COUNT; i += 3) writer.send('ZADD', 'y', '1000000', member(i));
}

t.test('ZUNIONSTORE of many begins again when an operand changes', async (t) => {
  const scene = await Scene.filled(fillTwo);
  const { reader, writer } = scene;
  reader.post('ZUNIONSTORE', 'd', '2', 'z', 'y');
  const { reply, turns } = scene.awaitReply((turn) => {
    if (turn === 0) t.equal(writer.send('EXISTS', 'd'), 0, 'nothing is seen of it before');
    if (turn === 2) writer.send('ZADD', 'y', '5', 'late');
  });
  t.ok(turns > 5, `${turns} turns`);
  t.equal(reply, COUNT + 1);
  t.equal(writer.send('ZSCORE', 'd', member(3)), `${score(3) + 1_000_000}`);
  t.equal(writer.send('ZSCORE', 'd', member(4)), `${score(4)}`);
  t.equal(writer.send('ZSCORE', 'd', 'late'), '5');
  scene.checkStore(t);
  scene.checkMemory(t);
});

t.test('ZINTER and ZDIFF of many, in slices', async (t) => {
  const scene = await Scene.filled(fillTwo);
  const ordered = byScore().filter((_, i) => i % 2 === 0);
  const isThird = (name: string): boolean => Number(name.slice(1)) % 3 === 0;
  for (const [command, expected] of [
    ['ZINTER', ordered.filter(isThird)],
    ['ZDIFF', ordered.filter((name) => !isThird(name))],
  ] as const) {
    scene.reader.post(command, '2', 'z', 'y');
    const { reply, turns } = scene.awaitReply();
    t.ok(turns > 5, `${turns} turns`);
    t.same(reply, expected);
  }
  scene.reader.post('ZINTERCARD', '2', 'z', 'y', 'LIMIT', '1500');
  t.equal(scene.awaitReply().reply, 1500);
  scene.checkStore(t);
  scene.checkMemory(t);
});

t.test('ZUNION whose client goes away leaves nothing behind', async (t) => {
  const scene = await Scene.filled(fillTwo);
  scene.reader.post('ZUNION', '2', 'z', 'y');
  scene.local.world.turn();
  scene.reader.link.destroy();
  scene.local.world.turn();
  scene.checkStore(t);
  scene.checkMemory(t);
});

t.test('BZMPOP of many, in slices, once they are there', async (t) => {
  const scene = await Scene.filled(fill);
  const { local, reader, writer } = scene;
  reader.post('BZMPOP', '0', '1', 'd', 'MIN', 'COUNT', '3000');
  t.equal(local.node.server.blocking.size, 1);
  writer.post('RENAME', 'z', 'd');
  const { reply, turns } = scene.awaitReply();
  t.ok(turns > 5, `${turns} turns`);
  const [key, popped] = reply as [string, [string, string][]];
  t.equal(key, 'd');
  t.same(popped.flat(), byScore().slice(0, 6000));
  t.equal(local.node.server.blocking.size, 0);
  t.same(reader.send('PING'), 'PONG');
  writer.received();
  t.equal(writer.send('ZCARD', 'd'), COUNT - 3000);
  scene.checkStore(t);
  scene.checkMemory(t);
});
