/**
 * A page of keys: the first so many of an interval, upwards, which is what most ranges ask for.
 * How many the interval has need not be known: the keys are walked to, and then it shows where the
 * interval ends among them. That spares both ranks, and the leaves are all fetched before the first
 * is written.
 */
import { CHUNK_SHIFT, GRANULE_MASK } from '../../../radix/arena.js';
import type { Cursor } from '../../../radix/cursor.js';
import { compareKeyAt } from '../../../radix/leaf.js';
import type { Space } from '../../../radix/space.js';
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import { beginItems } from '../replies.js';
import { HIGHEST, isExcluded, isExtreme, LOWEST } from './interval.js';
import type { RangeRequest } from './range-options.js';
import { replyRun } from './range-reply.js';

const PAGE_ENTRIES_MAX = 128;
/** The leaves of the page; one for all, since it is empty when a command returns. */
const page = new Int32Array(PAGE_ENTRIES_MAX);

export function isPage({ count, offset, reverse }: RangeRequest): boolean {
  return !reverse && offset === 0 && count > 0 && count <= PAGE_ENTRIES_MAX;
}

/** KRANGE of the interval in arguments 1 and 2, for which `isPage` holds. */
export function replyPage(
  session: Session,
  args: Args,
  reply: ReplyWriter,
  { count, withValues }: RangeRequest,
): void {
  const { database } = session;
  const walked = walkFrom(database.cursor, args, count);
  const found = withinHigh(database.tree.space, args, walked);
  beginItems(reply, found, withValues);
  replyRun(reply, database, page, found, withValues);
}

/** How many entries from the lower bound on, at most `most`, stand in the page now. */
function walkFrom(cursor: Cursor, args: Args, most: number): number {
  if (isExtreme(args, 1, HIGHEST)) return 0;
  page[0] = isExtreme(args, 1, LOWEST)
    ? cursor.stepTo(0)
    : cursor.stepFrom(args.buf, args.starts[1]! + 1, args.ends[1]!, !isExcluded(args, 1));
  if (page[0] === 0) return 0;
  let count = 1;
  while (count < most) {
    const found = cursor.stepRun(page, most - count, count);
    if (found === 0) break;
    count += found;
  }
  return count;
}

/** How many of the first `count` entries of the page are within the upper bound. */
function withinHigh(space: Space, args: Args, count: number): number {
  if (isExtreme(args, 2, HIGHEST)) return count;
  if (isExtreme(args, 2, LOWEST)) return 0;
  const { i32 } = space.leaves;
  const [from, to] = [args.starts[2]! + 1, args.ends[2]!];
  const orderMax = isExcluded(args, 2) ? -1 : 0;
  let [low, high] = [0, count];
  // The last one first: mostly the page ends before the interval does.
  for (let middle = count - 1; low < high; middle = (low + high) >>> 1) {
    const leaf = page[middle]!;
    const word = (leaf & GRANULE_MASK) << 1;
    if (compareKeyAt(i32[leaf >>> CHUNK_SHIFT]!, word, args.buf, from, to) <= orderMax) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}
