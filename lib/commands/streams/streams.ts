/** Streams as sequences of entries: XLEN, XRANGE, XREVRANGE, XDEL, XSETID. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import type { Collection } from '../../store/collection.js';
import { NOTIFY_STREAM } from '../../store/notify.js';
import { StreamId } from '../../types/stream-id.js';
import {
  ENTRY_KEY_BYTES,
  entryCount,
  entryKeyOf,
  entryRank,
  findEntry,
  loadTopId,
  STREAM,
  StreamState,
} from '../../types/streams.js';
import { findCollection, readCollection } from '../collections.js';
import { type CommandRow, FAST, type Handler, READONLY, WRITE } from '../command.js';
import { replyElementRange } from '../element-range.js';
import { NO_SUCH_KEY, SYNTAX_ERROR } from '../replies.js';
import { writeEntry } from './entries.js';
import { readCounter, readEnd, readId, readInteger, readStart } from './ids.js';

const start = new StreamId();
const end = new StreamId();
const id = new StreamId();
const state = new StreamState();

function xlen(session: Session, args: Args, reply: ReplyWriter): void {
  const stream = readCollection(session, args, 1, STREAM, reply);
  if (stream !== undefined) reply.integer(entryCount(stream));
}

/** XRANGE key start end [COUNT count] */
function range(reverse: boolean): Handler {
  return (session, args, reply) => {
    if (!readStart(args, reverse ? 3 : 2, start, reply)) return;
    if (!readEnd(args, reverse ? 2 : 3, end, reply)) return;
    const most = readCount(args, 4, reply);
    if (Number.isNaN(most)) return;
    const stream = readCollection(session, args, 1, STREAM, reply);
    if (stream === undefined) return;
    if (!stream.exists) {
      reply.emptyArray();
    } else if (most === 0) {
      reply.nilArray();
    } else {
      const low = entryRank(stream, start);
      const high = end.increment() ? entryRank(stream, end) : entryCount(stream);
      const count = Math.min(Math.max(0, high - low), most);
      reply.array(count);
      const index = reverse ? high - 1 : low;
      replyElementRange(session, stream, { index, count, reverse, byValue: false }, writeEntry);
    }
  };
}

/** Reads [COUNT count] from argument `i` on; Infinity if there is none, NaN if it has replied. */
function readCount(args: Args, i: number, reply: ReplyWriter): number {
  let most = Number.POSITIVE_INFINITY;
  for (let at = i; at < args.count; at += 2) {
    if (!args.equalsIgnoreCase(at, 'COUNT') || at + 1 === args.count) {
      reply.error(SYNTAX_ERROR);
      return Number.NaN;
    }
    most = readInteger(args, at + 1, reply);
    if (Number.isNaN(most)) return most;
    most = Math.max(0, most);
  }
  return most;
}

function xdel(session: Session, args: Args, reply: ReplyWriter): void {
  const stream = findCollection(session, args, 1, STREAM, reply);
  if (stream === undefined) return;
  if (!stream.exists) {
    reply.integer(0);
    return;
  }
  for (let i = 2; i < args.count; i += 1) if (!readId(args, i, id, reply)) return;
  state.load(stream);
  let removed = 0;
  for (let i = 2; i < args.count; i += 1) {
    readId(args, i, id, reply);
    if (removeEntry(stream)) removed += 1;
  }
  if (removed > 0) {
    state.countRemoved(removed);
    state.save(stream);
    stream.notify(NOTIFY_STREAM, 'xdel');
  }
  reply.integer(removed);
}

/** Removes the entry that has `id`, if there is one. */
function removeEntry(stream: Collection): boolean {
  if (findEntry(stream, id) === 0) return false;
  state.hold(stream);
  if (id.compare(state.maxDeletedId) > 0) state.maxDeletedId.copy(id);
  return stream.remove(entryKeyOf(id), 0, ENTRY_KEY_BYTES);
}

const maxDeletedId = new StreamId();

/** XSETID key last-id [ENTRIESADDED entries] [MAXDELETEDID id] */
function xsetid(session: Session, args: Args, reply: ReplyWriter): void {
  if (!readId(args, 2, id, reply)) return;
  maxDeletedId.setZero();
  let added = -1;
  for (let i = 3; i < args.count; i += 2) {
    const hasMore = i + 1 < args.count;
    if (hasMore && args.equalsIgnoreCase(i, 'ENTRIESADDED')) {
      added = readEntriesAdded(args, i + 1, reply);
      if (Number.isNaN(added)) return;
    } else if (hasMore && args.equalsIgnoreCase(i, 'MAXDELETEDID')) {
      if (!readId(args, i + 1, maxDeletedId, reply)) return;
      if (id.compare(maxDeletedId) < 0) {
        reply.error(
          'ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id',
        );
        return;
      }
    } else {
      reply.error(SYNTAX_ERROR);
      return;
    }
  }
  const stream = findCollection(session, args, 1, STREAM, reply);
  if (stream !== undefined) setState(stream, added, reply);
}

/** NaN if an error was replied. */
function readEntriesAdded(args: Args, i: number, reply: ReplyWriter): number {
  const added = readCounter(args, i, reply);
  if (!(added < 0)) return added;
  reply.error('ERR entries_added must be positive');
  return Number.NaN;
}

function setState(stream: Collection, added: number, reply: ReplyWriter): void {
  if (!stream.exists) {
    reply.error(NO_SUCH_KEY);
    return;
  }
  state.load(stream);
  if (state.length > 0) {
    if (loadTopId(stream, start) && id.compare(start) < 0) {
      reply.error('ERR The ID specified in XSETID is smaller than the target stream top item');
      return;
    }
    if (added !== -1 && state.length > added) {
      reply.error(
        'ERR The entries_added specified in XSETID is smaller than the target stream length',
      );
      return;
    }
  }
  state.lastId.copy(id);
  if (added !== -1) state.removed = added - state.length;
  if (!maxDeletedId.isZero) state.maxDeletedId.copy(maxDeletedId);
  state.saveAlone(stream);
  reply.ok();
  stream.notify(NOTIFY_STREAM, 'xsetid');
}

export const streamCommands: readonly CommandRow[] = [
  { name: 'xlen', arity: 2, flags: READONLY | FAST, keys: [1, 1, 1], handler: xlen },
  { name: 'xrange', arity: -4, flags: READONLY, keys: [1, 1, 1], handler: range(false) },
  { name: 'xrevrange', arity: -4, flags: READONLY, keys: [1, 1, 1], handler: range(true) },
  { name: 'xdel', arity: -3, flags: WRITE | FAST, keys: [1, 1, 1], handler: xdel },
  { name: 'xsetid', arity: -3, flags: WRITE | FAST, keys: [1, 1, 1], handler: xsetid },
];
