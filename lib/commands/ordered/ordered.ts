/**
 * The ordered keyspace: ranges, ranks and neighbours of keys, which Redis does not have.
 *
 *    KRANGE min max [REV] [LIMIT offset count] [WITHVALUES]      KCOUNT min max
 *    KRANK key   KREVRANK key   KNTH index [WITHVALUES]          KDELRANGE min max
 *    KNEXT key   KPREV key
 *
 * All answer from the counts in the tree's nodes, in O(depth) and the size of the reply.
 */
import type { Leaf } from '../../../radix/leaf.js';
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import { COUNTS, type CommandRow, FAST, READONLY, WRITE } from '../command.js';
import { NOT_INTEGER, replyKey, SYNTAX_ERROR } from '../replies.js';
import { DeleteRange } from './delete-range.js';
import { BAD_INTERVAL, highRank, isBound, lowRank } from './interval.js';
import { RangeReply, type RangeRequest, replyEntry } from './range-reply.js';

/** What KRANGE was asked for. One object for all: it is read before the command returns. */
const request: RangeRequest = {
  offset: 0,
  count: -1,
  reverse: false,
  withValues: false,
};

function krange(session: Session, args: Args, reply: ReplyWriter): void {
  if (!readOptions(args, reply)) return;
  if (!isBound(args, 1) || !isBound(args, 2)) {
    reply.error(BAD_INTERVAL);
    return;
  }
  const database = session.database;
  const low = lowRank(database.tree, args, 1);
  const high = highRank(database.tree, args, 2);
  const { offset, reverse } = request;
  const found = offset < 0 ? 0 : Math.max(0, high - low - offset);
  const count = request.count < 0 ? found : Math.min(found, request.count);
  reply.array(request.withValues && reply.protocol === 2 ? count * 2 : count);
  if (count === 0) return;
  RangeReply.start(session, reverse ? high - offset : low + offset, count, request);
}

/** Reads what follows min and max into `request`; false if an error was replied. */
function readOptions(args: Args, reply: ReplyWriter): boolean {
  request.offset = 0;
  request.count = -1;
  request.reverse = false;
  request.withValues = false;
  for (let i = 3; i < args.count; i += 1) {
    if (args.equalsIgnoreCase(i, 'REV')) {
      request.reverse = true;
    } else if (args.equalsIgnoreCase(i, 'WITHVALUES')) {
      request.withValues = true;
    } else if (args.equalsIgnoreCase(i, 'LIMIT') && i + 2 < args.count) {
      request.offset = args.int64(i + 1);
      request.count = args.int64(i + 2);
      if (Number.isNaN(request.offset) || Number.isNaN(request.count)) {
        reply.error(NOT_INTEGER);
        return false;
      }
      i += 2;
    } else {
      reply.error(SYNTAX_ERROR);
      return false;
    }
  }
  return true;
}

function kcount(session: Session, args: Args, reply: ReplyWriter): void {
  if (!isBound(args, 1) || !isBound(args, 2)) {
    reply.error(BAD_INTERVAL);
    return;
  }
  const database = session.database;
  const count = highRank(database.tree, args, 2) - lowRank(database.tree, args, 1);
  reply.integer(Math.max(0, count));
}

function krank(session: Session, args: Args, reply: ReplyWriter): void {
  const database = session.database;
  const from = args.starts[1]!;
  const to = args.ends[1]!;
  if (database.read(args.buf, from, to) === 0) reply.nil();
  else reply.integer(database.tree.rank(args.buf, from, to));
}

function krevrank(session: Session, args: Args, reply: ReplyWriter): void {
  const database = session.database;
  const from = args.starts[1]!;
  const to = args.ends[1]!;
  if (database.read(args.buf, from, to) === 0) reply.nil();
  else reply.integer(database.size() - 1 - database.tree.rank(args.buf, from, to));
}

function knth(session: Session, args: Args, reply: ReplyWriter): void {
  const index = args.int64(1);
  const withValues = args.count === 3 && args.equalsIgnoreCase(2, 'WITHVALUES');
  if (args.count > 3 || (args.count === 3 && !withValues)) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  if (Number.isNaN(index)) {
    reply.error(NOT_INTEGER);
    return;
  }
  const database = session.database;
  const size = database.size();
  const place = index < 0 ? size + index : index;
  const leaf = place < 0 || place >= size ? 0 : database.tree.nth(place);
  if (!withValues) {
    replyNeighbour(session, reply, leaf);
  } else if (leaf === 0) {
    reply.nilArray();
  } else {
    reply.array(2);
    replyEntry(reply, database, leaf, true);
  }
}

function knext(session: Session, args: Args, reply: ReplyWriter): void {
  const leaf = session.database.tree.next(args.buf, args.starts[1]!, args.ends[1]!);
  replyNeighbour(session, reply, leaf);
}

function kprev(session: Session, args: Args, reply: ReplyWriter): void {
  const leaf = session.database.tree.prev(args.buf, args.starts[1]!, args.ends[1]!);
  replyNeighbour(session, reply, leaf);
}

function replyNeighbour(session: Session, reply: ReplyWriter, leaf: Leaf): void {
  if (leaf === 0) reply.nil();
  else replyKey(reply, session.database, leaf);
}

function kdelrange(session: Session, args: Args, reply: ReplyWriter): void {
  if (!isBound(args, 1) || !isBound(args, 2)) {
    reply.error(BAD_INTERVAL);
    return;
  }
  session.defer(new DeleteRange(session, args.bytes(1), args.bytes(2)));
}

export const orderedCommands: readonly CommandRow[] = [
  { name: 'krange', arity: -3, flags: READONLY | COUNTS, handler: krange },
  { name: 'kcount', arity: 3, flags: READONLY | FAST | COUNTS, handler: kcount },
  { name: 'krank', arity: 2, flags: READONLY | FAST | COUNTS, keys: [1, 1, 1], handler: krank },
  {
    name: 'krevrank',
    arity: 2,
    flags: READONLY | FAST | COUNTS,
    keys: [1, 1, 1],
    handler: krevrank,
  },
  { name: 'knth', arity: -2, flags: READONLY | FAST | COUNTS, handler: knth },
  { name: 'knext', arity: 2, flags: READONLY | FAST | COUNTS, keys: [1, 1, 1], handler: knext },
  { name: 'kprev', arity: 2, flags: READONLY | FAST | COUNTS, keys: [1, 1, 1], handler: kprev },
  { name: 'kdelrange', arity: 3, flags: WRITE | COUNTS, handler: kdelrange },
];
