/**
 * How glibc gives memory to a node, which it reads only when a process begins:
 *
 *   one arena for all threads   each has its own else, and those in which V8 compiles keep what they
 *                               once needed (docs/decisions/0028)
 *   huge pages                  where the system has them for who asks, the data lies on them: a
 *                               look-up finds 2 MiB by one entry of the TLB, not 4 KiB (0029)
 *   16 MiB come from the system the chunks of the tree, always: glibc would take them out of its
 *                               heap once one has been freed, and touch huge pages while the loop
 *                               waits, for its headers and to set to zero
 *   8 MiB stay with the heap    when freed at its end; what is said of chunks would set it to 128 KiB
 *
 * Another C library knows nothing of either.
 */
import { accessSync, constants } from 'node:fs';

type Environment = Readonly<Record<string, string | undefined>>;
/** Since Node 22.15 and 23.11; not on Windows. */
type Execve = (file: string, args: readonly string[], env: Environment) => never;

const ARENAS = 'glibc.malloc.arena_max=';
const MIB = 1024 * 1024;
/** Beside the number of arenas. */
const TUNABLES: readonly (readonly [name: string, value: number])[] = [
  ['glibc.malloc.hugetlb=', 1],
  ['glibc.malloc.mmap_threshold=', 16 * MIB],
  ['glibc.malloc.trim_threshold=', 8 * MIB],
];

/**
 * Begins anew as the same process (execve: its id, arguments and standard streams stay), unless
 * that has happened, or who started it says otherwise. Call it before anything else. Returns where
 * nothing is to be done, or can be.
 */
export function beginWithTunedAllocator(): void {
  const { execve } = process as { execve?: Execve };
  const env = tunedEnvironment(process.env);
  // The channel to a parent that has forked this process would be lost.
  const isForked = process.send !== undefined;
  if (execve === undefined || env === undefined || isForked || process.platform !== 'linux') return;
  try {
    // execve itself aborts if it fails.
    accessSync(process.execPath, constants.X_OK);
  } catch {
    return;
  }
  execve(process.execPath, [process.execPath, ...process.execArgv, ...process.argv.slice(1)], env);
}

/** What is said already stays. Undefined: all of it is. */
export function tunedEnvironment(env: Environment): Environment | undefined {
  const { GLIBC_TUNABLES: told = '', MALLOC_ARENA_MAX } = env;
  const hasArenas = MALLOC_ARENA_MAX !== undefined || told.includes(ARENAS);
  const missing = TUNABLES.filter(([name]) => !told.includes(name));
  if (hasArenas && missing.length === 0) return undefined;
  const tuned = { ...env };
  if (!hasArenas) tuned.MALLOC_ARENA_MAX = '1';
  const all = missing.map(([name, value]) => `${name}${value}`);
  if (told !== '') all.unshift(told);
  if (all.length > 0) tuned.GLIBC_TUNABLES = all.join(':');
  return tuned;
}
