/** Commands on long values that take many turns, with writers in between: replies of one moment. */
import t from 'tap';
import type { Plain } from '../support/local.js';
import { Scene } from '../support/scene.js';

const BYTES = 2_000_000;
/** More than is copied at once. */
const LONG_BYTES = 5_000_001;

function scene(): Promise<Scene> {
  return Scene.filled((writer) => {
    writer.send('SET', 'ones', Buffer.alloc(BYTES, 0xff));
    writer.send('SET', 'zeros', Buffer.alloc(BYTES));
  });
}

/** Posts a command and lets the writer act before each turn; the reply, and turns taken. */
function during(
  all: Scene,
  command: readonly (string | Buffer)[],
  act: (turn: number) => void,
): { reply: Plain; turns: number } {
  all.reader.post(...command);
  return all.awaitReply(act);
}

t.test('BITCOUNT of a value that is overwritten meanwhile', async (t) => {
  const all = await scene();
  const { reply, turns } = during(all, ['BITCOUNT', 'ones'], (turn) => {
    if (turn === 5) all.writer.send('SET', 'ones', Buffer.alloc(BYTES));
  });
  t.ok(turns > 6, `${turns} turns`);
  t.equal(reply, 0, 'not half of each');
});

t.test('BITCOUNT of a value that never stands still', async (t) => {
  const all = await scene();
  let ones = BYTES * 8;
  const counts = new Set<number>([ones]);
  const { reply } = during(all, ['BITCOUNT', 'ones'], (turn) => {
    all.writer.send('SETBIT', 'ones', turn, 0);
    ones -= 1;
    counts.add(ones);
  });
  t.ok(counts.has(reply as number), 'a count that was true at some time');
});

t.test('BITCOUNT of a key that goes, or becomes short', async (t) => {
  const all = await scene();
  const gone = during(all, ['BITCOUNT', 'ones'], (turn) => {
    if (turn === 3) all.writer.send('DEL', 'ones');
  });
  t.equal(gone.reply, 0);
  all.writer.send('SET', 'ones', Buffer.alloc(BYTES, 0xff));
  const short = during(all, ['BITCOUNT', 'ones', '1', '-1'], (turn) => {
    if (turn === 3) all.writer.send('SET', 'ones', '\xff\x01');
  });
  t.equal(short.reply, 1);
});

t.test('long values are sent in turns, as they were at one moment', async (t) => {
  const long = 'a'.repeat(LONG_BYTES);
  const half = Math.floor(LONG_BYTES / 2);
  const rows: [words: string[], reply: Plain, left: Plain][] = [
    [['GET', 'long'], long, 'changed'],
    [['GETRANGE', 'long', '1', '-2'], long.slice(2), 'changed'],
    [
      ['MGET', 'half', 'none', 'half', 'short'],
      ['a'.repeat(half), null, 'a'.repeat(half), 's'],
      'changed',
    ],
    [['GETEX', 'long', 'EX', '100'], long, 'changed'],
    [['GETDEL', 'long'], long, null],
    [['GETSET', 'long', 'new'], long, 'new'],
    [['SET', 'long', 'new', 'GET'], long, 'new'],
    [['SET', 'long', 'new', 'NX', 'GET'], long, 'changed'],
  ];
  for (const [words, expected, left] of rows) {
    const name = words.join(' ');
    const all = await Scene.filled((writer) => {
      writer.send('SET', 'long', long);
      writer.send('SET', 'half', Buffer.alloc(half, 'a'));
      writer.send('SET', 'short', 's');
    });
    const { reply, turns } = during(all, words, (turn) => {
      if (turn === 1)
        t.equal(
          all.writer.send('TTL', 'long'),
          words[0] === 'GETEX' ? 100 : left === null ? -2 : -1,
        );
      if (turn === 1) t.equal(all.writer.send('EXISTS', 'long'), left === null ? 0 : 1, name);
      if (turn !== 3) return;
      if (left === 'changed') {
        all.writer.send('SETRANGE', 'long', LONG_BYTES - 1, 'b');
        all.writer.send('SETRANGE', 'long', '0', 'b');
      }
      all.writer.send('DEL', 'half');
      all.writer.send('SET', 'short', 'other');
    });
    t.ok(turns > 3, `${name}: ${turns} turns`);
    t.strictSame(reply, expected, name);
    if (left === 'changed') t.equal(all.writer.send('GETRANGE', 'long', -2, -1), 'ab', name);
    else t.equal(all.writer.send('GET', 'long'), left, name);
    all.checkMemory(t);
    all.writer.send('FLUSHALL');
    t.equal(all.local.node.store.space.bigValues.usedBytes, 0);
  }
});

t.test('GET of a long value whose client goes, and in MULTI', async (t) => {
  const all = await Scene.filled((writer) => {
    writer.send('SET', 'long', Buffer.alloc(LONG_BYTES, 'a'));
  });
  t.same(all.writer.send('MULTI'), 'OK');
  all.writer.send('GET', 'long');
  t.same(all.writer.send('EXEC'), ['a'.repeat(LONG_BYTES)]);
  all.reader.post('GET', 'long');
  all.local.world.turn();
  t.equal(all.local.node.server.tasks.size, 1);
  all.writer.send('CLIENT', 'KILL', 'SKIPME', 'yes');
  t.equal(all.local.node.server.tasks.size, 0);
  all.checkMemory(t);
});

t.test('BITOP of sources that change meanwhile', async (t) => {
  const all = await scene();
  const { reply, turns } = during(all, ['BITOP', 'OR', 'd', 'ones', 'zeros'], (turn) => {
    if (turn === 5) all.writer.send('SET', 'ones', Buffer.alloc(BYTES));
    if (turn === 6) all.writer.send('SETRANGE', 'zeros', '0', 'a');
  });
  t.ok(turns > 6, `${turns} turns`);
  t.equal(reply, BYTES);
  t.equal(all.writer.send('BITCOUNT', 'd'), 3, 'as of the end');
});

t.test('BITOP that meets a wrong moment replies once', async (t) => {
  const all = await scene();
  const { reply } = during(all, ['BITOP', 'AND', 'd', 'ones', 'zeros'], (turn) => {
    if (turn === 2) all.writer.send('DEL', 'ones', 'zeros', 'd');
  });
  t.equal(reply, 0);
  t.equal(all.writer.send('EXISTS', 'd'), 0);
  t.same(all.reader.received(), []);
});

t.test('DUMP shows a value as it was at one moment', async (t) => {
  const all = await scene();
  const calm = during(all, ['DUMP', 'ones'], () => {});
  t.ok(calm.turns > 5, `${calm.turns} turns`);
  // It begins again when the value changes.
  const { reply } = during(all, ['DUMP', 'ones'], (turn) => {
    if (turn === 1) all.writer.send('SET', 'ones', 'x');
  });
  for (const [dump, bits] of [[calm.reply, BYTES * 8] as const, [reply, 4] as const]) {
    const payload = Buffer.from(dump as string, 'latin1');
    t.equal(all.writer.send('RESTORE', 'back', '0', payload, 'REPLACE'), 'OK');
    t.equal(all.writer.send('BITCOUNT', 'back'), bits);
  }
});

t.test('RESTORE of a key that is made meanwhile', async (t) => {
  const all = await scene();
  const noise = Buffer.alloc(BYTES);
  for (let i = 0; i < BYTES; i += 1) noise[i] = Math.imul(i, 0x9e3779b1) >>> 24;
  all.writer.send('SET', 'noise', noise);
  const dump = Buffer.from(all.writer.send('DUMP', 'noise') as string, 'latin1');
  const make = (turn: number) => {
    if (turn === 1) all.writer.send('SET', 'back', 'mine');
  };
  const busy = during(all, ['RESTORE', 'back', '0', dump], make);
  t.equal(busy.reply, '-BUSYKEY Target key name already exists.');
  t.equal(all.writer.send('GET', 'back'), 'mine');
  const replaced = during(all, ['RESTORE', 'back', '0', dump, 'REPLACE'], make);
  t.equal(replaced.reply, 'OK');
  t.ok(all.writer.send('GET', 'back') === noise.toString('latin1'));
});

t.test('LCS compares the values as they were', async (t) => {
  const all = await scene();
  all.writer.send('SET', 'a', 'ab'.repeat(1500));
  all.writer.send('SET', 'b', 'ba'.repeat(1500));
  const { reply, turns } = during(all, ['LCS', 'a', 'b', 'LEN'], (turn) => {
    if (turn === 1) all.writer.send('DEL', 'a', 'b');
  });
  t.ok(turns > 5, `${turns} turns`);
  t.equal(reply, 2999);
});

t.test('in a transaction everything is done at once', async (t) => {
  const all = await scene();
  for (const line of ['MULTI', 'BITCOUNT ones', 'BITOP NOT d zeros', 'BITCOUNT d']) {
    all.writer.send(...line.split(' '));
  }
  t.same(all.writer.send('EXEC'), [BYTES * 8, BYTES, BYTES * 8]);
});

t.test('a client that goes leaves nothing behind', async (t) => {
  const all = await scene();
  all.reader.post('BITCOUNT', 'ones');
  all.local.world.turn();
  all.reader.link.destroy();
  for (let turn = 0; turn < 50; turn += 1) all.local.world.turn();
  t.equal(all.local.node.server.tasks.size, 0);
  t.equal(all.writer.send('BITCOUNT', 'ones'), BYTES * 8);
});

t.test('PFCOUNT and PFMERGE of very many keys do not look at all of them for each', async (t) => {
  const KEYS = 500;
  /** A look at all keys takes longer than a slice. */
  const LOOK_MS = 0.05;
  const all = await Scene.filled((writer) => {
    for (let i = 0; i < KEYS; i += 1) writer.send('PFADD', `hll:${i}`, `element:${i}`);
  });
  const { world, node } = all.local;
  world.lookMs = LOOK_MS;
  const database = node.store.databases[0]!;
  const peek = database.peek.bind(database);
  database.peek = (...where) => {
    world.clock.monotonicMs();
    return peek(...where);
  };
  const keys = Array.from({ length: KEYS }, (_, i) => `hll:${i}`);
  const quiet = during(all, ['PFCOUNT', ...keys], () => {});
  t.ok(quiet.turns > 1 && quiet.turns < 50, `${quiet.turns} turns`);
  const busy = during(all, ['PFCOUNT', ...keys], (turn) => {
    all.writer.send('SET', 'other', String(turn));
  });
  t.ok(busy.turns > 1 && busy.turns < 50, `${busy.turns} turns with a writer`);
  t.equal(busy.reply, quiet.reply);
  const merged = during(all, ['PFMERGE', 'all', ...keys], (turn) => {
    all.writer.send('SET', 'other', String(turn));
  });
  t.ok(merged.turns > 1 && merged.turns < 50, `${merged.turns} turns of PFMERGE`);
  t.equal(all.reader.send('PFCOUNT', 'all'), quiet.reply);
});

const FEW = 24;
const LONG_ELEMENT = 'x'.repeat(300_000);

for (const { make, command, count } of [
  { make: ['RPUSH', 'l'], command: ['LRANGE', 'l', '0', '-1'], count: FEW },
  { make: ['HSET', 'l'], command: ['HVALS', 'l'], count: FEW },
  { make: ['XADD', 'l', '*'], command: ['XRANGE', 'l', '-', '+'], count: FEW },
  { make: ['SET'], command: ['KRANGE', '-', '+', 'WITHVALUES'], count: 2 * FEW },
]) {
  t.test(`${command[0]} of few elements that are long`, async (t) => {
    const all = await Scene.filled((writer) => {
      for (let n = 0; n < FEW; n += 1) {
        const words = make[0] === 'RPUSH' ? [] : [`f${10 + n}`];
        writer.send(...make, ...words, LONG_ELEMENT);
      }
    });
    const { reply, turns } = during(all, command, (turn) => {
      if (turn === 2 && make[0] !== 'SET') all.writer.send('DEL', 'l');
    });
    t.equal((reply as Plain[]).length, count, 'as it was');
    t.ok(turns > 4, `${turns} turns`);
  });
}
