/** Plain commands for other members: gathered in frames, run in order, at the client's level. */
import t from 'tap';
import { CommandReader, commandBytes, putCommand } from '../../lib/routing/batch-codec.js';
import { Args } from '../../resp/args.js';
import { Chunk } from '../../resp/chunk-pool.js';
import type { SceneNode } from '../support/ring-scene.js';
import { threeNodes } from './three-nodes.js';

/** What a node asks others from now on, by verb. */
function countVerbs({ links }: SceneNode): Map<string, number> {
  const counts = new Map<string, number>();
  const { request } = links;
  links.request = (memberId, channel, words, timeoutMs, done) => {
    const verb = String(words[0]);
    counts.set(verb, (counts.get(verb) ?? 0) + 1);
    return request.call(links, memberId, channel, words, timeoutMs, done);
  };
  return counts;
}

t.test('a pipeline for two others is a frame for each, and answered in order', async (t) => {
  const { nodes, scene } = await threeNodes(11);
  const asked = countVerbs(nodes[0]!);
  const client = await nodes[0]!.client();
  const expected: unknown[] = [];
  let bytes = '';
  for (let n = 0; n < 40; n += 1) {
    for (const key of [`a${n}`, `k${n}`, `z${n}`]) {
      bytes += `*3\r\n$3\r\nSET\r\n$${key.length}\r\n${key}\r\n$1\r\n1\r\n`;
      bytes += `*2\r\n$4\r\nINCR\r\n$${key.length}\r\n${key}\r\n`;
      expected.push('OK', 2);
    }
  }
  client.sendRaw(bytes);
  await scene.sim.runFor(5000);
  t.strictSame(client.received(), expected);
  t.equal(asked.has('CALL'), false, 'no command went by itself');
  t.ok((asked.get('CALLS') ?? 0) >= 2);
  t.ok((asked.get('CALLS') ?? 0) <= 12, `${asked.get('CALLS')} frames`);
});

t.test('writes that wait for replicas are answered together', async (t) => {
  const { nodes, scene } = await threeNodes(12, (settings) => {
    settings.writeLevel = 'quorum';
  });
  const owner = countVerbs(nodes[2]!);
  const client = await nodes[0]!.client();
  client.sendRaw(
    '*3\r\n$3\r\nSET\r\n$1\r\nz\r\n$1\r\n1\r\n*2\r\n$3\r\nGET\r\n$1\r\nz\r\n'.repeat(60),
  );
  await scene.sim.runFor(5000);
  const replies = client.received();
  t.equal(replies.length, 120);
  t.ok(replies.every((reply, n) => reply === (n % 2 === 0 ? 'OK' : '1')));
  t.ok((owner.get('ANSWERS') ?? 0) >= 1, 'they were held');
  t.ok((owner.get('ANSWERS') ?? 0) <= 8, `${owner.get('ANSWERS')} answers`);
  t.equal(nodes[2]!.node.server.router!.parkedCount, 0);
});

t.test('what a turn writes here, behind others, goes to the replicas together', async (t) => {
  const { nodes, scene } = await threeNodes(17, (settings) => {
    settings.writeLevel = 'quorum';
  });
  const asked = countVerbs(nodes[0]!);
  const clients = [await nodes[0]!.client(), await nodes[0]!.client()];
  let bytes = '';
  for (let n = 0; n < 50; n += 1) {
    for (const key of ['z', `a${n}`]) bytes += `*2\r\n$4\r\nINCR\r\n$${key.length}\r\n${key}\r\n`;
  }
  for (const client of clients) client.sendRaw(bytes);
  await scene.sim.runFor(5000);
  const [one, other] = clients.map((client) => client.received() as number[]);
  t.equal(one!.length, 100);
  t.equal(other!.length, 100);
  for (let n = 0; n < 100; n += 2) t.ok(n === 0 || one![n]! > one![n - 2]!, 'in order');
  for (let n = 1; n < 100; n += 2) t.equal(one![n]! + other![n]!, 3, `a${(n - 1) / 2}`);
  // Two replicas; one command at a time it would be 200.
  t.ok((asked.get('APPLY') ?? 0) >= 2);
  t.ok((asked.get('APPLY') ?? 0) <= 12, `${asked.get('APPLY')} requests`);
});

t.test('of what a turn writes here, behind others, each waits at its own level', async (t) => {
  const { nodes, scene } = await threeNodes(18, (settings) => {
    settings.writeLevel = 'quorum';
  });
  const [strict, other] = [await nodes[0]!.client(), await nodes[0]!.client()];
  t.equal(await strict.call('CONSISTENCY', 'WRITE', 'all'), 'OK');
  nodes[1]!.host.pause();
  for (const [client, key] of [
    [other, 'a1'],
    [strict, 'a2'],
    [other, 'a3'],
  ] as const) {
    client.send('GET', 'z');
    client.send('SET', key, '1');
  }
  await scene.sim.runFor(1000);
  t.strictSame(other.received(), [null, 'OK', null, 'OK']);
  t.strictSame(strict.received(), [null]);
  await scene.sim.runFor(30_000);
  t.match(strict.received(), [/^-INDOUBT applied here, acknowledged by 2 of 3 replicas/]);
});

t.test('what waits for replicas holds up no other client', async (t) => {
  const { nodes, scene } = await threeNodes(13);
  const [writer, reader] = [await nodes[0]!.client(), await nodes[0]!.client()];
  t.equal(await writer.call('SET', 'z', '1'), 'OK');
  t.equal(await writer.call('CONSISTENCY', 'WRITE', 'all'), 'OK');
  t.equal(await writer.call('SET', 'z', '2'), 'OK');
  nodes[1]!.host.pause();
  writer.send('SET', 'z', '3');
  writer.send('GET', 'z');
  await scene.sim.runFor(100);
  t.equal(await reader.call('GET', 'z'), '3', 'it has been run');
  t.strictSame(writer.received(), [], 'and waits');
  await scene.sim.runFor(30_000);
  const [write, read] = writer.received();
  t.match(write, /^-INDOUBT applied here, acknowledged by 2 of 3 replicas, level 'all'/);
  t.equal(read, '3');
});

t.test('the level is that of the client, not of the owner', async (t) => {
  const { nodes, scene } = await threeNodes(14, (settings) => {
    settings.writeLevel = 'all';
  });
  const client = await nodes[0]!.client();
  nodes[1]!.host.pause();
  t.equal(await client.call('AT', 'quorum', 'SET', 'z', '1'), 'OK');
  client.send('SET', 'z', '2');
  await scene.sim.runFor(1000);
  t.strictSame(client.received(), []);
});

t.test('long replies, slow commands and those behind them keep their order', async (t) => {
  const { nodes, scene } = await threeNodes(15);
  const client = await nodes[0]!.client();
  const value = 'v'.repeat(200_000);
  t.equal(await client.call('SET', 'z', value), 'OK');
  const members = Array.from({ length: 30_000 }, (_, n) => `m${n}`);
  t.equal(await client.call('SADD', 'zs', ...members), 30_000);
  let expected: unknown[] = [];
  for (let n = 0; n < 5; n += 1) {
    client.send('INCR', 'zn');
    client.send('GET', 'z');
    client.send('SMEMBERS', 'zs');
    client.send('SCARD', 'zs');
    client.send('SET', 'zn', String(10 * n));
    expected = expected.concat([n === 0 ? 1 : 10 * n - 9, value, members.length, 30_000, 'OK']);
  }
  await scene.sim.runFor(20_000);
  const replies = client.received().map((reply) => (Array.isArray(reply) ? reply.length : reply));
  t.strictSame(replies, expected);
});

t.test('frames that cannot be read are refused, and nothing of them is run', (t) => {
  const args = Args.of('SET', 'key', 'value');
  const bytes = commandBytes(args);
  const chunk = new Chunk(2 * bytes);
  const { buf: frame } = chunk;
  t.equal(putCommand(chunk, 0, 7, args), bytes);
  t.equal(putCommand(chunk, bytes, 8, args), 2 * bytes);
  const reader = (buf: Buffer) => new CommandReader(buf, 0, buf.length, new Args());
  t.equal(reader(frame).count(), 2);
  for (let end = 0; end < frame.length; end += 1) {
    const expected = end === 0 ? 0 : end === bytes ? 1 : -1;
    if (reader(frame.subarray(0, end)).count() !== expected) t.fail(`cut at ${end}`);
  }
  const next = reader(frame).next()!;
  t.equal(next.lane, 7);
  t.equal(next.args.string(2), 'value');
  for (const at of [8, 12, 16, 20]) {
    const broken = Buffer.from(frame);
    broken.writeUInt32LE(0xffff_fff0, at);
    t.equal(reader(broken).count(), -1, `a length at ${at}`);
  }
  t.end();
});

t.test('WAIT tells what the level of writes at others ensures', async (t) => {
  const { nodes } = await threeNodes(14);
  const client = await nodes[0]!.client();
  t.equal(await client.call('WAIT', '2', '0'), 2, 'nothing was written');
  for (const [level, others] of [
    ['one', 0],
    ['quorum', 1],
    ['all', 2],
  ] as const) {
    await client.call('AT', level, 'SET', 'z', level);
    await client.call('AT', 'all', 'SET', 'k', level);
    t.equal(await client.call('WAIT', '2', '0'), others, level);
  }
  await client.call('AT', 'one', 'EVAL', "return redis.call('INCR', KEYS[1])", '1', 'n');
  t.equal(await client.call('WAIT', '2', '0'), 0, 'a script');
  t.equal(await client.call('WAIT', '2', '0'), 0, 'nothing since: of the same write');
  await client.call('AT', 'all', 'SET', 'z', '1');
  t.equal(await client.call('WAIT', '2', '0'), 2);
  // What reads only leaves that as it is, though it is sent at a lower level.
  const script = "#!lua flags=no-writes\nreturn redis.call('GET', KEYS[1])";
  await client.call(
    'FUNCTION',
    'LOAD',
    "#!lua name=lib\nredis.register_function{function_name='f', flags={'no-writes'}, callback=function(k) return redis.call('GET', k[1]) end}",
  );
  const sha1 = (await client.call('SCRIPT', 'LOAD', script)) as string;
  t.equal(
    await client.call('WAIT', '2', '0'),
    0,
    'libraries are written at the level of the client',
  );
  for (const words of [
    ['EVAL_RO', "return redis.call('GET', KEYS[1])", '1', 'n'],
    ['EVAL', script, '1', 'n'],
    ['EVALSHA', sha1, '1', 'n'],
    ['FCALL', 'f', '1', 'n'],
    ['FCALL_RO', 'f', '1', 'n'],
  ]) {
    await client.call('AT', 'all', 'SET', 'z', '1');
    t.equal(await client.call('AT', 'one', ...words), '1', words.join(' '));
    t.equal(await client.call('WAIT', '2', '0'), 2, words.join(' '));
  }
  await client.call('AT', 'all', 'SET', 'z', '1');
  await client.call('MULTI');
  await client.call('GET', 'n');
  t.strictSame(await client.call('EXEC'), ['1']);
  t.equal(await client.call('WAIT', '2', '0'), 2, 'a transaction');
});
