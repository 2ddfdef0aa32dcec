/** A command line made of a table of commands, and how a command's end becomes an exit code. */

import { Command, CommanderError } from 'commander';
import { DHASH_VERSION } from '../lib/version.js';
import { EXIT_GOOD, EXIT_NOT_GOOD, EXIT_USAGE, ExitError } from './exit.js';
import { endWithReader } from './reader.js';

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

/** By name, in the order of the help. */
export type Commands = Readonly<Record<string, () => Promise<(program: Command) => void>>>;

/** With the command that is asked for; with all of them, to tell of, if none is. */
async function createProgram(commands: Commands, asked: string | undefined): Promise<Command> {
  const program = new Command('dhash')
    .description('An ordered, in-memory data store that speaks the Redis protocol.')
    .version(DHASH_VERSION, '-v, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .addHelpText('after', EXAMPLES)
    .showHelpAfterError('Try: dhash --help')
    .exitOverride();
  // Each command copies how its parent ends, so the parent is complete before the first is added.
  const isKnown = asked !== undefined && Object.hasOwn(commands, asked);
  const names = isKnown ? [asked] : Object.keys(commands);
  for (const name of names) (await commands[name]!())(program);
  return program;
}

/** Runs the command line and leaves its exit code in the process. Never throws. */
export async function runProgram(commands: Commands, argv: readonly string[]): Promise<void> {
  endWithReader();
  try {
    await (await createProgram(commands, argv[2])).parseAsync(argv);
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
