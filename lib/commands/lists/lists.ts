/** Elements of a list by their index: LLEN, LINDEX, LRANGE, LSET, LTRIM. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import { NOTIFY_LIST } from '../../store/notify.js';
import { removeElement, setElement } from '../../types/lists.js';
import { TYPE_LIST } from '../../types/types.js';
import { findCollection, readCollection } from '../collections.js';
import { type CommandRow, FAST, READONLY, WRITE } from '../command.js';
import { replyRange, writeValue } from '../element-reply.js';
import { NO_SUCH_KEY, NOT_INTEGER, replyValue } from '../replies.js';

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

/** Of the range in arguments 2 and 3, as it lies within a list: [start, end). */
let start = 0;
let end = 0;

/** False, the error replied, if they are no integers. */
function readRange(args: Args, reply: ReplyWriter): boolean {
  start = args.int64(2);
  end = args.int64(3);
  if (!Number.isNaN(start) && !Number.isNaN(end)) return true;
  reply.error(NOT_INTEGER);
  return false;
}

function clampRange(size: number): void {
  if (start < 0) start = Math.max(0, start + size);
  if (end < 0) end += size;
  end = Math.min(end + 1, size);
  if (end < start) end = start;
}

function lrange(session: Session, args: Args, reply: ReplyWriter): void {
  if (!readRange(args, reply)) return;
  const list = readCollection(session, args, 1, TYPE_LIST, reply);
  if (list === undefined) return;
  clampRange(list.size);
  reply.array(end - start);
  replyRange(session, list, start, end - start, writeValue);
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

function ltrim(session: Session, args: Args, reply: ReplyWriter): void {
  if (!readRange(args, reply)) return;
  const list = findCollection(session, args, 1, TYPE_LIST, reply);
  if (list === undefined) return;
  if (!list.exists) {
    reply.ok();
    return;
  }
  const { elements, size } = list;
  clampRange(size);
  if (start === end) {
    list.removeAll();
  } else {
    for (let left = size - end; left > 0; left -= 1) removeElement(list, elements.last());
    for (let left = start; left > 0; left -= 1) removeElement(list, elements.first());
  }
  list.notify(NOTIFY_LIST, 'ltrim');
  reply.ok();
}

export const listCommands: readonly CommandRow[] = [
  { name: 'llen', arity: 2, flags: READONLY | FAST, keys: [1, 1, 1], handler: llen },
  { name: 'lindex', arity: 3, flags: READONLY | FAST, keys: [1, 1, 1], handler: lindex },
  { name: 'lrange', arity: 4, flags: READONLY, keys: [1, 1, 1], handler: lrange },
  { name: 'lset', arity: 4, flags: WRITE | FAST, keys: [1, 1, 1], handler: lset },
  { name: 'ltrim', arity: 4, flags: WRITE, keys: [1, 1, 1], handler: ltrim },
];
