/** Reads at quorum and all: the newest of the replicas is told, and taken over. */
import t from 'tap';
import { type Plain } from '../support/local.js';
import { RingScene, type SceneClient, type SceneNode } from '../support/ring-scene.js';
import { contentsOf } from './contents.js';

const BIG = 'x'.repeat(300_000);

/** Written where nobody hears of it; read elsewhere. */
const ROWS: Record<
  string,
  { writes: readonly (readonly string[])[]; read: readonly string[]; reply: Plain }
> = {
  'a string': { writes: [['SET', 'k', 'new']], read: ['GET', 'k'], reply: 'new' },
  'a long string': { writes: [['SET', 'k', BIG]], read: ['STRLEN', 'k'], reply: BIG.length },
  'a tombstone': { writes: [['DEL', 'k']], read: ['GET', 'k'], reply: null },
  'a hash': {
    writes: [
      ['DEL', 'k'],
      ['HSET', 'k', 'f', 'v'],
    ],
    read: ['HGET', 'k', 'f'],
    reply: 'v',
  },
  'a hash of several pages': {
    writes: [
      ['DEL', 'k'],
      ['HSET', 'k', ...Array.from({ length: 24 }, (_, n) => [`f${n}`, 'y'.repeat(60_000)]).flat()],
    ],
    read: ['HLEN', 'k'],
    reply: 24,
  },
  'a clear': { writes: [['FLUSHDB']], read: ['GET', 'k'], reply: null },
  'another database': {
    writes: [
      ['SELECT', '3'],
      ['SET', 'k', 'three'],
    ],
    read: ['GET', 'k'],
    reply: 'old',
  },
};

/** A ring of three of which the first was alone while `writes` were made. */
async function apart(seed: number, writes: readonly (readonly string[])[]) {
  const scene = new RingScene({
    routes: false,
    seed,
    settings: (settings) => {
      settings.replicas = 3;
    },
  });
  const nodes = (await scene.form(3)) as [SceneNode, SceneNode, SceneNode];
  const [a, b, c] = nodes;
  const host = scene.clientHost();
  const writer = await a.client(host);
  const reader = await c.client();
  await writer.call('AT', 'all', 'SET', 'k', 'old');
  // Only reads are to find out what others have missed.
  for (const { node } of nodes) node.server.loops?.stop();
  // What is written now is dropped for those that are dead.
  const hide = a.links.isAlive;
  a.links.isAlive = () => false;
  for (const write of writes) await writer.call('AT', 'one', ...write);
  a.links.isAlive = hide;
  await scene.sim.runFor(100);
  return { scene, nodes: [a, b, c] as const, reader };
}

async function isEqualSoon(scene: RingScene, nodes: readonly SceneNode[]): Promise<boolean> {
  return scene.sim.runUntil(() => {
    const all = nodes.map(({ node }) => JSON.stringify(contentsOf(node.store)[0]));
    return all.every((one) => one === all[0]);
  }, 10_000);
}

let seed = 1;
for (const [name, { read, reply, writes }] of Object.entries(ROWS)) {
  void t.test(name, async (t) => {
    const { nodes, reader, scene } = await apart(seed++, writes);
    t.equal(await reader.call('GET', 'k'), 'old', 'at one it is not seen');
    t.equal(await reader.call('AT', 'all', ...read), reply, 'at all it is');
    t.equal(await reader.call(...read), reply, 'and stays');
    t.ok(await isEqualSoon(scene, nodes), 'everybody has it from now on');
  });
}

void t.test('at quorum one of two others is enough', async (t) => {
  const { nodes, reader, scene } = await apart(20, [['SET', 'k', 'new']]);
  nodes[1].host.pause();
  t.equal(await reader.call('AT', 'quorum', 'GET', 'k'), 'new');
  nodes[1].host.resume();
  nodes[0].host.pause();
  const value: Plain = await reader.call('AT', 'quorum', 'GET', 'k');
  t.equal(value, 'new', 'what was once read is still there');
  nodes[0].host.resume();
  t.ok(await isEqualSoon(scene, nodes));
});

void t.test('too few answer', async (t) => {
  const { nodes, reader } = await apart(21, []);
  for (const node of nodes.slice(0, 2)) node.host.pause();
  const read = async (client: SceneClient) => client.call('AT', 'quorum', 'GET', 'k');
  t.equal(
    await read(reader),
    "-NOQUORUM 1 of 3 replicas have answered, level 'quorum' needs 2, not executed",
  );
  t.equal(await reader.call('GET', 'k'), 'old', 'the connection goes on');
});

void t.test('what is older elsewhere is repaired', async (t) => {
  const { nodes, scene } = await apart(22, [
    ['SET', 'k', 'new'],
    ['SADD', 's', 'a', 'b'],
  ]);
  const client = await nodes[0].client();
  t.equal(await client.call('AT', 'all', 'GET', 'k'), 'new');
  t.equal(await client.call('AT', 'all', 'SCARD', 's'), 2);
  t.ok(await isEqualSoon(scene, nodes));
});

void t.test('several keys', async (t) => {
  const { reader } = await apart(23, [['MSET', 'k', '1', 'l', '2', 'm', '3']]);
  await reader.call('CONSISTENCY', 'READ', 'all');
  t.strictSame(await reader.call('MGET', 'k', 'l', 'm', 'n'), ['1', '2', '3', null]);
  const many = Array.from({ length: 1025 }, (_, n) => `k${n}`);
  t.match(await reader.call('MGET', ...many), /^-ERR at level 'all' a command reads 1024 keys/);
});
