/** SAVE, BGSAVE, LASTSAVE and what INFO tells of them; BGREWRITEAOF in a transaction. */
import t from 'tap';
import type { LocalClient } from '../support/local.js';
import { ask, pass, scene } from './scene.js';

function info(client: LocalClient, name: string): string | undefined {
  return new RegExp(`^${name}:(.*)\\r$`, 'm').exec(client.text('INFO', 'persistence'))?.[1];
}

for (const fsync of ['everysec', 'no', 'always'] as const) {
  void t.test(`SAVE answers once all of it is synced: ${fsync}`, async (t) => {
    const { node, valve, client, kept } = await scene(fsync);
    const started = Number(client.send('LASTSAVE'));
    t.equal(await ask(node, client, 'SET', 'k', 'v'), 'OK');
    t.equal(info(client, 'rdb_changes_since_last_save'), '1');
    node.world.nowMs += 5000;
    valve.isHeld = true;
    const other = node.client();
    client.post('SET', 'k2', 'v');
    client.post('SAVE');
    client.post('GET', 'k2');
    await pass(node, 100);
    t.notOk(client.received().includes('v'), 'nothing behind it has been answered');
    other.post('GET', 'k');
    await pass(node, 100);
    t.strictSame(other.received(), ['v'], 'others go on');
    t.equal(node.node.server.persistence!.saves.count, 0);
    valve.open();
    await pass(node, 100);
    t.strictSame(client.received().slice(-2), ['OK', 'v']);
    t.ok(Number(client.send('LASTSAVE')) >= started + 5);
    t.equal(info(client, 'rdb_changes_since_last_save'), '0');
    t.equal(info(client, 'rdb_saves'), '1');
    t.equal(info(client, 'rdb_last_bgsave_time_sec'), '-1', 'that is of BGSAVE');
    t.equal(kept.log.unsynced.length, 0);
  });
}

for (const fsync of ['everysec', 'no', 'always'] as const) {
  void t.test(`WAITAOF answers once what was written is synced: ${fsync}`, async (t) => {
    const { node, valve, client, kept } = await scene(fsync);
    t.equal(await ask(node, client, 'SET', 'k', 'v'), 'OK');
    t.strictSame(await ask(node, client, 'WAITAOF', '1', '0', '0'), [1, 0]);
    t.equal(kept.log.unsynced.length, 0);
    t.equal(info(client, 'rdb_saves'), '0', 'it is no save');
    valve.isHeld = true;
    client.post('SET', 'k', 'w');
    client.post('WAITAOF', '1', '0', '500');
    await pass(node, 100);
    t.notOk(client.received().some(Array.isArray), 'nothing is synced yet');
    await pass(node, 500);
    if (fsync !== 'always') t.strictSame(client.received(), [[0, 0]], 'its time is over');
    valve.open();
    await pass(node, 100);
    client.received();
    client.post('WAITAOF', '1', '1', '300');
    await pass(node, 100);
    t.strictSame(client.received(), [], 'of replicas it never knows');
    await pass(node, 300);
    t.strictSame(client.received(), [[1, 0]]);
  });
}

void t.test('BGSAVE: one at a time, in the background', async (t) => {
  const { node, valve, client } = await scene();
  client.send('SET', 'k', 'v');
  valve.isHeld = true;
  t.equal(client.send('BGSAVE', 'x'), '-ERR syntax error');
  t.equal(client.send('BGSAVE'), 'Background saving started');
  t.equal(info(client, 'rdb_bgsave_in_progress'), '1');
  t.equal(info(client, 'rdb_current_bgsave_time_sec'), '0');
  for (const again of [['BGSAVE'], ['BGSAVE', 'SCHEDULE'], ['SAVE']]) {
    t.equal(client.send(...again), '-ERR Background save already in progress', again.join(' '));
  }
  await pass(node, 3000);
  t.equal(info(client, 'rdb_current_bgsave_time_sec'), '3');
  valve.open();
  await pass(node, 100);
  t.equal(info(client, 'rdb_bgsave_in_progress'), '0');
  t.equal(info(client, 'rdb_last_bgsave_status'), 'ok');
  t.equal(info(client, 'rdb_last_bgsave_time_sec'), '3');
  t.equal(info(client, 'rdb_current_bgsave_time_sec'), '-1');
});

void t.test('what is written after BGSAVE began is not saved by it', async (t) => {
  const { node, client } = await scene();
  client.send('SET', 'before', '1');
  client.send('BGSAVE');
  client.send('SET', 'after', '1');
  client.send('SET', 'after', '2');
  await pass(node, 100);
  t.equal(info(client, 'rdb_saves'), '1');
  t.equal(info(client, 'rdb_changes_since_last_save'), '2');
});

void t.test('a disk that fails', async (t) => {
  const { node, valve, client } = await scene();
  client.send('SET', 'k', 'v');
  const before = client.send('LASTSAVE');
  valve.isFull = true;
  const saved = await ask(node, client, 'SAVE');
  t.match(saved, /^-MISCONF Errors writing to the AOF file: No space left on device/);
  t.equal(info(client, 'rdb_last_bgsave_status'), 'err');
  t.equal(client.send('LASTSAVE'), before);
  t.match(client.send('BGSAVE'), /^-MISCONF/);
  valve.isFull = false;
  await pass(node, 1000);
  t.equal(client.send('BGSAVE'), 'Background saving started');
  await pass(node, 100);
  t.equal(info(client, 'rdb_last_bgsave_status'), 'ok');
});

void t.test('in a transaction: SAVE is refused, what it writes is one run', async (t) => {
  const { kept, node, client } = await scene();
  t.equal(client.send('MULTI'), 'OK');
  t.match(client.send('SAVE'), /^-ERR Command not allowed inside a transaction/);
  client.send('DISCARD');
  client.send('MULTI');
  for (const command of ['SET a 1', 'BGSAVE', 'BGREWRITEAOF', 'BGREWRITEAOF', 'SET b 1']) {
    t.equal(client.send(...command.split(' ')), 'QUEUED');
  }
  const blocks = kept.log.pairs.size;
  t.strictSame(client.send('EXEC'), [
    'OK',
    'Background saving started',
    'Background append only file rewriting scheduled',
    '-ERR Background append only file rewriting already in progress',
    'OK',
  ]);
  t.equal(info(client, 'aof_rewrite_scheduled'), '1');
  const closing = node.node.server.persistence!.queue.closedNumber;
  node.world.turn();
  await pass(node, 2000);
  t.equal(info(client, 'aof_rewrite_scheduled'), '0');
  t.equal(info(client, 'aof_rewrites'), '1');
  t.equal(info(client, 'rdb_saves'), '1');
  t.ok(blocks <= closing + 1, 'nothing of the transaction was sealed before its end');
});
