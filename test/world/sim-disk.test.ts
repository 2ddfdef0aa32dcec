/** The simulated disk: what a crash leaves, and what faults do. */

import t from 'tap';

import { type SimHost, SimWorld } from '../../world/sim/sim-world.js';

const MARK = 0x61;

async function hostWithFolder(seed: number): Promise<{ sim: SimWorld; a: SimHost }> {
  const sim = new SimWorld({ seed });
  const a = sim.host('a');
  await sim.finish(a.disk.makeFolder('/d'));
  return { sim, a };
}

void t.test('a power cut: synced stays, unsynced is there, lost or torn', async (t) => {
  const fates = new Set<string>();
  for (let seed = 1; seed <= 60; seed++) {
    const { sim, a } = await hostWithFolder(seed);
    const file = await sim.finish(a.disk.open('/d/f', 'create'));
    await sim.finish(file.write(Buffer.alloc(2048, MARK), 0));
    await sim.finish(file.sync());
    await sim.finish(file.write(Buffer.alloc(2048, MARK + 1), 2048));
    a.crash('power');
    a.restart();
    const found = await sim.finish(a.disk.readFile('/d/f'));
    t.ok(found.subarray(0, 2048).equals(Buffer.alloc(2048, MARK)), `seed ${seed}: synced`);
    const rest = found.subarray(2048);
    const marked = rest.filter((byte) => byte === MARK + 1).length;
    t.equal(marked % 512, 0, 'sectors are whole');
    fates.add(marked === 0 ? 'lost' : marked === 2048 ? 'there' : 'torn');
  }
  t.same([...fates].sort(), ['lost', 'there', 'torn']);
});

void t.test('a crash of the process alone loses nothing written', async (t) => {
  const { sim, a } = await hostWithFolder(1);
  const file = await sim.finish(a.disk.open('/d/f', 'create'));
  await sim.finish(file.write(Buffer.from('unsynced'), 0));
  a.crash('process');
  a.restart();
  t.equal((await sim.finish(a.disk.readFile('/d/f'))).toString(), 'unsynced');
});

void t.test('replaceFile under way at a crash leaves the old or the new', async (t) => {
  const found = new Set<string>();
  for (let seed = 1; seed <= 30; seed++) {
    const { sim, a } = await hostWithFolder(seed);
    await sim.finish(a.disk.replaceFile('/d/f', Buffer.from('old')));
    void a.disk.replaceFile('/d/f', Buffer.from('new'));
    a.crash('power');
    a.restart();
    found.add((await sim.finish(a.disk.readFile('/d/f'))).toString());
  }
  t.same([...found].sort(), ['new', 'old']);
});

void t.test('a write under way at a crash may be there in part', async (t) => {
  const lengths = new Set<number>();
  for (let seed = 1; seed <= 30; seed++) {
    const { sim, a } = await hostWithFolder(seed);
    const file = await sim.finish(a.disk.open('/d/f', 'create'));
    void file.write(Buffer.alloc(100, MARK), 0);
    a.crash('process');
    a.restart();
    lengths.add((await sim.finish(a.disk.readFile('/d/f'))).length);
  }
  t.ok(lengths.has(0) && lengths.size > 3);
});

void t.test('a full disk takes what fits, and has room again after a removal', async (t) => {
  const { sim, a } = await hostWithFolder(1);
  a.diskControl.faults = { ...a.diskControl.faults, capacityBytes: 1000 };
  await sim.finish(a.disk.replaceFile('/d/big', Buffer.alloc(600)));
  const file = await sim.finish(a.disk.open('/d/f', 'create'));
  await t.rejects(sim.finish(file.write(Buffer.alloc(600), 0)), { code: 'ENOSPC' });
  t.equal(await sim.finish(file.sizeBytes()), 400);
  const replacing = a.disk.replaceFile('/d/big', Buffer.alloc(700));
  await t.rejects(sim.finish(replacing), { code: 'ENOSPC' });
  t.equal((await sim.finish(a.disk.readFile('/d/big'))).length, 600, 'the old one is intact');
  await sim.finish(a.disk.remove('/d/big'));
  await sim.finish(file.write(Buffer.alloc(600), 0));
});

void t.test('faults by chance and to order', async (t) => {
  const { sim, a } = await hostWithFolder(1);
  const file = await sim.finish(a.disk.open('/d/f', 'create'));
  a.diskControl.faults = { ...a.diskControl.faults, writeErrorChance: 1 };
  await t.rejects(sim.finish(file.write(Buffer.from('x'), 0)), { code: 'EIO' });
  a.diskControl.faults = { ...a.diskControl.faults, writeErrorChance: 0 };
  a.diskControl.failNext('rename', 'EACCES');
  await t.rejects(sim.finish(a.disk.rename('/d/f', '/d/g')), { code: 'EACCES' });
  await sim.finish(a.disk.rename('/d/f', '/d/g'));
});

void t.test('after a failed sync the data is visible, and gone after a power cut', async (t) => {
  const { sim, a } = await hostWithFolder(1);
  const file = await sim.finish(a.disk.open('/d/f', 'create'));
  await sim.finish(file.write(Buffer.from('data'), 0));
  a.diskControl.failNext('sync', 'EIO');
  await t.rejects(sim.finish(file.sync()), { code: 'EIO' });
  t.equal((await sim.finish(a.disk.readFile('/d/f'))).toString(), 'data');
  await sim.finish(file.sync());
  a.crash('power');
  a.restart();
  t.equal((await sim.finish(a.disk.readFile('/d/f'))).length, 0);
});

void t.test('bit rot flips one bit', async (t) => {
  const { sim, a } = await hostWithFolder(1);
  await sim.finish(a.disk.replaceFile('/d/f', Buffer.alloc(100)));
  a.diskControl.rot('/d/f');
  const found = await sim.finish(a.disk.readFile('/d/f'));
  t.equal(found.filter((byte) => byte !== 0).length, 1);
});
