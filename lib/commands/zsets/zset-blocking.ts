/** BZPOPMIN, BZPOPMAX and BZMPOP: pops that wait until there is something to pop. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import { blockTimeoutMs } from '../block-timeout.js';
import { type CommandRow, FAST, type Handler, WRITE } from '../command.js';
import { popOrWait, readMultiPop } from '../multi-pop.js';
import { EXTREMES, MULTI_FORMS, type PopForm, SORTED_SET_POP } from './zset-pops.js';

/** BZPOPMIN key [key ...] timeout */
function blockingPop(isMax: boolean): Handler {
  const form: PopForm = { isMax, nests: false, withKey: true };
  return (session, args, reply) => {
    const timeoutMs = blockTimeoutMs(args, args.count - 1, reply);
    if (timeoutMs < 0) return;
    const asked = { first: 1, end: args.count - 1, count: 1 };
    popOrWait(session, args, SORTED_SET_POP, asked, form, timeoutMs);
  };
}

/** BZMPOP timeout numkeys key [key ...] MIN|MAX [COUNT count] */
function bzmpop(session: Session, args: Args, reply: ReplyWriter): void {
  const asked = readMultiPop(args, 2, EXTREMES, reply);
  if (asked === undefined) return;
  const timeoutMs = blockTimeoutMs(args, 1, reply);
  if (timeoutMs < 0) return;
  popOrWait(session, args, SORTED_SET_POP, asked, MULTI_FORMS[asked.where], timeoutMs);
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
