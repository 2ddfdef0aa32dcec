/** Scripts and functions: the same through any node, for those too that join later or were away. */
import t from 'tap';
import { threeNodes } from './three-nodes.js';

const SCRIPT = "return redis.call('SET', KEYS[1], ARGV[1])";
const GETTER = "return redis.call('GET', KEYS[1])";
const LIBRARY = `#!lua name=mine
redis.register_function('mine_get', function(keys) return redis.call('GET', keys[1]) end)`;
const OTHER = `#!lua name=other
redis.register_function('other_get', function(keys) return redis.call('GET', keys[1]) end)`;
/** Owned by one of the three each. */
const KEYS = ['a', 'm', 'y'];
const SECONDS_MS = 8000;

void t.test('a member that joins later, and one that was down', async (t) => {
  const { nodes, scene } = await threeNodes(11, (settings) => {
    settings.dir = '/data';
  });
  const client = await nodes[0]!.client();
  const set = await client.call('SCRIPT', 'LOAD', SCRIPT);
  t.equal(await client.call('FUNCTION', 'LOAD', LIBRARY), 'mine');
  const late = await scene.join(nodes[0]!, (settings) => {
    settings.position = 'd';
    settings.dir = '/data';
  });
  t.ok(await scene.settled([...nodes, late]));
  const all = [...nodes, late];
  for (const node of all) {
    const through = await node.client();
    for (const key of KEYS) {
      t.equal(await through.call('EVALSHA', set as string, '1', key, `${key}!`), 'OK');
      t.equal(await through.call('FCALL', 'mine_get', '1', key), `${key}!`);
    }
    t.strictSame(await through.call('SCRIPT', 'EXISTS', set as string), [1]);
  }

  const down = nodes[1]!;
  down.host.crash('process');
  await scene.sim.runUntil(() => !nodes[0]!.links.isAlive(down.id), 60_000);
  const get = await client.call('SCRIPT', 'LOAD', GETTER);
  t.equal(await client.call('FUNCTION', 'LOAD', OTHER), 'other');
  t.equal(await client.call('FUNCTION', 'DELETE', 'mine'), 'OK');
  await down.start((settings) => {
    settings.position = 'p';
  });
  await scene.sim.runFor(SECONDS_MS);
  const through = await down.client();
  t.strictSame(await through.call('SCRIPT', 'EXISTS', set as string, get as string), [1, 1]);
  for (const key of KEYS) {
    t.equal(await through.call('EVALSHA', get as string, '1', key), `${key}!`);
    t.equal(await through.call('FCALL', 'other_get', '1', key), `${key}!`);
    t.match(await through.call('FCALL', 'mine_get', '1', key), /^-ERR Function not found/);
  }

  t.equal(await client.call('SCRIPT', 'FLUSH'), 'OK');
  await scene.sim.runFor(SECONDS_MS);
  for (const node of all) {
    const each = await node.client();
    t.match(await each.call('EVALSHA', get as string, '1', 'a'), /^-NOSCRIPT/);
  }
});

void t.test('CLIENT TRACKING refuses what a ring does not do', async (t) => {
  const { nodes } = await threeNodes(12);
  const client = await nodes[0]!.client();
  await client.call('HELLO', '3');
  t.match(await client.call('CLIENT', 'TRACKING', 'ON', 'BCAST'), /^-ERR BCAST is not supported/);
  t.match(await client.call('CLIENT', 'TRACKING', 'ON', 'NOLOOP'), /^-ERR NOLOOP is not supported/);
  t.equal(await client.call('CLIENT', 'TRACKING', 'ON'), 'OK');
});
