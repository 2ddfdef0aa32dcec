/** All commands of a node: one row each (STYLE: a command is one row in a table). */
import type { CommandRow } from './command.js';
import { connectionCommands } from './connection.js';
import { orderedCommands } from './ordered.js';
import { scanCommands } from './scan.js';
import { stringCommands } from './strings.js';
import { transactionCommands } from './transactions.js';

export const commandRows: readonly CommandRow[] = [
  ...connectionCommands,
  ...stringCommands,
  ...scanCommands,
  ...orderedCommands,
  ...transactionCommands,
];
