/** `dhash leave`: a node hands over what it holds, leaves its ring, and stops. */
import type { Command } from 'commander';
import { addressOption, printAddress, type ServerAddress } from './address.js';
import { ExitError } from './exit.js';
import { connectTo, refused } from './node-client.js';

const HELP = `
The node at --at hands over what it holds and then stops; this ends with it. Clients may go on using
it meanwhile.

With --force the ring of the node at --at goes on without MEMBER (an id or address of dhash status),
which must be dead. That is for a ring of which too few members are left to decide anything, such as
one of two; otherwise dead members are removed by themselves (--evict-after-ms). The ring that is
forced is another one, with another id: MEMBER never comes back into it, but by joining empty. What
only MEMBER had is lost.

Examples:
  $ dhash leave --at 10.0.0.7:6379
  $ dhash leave --at 10.0.0.7:6379 --force 10.0.0.8:6379
`;

interface LeaveFlags {
  readonly at: ServerAddress;
  readonly force?: string;
  readonly json?: boolean;
}

export function addLeaveCommand(program: Command): void {
  program
    .command('leave')
    .description('let a node hand over what it holds, leave its ring, and stop')
    .addOption(addressOption())
    .option('--force <member>', 'go on without this dead member instead')
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action((flags: LeaveFlags) => runLeave(flags));
}

async function runLeave({ at, force, json }: LeaveFlags): Promise<void> {
  const client = await connectTo(at);
  const startedMs = performance.now();
  try {
    client.waitForAnyTime();
    const words = force === undefined ? [] : ['FORCE', force];
    const reply = await client.ask('DHASH', 'LEAVE', ...words);
    if (reply instanceof Error) throw new ExitError(reply.message);
    const seconds = (performance.now() - startedMs) / 1000;
    const left = force ?? printAddress(at);
    console.log(
      json === true
        ? JSON.stringify({ left, seconds })
        : `${left} has left the ring after ${seconds.toFixed(1)} s`,
    );
  } catch (error) {
    throw refused(error);
  } finally {
    client.close();
  }
}
