/**
 * Commands over very many keys look them up in slices, too: no turn looks up more than some hundred, whoever
 * writes meanwhile; and what they reply is of one moment all the same.
 */
import t from 'tap';
import { seededRandom } from '../support/random.js';
import { Scene } from '../support/scene.js';

const SEED = Number(process.env['SEED'] ?? 1);
const KEYS = 5000;
/** Three looks at the clock make a slice, 128 keys between two; and what the writer does. */
const LOOKS_OF_TURN_MAX = 1024;
const keys = Array.from({ length: KEYS }, (_, i) => `s${i}`);

function sets(): Promise<Scene> {
  return Scene.filled((writer) => {
    for (const [i, key] of keys.entries()) writer.send('SADD', key, 'all', `m${i}`);
  });
}

function strings(): Promise<Scene> {
  return Scene.filled((writer) => {
    for (const key of keys) writer.send('PFADD', key, key);
  });
}

/** Looks at keys since it was asked last. */
function lookCounter(scene: Scene): () => number {
  const database = scene.local.node.store.databases[0]! as unknown as {
    present: (...args: unknown[]) => number;
  };
  const { present } = database;
  let looks = 0;
  database.present = function (...args) {
    looks += 1;
    return present.apply(this, args);
  };
  return () => {
    const counted = looks;
    looks = 0;
    return counted;
  };
}

const commands: readonly (readonly [
  words: readonly string[],
  filled: () => Promise<Scene>,
  size: number,
])[] = [
  [['SUNION'], sets, KEYS + 1],
  [['SUNIONSTORE', 'd'], sets, KEYS + 1],
  [['SINTER'], sets, 1],
  [['SINTERCARD', `${KEYS}`], sets, 1],
  [['SDIFF'], sets, 1],
  [['ZUNIONSTORE', 'd', `${KEYS}`], sets, KEYS + 1],
  [['ZINTER', `${KEYS}`], sets, 1],
  [['ZDIFF', `${KEYS}`], sets, 1],
  [['BITOP', 'OR', 'd'], strings, -1],
  [['MGET'], strings, KEYS],
  [['EXISTS'], sets, KEYS],
  [['TOUCH'], strings, KEYS],
];

for (const [words, filled, size] of commands) {
  for (const writes of [false, true]) {
    t.test(
      `${words.join(' ')} of ${KEYS} keys${writes ? ' while others write' : ''}`,
      async (t) => {
        const scene = await filled();
        const looks = lookCounter(scene);
        scene.reader.post(...words, ...keys);
        const most: number[] = [looks()];
        const { reply, turns } = scene.awaitReply((turn) => {
          most.push(looks());
          if (writes) scene.writer.send('HSET', `other${turn}`, 'a', 'x'.repeat(turn % 50));
        });
        t.ok(turns > 5, `${turns} turns`);
        const max = Math.max(...most);
        t.ok(max <= LOOKS_OF_TURN_MAX, `${max} looks in one turn`);
        if (size >= 0) t.equal(Array.isArray(reply) ? reply.length : reply, size);
        t.equal(scene.local.node.store.watches.size, 0, 'nobody listens any more');
        scene.checkStore(t);
        scene.checkMemory(t);
      },
    );
  }
}

t.test(
  'one that moves from what is not looked up yet to what has been is not missed',
  async (t) => {
    for (const command of [['SUNION'], ['ZUNION', `${KEYS}`]]) {
      const scene = await sets();
      scene.writer.send('SADD', `s${KEYS - 1}`, 'moves');
      scene.reader.post(...command, ...keys);
      let moves = 0;
      const { reply } = scene.awaitReply((turn) => {
        if (turn !== 3) return;
        moves += Number(scene.writer.send('SMOVE', `s${KEYS - 1}`, 's1', 'moves'));
      });
      t.equal(moves, 1);
      t.ok((reply as string[]).includes('moves'), command.join(' '));
      scene.checkStore(t);
    }
  },
);

t.test('MGET and EXISTS are of the moment when the last key is looked up', async (t) => {
  const long = 'x'.repeat(100_000);
  for (const at of [2, 20]) {
    const scene = await Scene.filled((writer) => {
      for (const key of keys) writer.send('SET', key, key);
      writer.send('SET', 's2', long);
    });
    scene.reader.post('MGET', ...keys);
    const { reply } = scene.awaitReply((turn) => {
      if (turn === 1) scene.writer.send('MSET', 's1', long, 's2', 'short', 's4999', 'late');
      if (turn === at) scene.writer.send('SET', 's3', long);
    });
    const values = reply as string[];
    t.ok(values[1] === long && values[2] === 'short' && values[4999] === 'late', 'all of it');
    t.ok(values[3] === long || values[3] === 's3');
    scene.checkMemory(t);
  }
  const scene = await sets();
  scene.reader.post('EXISTS', ...keys);
  const { reply } = scene.awaitReply((turn) => {
    if (turn === 1) scene.writer.send('RENAME', 's4999', 'elsewhere');
    if (turn === 2) scene.writer.send('RENAME', 's1', 's4999');
  });
  t.equal(reply, KEYS - 1);
});

t.test('a client that goes away while its keys are looked up', async (t) => {
  const scene = await sets();
  scene.reader.post('SUNIONSTORE', 'd', ...keys);
  scene.local.world.turn();
  const { watches } = scene.local.node.store;
  t.equal(watches.size, 1);
  scene.reader.link.destroy();
  scene.local.world.turn();
  t.equal(watches.size, 0);
  scene.checkMemory(t);
});

t.test('FLUSHDB, another type, a time that comes, and another database', async (t) => {
  const events: readonly (readonly [line: string, reply: RegExp])[] = [
    ['FLUSHDB', /^0$/],
    ['SET s2 x', /^-WRONGTYPE/],
    ['PEXPIRE s2 -1', new RegExp(`^${KEYS}$`)],
    ['SWAPDB 0 1', new RegExp(`^${KEYS + 1}$`)],
  ];
  for (const at of [3, 60]) {
    for (const [line, expected] of events) {
      const scene = await sets();
      scene.reader.post('SUNION', ...keys);
      const { reply } = scene.awaitReply((turn) => {
        if (turn === at) scene.writer.send(...line.split(' '));
      });
      const told = Array.isArray(reply) ? reply.length : (reply as string | number);
      t.match(`${told}`, expected, `${line} at ${at}`);
      scene.checkStore(t);
    }
  }
});

t.test(`random writers: replies are of one moment, SEED=${SEED}`, async (t) => {
  const random = seededRandom(SEED);
  const few = keys.slice(0, 1500);
  for (let round = 0; round < 6; round += 1) {
    const scene = await Scene.filled((writer) => {
      for (const [i, key] of few.entries()) writer.send('SADD', key, `m${i % 40}`);
    });
    const model = new Map(few.map((key, i) => [key, new Set([`m${i % 40}`])]));
    const union = (): string =>
      [...new Set([...model.values()].flatMap((set) => [...set]))].sort().join(' ');
    const moments = new Set([union()]);
    scene.reader.post('SUNION', ...few);
    const { reply, turns } = scene.awaitReply(() => {
      if (!random.chance(0.4)) return;
      const [from, to] = [random.pick(few), random.pick(few)];
      const member = `m${random.below(40)}`;
      const write = random.pick(['SADD', 'SREM', 'DEL', 'SMOVE']);
      if (write === 'SADD') add(model, from, member);
      else if (write === 'DEL') model.set(from, new Set());
      else if (model.get(from)!.delete(member) && write === 'SMOVE') add(model, to, member);
      if (write === 'SMOVE') scene.writer.send(write, from, to, member);
      else if (write === 'DEL') scene.writer.send(write, from);
      else scene.writer.send(write, from, member);
      moments.add(union());
    });
    t.ok(turns > 3, `${turns} turns, ${moments.size} moments`);
    t.ok(moments.has((reply as string[]).sort().join(' ')), 'a moment');
    scene.checkStore(t);
  }
});

function add(model: Map<string, Set<string>>, key: string, member: string): void {
  model.get(key)!.add(member);
}
