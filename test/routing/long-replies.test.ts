/** Replies that are longer than one message between members: as they are made, in order, in portions. */
import t, { type Test } from 'tap';
import { AT_ONCE_BYTES } from '../../lib/commands/strings/long-value.js';
import { ReplyStream } from '../../lib/routing/long-replies.js';
import { ChunkPool } from '../../resp/chunk-pool.js';
import { ReplyWriter } from '../../resp/reply-writer.js';
import { seededRandom, seedOfRun } from '../support/random.js';
import type { RingScene, SceneClient, SceneNode } from '../support/ring-scene.js';
import { threeNodes } from './three-nodes.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);
t.setTimeout(180_000);

/** In place of 1 MiB. */
const REPLY_BYTES_MAX = 100_000;
const VALUE_BYTES = 3_200_000;
const FIELDS = 2000;
const FIELD_BYTES = 100;

function limit(nodes: readonly SceneNode[], wholeBytesMax = 100_000_000): void {
  for (const { node } of nodes) {
    const { guests } = node.server.router!.calls;
    guests.replyBytesMax = REPLY_BYTES_MAX;
    guests.wholeBytesMax = wholeBytesMax;
  }
}

/** A long value and long collections at the third node, which owns x. */
async function fill(owner: SceneNode): Promise<void> {
  const client = await owner.client();
  t.equal(await client.call('SETRANGE', 'x:value', VALUE_BYTES - 1, 'x'), VALUE_BYTES);
  for (let from = 0; from < FIELDS; from += 500) {
    const words: (string | number)[] = ['HSET', 'x:hash'];
    for (let n = from; n < from + 500; n += 1) words.push(`f${n}`, `${n}`.padEnd(FIELD_BYTES, '.'));
    await client.call(...words);
    const items = Array.from({ length: 500 }, (_, n) => `${from + n}`.padEnd(FIELD_BYTES, '.'));
    await client.call('RPUSH', 'x:list', ...items);
  }
}

function nothingKept({ sim }: RingScene, owner: SceneNode): Promise<boolean> {
  return sim.runUntil(() => owner.node.server.router!.parkedCount === 0, 60_000);
}

function lengthOf(reply: unknown): number {
  return typeof reply === 'string' ? reply.length : -1;
}

/** Until the client's node has sent some of a long reply. */
async function begins(scene: RingScene, { node }: SceneNode): Promise<void> {
  const before = node.server.bytesOut;
  const isSome = (): boolean => node.server.bytesOut > before + REPLY_BYTES_MAX;
  t.ok(await scene.sim.runUntil(isSome, 10_000), 'it has begun');
}

async function isWhole(t: Test, client: SceneClient, of: SceneNode): Promise<void> {
  const there = await of.client();
  for (const words of [
    ['GET', 'x:value'],
    ['HGETALL', 'x:hash'],
    ['LRANGE', 'x:list', '0', '-1'],
    ['HVALS', 'x:hash'],
  ]) {
    const wanted = await there.call(...words);
    const found = await client.call(...words);
    t.ok(JSON.stringify(found) === JSON.stringify(wanted), words[0]!);
  }
}

t.test('through another node', async (t) => {
  const { nodes, scene } = await threeNodes(seed);
  const [first, , owner] = nodes as [SceneNode, SceneNode, SceneNode];
  await fill(owner);
  limit(nodes);
  const client = await first.client();
  await isWhole(t, client, owner);
  await client.call('HELLO', '3');
  t.equal(lengthOf(await client.call('GET', 'x:value')), VALUE_BYTES, 'RESP3');
  await client.call('HELLO', '2');
  const script = "return redis.call('GET', KEYS[1])";
  t.equal(lengthOf(await client.call('EVAL', script, '1', 'x:value')), VALUE_BYTES, 'a script');
  await client.call('MULTI');
  await client.call('SELECT', '1');
  await client.call('SELECT', '0');
  await client.call('GET', 'x:value');
  const replies = (await client.call('EXEC')) as string[];
  t.equal(replies[2]?.length, VALUE_BYTES, 'a transaction');
  t.ok(await nothingKept(scene, owner));
});

t.test('values that leave in slices', async (t) => {
  const { nodes, scene } = await threeNodes(seed);
  const [first, , owner] = nodes as [SceneNode, SceneNode, SceneNode];
  const bytes = 2 * AT_ONCE_BYTES;
  const there = await owner.client();
  const client = await first.client();
  for (const replyBytesMax of [1024 * 1024, REPLY_BYTES_MAX]) {
    for (const { node } of nodes) node.server.router!.calls.guests.replyBytesMax = replyBytesMax;
    await there.call('SETRANGE', 'x:value', bytes - 1, 'x');
    for (const words of [
      ['GETRANGE', 'x:value', '0', '-1'],
      ['GETEX', 'x:value', 'PERSIST'],
      ['GET', 'x:value'],
      ['GETDEL', 'x:value'],
    ]) {
      t.equal(lengthOf(await client.call(...words)), bytes, words[0]!);
    }
    await there.call('SETRANGE', 'x:value', bytes - 1, 'x');
    const several = (await client.call('MGET', 'x:value', 'x:none', 'x:value')) as string[];
    t.strictSame(several.map(lengthOf), [bytes, -1, bytes]);
  }
  t.ok(await nothingKept(scene, owner));
});

t.test('values that leave in slices once what was written is on other replicas', async (t) => {
  const { nodes } = await threeNodes(seed, (settings) => {
    settings.writeLevel = 'quorum';
  });
  const bytes = 2 * AT_ONCE_BYTES;
  for (const node of nodes) {
    const client = await node.client();
    for (const words of [
      ['GETSET', 'x:value', 'new'],
      ['SET', 'x:value', 'new', 'GET'],
      ['GETDEL', 'x:value'],
    ]) {
      await client.call('SETRANGE', 'x:value', bytes - 1, 'x');
      t.equal(lengthOf(await client.call(...words)), bytes, `${node.address} ${words.join(' ')}`);
    }
  }
});

t.test('among others, in order', async (t) => {
  const { nodes, scene } = await threeNodes(seed);
  const [first, , owner] = nodes as [SceneNode, SceneNode, SceneNode];
  await fill(owner);
  limit(nodes);
  const client = await first.client();
  client.send('SET', 'a', '1');
  client.send('GET', 'x:value');
  client.send('GET', 'a');
  client.send('SET', 'z', '2');
  client.send('HGETALL', 'x:hash');
  client.send('GET', 'z');
  client.send('CLIENT', 'REPLY', 'SKIP');
  client.send('GET', 'x:value');
  client.send('PING');
  const replies: unknown[] = [];
  const isDone = (): boolean => {
    replies.push(...client.received());
    return replies.length >= 7;
  };
  t.ok(await scene.sim.runUntil(isDone, 60_000));
  t.strictSame(
    replies.map((reply) => (JSON.stringify(reply).length > 1e5 ? true : reply)),
    ['OK', true, '1', 'OK', true, '2', 'PONG'],
  );
});

t.test('messages wait until the reply is whole', async (t) => {
  const { nodes, scene } = await threeNodes(seed);
  const [first, , owner] = nodes as [SceneNode, SceneNode, SceneNode];
  await fill(owner);
  limit(nodes);
  const client = await first.client();
  const other = await first.client();
  await client.call('HELLO', '3');
  await client.call('SUBSCRIBE', 'news');
  client.send('GET', 'x:value');
  for (let n = 0; n < 20; n += 1) {
    other.send('PUBLISH', 'news', `${n}`);
    await scene.sim.runFor(1);
  }
  await scene.sim.runFor(5000);
  const received = client.received();
  t.equal(received.filter((reply) => lengthOf(reply) === VALUE_BYTES).length, 1);
  t.equal(received.length, 21, 'all of them whole');
});

t.test('the owner dies midway: the client is cut off', async (t) => {
  const { nodes, scene } = await threeNodes(seed);
  const [first, , owner] = nodes as [SceneNode, SceneNode, SceneNode];
  await fill(owner);
  limit(nodes);
  scene.sim.setConditions({ delayMinMs: 100, delayMaxMs: 200 });
  const client = await first.client();
  client.send('GET', 'x:value');
  await begins(scene, first);
  owner.host.crash('process');
  t.ok(await scene.sim.runUntil(() => client.isClosed, 60_000));
  t.strictSame(client.received(), [], 'no half of a reply is taken for one');
  t.equal(await (await first.client()).call('PING'), 'PONG');
});

t.test('the client goes midway: nothing is kept', async (t) => {
  const { nodes, scene } = await threeNodes(seed);
  const [first, , owner] = nodes as [SceneNode, SceneNode, SceneNode];
  await fill(owner);
  limit(nodes);
  scene.sim.setConditions({ delayMinMs: 100, delayMaxMs: 200 });
  const client = await first.client();
  client.send('GET', 'x:value');
  await begins(scene, first);
  client.close();
  t.ok(await nothingKept(scene, owner));
});

t.test('a client that reads nothing costs one long reply, of which little is made', async (t) => {
  const { nodes, scene } = await threeNodes(seed);
  const [first, , owner] = nodes as [SceneNode, SceneNode, SceneNode];
  const there = await owner.client();
  const bytes = 10_000_000;
  await there.call('SETRANGE', 'x:value', bytes - 1, 'x');
  const { server } = owner.node;
  const client = await first.client();
  client.pause();
  const times = 16;
  for (let n = 0; n < times; n += 1) client.send('GET', 'x:value');
  const before = server.bytesOut;
  await scene.sim.runFor(20_000);
  t.equal(server.tasks.size, 1, 'the owner makes one reply');
  const sent = server.bytesOut - before;
  t.ok(sent > 0 && sent < 8_000_000, `and has sent a little of it: ${sent} bytes`);
  const router = first.node.server.router!;
  t.equal(router.calls.size, times, 'the others wait');
  t.equal(await (await first.client()).call('GET', 'x:none'), null, 'and hold up nobody');
  client.resume();
  const replies: unknown[] = [];
  const isDone = (): boolean => {
    replies.push(...client.received().map(lengthOf));
    return replies.length >= times;
  };
  t.ok(await scene.sim.runUntil(isDone, 60_000));
  t.ok(
    replies.every((length) => length === bytes),
    'all of them whole',
  );
  t.ok(await nothingKept(scene, owner));
});

t.test('a client that leaves more unread than it may is cut off', async (t) => {
  const { nodes, scene } = await threeNodes(seed);
  const [first, , owner] = nodes as [SceneNode, SceneNode, SceneNode];
  await fill(owner);
  limit(nodes);
  const client = await first.client();
  const setting = 'client-output-buffer-limit';
  t.equal(await client.call('CONFIG', 'SET', setting, 'normal 500000 0 0'), 'OK');
  client.pause();
  client.send('GET', 'x:value');
  const isCut = (): boolean => first.warnings.some((text) => text.startsWith('client cut off'));
  t.ok(await scene.sim.runUntil(isCut, 60_000));
  t.ok(await nothingKept(scene, owner));
});

t.test('many clients at once get theirs', async (t) => {
  const { nodes, scene } = await threeNodes(seed);
  const [first, , owner] = nodes as [SceneNode, SceneNode, SceneNode];
  await fill(owner);
  limit(nodes);
  const clients: SceneClient[] = [];
  for (let n = 0; n < 100; n += 1) clients.push(await first.client());
  for (const client of clients) client.send('LRANGE', 'x:list', '0', '-1');
  const replies: unknown[] = [];
  const isDone = (): boolean => {
    for (const client of clients) replies.push(...client.received());
    return replies.length === clients.length;
  };
  t.ok(await scene.sim.runUntil(isDone, 60_000));
  t.ok(replies.every((reply) => (reply as string[]).length === FIELDS));
});

t.test('a reply that waits to be fetched holds up nothing that comes before it', async (t) => {
  const { nodes, scene } = await threeNodes(seed);
  const [first, , owner] = nodes as [SceneNode, SceneNode, SceneNode];
  await fill(owner);
  limit(nodes);
  const client = await first.client();
  // Who has it is known once all have told how many keys they own.
  client.send('KNTH', '-1');
  client.send('GET', 'x:value');
  client.send('KNTH', '0');
  const replies: unknown[] = [];
  const isDone = (): boolean => {
    replies.push(...client.received());
    return replies.length >= 3;
  };
  t.ok(await scene.sim.runUntil(isDone, 60_000));
  t.strictSame(
    replies.map((reply) => (lengthOf(reply) === VALUE_BYTES ? true : reply)),
    ['x:value', true, 'x:hash'],
  );
});

t.test('what is gathered is in one piece, or refused', async (t) => {
  const { nodes } = await threeNodes(seed);
  const [first, , owner] = nodes as [SceneNode, SceneNode, SceneNode];
  await fill(owner);
  limit(nodes);
  const client = await first.client();
  await client.call('SADD', 'a:set', 'x');
  await client.call(
    'SADD',
    'x:set',
    ...Array.from({ length: 3000 }, (_, n) => `member ${n}`.padEnd(80)),
  );
  t.equal(((await client.call('SUNION', 'a:set', 'x:set')) as string[]).length, 3001);
  limit(nodes, 200_000);
  t.match(
    await client.call('SUNION', 'a:set', 'x:set'),
    /^-ERR the reply of node-\d:6379 has \d+ bytes/,
  );
  t.equal(await client.call('GET', 'x:value:none'), null, 'and goes on');
});

t.test('a stream gives all that is written, whatever is asked for again', (t) => {
  const random = seededRandom(seed);
  const pool = new ChunkPool({ chunkBytes: 1000 });
  for (let round = 0; round < 200; round += 1) {
    const writer = new ReplyWriter(pool, { inFlightBytesMax: 3000 });
    const flush = (): void => {
      writer.flush(stream);
      if (isOver && writer.pendingBytes === 0) stream.end();
    };
    const taken = (): void => {
      writer.drained();
      flush();
    };
    const stream: ReplyStream = new ReplyStream({ taken, cancel: () => {} });
    let isOver = false;
    const wanted: Buffer[] = [];
    const found: Buffer[] = [];
    let offset = 0;
    let last = -1;
    for (let step = 0; ; step += 1) {
      const bytes = random.below(step % 7 === 0 ? 5000 : 300);
      isOver = step > 30;
      if (!isOver) {
        const piece = Buffer.alloc(bytes, 1 + random.below(250));
        writer.raw(piece, 0, bytes);
        wanted.push(piece);
      }
      if (random.below(3) > 0 || isOver) flush();
      if (last >= 0 && random.below(4) === 0) {
        const again = stream.portion(last);
        if (again.kind !== 'bytes' || !again.bytes.equals(found.at(-1)!)) t.fail(`${round}: again`);
      }
      const portion = stream.portion(offset);
      if (portion.kind === 'later') continue;
      if (portion.kind !== 'bytes') return t.fail(`${round}: ${portion.kind}`);
      if (portion.bytes.length === 0) break;
      found.push(portion.bytes);
      last = offset;
      offset += portion.bytes.length;
    }
    if (!Buffer.concat(found).equals(Buffer.concat(wanted))) t.fail(`${round}: differs`);
    t.equal(stream.portion(offset + 1).kind, 'gone');
  }
  t.end();
});
