/**
 * The parts of a reply of XREAD or XREADGROUP, one for each stream that has something: entries from
 * an index on, or what is pending for a consumer. Few are written at once; many in slices, from
 * snapshots, so that the reply is what was there when the command began.
 *
 * A group moves on for all that it is about to be delivered before the first of it is written; so
 * who reads in between gets what follows.
 */
import type { Leaf } from '../../../radix/leaf.js';
import { SubTreeSnapshot } from '../../../radix/subtree-snapshot.js';
import type { Tree } from '../../../radix/tree.js';
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session, Task } from '../../server/session.js';
import type { Collection } from '../../store/collection.js';
import { Group, loadOwnedId } from '../../types/stream-group.js';
import { StreamId } from '../../types/stream-id.js';
import { ENTRY_KEY_BYTES, entryKeyOf, loadEntryId, STREAM } from '../../types/streams.js';
import { breakOff } from '../broken-reply.js';
import { replyElementRange } from '../element-range.js';
import { replyEntry, writeEntry } from './entries.js';
import { replyId } from './ids.js';

/** So many entries of all streams are written at once; more in slices. */
export const AT_ONCE_MAX = 512;
/** Entries between two looks at the clock. */
const STEP_ENTRIES = 64;
const PENDING_BYTES_MAX = 1024 * 1024;

/** Entries of a stream, as XREAD tells them. */
export interface Part {
  /** The argument that is the key. */
  readonly keyAt: number;
  /** What comes first: an entry above this id. */
  readonly after: StreamId;
  readonly count: number;
  /** For XREADGROUP. */
  readonly consumer: PartOfConsumer | undefined;
}

export interface PartOfConsumer {
  /** The arguments that name them. */
  readonly groupAt: number;
  readonly consumerAt: number;
  /** What is pending is told again. */
  readonly isHistory: boolean;
  /** What is told is still to be made pending. */
  readonly makesPending: boolean;
}

const id = new StreamId();
const shared = new Group();

/** Writes the parts, at least one. Of each the stream is there, and a group has moved on. */
export function replyParts(session: Session, args: Args, parts: readonly Part[]): void {
  const { reply } = session;
  if (reply.protocol === 3) reply.map(parts.length);
  else reply.array(parts.length);
  let total = 0;
  for (const part of parts) total += part.count;
  const [first] = parts;
  if (parts.length === 1 && isOnlyRead(first!)) {
    replyOnlyPart(session, args, first!);
  } else if (total <= AT_ONCE_MAX) {
    for (const part of parts) replyAtOnce(session, args, part);
  } else {
    session.defer(new PartsTask(session, args.clone(), parts));
  }
}

/** Whether nothing changes while it is told. */
function isOnlyRead({ consumer }: Part): boolean {
  return consumer === undefined || !(consumer.isHistory || consumer.makesPending);
}

function beginPart(reply: ReplyWriter, args: Args, { keyAt, count }: Part): void {
  if (reply.protocol === 2) reply.array(2);
  reply.bulk(args.buf, args.starts[keyAt]!, args.ends[keyAt]!);
  reply.array(count);
}

/** The stream of a part; nothing, if others have removed it meanwhile. */
function openStream(session: Session, args: Args, { keyAt }: Part): Collection {
  const stream = session.database.collection();
  const { buf, ends, starts } = args;
  if (!stream.openQuietly(buf, starts[keyAt]!, ends[keyAt]!, STREAM)) stream.openNone(STREAM);
  return stream;
}

/** Entries of one stream, which others may change while they are told. */
function replyOnlyPart(session: Session, args: Args, part: Part): void {
  const stream = openStream(session, args, part);
  beginPart(session.reply, args, part);
  if (part.count === 0) return;
  const index = rankBehind(stream, part.after);
  const range = { index, count: part.count, reverse: false, byValue: false };
  replyElementRange(session, stream, range, writeEntry);
}

function rankBehind({ elements }: Collection, after: StreamId): number {
  const entry = elements.next(entryKeyOf(after), 0, ENTRY_KEY_BYTES);
  return elements.rank(elements.key(entry), 0, ENTRY_KEY_BYTES);
}

function replyAtOnce(session: Session, args: Args, part: Part): void {
  const { reply } = session;
  const stream = openStream(session, args, part);
  beginPart(reply, args, part);
  if (part.count === 0) return;
  if (isOnlyRead(part)) {
    const { cursor, database } = stream;
    let entry = cursor.stepTo(rankBehind(stream, part.after));
    for (let left = part.count; left > 0; left -= 1) {
      writeEntry(reply, database, entry);
      entry = cursor.next();
    }
    return;
  }
  openConsumer(shared, stream, args, part);
  id.copy(part.after);
  for (let left = part.count; left > 0; left -= 1) {
    const { tree } = stream.mirror;
    const after = shared.ownedKeyOf(id);
    loadOwnedId(tree, tree.next(after, 0, after.length), id);
    deliverAgain(reply, stream, shared, id);
  }
}

/** Turns to the group and consumer of a part; false if it has none, or they are gone. */
function openConsumer(group: Group, stream: Collection, args: Args, { consumer }: Part): boolean {
  if (consumer === undefined) return false;
  const { buf, ends, starts } = args;
  const { consumerAt, groupAt } = consumer;
  if (!group.open(stream, buf, starts[groupAt]!, ends[groupAt]!)) return false;
  group.turnTo(buf, starts[consumerAt]!, ends[consumerAt]!);
  return true;
}

/** Writes an entry that is pending; a null, if it was deleted. */
function deliverAgain(reply: ReplyWriter, stream: Collection, group: Group, id: StreamId): void {
  if (!replyEntry(reply, stream, id)) {
    reply.array(2);
    replyId(reply, id);
    reply.nilArray();
    return;
  }
  const pending = group.findPending(id);
  if (pending === 0) return;
  group.loadPending(pending);
  if (group.isOwn) group.putPending(id, stream.database.store.nowMs, group.deliveries + 1);
}

class PartsTask implements Task {
  readonly #session: Session;
  readonly #args: Args;
  readonly #parts: readonly Part[];
  readonly #snapshots: SubTreeSnapshot[];
  readonly #group = new Group();
  readonly #id = new StreamId();
  #at = 0;
  /** Of the part at hand; -1: it has not begun. */
  #left = -1;

  constructor(session: Session, args: Args, parts: readonly Part[]) {
    this.#session = session;
    this.#args = args;
    this.#parts = parts;
    this.#snapshots = parts.map((part) => this.#snapshotOf(part));
  }

  #snapshotOf(part: Part): SubTreeSnapshot {
    const stream = openStream(this.#session, this.#args, part);
    const byValue = part.consumer?.isHistory ?? false;
    openConsumer(this.#group, stream, this.#args, part);
    const after = byValue
      ? this.#group.ownedKeyOf(part.after)
      : Buffer.from(entryKeyOf(part.after));
    return new SubTreeSnapshot(stream.database.tree, stream.key(), { byValue, after });
  }

  step(deadlineMs: number): boolean {
    const { reply, server } = this.#session;
    const { clock } = server.store.world;
    try {
      while (this.#at < this.#parts.length) {
        this.#writeSome(reply);
        if (server.dispatcher.atomic) continue;
        if (clock.monotonicMs() >= deadlineMs || reply.pendingBytes > PENDING_BYTES_MAX) break;
      }
    } catch (error) {
      breakOff(this.#session, error);
      this.#at = this.#parts.length;
    }
    if (this.#at < this.#parts.length) return false;
    this.cancel();
    return true;
  }

  cancel(): void {
    for (const snapshot of this.#snapshots) snapshot.close();
  }

  #writeSome(reply: ReplyWriter): void {
    const part = this.#parts[this.#at]!;
    if (this.#left === -1) {
      beginPart(reply, this.#args, part);
      this.#left = part.count;
    }
    const stream = openStream(this.#session, this.#args, part);
    const isOwn = openConsumer(this.#group, stream, this.#args, part) && this.#group.hasConsumer;
    for (let i = 0; i < STEP_ENTRIES && this.#left > 0; i += 1) {
      this.#writeNext(reply, stream, part, isOwn);
      this.#left -= 1;
      if (reply.pendingBytes > PENDING_BYTES_MAX) break;
    }
    if (this.#left > 0) return;
    this.#at += 1;
    this.#left = -1;
  }

  #writeNext(reply: ReplyWriter, stream: Collection, part: Part, isOwn: boolean): void {
    const snapshot = this.#snapshots[this.#at]!;
    if (!snapshot.next()) throw new Error('a snapshot has fewer entries than were counted');
    const { leaf, tree } = snapshot;
    if (part.consumer?.isHistory ?? false) {
      loadOwnedId(tree, leaf, this.#id);
      deliverAgain(reply, stream, this.#group, this.#id);
      return;
    }
    this.#loadId(tree, leaf);
    writeEntry(reply, stream.database, leaf);
    if (isOwn && part.consumer!.makesPending) {
      this.#group.putPending(this.#id, stream.database.store.nowMs, 1);
    }
  }

  #loadId(tree: Tree, leaf: Leaf): void {
    loadEntryId(tree, leaf, this.#id);
  }
}
