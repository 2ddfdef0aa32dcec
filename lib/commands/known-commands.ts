/** The commands that a node really has, each with what COMMAND tells of it. */
import { type Command, REFUSED } from './command.js';
import { metadata } from './metadata.js';
import type { CommandMetadata } from './metadata-types.js';

export interface KnownCommand {
  readonly command: Command;
  readonly about: CommandMetadata;
  readonly children: readonly KnownCommand[];
}

/** Whoever has a table of commands: a server, or a client that wants to know where keys are. */
export interface HasCommands {
  readonly dispatcher: { readonly commands: ReadonlyMap<string, Command> };
}

/** By owner, since each may have commands of its own; built when it is first asked for. */
const tables = new WeakMap<HasCommands, ReadonlyMap<string, KnownCommand>>();

/** Commands by name, without those that are always refused. */
export function knownCommands(server: HasCommands): ReadonlyMap<string, KnownCommand> {
  let table = tables.get(server);
  if (table === undefined) {
    table = build(server);
    tables.set(server, table);
  }
  return table;
}

/** The command of a name in any case, `config|get` for a subcommand. */
export function findKnown(server: HasCommands, name: string): KnownCommand | undefined {
  const lower = name.toLowerCase();
  const known = knownCommands(server).get(lower.split('|', 1)[0]!);
  if (!lower.includes('|')) return known;
  return known?.children.find((child) => child.command.fullName === lower);
}

function build(server: HasCommands): ReadonlyMap<string, KnownCommand> {
  const table = new Map<string, KnownCommand>();
  for (const command of server.dispatcher.commands.values()) {
    const known = knownOf(command);
    if (known !== undefined) table.set(command.name, known);
  }
  return table;
}

function knownOf(command: Command): KnownCommand | undefined {
  if ((command.flags & REFUSED) !== 0) return undefined;
  const about = metadata[command.name] ?? bare(command);
  const children: KnownCommand[] = [];
  for (const child of command.children?.values() ?? []) {
    if ((child.flags & REFUSED) !== 0) continue;
    const childAbout = about.subcommands?.[child.fullName] ?? bare(child);
    children.push({ command: child, about: childAbout, children: [] });
  }
  return { command, about, children };
}

/** Of a command that metadata.ts lacks, what its row says. */
function bare(command: Command): CommandMetadata {
  const keys = command.keys ?? [0, 0, 0];
  return { arity: command.arity, flags: [], keys, acl: [], tips: [], keySpecs: [], docs: {} };
}
