/** The elements that HRANDFIELD, SRANDMEMBER and ZRANDMEMBER choose, as Redis counts them. */
import type { Session } from '../server/session.js';
import type { Collection } from '../store/collection.js';
import { replyElements } from './element-range.js';
import { type ElementWriter, replyPicks, replySample } from './element-reply.js';

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
