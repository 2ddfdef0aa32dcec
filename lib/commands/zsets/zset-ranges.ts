/**
 * ZRANGE and what came before it: ZREVRANGE, Z[REV]RANGEBYSCORE, Z[REV]RANGEBYLEX; ZCOUNT,
 * ZLEXCOUNT.
 */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import { SORTED_SET } from '../../types/zsets.js';
import { readCollection } from '../collections.js';
import { type CommandRow, FAST, type Handler, READONLY } from '../command.js';
import { replyElementRange } from '../element-range.js';
import { writeKey } from '../element-reply.js';
import { beginItems, NOT_INTEGER, SYNTAX_ERROR } from '../replies.js';
import { writeFlatRanked, writeNestedRanked, writeRanked } from './members.js';
import { BY_MEMBER, BY_RANK, BY_SCORE, rankRange } from './rank-range.js';

/** What a command of the family leaves to its options. */
export interface RangeForm {
  /** BY_...; undefined: as BYSCORE or BYLEX say. */
  readonly by?: number;
  /** undefined: as REV says. */
  readonly reverse?: boolean;
  readonly takesScores: boolean;
}

/** The options of a range. */
export interface RangeOptions {
  by: number;
  reverse: boolean;
  withScores: boolean;
  offset: number;
  /** Negative: all. */
  limit: number;
}

/** What was asked for. One object for all: it is read before the command returns. */
const options: RangeOptions = {
  by: BY_RANK,
  reverse: false,
  withScores: false,
  offset: 0,
  limit: -1,
};

/**
 * Reads key, bounds and options, the key being argument `keyAt`, to `rangeOptions` and `rankRange`;
 * undefined if an error was replied.
 */
export function readRange(
  args: Args,
  keyAt: number,
  form: RangeForm,
  reply: ReplyWriter,
): RangeOptions | undefined {
  const { by } = form;
  options.by = by ?? BY_RANK;
  options.reverse = form.reverse ?? false;
  options.withScores = false;
  options.offset = 0;
  options.limit = -1;
  for (let i = keyAt + 3; i < args.count; i += 1) {
    if (form.takesScores && args.equalsIgnoreCase(i, 'WITHSCORES')) {
      options.withScores = true;
    } else if (args.equalsIgnoreCase(i, 'LIMIT') && i + 2 < args.count) {
      if (!readLimit(args, i, reply)) return undefined;
      i += 2;
    } else if (mayReverse(form) && args.equalsIgnoreCase(i, 'REV')) {
      options.reverse = true;
    } else if (by === undefined && options.by === BY_RANK && args.equalsIgnoreCase(i, 'BYLEX')) {
      options.by = BY_MEMBER;
    } else if (by === undefined && options.by === BY_RANK && args.equalsIgnoreCase(i, 'BYSCORE')) {
      options.by = BY_SCORE;
    } else {
      reply.error(SYNTAX_ERROR);
      return undefined;
    }
  }
  if (!isConsistent(reply)) return undefined;
  // LIMIT with -1 passes for none, with its offset.
  if (options.by === BY_RANK) options.offset = 0;
  return readBounds(args, keyAt, reply) ? options : undefined;
}

/** REV may come once, where the command's name leaves it open. */
function mayReverse(form: RangeForm): boolean {
  return form.reverse === undefined && !options.reverse;
}

function readLimit(args: Args, i: number, reply: ReplyWriter): boolean {
  options.offset = args.int64(i + 1);
  options.limit = args.int64(i + 2);
  if (!Number.isNaN(options.offset) && !Number.isNaN(options.limit)) return true;
  reply.error(NOT_INTEGER);
  return false;
}

function isConsistent(reply: ReplyWriter): boolean {
  if (options.limit !== -1 && options.by === BY_RANK) {
    reply.error(
      'ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX',
    );
    return false;
  }
  if (options.withScores && options.by === BY_MEMBER) {
    reply.error('ERR syntax error, WITHSCORES not supported in combination with BYLEX');
    return false;
  }
  return true;
}

/** The higher bound comes first in what goes downwards, unless they are ranks. */
function readBounds(args: Args, keyAt: number, reply: ReplyWriter): boolean {
  const isSwapped = options.reverse && options.by !== BY_RANK;
  const [minAt, maxAt] = isSwapped ? [keyAt + 2, keyAt + 1] : [keyAt + 1, keyAt + 2];
  return rankRange.read(options.by, args, minAt, maxAt, reply);
}

/** Narrows `rankRange` to what the limit lets through. */
export function applyLimit({ offset, limit, reverse }: RangeOptions): void {
  const { from, to, size } = rankRange;
  const skipped = offset < 0 ? size : Math.min(size, offset);
  const count = limit < 0 ? size - skipped : Math.min(size - skipped, limit);
  rankRange.from = reverse ? to - skipped - count : from + skipped;
  rankRange.to = rankRange.from + count;
}

function range(form: RangeForm): Handler {
  return (session, args, reply) => replyRange(session, args, reply, form);
}

function replyRange(session: Session, args: Args, reply: ReplyWriter, form: RangeForm): void {
  const asked = readRange(args, 1, form, reply);
  if (asked === undefined) return;
  const zset = readCollection(session, args, 1, SORTED_SET, reply);
  if (zset === undefined) return;
  const { by, reverse, withScores } = asked;
  rankRange.find(zset, reverse);
  applyLimit(asked);
  const count = rankRange.size;
  const nests = beginItems(reply, count, withScores);
  const byValue = by !== BY_MEMBER;
  const index = reverse ? rankRange.to - 1 : rankRange.from;
  const writeScored = nests ? writeNestedRanked : writeFlatRanked;
  const write = withScores ? writeScored : byValue ? writeRanked : writeKey;
  replyElementRange(session, zset, { index, count, reverse, byValue }, write);
}

function zcount(session: Session, args: Args, reply: ReplyWriter): void {
  replyCount(session, args, reply, BY_SCORE);
}

function zlexcount(session: Session, args: Args, reply: ReplyWriter): void {
  replyCount(session, args, reply, BY_MEMBER);
}

function replyCount(session: Session, args: Args, reply: ReplyWriter, by: number): void {
  if (!rankRange.read(by, args, 2, 3, reply)) return;
  const zset = readCollection(session, args, 1, SORTED_SET, reply);
  if (zset === undefined) return;
  rankRange.find(zset, false);
  reply.integer(rankRange.size);
}

const ZRANGE = range({ takesScores: true });
const ZREVRANGE = range({ by: BY_RANK, reverse: true, takesScores: true });
const ZRANGEBYSCORE = range({ by: BY_SCORE, reverse: false, takesScores: true });
const ZREVRANGEBYSCORE = range({ by: BY_SCORE, reverse: true, takesScores: true });
const ZRANGEBYLEX = range({ by: BY_MEMBER, reverse: false, takesScores: true });
const ZREVRANGEBYLEX = range({ by: BY_MEMBER, reverse: true, takesScores: true });

export const zsetRangeCommands: readonly CommandRow[] = [
  { name: 'zrange', arity: -4, flags: READONLY, keys: [1, 1, 1], handler: ZRANGE },
  { name: 'zrevrange', arity: -4, flags: READONLY, keys: [1, 1, 1], handler: ZREVRANGE },
  { name: 'zrangebyscore', arity: -4, flags: READONLY, keys: [1, 1, 1], handler: ZRANGEBYSCORE },
  {
    name: 'zrevrangebyscore',
    arity: -4,
    flags: READONLY,
    keys: [1, 1, 1],
    handler: ZREVRANGEBYSCORE,
  },
  { name: 'zrangebylex', arity: -4, flags: READONLY, keys: [1, 1, 1], handler: ZRANGEBYLEX },
  { name: 'zrevrangebylex', arity: -4, flags: READONLY, keys: [1, 1, 1], handler: ZREVRANGEBYLEX },
  { name: 'zcount', arity: 4, flags: READONLY | FAST, keys: [1, 1, 1], handler: zcount },
  { name: 'zlexcount', arity: 4, flags: READONLY | FAST, keys: [1, 1, 1], handler: zlexcount },
];
