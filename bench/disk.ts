/**
 * What keeping entries costs, and how fast they come back.
 *
 * Each part is a file of disk-parts/; `--only PART` runs one:
 *
 *   speed     SET with and without a disk; `always` against redis-server's `appendfsync always`
 *   compact   the slowest replies while LevelDB compacts, and while the log is written anew
 *   load      a million entries come back, against redis-server loading its AOF; bytes on disk
 *   backup    MB a second of backup and restore; the slowest PING meanwhile
 */
import { backup } from './disk-parts/backup.js';
import { compact } from './disk-parts/compact.js';
import { load } from './disk-parts/load.js';
import { speed } from './disk-parts/speed.js';
import { type BenchOptions, runParts } from './support/harness.js';

export async function run(options: BenchOptions): Promise<void> {
  await runParts('disk', { speed, compact, load, backup }, options);
}
