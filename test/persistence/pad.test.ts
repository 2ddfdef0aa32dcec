/** The pad under `--fsync always`: what is acknowledged survives a crash of the machine. */
import t from 'tap';
import { PAD_HALF_BYTES, Pad } from '../../lib/persistence/pad.js';
import { Kept, turning } from '../support/kept-node.js';
import type { LocalClient } from '../support/local.js';
import { MemoryDisk } from '../support/memory-disk.js';
import { seededRandom, seedOfRun } from '../support/random.js';
import { ask, Gate, pass, scene } from './scene.js';

const PAD = '/kept/pad';
const SEED = seedOfRun();

function failing(...calls: readonly string[]): (call: string, path: string) => void {
  return (call, path) => {
    if (path === PAD && calls.includes(call)) {
      throw Object.assign(new Error('input/output error'), { code: 'EIO' });
    }
  };
}

for (const call of ['write', 'sync']) {
  void t.test(
    `a pad that fails (${call}): replies wait for the store, then it is used again`,
    async (t) => {
      const { kept, valve, node, client } = await scene('always');
      kept.disk.before = failing(call);
      valve.isHeld = true;
      client.post('SET', 'a', '1');
      await pass(node, 100);
      t.strictSame(client.received(), [], 'not acknowledged');
      valve.open();
      await pass(node, 100);
      t.strictSame(client.received(), ['OK']);
      t.equal(kept.log.unsynced.length, 0, 'the store has it, synced');
      valve.isFull = true;
      t.equal(await ask(node, client, 'SET', 'b', '1'), '(closed)', 'in doubt');
      valve.isFull = false;
      await pass(node, 2000);
      kept.disk.before = () => {};
      await pass(node, 2000);
      const other = node.client();
      const before = node.node.server.persistence!.padSyncs;
      t.equal(await ask(node, other, 'SET', 'c', '1'), 'OK');
      t.equal(node.node.server.persistence!.padSyncs, before + 1);
    },
  );
}

void t.test('CONFIG SET appendfsync always: what went before is synced too', async (t) => {
  const { kept, valve, node, client } = await scene('no');
  // So much that the pad has begun anew, and the store alone has the first of it.
  const value = 'v'.repeat(60_000);
  for (let i = 0; i < 200; i += 1) {
    client.send('SET', `k${i}`, value);
    if (i % 10 === 0) await pass(node, 20);
  }
  await pass(node, 100);
  t.not(kept.log.unsynced.length, 0);
  valve.isHeld = true;
  client.post('CONFIG', 'SET', 'appendfsync', 'always');
  client.post('SET', 'last', '1');
  await pass(node, 100);
  t.strictSame(client.received(), [], 'its own sync is not enough');
  valve.open();
  await pass(node, 100);
  t.strictSame(client.received(), ['OK', 'OK']);
});

void t.test('a second sync waits for company if the first was long', async (t) => {
  const { kept, node, client } = await scene('always');
  const others = [node.client(), node.client(), node.client()];
  const gate = new Gate(kept, PAD);
  client.post('SET', 'a', '1');
  others[0]!.post('SET', 'b', '1');
  await pass(node, 20);
  t.equal(gate.count, 1);
  others[1]!.post('SET', 'c', '1');
  others[2]!.post('SET', 'd', '1');
  await pass(node, 100);
  gate.open();
  await pass(node);
  for (const other of [client, others[0]!]) t.strictSame(other.received(), ['OK']);
  t.strictSame(others[1]!.received(), [], 'it waits');
  client.post('SET', 'a', '2');
  others[0]!.post('SET', 'b', '2');
  await pass(node);
  t.equal(gate.count, 2, 'all have come');
  for (const other of [client, ...others]) t.strictSame(other.received(), ['OK']);
});

void t.test('a quick disk: one sync in the turn, for all, and nobody is held', async (t) => {
  const { kept, node, client } = await scene('always');
  const { persistence } = node.node.server;
  const others = [node.client(), node.client()];
  let tookMs = 0;
  let syncs = 0;
  kept.disk.quickSyncMs = 1;
  kept.disk.before = (call, path) => {
    if (call !== 'sync' || path !== PAD) return;
    syncs += 1;
    node.world.nowMs += tookMs;
  };
  await pass(node);
  const all = [client, ...others];
  const turn = (): void => {
    for (const [index, each] of all.entries()) each.post('SET', `k${index}`, '1');
    node.node.server.flushes.flushAll();
  };
  turn();
  t.equal(syncs, 1);
  t.equal(persistence!.heldCount, 0);
  for (const each of all) t.strictSame(each.received(), ['OK']);
  client.post('GET', 'k0');
  t.strictSame(client.received(), ['1']);
  t.equal(syncs, 1, 'a read syncs nothing');

  tookMs = 20;
  turn();
  t.equal(syncs, 2);
  for (const each of all) t.strictSame(each.received(), ['OK'], 'the slow one, too');
  tookMs = 0;
  turn();
  t.equal(persistence!.heldCount, all.length, 'from now on others may go on meanwhile');
  await pass(node, 100);
  for (const each of all) t.strictSame(each.received(), ['OK']);
  await pass(node, 2000);
  // The first one waits for stamps to be reserved, after so long.
  t.equal(await ask(node, client, 'SET', 'later', '1'), 'OK');
  turn();
  t.equal(persistence!.heldCount, 0, 'it was tried again');
});

void t.test('a quick disk whose pad fails: replies wait for the store', async (t) => {
  const { kept, valve, node, client } = await scene('always');
  kept.disk.quickSyncMs = 1;
  kept.disk.before = failing('sync');
  valve.isHeld = true;
  client.post('SET', 'a', '1');
  await pass(node, 100);
  t.strictSame(client.received(), [], 'not acknowledged');
  valve.open();
  await pass(node, 100);
  t.strictSame(client.received(), ['OK']);
  t.equal(kept.log.unsynced.length, 0, 'the store has it, synced');
});

/** Transactions that have been answered since it was asked last. */
function executed(client: LocalClient): number {
  return client.received().filter((reply) => Array.isArray(reply)).length;
}

/** Writes, cuts the power at a random moment, and returns what was acknowledged and sent. */
async function untilPowerCut(
  kept: Kept,
  seed: number,
): Promise<{ acknowledged: number[]; sent: number[] }> {
  const random = seededRandom(seed);
  kept.disk.unsynced.set(PAD, []);
  kept.disk.quickSyncMs = random.pick([0, 1]);
  const node = await kept.start((settings) => {
    settings.fsync = 'always';
  });
  const clients = [node.client(), node.client(), node.client()];
  const sent = clients.map(() => 0);
  const acknowledged = [...sent];
  const turns = 30 + random.below(200);
  for (let turn = 0; turn < turns; turn += 1) {
    for (const [index, client] of clients.entries()) {
      acknowledged[index]! += executed(client);
      if (sent[index]! - acknowledged[index]! > 20 || random.chance(0.5)) continue;
      // Long ones fill the pad's halves.
      const tail = random.chance(0.6) ? 'v'.repeat(random.below(200_000)) : '';
      client.post('MULTI');
      client.post('INCR', `n${index}`);
      client.post('SET', `tail${index}`, tail);
      client.post('EXEC');
      sent[index]! += 1;
    }
    node.world.advance(random.below(4));
    node.world.turn();
    if (random.chance(0.3)) await pass(node, random.below(3));
  }
  for (const [index, client] of clients.entries()) acknowledged[index]! += executed(client);
  kept.nowMs = node.world.nowMs;
  return { acknowledged, sent };
}

void t.test('power cuts lose nothing acknowledged', { timeout: 200_000 }, async (t) => {
  const random = seededRandom(SEED);
  for (let round = 0; round < 16; round += 1) {
    let kept = new Kept();
    const { acknowledged, sent } = await untilPowerCut(kept, random.below(2 ** 30));
    kept = kept.clone();
    kept.disk.powerCut((bytes) =>
      random.chance(0.3) ? random.below(bytes + 1) : random.pick([0, bytes]),
    );
    kept.log.powerCut(() => random.chance(0.5));
    const node = await kept.start();
    const client = node.client();
    for (const [index, least] of acknowledged.entries()) {
      const found = Number(client.send('GET', `n${index}`) ?? 0);
      t.ok(
        found >= least && found <= sent[index]!,
        `seed ${SEED}, round ${round}, client ${index}: ${least} <= ${found} <= ${sent[index]}`,
      );
    }
    await turning(node, node.node.stop());
  }
});

void t.test('halves take turns once the store has what they held', async (t) => {
  const disk = new MemoryDisk();
  const { pad } = await Pad.open(disk, '/pad');
  await pad.reset(0);
  const { sealBlock } = await import('../../lib/persistence/block.js');
  const block = (number: number): Buffer => {
    const buf = Buffer.alloc(100_000, number);
    sealBlock(buf, buf.length, { number, sealedMs: 0, closes: true });
    return buf;
  };
  const perHalf = Math.floor(PAD_HALF_BYTES / 100_000);
  let number = 1;
  while (pad.add(number, block(number), 0)) number += 1;
  t.equal(number - 1, 2 * perHalf, 'both halves are full');
  t.equal(pad.otherHalfNumber, perHalf);
  t.notOk(pad.add(number, block(number), perHalf - 1), 'the store lacks one of the first half');
  t.ok(pad.add(number, block(number), perHalf));
  t.equal(pad.firstNumber, perHalf + 1);
  const { blocks } = await Pad.open(disk, '/pad');
  const numbers = blocks.map((each) => each.number);
  t.strictSame(
    numbers,
    Array.from({ length: perHalf + 1 }, (_, i) => perHalf + 1 + i),
  );
  t.notOk(pad.add(number + 2, block(number + 2), number), 'one is missing in between');
  t.ok(pad.add(number + 2, block(number + 2), number + 1));
  t.equal(pad.firstNumber, number + 2);
});

for (const quickSyncMs of [0, 1]) {
  const how = quickSyncMs === 0 ? 'slow' : 'quick';
  void t.test(`a half is used again only once the store has synced it (${how} disk)`, async (t) => {
    const kept = new Kept();
    kept.disk.quickSyncMs = quickSyncMs;
    kept.disk.unsynced.set(PAD, []);
    const never = new Promise<void>(() => {});
    let isStuck = false;
    // The store takes all blocks and syncs none: what is acknowledged is safe in the pad alone.
    kept.wrap = (store) => ({
      batch: (puts, deletes, sync) => (sync && isStuck ? never : store.batch(puts, deletes, sync)),
      sync: () => (isStuck ? never : store.sync()),
      iterate: (range) => store.iterate(range),
      bytes: () => store.bytes(),
      close: () => store.close(),
    });
    const node = await kept.start((settings) => {
      settings.fsync = 'always';
    });
    isStuck = true;
    const client = node.client();
    const tail = 'v'.repeat(100_000);
    const perHalf = Math.floor(PAD_HALF_BYTES / tail.length);
    let acknowledged = 0;
    for (; acknowledged < 5 * perHalf; acknowledged += 1) {
      client.post('SET', `k${acknowledged}`, `${acknowledged}${tail}`);
      let replies = client.received();
      for (let turns = 0; replies.length === 0 && turns < 10; turns += 1) {
        await pass(node, 20);
        replies = client.received();
      }
      if (replies.length === 0) break;
    }
    t.ok(acknowledged > 1.5 * perHalf, `${acknowledged} were acknowledged`);
    kept.nowMs = node.world.nowMs;
    const cut = kept.clone();
    cut.disk.powerCut(() => 0);
    cut.log.powerCut(() => false);
    const after = (await cut.start()).client();
    for (let number = 0; number < acknowledged; number += 1) {
      if (after.send('GET', `k${number}`) !== `${number}${tail}`) t.fail(`k${number} is lost`);
    }
    t.ok(acknowledged < 3 * perHalf, 'then nothing more is');
  });
}
