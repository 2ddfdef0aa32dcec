/** All commands of a node: one row each (STYLE: a command is one row in a table). */
import { aclCommands } from './acl.js';
import { bitfieldCommands } from './bitfield.js';
import { bitCommands } from './bits.js';
import { clientCommands } from './client.js';
import type { CommandRow } from './command.js';
import { commandCommands } from './command-command.js';
import { configCommands } from './config.js';
import { connectionCommands } from './connection.js';
import { dumpCommands } from './dump.js';
import { expiryCommands } from './expiry.js';
import { infoCommands } from './info.js';
import { keyCommands } from './keys.js';
import { lcsCommands } from './lcs.js';
import { objectCommands } from './object.js';
import { orderedCommands } from './ordered.js';
import { scanCommands } from './scan.js';
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
  ...dumpCommands,
  ...expiryCommands,
  ...infoCommands,
  ...keyCommands,
  ...lcsCommands,
  ...objectCommands,
  ...orderedCommands,
  ...scanCommands,
  ...stringNumberCommands,
  ...stringPartCommands,
  ...stringCommands,
  ...transactionCommands,
];
