/** Whose the keys of a request are. */
import type { Ring } from '../../discord/ring/ring.js';
import type { Args } from '../../resp/args.js';
import { latin1 } from '../../resp/bytes.js';
import { type Command, type FoundKey, READONLY, SCRIPT } from '../commands/command.js';
import { findKeys } from '../commands/key-positions.js';
import { findKnown, type HasCommands } from '../commands/known-commands.js';
import { sortPatterns } from '../commands/sort/sort-options.js';
import { KEY, LOCAL } from './kinds.js';

/** The request names no key. */
export const NO_OWNER = -1;
/** Its keys have several owners. */
export const SEVERAL = -2;

/** Index of the one owner of all keys that a request names, NO_OWNER or SEVERAL. */
export function ownerOfKeys(server: HasCommands, ring: Ring, command: Command, args: Args): number {
  const { isPlain, keyAt, kind } = command.route;
  const { buf, starts, ends } = args;
  if (kind === LOCAL) return NO_OWNER;
  if (kind === KEY) {
    return keyAt < args.count ? ring.ownerOf(buf, starts[keyAt]!, ends[keyAt]!) : NO_OWNER;
  }
  let owner = NO_OWNER;
  if (!isPlain) {
    for (const key of keysOf(server, command, args)) {
      const next = ring.ownerOf(key.buf, key.from, key.to);
      if (owner !== NO_OWNER && next !== owner) return SEVERAL;
      owner = next;
    }
    return leadsElsewhere(ring, command, args, owner) ? SEVERAL : owner;
  }
  const [first, , step] = command.keys!;
  const end = lastKey(command, args);
  for (let at = first; at <= end; at += step) {
    const next = ring.ownerOf(buf, starts[at]!, ends[at]!);
    if (owner !== NO_OWNER && next !== owner) return SEVERAL;
    owner = next;
  }
  return owner;
}

/**
 * Whether patterns of SORT may lead to keys of another owner. They do not if the tag of such keys
 * is known: no border falls between keys that are alike up to the end of their first {tag}.
 */
function leadsElsewhere(ring: Ring, command: Command, args: Args, owner: number): boolean {
  if (command.name !== 'sort' && command.name !== 'sort_ro') return false;
  return sortPatterns(args).some((pattern) => {
    const literal = pattern.subarray(0, pattern.indexOf('*'));
    const open = literal.indexOf('{');
    const close = open < 0 ? -1 : literal.indexOf('}', open);
    return close < 0 || ring.ownerOf(literal, 0, close + 1) !== owner;
  });
}

/** All keys that a request names. */
export function keysOf(server: HasCommands, command: Command, args: Args): FoundKey[] {
  const known = findKnown(server, command.fullName);
  return known === undefined ? [] : findKeys(known, args);
}

/** What a client may have read with a command, one character per byte. Of a script what it names. */
export function keysRead(server: HasCommands, command: Command, args: Args): string[] {
  if ((command.flags & (READONLY | SCRIPT)) === 0) return [];
  if (!command.route.isPlain) {
    return keysOf(server, command, args).map(({ buf, from, to }) => latin1(buf, from, to));
  }
  const [first, , step] = command.keys!;
  const keys: string[] = [];
  const end = lastKey(command, args);
  for (let at = first; at <= end; at += step) keys.push(args.string(at));
  return keys;
}

/** Of a command whose row names all keys: the argument that is the last of them. */
function lastKey({ keys }: Command, { count }: Args): number {
  const last = keys![1];
  return last < 0 ? count + last : Math.min(last, count - 1);
}
