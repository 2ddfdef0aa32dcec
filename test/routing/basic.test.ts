/** Forwarding, order of replies, refusals. */
import t from 'tap';
import { threeNodes } from './three-nodes.js';

t.test('any node takes any command', async (t) => {
  const { nodes } = await threeNodes(1);
  const [a, b, c] = await Promise.all(nodes.map((node) => node.client()));
  t.equal(await a!.call('SET', 'k', '1'), 'OK');
  t.equal(await b!.call('GET', 'k'), '1');
  t.equal(await c!.call('INCR', 'k'), 2);
  t.equal(await a!.call('GET', 'k'), '2');
});

t.test('replies of a pipeline come in order, whoever answers', async (t) => {
  const { nodes, scene } = await threeNodes(2);
  const client = await nodes[0]!.client();
  const count = 600;
  const expected: unknown[] = [];
  for (let i = 0; i < count; i += 1) {
    const key = `${'ajrz'[i % 4]}${i % 7}`;
    client.send('SET', key, i);
    client.send('GET', key);
    expected.push('OK', String(i));
    if (i % 50 === 0) {
      client.send('NOSUCH');
      client.send('SELECT', '0');
      client.send('GET');
      client.send('MGET', key, 'none');
      expected.push(
        "-ERR unknown command 'NOSUCH', with args beginning with: ",
        'OK',
        "-ERR wrong number of arguments for 'get' command",
        [String(i), null],
      );
    }
  }
  await scene.sim.runFor(5000);
  t.strictSame(client.received(), expected);
});

t.test('several commands of a pipeline are under way at a time', async (t) => {
  const { nodes, scene } = await threeNodes(3);
  const client = await nodes[0]!.client();
  await client.call('MSET', 'k', '1', 'z', '1');
  scene.sim.setConditions({ delayMinMs: 50, delayMaxMs: 50 });
  for (let i = 0; i < 64; i += 1) client.send('INCR', i % 2 === 0 ? 'z' : 'k');
  await scene.sim.runFor(500);
  t.equal(client.received().length, 64, 'all in the time of a few round trips');
});

t.test('keys of several owners', async (t) => {
  const { nodes } = await threeNodes(4);
  const client = await nodes[0]!.client();
  t.equal(await client.call('MSET', 'a', '1', 'k', '2', 'r', '3'), 'OK');
  t.strictSame(await client.call('MGET', 'r', 'none', 'a', 'k', 'a'), ['3', null, '1', '2', '1']);
  t.equal(await client.call('EXISTS', 'a', 'k', 'k', 'x'), 3);
  t.equal(await client.call('DEL', 'a', 'k', 'none'), 2);
  const refusal =
    "-CROSSRANGE the keys of 'rename' have several owners: 'r' at node-2:6379, 'a' at " +
    'node-0:6379; nothing was applied; keys that share a {tag} at their beginning have one owner';
  t.equal(await client.call('RENAME', 'r', 'a'), refusal);
  t.equal(await client.call('GET', 'r'), '3', 'it was not applied');
  t.match(await client.call('MSETNX', 'k', '1', 'r', '2'), /^-CROSSRANGE the keys of 'msetnx'/);
  t.match(await client.call('SWAPDB', '0', '1'), /^-ERR SWAPDB is not supported/);
  t.equal(await client.call('SET', 'z', '1'), 'OK');
  t.equal(await client.call('DBSIZE'), 2);
  t.equal(await client.call('FLUSHALL'), 'OK');
  t.equal(await client.call('DBSIZE'), 0);
});

t.test('SCAN finds every key once, through any node', async (t) => {
  const { nodes } = await threeNodes(5);
  const client = await nodes[1]!.client();
  const keys = Array.from({ length: 300 }, (_, i) => `${'agkqtz'[i % 6]}${i}`);
  for (const key of keys) await client.call('SET', key, '1');
  for (const options of [
    ['COUNT', '7'],
    ['COUNT', '1000'],
    ['MATCH', 'q*'],
    ['TYPE', 'list'],
  ]) {
    const found: string[] = [];
    let cursor = '0';
    do {
      const [next, some] = (await client.call('SCAN', cursor, ...options)) as [string, string[]];
      found.push(...some);
      cursor = next;
    } while (cursor !== '0');
    const wanted = options[0] === 'TYPE' ? [] : keys;
    const matching = options[0] === 'MATCH' ? wanted.filter((key) => key.startsWith('q')) : wanted;
    t.strictSame(found, [...matching].sort(), options.join(' '));
  }
  t.match(await client.call('SCAN', '77'), /^-ERR unknown cursor/);
  t.match(await client.call('SCAN', 'x'), /^-ERR invalid cursor/);
  const seen = new Set<unknown>();
  for (let i = 0; i < 60; i += 1) seen.add(await client.call('RANDOMKEY'));
  t.ok(seen.size > 20 && [...seen].every((key) => keys.includes(String(key))), 'RANDOMKEY');
});

t.test('CLIENT REPLY', async (t) => {
  const { nodes, scene } = await threeNodes(6);
  const client = await nodes[0]!.client();
  for (const words of [
    ['CLIENT', 'REPLY', 'SKIP'],
    ['SET', 'z', '1'],
    ['GET', 'z'],
    ['CLIENT', 'REPLY', 'OFF'],
    ['SET', 'z', '2'],
    ['SET', 'a', '2'],
    ['CLIENT', 'REPLY', 'ON'],
    ['MGET', 'z', 'a'],
  ]) {
    client.send(...words);
  }
  await scene.sim.runFor(2000);
  t.strictSame(client.received(), ['1', 'OK', ['2', '2']]);
});

t.test('reads of keys of several owners', async (t) => {
  const { nodes } = await threeNodes(7);
  const client = await nodes[0]!.client();
  await client.call('SADD', 'a', '1', '2', '3');
  await client.call('SADD', 'k', '2', '3', '4');
  await client.call('ZADD', 'z', '1', '3', '2', '9');
  await client.call('PFADD', 'b', 'x', 'y');
  await client.call('PFADD', 'y', 'y', 'z');
  t.strictSame(await client.call('SINTER', 'a', 'k'), ['2', '3']);
  t.strictSame(await client.call('SUNION', 'a', 'k', 'none'), ['1', '2', '3', '4']);
  t.equal(await client.call('SINTERCARD', '2', 'a', 'k'), 2);
  t.strictSame(await client.call('ZINTER', '2', 'a', 'z', 'WITHSCORES'), ['3', '2']);
  t.equal(await client.call('PFCOUNT', 'b', 'y'), 3);
  t.match(await client.call('SUNION', 'a', 'b'), /^-WRONGTYPE/);
  t.match(await client.call('SUNIONSTORE', 'a', 'k', 'z'), /^-CROSSRANGE/);
  t.equal(await client.call('DBSIZE'), 5);
  const { databases } = nodes[0]!.node.store;
  t.equal(databases[0]!.size(), 5, 'nothing else stays here');
});

t.test('the last replies of a client that breaks the protocol', async (t) => {
  const { nodes, scene } = await threeNodes(8);
  const client = await nodes[0]!.client();
  client.send('SET', 'z', '1');
  client.send('GET', 'z');
  client.sendRaw('*x\r\n');
  t.ok(await scene.sim.runUntil(() => client.isClosed, 5000));
  t.strictSame(client.received(), ['OK', '1', '-ERR Protocol error: invalid multibulk length']);
});
