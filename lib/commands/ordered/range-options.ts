/** The options of KRANGE and its kin: [REV] [LIMIT offset count] [WITHVALUES]. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import { NOT_INTEGER, SYNTAX_ERROR } from '../replies.js';

export interface RangeRequest {
  offset: number;
  /** Negative: all. */
  count: number;
  reverse: boolean;
  withValues: boolean;
}

/** What a range command was asked for. One object for all: it is read before the command returns. */
const request: RangeRequest = { offset: 0, count: -1, reverse: false, withValues: false };

/** One object for all, likewise. */
const part = { first: 0, count: 0 };

/** The options from argument `i` on; undefined if an error was replied. */
export function rangeRequest(
  args: Args,
  from: number,
  takesValues: boolean,
  reply: ReplyWriter,
): RangeRequest | undefined {
  request.offset = 0;
  request.count = -1;
  request.reverse = false;
  request.withValues = false;
  for (let i = from; i < args.count; i += 1) {
    if (args.equalsIgnoreCase(i, 'REV')) {
      request.reverse = true;
    } else if (takesValues && args.equalsIgnoreCase(i, 'WITHVALUES')) {
      request.withValues = true;
    } else if (args.equalsIgnoreCase(i, 'LIMIT') && i + 2 < args.count) {
      request.offset = args.int64(i + 1);
      request.count = args.int64(i + 2);
      if (Number.isNaN(request.offset) || Number.isNaN(request.count)) {
        reply.error(NOT_INTEGER);
        return undefined;
      }
      i += 2;
    } else {
      reply.error(SYNTAX_ERROR);
      return undefined;
    }
  }
  return request;
}

/** The part of the indexes [low, high) that is asked for: its first one, on the way, and how many. */
export function rangePart(
  { offset, count, reverse }: RangeRequest,
  low: number,
  high: number,
): { readonly first: number; readonly count: number } {
  const found = offset < 0 ? 0 : Math.max(0, high - low - offset);
  part.count = count < 0 ? found : Math.min(found, count);
  part.first = reverse ? high - 1 - offset : low + offset;
  return part;
}
