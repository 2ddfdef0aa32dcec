/** What the commands share that add to int64s, or take counts that are. */
import type { Args } from '../../resp/args.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';
import { NOT_INTEGER } from './replies.js';

export const INT64_MAX = 9223372036854775807n;
export const INT64_MIN = -9223372036854775808n;
export const WOULD_OVERFLOW = 'ERR increment or decrement would overflow';
/** Longest text of an int64. */
export const INT64_TEXT_MAX = 20;
/** LONG_MAX, as near as a double comes. */
const COUNT_MAX = 2 ** 63;
/** A count of pairs is below: LONG_MAX items are two for each. */
const PAIRS_END = 2n ** 62n;

/** The int64 in argument `i`, whose sign may be turned: not LONG_MIN; NaN, the error replied, if not. */
export function signedCount(args: Args, i: number, reply: ReplyWriter): number {
  const count = args.int64(i);
  if (Number.isNaN(count)) {
    reply.error(NOT_INTEGER);
  } else if (count === -COUNT_MAX && args.string(i).endsWith('08')) {
    reply.error(
      'ERR value is out of range, ' +
        'value must between -9223372036854775807 and 9223372036854775807',
    );
    return Number.NaN;
  }
  return count;
}

/** True, the error replied, if argument `i`, an int64, counts more pairs than a reply may have. */
export function refusesPairs(args: Args, i: number, reply: ReplyWriter): boolean {
  if (Math.abs(args.int64(i)) < Number(PAIRS_END)) return false;
  const count = args.bigInt64(i)!;
  if (count > -PAIRS_END && count < PAIRS_END) return false;
  reply.error('ERR value is out of range');
  return true;
}
