/** All commands of a node: one row each (STYLE: a command is one row in a table). */
import type { CommandRow } from './command.js';
import { aclCommands } from './acl.js';
import { clientCommands } from './client.js';
import { connectionCommands } from './connection.js';
import { expiryCommands } from './expiry.js';
import { keyCommands } from './keys.js';
import { objectCommands } from './object.js';
import { orderedCommands } from './ordered.js';
import { scanCommands } from './scan.js';
import { stringNumberCommands } from './string-numbers.js';
import { stringPartCommands } from './string-parts.js';
import { stringCommands } from './strings.js';
import { transactionCommands } from './transactions.js';

export const commandRows: readonly CommandRow[] = [
  ...connectionCommands,
  ...stringCommands,
  ...stringNumberCommands,
  ...stringPartCommands,
  ...keyCommands,
  ...expiryCommands,
  ...objectCommands,
  ...scanCommands,
  ...orderedCommands,
  ...transactionCommands,
  ...clientCommands,
  ...aclCommands,
];
