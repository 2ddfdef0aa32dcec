/** Commands that block, messages and invalidations, through any node. */
import t from 'tap';
import type { Settings } from '../../lib/config/settings.js';
import { RingScene, type SceneNode } from '../support/ring-scene.js';
import { threeNodes } from './three-nodes.js';

const blockedAt = (node: SceneNode) => node.node.server.blocking.size;

t.test('a command that blocks at another member', async (t) => {
  const { nodes, scene } = await threeNodes(1);
  const client = await nodes[0]!.client();
  const other = await nodes[1]!.client();
  client.send('BLPOP', 'z', '0');
  client.send('GET', 'a');
  await scene.sim.runFor(1000);
  t.strictSame(client.received(), [], 'what follows waits');
  t.equal(blockedAt(nodes[2]!), 1);
  t.equal(await other.call('LPUSH', 'z', 'one'), 1, 'others do not');
  await scene.sim.runFor(1000);
  t.strictSame(client.received(), [['z', 'one'], null]);
  t.equal(await client.call('BLPOP', 'z', '0.1'), null, 'its time is over');
  t.match(await client.call('BLPOP', 'z', 'a', '0.1'), /^-CROSSRANGE the keys of 'blpop'/);
  client.send('XREAD', 'BLOCK', '0', 'STREAMS', 'y', '$');
  await scene.sim.runFor(100);
  await other.call('XADD', 'y', '1-1', 'f', 'v');
  await scene.sim.runFor(100);
  t.strictSame(client.received(), [[['y', [['1-1', ['f', 'v']]]]]]);
});

t.test('who is gone gets nothing', async (t) => {
  const { nodes, scene } = await threeNodes(2);
  const [client, other] = [await nodes[0]!.client(), await nodes[1]!.client()];
  client.send('BLPOP', 'z', '0');
  await scene.sim.runFor(100);
  t.equal(blockedAt(nodes[2]!), 1);
  client.close();
  t.ok(await scene.sim.runUntil(() => blockedAt(nodes[2]!) === 0, 5000), 'its wait ends');
  t.equal(await other.call('RPUSH', 'z', 'kept'), 1);
  t.equal(await other.call('LLEN', 'z'), 1);
});

t.test('CLIENT UNBLOCK', async (t) => {
  const { nodes, scene } = await threeNodes(3);
  const [client, other] = [await nodes[0]!.client(), await nodes[0]!.client()];
  const id = (await client.call('CLIENT', 'ID')) as number;
  client.send('BLPOP', 'z', '0');
  await scene.sim.runFor(100);
  t.equal(await other.call('CLIENT', 'UNBLOCK', id), 1);
  await scene.sim.runFor(100);
  t.strictSame(client.received(), [null]);
  client.send('BLPOP', 'z', '0');
  await scene.sim.runFor(100);
  t.equal(await other.call('CLIENT', 'UNBLOCK', id, 'ERROR'), 1);
  await scene.sim.runFor(100);
  t.strictSame(client.received(), ['-UNBLOCKED client unblocked via CLIENT UNBLOCK']);
  t.equal(await other.call('CLIENT', 'UNBLOCK', id), 0);
});

t.test('the member where a command waits dies', async (t) => {
  const { nodes, scene } = await threeNodes(4);
  const client = await nodes[0]!.client();
  client.send('BLPOP', 'z', '0');
  await scene.sim.runFor(100);
  nodes[2]!.host.crash('process');
  await scene.sim.runFor(60_000);
  const [reply] = client.received();
  t.match(reply, /^-UNBLOCKED the owner \(node-2:6379\), where 'blpop' waited, is gone; in doubt/);
  t.equal(await client.call('PING'), 'PONG');
});

t.test('what others have put into a list while its owner stood still', async (t) => {
  const { nodes, scene } = await threeNodes(7);
  const [, middle, owner] = nodes;
  const client = await owner!.client();
  const other = await middle!.client();
  client.send('BLPOP', 'z', '0');
  await scene.sim.runFor(100);
  owner!.host.pause();
  t.ok(await scene.sim.runUntil(() => !middle!.links.isAlive(owner!.id), 60_000));
  t.equal(await other.call('RPUSH', 'z', 'a'), 1);
  owner!.host.resume();
  await scene.sim.runFor(60_000);
  t.strictSame(client.received(), [['z', 'a']]);
  t.equal(await other.call('LLEN', 'z'), 0);
});

t.test(
  'what waits with a replica, since its owner cannot be reached, waits at the owner again',
  async (t) => {
    const { nodes, scene } = await threeNodes(9);
    const [near, middle, owner] = nodes;
    const client = await middle!.client();
    await client.call('GET', 'z');
    scene.sim.partition([middle!.host], [owner!.host]);
    await scene.sim.runFor(15_000);
    client.send('GET', 'z');
    client.send('BLPOP', 'z', '0');
    t.ok(await scene.sim.runUntil(() => blockedAt(near!) === 1, 15_000));
    scene.sim.heal();
    await scene.sim.runFor(3000);
    t.ok(near!.links.isAlive(owner!.id) && middle!.links.isAlive(owner!.id), 'nobody died');
    t.equal(blockedAt(near!), 0);
    t.equal(blockedAt(owner!), 1);
    const other = await owner!.client();
    t.equal(await other.call('RPUSH', 'z', 'a'), 1);
    await scene.sim.runFor(100);
    t.strictSame(client.received().at(-1), ['z', 'a']);
  },
);

t.test('messages reach the clients of a newcomer, while it is filled, too', async (t) => {
  const scene = new RingScene({ seed: 8, fills: false });
  const positions = ['h', 'p', 'z', 't'];
  const place = (settings: Settings): void => {
    settings.position = positions.shift()!;
  };
  const [near, middle] = await scene.form(3, place);
  const publisher = await near!.client();
  const joined = await scene.join(near!, place);
  scene.sim.partition([middle!.host], [joined.host]);
  const { links } = joined;
  t.ok(await scene.sim.runUntil(() => links.isReady && links.view!.next !== undefined, 60_000));
  const client = await joined.client();
  t.strictSame(await client.call('SUBSCRIBE', 'news'), ['subscribe', 'news', 1]);
  t.equal(await publisher.call('PUBLISH', 'news', 'hello'), 1);
  t.ok(links.view!.next !== undefined, 'it is filled no sooner');
  t.strictSame(client.received(), [['message', 'news', 'hello']]);
});

t.test('messages reach subscribers of all nodes', async (t) => {
  const { nodes, scene } = await threeNodes(5);
  const [one, two, three] = await Promise.all(nodes.map((node) => node.client()));
  await one!.call('SUBSCRIBE', 'news');
  await two!.call('PSUBSCRIBE', 'n*');
  await two!.call('SSUBSCRIBE', 'shard');
  t.equal(await three!.call('PUBLISH', 'news', 'hello'), 2);
  t.equal(await three!.call('SPUBLISH', 'shard', 'psst'), 1);
  t.equal(await three!.call('PUBLISH', 'other', 'hello'), 0);
  await three!.call('MULTI');
  await three!.call('PUBLISH', 'news', 'again');
  t.strictSame(await three!.call('EXEC'), [0], 'in a transaction those here are counted');
  await scene.sim.runFor(1000);
  t.strictSame(one!.received(), [
    ['message', 'news', 'hello'],
    ['message', 'news', 'again'],
  ]);
  t.strictSame(two!.received(), [
    ['pmessage', 'n*', 'news', 'hello'],
    ['smessage', 'shard', 'psst'],
    ['pmessage', 'n*', 'news', 'again'],
  ]);
});

t.test('CLIENT TRACKING', async (t) => {
  const { nodes, scene } = await threeNodes(6);
  const [reader, writer] = [await nodes[0]!.client(), await nodes[1]!.client()];
  const pushes = () =>
    reader.received().map((push) => [...(push as unknown as { items: unknown[] }).items]);
  await reader.call('HELLO', '3');
  await reader.call('CLIENT', 'TRACKING', 'ON');
  for (const key of ['a', 'k', 'z']) await reader.call('GET', key);
  reader.received();
  for (const key of ['a', 'k', 'z']) await writer.call('SET', key, '1');
  await scene.sim.runFor(1000);
  t.equal(pushes().length, 3, 'each change of what was read is told');
  await writer.call('SET', 'z', '2');
  await scene.sim.runFor(1000);
  t.equal(reader.received().length, 0, 'once');
  await reader.call('MGET', 'a', 'k', 'z');
  await writer.call('FLUSHALL');
  await scene.sim.runFor(1000);
  t.ok(pushes().length >= 1, 'and that all have gone');
});

t.test('of what expires one member tells', async (t) => {
  const { nodes, scene } = await threeNodes(10);
  const events: string[][] = [];
  const told = (keys: readonly string[]) =>
    keys.flatMap((key) => [`expired ${key}`, `hexpired ${key}h`]);
  const clients = await Promise.all(nodes.map((node) => node.client()));
  for (const client of clients) {
    await client.call('CONFIG', 'SET', 'notify-keyspace-events', 'Exh');
    await client.call('HELLO', '3');
    await client.call('PSUBSCRIBE', '__keyevent@0__:*expired');
    client.received();
  }
  const writer = await nodes[0]!.client();
  for (const key of ['a', 'k', 'y']) {
    await writer.call('SET', key, 'v', 'PX', '1000');
    await writer.call('HSET', `${key}h`, 'f', 'v', 'g', 'v');
    await writer.call('HPEXPIRE', `${key}h`, '1000', 'FIELDS', '1', 'f');
  }
  await scene.sim.runFor(5000);
  for (const client of clients) {
    const pushes = client.received() as unknown as { items: Buffer[] }[];
    const texts = pushes.map(({ items }) => items.map(String));
    events.push(
      texts.map((words) => `${words[2]!.slice('__keyevent@0__:'.length)} ${words[3]}`).sort(),
    );
  }
  t.strictSame(events, [told(['a']), told(['k']), told(['y'])]);
});
