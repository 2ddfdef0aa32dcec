/** The stores that there are, against what every one must do. */
import { mkdtemp, rm } from 'node:fs/promises';
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
