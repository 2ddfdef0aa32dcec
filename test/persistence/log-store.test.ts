/** The stores that there are, against what every one must do. */
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { MemoryLog } from '../../lib/persistence/memory-log-store.js';
import { openLevelLogStore } from '../../world/real/level-log-store.js';
import { manifestProblem } from '../../world/real/level-manifest.js';
import { conformance } from './log-store.js';

conformance('in memory', async () => new MemoryLog().open);

conformance('LevelDB', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dhash-log-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return () => openLevelLogStore(folder);
});

void t.test('LevelDB: what was open and is gone is not made anew', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'dhash-log-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const log = join(folder, 'log');
  await t.rejects(openLevelLogStore(log, 'existing'), { code: 'IO', message: /is gone/ });
  t.strictSame(await readdir(folder), []);
  await mkdir(log);
  await t.rejects(openLevelLogStore(log, 'existing'), { code: 'IO', message: /is gone/ });
  t.strictSame(await readdir(log), []);
  await (await openLevelLogStore(log)).close();
  await (await openLevelLogStore(log, 'existing')).close();
});

/** A folder with tables that the manifest names one after the other. */
async function fillTables(log: string): Promise<number> {
  const value = Buffer.alloc(512 * 1024, 'v');
  let count = 0;
  for (let life = 0; life < 2; life += 1) {
    const store = await openLevelLogStore(log);
    for (let i = 0; i < 20; i += 1) {
      count += 1;
      await store.batch([{ key: Buffer.from(`k${100 + count}`), value }], [], false);
    }
    await store.close();
  }
  return count;
}

void t.test('LevelDB: a manifest that has lost its end is damage, and nothing goes', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'dhash-log-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const log = join(folder, 'log');
  const count = await fillTables(log);
  const names = await readdir(log);
  const manifestName = names.find((name) => name.startsWith('MANIFEST'))!;
  const manifest = await readFile(join(log, manifestName));
  t.equal(manifestProblem(manifest, names), undefined, 'as it was');
  for (let end = 0; end < manifest.length; end += 1) {
    const problem = manifestProblem(manifest.subarray(0, end), names);
    if (problem?.startsWith('the manifest is older than') !== true) t.fail(`cut at ${end}`);
  }
  for (const flipped of manifest.keys()) {
    const noise = Buffer.from(manifest);
    noise[flipped] = noise[flipped]! ^ 0xff;
    manifestProblem(noise, names);
  }
  const copy = join(folder, 'copy');
  await mkdir(copy);
  for (const name of names) await copyFile(join(log, name), join(copy, name));
  await truncate(join(copy, manifestName), manifest.length - 20);
  await t.rejects(openLevelLogStore(copy), { code: 'CORRUPT', message: /manifest is older/ });
  const store = await openLevelLogStore(copy, 'salvage');
  let found = 0;
  for await (const pairs of store.iterate({})) found += pairs.length;
  t.equal(found, count, 'all of it comes back');
  await store.close();
});
