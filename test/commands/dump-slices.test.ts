/** DUMP and RESTORE of big hashes, which take many turns, with writers in between. */
import t from 'tap';
import { sealed } from '../rdb/dumps.js';
import { Scene } from '../support/scene.js';

const COUNT = 5000;

/** A hash `h` of COUNT fields. */
function filled(): Promise<Scene> {
  return Scene.filled(
    (writer) => {
      for (let i = 0; i < COUNT; i += 1) writer.send('HSET', 'h', `f${i}`, `value ${i} ${i * i}`);
    },
    (settings) => {
      settings.enableDebugCommand = 'yes';
    },
  );
}

function dumped(scene: Scene, between?: (turn: number) => void): { dump: Buffer; turns: number } {
  scene.reader.post('DUMP', 'h');
  const { reply, turns } = scene.awaitReply(between);
  return { dump: Buffer.from(reply as string, 'latin1'), turns };
}

t.test('there and back', async (t) => {
  const scene = await filled();
  const { dump, turns } = dumped(scene);
  t.ok(turns > 3, `${turns} turns`);
  const { dirty } = scene.local.node.store;
  scene.reader.post('RESTORE', 'g', '0', dump);
  const restored = scene.awaitReply(() => {
    t.equal(scene.writer.send('EXISTS', 'g'), 0, 'nobody sees a part of it');
  });
  t.equal(restored.reply, 'OK');
  t.ok(restored.turns > 3, `${restored.turns} turns`);
  t.equal(scene.local.node.store.dirty, dirty + 1, 'one change');
  const digests = scene.writer.send('DEBUG', 'DIGEST-VALUE', 'h', 'g') as string[];
  t.equal(digests[0], digests[1]);
  t.equal(scene.writer.send('OBJECT', 'ENCODING', 'g'), 'hashtable');
  scene.checkStore(t);
});

t.test('a hash that changes while it is dumped', async (t) => {
  const scene = await filled();
  const { dump } = dumped(scene, (turn) => {
    if (turn < 6) scene.writer.send('HSET', 'h', 'f0', `turn ${turn}`);
  });
  t.equal(scene.writer.send('RESTORE', 'g', '0', dump), 'OK');
  t.equal(scene.writer.send('HGET', 'g', 'f0'), scene.writer.send('HGET', 'h', 'f0'));
});

t.test('what is damaged late leaves the old value, and nothing at the side', async (t) => {
  const scene = await filled();
  const { dump } = dumped(scene);
  // The last field is the first one again: found when all others are at the side.
  const pairs = ['f', 'g', 'f'].map((field) => `\x01${field}\x01v`);
  const body = Buffer.concat([Buffer.from('\x04\x03'), Buffer.from(pairs.join(''))]);
  scene.writer.send('HSET', 'g', 'old', 'value');
  const bad = '-ERR Bad data format';
  t.equal(scene.writer.send('RESTORE', 'g', '0', sealed(body), 'REPLACE'), bad);
  const long = Buffer.concat([dump.subarray(0, -10), Buffer.from([0])]);
  scene.reader.post('RESTORE', 'g', '0', sealed(long), 'REPLACE');
  t.equal(scene.awaitReply().reply, bad);
  t.same(scene.writer.send('HGETALL', 'g'), ['old', 'value']);
  const used = scene.local.node.store.space.usedBytes;
  scene.writer.send('DEL', 'g');
  while (!scene.local.node.store.reclaim(Number.POSITIVE_INFINITY));
  t.ok(scene.local.node.store.space.usedBytes < used * 0.7, 'the memory comes back');
  scene.checkStore(t);
});

t.test('a key that comes while it is restored, and a client that leaves', async (t) => {
  const scene = await filled();
  const { dump } = dumped(scene);
  scene.reader.post('RESTORE', 'g', '0', dump);
  const late = scene.awaitReply((turn) => {
    if (turn === 2) scene.writer.send('SET', 'g', 'x');
  });
  t.equal(late.reply, '-BUSYKEY Target key name already exists.');
  t.equal(scene.writer.send('GET', 'g'), 'x');
  scene.reader.post('RESTORE', 'k', '0', dump);
  scene.local.world.turn();
  scene.reader.link.destroy();
  scene.local.world.turn();
  scene.checkStore(t);
  t.equal(scene.writer.send('DEL', 'k', 'g', 'h'), 2, 'k is not there');
  for (let turns = 0; turns < 1000; turns += 1) scene.local.world.advance(1);
  t.equal(scene.local.node.store.space.usedBytes, 0, 'all memory is back');
});
