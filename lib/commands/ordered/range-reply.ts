/**
 * The entries of a KRANGE, written a slice at a time: what does not fit into the command's own
 * slice goes on in later turns, from a snapshot, so that the reply is what stood at the start.
 */
import { KIND_BYTES, KIND_MASK, type Leaf } from '../../../radix/leaf.js';
import { Snapshot } from '../../../radix/snapshot.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session, Task } from '../../server/session.js';
import type { Database } from '../../store/database.js';
import { replyKey, replyValue } from '../replies.js';

export interface RangeRequest {
  offset: number;
  count: number;
  reverse: boolean;
  withValues: boolean;
}

/** Entries that are written before the command looks at the clock. */
const STEP_ENTRIES = 128;
/** Time that it may take before it goes on in slices of its own, ms. */
const SLICE_MS = 2;
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

/** What is left of a range behind its last entry so far, read from a snapshot. */
class RangeRest implements Task {
  readonly #session: Session;
  readonly #database: Database;
  readonly #snapshot: Snapshot;
  readonly #withValues: boolean;
  readonly #pairs: boolean;
  #left: number;

  constructor(session: Session, last: Leaf, count: number, request: RangeRequest) {
    this.#session = session;
    this.#database = session.database;
    this.#left = count;
    this.#withValues = request.withValues;
    this.#pairs = request.withValues && session.reply.protocol === 3;
    const { tree } = this.#database;
    const key = tree.key(last);
    const bounds = request.reverse ? { high: key, backward: true } : { low: key };
    this.#snapshot = new Snapshot(tree, bounds);
    // The bound is the last entry itself, which has been written.
    this.#snapshot.next();
  }

  step(deadlineMs: number): boolean {
    const { reply, server } = this.#session;
    const { clock } = server.store.world;
    try {
      while (this.#left > 0) {
        for (let i = 0; i < STEP_ENTRIES && this.#left > 0; i += 1) this.#writeNext(reply);
        if (clock.monotonicMs() >= deadlineMs || reply.pendingBytes > PENDING_BYTES_MAX) break;
      }
    } catch (error) {
      // Part of the reply has left: the client can only be told by closing.
      server.log.error({ err: error, client: this.#session.carrier.remote }, 'KRANGE broken off');
      this.#session.carrier.destroy();
      this.#left = 0;
    }
    if (this.#left > 0) return false;
    this.#snapshot.close();
    return true;
  }

  cancel(): void {
    this.#snapshot.close();
  }

  #writeNext(reply: ReplyWriter): void {
    const snapshot = this.#snapshot;
    do {
      if (!snapshot.next()) throw new Error('a snapshot has fewer keys than were counted');
    } while (!snapshot.tree.visible(snapshot.leaf));
    if (this.#pairs) reply.array(2);
    replyEntry(reply, this.#database, snapshot.leaf, this.#withValues);
    this.#left -= 1;
  }
}
