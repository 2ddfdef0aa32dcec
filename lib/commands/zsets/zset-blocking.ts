/** BZPOPMIN, BZPOPMAX and BZMPOP: pops that wait until there is something to pop. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import { SORTED_SET } from '../../types/zsets.js';
import { blockTimeoutMs } from '../block-timeout.js';
import { type CommandRow, FAST, type Handler, WRITE } from '../command.js';
import { type MultiPop, pop, popFirst, readMultiPop } from './zset-pops.js';

/** BZPOPMIN key [key ...] timeout */
function blockingPop(isMax: boolean): Handler {
  const form = { isMax, nests: false, withKey: true };
  return (session, args, reply) => {
    const timeoutMs = blockTimeoutMs(args, args.count - 1, reply);
    if (timeoutMs < 0) return;
    const asked = { first: 1, end: args.count - 1, count: 1, form };
    popOrWait(session, args, asked, timeoutMs, reply);
  };
}

/** BZMPOP timeout numkeys key [key ...] MIN|MAX [COUNT count] */
function bzmpop(session: Session, args: Args, reply: ReplyWriter): void {
  const asked = readMultiPop(args, 2, reply);
  if (asked === undefined) return;
  const timeoutMs = blockTimeoutMs(args, 1, reply);
  if (timeoutMs < 0) return;
  popOrWait(session, args, asked, timeoutMs, reply);
}

function popOrWait(
  session: Session,
  args: Args,
  asked: MultiPop,
  timeoutMs: number,
  reply: ReplyWriter,
): void {
  if (popFirst(session, args, asked, reply)) return;
  const { first, end, count, form } = asked;
  const keys = Array.from({ length: end - first }, (_, k) => first + k);
  const retry = (waiting: Session, given: Args, at: number): boolean => {
    const zset = waiting.database.collection();
    const { buf, starts, ends } = given;
    const isOne = zset.openToWrite(buf, starts[at]!, ends[at]!, SORTED_SET);
    if (!isOne || zset.size === 0) return false;
    pop(waiting, zset, count, form);
    return true;
  };
  session.block(args, { type: 'zset', keys, timeoutMs, retry });
}

export const zsetBlockingCommands: readonly CommandRow[] = [
  {
    name: 'bzpopmin',
    arity: -3,
    flags: WRITE | FAST,
    keys: [1, -2, 1],
    handler: blockingPop(false),
  },
  {
    name: 'bzpopmax',
    arity: -3,
    flags: WRITE | FAST,
    keys: [1, -2, 1],
    handler: blockingPop(true),
  },
  { name: 'bzmpop', arity: -5, flags: WRITE, handler: bzmpop },
];
