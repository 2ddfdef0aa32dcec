/**
 * How glibc gives memory to a node's threads: all from one arena. Each has its own else, and those in
 * which V8 compiles keep what they once needed (docs/decisions/0028). It is read only when a process
 * begins.
 */
import { accessSync, constants } from 'node:fs';

type Environment = Readonly<Record<string, string | undefined>>;
/** Since Node 22.15 and 23.11; not on Windows. */
type Execve = (file: string, args: readonly string[], env: Environment) => never;

/**
 * Begins anew as the same process (execve: its id, arguments and standard streams stay), unless
 * that has happened, or who started it says otherwise. Call it before anything else. Returns where
 * nothing is to be done, or can be.
 */
export function beginWithOneArena(): void {
  const { execve } = process as { execve?: Execve };
  const env = environmentWithOneArena(process.env);
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

/** Undefined: it says already how many there may be. Another C library knows nothing of it. */
export function environmentWithOneArena(env: Environment): Environment | undefined {
  const isTold = env.MALLOC_ARENA_MAX !== undefined;
  if (isTold || env.GLIBC_TUNABLES?.includes('glibc.malloc.arena_max=') === true) return undefined;
  return { ...env, MALLOC_ARENA_MAX: '1' };
}
