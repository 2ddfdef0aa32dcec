/** Very many operands: each is looked up a few times, however many pieces the command takes. */
import t from 'tap';
import type { Database } from '../../lib/store/database.js';
import { Scene } from '../support/scene.js';

const SETS = 1500;
const MEMBERS = 4;
const keys = Array.from({ length: SETS }, (_, i) => `s${i}`);

function filled(): Promise<Scene> {
  return Scene.filled((writer) => {
    for (const [i, key] of keys.entries()) {
      writer.send('SADD', key, 'all', ...[1, 2, 3].map((j) => `m${i * 3 + j}`));
    }
  });
}

/** Counts how often keys are looked up. */
function countLooks(database: Database): () => number {
  const { peek } = database;
  let looks = 0;
  database.peek = (buf, from, to) => {
    looks += 1;
    return peek.call(database, buf, from, to);
  };
  return () => looks;
}

const commands: readonly (readonly [name: string, args: readonly string[], size: number])[] = [
  ['SUNION', keys, SETS * (MEMBERS - 1) + 1],
  ['SUNIONSTORE', ['d', ...keys], SETS * (MEMBERS - 1) + 1],
  ['SINTER', keys, 1],
  ['SDIFF', keys, 3],
  ['ZUNION', [`${SETS}`, ...keys], SETS * (MEMBERS - 1) + 1],
  ['ZUNIONSTORE', ['d', `${SETS}`, ...keys], SETS * (MEMBERS - 1) + 1],
  ['ZINTER', [`${SETS}`, ...keys], 1],
  ['ZDIFF', [`${SETS}`, ...keys], 3],
];

for (const [name, args, size] of commands) {
  t.test(`${name} of ${SETS} sets`, async (t) => {
    const scene = await filled();
    const looks = countLooks(scene.local.node.store.databases[0]!);
    scene.reader.post(name, ...args);
    const { reply } = scene.awaitReply();
    t.equal(Array.isArray(reply) ? reply.length : reply, size);
    t.ok(looks() <= SETS * 4, `${looks()} looks`);
  });

  t.test(`${name} of ${SETS} sets while others write`, async (t) => {
    const scene = await filled();
    scene.reader.post(name, ...args);
    const { reply, turns } = scene.awaitReply((turn) => {
      scene.writer.send('HSET', `other${turn}`, 'a', 'x'.repeat(turn * 10));
      if (turn === 1) scene.writer.send('SADD', 's7', 'late');
    });
    t.ok(turns >= 1, `${turns} turns`);
    const late = turns > 1 && name.includes('UNION') ? 1 : 0;
    t.equal(Array.isArray(reply) ? reply.length : reply, size + late);
    scene.checkStore(t);
    scene.checkMemory(t);
  });
}

t.test('BITOP of very many sources: in slices, and of one moment', async (t) => {
  const scene = await Scene.filled((writer) => {
    for (const [i, key] of keys.entries()) writer.send('SETBIT', key, `${i}`, '1');
    writer.send('SETBIT', 's0', `${200_000 * 8}`, '1');
  });
  scene.reader.post('BITOP', 'OR', 'd', ...keys);
  const { reply, turns } = scene.awaitReply((turn) => {
    if (turn === 3) scene.writer.send('SETBIT', 's1', '5000', '1');
  });
  t.ok(turns > 10, `${turns} turns`);
  t.equal(reply, 200_001);
  t.equal(scene.writer.send('BITCOUNT', 'd'), SETS + 2);
  scene.checkStore(t);
});
