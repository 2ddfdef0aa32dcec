/** Levels: what is acknowledged, what is refused, what is in doubt, and who waits for whom. */
import t from 'tap';
import type { Settings } from '../../lib/config/settings.js';
import { seededRandom } from '../support/random.js';
import { RingScene, type SceneNode } from '../support/ring-scene.js';
import { textOf } from './contents.js';

async function formed(seed: number, change: (settings: Settings) => void = () => {}) {
  const scene = new RingScene({
    routes: false,
    seed,
    settings: (settings) => {
      settings.replicas = 3;
      change(settings);
    },
  });
  return { scene, nodes: await scene.form(3) };
}

function holds(node: SceneNode, key: string, value: string): boolean {
  const { tree } = node.node.store.databases[0]!;
  const bytes = Buffer.from(key);
  const leaf = tree.find(bytes, 0, bytes.length);
  return leaf !== 0 && tree.value(leaf).toString() === value;
}

void t.test('what is acknowledged is held', async (t) => {
  const { nodes, scene } = await formed(1);
  const random = seededRandom(1);
  const client = await nodes[0]!.client();
  for (const [level, least] of [
    ['one', 1],
    ['quorum', 2],
    ['all', 3],
  ] as const) {
    let fewest = 3;
    for (let n = 0; n < 100; n += 1) {
      scene.sim.setConditions({ delayMaxMs: random.below(20) });
      const key = `key:${random.below(50)}`;
      const value = `${level}:${n}`;
      t.equal(await client.call('AT', level, 'SET', key, value), 'OK');
      fewest = Math.min(fewest, nodes.filter((node) => holds(node, key, value)).length);
    }
    t.ok(fewest >= least, `level ${level}: at least ${fewest} hold it`);
    // Otherwise nobody would have waited for anything.
    if (level === 'one') t.equal(fewest, 1);
  }
});

void t.test('a member that cannot be reached, before anybody knows', async (t) => {
  const { nodes, scene } = await formed(2);
  const [a, b, c] = nodes as [SceneNode, SceneNode, SceneNode];
  const host = scene.clientHost();
  const client = await a.client(host);
  t.equal(await client.call('SET', 'before', '1'), 'OK');
  scene.sim.partition([a.host, host], [b.host, c.host]);
  // What comes in another packet begins once this is answered.
  client.sendRaw('GET before\r\nSET k v\r\nGET k\r\nPING\r\n');
  await scene.sim.runFor(4000);
  t.strictSame(client.received(), [], 'they are waited for');
  await scene.sim.runFor(1500);
  const doubt =
    "-INDOUBT applied here, acknowledged by 1 of 3 replicas, level 'quorum' was asked for";
  t.strictSame(client.received(), ['1', doubt, doubt, doubt], 'what was read before is told');
  t.equal(await client.call('GET', 'k'), 'v', 'the connection goes on');
  t.equal(await client.call('AT', 'one', 'SET', 'k', 'w'), 'OK', 'nobody waits at one');
  scene.sim.heal();
  await scene.sim.runFor(10_000);
  for (const node of nodes) t.ok(holds(node, 'k', 'w'), 'it arrives in the end');
});

void t.test('a read that other replicas have answered waits for those before it', async (t) => {
  const { nodes, scene } = await formed(5);
  const [a, , c] = nodes as [SceneNode, SceneNode, SceneNode];
  const client = await a.client();
  t.equal(await client.call('AT', 'all', 'SET', 'k', '1'), 'OK');
  c.host.pause();
  client.send('AT', 'all', 'SET', 'k', '2');
  client.send('AT', 'quorum', 'GET', 'k');
  client.send('GET', 'none');
  await scene.sim.runFor(20_000);
  const doubt = "-INDOUBT applied here, acknowledged by 2 of 3 replicas, level 'all' was asked for";
  t.strictSame(client.received(), [doubt, '2', null], 'one reply to each');
});

void t.test('members that are dead', async (t) => {
  const { nodes, scene } = await formed(3);
  const [a, b, c] = nodes as [SceneNode, SceneNode, SceneNode];
  const client = await a.client();
  c.host.crash('process');
  t.ok(await scene.sim.runUntil(() => !a.links.isAlive(c.id), 60_000));
  t.equal(await client.call('SET', 'k', '1'), 'OK', 'two of three are a majority');
  t.equal(
    await client.call('AT', 'all', 'SET', 'k', '2'),
    "-NOQUORUM 2 of 3 replicas can be reached, and level 'all' needs 3, not executed",
  );
  t.equal(await client.call('GET', 'k'), '1', 'it was not executed');
  b.host.crash('process');
  t.ok(await scene.sim.runUntil(() => !a.links.isAlive(b.id), 60_000));
  const refusal =
    "-NOQUORUM 1 of 3 replicas can be reached, and level 'quorum' needs 2, not executed";
  t.equal(await client.call('SET', 'k', '3'), refusal);
  t.equal(await client.call('FLUSHALL'), refusal);
  t.equal(await client.call('EVAL', "return redis.call('SET', KEYS[1], 4)", 1, 'k'), refusal);
  await client.call('MULTI');
  await client.call('SET', 'k', '5');
  t.match(await client.call('EXEC'), /^-EXECABORT .*NOQUORUM 1 of 3/);
  t.equal(await client.call('GET', 'k'), '1', 'reads go on');
  t.equal(await client.call('AT', 'one', 'SET', 'k', '6'), 'OK');
  t.equal(await client.call('CONSISTENCY', 'WRITE', 'one'), 'OK');
  t.equal(await client.call('SET', 'k', '7'), 'OK');
});

void t.test('a replica that stands still is not waited for', async (t) => {
  const { nodes, scene } = await formed(4);
  const [a, , c] = nodes as [SceneNode, SceneNode, SceneNode];
  const client = await a.client();
  c.host.pause();
  const startMs = scene.sim.nowMs;
  for (let n = 0; n < 20; n += 1) t.equal(await client.call('SET', 'k', `${n}`), 'OK');
  t.ok(scene.sim.nowMs - startMs < 1000, 'a majority is enough');
  c.host.resume();
  await scene.sim.runFor(10_000);
  t.ok(holds(c, 'k', '19'));
});

void t.test('levels are asked for by name', async (t) => {
  const { nodes } = await formed(5);
  const client = await nodes[0]!.client();
  t.strictSame(await client.call('CONSISTENCY'), ['read', 'one', 'write', 'quorum']);
  t.equal(await client.call('CONSISTENCY', 'READ', 'quorum', 'WRITE', 'ALL'), 'OK');
  t.strictSame(await client.call('CONSISTENCY'), ['read', 'quorum', 'write', 'all']);
  const two = "-ERR level 'two' is not built yet, not applied; one, quorum and all are";
  t.equal(await client.call('CONSISTENCY', 'READ', 'two'), two);
  t.equal(await client.call('AT', 'two', 'GET', 'k'), two);
  t.match(await client.call('AT', 'most', 'GET', 'k'), /^-ERR 'most' is no consistency level/);
  t.equal(await client.call('CONSISTENCY', 'READ'), '-ERR syntax error');
  t.strictSame(await client.call('CONSISTENCY'), ['read', 'quorum', 'write', 'all']);
});

void t.test('WAIT tells how many others have it', async (t) => {
  const { nodes, scene } = await formed(6);
  const [a, b, c] = nodes as [SceneNode, SceneNode, SceneNode];
  const client = await a.client();
  t.equal(await client.call('WAIT', 0, 0), 2, 'nothing was written');
  await client.call('AT', 'one', 'SET', 'k', '1');
  t.equal(await client.call('WAIT', 2, 0), 2);
  for (const node of nodes) t.ok(holds(node, 'k', '1'));
  c.host.pause();
  await client.call('AT', 'one', 'SET', 'k', '2');
  t.equal(await client.call('WAIT', 1, 0), 1);
  t.ok(holds(b, 'k', '2'));
  await client.call('AT', 'one', 'SET', 'k', '3');
  const startMs = scene.sim.nowMs;
  t.equal(await client.call('WAIT', 2, 300), 1);
  t.ok(scene.sim.nowMs - startMs >= 300, 'the time was over');
  t.equal(await client.call('WAIT', 2, 300), 1, 'asked again: of the same write');
  t.equal(await client.call('WAIT', 0, 0), 1);
  c.host.resume();
  t.equal(await client.call('WAIT', 2, 5000), 2);
  t.equal(await client.call('WAIT', 0, 0), 2);
  await client.call('AT', 'one', 'SET', 'k', '4');
  t.equal(await client.call('WAIT', 2, 5000), 2);
  t.ok(holds(c, 'k', '4'));
});

void t.test('INFO replication', async (t) => {
  const { nodes, scene } = await formed(7);
  const [a, , c] = nodes as [SceneNode, SceneNode, SceneNode];
  const client = await a.client();
  await client.call('AT', 'all', 'SET', 'k', '1');
  const info = textOf(await client.call('INFO', 'replication'));
  t.match(
    info,
    /\r\nrole:master\r\nconnected_slaves:2\r\nslave0:ip=node-\d,port=6379,state=online/,
  );
  t.match(info, /replica1:member=[0-9a-f]{40},address=node-\d:6379,state=alive,in_flight=0,/);
  c.host.crash('process');
  t.ok(await scene.sim.runUntil(() => !a.links.isAlive(c.id), 60_000));
  await client.call('SET', 'k', '2');
  const after = textOf(await client.call('INFO', 'replication'));
  t.match(after, /connected_slaves:1/);
  t.match(after, new RegExp(`member=${c.id},.*state=dead,.*dropped=[1-9]`));
});

void t.test('replicas and disks', async (t) => {
  const { nodes, scene } = await formed(8, (settings) => {
    settings.dir = '/kept';
    settings.fsync = 'always';
  });
  const client = await nodes[0]!.client();
  for (let n = 0; n < 20; n += 1) {
    t.equal(await client.call('AT', 'all', 'SET', `k${n}`, 'v'), 'OK');
    t.equal(await client.call('AT', 'all', 'RPUSH', 'l', `${n}`), n + 1);
  }
  t.equal(await client.call('AT', 'all', 'DEL', 'k0'), 1);
  for (const { host } of nodes) host.crash('process');
  for (const node of nodes) await node.start();
  t.ok(await scene.settled(nodes));
  for (const node of nodes) {
    const other = await node.client();
    t.equal(await other.call('DBSIZE'), 20, 'on every disk');
    t.equal(await other.call('LLEN', 'l'), 20);
    t.equal(await other.call('EXISTS', 'k0'), 0);
  }
});

void t.test('who is no replica sends what it has changed to those who are', async (t) => {
  const scene = new RingScene({
    routes: false,
    seed: 9,
    settings: (settings) => {
      settings.replicas = 3;
    },
  });
  const nodes = await scene.form(5);
  const { current } = nodes[0]!.links.responsibility;
  const owner = current.ownerOf(Buffer.from('k'), 0, 1);
  const isReplica = ({ id }: SceneNode): boolean => current.holds(current.indexOf(id), owner);
  const [stranger] = nodes.filter((node) => !isReplica(node));
  const client = await stranger!.client();
  t.equal(await client.call('AT', 'all', 'SET', 'k', 'v'), 'OK');
  for (const node of nodes.filter(isReplica)) t.ok(holds(node, 'k', 'v'));
  t.ok(holds(stranger!, 'k', 'v'), 'and keeps it for now');
  t.equal(nodes.filter((node) => holds(node, 'k', 'v')).length, 4);
  t.equal(await client.call('AT', 'all', 'FLUSHALL'), 'OK');
  t.equal(nodes.filter((node) => holds(node, 'k', 'v')).length, 0, 'a clear goes to everybody');
});
