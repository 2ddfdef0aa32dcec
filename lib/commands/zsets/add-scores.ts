/** What ZADD, ZINCRBY and GEOADD do once they know the scores. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import { Collection } from '../../store/collection.js';
import { NOTIFY_ZSET } from '../../store/notify.js';
import { findScore, putScore, SORTED_SET } from '../../types/zsets.js';
import { findCollection } from '../collections.js';
import { refusesKey } from '../lookup.js';
import { AT_ONCE_MAX, inSlices, pieces, piecesOf, type Slices } from '../many-arguments.js';
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

/** The score that `write` has led to. */
let newScore = 0;

/** How a command gives members their scores: each takes `step` arguments, and is the last of them. */
export interface ScoreForm {
  readonly step: number;
  /** The score that the arguments from `i` on are; NaN, the error replied, if they are none. */
  readonly read: (args: Args, i: number, reply: ReplyWriter) => number;
}

/** Gives the members in the arguments from `first` on their scores, as far as the options let it, and replies. */
export function addScores(
  session: Session,
  args: Args,
  first: number,
  form: ScoreForm,
  flags: number,
): void {
  if (args.count > AT_ONCE_MAX) return addInSlices(session, args, first, form, flags);
  fewScores.begin(session, args, first, form, flags);
  if (!fewScores.read(first, args.count)) return;
  const zset = fewScores.open();
  if (zset === undefined) return;
  fewScores.write(zset, first, args.count);
  fewScores.tell(zset);
}

/** Apart, for its closure would cost each call of `addScores` a context. */
function addInSlices(
  session: Session,
  args: Args,
  first: number,
  form: ScoreForm,
  flags: number,
): void {
  inSlices(session, args, (own) => {
    const scores = new Float64Array((own.count - first) / form.step);
    return addMany(new Scores(scores), session, own, first, form, flags);
  });
}

function* addMany(
  scores: Scores,
  session: Session,
  args: Args,
  first: number,
  form: ScoreForm,
  flags: number,
): Slices {
  scores.begin(session, args, first, form, flags);
  let isRefused = false;
  yield* pieces(args, first, (from, to) => {
    isRefused ||= !scores.read(from, to);
  });
  if (isRefused || scores.open() === undefined) return;
  const zset = new Collection(session.database);
  yield* piecesOf(zset, SORTED_SET, args, first, (from, to) => scores.write(zset, from, to));
  scores.tell(zset);
}

/** The scores that a command gives, all read before the first is written. */
class Scores {
  readonly #scores: Float64Array;
  #session!: Session;
  #args!: Args;
  #first = 0;
  #form!: ScoreForm;
  #flags = 0;
  #added = 0;
  #updated = 0;
  /** What has become of the last member. */
  #what = SKIPPED;

  constructor(scores: Float64Array) {
    this.#scores = scores;
  }

  begin(session: Session, args: Args, first: number, form: ScoreForm, flags: number): void {
    this.#session = session;
    this.#args = args;
    this.#first = first;
    this.#form = form;
    this.#flags = flags;
    this.#added = 0;
    this.#updated = 0;
  }

  /** Reads those in the arguments [from, to); false, the error replied, if one is none. */
  read(from: number, to: number): boolean {
    const { read, step } = this.#form;
    const { reply } = this.#session;
    for (let i = from; i < to; i += step) {
      const score = read(this.#args, i, reply);
      if (score !== score) return false;
      this.#scores[(i - this.#first) / step] = score;
    }
    return true;
  }

  /** The sorted set that is to have the members; undefined, the error replied, if it may not. */
  open(): Collection | undefined {
    const args = this.#args;
    const { step } = this.#form;
    const { reply } = this.#session;
    if (refusesKey(args, 1, reply)) return undefined;
    for (let i = this.#first + step - 1; i < args.count; i += step) {
      if (refusesMember(args, i, reply)) return undefined;
    }
    return findCollection(this.#session, args, 1, SORTED_SET, reply);
  }

  /** Writes those in the arguments [from, to). */
  write(zset: Collection, from: number, to: number): void {
    const { step } = this.#form;
    let what = SKIPPED;
    for (let i = from; i < to; i += step) {
      const score = this.#scores[(i - this.#first) / step]!;
      what = write(zset, this.#args, i + step - 1, score, this.#flags);
      if (what === ADDED) this.#added += 1;
      else if (what === UPDATED) this.#updated += 1;
    }
    this.#what = what;
  }

  tell(zset: Collection): void {
    const { reply } = this.#session;
    if (this.#what === NOT_A_NUMBER) {
      reply.error('ERR resulting score is not a number (NaN)');
      return;
    }
    const isIncrement = (this.#flags & INCR) !== 0;
    const changed = this.#added + this.#updated;
    if (changed > 0) zset.notify(NOTIFY_ZSET, isIncrement ? 'zincr' : 'zadd');
    if (!isIncrement) reply.integer((this.#flags & CH) !== 0 ? changed : this.#added);
    else if (this.#what === SKIPPED) reply.nil();
    else reply.double(newScore);
  }
}

/** Of a command whose members are dealt with at once. One for all: it is done with when the command returns. */
const fewScores = new Scores(new Float64Array(AT_ONCE_MAX));

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
