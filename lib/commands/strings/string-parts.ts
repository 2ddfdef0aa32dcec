/** Parts of strings: APPEND, STRLEN, GETRANGE, SETRANGE. They cost what they touch. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import type { Database } from '../../store/database.js';
import { NOTIFY_STRING } from '../../store/notify.js';
import { type CommandRow, FAST, READONLY, WRITE } from '../command.js';
import { findStringKey, isWrongType, notifyKey, readStringKey, refusesKey } from '../lookup.js';
import { NOT_INTEGER, replyValueRange, STRING_TOO_LONG } from '../replies.js';
import { fromEnd, isReversed } from './index-range.js';
import { AT_ONCE_BYTES, LongReply } from './long-value.js';

function append(session: Session, args: Args, reply: ReplyWriter): void {
  if (refusesKey(args, 1, reply)) return;
  const database = session.database;
  const leaf = findStringKey(database, args, 1);
  if (isWrongType(leaf, reply)) return;
  const { buf, starts, ends } = args;
  const added = args.length(2);
  if (leaf === 0) {
    database.set(buf, starts[1]!, ends[1]!, buf, starts[2]!, ends[2]!, 0);
    notifyKey(database, NOTIFY_STRING, 'append', args, 1);
    reply.integer(added);
    return;
  }
  const bytes = database.tree.valueBytes(leaf);
  if (isTooLong(session, bytes + added, reply)) return;
  patchArgument(database, args, bytes, 2);
  notifyKey(database, NOTIFY_STRING, 'append', args, 1);
  reply.integer(bytes + added);
}

function isTooLong(session: Session, bytes: number, reply: ReplyWriter): boolean {
  if (bytes <= session.server.settings.protoMaxBulkLen) return false;
  reply.error(STRING_TOO_LONG);
  return true;
}

function strlen(session: Session, args: Args, reply: ReplyWriter): void {
  const database = session.database;
  const leaf = readStringKey(database, args, 1);
  if (isWrongType(leaf, reply)) return;
  reply.integer(leaf === 0 ? 0 : database.tree.valueBytes(leaf));
}

function getrange(session: Session, args: Args, reply: ReplyWriter): void {
  const first = args.int64(2);
  const last = args.int64(3);
  if (Number.isNaN(first) || Number.isNaN(last)) {
    reply.error(NOT_INTEGER);
    return;
  }
  const database = session.database;
  const leaf = readStringKey(database, args, 1);
  if (isWrongType(leaf, reply)) return;
  const bytes = leaf === 0 ? 0 : database.tree.valueBytes(leaf);
  const from = fromEnd(first, bytes);
  const to = Math.min(fromEnd(last, bytes), bytes - 1) + 1;
  if (bytes === 0 || from >= to || isReversed(args, 2, 3)) reply.bulk(args.buf, 0, 0);
  else if (to - from > AT_ONCE_BYTES) {
    const long = new LongReply(session, reply);
    long.add(leaf, from, to);
    long.send();
  } else replyValueRange(reply, database, leaf, from, to);
}

function setrange(session: Session, args: Args, reply: ReplyWriter): void {
  const offset = args.int64(2);
  if (Number.isNaN(offset)) {
    reply.error(NOT_INTEGER);
    return;
  }
  if (offset < 0) {
    reply.error('ERR offset is out of range');
    return;
  }
  const database = session.database;
  const leaf = findStringKey(database, args, 1);
  if (isWrongType(leaf, reply)) return;
  const bytes = leaf === 0 ? 0 : database.tree.valueBytes(leaf);
  const added = args.length(3);
  if (added === 0) {
    reply.integer(bytes);
    return;
  }
  if (isTooLong(session, offset + added, reply) || refusesKey(args, 1, reply)) return;
  patchArgument(database, args, offset, 3);
  notifyKey(database, NOTIFY_STRING, 'setrange', args, 1);
  reply.integer(Math.max(bytes, offset + added));
}

function patchArgument(database: Database, args: Args, offset: number, value: number): void {
  const { buf, starts, ends } = args;
  database.patch(buf, starts[1]!, ends[1]!, offset, buf, starts[value]!, ends[value]!);
}

export const stringPartCommands: readonly CommandRow[] = [
  { name: 'append', arity: 3, flags: WRITE | FAST, keys: [1, 1, 1], handler: append },
  { name: 'strlen', arity: 2, flags: READONLY | FAST, keys: [1, 1, 1], handler: strlen },
  { name: 'getrange', arity: 4, flags: READONLY | FAST, keys: [1, 1, 1], handler: getrange },
  { name: 'substr', arity: 4, flags: READONLY | FAST, keys: [1, 1, 1], handler: getrange },
  { name: 'setrange', arity: 4, flags: WRITE | FAST, keys: [1, 1, 1], handler: setrange },
];
