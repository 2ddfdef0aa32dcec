/** What a node tells of the process that it runs in (INFO, CONFIG REWRITE). */
import { chmod, readFile, stat } from 'node:fs/promises';
import { machine, release, type as systemName, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { getHeapStatistics } from 'node:v8';
import type { Disk } from '../world.js';

/** `configFile` empty: there is none. `shutdown` ends the node in an orderly way. */
export function createProcessInfo(disk: Disk, configFile: string, shutdown: () => void) {
  const path = configFile === '' ? '' : resolve(configFile);
  const config =
    path === ''
      ? undefined
      : {
          read: () => readIfThere(path),
          write: (text: string) => replaceFile(disk, path, text),
        };
  return {
    pid: process.pid,
    executable: process.argv[1] === undefined ? process.execPath : resolve(process.argv[1]),
    configFile: path,
    os: `${systemName()} ${release()} ${machine()}`,
    nodeVersion: process.versions.node,
    archBits: process.arch.includes('64') || process.arch === 's390x' ? 64 : 32,
    residentBytes: () => process.memoryUsage.rss(),
    heapBytes: () => getHeapStatistics().used_heap_size,
    systemMemoryBytes: totalmem(),
    cpuSeconds() {
      const { user, system } = process.cpuUsage();
      return { user: user / 1e6, system: system / 1e6 };
    },
    shutdown,
    config,
  };
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** Whole or not at all; whoever could read the file still can. */
async function replaceFile(disk: Disk, path: string, text: string): Promise<void> {
  const mode = await stat(path).then(
    (stats) => stats.mode & 0o777,
    () => 0o600,
  );
  await disk.replaceFile(path, Buffer.from(text));
  await chmod(path, mode);
}
