/** The stores that there are, against what every one must do. */
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { MemoryLog } from '../../lib/persistence/memory-log-store.js';
import { openLevelLogStore } from '../../world/real/level-log-store.js';
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
