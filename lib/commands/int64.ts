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
export const COUNT_MAX = 2 ** 63;

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
