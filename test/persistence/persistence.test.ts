/** When replies leave, and what happens if the disk is slow, full, damaged, or another's. */
import t from 'tap';
import { blockKey, blockNumber } from '../../lib/persistence/block.js';
import { type Kept, stateOf, turning } from '../support/kept-node.js';
import type { LocalClient } from '../support/local.js';
import { ask, Gate, pass, scene } from './scene.js';

void t.test('always: replies wait for the sync, in order, together', async (t) => {
  const { kept, valve, node, client } = await scene('always');
  const others = [node.client(), node.client()];
  await pass(node);
  valve.isHeld = true;
  const syncs = new Gate(kept, '/kept/pad');
  client.post('SET', 'a', '1');
  client.post('GET', 'a');
  for (const [index, other] of others.entries()) other.post('SET', `b${index}`, '1');
  await pass(node, 100);
  t.strictSame(client.received(), []);
  t.strictSame(others[0]!.received(), []);
  t.equal(syncs.count, 1);
  syncs.open();
  await pass(node, 100);
  t.strictSame(client.received(), ['OK', '1']);
  for (const other of others) t.strictSame(other.received(), ['OK']);
  t.ok(syncs.count <= 2, `${syncs.count} syncs`);
  t.equal(await ask(node, client, 'GET', 'a'), '1', 'a read alone waits for nothing');
});

void t.test('everysec: replies do not wait, and a crash loses none of them', async (t) => {
  const { kept, valve, node, client } = await scene();
  valve.isHeld = true;
  for (let i = 0; i < 1000; i += 1) t.equal(client.send('SET', `k${i}`, i), 'OK');
  kept.nowMs = node.world.nowMs;
  const after = await kept.clone().start();
  t.equal(after.client().send('DBSIZE'), 1000);
  t.strictSame(stateOf(after), stateOf(node));
});

void t.test('INFO says what a crash loses', async (t) => {
  const { client } = await scene('everysec');
  const lost = () =>
    ['process', 'machine'].map(
      (what) =>
        new RegExp(`disk_${what}_crash_loses:(.*)\\r`).exec(
          client.text('INFO', 'persistence'),
        )?.[1],
    );
  t.strictSame(lost(), ['nothing acknowledged', 'about the last second']);
  client.send('CONFIG', 'SET', 'appendfsync', 'always');
  t.strictSame(lost(), ['nothing acknowledged', 'nothing acknowledged']);
  client.send('CONFIG', 'SET', 'fsync', 'no');
  t.strictSame(lost(), ['nothing acknowledged', 'what the system had not written yet']);
});

void t.test('a full disk: writes are refused, reads go on, and it recovers', async (t) => {
  for (const fsync of ['everysec', 'always'] as const) {
    const { kept, valve, node, client } = await scene(fsync);
    t.equal(await ask(node, client, 'SET', 'before', '1'), 'OK');
    valve.isFull = true;
    t.equal(await ask(node, client, 'SET', 'padded', '1'), 'OK', `${fsync}: the pad has it`);
    await pass(node, 1000);
    const other = node.client();
    const refusal = /^-MISCONF Errors writing to the AOF file: No space left on device/;
    t.match(await ask(node, other, 'SET', 'x', '1'), refusal);
    t.match(await ask(node, other, 'PING'), refusal);
    t.equal(await ask(node, other, 'GET', 'before'), '1');
    t.match(await ask(node, other, 'EVAL', "return redis.call('SET','x','1')", '0'), /MISCONF/);
    t.match(other.text('INFO', 'persistence'), /aof_last_write_status:err/);
    valve.isFull = false;
    await pass(node, 2000);
    t.equal(await ask(node, other, 'SET', 'after', '1'), 'OK');
    t.match(other.text('INFO', 'persistence'), /aof_last_write_status:ok/);
    kept.nowMs = node.world.nowMs;
    const restarted = (await kept.clone().start()).client();
    t.strictSame(restarted.send('KEYS', '*'), ['after', 'before', 'padded']);
  }
});

void t.test('a full disk, and writes are wanted all the same', async (t) => {
  const { kept, valve, node, client } = await scene();
  t.equal(client.send('SET', 'gone', '1'), 'OK');
  await pass(node, 100);
  valve.isFull = true;
  t.equal(client.send('SET', 'x', '1'), 'OK');
  await pass(node, 100);
  t.equal(client.send('CONFIG', 'SET', 'stop-writes-on-bgsave-error', 'no'), 'OK');
  t.equal(client.send('DEL', 'gone'), 1);
  const value = 'v'.repeat(1024 * 1024);
  for (let i = 0; i < 100; i += 1) t.equal(client.send('SET', `big${i % 3}`, value), 'OK');
  await pass(node, 100);
  t.ok(node.node.server.persistence!.pendingBytes < 80 * 1024 * 1024, 'memory is bounded');
  valve.isFull = false;
  await pass(node, 5000);
  kept.nowMs = node.world.nowMs;
  const restarted = await kept.clone().start();
  t.strictSame(restarted.client().send('KEYS', '*'), ['big0', 'big1', 'big2', 'x']);
  t.strictSame(stateOf(restarted), stateOf(node));
});

void t.test('a slow disk: clients are not read from until it has caught up', async (t) => {
  const { valve, node, client } = await scene();
  valve.isHeld = true;
  const value = 'v'.repeat(1024 * 1024);
  let sent = 0;
  while (!client.link.isPaused && sent < 200) {
    client.post('SET', `k${sent}`, value);
    sent += 1;
    node.world.turn();
  }
  t.ok(sent > 4 && sent < 80, `${sent} MiB were taken`);
  valve.open();
  await pass(node, 2000);
  t.equal(client.link.isPaused, false);
  t.equal(client.received().length, sent);
});

void t.test('LOADING while it loads; AUTH, INFO and their kin answer', async (t) => {
  const first = await scene();
  first.client.send('SET', 'a', '1');
  await pass(first.node, 100);
  const kept = first.kept.clone();
  let go = () => {};
  const held = new Promise<void>((resolve) => {
    go = resolve;
  });
  kept.wrap = (store) => ({
    batch: (...args) => store.batch(...args),
    sync: () => store.sync(),
    bytes: async () => {
      await held;
      return store.bytes();
    },
    iterate: (range) => store.iterate(range),
    close: () => store.close(),
  });
  const { LocalNode: Node } = await import('../support/local.js');
  const node = new Node((settings) => void (settings.dir = '/kept'), [], kept);
  const starting = node.start();
  await pass(node);
  const client = node.client();
  t.equal(client.send('GET', 'a'), '-LOADING Redis is loading the dataset in memory');
  t.equal(client.send('PING'), '-LOADING Redis is loading the dataset in memory');
  t.match(client.text('INFO', 'persistence'), /loading:1\r\n/);
  go();
  await turning(node, starting);
  t.equal(client.send('GET', 'a'), '1');
});

void t.test('DEBUG RELOAD and LOADAOF give back what was there', async (t) => {
  const { node, client } = await scene();
  for (let i = 0; i < 500; i += 1) client.send('ZADD', `z${i % 7}`, i, `m${i}`);
  client.send('EXPIRE', 'z1', '1000');
  client.send('SWAPDB', 0, 5);
  const before = stateOf(node);
  t.equal(await ask(node, client, 'DEBUG', 'RELOAD'), 'OK');
  t.strictSame(stateOf(node), before);
  t.equal(await ask(node, client, 'DEBUG', 'LOADAOF'), 'OK');
  t.strictSame(stateOf(node), before);
  t.equal(await ask(node, client, 'SET', 'later', '1'), 'OK');
  const refused = client.send('DEBUG', 'RELOAD', 'noflush', 'merge');
  t.match(refused, /^-ERR DEBUG RELOAD NOFLUSH is not supported/);
  t.match(client.send('DEBUG', 'RELOAD', 'MERGE', 'OTHER'), /only supports the MERGE, NOFLUSH and/);
});

void t.test('BGREWRITEAOF makes the log short while clients write', async (t) => {
  const { kept, node, client } = await scene();
  for (let i = 0; i < 20_000; i += 1) client.send('SET', `k${i % 500}`, `value ${i}`);
  for (let i = 0; i < 3000; i += 1) client.send('HSET', 'h', `f${i % 1000}`, i);
  await pass(node, 100);
  const before = kept.log.pairs.size;
  node.world.lookMs = 0.5;
  t.equal(client.send('BGREWRITEAOF'), 'Background append only file rewriting started');
  t.match(client.send('BGREWRITEAOF'), /already in progress/);
  for (let i = 0; i < 300; i += 1) {
    client.post('HSET', 'h', `f${i * 3}`, 'during');
    client.post('DEL', `k${i}`);
    client.received();
    node.world.turn();
    if (i % 20 === 0) await pass(node);
  }
  await pass(node, 3000);
  t.match(client.text('INFO', 'persistence'), /aof_rewrites:1\r\n/);
  t.ok(kept.log.pairs.size < before / 2, `${before} blocks, then ${kept.log.pairs.size}`);
  kept.nowMs = node.world.nowMs;
  t.strictSame(stateOf(await kept.clone().start()), stateOf(node));
});

void t.test('the newest block sorts behind everything', async (t) => {
  const { kept, node, client, valve } = await scene();
  client.send('SET', 'k', 'v');
  await pass(node, 100);
  client.send('BGREWRITEAOF');
  await pass(node, 3000);
  valve.isFull = true;
  client.post('SET', 'k', 'w');
  await pass(node, 1000);
  valve.isFull = false;
  await pass(node, 3000);
  // LevelDB would merge whatever else lies there with each new table.
  const keys = [...kept.log.pairs.keys()].sort();
  t.equal(node.node.server.persistence!.sweeps, 1);
  t.ok(keys.length >= 3, 'where the log begins, the probe of a disk, and blocks');
  t.ok(blockNumber(Buffer.from(keys.at(-1)!, 'latin1')) > 0);
});

void t.test('a rewrite leaves most of the time to busy clients', async (t) => {
  const { node, client } = await scene();
  for (let i = 0; i < 20_000; i += 1) client.send('SET', `k${i}`, `value ${i}`);
  await pass(node, 100);
  const { world } = node;
  world.lookMs = 0.05;
  node.node.server.persistence!.startSweep();
  const startMs = world.clock.monotonicMs();
  let passedMs = 0;
  while (node.node.server.persistence!.sweep !== undefined) {
    client.send('GET', 'k1');
    world.advance(1);
    passedMs += 1;
    await pass(node);
  }
  const workedMs = world.clock.monotonicMs() - startMs - passedMs;
  t.ok(workedMs > 10, `took ${workedMs} ms`);
  t.ok(workedMs < passedMs / 2, `${workedMs} ms of ${workedMs + passedMs}`);
});

void t.test('a rewrite has come to its end, and what was changed meanwhile not', async (t) => {
  const { node, client } = await scene();
  client.send('SET', 'k', 'v');
  const persistence = node.node.server.persistence!;
  persistence.startSweep();
  const { sweep } = persistence;
  t.ok(sweep!.step(Number.POSITIVE_INFINITY));
  t.ok(sweep!.step(Number.POSITIVE_INFINITY), 'asked again');
  await pass(node, 3000);
  t.match(client.text('INFO', 'persistence'), /aof_rewrites:1\r\n/);
});

function cards(client: LocalClient): string {
  return ['source', 'target'].map((key) => Number(client.send('SCARD', key))).join();
}

void t.test('a large collection that is linked in comes back whole or not at all', async (t) => {
  const { kept, node, client } = await scene();
  for (let i = 0; i < 4000; i += 1) client.send('SADD', 'source', `member ${i}`);
  client.send('SADD', 'target', 'old');
  await pass(node, 100);
  node.world.lookMs = 1.5;
  client.post('RENAME', 'source', 'target');
  const sizes = new Set<string>();
  let turns = 0;
  for (; client.received().length === 0 && turns < 1000; turns += 1) {
    node.world.turn();
    await new Promise<void>((resolve) => setImmediate(resolve));
    if (turns % 5 !== 0) continue;
    kept.nowMs = node.world.nowMs;
    sizes.add(cards((await kept.clone().start()).client()));
  }
  t.ok(turns > 10, `${turns} turns`);
  await pass(node, 100);
  kept.nowMs = node.world.nowMs;
  const after = await kept.clone().start();
  sizes.add(cards(after.client()));
  t.strictSame([...sizes], ['4000,1', '0,4000']);
  t.strictSame(stateOf(after), stateOf(node));
});

/** A node that has kept 30 keys, each in a block of its own, all synced. */
async function thirtyKeys(): Promise<Kept> {
  const { kept, node, client } = await scene();
  for (let i = 0; i < 30; i += 1) {
    client.send('SET', `k${i}`, `value ${i}`);
    node.world.turn();
  }
  await turning(node, node.node.stop());
  kept.nowMs = node.world.nowMs;
  return kept;
}

function blockAt(kept: Kept, number: number): [string, Buffer] {
  const key = blockKey(number).toString('latin1');
  return [key, kept.log.pairs.get(key)!];
}

void t.test('every flipped bit of a block is found', async (t) => {
  const sound = await thirtyKeys();
  const bits = blockAt(sound, 7)[1].length * 8;
  for (let bit = 0; bit < bits; bit += 1) {
    const kept = sound.clone();
    // The pad would heal it.
    kept.disk.files.delete('/kept/pad');
    const [, block] = blockAt(kept, 7);
    block[bit >> 3] = block[bit >> 3]! ^ (1 << (bit & 7));
    await t.rejects(kept.start(), { code: 'DAMAGED', message: /^block 7: .*, written after 20/ });
  }
  const kept = sound.clone();
  kept.disk.files.delete('/kept/pad');
  blockAt(kept, 7)[1][40]! ^= 1;
  const node = await kept.start((settings) => {
    settings.loadDamaged = true;
  });
  t.equal(node.client().send('DBSIZE'), 29, 'and all but what it held can be had');
  await pass(node, 1000);
  await turning(node, node.node.stop());
  kept.nowMs = node.world.nowMs;
  t.equal((await kept.start()).client().send('DBSIZE'), 29, 'after that the log is sound');
});

void t.test('missing blocks: damage if they were safe, a torn end if not', async (t) => {
  const sound = await thirtyKeys();
  for (const [number, what] of [
    [7, /^blocks 7 to 7 are missing/],
    [30, /^blocks 30 to 30 are missing/],
  ] as const) {
    const kept = sound.clone();
    // The pad would have it.
    kept.disk.files.delete('/kept/pad');
    kept.log.pairs.delete(blockAt(kept, number)[0]);
    await t.rejects(kept.start(), { code: 'DAMAGED', message: what });
  }
  const unsynced = await scene('no');
  for (let i = 0; i < 30; i += 1) {
    unsynced.client.send('SET', `k${i}`, i);
    unsynced.node.world.turn();
  }
  await pass(unsynced.node, 100);
  for (const damage of ['remove', 'flip'] as const) {
    const kept = unsynced.kept.clone();
    // As if the machine had lost its power: what the pad holds is from the same time.
    kept.disk.files.delete('/kept/pad');
    const [key, block] = blockAt(kept, 20);
    if (damage === 'remove') kept.log.pairs.delete(key);
    else block[40]! ^= 1;
    const node = await kept.start();
    t.equal(node.client().send('DBSIZE'), 19, damage);
    t.match(node.client().text('INFO', 'persistence'), /disk_load_cut_blocks:11\r\n/);
    node.client().send('SET', 'new', 1);
    await turning(node, node.node.stop());
    t.equal((await kept.start()).client().send('DBSIZE'), 20);
  }
});

void t.test('a folder in use, or of a newer version', async (t) => {
  const kept = await thirtyKeys();
  const node = await kept.start();
  await t.rejects(kept.start(), { code: 'LOCKED' });
  await turning(node, node.node.stop());
  const { crc32 } = await import('../../lib/persistence/crc32.js');
  const [, block] = blockAt(kept, 30);
  block[7] = 2;
  block.writeUInt32LE(crc32(block, 4, block.length), 0);
  await t.rejects(kept.start(), { code: 'NEWER_VERSION' });
});

void t.test('stamps never go back, whatever the clock does', async (t) => {
  const { kept, node, client } = await scene();
  client.send('SET', 'a', '1');
  await pass(node, 100);
  const stamp = node.node.store.clock.last;
  const restarted = kept.clone();
  // All but the durable records is lost, and the clock is wrong.
  restarted.log.pairs.clear();
  restarted.disk.files.delete('/kept/pad');
  restarted.nowMs = node.world.nowMs - 86_400_000;
  const after = await restarted.start();
  after.client().send('SET', 'b', '1');
  t.ok(after.node.store.clock.last > stamp);
});

void t.test('a killed process, and then no power: what was found is safe', async (t) => {
  for (const fsync of ['always', 'everysec', 'no'] as const) {
    // What is written to the log meanwhile, and whether it is synced, depends on how long that is.
    for (const ms of [20, 100, 300, 600, 950]) {
      const { kept, node, client } = await scene(fsync);
      for (let n = 0; n < 3; n += 1) t.equal(await ask(node, client, 'SET', `k${n}`, `${n}`), 'OK');
      await pass(node, ms);
      kept.nowMs = node.world.nowMs;
      const killed = kept.clone();
      const between = await killed.start((settings) => {
        settings.fsync = fsync;
      });
      t.equal(between.client().send('DBSIZE'), 3);
      const cut = killed.clone();
      cut.disk.powerCut(() => 0);
      cut.log.powerCut(() => false);
      t.equal((await cut.start()).client().send('DBSIZE'), 3, `${fsync}, ${ms} ms`);
    }
  }
});
