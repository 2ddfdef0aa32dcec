/**
 * Ranges of a sorted set: by rank, by score or by member. Each becomes two ranks, in the order of
 * scores or of members, so that its size, and its n-th member from either end, cost O(depth).
 *
 *   by rank     0 -1       negative ones count from the end
 *   by score    (1 +inf    a bound that begins with ( is not included
 *   by member   [a (b      see ordered/interval.ts
 *
 * Members of different scores: Redis leaves open what a range by member gives then. Here it is the
 * members of the range in the order of their bytes, whatever their scores.
 */
import type { Args } from '../../../resp/args.js';
import { parseLooseFloat64 } from '../../../resp/numbers.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Collection } from '../../store/collection.js';
import { scoreRank } from '../../types/zsets.js';
import { highRank, lowRank, refusesInterval } from '../ordered/interval.js';
import { NOT_INTEGER } from '../replies.js';

export const BY_RANK = 0;
export const BY_SCORE = 1;
export const BY_MEMBER = 2;

const OPEN_PAREN = 0x28;
const BAD_SCORES = 'ERR min or max is not a float';

/** A range as it was asked for, and once the sorted set is open, as ranks. One object serves all. */
export class RankRange {
  by = BY_RANK;
  /** Ranks of the first member, and of the first behind the last, in the order of `by`. */
  from = 0;
  to = 0;
  #args!: Args;
  /** The arguments that are its bounds. */
  #minAt = 0;
  #maxAt = 0;
  #min = 0;
  #max = 0;
  #isMinOpen = false;
  #isMaxOpen = false;

  /** Reads the bounds in two arguments; false, the error replied, if they are none. */
  read(by: number, args: Args, minAt: number, maxAt: number, reply: ReplyWriter): boolean {
    this.by = by;
    this.#args = args;
    this.#minAt = minAt;
    this.#maxAt = maxAt;
    if (by === BY_MEMBER) {
      return !refusesInterval(args, Math.min(minAt, maxAt), reply);
    }
    if (by === BY_SCORE) {
      this.#isMinOpen = isOpen(args, minAt);
      this.#isMaxOpen = isOpen(args, maxAt);
      this.#min = scoreBound(args, minAt, this.#isMinOpen);
      this.#max = scoreBound(args, maxAt, this.#isMaxOpen);
    } else {
      this.#min = args.int64(minAt);
      this.#max = args.int64(maxAt);
    }
    if (!Number.isNaN(this.#min) && !Number.isNaN(this.#max)) return true;
    reply.error(by === BY_SCORE ? BAD_SCORES : NOT_INTEGER);
    return false;
  }

  /** Finds the ranks in an open sorted set. `reverse`: ranks that were given count downwards. */
  find(zset: Collection, reverse: boolean): void {
    if (this.by === BY_RANK) {
      this.#findRanks(zset.size, reverse);
    } else if (this.by === BY_SCORE) {
      this.from = scoreRank(zset, this.#min, this.#isMinOpen);
      this.to = scoreRank(zset, this.#max, !this.#isMaxOpen);
    } else {
      this.from = lowRank(zset.elements, this.#args, this.#minAt);
      this.to = highRank(zset.elements, this.#args, this.#maxAt);
    }
    if (this.to < this.from) this.to = this.from;
  }

  #findRanks(size: number, reverse: boolean): void {
    const first = Math.max(0, this.#min < 0 ? size + this.#min : this.#min);
    const behind = Math.min(size, (this.#max < 0 ? size + this.#max : this.#max) + 1);
    this.from = reverse ? size - behind : first;
    this.to = reverse ? size - first : behind;
  }

  get size(): number {
    return this.to - this.from;
  }
}

/** One for all commands: it is done with when a command returns. */
export const rankRange = new RankRange();

function isOpen(args: Args, i: number): boolean {
  return args.length(i) > 0 && args.byte(i, 0) === OPEN_PAREN;
}

function scoreBound(args: Args, i: number, isOpenBound: boolean): number {
  return parseLooseFloat64(args.buf, args.starts[i]! + (isOpenBound ? 1 : 0), args.ends[i]!);
}
