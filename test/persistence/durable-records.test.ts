/** DurableRecords on a simulated disk: crashes at every step, torn and lost writes, rot, errors. */
import t from 'tap';
import { DurableRecords } from '../../lib/persistence/durable-records.js';
import { type SimHost, SimWorld } from '../../world/sim/sim-world.js';
import type { Disk, DiskFile } from '../../world/world.js';

const FOLDER = '/d';
const PATHS = [`${FOLDER}/records.a`, `${FOLDER}/records.b`] as const;

interface Scene {
  readonly sim: SimWorld;
  readonly host: SimHost;
}

async function scene(seed: number): Promise<Scene> {
  const sim = new SimWorld({ seed });
  const host = sim.host('a');
  await sim.finish(host.disk.makeFolder(FOLDER));
  return { sim, host };
}

function open({ sim, host }: Scene): Promise<DurableRecords> {
  return sim.finish(DurableRecords.open(host.disk, FOLDER));
}

/** A disk that breaks at its n-th call that changes something: `act` is called in its place. */
function interrupted(disk: Disk, call: number, act: (what: string) => Promise<never>): Disk {
  let calls = 0;
  const counted = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    calls += 1;
    return calls === call ? act(what) : work();
  };
  const wrap = (file: DiskFile): DiskFile => ({
    read: (target, position) => file.read(target, position),
    write: (bytes, position) => counted('write', () => file.write(bytes, position)),
    writeNow: (bytes, position) => file.writeNow(bytes, position),
    syncNow: () => file.syncNow(),
    truncate: (bytes) => counted('truncate', () => file.truncate(bytes)),
    sync: () => counted('sync', () => file.sync()),
    sizeBytes: () => file.sizeBytes(),
    close: () => file.close(),
  });
  return {
    ...disk,
    open: async (path, mode) => wrap(await disk.open(path, mode)),
    replaceFile: (path, bytes) => counted('replace', () => disk.replaceFile(path, bytes)),
  };
}

/** Puts 0, 1, 2 ... under one name; returns the last that was acknowledged, -1 for none. */
async function putAll(records: DurableRecords, count: number, padding = 0): Promise<number> {
  let last = -1;
  for (let i = 0; i < count; i += 1) {
    await records.put('n', Buffer.alloc(4 + padding, i));
    last = i;
  }
  return last;
}

function numberIn(records: DurableRecords): number {
  return records.get('n')?.[0] ?? -1;
}

void t.test('what was put is there at the next start; what was removed is not', async (t) => {
  const at = await scene(1);
  const first = await open(at);
  await at.sim.finish(
    Promise.all([
      first.put('identity', Buffer.from('me')),
      first.put('vote', Buffer.from('1')),
      first.put('vote', Buffer.from('2')),
      first.put('gone', Buffer.from('x')),
    ]),
  );
  await at.sim.finish(first.put('gone', undefined));
  await at.sim.finish(first.close());
  const second = await open(at);
  t.equal(second.get('identity')?.toString(), 'me');
  t.equal(second.get('vote')?.toString(), '2');
  t.equal(second.get('gone'), undefined);
  t.strictSame(second.repaired, []);
  await t.rejects(second.put('big', Buffer.alloc(600_000)), { code: 'TOO_LARGE' });
});

void t.test('what a crash has left of a replacement is removed', async (t) => {
  const at = await scene(1);
  const { disk } = at.host;
  await at.sim.finish(putAll(await open(at), 1));
  for (const name of ['.records.a.4711.tmp', '.records.b.1.tmp', '.other.tmp']) {
    await at.sim.finish(disk.replaceFile(`${FOLDER}/${name}`, Buffer.from('x')));
  }
  t.equal(numberIn(await open(at)), 0);
  t.strictSame(await at.sim.finish(disk.list(FOLDER)), ['.other.tmp', 'records.a', 'records.b']);
});

void t.test('files that grow are replaced', async (t) => {
  const at = await scene(2);
  const records = await open(at);
  t.equal(await at.sim.finish(putAll(records, 200, 2000)), 199);
  for (const path of PATHS) {
    const bytes = (await at.sim.finish(at.host.disk.readFile(path))).length;
    t.ok(bytes < 140_000, `${path} has ${bytes} bytes`);
  }
  t.equal(numberIn(await open(at)), 199);
});

void t.test('a crash at every write, sync and replacement', async (t) => {
  let points = 0;
  for (const kind of ['process', 'power'] as const) {
    for (let call = 1; ; call += 1) {
      const at = await scene(1000 + call);
      let where = '';
      let acknowledged = -1;
      const never = new Promise<never>(() => {});
      const disk = interrupted(at.host.disk, call, (what) => {
        where = what;
        return never;
      });
      const work = (async () => {
        const records = await DurableRecords.open(disk, FOLDER);
        for (let i = 0; i < 40; i += 1) {
          await records.put('n', Buffer.alloc(4004, i));
          acknowledged = i;
        }
        return 'done';
      })();
      const ended = await at.sim.finish(Promise.race([work, atPoint(at, () => where)]));
      at.host.crash(kind);
      at.host.restart();
      const found = numberIn(await open(at));
      if (found < acknowledged || found > acknowledged + 1) {
        t.fail(`${kind} at call ${call} (${where}): ${acknowledged} acknowledged, ${found} found`);
      }
      points += 1;
      if (ended === 'done') break;
    }
  }
  t.ok(points > 160, `${points} points`);
});

/** Resolves once the disk has stopped, and a little later. */
async function atPoint({ host }: Scene, where: () => string): Promise<string> {
  for (;;) {
    await new Promise<void>((resolve) => host.timers.after(1, resolve));
    if (where() === '') continue;
    await new Promise<void>((resolve) => host.timers.after(8, resolve));
    return 'stopped';
  }
}

void t.test('crashes at random moments lose nothing acknowledged', async (t) => {
  for (let seed = 1; seed <= 150; seed += 1) {
    const at = await scene(seed);
    let acknowledged = -1;
    for (let life = 0; life < 4; life += 1) {
      const records = await open(at);
      const found = numberIn(records);
      t.ok(found >= acknowledged, `seed ${seed}: ${acknowledged} acknowledged, ${found} found`);
      acknowledged = Math.max(acknowledged, found);
      const { host, sim } = at;
      const work = (async () => {
        for (let i = acknowledged + 1; i < 250; i += 1) {
          await records.put('n', Buffer.alloc(1500, i));
          acknowledged = i;
        }
      })();
      const until = new Promise<void>((r) => host.timers.after(5 + host.random.below(200), r));
      await sim.finish(Promise.race([work, until]));
      host.crash(life % 2 === 0 ? 'power' : 'process');
      host.restart();
    }
  }
});

void t.test(
  'on a full disk there is room for changes; with space the files are replaced',
  async (t) => {
    for (const before of [0, 62]) {
      const at = await scene(6);
      const records = await open(at);
      await at.sim.finish(putAll(records, before, 1000));
      const { host, sim } = at;
      fill(host, host.diskControl.usedBytes);
      t.equal(await sim.finish(putAll(records, 60, 1000)), 59);
      host.crash('power');
      fill(host, Infinity);
      host.restart();
      const again = await open(at);
      t.equal(numberIn(again), 59);
      await sim.finish(putAll(again, 200, 1000));
      t.equal(numberIn(await open(at)), 199);
    }
  },
);

void t.test(
  'a full disk, for so long that the room is used up: puts fail until there is space',
  async (t) => {
    const at = await scene(7);
    const records = await open(at);
    const { host, sim } = at;
    fill(host, host.diskControl.usedBytes);
    let last = -1;
    for (let i = 0; i < 200; i += 1) {
      const put = records.put('n', Buffer.alloc(1004, i)).then(
        () => (last = i),
        (error: { code?: string }) => t.equal(error.code, 'ENOSPC'),
      );
      await sim.finish(put);
    }
    t.ok(last >= 120 && last < 199, `${last}`);
    t.equal(numberIn(records), last);
    fill(host, Infinity);
    await sim.finish(putAll(records, 100));
    t.equal(numberIn(await open(at)), 99);
  },
);

function fill({ diskControl }: SimHost, capacityBytes: number): void {
  diskControl.faults = { ...diskControl.faults, capacityBytes };
}

/** Its last frame ends with another byte than zero. */
function withoutRoom(file: Buffer): Buffer {
  let bytes = file.length;
  while (file[bytes - 1] === 0) bytes -= 1;
  return file.subarray(0, bytes);
}

void t.test('every flipped bit of one copy is taken from the other', async (t) => {
  const at = await scene(3);
  const records = await open(at);
  for (let i = 0; i < 4; i += 1) await at.sim.finish(records.put(`r${i}`, Buffer.alloc(3, i)));
  await at.sim.finish(records.close());
  const { disk } = at.host;
  const sound = withoutRoom(await at.sim.finish(disk.readFile(PATHS[0])));
  const other = withoutRoom(await at.sim.finish(disk.readFile(PATHS[1])));
  for (const path of PATHS) {
    for (let bit = 0; bit < sound.length * 8; bit += 1) {
      const damaged = Buffer.from(sound);
      damaged[bit >> 3] = damaged[bit >> 3]! ^ (1 << (bit & 7));
      await at.sim.finish(disk.replaceFile(PATHS[0], path === PATHS[0] ? damaged : sound));
      await at.sim.finish(disk.replaceFile(PATHS[1], path === PATHS[1] ? damaged : other));
      const found = await open(at);
      for (let i = 0; i < 4; i += 1) {
        if (found.get(`r${i}`)?.equals(Buffer.alloc(3, i)) !== true) t.fail(`${path} bit ${bit}`);
      }
      await at.sim.finish(found.close());
    }
  }
  t.pass(`${sound.length * 16} bits`);
});

void t.test('the same frame damaged in both copies is refused', async (t) => {
  const at = await scene(4);
  const records = await open(at);
  for (let i = 0; i < 5; i += 1) await at.sim.finish(records.put('n', Buffer.alloc(4, i)));
  const { disk } = at.host;
  for (const path of PATHS) {
    const bytes = await at.sim.finish(disk.readFile(path));
    const spot = withoutRoom(bytes).length - 40;
    bytes[spot] = bytes[spot]! ^ 1;
    await at.sim.finish(disk.replaceFile(path, bytes));
  }
  await t.rejects(open(at), { code: 'DAMAGED' });
  for (const path of PATHS) await at.sim.finish(disk.replaceFile(path, Buffer.alloc(500, 7)));
  await t.rejects(open(at), { code: 'DAMAGED' });
});

void t.test('one file lost, or a newer version', async (t) => {
  const at = await scene(5);
  const records = await open(at);
  await at.sim.finish(putAll(records, 5));
  const { disk } = at.host;
  for (const path of PATHS) {
    await at.sim.finish(disk.remove(path));
    t.equal(numberIn(await open(at)), 4, path);
  }
  const newer = await at.sim.finish(disk.readFile(PATHS[0]));
  newer.writeUInt32LE(9, 8);
  const { crc32 } = await import('../../lib/persistence/crc32.js');
  newer.writeUInt32LE(crc32(newer, 0, 12), 12);
  await at.sim.finish(disk.replaceFile(PATHS[1], newer));
  await t.rejects(open(at), { code: 'NEWER_VERSION' });
});

void t.test('ENOSPC and EIO at every call: at most one put fails', async (t) => {
  for (const code of ['ENOSPC', 'EIO']) {
    for (let call = 3; ; call += 1) {
      const at = await scene(2000 + call);
      let hit = '';
      const disk = interrupted(at.host.disk, call, async (what) => {
        hit = what;
        throw Object.assign(new Error(what), { code });
      });
      const records = await at.sim.finish(DurableRecords.open(disk, FOLDER));
      let acknowledged = -1;
      let failures = 0;
      for (let i = 0; i < 40; i += 1) {
        await at.sim.finish(
          records.put('n', Buffer.alloc(4004, i)).then(
            () => {
              acknowledged = i;
            },
            (error: { code?: string }) => {
              t.equal(error.code, code);
              failures += 1;
            },
          ),
        );
      }
      if (hit === '') break;
      // What cannot be replaced is written on.
      const isSpared = hit === 'replace' && failures === 0;
      t.ok(isSpared || failures === 1, `${code} at call ${call}, ${hit}: ${failures}`);
      t.equal(numberIn(records), acknowledged);
      await at.sim.finish(records.put('n', Buffer.alloc(4, 40)));
      at.host.crash('power');
      at.host.restart();
      t.equal(numberIn(await open(at)), 40);
    }
  }
});
