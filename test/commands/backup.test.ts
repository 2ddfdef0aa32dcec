/** DHASH BACKUP and DHASH RESTORE, over a node in this process. */
import t from 'tap';
import { BackupStream, CHUNK_BYTES } from '../../lib/backup/backup-stream.js';
import { type LocalClient, LocalNode, type Plain } from '../support/local.js';
import { type SeededRandom, seededRandom, seedOfRun } from '../support/random.js';
import { Scene } from '../support/scene.js';

const seed = seedOfRun();
const DATABASES = 3;
const BIG_BYTES = 300_000;
/** Writes between two turns of a backup. */
const WRITES = 20;
/** Longer than a backup pauses. */
const PAUSE_MS = 20;
/** When the database is emptied, before the backup is done. */
const FLUSH_TURN = 3;

const debuggable = (settings: LocalNode['settings']): void => {
  settings.enableDebugCommand = 'yes';
};

/** A turn of the loop; what has paused for the sake of clients goes on. */
function turn({ world }: LocalNode): void {
  world.nowMs += PAUSE_MS;
  world.turn();
}

function write(client: LocalClient, random: SeededRandom): void {
  const key = `key:${random.below(300)}`;
  const element = `e${random.below(40)}`;
  const value = random.chance(0.01) ? random.bytes(BIG_BYTES) : random.bytes(random.below(60));
  client.send('SELECT', random.below(DATABASES));
  client.send(
    ...random.pick<(string | number | Buffer)[]>([
      ['SET', key, value],
      ['SETRANGE', key, random.below(1000), value],
      ['HSET', `h${key}`, element, value, 'other', '1'],
      ['HDEL', `h${key}`, element],
      ['SADD', `s${key}`, element, random.bytes(5)],
      ['SREM', `s${key}`, element],
      ['ZADD', `z${key}`, random.between(-50, 50), element],
      ['ZREM', `z${key}`, element],
      ['RPUSH', `l${key}`, value],
      ['LPOP', `l${key}`],
      ['PEXPIRE', random.pick(['', 'h', 's', 'z', 'l']) + key, 1_000_000],
      ['DEL', random.pick(['', 'h', 's', 'z', 'l']) + key],
      ['RENAME', key, `key:${random.below(300)}`],
    ]),
  );
}

/** The chunks of a backup, by its replies. */
function chunksOf(replies: readonly Plain[]): Buffer[] {
  const [facts, ...chunks] = replies as string[];
  t.match(JSON.parse(facts!), { format: 1, databases: 16 });
  t.equal(chunks.pop(), '', 'the last reply is empty');
  return chunks.map((chunk) => Buffer.from(chunk, 'latin1'));
}

async function restored(...backups: readonly (readonly Buffer[])[]): Promise<LocalNode> {
  const local = await new LocalNode(debuggable).start();
  const client = local.client();
  t.equal(client.send('DHASH', 'RESTORE', 'BEGIN'), 'OK');
  for (const chunk of backups.flat()) {
    t.type(client.send('DHASH', 'RESTORE', 'CHUNK', chunk), 'number');
  }
  t.type(client.send('DHASH', 'RESTORE', 'END'), 'number');
  return local;
}

t.test(`a backup shows one moment, whatever is written meanwhile (seed ${seed})`, async (t) => {
  const random = seededRandom(seed);
  const scene = await Scene.filled((writer) => {
    for (let i = 0; i < 3000; i += 1) write(writer, random);
  }, debuggable);
  const { reader, writer } = scene;
  const before = writer.send('DEBUG', 'DIGEST');
  reader.post('DHASH', 'BACKUP');
  const replies: Plain[] = [];
  let turns = 0;
  for (; replies.at(-1) !== ''; turns += 1) {
    for (let i = 0; i < WRITES; i += 1) write(writer, random);
    if (turns === FLUSH_TURN) writer.send('FLUSHDB');
    turn(scene.local);
    replies.push(...reader.received());
    if (turns > 10_000) throw new Error('no end');
  }
  t.ok(turns > FLUSH_TURN, `${turns} turns`);
  t.not(writer.send('DEBUG', 'DIGEST'), before);
  scene.checkStore(t);

  const chunks = chunksOf(replies);
  const local = await restored(chunks);
  t.equal(local.client().send('DEBUG', 'DIGEST'), before);
  for (const { tree } of local.node.store.databases) tree.checkTree();
  // Once more, and in another order of backups, changes nothing.
  t.equal((await restored(chunks, chunks)).client().send('DEBUG', 'DIGEST'), before);
  scene.checkMemory(t);
});

t.test('a long value is sent in slices, as it was', async (t) => {
  const bytes = 8_000_000;
  const random = seededRandom(seed);
  const acts: [string, ...(string | number | Buffer)[]][] = [
    ['SETRANGE', 'long', 7_000_000, 'other'],
    ['APPEND', 'long', 'more'],
    ['SET', 'long', 'short'],
    ['DEL', 'long'],
    ['RENAME', 'long', 'elsewhere'],
    ['HSET', 'hash', 'long', 'short'],
    ['HDEL', 'hash', 'long'],
    ['FLUSHALL'],
  ];
  for (const act of acts) {
    const scene = await Scene.filled((writer) => {
      writer.send('SET', 'long', random.bytes(bytes));
      writer.send('HSET', 'hash', 'long', random.bytes(bytes), 'other', '1');
      writer.send('SET', 'z', '1');
    }, debuggable);
    const { reader, writer } = scene;
    const before = writer.send('DEBUG', 'DIGEST');
    reader.post('DHASH', 'BACKUP');
    const replies: Plain[] = [];
    let turns = 0;
    for (; replies.at(-1) !== ''; turns += 1) {
      if (turns === 12 || turns === 44) writer.send(...act);
      turn(scene.local);
      replies.push(...reader.received());
    }
    t.ok(turns > 60, `${act[0]}: ${turns} turns`);
    const chunks = chunksOf(replies);
    const longest = Math.max(...chunks.map((chunk) => chunk.length));
    t.ok(longest < 2 * CHUNK_BYTES, `${longest} bytes at once`);
    t.not(writer.send('DEBUG', 'DIGEST'), before);
    t.equal(
      (await restored(chunks)).client().send('DEBUG', 'DIGEST'),
      before,
      act.join(' ').slice(0, 40),
    );
    scene.checkStore(t);
    scene.checkMemory(t);
  }
});

t.test('it yields to clients', async (t) => {
  const turnsOf = async (isBusy: boolean): Promise<number> => {
    const { local, reader, writer } = await Scene.filled((writer) => {
      for (let i = 0; i < 20_000; i += 1) writer.send('SET', `key:${i}`, `value:${i}`);
    });
    local.world.nowMs += 1000;
    local.world.lookMs = 0.1;
    reader.post('DHASH', 'BACKUP');
    let turns = 0;
    for (let last: Plain = null; last !== ''; turns += 1) {
      if (isBusy) writer.send('PING');
      local.world.nowMs += 1;
      local.world.turn();
      last = reader.received().at(-1) ?? last;
    }
    return turns;
  };
  const [idle, busy] = [await turnsOf(false), await turnsOf(true)];
  t.ok(busy > 3 * idle, `${idle} turns alone, ${busy} beside a client`);
});

t.test('chunks are made in the same memory', async (t) => {
  const { local } = await Scene.filled((writer) => {
    for (let i = 0; i < 20_000; i += 1) writer.send('SET', `key:${i}`, `value:${i}`);
  });
  const stream = new BackupStream(local.node.store);
  const memories: unknown[] = [];
  for (let goesOn = true; goesOn; ) {
    goesOn = stream.write(1_000_000);
    memories.push(stream.takeChunk().buffer);
  }
  stream.close();
  t.ok(memories.length > 3);
  t.equal(new Set(memories.slice(1)).size, 1);
});

t.test('backups of several moments merge, the newest entry wins', async (t) => {
  const local = await new LocalNode(debuggable).start();
  const client = local.client();
  const backup = (): Buffer[] => {
    client.post('DHASH', 'BACKUP');
    const replies: Plain[] = [];
    while (replies.at(-1) !== '') {
      turn(local);
      replies.push(...client.received());
    }
    return chunksOf(replies);
  };
  client.send('SET', 'a', 'old');
  client.send('SET', 'b', 'old');
  client.send('HSET', 'h', 'f', 'old', 'g', 'old');
  const first = backup();
  local.world.advance(5);
  client.send('SET', 'b', 'new');
  client.send('HSET', 'h', 'g', 'new');
  client.send('SADD', 's', 'x');
  const second = backup();
  for (const order of [
    [first, second],
    [second, first],
  ]) {
    const merged = (await restored(...order)).client();
    t.same(merged.send('MGET', 'a', 'b'), ['old', 'new']);
    t.same(merged.send('HGETALL', 'h'), ['f', 'old', 'g', 'new']);
    t.same(merged.send('SMEMBERS', 's'), ['x']);
  }
});

t.test('a node that was flushed takes a backup from before', async (t) => {
  const scene = await Scene.filled((writer) => writer.send('SET', 'a', '1'));
  const { reader, writer } = scene;
  reader.post('DHASH', 'BACKUP');
  const replies: Plain[] = [];
  while (replies.at(-1) !== '') {
    turn(scene.local);
    replies.push(...reader.received());
  }
  t.match(writer.send('DHASH', 'RESTORE', 'BEGIN'), /^-ERR the node holds 1 entries/);
  writer.send('FLUSHALL');
  t.equal(writer.send('DHASH', 'RESTORE', 'BEGIN'), 'OK');
  for (const chunk of chunksOf(replies)) writer.send('DHASH', 'RESTORE', 'CHUNK', chunk);
  t.equal(writer.send('GET', 'a'), '1');
  writer.send('SET', 'a', '2');
  t.equal(writer.send('GET', 'a'), '2');
});

t.test('what is no backup is refused, and changes nothing', async (t) => {
  const local = await new LocalNode().start();
  const client = local.client();
  t.match(client.send('DHASH', 'RESTORE', 'CHUNK', 'x'), /^-ERR DHASH RESTORE BEGIN comes first/);
  t.match(client.send('DHASH', 'RESTORE', 'END'), /^-ERR DHASH RESTORE BEGIN comes first/);
  t.equal(client.send('DHASH', 'RESTORE', 'MIDDLE'), '-ERR syntax error');
  client.send('MULTI');
  t.match(client.send('DHASH', 'BACKUP'), /not allowed inside a transaction/);
  client.send('DISCARD');
  client.send('DHASH', 'RESTORE', 'BEGIN');
  const random = seededRandom(seed);
  for (let i = 0; i < 500; i += 1) {
    const reply = client.send('DHASH', 'RESTORE', 'CHUNK', random.bytes(1 + random.below(300)));
    t.match(
      JSON.stringify(reply),
      /^"?(-ERR this is no chunk of a backup|0$)/,
      `seed ${seed}, ${i}`,
    );
  }
  t.equal(client.send('DBSIZE'), 0);
});

t.test('a client that goes away leaves nothing open', async (t) => {
  const scene = await Scene.filled((writer) => {
    for (let i = 0; i < 2000; i += 1) writer.send('SET', `k${i}`, 'x'.repeat(200));
  });
  scene.reader.post('DHASH', 'BACKUP');
  turn(scene.local);
  scene.reader.link.end();
  turn(scene.local);
  scene.checkStore(t);
  scene.checkMemory(t);
});
