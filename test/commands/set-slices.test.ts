/** Commands on big sets, which take many turns, with writers in between. */
import t from 'tap';
import { Scene } from '../support/scene.js';

const COUNT = 5000;

function member(i: number): string {
  return `m${String(i).padStart(6, '0')}`;
}

function members(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, i) => member(from + i));
}

/** Two sets that share half of their members. */
function filled(): Promise<Scene> {
  return Scene.filled((writer) => {
    writer.send('SADD', 'a', ...members(0, COUNT));
    writer.send('SADD', 'b', ...members(COUNT / 2, COUNT + COUNT / 2));
  });
}

const operations: readonly (readonly [command: string, from: number, to: number])[] = [
  ['SINTER', COUNT / 2, COUNT],
  ['SUNION', 0, COUNT + COUNT / 2],
  ['SDIFF', 0, COUNT / 2],
];

for (const [command, from, to] of operations) {
  t.test(`${command} of big sets begins again when they change`, async (t) => {
    const scene = await filled();
    scene.reader.post(command, 'a', 'b');
    const { reply, turns } = scene.awaitReply((turn) => {
      if (turn !== 2) return;
      scene.writer.send('SADD', 'a', 'x');
      scene.writer.send('SADD', 'b', 'x');
    });
    t.ok(turns > 3, `${turns} turns`);
    const late = command === 'SDIFF' ? [] : ['x'];
    t.same((reply as string[]).sort(), [...members(from, to), ...late]);
    scene.checkStore(t);
    scene.checkMemory(t);
  });

  t.test(`${command}STORE of big sets is seen as one step`, async (t) => {
    const scene = await filled();
    const { reader, writer } = scene;
    writer.send('SADD', 'd', 'old');
    reader.post(`${command}STORE`, 'd', 'a', 'b');
    // The writer may be served after the last step, and before the reader's reply has left.
    let seen = ['old'];
    const { reply, turns } = scene.awaitReply(() => {
      const now = writer.send('SMEMBERS', 'd') as string[];
      if (now.length > 1) seen = members(from, to);
      t.same(now, seen);
    });
    t.ok(turns > 5, `${turns} turns`);
    t.equal(reply, to - from);
    reader.post('SMEMBERS', 'd');
    t.same(scene.awaitReply().reply, members(from, to));
    scene.checkStore(t);
    scene.checkMemory(t);
  });

  t.test(`${command}STORE of a set that is deleted or becomes a string`, async (t) => {
    const scene = await filled();
    const { reader, writer } = scene;
    reader.post(`${command}STORE`, 'd', 'a', 'b');
    const first = scene.awaitReply((turn) => {
      if (turn === 3) writer.send('DEL', 'a', 'b');
    });
    t.equal(first.reply, 0);
    writer.send('SADD', 'a', ...members(0, COUNT));
    reader.post(`${command}STORE`, 'd', 'a', 'a');
    const second = scene.awaitReply((turn) => {
      if (turn === 3) writer.send('SET', 'a', 'x');
    });
    t.match(second.reply, /^-WRONGTYPE/);
    t.equal(writer.send('EXISTS', 'd'), 0);
    scene.checkStore(t);
    scene.checkMemory(t);
  });

  t.test(`${command}STORE whose client goes away leaves nothing behind`, async (t) => {
    const scene = await filled();
    scene.reader.post(`${command}STORE`, 'd', 'a', 'b');
    for (let turn = 0; turn < 4; turn += 1) scene.local.world.turn();
    scene.reader.link.destroy();
    scene.local.world.turn();
    t.equal(scene.writer.send('EXISTS', 'd'), 0);
    scene.checkStore(t);
    scene.checkMemory(t);
  });
}

t.test('SDIFFSTORE that removes what others hold', async (t) => {
  const scene = await filled();
  const { reader, writer } = scene;
  const small = Array.from({ length: 20 }, (_, i) => `small${i}`);
  for (const [i, key] of small.entries()) writer.send('SADD', key, member(i), `x${i}`);
  reader.post('SDIFFSTORE', 'd', 'a', ...small);
  const { reply, turns } = scene.awaitReply();
  t.ok(turns > 5, `${turns} turns`);
  t.equal(reply, COUNT - small.length);
  reader.post('SMEMBERS', 'd');
  t.same(scene.awaitReply().reply, members(small.length, COUNT));
  scene.checkStore(t);
  scene.checkMemory(t);
});

t.test('SINTERCARD stops at its limit', async (t) => {
  const scene = await filled();
  scene.reader.post('SINTERCARD', '2', 'a', 'b', 'LIMIT', '10');
  const limited = scene.awaitReply();
  scene.reader.post('SINTERCARD', '2', 'a', 'b');
  const whole = scene.awaitReply();
  t.equal(limited.reply, 10);
  t.equal(whole.reply, COUNT / 2);
  scene.checkStore(t);
});

t.test('SPOP of many gives each member once', async (t) => {
  const scene = await filled();
  const { reader, writer } = scene;
  reader.post('SPOP', 'a', '4000');
  const others: string[] = [];
  const { reply, turns } = scene.awaitReply(() => {
    others.push(writer.text('SPOP', 'a'));
  });
  t.ok(turns > 5, `${turns} turns`);
  const popped = reply as string[];
  t.equal(popped.length, 4000);
  reader.post('SMEMBERS', 'a');
  const left = scene.awaitReply().reply as string[];
  t.same([...popped, ...others, ...left].sort(), members(0, COUNT), 'each is somewhere, once');
  scene.checkStore(t);
  scene.checkMemory(t);
});

t.test('SPOP of many from a set that is deleted meanwhile', async (t) => {
  const scene = await filled();
  scene.reader.post('SPOP', 'a', '4000');
  const { reply } = scene.awaitReply((turn) => {
    if (turn === 3) scene.writer.send('DEL', 'a');
  });
  const popped = reply as string[];
  t.ok(popped.length > 0 && popped.length < 4000);
  t.equal(new Set(popped).size, popped.length);
  scene.checkStore(t);
  scene.checkMemory(t);
});

t.test('SPOP of all of a big set', async (t) => {
  const scene = await filled();
  scene.reader.post('SPOP', 'a', String(COUNT));
  const { reply, turns } = scene.awaitReply(() => {
    t.equal(scene.writer.send('EXISTS', 'a'), 0, 'gone at once');
  });
  t.ok(turns > 5, `${turns} turns`);
  t.same(reply, members(0, COUNT));
  scene.checkStore(t);
  scene.checkMemory(t);
});

t.test('SSCAN tells every member that stays exactly once', async (t) => {
  const scene = await filled();
  const { reader, writer } = scene;
  const seen: string[] = [];
  let cursor = '0';
  let pages = 0;
  do {
    reader.post('SSCAN', 'a', cursor, 'COUNT', '300');
    const [next, page] = scene.awaitReply().reply as [string, string[]];
    pages += 1;
    writer.send('SREM', 'a', member(((pages * 997) % (COUNT / 2)) * 2));
    writer.send('SADD', 'a', `${member((pages * 991) % COUNT)}x`);
    cursor = next;
    seen.push(...page);
  } while (cursor !== '0');
  t.ok(pages > 5);
  t.equal(new Set(seen).size, seen.length, 'none twice');
  const found = new Set(seen);
  for (let i = 1; i < COUNT; i += 2) t.ok(found.has(member(i)), member(i));
  t.match(writer.send('SSCAN', 'a', '12345'), /^-ERR unknown cursor 12345/);
});
