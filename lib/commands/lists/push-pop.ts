/** The ends of a list: LPUSH, RPUSH, LPUSHX, RPUSHX, LPOP, RPOP, LMPOP. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import type { Collection } from '../../store/collection.js';
import { NOTIFY_LIST } from '../../store/notify.js';
import { pushFirst, pushLast } from '../../types/lists.js';
import { TYPE_LIST } from '../../types/types.js';
import { findCollection } from '../collections.js';
import { type CommandRow, FAST, WRITE } from '../command.js';
import { refusesKey } from '../lookup.js';
import { changeBy } from '../many-arguments.js';
import { popFirst, readMultiPop } from '../multi-pop.js';
import { wrongArity } from '../replies.js';
import { ENDS, integerFrom, notifyPopped, replyPopped, type Where } from './list-arguments.js';
import { MULTI_POP, popSeveral } from './pop-many.js';

const NOT_POSITIVE = 'ERR value is out of range, must be positive';

function lpush(session: Session, args: Args, reply: ReplyWriter): void {
  push(session, args, reply, 'LEFT', true);
}

function rpush(session: Session, args: Args, reply: ReplyWriter): void {
  push(session, args, reply, 'RIGHT', true);
}

function lpushx(session: Session, args: Args, reply: ReplyWriter): void {
  push(session, args, reply, 'LEFT', false);
}

function rpushx(session: Session, args: Args, reply: ReplyWriter): void {
  push(session, args, reply, 'RIGHT', false);
}

function push(
  session: Session,
  args: Args,
  reply: ReplyWriter,
  where: Where,
  makes: boolean,
): void {
  if (makes && refusesKey(args, 1, reply)) return;
  const list = findCollection(session, args, 1, TYPE_LIST, reply);
  if (list === undefined) return;
  if (!makes && !list.exists) {
    reply.integer(0);
    return;
  }
  if (where === 'LEFT') changeBy(session, list, args, pushLeft, lpushEnd);
  else changeBy(session, list, args, pushRight, rpushEnd);
}

function pushLeft(list: Collection, { buf, ends, starts }: Args, from: number, to: number): number {
  for (let i = from; i < to; i += 1) pushFirst(list, buf, starts[i]!, ends[i]!);
  return to - from;
}

function pushRight(
  list: Collection,
  { buf, ends, starts }: Args,
  from: number,
  to: number,
): number {
  for (let i = from; i < to; i += 1) pushLast(list, buf, starts[i]!, ends[i]!);
  return to - from;
}

function lpushEnd(session: Session, list: Collection): void {
  list.notify(NOTIFY_LIST, 'lpush');
  session.reply.integer(list.size);
}

function rpushEnd(session: Session, list: Collection): void {
  list.notify(NOTIFY_LIST, 'rpush');
  session.reply.integer(list.size);
}

function lpop(session: Session, args: Args, reply: ReplyWriter): void {
  pop(session, args, reply, 'LEFT');
}

function rpop(session: Session, args: Args, reply: ReplyWriter): void {
  pop(session, args, reply, 'RIGHT');
}

function pop(session: Session, args: Args, reply: ReplyWriter, where: Where): void {
  if (args.count > 2) {
    popCount(session, args, reply, where);
    return;
  }
  const list = findCollection(session, args, 1, TYPE_LIST, reply);
  if (list === undefined) return;
  if (!list.exists) {
    reply.nil();
    return;
  }
  replyPopped(reply, list, where);
  notifyPopped(list, where);
}

function popCount(session: Session, args: Args, reply: ReplyWriter, where: Where): void {
  if (args.count > 3) {
    reply.error(wrongArity(where === 'LEFT' ? 'lpop' : 'rpop'));
    return;
  }
  const count = integerFrom(args, 2, 0, NOT_POSITIVE, reply);
  if (Number.isNaN(count)) return;
  const list = findCollection(session, args, 1, TYPE_LIST, reply);
  if (list === undefined) return;
  if (!list.exists) reply.nilArray();
  else if (count === 0) reply.emptyArray();
  else popSeveral(session, args, 1, list, { first: 1, end: 2, where, count, tellsKey: false });
}

/** LMPOP numkeys key [key ...] LEFT|RIGHT [COUNT count] */
function lmpop(session: Session, args: Args, reply: ReplyWriter): void {
  const asked = readMultiPop(args, 1, ENDS, reply);
  if (asked === undefined) return;
  const options = { ...asked, where: ENDS[asked.where], tellsKey: true };
  if (!popFirst(session, args, MULTI_POP, asked, options)) reply.nilArray();
}

export const listPushPopCommands: readonly CommandRow[] = [
  { name: 'lpush', arity: -3, flags: WRITE | FAST, keys: [1, 1, 1], handler: lpush },
  { name: 'rpush', arity: -3, flags: WRITE | FAST, keys: [1, 1, 1], handler: rpush },
  { name: 'lpushx', arity: -3, flags: WRITE | FAST, keys: [1, 1, 1], handler: lpushx },
  { name: 'rpushx', arity: -3, flags: WRITE | FAST, keys: [1, 1, 1], handler: rpushx },
  { name: 'lpop', arity: -2, flags: WRITE | FAST, keys: [1, 1, 1], handler: lpop },
  { name: 'rpop', arity: -2, flags: WRITE | FAST, keys: [1, 1, 1], handler: rpop },
  { name: 'lmpop', arity: -4, flags: WRITE, handler: lmpop },
];
