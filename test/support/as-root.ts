/** What tests do as root: mount file systems, look into other processes. */
import { execFileSync } from 'node:child_process';

/** What a command as root begins with. */
export const AS_ROOT: readonly string[] = process.getuid?.() === 0 ? [] : ['sudo', '-n'];

/** What it printed. */
export function runAsRoot(...command: string[]): string {
  const [program, ...args] = [...AS_ROOT, ...command];
  return execFileSync(program!, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/**
 * For the `skip` of a test: why these programs cannot run as root on this machine; false: they can, or
 * TEST_ALL is set, by which a test that cannot run is one that fails.
 */
export function cannotAsRoot(...programs: string[]): string | false {
  if (process.env['TEST_ALL'] !== undefined) return false;
  for (const program of programs) {
    try {
      runAsRoot('sh', '-c', `command -v ${program}`);
    } catch {
      return `it needs ${program}, and to be root or sudo without a password`;
    }
  }
  return false;
}
