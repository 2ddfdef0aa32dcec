/** Commands on long lists, which take many turns, with writers in between; and crowded places. */
import t, { type Test } from 'tap';
import { LocalNode, type Plain } from '../support/local.js';
import { seededRandom, seedOfRun } from '../support/random.js';
import { Scene } from '../support/scene.js';

const COUNT = 6000;

/** `e0` to `e9` again and again. */
function elementsOf(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `e${i % 10}`);
}

/** A list `l` of COUNT elements. */
function filled(): Promise<Scene> {
  return Scene.filled((writer) => {
    writer.send('RPUSH', 'l', ...elementsOf(COUNT));
  });
}

function checkEmpty(t: Test, scene: Scene): void {
  scene.checkStore(t);
  scene.checkMemory(t);
}

const cases: readonly {
  name: string;
  command: readonly string[];
  reply: (all: readonly string[]) => Plain;
  left: (all: readonly string[]) => readonly string[];
}[] = [
  {
    name: 'LRANGE',
    command: ['LRANGE', 'l', '100', '-101'],
    reply: (all) => all.slice(100, -100),
    left: (all) => all,
  },
  {
    name: 'LTRIM',
    command: ['LTRIM', 'l', '3000', '-101'],
    reply: () => 'OK',
    left: (all) => all.slice(3000, -100),
  },
  {
    name: 'LPOP',
    command: ['LPOP', 'l', '4000'],
    reply: (all) => all.slice(0, 4000),
    left: (all) => all.slice(4000),
  },
  {
    name: 'RPOP',
    command: ['RPOP', 'l', '4000'],
    reply: (all) => all.slice(-4000).reverse(),
    left: (all) => all.slice(0, -4000),
  },
  {
    name: 'LMPOP of all',
    command: ['LMPOP', '2', 'x', 'l', 'LEFT', 'COUNT', '100000'],
    reply: (all) => ['l', [...all]],
    left: () => [],
  },
];

for (const { name, command, reply, left } of cases) {
  t.test(`${name} in slices`, async (t) => {
    const scene = await filled();
    const all = elementsOf(COUNT);
    scene.writer.send('PEXPIRE', 'l', '1000000');
    scene.reader.post(...command);
    const { reply: got, turns } = scene.awaitReply();
    t.ok(turns > 3, `${turns} turns`);
    t.same(got, reply(all));
    scene.reader.post('LRANGE', 'l', '0', '-1');
    t.same(scene.awaitReply().reply, left(all));
    if (left(all).length > 0) t.ok((scene.writer.send('PTTL', 'l') as number) > 0);
    checkEmpty(t, scene);
  });
}

for (const name of ['LTRIM', 'LPOP', 'RPOP']) {
  t.test(`${name} begins again when the list changes, and then ends`, async (t) => {
    const scene = await filled();
    const { reader, writer } = scene;
    reader.post(...(name === 'LTRIM' ? ['LTRIM', 'l', '3000', '-1'] : [name, 'l', '3000']));
    let pushed = 0;
    let length = COUNT;
    scene.awaitReply(() => {
      const before = length;
      length = writer.send('RPUSH', 'l', `late${pushed}`) as number;
      if (length > before) pushed += 1;
    });
    const late = Array.from({ length: pushed }, (_, i) => `late${i}`);
    const stays = writer.send('LLEN', 'l') as number;
    t.ok(stays >= 3000, `${stays} left`);
    if (name !== 'RPOP') t.same(writer.send('LRANGE', 'l', `${-late.length}`, '-1'), late);
    checkEmpty(t, scene);
  });
}

for (const [name, ...ending] of [
  ['is deleted', 'DEL', 'l'],
  ['is overwritten', 'SET', 'l', 'x'],
  ['is flushed', 'FLUSHALL'],
] as const) {
  t.test(`long commands on a list that ${name}`, async (t) => {
    for (const command of [
      ['LPOP', 'l', '4000'],
      ['LTRIM', 'l', '4000', '-1'],
      ['LRANGE', 'l', '0', '-1'],
    ]) {
      const scene = await filled();
      scene.reader.post(...command);
      const { reply } = scene.awaitReply((turn) => {
        if (turn === 1) scene.writer.send(...ending);
      });
      if (command[0] === 'LRANGE') t.same(reply, elementsOf(COUNT));
      else if (name === 'is overwritten') t.match(reply, /^-WRONGTYPE/);
      else t.same(reply, command[0] === 'LPOP' ? null : 'OK');
      checkEmpty(t, scene);
    }
  });
}

t.test('a search in slices', async (t) => {
  const scene = await filled();
  const { reader, writer } = scene;
  for (let i = 0; i < 3; i += 1) writer.send('RPUSH', 'l', ...elementsOf(COUNT));
  reader.post('LPOS', 'l', 'e7', 'RANK', '-1', 'COUNT', '0');
  const found = scene.awaitReply();
  t.ok(found.turns > 3, `${found.turns} turns`);
  t.equal((found.reply as number[]).length, (COUNT * 4) / 10);
  t.equal((found.reply as number[])[0], COUNT * 4 - 3);
  writer.send('RPUSH', 'l', 'last');
  reader.post('LINSERT', 'l', 'BEFORE', 'last', 'new');
  t.equal(scene.awaitReply().reply, COUNT * 4 + 2);
  t.same(writer.send('LRANGE', 'l', '-3', '-1'), ['e9', 'new', 'last']);
  reader.post('LREM', 'l', '0', 'e5');
  const removed = scene.awaitReply();
  t.equal(removed.reply, (COUNT * 4) / 10);
  t.equal(writer.send('LPOS', 'l', 'e5'), null);
  t.equal(writer.send('LLEN', 'l'), COUNT * 4 * 0.9 + 2);
  checkEmpty(t, scene);
});

t.test('a client that goes away while its elements are copied', async (t) => {
  const scene = await filled();
  scene.reader.post('LPOP', 'l', '4000');
  scene.local.world.turn();
  scene.reader.link.destroy();
  scene.local.world.turn();
  t.equal(scene.writer.send('LLEN', 'l'), COUNT);
  checkEmpty(t, scene);
});

t.test('insertions at ever the same place of a list', async (t) => {
  for (const kind of ['between the last two', 'before one', 'after one', 'anywhere']) {
    const seed = seedOfRun();
    const random = seededRandom(seed);
    const local = await new LocalNode().start();
    const client = local.client();
    const model = ['low', 'high'];
    client.send('RPUSH', 'l', ...model);
    client.send('PEXPIRE', 'l', '1000000');
    let at = 1;
    for (let i = 0; i < 2000; i += 1) {
      if (kind === 'between the last two') at += i % 2;
      else if (kind === 'before one') at = model.length - 1;
      else if (kind === 'anywhere') at = 1 + random.below(model.length - 1);
      const length = client.send('LINSERT', 'l', 'BEFORE', model[at]!, `${i}`);
      model.splice(at, 0, `${i}`);
      if (length !== model.length) t.fail(`${kind}: ${JSON.stringify(length)}`);
    }
    t.same(client.send('LRANGE', 'l', '0', '-1'), model, `${kind} (seed ${seed})`);
    t.ok((client.send('PTTL', 'l') as number) > 0, 'it keeps its expiry');
    const list = local.node.store.databases[0]!.collection();
    list.openQuietly(Buffer.from('l'), 0, 1, 1);
    list.sub.check();
    let longest = 0;
    for (let i = 0; i < list.size; i += 1) {
      longest = Math.max(longest, list.elements.keyBytes(list.elements.nth(i)));
    }
    t.ok(longest <= 96, `${kind}: ${longest} bytes`);
  }
});
