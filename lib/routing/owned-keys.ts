/** Whose the keys of a request are. */
import type { Ring } from '../../discord/ring/ring.js';
import type { Args } from '../../resp/args.js';
import type { Command, FoundKey } from '../commands/command.js';
import { findKeys } from '../commands/key-positions.js';
import { findKnown } from '../commands/known-commands.js';
import type { Server } from '../server/server.js';
import { KEY, LOCAL } from './kinds.js';

/** The request names no key. */
export const NO_OWNER = -1;
/** Its keys have several owners. */
export const SEVERAL = -2;

/** Index of the one owner of all keys that a request names, NO_OWNER or SEVERAL. */
export function ownerOfKeys(server: Server, ring: Ring, command: Command, args: Args): number {
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
    return owner;
  }
  const [first, last, step] = command.keys!;
  const end = last < 0 ? args.count + last : Math.min(last, args.count - 1);
  for (let at = first; at <= end; at += step) {
    const next = ring.ownerOf(buf, starts[at]!, ends[at]!);
    if (owner !== NO_OWNER && next !== owner) return SEVERAL;
    owner = next;
  }
  return owner;
}

/** All keys that a request names. */
export function keysOf(server: Server, command: Command, args: Args): FoundKey[] {
  const known = findKnown(server, command.fullName);
  return known === undefined ? [] : findKeys(known, args);
}
