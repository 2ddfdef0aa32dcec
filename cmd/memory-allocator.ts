/**
 * How glibc gives memory to a node, which it reads only when a process begins:
 *
 *   one arena for all threads   each has its own else, and those in which V8 compiles keep what they
 *                               once needed (docs/decisions/0028)
 *   huge pages                  where the system has them for who asks, the data lies on them: a
 *                               look-up finds 2 MiB by one entry of the TLB, not 4 KiB (0029)
 *
 * Another C library knows nothing of either.
 */
import { accessSync, constants } from 'node:fs';

type Environment = Readonly<Record<string, string | undefined>>;
/** Since Node 22.15 and 23.11; not on Windows. */
type Execve = (file: string, args: readonly string[], env: Environment) => never;

const ARENAS = 'glibc.malloc.arena_max=';
const HUGE_PAGES = 'glibc.malloc.hugetlb=';

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
  const hasPages = told.includes(HUGE_PAGES);
  if (hasArenas && hasPages) return undefined;
  const tuned = { ...env };
  if (!hasArenas) tuned.MALLOC_ARENA_MAX = '1';
  if (!hasPages) tuned.GLIBC_TUNABLES = `${told === '' ? '' : `${told}:`}${HUGE_PAGES}1`;
  return tuned;
}
