/** MULTI, WATCH and scripts through any node. */
import t from 'tap';
import { threeNodes } from './three-nodes.js';

t.test('a transaction runs at the owner of its keys', async (t) => {
  const { nodes } = await threeNodes(1);
  const client = await nodes[0]!.client();
  const exec = async (...commands: string[][]) => {
    await client.call('MULTI');
    for (const words of commands) await client.call(...words);
    return client.call('EXEC');
  };
  t.strictSame(await exec(['SET', 'z', '1'], ['INCR', 'z'], ['LPUSH', 'z', 'x'], ['GET', 'y']), [
    'OK',
    2,
    '-WRONGTYPE Operation against a key holding the wrong kind of value',
    null,
  ]);
  t.strictSame(await exec(['SET', 'a', '1'], ['INCR', 'a']), ['OK', 2]);
  t.strictSame(await exec(['PING'], ['ECHO', 'x']), ['PONG', 'x']);
  t.strictSame(await exec(['SELECT', '3'], ['SET', 'z', 'three']), ['OK', 'OK']);
  t.equal(await client.call('GET', 'z'), 'three', 'SELECT stays');
  await client.call('SELECT', '0');
  t.match(await exec(['SET', 'a', '7'], ['SET', 'z', '7']), /^-CROSSRANGE the keys of 'exec'/);
  t.match(await exec(['SET', 'z', '7'], ['DBSIZE']), /^-CROSSRANGE 'dbsize' concerns the whole/);
  t.match(await exec(['SET', 'z', '7'], ['CLIENT', 'ID']), /^-CROSSRANGE 'client\|id' is about/);
  t.strictSame(await client.call('MGET', 'a', 'z'), ['2', '2'], 'nothing of them was applied');
  t.match(await exec(['NOSUCH']), /^-EXECABORT/);
  t.equal(await client.call('EXEC'), '-ERR EXEC without MULTI');
});

t.test('WATCH', async (t) => {
  const { nodes, scene } = await threeNodes(2);
  const client = await nodes[0]!.client();
  const other = await nodes[1]!.client();
  const attempt = async (key: string) => {
    await client.call('MULTI');
    await client.call('SET', key, 'mine');
    return client.call('EXEC');
  };
  for (const key of ['a', 'k', 'z']) {
    await client.call('WATCH', key);
    t.strictSame(await attempt(key), ['OK'], `${key} was not touched`);
    await client.call('WATCH', key);
    await other.call('SET', key, 'theirs');
    t.equal(await attempt(key), null, `${key} was touched`);
    t.equal(await client.call('GET', key), 'theirs');
    t.strictSame(await attempt(key), ['OK'], 'and is watched no more');
    await client.call('WATCH', key);
    await other.call('SET', key, 'theirs');
    await client.call('UNWATCH');
    t.strictSame(await attempt(key), ['OK'], 'UNWATCH');
  }
  await client.call('WATCH', 'a', 'z');
  t.match(await attempt('z'), /^-CROSSRANGE the keys of 'exec'.*'z' at.*'a' at/);
  t.strictSame(await attempt('z'), ['OK']);
  await client.call('WATCH', 'z');
  client.close();
  await other.call('PING');
  const count = () => nodes[2]!.node.store.watches.size;
  t.ok(await scene.sim.runUntil(() => count() === 0, 5000), 'a client that goes');
});

t.test('scripts run where their keys are, and reach no others', async (t) => {
  const { nodes } = await threeNodes(3);
  const client = await nodes[0]!.client();
  const set = "return redis.call('SET', KEYS[1], ARGV[1])";
  t.equal(await client.call('EVAL', set, '1', 'z', '1'), 'OK');
  t.equal(await client.call('GET', 'z'), '1');
  t.match(await client.call('EVAL', set, '2', 'z', 'a', '1'), /^-CROSSRANGE the keys of 'eval'/);
  const stray = "return redis.call('SET', 'a', 'stray')";
  t.match(await client.call('EVAL', stray, '1', 'z'), /CROSSRANGE the keys of 'set' have/);
  t.equal(await client.call('GET', 'a'), null);
  t.match(await client.call('EVAL', "return redis.call('DBSIZE')", '0'), /CROSSRANGE 'dbsize'/);
  const sha = (await client.call('SCRIPT', 'LOAD', set)) as string;
  t.equal(await client.call('EVALSHA', sha, '1', 'z', '2'), 'OK');
  t.equal(await client.call('EVALSHA', sha, '1', 'k', '2'), 'OK');
  const code =
    '#!lua name=lib\n' +
    "redis.register_function('f', function(keys) return redis.call('INCR', keys[1]) end)";
  t.equal(await client.call('FUNCTION', 'LOAD', code), 'lib');
  t.equal(await client.call('FCALL', 'f', '1', 'z'), 3);
});
