/** XPENDING and XACK: what was delivered to consumers and not acknowledged. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import type { Collection } from '../../store/collection.js';
import { Group, loadOwnedId } from '../../types/stream-group.js';
import { StreamId } from '../../types/stream-id.js';
import { STREAM } from '../../types/streams.js';
import { readCollection } from '../collections.js';
import { type CommandRow, FAST, READONLY, WRITE } from '../command.js';
import { SYNTAX_ERROR } from '../replies.js';
import {
  noGroup,
  openGroup,
  readEnd,
  readId,
  readInteger,
  readStart,
  replyId,
  turnToConsumer,
} from './ids.js';
import { PIECE_ITEMS, replySliced } from './sliced-reply.js';

const SUMMARY_COUNT = 3;
const RANGE_COUNT_MIN = 6;
const RANGE_COUNT_MAX = 9;

const group = new Group();
const id = new StreamId();

/** XACK key group id ... */
function xack(session: Session, args: Args, reply: ReplyWriter): void {
  const stream = readCollection(session, args, 1, STREAM, reply);
  if (stream === undefined) return;
  if (!stream.exists || !openGroup(group, stream, args, 2)) {
    reply.integer(0);
    return;
  }
  for (let i = 3; i < args.count; i += 1) if (!readId(args, i, id, reply)) return;
  let acknowledged = 0;
  for (let i = 3; i < args.count; i += 1) {
    readId(args, i, id, reply);
    if (group.removePending(id)) acknowledged += 1;
  }
  reply.integer(acknowledged);
}

/** What XPENDING is asked for, in its longer form. */
interface PendingRange {
  readonly start: StreamId;
  readonly end: StreamId;
  readonly count: number;
  readonly idleMs: number;
  /** The argument that names the consumer; 0: none. */
  readonly consumerAt: number;
}

/** XPENDING key group [[IDLE ms] start end count [consumer]] */
function xpending(session: Session, args: Args, reply: ReplyWriter): void {
  const isSummary = args.count === SUMMARY_COUNT;
  if (!isSummary && (args.count < RANGE_COUNT_MIN || args.count > RANGE_COUNT_MAX)) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  const range = isSummary ? undefined : readRange(args, reply);
  if (!isSummary && range === undefined) return;
  const stream = readCollection(session, args, 1, STREAM, reply);
  if (stream === undefined) return;
  if (!stream.exists || !openGroup(group, stream, args, 2)) {
    reply.error(noGroup(args, 1, 2));
    return;
  }
  if (range === undefined) summary(session, stream, args, reply);
  else replyRange(session, stream, args, range);
}

function readRange(args: Args, reply: ReplyWriter): PendingRange | undefined {
  let at = SUMMARY_COUNT;
  let idleMs = 0;
  if (args.equalsIgnoreCase(at, 'IDLE')) {
    idleMs = readInteger(args, at + 1, reply);
    if (Number.isNaN(idleMs)) return undefined;
    at += 2;
    if (at + 3 > args.count) {
      reply.error(SYNTAX_ERROR);
      return undefined;
    }
  }
  const count = readInteger(args, at + 2, reply);
  if (Number.isNaN(count)) return undefined;
  const start = new StreamId();
  const end = new StreamId();
  if (!readStart(args, at, start, reply) || !readEnd(args, at + 1, end, reply)) return undefined;
  const consumerAt = at + 3 < args.count ? at + 3 : 0;
  return { start, end, count: Math.max(0, count), idleMs, consumerAt };
}

/** How much is pending, between which ids, and of which consumers. */
function summary(session: Session, stream: Collection, args: Args, reply: ReplyWriter): void {
  const count = group.pendingCount;
  reply.array(4);
  reply.integer(count);
  if (count === 0) {
    reply.nil();
    reply.nil();
    reply.nilArray();
    return;
  }
  group.loadPendingId(group.nthPending(0), id);
  replyId(reply, id);
  group.loadPendingId(group.nthPending(count - 1), id);
  replyId(reply, id);
  const items = group.consumerCount;
  replySliced(session, stream, args, { keyAt: 1, items, isArray: true, write: writeOwners });
}

/** Writes the consumers who have something pending, each with how much that is. */
function* writeOwners(
  stream: Collection,
  args: Args,
  out: ReplyWriter,
): Generator<void, number, void> {
  let owners = 0;
  openGroup(group, stream, args, 2);
  const consumers = group.consumerCount;
  for (let i = 0; i < consumers; i += 1) {
    group.turnToNth(i);
    const owned = group.ownedCount;
    if (owned > 0) {
      owners += 1;
      out.array(2);
      out.bulk(group.consumerName, 0, group.consumerName.length);
      out.bulkLatin1(String(owned));
    }
    if ((i + 1) % PIECE_ITEMS !== 0) continue;
    yield;
    openGroup(group, stream, args, 2);
  }
  return owners;
}

function replyRange(session: Session, stream: Collection, args: Args, range: PendingRange): void {
  const { consumerAt, count, idleMs } = range;
  if (consumerAt !== 0) turnToConsumer(group, args, consumerAt);
  if (consumerAt !== 0 && !group.hasConsumer) {
    session.reply.emptyArray();
    return;
  }
  const { high, low } = indexesOf(range);
  // Those that were idle for less are passed over.
  const items = idleMs === 0 ? Math.min(count, high - low) : count === 0 ? 0 : high - low;
  replySliced(session, stream, args, {
    keyAt: 1,
    items: Math.max(0, items),
    isArray: true,
    write: (opened, given, out) => writeRange(opened, given, out, range),
  });
}

/** Between which indexes the range lies now, of what is pending for the group or the consumer. */
function indexesOf({ consumerAt, end, start }: PendingRange): { low: number; high: number } {
  const rank = (target: StreamId): number =>
    consumerAt === 0 ? group.pendingRank(target) : group.ownedRank(target);
  id.copy(end);
  const isBounded = id.increment();
  const all = consumerAt === 0 ? group.pendingCount : group.ownedCount;
  return { low: rank(start), high: isBounded ? rank(id) : all };
}

/** Writes what is pending in a range, as far as it was idle long enough. */
function* writeRange(
  stream: Collection,
  args: Args,
  out: ReplyWriter,
  range: PendingRange,
): Generator<void, number, void> {
  const { consumerAt, count, idleMs } = range;
  let found = 0;
  openPending(stream, args, consumerAt);
  const { high, low } = indexesOf(range);
  for (let i = low; i < high && found < count; i += 1) {
    if (writePending(out, i, consumerAt !== 0, idleMs)) found += 1;
    if ((i - low + 1) % PIECE_ITEMS !== 0) continue;
    yield;
    openPending(stream, args, consumerAt);
  }
  return found;
}

function openPending(stream: Collection, args: Args, consumerAt: number): void {
  openGroup(group, stream, args, 2);
  if (consumerAt !== 0) turnToConsumer(group, args, consumerAt);
}

function writePending(out: ReplyWriter, index: number, isOwned: boolean, idleMs: number): boolean {
  const { mirror } = group.stream;
  if (isOwned) loadOwnedId(mirror.tree, group.nthOwned(index), id);
  const pending = isOwned ? group.findPending(id) : group.nthPending(index);
  group.loadPending(pending);
  const elapsedMs = group.stream.database.store.nowMs - group.deliveredMs;
  if (idleMs !== 0 && elapsedMs < idleMs) return false;
  group.loadPendingId(pending, id);
  out.array(4);
  replyId(out, id);
  out.bulk(group.owner, group.ownerFrom, group.ownerTo);
  out.integer(Math.max(0, elapsedMs));
  out.integer(group.deliveries);
  return true;
}

export const xpendingCommands: readonly CommandRow[] = [
  { name: 'xack', arity: -4, flags: WRITE | FAST, keys: [1, 1, 1], handler: xack },
  { name: 'xpending', arity: -3, flags: READONLY, keys: [1, 1, 1], handler: xpending },
];
