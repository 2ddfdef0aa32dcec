/** Commands on big hashes, which take many turns, with writers in between. */
import t from 'tap';
import { Scene } from '../support/scene.js';

const COUNT = 5000;

function fieldName(i: number): string {
  return `f${String(i).padStart(6, '0')}`;
}

/** A hash `h` of COUNT fields. */
function filled(): Promise<Scene> {
  return Scene.filled((writer) => {
    for (let i = 0; i < COUNT; i += 1) writer.send('HSET', 'h', fieldName(i), `v${i}`);
  });
}

function allFields(): string[] {
  const pairs: string[] = [];
  for (let i = 0; i < COUNT; i += 1) pairs.push(fieldName(i), `v${i}`);
  return pairs;
}

const endings: readonly (readonly [name: string, ...command: string[]])[] = [
  ['goes on', 'PING'],
  ['is deleted', 'DEL', 'h'],
  ['is overwritten', 'SET', 'h', 'x'],
  ['is renamed', 'RENAME', 'h', 'g'],
  ['is flushed', 'FLUSHALL'],
];

for (const [name, ...ending] of endings) {
  t.test(`HGETALL shows one moment of a hash that ${name}`, async (t) => {
    const scene = await filled();
    const { reader, writer } = scene;
    reader.post('HGETALL', 'h');
    const { reply, turns } = scene.awaitReply((turn) => {
      writer.send('HSET', 'h', fieldName((turn * 997) % COUNT), 'changed', `new${turn}`, '1');
      writer.send('HDEL', 'h', fieldName((turn * 991) % COUNT));
      if (turn === 5) writer.post(...ending);
    });
    t.ok(turns > 5, `${turns} turns`);
    t.same(reply, allFields());
    writer.received();
    scene.checkStore(t);
    scene.checkMemory(t);
  });
}

for (const [name, ...ending] of endings) {
  t.test(`HRANGE shows one moment of a hash that ${name}, from any end`, async (t) => {
    for (const reverse of [false, true]) {
      const scene = await filled();
      const { reader, writer } = scene;
      const bounds = [`[${fieldName(100)}`, `(${fieldName(4900)}`];
      const options = [...(reverse ? ['REV'] : []), 'LIMIT', '5', '4000', 'WITHVALUES'];
      reader.post('HRANGE', 'h', ...bounds, ...options);
      const { reply, turns } = scene.awaitReply((turn) => {
        const changed = [(turn * 997) % COUNT, (turn * 991) % COUNT] as const;
        writer.send('HSET', 'h', fieldName(changed[0]), 'changed', `${fieldName(turn)}new`, '1');
        writer.send('HDEL', 'h', fieldName(changed[1]));
        if (turn === 5) writer.post(...ending);
      });
      t.ok(turns > 5, `${turns} turns`);
      const expected: string[] = [];
      for (let i = 0; i < 4000; i += 1) {
        const at = reverse ? 4894 - i : 105 + i;
        expected.push(fieldName(at), `v${at}`);
      }
      t.same(reply, expected);
      writer.received();
      scene.checkStore(t);
      scene.checkMemory(t);
    }
  });
}

t.test('HRANDFIELD of many fields, all different, in slices', async (t) => {
  const scene = await filled();
  scene.reader.post('HRANDFIELD', 'h', '3000');
  const { reply, turns } = scene.awaitReply((turn) => {
    scene.writer.send('HDEL', 'h', fieldName(turn * 10));
  });
  t.ok(turns > 5);
  t.equal(new Set(reply as string[]).size, 3000);
  scene.checkStore(t);
});

for (const [name, ...ending] of endings) {
  t.test(`HRANDFIELD with repetition of a hash that ${name}`, async (t) => {
    const scene = await filled();
    scene.reader.post('HRANDFIELD', 'h', '-20000');
    const { reply, turns } = scene.awaitReply((turn) => {
      if (turn === 5) scene.writer.post(...ending);
    });
    t.ok(turns > 5);
    const fields = reply as string[];
    t.equal(fields.length, 20_000);
    t.ok(fields.every((field) => /^f00[0-4]\d{3}$/.test(field)));
    scene.writer.received();
    scene.checkStore(t);
  });
}

t.test('HSCAN tells every field that stays exactly once', async (t) => {
  const scene = await filled();
  const { local, reader, writer } = scene;
  const seen: string[] = [];
  let cursor = '0';
  let pages = 0;
  do {
    reader.post('HSCAN', 'h', cursor, 'COUNT', '300', 'MATCH', 'f*');
    const { reply } = scene.awaitReply();
    pages += 1;
    writer.send('HDEL', 'h', fieldName(((pages * 997) % (COUNT / 2)) * 2));
    writer.send('HSET', 'h', `${fieldName((pages * 991) % COUNT)}x`, 'new');
    const [next, page] = reply as [string, string[]];
    cursor = next;
    for (let i = 0; i < page.length; i += 2) seen.push(page[i]!);
  } while (cursor !== '0');
  t.ok(pages > 5);
  t.equal(new Set(seen).size, seen.length, 'none twice');
  const found = new Set(seen);
  for (let i = 1; i < COUNT; i += 2) t.ok(found.has(fieldName(i)), fieldName(i));
  t.match(writer.send('HSCAN', 'h', '12345'), /^-ERR unknown cursor 12345/);
  t.equal(local.node.store.databases[0]!.tree.observer, null);
});

t.test('RENAME of a big hash begins again when it changes, and loses nothing', async (t) => {
  const scene = await filled();
  const { reader, writer } = scene;
  writer.send('SET', 'g', 'old');
  writer.send('PEXPIRE', 'h', '100000');
  reader.post('RENAME', 'h', 'g');
  const { reply, turns } = scene.awaitReply((turn) => {
    if (turn === 0) t.equal(writer.send('GET', 'g'), 'old', 'nothing is seen of it before');
    if (turn === 2) t.equal(writer.send('HSET', 'h', 'late', '1'), 1);
    if (turn === 5) t.equal(writer.send('HDEL', 'h', fieldName(0)), 1);
  });
  t.ok(turns > 5, `${turns} turns`);
  t.equal(reply, 'OK');
  t.equal(writer.send('EXISTS', 'h'), 0);
  t.equal(writer.send('HLEN', 'g'), COUNT);
  t.same(writer.send('HMGET', 'g', 'late', fieldName(0), fieldName(1)), ['1', null, 'v1']);
  t.ok((writer.send('PTTL', 'g') as number) > 0);
  t.equal(writer.send('OBJECT', 'ENCODING', 'g'), 'hashtable');
  scene.checkStore(t);
  scene.checkMemory(t);
});

t.test('RENAME of a hash that is deleted meanwhile', async (t) => {
  const scene = await filled();
  const { local, reader, writer } = scene;
  reader.post('RENAME', 'h', 'g');
  const { reply } = scene.awaitReply((turn) => {
    if (turn === 1) writer.send('DEL', 'h');
  });
  t.equal(reply, '-ERR no such key');
  t.equal(writer.send('DBSIZE'), 0);
  for (let turns = 0; turns < 1000; turns += 1) local.world.advance(1);
  t.equal(local.node.store.space.usedBytes, 0, 'all memory is back');
});

t.test('COPY whose client goes away leaves nothing behind', async (t) => {
  const scene = await filled();
  const { local, reader, writer } = scene;
  reader.post('COPY', 'h', 'g', 'DB', '1');
  local.world.turn();
  reader.link.destroy();
  local.world.turn();
  t.equal(writer.send('DEL', 'h'), 1);
  for (let turns = 0; turns < 1000; turns += 1) local.world.advance(1);
  t.equal(local.node.store.space.usedBytes, 0, 'all memory is back');
});

t.test('DEL of a big hash is one step; memory comes back in slices', async (t) => {
  const { local, writer } = await filled();
  const before = local.node.store.space.usedBytes;
  t.equal(writer.send('UNLINK', 'h'), 1);
  t.ok(local.node.store.space.usedBytes > before / 2, 'not at once');
  for (let turns = 0; turns < 1000; turns += 1) local.world.advance(1);
  t.equal(local.node.store.space.usedBytes, 0);
});

t.test('MEMORY USAGE of a big hash', async (t) => {
  const scene = await filled();
  const all = scene.local.node.store.space.usedBytes;
  for (const samples of ['0', '5', '1000']) {
    scene.reader.post('MEMORY', 'USAGE', 'h', 'SAMPLES', samples);
    const { reply } = scene.awaitReply();
    const share = (reply as number) / all;
    t.ok(share > 0.8 && share < 1.2, `SAMPLES ${samples}: ${share} of what is used`);
  }
});

t.test('HMIRROR of a big hash begins again when it changes', async (t) => {
  const scene = await filled();
  const { reader, writer } = scene;
  reader.post('HMIRROR', 'h', 'ON');
  const { reply, turns } = scene.awaitReply((turn) => {
    t.match(writer.send('HVNTH', 'h', '0'), /no order by value/);
    if (turn === 2) writer.send('HSET', 'h', 'late', 'a');
    if (turn === 5) writer.send('HDEL', 'h', fieldName(0));
  });
  t.ok(turns > 5, `${turns} turns`);
  t.equal(reply, 1);
  t.equal(writer.send('HVNTH', 'h', '0'), 'late');
  t.equal(writer.send('HVCOUNT', 'h', '-', '+'), COUNT);
  scene.checkStore(t);
  scene.checkMemory(t);
});

t.test('HMIRROR of a hash that is deleted meanwhile', async (t) => {
  const scene = await filled();
  scene.reader.post('HMIRROR', 'h', 'ON');
  const { reply } = scene.awaitReply((turn) => {
    if (turn === 2) scene.writer.send('DEL', 'h');
  });
  t.equal(reply, 0);
  scene.checkStore(t);
  scene.checkMemory(t);
});

t.test('HMIRROR whose client goes away leaves nothing behind', async (t) => {
  const scene = await filled();
  const { local, reader, writer } = scene;
  reader.post('HMIRROR', 'h', 'ON');
  for (let turn = 0; turn < 4; turn += 1) local.world.turn();
  reader.link.destroy();
  local.world.turn();
  t.match(writer.send('HVNTH', 'h', '0'), /no order by value/);
  scene.checkStore(t);
  scene.checkMemory(t);
});

t.test('HVRANGE of a big hash begins again when it changes', async (t) => {
  for (const reverse of [false, true]) {
    const scene = await filled();
    const { reader, writer } = scene;
    writer.send('HMIRROR', 'h', 'ON');
    reader.post('HVRANGE', 'h', '(v', '[w', ...(reverse ? ['REV'] : []), 'LIMIT', '0', '-1');
    const { reply, turns } = scene.awaitReply((turn) => {
      if (turn === 2) writer.send('HSET', 'h', 'late', 'w', 'no', 'x', 'nor', 'v');
    });
    t.ok(turns > 3, `${turns} turns`);
    const byText = (a: number, b: number): number => (`v${a}` < `v${b}` ? -1 : 1);
    const sorted = Array.from({ length: COUNT }, (_, i) => i).sort(byText);
    const expected = [...sorted.map(fieldName), 'late'];
    t.same(reply, reverse ? expected.reverse() : expected);
    scene.checkStore(t);
    scene.checkMemory(t);
  }
});
