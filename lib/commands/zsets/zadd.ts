/** ZADD and ZINCRBY. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import { type CommandRow, FAST, WRITE } from '../command.js';
import { NOT_FLOAT, SYNTAX_ERROR } from '../replies.js';
import { addScores, CH, GT, INCR, LT, NX, type ScoreForm, XX } from './add-scores.js';

/** score member [score member ...] */
const PAIRS: ScoreForm = {
  step: 2,
  read: (args, i, reply) => {
    const score = args.float(i);
    if (score !== score) reply.error(NOT_FLOAT);
    return score;
  },
};

function zadd(session: Session, args: Args, reply: ReplyWriter): void {
  let flags = 0;
  let at = 2;
  for (let flag = flagOf(args, at); flag !== 0; flag = at < args.count ? flagOf(args, at) : 0) {
    flags |= flag;
    at += 1;
  }
  const pairs = args.count - at;
  if (pairs === 0 || (pairs & 1) !== 0) reply.error(SYNTAX_ERROR);
  else if ((flags & NX) !== 0 && (flags & XX) !== 0) {
    reply.error('ERR XX and NX options at the same time are not compatible');
  } else if (countOf(flags & (GT | LT | NX)) > 1) {
    reply.error('ERR GT, LT, and/or NX options at the same time are not compatible');
  } else if ((flags & INCR) !== 0 && pairs > 2) {
    reply.error('ERR INCR option supports a single increment-element pair');
  } else {
    addScores(session, args, at, PAIRS, flags);
  }
}

/** The option that argument `i` is; 0: none. */
function flagOf(args: Args, i: number): number {
  // Nearly always a score comes first, and no score begins like an option; but `inf` and `nan` do.
  const first = args.length(i) === 2 || args.length(i) === 4 ? args.byte(i, 0) | 0x20 : 0;
  if (first < 0x61) return 0;
  if (args.equalsIgnoreCase(i, 'NX')) return NX;
  if (args.equalsIgnoreCase(i, 'XX')) return XX;
  if (args.equalsIgnoreCase(i, 'GT')) return GT;
  if (args.equalsIgnoreCase(i, 'LT')) return LT;
  if (args.equalsIgnoreCase(i, 'CH')) return CH;
  return args.equalsIgnoreCase(i, 'INCR') ? INCR : 0;
}

function countOf(flags: number): number {
  return (flags & GT ? 1 : 0) + (flags & LT ? 1 : 0) + (flags & NX ? 1 : 0);
}

function zincrby(session: Session, args: Args, reply: ReplyWriter): void {
  // Redis reads it as ZADD INCR, and an option leaves no pair of score and member.
  if (flagOf(args, 2) !== 0) reply.error(SYNTAX_ERROR);
  else addScores(session, args, 2, PAIRS, INCR);
}

export const zaddCommands: readonly CommandRow[] = [
  { name: 'zadd', arity: -4, flags: WRITE | FAST, keys: [1, 1, 1], handler: zadd },
  { name: 'zincrby', arity: 4, flags: WRITE | FAST, keys: [1, 1, 1], handler: zincrby },
];
