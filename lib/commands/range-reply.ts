/**
 * The entries of a KRANGE, written a slice at a time: what does not fit into the command's own
 * slice goes on in later turns, from a snapshot, so that the reply is what stood at the start.
 */
import { KIND_BYTES, KIND_MASK, type Leaf } from '../../radix/leaf.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';
import type { Session, Task } from '../server/session.js';
import type { Database } from '../store/database.js';
import { replyKey, replyValue } from './replies.js';

export interface RangeRequest {
  offset: number;
  count: number;
  reverse: boolean;
  withValues: boolean;
}

/** Entries that are written before the command looks at the clock. */
const STEP_ENTRIES = 128;
/** Time of the event loop that one turn of it may take, ms. */
const SLICE_MS = 4;
/** Replies waiting beyond which the rest waits for the client to read, bytes. */
const PENDING_BYTES_MAX = 1024 * 1024;

/** Writes key, or key and value; in RESP3 the two are a pair. */
export function replyEntry(
  reply: ReplyWriter,
  database: Database,
  leaf: Leaf,
  withValues: boolean,
): void {
  replyKey(reply, database, leaf);
  if (!withValues) return;
  if ((database.tree.flags(leaf) & KIND_MASK) === KIND_BYTES) replyValue(reply, database, leaf);
  else reply.nil();
}

export class RangeReply {
  /** Writes `count` entries from the visible index on; behind it, downwards, if in reverse. */
  static start(session: Session, index: number, count: number, request: RangeRequest): void {
    const { database, reply, server } = session;
    const cursor = database.cursor;
    const clock = server.store.world.clock;
    const pairs = request.withValues && reply.protocol === 3;
    cursor.seekIndex(index);
    const deadlineMs = count > STEP_ENTRIES ? clock.monotonicMs() + SLICE_MS : 0;
    for (let done = 0; done < count; done += 1) {
      const leaf = request.reverse ? cursor.prev() : cursor.next();
      if (pairs) reply.array(2);
      replyEntry(reply, database, leaf, request.withValues);
      if (done % STEP_ENTRIES !== STEP_ENTRIES - 1 || server.dispatcher.atomic) continue;
      const late = clock.monotonicMs() >= deadlineMs;
      if (!late && reply.pendingBytes <= PENDING_BYTES_MAX) continue;
      const rest = count - done - 1;
      if (rest === 0) return;
      session.defer(new RangeRest(session, leaf, rest, request));
      return;
    }
  }
}

/** What is left of a range, read from a snapshot. */
class RangeRest implements Task {
  constructor(_session: Session, _last: Leaf, _count: number, _request: RangeRequest) {
    throw new Error('snapshots are not there yet');
  }

  step(_deadlineMs: number): boolean {
    return true;
  }
}
