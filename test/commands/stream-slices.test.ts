/** Commands on big streams, which take many turns, with writers in between. */
import t from 'tap';
import type { LocalClient, Plain } from '../support/local.js';
import { Scene } from '../support/scene.js';

const COUNT = 4000;

function entry(i: number): Plain {
  return [`${i}-0`, ['n', `${i}`]];
}

const entries = Array.from({ length: COUNT }, (_, i) => entry(i + 1));

/** A stream `s` of COUNT entries. */
function fill(writer: LocalClient): void {
  for (let i = 1; i <= COUNT; i += 1) writer.send('XADD', 's', `${i}-0`, 'n', `${i}`);
}

/** The same with a group, which has been delivered all. */
function fillPending(writer: LocalClient): void {
  fill(writer);
  writer.send('XADD', 't', '1-1', 'a', '1');
  for (const key of ['s', 't']) writer.send('XGROUP', 'CREATE', key, 'g', '0');
  writer.send('XREADGROUP', 'GROUP', 'g', 'alice', 'STREAMS', 's', '>');
}

const endings: readonly (readonly [name: string, ...command: string[]])[] = [
  ['goes on', 'PING'],
  ['is deleted', 'DEL', 's'],
  ['is overwritten', 'SET', 's', 'x'],
  ['is flushed', 'FLUSHALL'],
];

const readings: readonly (readonly [command: readonly string[], expected: Plain])[] = [
  [['XRANGE', 's', '-', '+'], entries],
  [['XREVRANGE', 's', '+', '-'], [...entries].reverse()],
  [['XREAD', 'STREAMS', 's', '7-0'], [['s', entries.slice(7)]]],
  [
    ['XREAD', 'STREAMS', 't', 's', '0', '0'],
    [
      ['t', [['1-1', ['a', '1']]]],
      ['s', entries],
    ],
  ],
];

for (const [name, ...ending] of endings) {
  for (const [command, expected] of readings) {
    t.test(`${command.slice(0, 4).join(' ')} shows one moment of what ${name}`, async (t) => {
      const scene = await Scene.filled(fillPending);
      const { reader, writer } = scene;
      reader.post(...command);
      const { reply, turns } = scene.awaitReply((turn) => {
        writer.send('XADD', 's', '*', 'late', `${turn}`);
        writer.send('XDEL', 's', `${(turn * 991) % COUNT}-0`);
        if (turn === 5) writer.post(...ending);
      });
      t.ok(turns > 5, `${turns} turns`);
      t.same(reply, expected);
      scene.checkStore(t);
      scene.checkMemory(t);
    });
  }
}

t.test('XREADGROUP moves the group on at once', async (t) => {
  const scene = await Scene.filled((writer) => {
    fill(writer);
    writer.send('XGROUP', 'CREATE', 's', 'g', '0');
  });
  const { reader, writer } = scene;
  reader.post('XREADGROUP', 'GROUP', 'g', 'alice', 'STREAMS', 's', '>');
  t.equal(writer.send('XREADGROUP', 'GROUP', 'g', 'bob', 'STREAMS', 's', '>'), null);
  writer.send('XADD', 's', '9000-0', 'late', '1');
  const late = writer.send('XREADGROUP', 'GROUP', 'g', 'bob', 'STREAMS', 's', '>');
  t.same(late, [['s', [['9000-0', ['late', '1']]]]]);
  const { reply, turns } = scene.awaitReply();
  t.ok(turns > 5, `${turns} turns`);
  t.same(reply, [['s', entries]]);
  const owners = [
    ['alice', `${COUNT}`],
    ['bob', '1'],
  ];
  t.same(writer.send('XPENDING', 's', 'g'), [COUNT + 1, '1-0', '9000-0', owners]);
  scene.checkStore(t);
  scene.checkMemory(t);
});

t.test('a group that goes while it is read stays gone', async (t) => {
  for (const ending of [
    ['XGROUP', 'DESTROY', 's', 'g'],
    ['DEL', 's'],
    ['SET', 's', 'x'],
  ]) {
    const scene = await Scene.filled((writer) => {
      fill(writer);
      writer.send('XGROUP', 'CREATE', 's', 'g', '0');
    });
    scene.reader.post('XREADGROUP', 'GROUP', 'g', 'alice', 'STREAMS', 's', '>');
    const { reply } = scene.awaitReply((turn) => {
      if (turn === 3) scene.writer.post(...ending);
    });
    t.same(reply, [['s', entries]]);
    scene.writer.received();
    scene.writer.send('DEL', 's');
    scene.checkMemory(t);
  }
});

t.test('what is pending, told again and in order', async (t) => {
  const scene = await Scene.filled(fillPending);
  const { reader, writer } = scene;
  reader.post('XREADGROUP', 'GROUP', 'g', 'alice', 'STREAMS', 's', '0');
  writer.send('XDEL', 's', '3999-0');
  const { reply, turns } = scene.awaitReply();
  t.ok(turns > 5, `${turns} turns`);
  const told = [...entries];
  told[3998] = ['3999-0', null];
  t.same(reply, [['s', told]]);
  reader.post('XPENDING', 's', 'g', '-', '+', '1000000');
  const pending = scene.awaitReply((turn) => {
    if (turn === 2) writer.send('XACK', 's', 'g', '1-0');
  });
  const ids = (pending.reply as [string, string, number, number][]).map(([id]) => id);
  t.same(
    ids,
    entries.slice(1).map((one) => (one as [string])[0]),
  );
  reader.post('XINFO', 'STREAM', 's', 'FULL', 'COUNT', '0');
  const full = scene.awaitReply().reply as unknown[];
  t.equal((full[full.indexOf('entries') + 1] as unknown[]).length, COUNT - 1);
  scene.checkStore(t);
  scene.checkMemory(t);
});

t.test('XAUTOCLAIM of everything', async (t) => {
  const scene = await Scene.filled(fillPending);
  const { reader, writer } = scene;
  for (let i = 1; i <= COUNT; i += 100) writer.send('XDEL', 's', `${i}-0`);
  reader.post('XAUTOCLAIM', 's', 'g', 'bob', '0', '0', 'COUNT', '1000000', 'JUSTID');
  const { reply, turns } = scene.awaitReply();
  t.ok(turns > 5, `${turns} turns`);
  const [cursor, claimed, deleted] = reply as [string, string[], string[]];
  t.equal(cursor, '0-0');
  t.equal(claimed.length + deleted.length, COUNT);
  t.equal(deleted.length, COUNT / 100);
  const owners = [['bob', `${claimed.length}`]];
  t.same(writer.send('XPENDING', 's', 'g'), [claimed.length, '2-0', `${COUNT}-0`, owners]);
  scene.checkStore(t);
  scene.checkMemory(t);
});

t.test('trimming spares what comes meanwhile', async (t) => {
  for (const command of [
    ['XTRIM', 's', 'MAXLEN', '10'],
    ['XTRIM', 's', 'MAXLEN', '0'],
    ['XTRIM', 's', 'MINID', '3990-0'],
    ['XADD', 's', 'MAXLEN', '10', '5000-0', 'a', '1'],
  ]) {
    const scene = await Scene.filled(fill);
    const { reader, writer } = scene;
    reader.post(...command);
    let added = 0;
    for (let turn = 0; turn < 300; turn += 1) {
      added += 1;
      writer.send('XADD', 's', `${6000 + turn}-0`, 'late', '1');
      scene.local.world.turn();
    }
    const left = { XTRIM: { '10': 10, '0': 0, '3990-0': 11 }, XADD: { MAXLEN: 10 } };
    const kept = command[0] === 'XADD' ? left.XADD.MAXLEN : (left.XTRIM as never)[command[3]!];
    t.equal(reader.received().length, 1);
    t.equal(writer.send('XLEN', 's'), kept + added, command.join(' '));
    scene.checkStore(t);
    scene.checkMemory(t);
  }
});

t.test('consumers and groups with much that is pending', async (t) => {
  const scene = await Scene.filled(fillPending);
  const { reader, writer } = scene;
  reader.post('XGROUP', 'DELCONSUMER', 's', 'g', 'alice');
  t.equal(scene.awaitReply().reply, COUNT);
  t.same(writer.send('XPENDING', 's', 'g'), [0, null, null, null]);
  writer.send('XGROUP', 'SETID', 's', 'g', '0');
  reader.post('XREADGROUP', 'GROUP', 'g', 'bob', 'STREAMS', 's', '>');
  scene.awaitReply();
  reader.post('XGROUP', 'DESTROY', 's', 'g');
  writer.send('XGROUP', 'CREATE', 's', 'g', '0');
  t.same(writer.send('XPENDING', 's', 'g'), [0, null, null, null], 'a new one has nothing');
  t.equal(scene.awaitReply().reply, 1);
  t.equal(writer.send('XGROUP', 'DESTROY', 's', 'g'), 1);
  scene.checkStore(t);
  scene.checkMemory(t);
});
