/** `dhash`: the table of commands, and how a command's end becomes an exit code. */

import { Command, CommanderError } from 'commander';
import { DHASH_VERSION } from '../lib/version.js';
import { addBackupCommand } from './backup.js';
import { addBenchCommand } from './bench.js';
import { addEncodeCommand } from './encode.js';
import { EXIT_GOOD, EXIT_NOT_GOOD, EXIT_USAGE, ExitError } from './exit.js';
import { addExplainCommand } from './explain.js';
import { addExportCommand } from './export.js';
import { addHashCommand } from './hash.js';
import { addImportCommand } from './import.js';
import { addLeaveCommand } from './leave.js';
import { addNodeCommand } from './node.js';
import { addRestoreCommand } from './restore.js';
import { addRingCommand } from './ring.js';
import { addStatusCommand } from './status.js';
import { addVerifyCommand } from './verify.js';

const EXAMPLES = `
Examples:
  $ dhash node                          a node on 127.0.0.1:6379
  $ dhash ring                          three of them, as one ring
  $ dhash status --watch                how the ring is
  $ redis-cli SET city:SE:Stockholm 1   any Redis client talks to it
  $ redis-cli KRANGE '[city:SE:' '(city:SE;' WITHVALUES
  $ dhash bench --seconds 5 -t set,get  how fast is it?
  $ dhash import dump.rdb               the keys of a Redis
  $ dhash backup monday.dhb             everything that a node holds
  $ dhash COMMAND --help                everything about a command
`;

function createProgram(): Command {
  const program = new Command('dhash')
    .description('An ordered, in-memory data store that speaks the Redis protocol.')
    .version(DHASH_VERSION, '-v, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .addHelpText('after', EXAMPLES)
    .showHelpAfterError('Try: dhash --help')
    .exitOverride();
  // Each command copies how its parent ends, so the parent is complete before the first is added.
  addNodeCommand(program);
  addRingCommand(program);
  addStatusCommand(program);
  addLeaveCommand(program);
  addVerifyCommand(program);
  addBenchCommand(program);
  addHashCommand(program);
  addImportCommand(program);
  addBackupCommand(program);
  addRestoreCommand(program);
  addExportCommand(program);
  addExplainCommand(program);
  addEncodeCommand(program);
  return program;
}

/** Runs the command line and leaves its exit code in the process. Never throws. */
export async function run(argv: readonly string[]): Promise<void> {
  try {
    await createProgram().parseAsync(argv);
  } catch (error) {
    process.exitCode = exitCodeOf(error);
  }
}

/** The exit code of what a command threw; says what went wrong, unless that was said already. */
function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_GOOD : EXIT_USAGE;
  if (error instanceof ExitError) {
    console.error(`dhash: ${error.message}`);
    return error.exitCode;
  }
  console.error(error);
  return EXIT_NOT_GOOD;
}
