/** BLPOP, BRPOP, BLMPOP, BLMOVE and BRPOPLPUSH: pops that wait until there is something to pop. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import { TYPE_LIST } from '../../types/types.js';
import { blockTimeoutMs } from '../block-timeout.js';
import { findCollection } from '../collections.js';
import { type CommandRow, type Handler, WRITE } from '../command.js';
import { refusesKey } from '../lookup.js';
import { openReady, type PopKind, popOrWait, readMultiPop } from '../multi-pop.js';
import { ENDS, notifyPopped, replyPopped, type Where, whereOf } from './list-arguments.js';
import { moveFrom } from './list-move.js';
import { MULTI_POP, type PopOptions } from './pop-many.js';

/** Takes one element, and tells it with its key. */
const SINGLE_POP: PopKind<Where> = {
  type: TYPE_LIST,
  waitsFor: 'list',
  pop: ({ reply }, { buf, starts, ends }, i, list, _count, where) => {
    reply.array(2);
    reply.bulk(buf, starts[i]!, ends[i]!);
    replyPopped(reply, list, where);
    notifyPopped(list, where);
  },
};

/** BLPOP key [key ...] timeout */
function blockingPop(where: Where): Handler {
  return (session, args, reply) => {
    const timeoutMs = blockTimeoutMs(args, args.count - 1, reply);
    if (timeoutMs < 0) return;
    const asked = { first: 1, end: args.count - 1, count: 1 };
    popOrWait(session, args, SINGLE_POP, asked, where, timeoutMs);
  };
}

/** BLMPOP timeout numkeys key [key ...] LEFT|RIGHT [COUNT count] */
function blmpop(session: Session, args: Args, reply: ReplyWriter): void {
  const asked = readMultiPop(args, 2, ENDS, reply);
  if (asked === undefined) return;
  const timeoutMs = blockTimeoutMs(args, 1, reply);
  if (timeoutMs < 0) return;
  const { clock } = session.server.store.world;
  const endMs = clock.monotonicMs() + timeoutMs;
  const options: PopOptions = {
    ...asked,
    where: ENDS[asked.where],
    tellsKey: true,
    allGone: (waiting, given) => {
      const leftMs = timeoutMs === 0 ? 0 : Math.max(1, endMs - clock.monotonicMs());
      popOrWait(waiting, given, MULTI_POP, asked, options, leftMs);
    },
  };
  popOrWait(session, args, MULTI_POP, asked, options, timeoutMs);
}

/** BLMOVE source destination LEFT|RIGHT LEFT|RIGHT timeout */
function blmove(session: Session, args: Args, reply: ReplyWriter): void {
  const from = whereOf(args, 3, reply);
  if (from === undefined) return;
  const to = whereOf(args, 4, reply);
  if (to !== undefined) moveOrWait(session, args, reply, from, to);
}

/** BRPOPLPUSH source destination timeout */
function brpoplpush(session: Session, args: Args, reply: ReplyWriter): void {
  moveOrWait(session, args, reply, 'RIGHT', 'LEFT');
}

function moveOrWait(
  session: Session,
  args: Args,
  reply: ReplyWriter,
  from: Where,
  to: Where,
): void {
  const timeoutMs = blockTimeoutMs(args, args.count - 1, reply);
  if (timeoutMs < 0) return;
  const source = findCollection(session, args, 1, TYPE_LIST, reply);
  if (source === undefined || refusesKey(args, 2, reply)) return;
  if (source.exists) {
    moveFrom(session, args, source, from, to);
    return;
  }
  const retry = (waiting: Session, given: Args, i: number): boolean => {
    const ready = openReady(waiting, given, i, TYPE_LIST);
    if (ready !== undefined) moveFrom(waiting, given, ready, from, to);
    return ready !== undefined;
  };
  // A null array once the time is over, and another null where nothing blocks: as Redis has it.
  const notBlocking = (target: ReplyWriter): void => target.nil();
  session.block(args, { type: 'list', keys: [1], timeoutMs, retry, notBlocking });
}

export const listBlockingCommands: readonly CommandRow[] = [
  { name: 'blpop', arity: -3, flags: WRITE, keys: [1, -2, 1], handler: blockingPop('LEFT') },
  { name: 'brpop', arity: -3, flags: WRITE, keys: [1, -2, 1], handler: blockingPop('RIGHT') },
  { name: 'blmpop', arity: -5, flags: WRITE, handler: blmpop },
  { name: 'blmove', arity: 6, flags: WRITE, keys: [1, 2, 1], handler: blmove },
  { name: 'brpoplpush', arity: 4, flags: WRITE, keys: [1, 2, 1], handler: brpoplpush },
];
