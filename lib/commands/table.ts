/** All commands of a node: one row each (STYLE: a command is one row in a table). */
import { aclCommands } from './acl.js';
import { bitfieldCommands } from './bitfield.js';
import { bitCommands } from './bits.js';
import { clientCommands } from './client.js';
import type { CommandRow } from './command.js';
import { commandCommands } from './command-command.js';
import { configCommands } from './config.js';
import { connectionCommands } from './connection.js';
import { debugCommands } from './debug.js';
import { dhashCommands } from './dhash.js';
import { dumpCommands } from './dump.js';
import { expiryCommands } from './expiry.js';
import { httpGuardCommands } from './http-guard.js';
import { infoCommands } from './info.js';
import { keyCommands } from './keys.js';
import { latencyCommands } from './latency.js';
import { lcsCommands } from './lcs.js';
import { lolwutCommands } from './lolwut.js';
import { memoryCommands } from './memory.js';
import { miscCommands } from './misc.js';
import { monitorCommands } from './monitor.js';
import { objectCommands } from './object.js';
import { orderedCommands } from './ordered.js';
import { refusedCommands } from './refused-commands.js';
import { scanCommands } from './scan.js';
import { slowlogCommands } from './slowlog.js';
import { stringNumberCommands } from './string-numbers.js';
import { stringPartCommands } from './string-parts.js';
import { stringCommands } from './strings.js';
import { transactionCommands } from './transactions.js';

export const commandRows: readonly CommandRow[] = [
  ...aclCommands,
  ...bitfieldCommands,
  ...bitCommands,
  ...clientCommands,
  ...commandCommands,
  ...configCommands,
  ...connectionCommands,
  ...debugCommands,
  ...dhashCommands,
  ...dumpCommands,
  ...expiryCommands,
  ...httpGuardCommands,
  ...infoCommands,
  ...keyCommands,
  ...latencyCommands,
  ...lcsCommands,
  ...lolwutCommands,
  ...memoryCommands,
  ...miscCommands,
  ...monitorCommands,
  ...objectCommands,
  ...orderedCommands,
  ...refusedCommands,
  ...scanCommands,
  ...slowlogCommands,
  ...stringNumberCommands,
  ...stringPartCommands,
  ...stringCommands,
  ...transactionCommands,
];
