/** Commands on long lists, which take many turns, with writers in between; and crowded places. */
import t, { type Test } from 'tap';
import { type LocalClient, LocalNode, type Plain } from '../support/local.js';
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

/** Waits until the first waiter's reply is being made: the list is there, and nobody has it yet. */
function beginPop(scene: Scene): void {
  scene.writer.post('RENAME', 'l', 'd');
  const { blocking } = scene.local.node.server;
  const before = blocking.size;
  for (let turns = 0; blocking.size === before && turns < 1000; turns += 1) {
    scene.local.world.turn();
  }
}

/** Whoever waits with BLMPOP for so many elements of `d`, in this order. */
function waiters(scene: Scene, ...counts: readonly number[]): LocalClient[] {
  return counts.map((count) => {
    const client = scene.local.client();
    client.post('BLMPOP', '100', '2', 'x', 'd', 'LEFT', 'COUNT', count);
    return client;
  });
}

function awaitAll(scene: Scene, clients: readonly LocalClient[]): Plain[][] {
  const replies: Plain[][] = clients.map(() => []);
  for (let turns = 0; turns < 1000; turns += 1) {
    for (const [i, client] of clients.entries()) replies[i]!.push(...client.received());
    scene.local.world.turn();
  }
  return replies;
}

t.test('BLMPOP of many: who waits longest is served first, and whole', async (t) => {
  const scene = await filled();
  const all = elementsOf(COUNT);
  const clients = waiters(scene, 3000, 2500, 100, 1);
  beginPop(scene);
  t.equal(scene.local.node.server.blocking.size, 3, 'the first is being served, the others wait');
  t.same(awaitAll(scene, clients), [
    [['d', all.slice(0, 3000)]],
    [['d', all.slice(3000, 5500)]],
    [['d', all.slice(5500, 5600)]],
    [['d', all.slice(5600, 5601)]],
  ]);
  scene.writer.received();
  t.equal(scene.writer.send('LLEN', 'd'), 399);
  t.equal(scene.local.node.store.waits.size, 0);
  checkEmpty(t, scene);
});

t.test('BLMPOP of many: whose client goes leaves all to the next', async (t) => {
  const scene = await filled();
  const [first, second] = waiters(scene, 3000, 2500) as [LocalClient, LocalClient];
  beginPop(scene);
  first.link.destroy();
  t.same(awaitAll(scene, [second]), [[['d', elementsOf(2500)]]]);
  scene.writer.received();
  t.equal(scene.writer.send('LLEN', 'd'), COUNT - 2500);
  checkEmpty(t, scene);
});

t.test('BLMPOP of many: what has gone meanwhile is waited for again', async (t) => {
  const scene = await filled();
  const [first] = waiters(scene, 3000) as [LocalClient];
  const { blocking } = scene.local.node.server;
  beginPop(scene);
  scene.writer.received();
  t.equal(scene.writer.send('DEL', 'd'), 1);
  for (let turns = 0; blocking.size === 0 && turns < 100; turns += 1) scene.local.world.turn();
  t.equal(blocking.size, 1);
  t.equal(blocking.timedCount, 1);
  t.equal(first.link.isPaused, false, 'so that it is heard when it goes');
  t.same(first.received(), []);
  scene.writer.send('RPUSH', 'x', 'late');
  scene.local.world.settle();
  t.same(first.received(), [['x', ['late']]]);
  t.equal(first.send('PING'), 'PONG');
  first.post('BLMPOP', '100', '1', 'd', 'LEFT', 'COUNT', '3000');
  scene.writer.send('RPUSH', 'd', ...elementsOf(COUNT));
  scene.writer.send('DEL', 'd');
  for (let turns = 0; blocking.size === 0 && turns < 100; turns += 1) scene.local.world.turn();
  scene.local.world.advance(100_000);
  t.same(first.received(), [null], 'its time is over in the end');
  checkEmpty(t, scene);
});

t.test('LMPOP of many turns to the next key when the first has gone', async (t) => {
  const scene = await filled();
  scene.writer.send('RPUSH', 'm', ...elementsOf(4000));
  scene.reader.post('LMPOP', '2', 'l', 'm', 'RIGHT', 'COUNT', '3000');
  const { reply } = scene.awaitReply((turn) => {
    if (turn === 1) scene.writer.send('DEL', 'l');
  });
  t.same(reply, ['m', elementsOf(4000).slice(-3000).reverse()]);
  checkEmpty(t, scene);
});

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
