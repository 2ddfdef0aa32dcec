/** A backup that is restored into a node with --dir, which then restarts: what was restored is there. */
import t from 'tap';
import { type BackupFacts } from '../../lib/backup/backup-file.js';
import { Kept, stateOf, turning } from '../support/kept-node.js';
import type { LocalNode } from '../support/local.js';
import { ask, pass } from './scene.js';

/** The chunks of a backup of a node with a few of everything, made long before the other's clears. */
async function backup(): Promise<{ chunks: string[]; node: LocalNode }> {
  const node = await new Kept().start();
  const client = node.client();
  client.send('SET', 'string', 'v');
  client.send('SET', 'expires', 'v', 'EX', 1000);
  client.send('HSET', 'hash', 'f', '1', 'g', '2');
  client.send('ZADD', 'zset', 1, 'a', 2, 'b');
  client.send('RPUSH', 'list', 'a', 'b', 'c');
  client.send('XADD', 'stream', '1-1', 'f', 'v');
  client.send('SELECT', 3);
  client.send('SADD', 'set', 'a', 'b');
  client.post('DHASH', 'BACKUP');
  node.world.turn();
  const replies: string[] = [];
  for (let turns = 0; turns < 50; turns += 1) {
    replies.push(...client.received().map(String));
    node.world.turn();
  }
  const facts = JSON.parse(replies[0]!) as BackupFacts;
  t.ok(facts.entries > 0);
  return { chunks: replies.slice(1).filter((chunk) => chunk !== ''), node };
}

for (const clearing of ['FLUSHALL', 'FLUSHDB', 'no clear'] as const) {
  for (const isSwept of [false, true]) {
    void t.test(`${clearing}${isSwept ? ', log written anew' : ''}`, async (t) => {
      const { chunks, node: source } = await backup();
      const kept = new Kept();
      kept.nowMs = source.world.nowMs + 60_000;
      const node = await kept.start();
      const client = node.client();
      for (const index of [0, 3]) {
        client.send('SELECT', index);
        client.send('SET', 'string', 'newer than the backup');
        client.send('SADD', 'set', 'x');
        if (clearing === 'no clear') client.send('DEL', 'string', 'set');
        else client.send(clearing);
      }
      await pass(node, 100);
      if (isSwept) client.send('BGREWRITEAOF');
      await pass(node, 1000);
      t.equal(await ask(node, client, 'DHASH', 'RESTORE', 'BEGIN'), 'OK');
      for (const chunk of chunks) {
        t.type(await ask(node, client, 'DHASH', 'RESTORE', 'CHUNK', chunk), 'number');
      }
      t.type(await ask(node, client, 'DHASH', 'RESTORE', 'END'), 'number');
      t.equal(client.send('SELECT', 0), 'OK');
      t.strictSame(
        client.send('KEYS', '*'),
        source.client().send('KEYS', '*'),
        'all of it is there',
      );
      await pass(node, 1000);
      kept.nowMs = node.world.nowMs;
      const crashed = await kept.clone().start();
      t.strictSame(stateOf(crashed), stateOf(node), 'after a crash');
      await turning(node, node.node.stop());
      const again = await kept.start();
      t.strictSame(stateOf(again), stateOf(crashed), 'after a stop');
      const reader = again.client();
      t.equal(reader.send('GET', 'string'), 'v');
      t.strictSame(reader.send('LRANGE', 'list', 0, -1), ['a', 'b', 'c']);
      reader.send('SELECT', 3);
      t.strictSame(reader.send('SMEMBERS', 'set'), ['a', 'b']);
    });
  }
}
