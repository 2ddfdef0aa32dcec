/**
 * Expiry in a ring: what was given a time through any node is gone at all replicas when it has come,
 * as nobody's clock is off by more than the bound; no read shows it, and no sync brings it back.
 */
import t from 'tap';
import type { Plain } from '../support/local.js';
import { seedOfRun } from '../support/random.js';
import { RingScene, type SceneNode } from '../support/ring-scene.js';

const KEYS = 40;
const STAYS = '["stays","2"]';
const SOON_MS = 3000;
const OFF_MS = 200;
const seed = seedOfRun();
t.comment(`SEED=${seed}`);

function heldKeys({ node }: SceneNode): string[] {
  const keys: string[] = [];
  const { tree } = node.store.databases[0]!;
  const cursor = tree.cursor({ all: true });
  for (let leaf = cursor.next(); leaf !== 0; leaf = cursor.next()) {
    keys.push(tree.key(leaf).toString());
  }
  return keys;
}

void t.test('keys and fields go at all replicas, with clocks that are off', async (t) => {
  const scene = new RingScene({ seed, fills: false });
  const nodes = await scene.form(4);
  for (const [n, node] of nodes.entries()) node.host.clockControl.jumpWall((n - 1.5) * OFF_MS);
  const clients = await Promise.all(nodes.map((node) => node.client()));
  const any = () => clients[scene.sim.random.below(clients.length)]!;
  for (let n = 0; n < KEYS; n += 1) {
    t.equal(await any().call('SET', `string:${n}`, n, 'PX', SOON_MS), 'OK');
    t.equal(await any().call('SADD', `set:${n}`, 'a', 'b'), 2);
    t.equal(await any().call('PEXPIRE', `set:${n}`, SOON_MS), 1);
    t.equal(await any().call('HSET', `hash:${n}`, 'goes', 1, 'stays', 2), 2);
    t.strictSame(await any().call('HPEXPIRE', `hash:${n}`, SOON_MS, 'FIELDS', 1, 'goes'), [1]);
    t.equal(await any().call('SET', `kept:${n}`, n, 'PX', SOON_MS), 'OK');
    t.equal(await any().call('PERSIST', `kept:${n}`), 1);
  }
  // One is away when the time comes, and has to be told nothing.
  const [away] = nodes as [SceneNode];
  scene.sim.partition(
    [away.host],
    nodes.slice(1).map(({ host }) => host),
  );
  await scene.sim.runFor(SOON_MS + 2 * OFF_MS);
  scene.sim.heal();
  await scene.sim.runFor(30_000);

  const wrong: Plain[] = [];
  for (const client of clients) {
    for (let n = 0; n < KEYS; n += 1) {
      const gone = await client.call('EXISTS', `string:${n}`, `set:${n}`);
      const fields = await client.call('HGETALL', `hash:${n}`);
      const kept = await client.call('GET', `kept:${n}`);
      if (gone !== 0 || JSON.stringify(fields) !== STAYS || kept !== String(n)) {
        wrong.push([n, gone, fields, kept]);
      }
    }
    t.equal(await client.call('DBSIZE'), 2 * KEYS, 'nobody counts what has gone');
    t.equal(
      await client.call('AT', 'all', 'EXISTS', 'string:0'),
      0,
      'nor brings it from a replica',
    );
  }
  t.strictSame(wrong, [], `SEED=${seed}`);
  for (const node of nodes) {
    const left = heldKeys(node).filter((key) => /^(string|set):/.test(key));
    t.strictSame(left, [], 'nor holds it');
  }
});
