/** ZADD and ZINCRBY. Scores are told apart and checked before anything is written. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import type { Collection } from '../../store/collection.js';
import { NOTIFY_ZSET } from '../../store/notify.js';
import { findScore, putScore, SORTED_SET } from '../../types/zsets.js';
import { findCollection } from '../collections.js';
import { type CommandRow, FAST, WRITE } from '../command.js';
import { refusesKey } from '../lookup.js';
import { NOT_FLOAT, SYNTAX_ERROR } from '../replies.js';
import { refusesMember } from './members.js';

const NX = 1 << 0;
const XX = 1 << 1;
const GT = 1 << 2;
const LT = 1 << 3;
const CH = 1 << 4;
const INCR = 1 << 5;

/** What has become of a member. */
const STAYED = 0;
const ADDED = 1;
const UPDATED = 2;
/** An option has kept it from being written. */
const SKIPPED = 3;
const NOT_A_NUMBER = 4;

/** The scores that a command gives. */
let scores = new Float64Array(16);
/** The score that `write` has led to. */
let newScore = 0;

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
    addMembers(session, args, at, flags, reply);
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
  else addMembers(session, args, 2, INCR, reply);
}

/** Adds the scores and members from argument `first` on. */
function addMembers(
  session: Session,
  args: Args,
  first: number,
  flags: number,
  reply: ReplyWriter,
): void {
  if (!readScores(args, first, reply)) return;
  if (refusesKey(args, 1, reply)) return;
  for (let i = first + 1; i < args.count; i += 2) if (refusesMember(args, i, reply)) return;
  const zset = findCollection(session, args, 1, SORTED_SET, reply);
  if (zset === undefined) return;
  let added = 0;
  let updated = 0;
  let what = SKIPPED;
  for (let i = first; i < args.count; i += 2) {
    what = write(zset, args, i, scores[(i - first) >>> 1]!, flags);
    if (what === ADDED) added += 1;
    else if (what === UPDATED) updated += 1;
  }
  if (what === NOT_A_NUMBER) {
    reply.error('ERR resulting score is not a number (NaN)');
    return;
  }
  const isIncrement = (flags & INCR) !== 0;
  if (added + updated > 0) zset.notify(NOTIFY_ZSET, isIncrement ? 'zincr' : 'zadd');
  if (!isIncrement) reply.integer((flags & CH) !== 0 ? added + updated : added);
  else if (what === SKIPPED) reply.nil();
  else reply.double(newScore);
}

/** Reads the scores from argument `first` on to `scores`; false, the error replied, if one is none. */
function readScores(args: Args, first: number, reply: ReplyWriter): boolean {
  const count = (args.count - first) >>> 1;
  if (count > scores.length) scores = new Float64Array(count * 2);
  for (let i = 0; i < count; i += 1) {
    const score = args.float(first + 2 * i);
    if (score !== score) {
      reply.error(NOT_FLOAT);
      return false;
    }
    scores[i] = score;
  }
  return true;
}

/** Gives the member behind argument `i` a score, as far as the options let it. */
function write(zset: Collection, args: Args, i: number, given: number, flags: number): number {
  const { buf, starts, ends } = args;
  const from = starts[i + 1]!;
  const to = ends[i + 1]!;
  const old = findScore(zset, buf, from, to);
  if (old !== old) {
    if ((flags & XX) !== 0) return SKIPPED;
    newScore = given;
    putScore(zset, buf, from, to, given);
    return ADDED;
  }
  if ((flags & NX) !== 0) return SKIPPED;
  newScore = (flags & INCR) !== 0 ? old + given : given;
  if (newScore !== newScore) return NOT_A_NUMBER;
  if ((flags & GT) !== 0 && newScore <= old) return SKIPPED;
  if ((flags & LT) !== 0 && newScore >= old) return SKIPPED;
  if (newScore === old) return STAYED;
  putScore(zset, buf, from, to, newScore);
  return UPDATED;
}

export const zaddCommands: readonly CommandRow[] = [
  { name: 'zadd', arity: -4, flags: WRITE | FAST, keys: [1, 1, 1], handler: zadd },
  { name: 'zincrby', arity: 4, flags: WRITE | FAST, keys: [1, 1, 1], handler: zincrby },
];
