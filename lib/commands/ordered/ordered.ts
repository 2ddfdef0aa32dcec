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
import { beginItems, NOT_INTEGER, replyKey, SYNTAX_ERROR } from '../replies.js';
import { DeleteRange } from './delete-range.js';
import { highRank, lowRank, refusesInterval } from './interval.js';
import { rangePart, rangeRequest } from './range-options.js';
import { isPage, replyPage } from './range-page.js';
import { RangeReply, replyEntry } from './range-reply.js';

function krange(session: Session, args: Args, reply: ReplyWriter): void {
  const request = rangeRequest(args, 3, true, reply);
  if (request === undefined || refusesInterval(args, 1, reply)) return;
  if (isPage(request)) {
    replyPage(session, args, reply, request);
    return;
  }
  const { tree } = session.database;
  const [low, high] = [lowRank(tree, args, 1), highRank(tree, args, 2)];
  const { count, index } = rangePart(request, low, high, false);
  beginItems(reply, count, request.withValues);
  if (count > 0) RangeReply.start(session, index, count, request);
}

function kcount(session: Session, args: Args, reply: ReplyWriter): void {
  if (refusesInterval(args, 1, reply)) return;
  const { tree } = session.database;
  const count = highRank(tree, args, 2) - lowRank(tree, args, 1);
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
  if (refusesInterval(args, 1, reply)) return;
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
