/** XINFO STREAM FULL: entries, groups, what is pending and for whom, each up to a number. */
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Collection } from '../../store/collection.js';
import { ENTRIES_READ_UNKNOWN, Group, loadOwnedId } from '../../types/stream-group.js';
import { StreamId } from '../../types/stream-id.js';
import { lagOf } from '../../types/stream-lag.js';
import { entryCount, groupCount, StreamState } from '../../types/streams.js';
import { writeEntry } from './entries.js';
import { replyId } from './ids.js';
import { PIECE_ITEMS } from './sliced-reply.js';

type Writing = Generator<void, number, void>;

/** At least as many items as the reply has, none of which is long. */
export function fullItems(stream: Collection, count: number): number {
  const entries = entryCount(stream);
  return Math.min(entries, count) + (stream.size - entries) * 2;
}

/** The seven fields that every form begins with. Each element is a key of the tree and a node. */
export function writeState(opened: Collection, of: StreamState, reply: ReplyWriter): void {
  reply.bulkLatin1('length');
  reply.integer(of.length);
  reply.bulkLatin1('radix-tree-keys');
  reply.integer(opened.size);
  reply.bulkLatin1('radix-tree-nodes');
  reply.integer(opened.size);
  reply.bulkLatin1('last-generated-id');
  replyId(reply, of.lastId);
  reply.bulkLatin1('max-deleted-entry-id');
  replyId(reply, of.maxDeletedId);
  reply.bulkLatin1('entries-added');
  reply.integer(of.entriesAdded);
  reply.bulkLatin1('recorded-first-entry-id');
  replyId(reply, of.firstId);
}

export function writeReads(of: StreamState, read: Group, reply: ReplyWriter): void {
  reply.bulkLatin1('entries-read');
  if (read.entriesRead === ENTRIES_READ_UNKNOWN) reply.nil();
  else reply.integer(read.entriesRead);
  reply.bulkLatin1('lag');
  const lag = lagOf(of, read);
  if (lag === undefined) reply.nil();
  else reply.integer(lag);
}

export function* writeFull(stream: Collection, out: ReplyWriter, count: number): Writing {
  const state = new StreamState();
  state.load(stream);
  out.map(9);
  writeState(stream, state, out);
  out.bulkLatin1('entries');
  const entries = Math.min(state.length, count);
  out.array(entries);
  for (let i = 0; i < entries; i += 1) {
    writeEntry(out, stream.database, stream.elements.nth(i));
    if (i % PIECE_ITEMS === PIECE_ITEMS - 1) yield;
  }
  out.bulkLatin1('groups');
  const groups = groupCount(stream);
  out.array(groups);
  for (let i = 0; i < groups; i += 1) yield* writeGroup(stream, state, out, i, count);
  return 1;
}

function* writeGroup(
  stream: Collection,
  state: StreamState,
  out: ReplyWriter,
  index: number,
  count: number,
): Writing {
  const group = new Group();
  const id = new StreamId();
  group.openNth(stream, index);
  out.map(7);
  out.bulkLatin1('name');
  out.bulk(group.name, 0, group.name.length);
  out.bulkLatin1('last-delivered-id');
  replyId(out, group.lastId);
  writeReads(state, group, out);
  out.bulkLatin1('pel-count');
  out.integer(group.pendingCount);
  out.bulkLatin1('pending');
  const pending = Math.min(group.pendingCount, count);
  out.array(pending);
  for (let i = 0; i < pending; i += 1) {
    const leaf = group.nthPending(i);
    group.loadPending(leaf);
    group.loadPendingId(leaf, id);
    out.array(4);
    replyId(out, id);
    out.bulk(group.owner, group.ownerFrom, group.ownerTo);
    out.integer(group.deliveredMs);
    out.integer(group.deliveries);
    if (i % PIECE_ITEMS === PIECE_ITEMS - 1) yield;
  }
  out.bulkLatin1('consumers');
  const consumers = group.consumerCount;
  out.array(consumers);
  for (let i = 0; i < consumers; i += 1) {
    group.turnToNth(i);
    yield* writeConsumer(group, out, count);
  }
  return 1;
}

function* writeConsumer(group: Group, out: ReplyWriter, count: number): Writing {
  const id = new StreamId();
  group.loadConsumer();
  out.map(5);
  out.bulkLatin1('name');
  out.bulk(group.consumerName, 0, group.consumerName.length);
  out.bulkLatin1('seen-time');
  out.integer(group.seenMs);
  out.bulkLatin1('active-time');
  out.integer(group.activeMs);
  out.bulkLatin1('pel-count');
  out.integer(group.ownedCount);
  out.bulkLatin1('pending');
  const owned = Math.min(group.ownedCount, count);
  out.array(owned);
  for (let i = 0; i < owned; i += 1) {
    loadOwnedId(group.stream.mirror.tree, group.nthOwned(i), id);
    group.loadPending(group.findPending(id));
    out.array(3);
    replyId(out, id);
    out.integer(group.deliveredMs);
    out.integer(group.deliveries);
    if (i % PIECE_ITEMS === PIECE_ITEMS - 1) yield;
  }
  yield;
  return 1;
}
