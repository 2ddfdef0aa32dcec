/** A crash in the middle of a command of very many arguments: all of it is on the disk, or nothing. */
import t from 'tap';
import { Kept } from '../support/kept-node.js';
import type { LocalNode } from '../support/local.js';

const COUNT = 6000;
const LOOK_MS = 1.5;
const pairs = Array.from({ length: COUNT }, (_, i) => [`k${i}`, `v${i}`]).flat();
const more = Array.from({ length: COUNT }, (_, i) => `other${i}`);

async function turn(node: LocalNode): Promise<void> {
  node.world.turn();
  await new Promise<void>((resolve) => setImmediate(resolve));
}

t.test('a crash at every turn of an MSET', async (t) => {
  for (const fsync of ['always', 'everysec'] as const) {
    const kept = new Kept();
    const node = await kept.start((settings) => {
      settings.fsync = fsync;
    });
    const client = node.client();
    client.post('SET', 'before', '1');
    while (client.received().length === 0) await turn(node);
    node.world.lookMs = LOOK_MS;
    client.post('MSET', ...pairs);
    const sizes = new Set<unknown>();
    let turns = 0;
    for (; client.received().length === 0 && turns < 1000; turns += 1) {
      await turn(node);
      if (turns % 5 === 0) sizes.add((await kept.clone().start()).client().send('DBSIZE'));
    }
    t.ok(turns > 10, `${turns} turns`);
    const after = (await kept.clone().start()).client();
    if (fsync === 'always') t.equal(after.send('DBSIZE'), COUNT + 1, 'what was answered is there');
    for (const size of sizes) t.ok(size === 1 || size === COUNT + 1, `${size} keys`);
  }
});

t.test('the log is written anew only when it is over', async (t) => {
  const kept = new Kept();
  const node = await kept.start();
  const [client, other] = [node.client(), node.client()];
  node.world.lookMs = LOOK_MS;
  client.post('SADD', 'set', ...more);
  t.ok(node.node.server.alone.isOn);
  const { persistence } = node.node.server;
  t.ok(persistence!.startSweep());
  t.equal(persistence!.sweep, undefined);
  t.equal(other.send('SCARD', 'set'), COUNT);
  while (persistence!.sweeps === 0) await turn(node);
  t.equal((await kept.clone().start()).client().send('SCARD', 'set'), COUNT);
});
