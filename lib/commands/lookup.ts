/**
 * Looking up the key that is an argument. A key longer than any key of the store is never there,
 * and is refused by whatever would make it.
 */
import type { Leaf } from '../../radix/leaf.js';
import type { Args } from '../../resp/args.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';
import { type Database, WRONG_TYPE } from '../store/database.js';
import { KEY_BYTES_MAX } from '../store/store.js';
import { KEY_TOO_LONG, WRONG_TYPE_ERROR } from './replies.js';

/** True, the error replied, if the key may not be written. */
export function refusesKey(args: Args, i: number, reply: ReplyWriter): boolean {
  if (args.ends[i]! - args.starts[i]! <= KEY_BYTES_MAX) return false;
  reply.error(KEY_TOO_LONG);
  return true;
}

/** A key of any type, to read it: 0 = not there. */
export function readKey(database: Database, args: Args, i: number): Leaf {
  const from = args.starts[i]!;
  const to = args.ends[i]!;
  if (to - from > KEY_BYTES_MAX) return missed(database, args, i);
  return database.read(args.buf, from, to);
}

/** A string, to read it: 0 = not there, WRONG_TYPE = something else. */
export function readStringKey(database: Database, args: Args, i: number): Leaf {
  const from = args.starts[i]!;
  const to = args.ends[i]!;
  if (to - from > KEY_BYTES_MAX) return missed(database, args, i);
  return database.readString(args.buf, from, to);
}

/** A key of any type, to look at it: counts a hit or a miss, and is no access. */
export function inspectKey(database: Database, args: Args, i: number): Leaf {
  const leaf = peekKey(database, args, i);
  if (leaf === 0) return missed(database, args, i);
  database.store.keyspaceHits += 1;
  return leaf;
}

/** `inspectKey` of which no subscriber hears if the key is not there: OBJECT. */
export function inspectKeyQuietly(database: Database, args: Args, i: number): Leaf {
  const leaf = peekKey(database, args, i);
  if (leaf === 0) database.store.keyspaceMisses += 1;
  else database.store.keyspaceHits += 1;
  return leaf;
}

/** A key of any type, to change it: 0 = not there. */
export function findKey(database: Database, args: Args, i: number): Leaf {
  const from = args.starts[i]!;
  const to = args.ends[i]!;
  return to - from > KEY_BYTES_MAX ? 0 : database.find(args.buf, from, to);
}

/** A string, to change it: 0 = not there, WRONG_TYPE = something else. */
export function findStringKey(database: Database, args: Args, i: number): Leaf {
  const from = args.starts[i]!;
  const to = args.ends[i]!;
  return to - from > KEY_BYTES_MAX ? 0 : database.findString(args.buf, from, to);
}

/** A key of any type, without a trace: 0 = not there. */
export function peekKey(database: Database, args: Args, i: number): Leaf {
  const from = args.starts[i]!;
  const to = args.ends[i]!;
  return to - from > KEY_BYTES_MAX ? 0 : database.peek(args.buf, from, to);
}

/** Removes a key; true if it was there. */
export function removeKey(database: Database, args: Args, i: number): boolean {
  const from = args.starts[i]!;
  const to = args.ends[i]!;
  return to - from <= KEY_BYTES_MAX && database.remove(args.buf, from, to);
}

/** True, the error replied, if the key holds something else than a string. */
export function isWrongType(leaf: Leaf, reply: ReplyWriter): boolean {
  if (leaf !== WRONG_TYPE) return false;
  reply.error(WRONG_TYPE_ERROR);
  return true;
}

function missed(database: Database, args: Args, i: number): Leaf {
  database.missed(args.buf, args.starts[i]!, args.ends[i]!);
  return 0;
}

/** Tells subscribers what has happened to the key that is argument `i`: see `Database.notify`. */
export function notifyKey(
  database: Database,
  flags: number,
  event: string,
  args: Args,
  i: number,
): void {
  database.notify(flags, event, args.buf, args.starts[i]!, args.ends[i]!);
}
