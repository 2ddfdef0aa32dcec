/** All commands of a node: one row each (STYLE: a command is one row in a table). */
import { orderedCommands } from './ordered.js';
import type { CommandRow } from './command.js';
import { scanCommands } from './scan.js';
import { transactionCommands } from './transactions.js';

export const commandRows: readonly CommandRow[] = [
  ...scanCommands,
  ...orderedCommands,
  ...transactionCommands,
];
