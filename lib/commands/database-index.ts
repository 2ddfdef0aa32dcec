/** Numbers of databases as arguments. */
import type { Args } from '../../resp/args.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';
import type { Session } from '../server/session.js';
import type { Database } from '../store/database.js';
import { INDEX_OUT_OF_RANGE, NOT_INTEGER } from './replies.js';

const INT32_MIN = -2147483648;
const INT32_MAX = 2147483647;
const BEYOND_INT32 = `ERR value is out of range, value must between ${INT32_MIN} and ${INT32_MAX}`;

/** The database whose number is argument `i`; undefined, the error replied, if there is none. */
export function databaseOf(
  session: Session,
  args: Args,
  i: number,
  reply: ReplyWriter,
): Database | undefined {
  const index = args.int64(i);
  if (Number.isNaN(index)) {
    reply.error(NOT_INTEGER);
    return undefined;
  }
  if (index < INT32_MIN || index > INT32_MAX) {
    reply.error(BEYOND_INT32);
    return undefined;
  }
  const database = session.server.store.databases[index];
  if (database === undefined) reply.error(INDEX_OUT_OF_RANGE);
  return database;
}

/** Argument `i` as an int, NaN if it is none. */
export function int32Of(args: Args, i: number): number {
  const value = args.int64(i);
  return value >= INT32_MIN && value <= INT32_MAX ? value : Number.NaN;
}
