/** `dhash`: the table of commands, and how a command's end becomes an exit code. */

import { Command, CommanderError } from 'commander';
import { DHASH_VERSION } from '../lib/version.js';
import { EXIT_GOOD, EXIT_NOT_GOOD, EXIT_USAGE, ExitError } from './exit.js';
import { keepYoungGenerationSmall } from './young-generation.js';

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

type AddCommand = (program: Command) => void;

/** In the order of the help. One is loaded without the others: a node's own code takes its time. */
const COMMANDS: Readonly<Record<string, () => Promise<AddCommand>>> = {
  node: async () => {
    keepYoungGenerationSmall();
    return (await import('./node.js')).addNodeCommand;
  },
  ring: async () => (await import('./ring.js')).addRingCommand,
  status: async () => (await import('./status.js')).addStatusCommand,
  leave: async () => (await import('./leave.js')).addLeaveCommand,
  verify: async () => (await import('./verify.js')).addVerifyCommand,
  bench: async () => (await import('./bench.js')).addBenchCommand,
  hash: async () => (await import('./hash.js')).addHashCommand,
  import: async () => (await import('./import.js')).addImportCommand,
  backup: async () => (await import('./backup.js')).addBackupCommand,
  restore: async () => (await import('./restore.js')).addRestoreCommand,
  export: async () => (await import('./export.js')).addExportCommand,
  explain: async () => (await import('./explain.js')).addExplainCommand,
  encode: async () => (await import('./encode.js')).addEncodeCommand,
};

/** With the command that is asked for; with all of them, to tell of, if none is. */
async function createProgram(asked: string | undefined): Promise<Command> {
  const program = new Command('dhash')
    .description('An ordered, in-memory data store that speaks the Redis protocol.')
    .version(DHASH_VERSION, '-v, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .addHelpText('after', EXAMPLES)
    .showHelpAfterError('Try: dhash --help')
    .exitOverride();
  // Each command copies how its parent ends, so the parent is complete before the first is added.
  const isKnown = asked !== undefined && Object.hasOwn(COMMANDS, asked);
  const names = isKnown ? [asked] : Object.keys(COMMANDS);
  for (const name of names) (await COMMANDS[name]!())(program);
  return program;
}

/** Runs the command line and leaves its exit code in the process. Never throws. */
export async function run(argv: readonly string[]): Promise<void> {
  try {
    await (await createProgram(argv[2])).parseAsync(argv);
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
