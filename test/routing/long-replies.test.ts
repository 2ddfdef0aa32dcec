/** Replies that are longer than one message between members: in portions, in order, or refused. */
import t, { type Test } from 'tap';
import { AT_ONCE_BYTES } from '../../lib/commands/strings/long-value.js';
import { LongReply } from '../../lib/routing/long-replies.js';
import { seededRandom, seedOfRun } from '../support/random.js';
import type { RingScene, SceneClient, SceneNode } from '../support/ring-scene.js';
import { threeNodes } from './three-nodes.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);
t.setTimeout(180_000);

/** In place of 60 MiB. */
const REPLY_BYTES_MAX = 100_000;
const VALUE_BYTES = 3_200_000;
const FIELDS = 2000;
const FIELD_BYTES = 100;

function limit(nodes: readonly SceneNode[], longBytesMax = 100_000_000): void {
  for (const { node } of nodes) {
    const { guests } = node.server.router!.calls;
    guests.replyBytesMax = REPLY_BYTES_MAX;
    guests.longBytesMax = longBytesMax;
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

function keptAt(owner: SceneNode): number {
  return owner.node.server.router!.parkedCount;
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
  const { nodes } = await threeNodes(seed);
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
  t.equal(keptAt(owner), 0, 'nothing is kept');
});

t.test('values that leave in slices', async (t) => {
  const { nodes } = await threeNodes(seed);
  const [first, , owner] = nodes as [SceneNode, SceneNode, SceneNode];
  const bytes = 2 * AT_ONCE_BYTES;
  const there = await owner.client();
  const client = await first.client();
  for (const replyBytesMax of [60_000_000, REPLY_BYTES_MAX]) {
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
  t.equal(keptAt(owner), 0, 'nothing is kept');
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
  t.ok(await scene.sim.runUntil(() => keptAt(owner) === 0, 60_000));
});

t.test('beyond what is kept it is refused, and so is what is gathered', async (t) => {
  const { nodes } = await threeNodes(seed);
  const [first, , owner] = nodes as [SceneNode, SceneNode, SceneNode];
  await fill(owner);
  limit(nodes, 1_000_000);
  const client = await first.client();
  const [tooLong, whole] = [
    await client.call('GET', 'x:value'),
    await client.call('HVALS', 'x:hash'),
  ];
  t.match(
    tooLong,
    /^-ERR the reply of node-2:6379 has 32000\d\d bytes, and no more than 1000000 are/,
  );
  t.equal((whole as string[]).length, FIELDS);
  await client.call('SADD', 'a:set', 'x');
  await client.call(
    'SADD',
    'x:set',
    ...Array.from({ length: 3000 }, (_, n) => `member ${n}`.padEnd(80)),
  );
  t.match(
    await client.call('SUNION', 'a:set', 'x:set'),
    /^-ERR the reply of node-\d:6379 has \d+ bytes/,
  );
  t.equal(await client.call('GET', 'x:value:none'), null, 'and goes on');
});

t.test('any portion of any pieces', (t) => {
  const random = seededRandom(seed);
  for (let round = 0; round < 300; round += 1) {
    const pieces = Array.from({ length: random.below(6) }, () => {
      const piece = Buffer.alloc(random.below(20));
      for (let at = 0; at < piece.length; at += 1) piece[at] = random.below(256);
      return piece;
    });
    const whole = Buffer.concat(pieces);
    const long = new LongReply(pieces);
    t.equal(long.bytes, whole.length);
    for (let tries = 0; tries < 20; tries += 1) {
      const offset = random.below(whole.length + 3);
      const bytes = 1 + random.below(25);
      const found = long.portion(offset, bytes);
      if (!found.equals(whole.subarray(offset, offset + bytes))) t.fail(`${round}: ${offset}`);
    }
  }
  t.end();
});
