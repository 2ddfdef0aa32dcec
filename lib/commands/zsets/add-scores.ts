/** What ZADD, ZINCRBY and GEOADD do once they know the scores. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import type { Collection } from '../../store/collection.js';
import { NOTIFY_ZSET } from '../../store/notify.js';
import { findScore, putScore, SORTED_SET } from '../../types/zsets.js';
import { findCollection } from '../collections.js';
import { refusesKey } from '../lookup.js';
import { refusesMember } from './members.js';

export const NX = 1 << 0;
export const XX = 1 << 1;
export const GT = 1 << 2;
export const LT = 1 << 3;
export const CH = 1 << 4;
export const INCR = 1 << 5;

/** What has become of a member. */
const STAYED = 0;
const ADDED = 1;
const UPDATED = 2;
/** An option has kept it from being written. */
const SKIPPED = 3;
const NOT_A_NUMBER = 4;

/** The scores that a command gives. One for all: it is done with when a command returns. */
let scores = new Float64Array(16);
/** The score that `write` has led to. */
let newScore = 0;

/** Room for the scores that `addScores` shall take. */
export function scoresFor(count: number): Float64Array {
  if (count > scores.length) scores = new Float64Array(count * 2);
  return scores;
}

/**
 * Gives the members in argument `first` and every `step`th behind it the scores that were put into
 * `scoresFor`, as far as the options let it, and replies.
 */
export function addScores(
  session: Session,
  args: Args,
  first: number,
  step: number,
  flags: number,
  reply: ReplyWriter,
): void {
  if (refusesKey(args, 1, reply)) return;
  for (let i = first; i < args.count; i += step) if (refusesMember(args, i, reply)) return;
  const zset = findCollection(session, args, 1, SORTED_SET, reply);
  if (zset === undefined) return;
  let added = 0;
  let updated = 0;
  let what = SKIPPED;
  for (let i = first, k = 0; i < args.count; i += step, k += 1) {
    what = write(zset, args, i, scores[k]!, flags);
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

/** Gives the member in argument `i` a score, as far as the options let it. */
function write(zset: Collection, args: Args, i: number, given: number, flags: number): number {
  const { buf, starts, ends } = args;
  const from = starts[i]!;
  const to = ends[i]!;
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
