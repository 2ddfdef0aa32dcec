/**
 * Where a client sends a command: to the one owner of its keys if it has one, else to any node,
 * which finds its own way. From the same table of commands that nodes route by.
 */
import type { Ring } from '../../discord/ring/ring.js';
import { Args } from '../../resp/args.js';
import { type Command, READONLY } from '../commands/command.js';
import { commandsInUse } from '../commands/commands-in-use.js';
import type { HasCommands } from '../commands/known-commands.js';
import { metadata } from '../commands/metadata.js';
import { commandRows } from '../commands/table.js';
import { KEY, LOCAL } from '../routing/kinds.js';
import { NO_OWNER, ownerOfKeys } from '../routing/owned-keys.js';
import { ClientError } from './client-error.js';

/** They are about their connection, which many calls share here. By full name. */
const ABOUT_CONNECTION: ReadonlySet<string> = new Set([
  ...['multi', 'exec', 'discard', 'watch', 'unwatch', 'monitor', 'subscribe', 'psubscribe'],
  ...['ssubscribe', 'unsubscribe', 'punsubscribe', 'sunsubscribe', 'auth', 'hello', 'select'],
  ...['reset', 'quit', 'consistency', 'wait', 'waitaof', 'peer', 'client|reply'],
  ...['client|tracking', 'client|caching', 'client|no-touch'],
]);

/** What is known of a command without the ring. */
export interface Plan {
  /** Undefined: no command of this version. */
  readonly command: Command | undefined;
  /** The command itself: without AT level. */
  readonly words: readonly Buffer[];
  /** It may be sent twice. */
  readonly isRead: boolean;
}

let table: HasCommands | undefined;

/** Built when the first client needs it. */
function commandTable(): HasCommands {
  table ??= { dispatcher: { commands: commandsInUse(commandRows) } };
  return table;
}

/** Throws a ClientError for what has no place here. */
export function planOf(words: readonly Buffer[]): Plan {
  const { commands } = commandTable().dispatcher;
  const name = lowerOf(words[0]);
  if (name === 'at' && words.length > 2) return planOf(words.slice(2));
  const outer = commands.get(name);
  const command = outer?.children?.get(lowerOf(words[1])) ?? outer;
  if (command !== undefined) {
    const { fullName } = command;
    if (ABOUT_CONNECTION.has(fullName) || isWaiting(name, words)) {
      const shown = fullName.replace('|', ' ').toUpperCase();
      throw new ClientError(
        'UNSUPPORTED',
        `${shown} needs a connection of its own: take any Redis client for it; not applied`,
      );
    }
  }
  return { command, words, isRead: command !== undefined && (command.flags & READONLY) !== 0 };
}

/** Index of the owner, or a negative number: any node. */
export function ownerOf({ command, words }: Plan, ring: Ring): number {
  if (command === undefined || command.route.kind === LOCAL) return NO_OWNER;
  const { keyAt, kind } = command.route;
  if (kind !== KEY) return ownerOfKeys(commandTable(), ring, command, Args.of(...words));
  const key = words[keyAt];
  return key === undefined ? NO_OWNER : ring.ownerOf(key, 0, key.length);
}

/** It would hold up all calls behind it. */
function isWaiting(name: string, words: readonly Buffer[]): boolean {
  if (metadata[name]?.flags.includes('blocking') !== true) return false;
  if (name !== 'xread' && name !== 'xreadgroup') return true;
  const lower = words.map(lowerOf);
  const keysAt = lower.indexOf('streams');
  return lower.slice(0, keysAt < 0 ? undefined : keysAt).includes('block');
}

function lowerOf(word: Buffer | undefined): string {
  return word === undefined ? '' : word.toString('latin1').toLowerCase();
}
