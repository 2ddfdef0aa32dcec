/** Opening the collection at a key that is an argument, as lookup.ts does for whole keys. */
import type { Args } from '../../resp/args.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';
import type { Session } from '../server/session.js';
import type { Collection } from '../store/collection.js';
import { KEY_BYTES_MAX } from '../store/store.js';
import { SUB_KEY_TOO_LONG, WRONG_TYPE_ERROR } from './replies.js';

/**
 * The collection of this type at the key in argument `i`, to read it; empty if the key is not
 * there; undefined, the error replied, if it holds something else. `slot`: see
 * `Database.collection`.
 */
export function readCollection(
  { database }: Pick<Session, 'database'>,
  args: Args,
  i: number,
  type: number,
  reply: ReplyWriter,
  slot = 0,
): Collection | undefined {
  const collection = database.collection(slot);
  const from = args.starts[i]!;
  const to = args.ends[i]!;
  if (to - from > KEY_BYTES_MAX) {
    database.missed(args.buf, from, to);
    collection.openNone(type);
    return collection;
  }
  if (collection.openToRead(args.buf, from, to, type)) return collection;
  reply.error(WRONG_TYPE_ERROR);
  return undefined;
}

/** `readCollection` to change it. What may make it asks `refusesKey` first. */
export function findCollection(
  session: Session,
  args: Args,
  i: number,
  type: number,
  reply: ReplyWriter,
  slot = 0,
): Collection | undefined {
  const collection = session.database.collection(slot);
  const from = args.starts[i]!;
  const to = args.ends[i]!;
  if (to - from > KEY_BYTES_MAX) {
    collection.openNone(type);
    return collection;
  }
  if (collection.openToWrite(args.buf, from, to, type)) return collection;
  reply.error(WRONG_TYPE_ERROR);
  return undefined;
}

/** True, the error replied, if the field or member in argument `i` may not be written. */
export function refusesSubKey(args: Args, i: number, reply: ReplyWriter): boolean {
  if (args.ends[i]! - args.starts[i]! <= KEY_BYTES_MAX) return false;
  reply.error(SUB_KEY_TOO_LONG);
  return true;
}
