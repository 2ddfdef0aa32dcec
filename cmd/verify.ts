/** `dhash verify`: whether all replicas of a ring are equal, and the ring is in order. */
import type { Command } from 'commander';
import { addressOption, type ServerAddress } from './address.js';
import { EXIT_NOT_GOOD } from './exit.js';
import { connectTo, refused } from './node-client.js';
import { askVerification, type RingVerification } from './ring-reply.js';

const HELP = `
Asks all members, through the node at --at: whether the replicas of each range hold the same, whether
a member holds what it should not, and whether what the members know of the ring fits together.
Records are keys, elements of collections, and tombstones: what was deleted, and not forgotten yet.
Ranges that differ are compared again, since writes on their way make them differ for a moment. Exit
code 1 tells that something was found; most of it mends itself within seconds (see INFO loops).

Examples:
  $ dhash verify --at 10.0.0.7:6379
  $ dhash verify --json
`;

interface VerifyFlags {
  readonly at: ServerAddress;
  readonly json?: boolean;
}

export function addVerifyCommand(program: Command): void {
  program
    .command('verify')
    .description('compare all replicas of a ring, and check that it is in order')
    .addOption(addressOption())
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action((flags: VerifyFlags) => runVerify(flags));
}

async function runVerify({ at, json }: VerifyFlags): Promise<void> {
  const client = await connectTo(at);
  try {
    const found = await askVerification(client);
    console.log(json === true ? JSON.stringify(found) : textOf(found));
    if (found.problems.length > 0) process.exitCode = EXIT_NOT_GOOD;
  } catch (error) {
    throw refused(error);
  } finally {
    client.close();
  }
}

function textOf({ epoch, problems, ranges }: RingVerification): string {
  const equal = ranges.filter((range) => range.equal).length;
  const keys = ranges.reduce((sum, range) => sum + Math.max(0, range.keys), 0);
  const records = ranges.reduce((sum, range) => sum + Math.max(0, range.records), 0);
  const held = `${keys} keys in ${records} records`;
  const head = `epoch ${epoch}: ${equal} of ${ranges.length} ranges are equal, ${held}`;
  const end = problems.length === 0 ? 'nothing is wrong' : problems.join('\n');
  return `${head}\n${end}`;
}
