/** Sorted sets: members one by one, counts and ranks, and members by chance. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import type { Collection } from '../../store/collection.js';
import { NOTIFY_ZSET } from '../../store/notify.js';
import { findScore, isSmallSortedSet, memberRank, SORTED_SET } from '../../types/zsets.js';
import { findCollection, readCollection } from '../collections.js';
import { type CommandRow, FAST, READONLY, WRITE } from '../command.js';
import { writeKey } from '../element-reply.js';
import { type ScanKind, scanElements } from '../element-scan.js';
import { refusesPairs, signedCount } from '../int64.js';
import { changeBy, removeElements, replyCount, replyForEach } from '../many-arguments.js';
import { replyRandom } from '../random-elements.js';
import { beginItems, SYNTAX_ERROR, wrongArity } from '../replies.js';
import { writeFlatScored, writeNestedScored, writeScanned } from './members.js';

const zremEnd = replyCount(NOTIFY_ZSET, 'zrem');

function zrem(session: Session, args: Args, reply: ReplyWriter): void {
  const zset = findCollection(session, args, 1, SORTED_SET, reply);
  if (zset !== undefined) changeBy(session, zset, args, removeElements, zremEnd);
}

function zcard(session: Session, args: Args, reply: ReplyWriter): void {
  const zset = readCollection(session, args, 1, SORTED_SET, reply);
  if (zset !== undefined) reply.integer(zset.size);
}

function zscore(session: Session, args: Args, reply: ReplyWriter): void {
  const zset = readCollection(session, args, 1, SORTED_SET, reply);
  if (zset !== undefined) writeScore(reply, zset, args, 2);
}

function zmscore(session: Session, args: Args, reply: ReplyWriter): void {
  const zset = readCollection(session, args, 1, SORTED_SET, reply);
  if (zset !== undefined) replyForEach(session, zset, args, 2, writeScore);
}

function writeScore(reply: ReplyWriter, zset: Collection, args: Args, i: number): void {
  const score = findScore(zset, args.buf, args.starts[i]!, args.ends[i]!);
  if (score !== score) reply.nil();
  else reply.double(score);
}

function zrank(session: Session, args: Args, reply: ReplyWriter): void {
  replyRank(session, args, reply, 'zrank', false);
}

function zrevrank(session: Session, args: Args, reply: ReplyWriter): void {
  replyRank(session, args, reply, 'zrevrank', true);
}

/** [member's rank]; with WITHSCORE, of Redis 7.2, its score too. */
function replyRank(
  session: Session,
  args: Args,
  reply: ReplyWriter,
  command: string,
  reverse: boolean,
): void {
  if (args.count > 4) {
    reply.error(wrongArity(command));
    return;
  }
  const withScore = args.count === 4;
  if (withScore && !args.equalsIgnoreCase(3, 'WITHSCORE')) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  const zset = readCollection(session, args, 1, SORTED_SET, reply);
  if (zset === undefined) return;
  const from = args.starts[2]!;
  const to = args.ends[2]!;
  const score = findScore(zset, args.buf, from, to);
  if (score !== score) {
    if (withScore) reply.nilArray();
    else reply.nil();
    return;
  }
  const rank = memberRank(zset, args.buf, from, to, score);
  if (withScore) reply.array(2);
  reply.integer(reverse ? zset.size - 1 - rank : rank);
  if (withScore) reply.double(score);
}

function zrandmember(session: Session, args: Args, reply: ReplyWriter): void {
  if (args.count > 2) {
    zrandmembers(session, args, reply);
    return;
  }
  const zset = readCollection(session, args, 1, SORTED_SET, reply);
  if (zset === undefined) return;
  if (zset.size === 0) reply.nil();
  else replyRandom(session, zset, -1, writeKey);
}

function zrandmembers(session: Session, args: Args, reply: ReplyWriter): void {
  const count = signedCount(args, 2, reply);
  if (Number.isNaN(count)) return;
  const withScores = args.count === 4 && args.equalsIgnoreCase(3, 'WITHSCORES');
  if (args.count > 3 && !withScores) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  if (withScores && refusesPairs(args, 2, reply)) return;
  const zset = readCollection(session, args, 1, SORTED_SET, reply);
  if (zset === undefined) return;
  const found = zset.size === 0 ? 0 : count < 0 ? -count : Math.min(count, zset.size);
  const nests = beginItems(reply, found, withScores);
  if (found === 0) return;
  const writeScored = nests ? writeNestedScored : writeFlatScored;
  replyRandom(session, zset, count, withScores ? writeScored : writeKey);
}

const SCAN: ScanKind = {
  name: 'ZSCAN',
  type: SORTED_SET,
  items: 2,
  write: writeScanned,
  isSmall: isSmallSortedSet,
};

function zscan(session: Session, args: Args, reply: ReplyWriter): void {
  scanElements(session, args, reply, SCAN);
}

export const zsetCommands: readonly CommandRow[] = [
  { name: 'zrem', arity: -3, flags: WRITE | FAST, keys: [1, 1, 1], handler: zrem },
  { name: 'zcard', arity: 2, flags: READONLY | FAST, keys: [1, 1, 1], handler: zcard },
  { name: 'zscore', arity: 3, flags: READONLY | FAST, keys: [1, 1, 1], handler: zscore },
  { name: 'zmscore', arity: -3, flags: READONLY | FAST, keys: [1, 1, 1], handler: zmscore },
  { name: 'zrank', arity: -3, flags: READONLY | FAST, keys: [1, 1, 1], handler: zrank },
  { name: 'zrevrank', arity: -3, flags: READONLY | FAST, keys: [1, 1, 1], handler: zrevrank },
  { name: 'zrandmember', arity: -2, flags: READONLY, keys: [1, 1, 1], handler: zrandmember },
  { name: 'zscan', arity: -3, flags: READONLY, keys: [1, 1, 1], handler: zscan },
];
