/** The elements that HRANDFIELD, SRANDMEMBER and ZRANDMEMBER choose, as Redis counts them. */
import type { Args } from '../../resp/args.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';
import type { Session } from '../server/session.js';
import type { Collection } from '../store/collection.js';
import { replyElements } from './element-range.js';
import { type ElementWriter, replyPicks, replySample } from './element-reply.js';
import { NOT_INTEGER } from './replies.js';

/** LONG_MAX, as near as a double comes. */
export const COUNT_MAX = 2 ** 63;

/** The count in argument `i`; NaN, the error replied, if it is none. */
export function randomCount(args: Args, i: number, reply: ReplyWriter): number {
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

/**
 * Writes what a count other than 0 asks of a collection that is not empty: `count` different
 * elements or all there are; or if it is negative, so many picks that may repeat each other. What
 * stands before them has been written.
 */
export function replyRandom(
  session: Session,
  collection: Collection,
  count: number,
  write: ElementWriter,
): void {
  if (count < 0) replyPicks(session, collection, -count, write);
  else if (count >= collection.size) replyElements(session, collection, write);
  else replySample(session, collection, count, write);
}
