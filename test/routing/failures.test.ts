/** Members that die, are slow or cannot be reached; views that change meanwhile. */
import t from 'tap';
import { threeNodes } from './three-nodes.js';

t.test('an owner that is dead: the next replica acts in its place', async (t) => {
  const { nodes, scene } = await threeNodes(1);
  const client = await nodes[0]!.client();
  t.equal(await client.call('SET', 'z', '1'), 'OK');
  nodes[2]!.host.crash('process');
  t.match(await client.call('SET', 'z', '2'), /^(OK|-INDOUBT .*|-TRYAGAIN .*)$/);
  await scene.sim.runFor(3000);
  t.equal(await client.call('SET', 'z', '3'), 'OK');
  t.equal(await client.call('GET', 'z'), '3');
  const other = await nodes[1]!.client();
  t.equal(await other.call('GET', 'z'), '3', 'all ask the same one');
  t.equal(await other.call('DBSIZE'), 1);
});

t.test('a write that was sent and not answered is in doubt', async (t) => {
  const { nodes, scene } = await threeNodes(2);
  const client = await nodes[0]!.client();
  await client.call('SET', 'z', '1');
  client.send('SET', 'z', '2');
  client.send('GET', 'z');
  client.send('GET', 'a');
  nodes[2]!.host.pause();
  await scene.sim.runFor(60_000);
  const [write, read, here] = client.received();
  t.match(write, /^-INDOUBT the owner \(node-2:6379\) has not answered 'set'/);
  t.notMatch(read, /^-INDOUBT/, 'a read is asked elsewhere');
  t.equal(here, null);
});

t.test('what reaches a member that stood still is not executed late', async (t) => {
  const { nodes, scene } = await threeNodes(6);
  const client = await nodes[0]!.client();
  const direct = await nodes[2]!.client();
  await client.call('SET', 'z', '1');
  nodes[2]!.host.pause();
  client.send('SET', 'z', 'old');
  direct.send('SET', 'z', 'older');
  direct.send('EVAL', "return redis.call('SET', KEYS[1], 'older')", '1', 'z');
  await scene.sim.runFor(60_000);
  t.match(client.received(), [/^-INDOUBT/]);
  const other = await nodes[1]!.client();
  t.equal(await other.call('SET', 'z', 'new'), 'OK');
  nodes[2]!.host.resume();
  await scene.sim.runFor(500);
  const refusal = /^-TRYAGAIN this member did not run .*: not executed$/;
  t.match(direct.received(), [refusal, refusal]);
  await scene.sim.runFor(20_000);
  for (const node of nodes) {
    t.equal(await (await node.client()).call('AT', 'quorum', 'GET', 'z'), 'new');
  }
  t.equal(await direct.call('SET', 'z', 'newest'), 'OK');
});

t.test('a refusal does not overtake the reply to what is under way', async (t) => {
  const { nodes, scene } = await threeNodes(6);
  const client = await nodes[0]!.client();
  await client.call('AT', 'all', 'SET', 'z', '1');
  nodes[2]!.host.pause();
  client.send('GET', 'z');
  await scene.sim.runFor(100);
  nodes[0]!.host.pause();
  client.send('SET', 'z', '2');
  await scene.sim.runFor(6000);
  nodes[0]!.host.resume();
  await scene.sim.runFor(60_000);
  // This member stood still for longer than it tries.
  t.match(client.received(), [
    /^(1|-TRYAGAIN .*; not applied)$/,
    /^-TRYAGAIN this member did not run .*: not executed$/,
  ]);
});

t.test('scripts and transactions that only read are asked elsewhere, too', async (t) => {
  const get = "return redis.call('GET', KEYS[1])";
  for (const [name, words] of [
    ['EVAL_RO', [['EVAL_RO', get, '1', 'z']]],
    ['EVAL', [['EVAL', `#!lua flags=no-writes\n${get}`, '1', 'z']]],
    ['EXEC', [['MULTI'], ['GET', 'z'], ['EXEC']]],
  ] as const) {
    const { nodes, scene } = await threeNodes(5);
    const client = await nodes[0]!.client();
    await client.call('SET', 'z', '1');
    await client.call('AT', 'all', 'SET', 'z', '2');
    for (const command of words) client.send(...command);
    nodes[2]!.host.pause();
    await scene.sim.runFor(60_000);
    const reply = client.received().at(-1);
    t.match([reply].flat()[0], /^(2|-TRYAGAIN .*; not applied)$/, name);
  }
});

t.test('a ring that grows under load loses nothing and answers in order', async (t) => {
  const { nodes, scene } = await threeNodes(3);
  const client = await nodes[0]!.client();
  const keys = 'agkqtz';
  // Nothing is copied between members here: only keys of borders that stay are looked at.
  const joining = scene.join(nodes[0]!, (settings) => {
    settings.position = 'b';
  });
  const expected: unknown[] = [];
  for (let round = 0; round < 200; round += 1) {
    const key = keys[2 + (round % 4)]!;
    client.send('INCR', key);
    expected.push(Math.floor(round / 4) + 1);
    await scene.sim.runFor(20);
  }
  const node = await joining;
  t.ok(await scene.settled([...nodes, node]));
  await scene.sim.runFor(5000);
  t.strictSame(client.received(), expected);
  const fourth = await node.client();
  t.equal(await fourth.call('GET', 'z'), '50');
});

t.test('all replicas of a key are dead', async (t) => {
  const { nodes, scene } = await threeNodes(4, (settings) => {
    settings.replicas = 2;
  });
  const client = await nodes[0]!.client();
  for (const node of [nodes[1]!, nodes[2]!]) node.host.crash('process');
  await scene.sim.runFor(30_000);
  const down = /^-CLUSTERDOWN no replica of what node-1:6379 owns can be reached; not applied/;
  t.match(await client.call('SET', 'k', '1'), down);
  t.match(await client.call('MGET', 'a', 'k'), down);
  t.equal(await client.call('SET', 'a', '1'), 'OK');
  t.equal(await client.call('SET', 'z', '1'), 'OK', 'of this one there is another replica');
});
