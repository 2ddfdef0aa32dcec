/** The ends of a list: LPUSH, RPUSH, LPUSHX, RPUSHX, LPOP, RPOP, LMPOP. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import { NOTIFY_LIST } from '../../store/notify.js';
import { pushFirst, pushLast } from '../../types/lists.js';
import { TYPE_LIST } from '../../types/types.js';
import { findCollection } from '../collections.js';
import { type CommandRow, FAST, WRITE } from '../command.js';
import { refusesKey } from '../lookup.js';
import { SYNTAX_ERROR, wrongArity } from '../replies.js';
import { integerFrom, notifyPopped, replyPopped, type Where, whereOf } from './list-arguments.js';
import { popSeveral } from './pop-many.js';

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
  const { buf, starts, ends } = args;
  for (let i = 2; i < args.count; i += 1) {
    if (where === 'LEFT') pushFirst(list, buf, starts[i]!, ends[i]!);
    else pushLast(list, buf, starts[i]!, ends[i]!);
  }
  list.notify(NOTIFY_LIST, where === 'LEFT' ? 'lpush' : 'rpush');
  reply.integer(list.size);
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
  replyPopped(session, list, where);
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
  else popSeveral(session, args, 1, list, { where, count, tellsKey: false });
}

/** LMPOP numkeys key ... LEFT|RIGHT [COUNT count]: of the first list that there is. */
function lmpop(session: Session, args: Args, reply: ReplyWriter): void {
  const options = multiPopOptions(args, 1, reply);
  if (options === undefined) return;
  for (let i = options.first; i < options.end; i += 1) {
    const list = findCollection(session, args, i, TYPE_LIST, reply);
    if (list === undefined) return;
    if (!list.exists) continue;
    const { where, count } = options;
    popSeveral(session, args, i, list, { where, count, tellsKey: true });
    return;
  }
  reply.nilArray();
}

interface MultiPopOptions {
  /** Arguments [first, end) are the keys. */
  readonly first: number;
  readonly end: number;
  readonly where: Where;
  readonly count: number;
}

/** `at`: the argument that says how many keys there are. */
function multiPopOptions(args: Args, at: number, reply: ReplyWriter): MultiPopOptions | undefined {
  const keys = integerFrom(args, at, 1, 'ERR numkeys should be greater than 0', reply);
  if (Number.isNaN(keys)) return undefined;
  const first = at + 1;
  const end = first + keys;
  if (end >= args.count) {
    reply.error(SYNTAX_ERROR);
    return undefined;
  }
  const where = whereOf(args, end, reply);
  if (where === undefined) return undefined;
  const more = args.count - end - 1;
  if (more === 0) return { first, end, where, count: 1 };
  if (more === 1 || !args.equalsIgnoreCase(end + 1, 'COUNT')) {
    reply.error(SYNTAX_ERROR);
    return undefined;
  }
  const count = integerFrom(args, end + 2, 1, 'ERR count should be greater than 0', reply);
  if (Number.isNaN(count)) return undefined;
  if (more === 2) return { first, end, where, count };
  reply.error(SYNTAX_ERROR);
  return undefined;
}

/** The keys behind the argument that says how many there are. */
function countedKeys(args: Args): number[] {
  const count = Math.min(args.int64(1), args.count - 2);
  return count > 0 ? Array.from({ length: count }, (_, index) => index + 2) : [];
}

export const listPushPopCommands: readonly CommandRow[] = [
  { name: 'lpush', arity: -3, flags: WRITE | FAST, keys: [1, 1, 1], handler: lpush },
  { name: 'rpush', arity: -3, flags: WRITE | FAST, keys: [1, 1, 1], handler: rpush },
  { name: 'lpushx', arity: -3, flags: WRITE | FAST, keys: [1, 1, 1], handler: lpushx },
  { name: 'rpushx', arity: -3, flags: WRITE | FAST, keys: [1, 1, 1], handler: rpushx },
  { name: 'lpop', arity: -2, flags: WRITE | FAST, keys: [1, 1, 1], handler: lpop },
  { name: 'rpop', arity: -2, flags: WRITE | FAST, keys: [1, 1, 1], handler: rpop },
  { name: 'lmpop', arity: -4, flags: WRITE, findKeys: countedKeys, handler: lmpop },
];
