/** Commands as a server uses them: the rows of the table with what their metadata adds. */

import { routeOf } from '../routing/kinds.js';
import { CommandStats } from '../server/command-stats.js';
import {
  ALLOW_BUSY,
  type Command,
  type CommandRow,
  DENY_OOM,
  NO_SCRIPT,
  WHILE_LOADING,
} from './command.js';
import { metadata } from './metadata.js';

/** By name, in the order of the rows. */
export function commandsInUse(rows: readonly CommandRow[]): ReadonlyMap<string, Command> {
  return new Map(rows.map((row) => [row.name, inUse(row, undefined)]));
}

function inUse(row: CommandRow, parent: CommandRow | undefined): Command {
  const fullName = parent === undefined ? row.name : `${parent.name}|${row.name}`;
  const flags = row.flags | flagsOfMetadata(parent?.name ?? row.name, fullName);
  let children: Map<string, Command> | undefined;
  if (row.subcommands !== undefined) {
    children = new Map();
    for (const sub of row.subcommands) children.set(sub.name, inUse(sub, row));
  }
  const route = routeOf(row, parent);
  return { ...row, flags, fullName, route, stats: new CommandStats(), children };
}

/** The bits that the metadata of a command or subcommand has. */
function flagsOfMetadata(name: string, fullName: string): number {
  const of = metadata[name];
  const names = (name === fullName ? of : of?.subcommands?.[fullName])?.flags ?? [];
  let flags = 0;
  if (names.includes('denyoom')) flags |= DENY_OOM;
  if (names.includes('noscript')) flags |= NO_SCRIPT;
  if (names.includes('allow_busy')) flags |= ALLOW_BUSY;
  if (names.includes('loading')) flags |= WHILE_LOADING;
  return flags;
}
