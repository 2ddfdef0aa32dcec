/** Commands that take many turns, with writers and slow readers in between. */
import t from 'tap';
import { Scene } from '../support/scene.js';

const COUNT = 5000;

function filled(): Promise<Scene> {
  return Scene.filled((writer) => {
    for (let i = 0; i < COUNT; i += 1)
      writer.send('SET', `k${String(i).padStart(6, '0')}`, `v${i}`);
  });
}

for (const reverse of [false, true]) {
  t.test(`KRANGE${reverse ? ' REV' : ''} shows one moment`, async (t) => {
    const { local, reader, writer } = await filled();
    const expected: string[] = [];
    for (let i = 0; i < COUNT; i += 1) expected.push(`k${String(i).padStart(6, '0')}`, `v${i}`);
    reader.post('KRANGE', '-', '+', ...(reverse ? ['REV'] : []), 'WITHVALUES');
    let turns = 0;
    let replies = reader.received();
    while (replies.length === 0) {
      turns += 1;
      const i = String((turns * 997) % COUNT).padStart(6, '0');
      writer.send('SET', `k${i}`, 'changed');
      writer.send('DEL', `k${String((turns * 991) % COUNT).padStart(6, '0')}`);
      writer.send('SET', `k${i}x`, 'new');
      if (turns === 5) writer.send('FLUSHALL');
      local.world.turn();
      replies = reader.received();
    }
    t.ok(turns > 5, `${turns} turns`);
    const [reply] = replies as [string[]];
    const pairs: string[] = [];
    for (let i = 0; i < reply.length; i += 2) pairs.push(`${reply[i]}=${reply[i + 1]}`);
    const wanted: string[] = [];
    for (let i = 0; i < expected.length; i += 2) wanted.push(`${expected[i]}=${expected[i + 1]}`);
    t.same(pairs, reverse ? wanted.reverse() : wanted);
    t.equal(local.node.store.databases[0]!.tree.observer, null, 'the snapshot was closed');
  });
}

t.test('KEYS shows one moment', async (t) => {
  const { local, reader, writer } = await filled();
  reader.post('KEYS', 'k*');
  writer.send('FLUSHALL');
  writer.send('SET', 'k', 'x');
  let replies = reader.received();
  for (let turns = 0; replies.length === 0 && turns < 1000; turns += 1) {
    local.world.turn();
    replies = reader.received();
  }
  t.equal((replies[0] as string[]).length, COUNT);
});

t.test('KDELRANGE takes turns and keeps what is written meanwhile', async (t) => {
  const { local, reader, writer } = await filled();
  reader.post('KDELRANGE', '-', '+');
  const before = writer.send('DBSIZE') as number;
  t.ok(before > 0 && before < COUNT, `${before} left after the first slice`);
  writer.send('SET', 'k999999', 'new');
  let replies = reader.received();
  for (let turns = 0; replies.length === 0 && turns < 1000; turns += 1) {
    local.world.turn();
    replies = reader.received();
  }
  t.same(replies, [COUNT]);
  t.same(writer.send('KEYS', '*'), ['k999999']);
});

t.test('a reader that goes away leaves nothing behind', async (t) => {
  const { local, reader, writer } = await filled();
  reader.post('KRANGE', '-', '+', 'WITHVALUES');
  t.not(local.node.store.databases[0]!.tree.observer, null, 'a snapshot is open');
  reader.link.destroy();
  local.world.turn();
  t.equal(local.node.store.databases[0]!.tree.observer, null);
  writer.send('FLUSHALL');
  for (let turns = 0; turns < 1000; turns += 1) local.world.advance(1);
  t.equal(local.node.store.space.usedBytes, 0, 'all memory is back');
});

t.test('a reader that does not read stops being served', async (t) => {
  const { local, reader } = await filled();
  const { session } = [...local.node.server.sessions.values()].map((session) => ({ session }))[0]!;
  reader.link.stuck = true;
  // Some of what it sends is read, to hear when it goes.
  for (let turns = 0; turns < 4000; turns += 1) {
    if (!reader.link.isPaused) reader.post('KRANGE', '-', '+', 'WITHVALUES');
    local.world.turn();
  }
  t.ok(reader.link.isPaused, 'nothing more is read from it');
  t.ok(session.reply.heldBytes < 4 * 1024 * 1024, `${session.reply.heldBytes} bytes held`);
  const { queryBytes } = session.carrier;
  t.ok(queryBytes < 80 * 1024, `${queryBytes} bytes of requests`);
});
