/** `dhash`: the table of its commands. */

import { type Commands, runProgram } from './program.js';

/** One is loaded without the others: a node's own code takes its time. */
const COMMANDS: Commands = {
  node: async () => (await import('./node.js')).addNodeCommand,
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

/** Runs the command line and leaves its exit code in the process. Never throws. */
export function run(argv: readonly string[]): Promise<void> {
  return runProgram(COMMANDS, argv);
}
