/** Elements of a list by their index: LLEN, LINDEX, LRANGE, LSET. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import { NOTIFY_LIST } from '../../store/notify.js';
import { setElement } from '../../types/lists.js';
import { TYPE_LIST } from '../../types/types.js';
import { findCollection, readCollection } from '../collections.js';
import { type CommandRow, FAST, READONLY, WRITE } from '../command.js';
import { replyRange, writeValue } from '../element-reply.js';
import { NO_SUCH_KEY, NOT_INTEGER, replyValue } from '../replies.js';
import { IndexRange } from './index-range.js';

function llen(session: Session, args: Args, reply: ReplyWriter): void {
  const list = readCollection(session, args, 1, TYPE_LIST, reply);
  if (list !== undefined) reply.integer(list.size);
}

function lindex(session: Session, args: Args, reply: ReplyWriter): void {
  const list = readCollection(session, args, 1, TYPE_LIST, reply);
  if (list === undefined) return;
  if (!list.exists) {
    reply.nil();
    return;
  }
  const index = args.int64(2);
  if (Number.isNaN(index)) {
    reply.error(NOT_INTEGER);
    return;
  }
  const element = list.elements.nth(index < 0 ? index + list.size : index);
  if (element === 0) reply.nil();
  else replyValue(reply, session.database, element);
}

const range = new IndexRange();

function lrange(session: Session, args: Args, reply: ReplyWriter): void {
  if (!range.read(args, 2, reply)) return;
  const list = readCollection(session, args, 1, TYPE_LIST, reply);
  if (list === undefined) return;
  range.clamp(list.size);
  const { start, end } = range;
  reply.array(end - start);
  if (end > start) replyRange(session, list, writeValue, start, end - start, false);
}

function lset(session: Session, args: Args, reply: ReplyWriter): void {
  const list = findCollection(session, args, 1, TYPE_LIST, reply);
  if (list === undefined) return;
  if (!list.exists) {
    reply.error(NO_SUCH_KEY);
    return;
  }
  const index = args.int64(2);
  if (Number.isNaN(index)) {
    reply.error(NOT_INTEGER);
    return;
  }
  const element = list.elements.nth(index < 0 ? index + list.size : index);
  if (element === 0) {
    reply.error('ERR index out of range');
    return;
  }
  setElement(list, element, args.buf, args.starts[3]!, args.ends[3]!);
  list.notify(NOTIFY_LIST, 'lset');
  reply.ok();
}

export const listCommands: readonly CommandRow[] = [
  { name: 'llen', arity: 2, flags: READONLY | FAST, keys: [1, 1, 1], handler: llen },
  { name: 'lindex', arity: 3, flags: READONLY | FAST, keys: [1, 1, 1], handler: lindex },
  { name: 'lrange', arity: 4, flags: READONLY, keys: [1, 1, 1], handler: lrange },
  { name: 'lset', arity: 4, flags: WRITE | FAST, keys: [1, 1, 1], handler: lset },
];
