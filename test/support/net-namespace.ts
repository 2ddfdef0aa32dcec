/**
 * A machine within this one: programs in a network namespace of their own, where listening on
 * every address reaches nobody outside. Its loopback interface also carries addresses that are no
 * loopback addresses, so that a connection to them comes, for the server, from another machine.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Of the ranges for documentation: routed nowhere. */
export const outsideHost = '192.0.2.1';
export const outsideHost6 = '2001:db8::1';

const prepare = [
  'ip link set lo up',
  `ip addr add ${outsideHost}/32 dev lo`,
  `ip -6 addr add ${outsideHost6}/128 dev lo 2>/dev/null || true`,
].join(' && ');

/** How this system lets us make one: as root, in a user namespace, or not at all. */
const [unshareFlags, enterFlags] = findFlags();

export const hasNetNamespaces = unshareFlags !== undefined;

/** Writes a program into `folder` that runs `program` with its arguments in a namespace. */
export function writeIsolated(folder: string, program: string): string {
  const path = join(folder, 'isolated');
  const script = `#!/bin/sh\nexec unshare ${unshareFlags} sh -c '${prepare} && exec "$0" "$@"' "${program}" "$@"\n`;
  writeFileSync(path, script);
  chmodSync(path, 0o700);
  return path;
}

/** The program and first arguments that run a command where process `pid` is. */
export function enter(pid: number): [program: string, args: string[]] {
  return ['nsenter', ['-t', `${pid}`, ...(enterFlags ?? [])]];
}

function findFlags(): [string | undefined, string[] | undefined] {
  const works = (flags: string): boolean =>
    spawnSync('unshare', [...flags.split(' '), 'sh', '-c', prepare]).status === 0;
  if (works('--net')) return ['--net', ['--net']];
  const asUser = '--user --map-root-user --net';
  if (works(asUser)) return [asUser, ['--user', '--net', '--preserve-credentials']];
  return [undefined, undefined];
}
