/** Commands that are under way while the keys that they name get another owner. */
import t from 'tap';
import type { Plain } from '../support/local.js';
import type { RingScene, SceneNode } from '../support/ring-scene.js';
import { threeNodes } from './three-nodes.js';

const MINUTE_MS = 60_000;
/** Of members that leave under load. */
const SEEDS = 16;

type Nodes = readonly [near: SceneNode, middle: SceneNode, owner: SceneNode];

async function ring(seed: number): Promise<{ scene: RingScene; nodes: Nodes }> {
  const { nodes, scene } = await threeNodes(seed);
  return { scene, nodes: nodes as unknown as Nodes };
}

/** The third node leaves: what it owned has other owners. */
async function ownerLeaves(scene: RingScene, [near, middle, owner]: Nodes): Promise<void> {
  void owner.node.shutdown().then(() => owner.host.crash('process'));
  if (!(await scene.settled([near, middle], MINUTE_MS))) throw new Error('it did not leave');
}

/** A fourth node owns what lies above p, up to t. */
async function oneJoins(scene: RingScene, nodes: Nodes): Promise<SceneNode> {
  const joined = await scene.join(nodes[0], (settings) => {
    settings.position = 't';
    settings.writeLevel = 'one';
  });
  if (!(await scene.settled([...nodes, joined], MINUTE_MS))) throw new Error('it did not join');
  return joined;
}

t.test('what waits for a list goes on at the new owner: the old one leaves', async (t) => {
  const { nodes, scene } = await ring(1);
  const [near, middle] = nodes;
  const clients = [await near.client(), await middle.client()];
  for (const client of clients) client.send('BLPOP', 'x', '0');
  await scene.sim.runFor(1000);
  await ownerLeaves(scene, nodes);
  const other = await near.client();
  t.equal(await other.call('LPUSH', 'x', 'a', 'b'), 2);
  await scene.sim.runFor(1000);
  const replies = clients.flatMap((client) => client.received());
  t.strictSame(replies.map(String).sort(), ['x,a', 'x,b']);
});

t.test('and one joins', async (t) => {
  const { nodes, scene } = await ring(2);
  const [near, , owner] = nodes;
  const clients = [await near.client(), await owner.client()];
  for (const client of clients) {
    client.send('BLPOP', 'q', '0');
    client.send('PING');
  }
  await scene.sim.runFor(1000);
  const joined = await oneJoins(scene, nodes);
  await scene.sim.runFor(1000);
  t.equal(joined.node.server.blocking.size, 2);
  t.equal(owner.node.server.blocking.size, 0);
  const other = await near.client();
  for (const element of ['a', 'b']) t.equal(await other.call('LPUSH', 'q', element), 1);
  await scene.sim.runFor(1000);
  const replies = clients.map((client) => client.received().map(String).join(' '));
  t.strictSame(replies.sort(), ['q,a PONG', 'q,b PONG']);
  t.equal(await clients[1]!.call('INFO', 'errorstats'), '# Errorstats\r\n', 'no error is counted');
});

t.test('one that has the keys already is asked at once', async (t) => {
  const { nodes, scene } = await ring(3);
  const [near, , owner] = nodes;
  const clients = [await near.client(), await owner.client()];
  for (const client of clients) client.send('BRPOPLPUSH', 'q', 'r', '0');
  await scene.sim.runFor(1000);
  await oneJoins(scene, nodes);
  await scene.sim.runFor(1000);
  const other = await near.client();
  await other.call('RPUSH', 'q', 'a', 'b');
  await scene.sim.runFor(1000);
  t.strictSame(clients.flatMap((client) => client.received().map(String)).sort(), ['a', 'b']);
  t.strictSame(await other.call('LRANGE', 'r', '0', '-1'), ['a', 'b']);
});

t.test('the time that it may wait is that of the client', async (t) => {
  const { nodes, scene } = await ring(4);
  const [near, , owner] = nodes;
  const clients = await Promise.all(
    [near, owner].flatMap((node) => [node.client(), node.client()]),
  );
  const beganMs = scene.sim.nowMs;
  for (const [at, client] of clients.entries()) {
    if (at % 2 === 0) client.send('BZMPOP', '300', '1', 'q', 'MIN');
    else client.send('XREAD', 'COUNT', '1', 'BLOCK', '300000', 'STREAMS', 'q', '$');
  }
  await scene.sim.runFor(1000);
  await oneJoins(scene, nodes);
  const tookMs: number[] = [];
  const pending = new Set(clients);
  await scene.sim.runUntil(() => {
    for (const client of pending) {
      if (client.received().length === 0) continue;
      pending.delete(client);
      tookMs.push(scene.sim.nowMs - beganMs);
    }
    return pending.size === 0;
  }, 600_000);
  t.equal(tookMs.length, clients.length);
  for (const ms of tookMs) t.ok(ms >= 300_000 && ms < 300_500, `${ms} ms`);
});

t.test('a stream is read from where it stood', async (t) => {
  const { nodes, scene } = await ring(5);
  const [near, , owner] = nodes;
  const other = await near.client();
  for (const key of ['q', 'r']) await other.call('XADD', key, '1-1', 'f', 'old');
  const clients = [await near.client(), await owner.client()];
  for (const client of clients) client.send('XREAD', 'BLOCK', '0', 'STREAMS', 'q', 'r', '$', '1-0');
  await scene.sim.runFor(1000);
  t.equal(clients.flatMap((client) => client.received()).length, 2, 'r has something');
  for (const client of clients) client.send('XREAD', 'BLOCK', '0', 'STREAMS', 'q', 'r', '$', '$');
  await scene.sim.runFor(1000);
  await oneJoins(scene, nodes);
  await scene.sim.runFor(1000);
  await other.call('XADD', 'q', '1-2', 'f', 'new');
  await scene.sim.runFor(1000);
  const expected = [[['q', [['1-2', ['f', 'new']]]]]];
  for (const client of clients) t.strictSame(client.received(), expected);
});

t.test('CLIENT REPLY SKIP is about what waits', async (t) => {
  const { nodes, scene } = await ring(6);
  const [near, , owner] = nodes;
  const clients = [await near.client(), await owner.client()];
  for (const client of clients) {
    client.send('CLIENT', 'REPLY', 'SKIP');
    client.send('BLPOP', 'q', '0');
    client.send('ECHO', 'next');
  }
  await scene.sim.runFor(1000);
  await oneJoins(scene, nodes);
  const other = await near.client();
  await other.call('RPUSH', 'q', 'a', 'b');
  await scene.sim.runFor(1000);
  t.strictSame(
    clients.map((client) => client.received()),
    [['next'], ['next']],
  );
  t.equal(await other.call('EXISTS', 'q'), 0);
});

t.test('the new owner tells what Redis would keep a collection in', async (t) => {
  const { nodes, scene } = await ring(17);
  const [near] = nodes;
  const client = await near.client();
  const many = Array.from({ length: 600 }, (_, n) => `member ${n}`);
  await client.call('SADD', 'x:integers', '1', '2', '3');
  await client.call('SADD', 'x:words', '1', 'b');
  await client.call('SADD', 'x:large', ...many);
  await client.call('SADD', 'x:long', 'y'.repeat(100));
  await client.call('HSET', 'x:hash', ...many);
  await client.call('HSET', 'x:large-hash', ...many, ...many.map((field) => `${field}!`));
  await client.call('HSET', 'x:timed', 'f', 'v');
  await client.call('HPEXPIRE', 'x:timed', '1000000', 'FIELDS', '1', 'f');
  await client.call('ZADD', 'x:zset', '1', 'a');
  await client.call('ZADD', 'x:large-zset', ...many.flatMap((member, n) => [n, member]));
  const keys = (await client.call('KEYS', 'x:*')) as string[];
  const seen = async () => {
    const all: Plain[] = [];
    for (const key of keys) {
      all.push(key, await client.call('OBJECT', 'ENCODING', key), await client.call('DUMP', key));
    }
    const scan = (await client.call('SSCAN', 'x:large', '0', 'COUNT', '20')) as [string, Plain[]];
    return [...all, scan[1]];
  };
  const before = await seen();
  await ownerLeaves(scene, nodes);
  t.equal(keys.length, 9);
  t.strictSame(await seen(), before);
});

t.test('keys that part', async (t) => {
  const { nodes, scene } = await ring(7);
  const [near, , owner] = nodes;
  const clients = [await near.client(), await owner.client()];
  for (const client of clients) client.send('BLPOP', 'q', 'x', '0');
  await scene.sim.runFor(1000);
  await oneJoins(scene, nodes);
  await scene.sim.runFor(1000);
  for (const client of clients) {
    t.match(client.received(), [/^-CROSSRANGE the keys of 'blpop' have several owners/]);
  }
});

t.test('it waited at a member that left and could not tell', async (t) => {
  const { nodes, scene } = await ring(8);
  const [near, middle, owner] = nodes;
  const client = await near.client();
  client.send('BLPOP', 'x', '0');
  await scene.sim.runFor(1000);
  scene.sim.partition([near.host], [owner.host]);
  await ownerLeaves(scene, nodes);
  await scene.sim.runUntil(() => !owner.host.isRunning, MINUTE_MS);
  await scene.sim.runFor(MINUTE_MS);
  t.match(client.received(), [/^-UNBLOCKED the owner \(a former member\).*in doubt/]);
  t.equal(middle.node.server.blocking.size, 0);
});

/** A client that tracks, and has read keys; the keys that it is told of. */
async function tracker(node: SceneNode, keys: readonly string[]) {
  const client = await node.client();
  await client.call('HELLO', '3');
  await client.call('CLIENT', 'TRACKING', 'ON');
  for (const key of keys) await client.call('GET', key);
  client.received();
  return {
    told: (): string[] =>
      client
        .received()
        .flatMap((push) => String((push as unknown as { items: unknown[] }).items[1]).split(','))
        .sort(),
  };
}

t.test('CLIENT TRACKING: whoever has read keys that get another owner is told', async (t) => {
  const { nodes, scene } = await ring(9);
  const [near, middle, owner] = nodes;
  const writer = await near.client();
  await writer.call('SET', 'q', 'v');
  const keys = ['a', 'q', 'q-none', 'x', 'x-none'];
  const trackers = [await tracker(near, keys), await tracker(owner, keys)];
  await oneJoins(scene, nodes);
  await scene.sim.runFor(MINUTE_MS);
  for (const { told } of trackers) t.strictSame(told(), ['q', 'q-none']);
  const others = [await tracker(near, keys), await tracker(middle, keys)];
  owner.host.crash('process');
  const isDead = () => !near.links.isAlive(owner.id) && !middle.links.isAlive(owner.id);
  t.ok(await scene.sim.runUntil(isDead, MINUTE_MS));
  await scene.sim.runFor(100);
  for (const { told } of others) t.strictSame(told(), ['x', 'x-none']);
});

t.test('WATCH of keys that get another owner', async (t) => {
  const { nodes, scene } = await ring(10);
  const [near, , owner] = nodes;
  const clients = [await near.client(), await owner.client()];
  for (const client of clients) {
    t.equal(await client.call('WATCH', 'q'), 'OK');
    t.equal(await client.call('MULTI'), 'OK');
    t.equal(await client.call('INCR', 'q'), 'QUEUED');
  }
  await oneJoins(scene, nodes);
  for (const client of clients) t.equal(await client.call('EXEC'), null, 'nobody has seen it all');
  t.equal(await clients[0]!.call('EXISTS', 'q'), 0);
});

for (let seed = 11; seed < 11 + SEEDS; seed += 1) {
  const level = seed % 2 === 0 ? 'one' : 'quorum';
  t.test(`writes under way while their owner leaves, ${level}, seed ${seed}`, async (t) => {
    const { nodes, scene } = await ring(seed);
    const [near, middle, owner] = nodes;
    scene.sim.setConditions({ delayMaxMs: 30 });
    const clients = [await near.client(), await middle.client()];
    for (const client of clients) {
      client.send('CONSISTENCY', 'WRITE', level);
      await scene.sim.runFor(100);
      client.received();
    }
    let isGone = false;
    void owner.node.shutdown().then(() => {
      owner.host.crash('process');
      isGone = true;
    });
    const replies: string[] = [];
    let sentCount = 0;
    while (!isGone || replies.length < sentCount) {
      for (const client of clients) {
        if (!isGone) sentCount += 1;
        if (!isGone) client.send('SADD', `x${sentCount % 7}`, sentCount);
        replies.push(...client.received().map(String));
      }
      await scene.sim.runFor(1);
    }
    t.ok(await scene.settled([near, middle], MINUTE_MS));
    t.ok(sentCount > 100, `${sentCount} writes`);
    t.strictSame(
      replies.filter((reply) => reply !== '1'),
      [],
    );
  });
}

t.test(
  'a walk over the elements of a key that gets another owner goes on, and misses none',
  async (t) => {
    const { nodes, scene } = await ring(9);
    const client = await nodes[0].client();
    const fields = Array.from({ length: 1000 }, (_, n) => `field:${String(n).padStart(4, '0')}`);
    await client.call('HSET', 'q', ...fields.flatMap((field) => [field, '1']));
    const seen = new Set<string>();
    let cursor = '0';
    for (let pages = 0; pages === 0 || cursor !== '0'; pages += 1) {
      if (pages === 5) {
        await oneJoins(scene, nodes);
        // Of these nodes each says at once that it holds all.
        await scene.sim.runFor(5000);
      }
      const reply = await client.call('HSCAN', 'q', cursor, 'COUNT', '100');
      if (!Array.isArray(reply)) return t.fail(`page ${pages}: ${JSON.stringify(reply)}`);
      const [next, page] = reply as [string, string[]];
      for (const word of page) seen.add(word);
      cursor = next;
    }
    t.strictSame(
      fields.filter((field) => !seen.has(field)),
      [],
    );
  },
);
