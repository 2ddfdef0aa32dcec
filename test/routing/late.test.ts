/** What a client has given up takes no effect after what it writes next: docs/decisions/0022. */
import t from 'tap';
import type { Plain } from '../support/local.js';
import { threeNodes } from './three-nodes.js';

t.test('a call that was held up on its way is not begun once it is in doubt', async (t) => {
  const { nodes, scene } = await threeNodes(7);
  const [near, , far] = nodes;
  const client = await near!.client();
  const direct = await far!.client();
  await client.call('SET', 'z', '1');
  scene.sim.block(near!.host, far!.host);
  client.send('SET', 'z', 'old');
  client.send('EVAL', "return redis.call('SET', KEYS[1], 'older')", '1', 'z');
  let replies: Plain[] = [];
  const isTold = (): boolean => {
    replies = [...replies, ...client.received()];
    return replies.length === 2;
  };
  t.ok(await scene.sim.runUntil(isTold, 6000));
  t.match(replies, [/^-INDOUBT .*no reply in time/, /^-INDOUBT .*no reply in time/]);
  t.equal(await direct.call('SET', 'z', 'new'), 'OK');
  scene.sim.unblock(near!.host, far!.host);
  await scene.sim.runFor(30_000);
  t.equal(await direct.call('GET', 'z'), 'new');
  t.equal(await client.call('SET', 'z', 'newest'), 'OK', 'nothing is in the way afterwards');
});

t.test('a call that was held up and is not in doubt yet is tried again', async (t) => {
  const { nodes, scene } = await threeNodes(8);
  const [near, , far] = nodes;
  const client = await near!.client();
  await client.call('SET', 'z', '1');
  client.send('APPEND', 'z', '2');
  far!.host.pause();
  client.send('APPEND', 'z', '3');
  await scene.sim.runFor(4700);
  far!.host.resume();
  await scene.sim.runFor(3000);
  t.strictSame(client.received(), [2, 3]);
  t.equal(await client.call('GET', 'z'), '123');
});

t.test('what waits at a member for long is asked for', async (t) => {
  const { nodes, scene } = await threeNodes(9);
  const client = await nodes[0]!.client();
  const other = await nodes[1]!.client();
  client.send('BLPOP', 'z', '0');
  await scene.sim.runFor(60_000);
  t.equal(await other.call('RPUSH', 'z', 'a'), 1);
  await scene.sim.runFor(100);
  t.strictSame(client.received(), [['z', 'a']]);
});

t.test('what waits at a member ends if nobody asks for it', async (t) => {
  const { nodes, scene } = await threeNodes(10);
  const [near, , far] = nodes;
  const client = await near!.client();
  const direct = await far!.client();
  client.send('BLPOP', 'z', '0');
  await scene.sim.runFor(3000);
  scene.sim.block(near!.host, far!.host);
  await scene.sim.runFor(8500);
  t.equal(await direct.call('RPUSH', 'z', 'a'), 1);
  t.strictSame(await direct.call('LRANGE', 'z', '0', '-1'), ['a'], 'nobody has taken it');
  scene.sim.unblock(near!.host, far!.host);
  await scene.sim.runFor(5000);
  t.match(client.received(), [/^-UNBLOCKED .*in doubt/]);
});

t.test('clocks that drift', async (t) => {
  const { nodes, scene } = await threeNodes(11);
  const client = await nodes[0]!.client();
  t.equal(await client.call('SET', 'z', '1'), 'OK');
  for (const [fast, slow] of [
    [0, 2],
    [2, 0],
  ] as const) {
    nodes[fast]!.host.clockControl.setDrift(50_000);
    nodes[slow]!.host.clockControl.setDrift(-50_000);
    await scene.sim.runFor(60_000);
    const startMs = scene.sim.nowMs;
    t.equal(await client.call('SET', 'z', 'old'), 'OK');
    t.ok(scene.sim.nowMs - startMs < 100, 'it is not thought to be old');
  }
  scene.sim.block(nodes[0]!.host, nodes[2]!.host);
  client.send('SET', 'z', 'late');
  await scene.sim.runFor(7000);
  scene.sim.unblock(nodes[0]!.host, nodes[2]!.host);
  await scene.sim.runFor(10_000);
  t.match(client.received(), [/^-INDOUBT/]);
  t.equal(await client.call('GET', 'z'), 'old', 'nor to be young');
});

t.test('what a client has sent that is gone does not begin', async (t) => {
  const { nodes, scene } = await threeNodes(12);
  const [near, , far] = nodes;
  const client = await near!.client();
  const other = await near!.client();
  await client.call('SET', 'z', '1');
  far!.host.pause();
  client.send('GET', 'z');
  // It waits for the reply before it.
  client.send('SELECT', '0');
  client.send('SET', 'a', 'old');
  await scene.sim.runFor(100);
  client.close();
  await scene.sim.runFor(1500);
  t.equal(await other.call('SET', 'a', 'new'), 'OK');
  far!.host.resume();
  await scene.sim.runFor(20_000);
  t.equal(await other.call('GET', 'a'), 'new');
});
