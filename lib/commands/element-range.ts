/**
 * The elements of a collection as a reply: all of them, or from a place on, in the order of sub keys
 * or of values, up or down. What does not fit into the command's own slice goes on in later turns from a
 * snapshot, so that the reply is what stood at the start; inside EXEC all is written at once.
 */
import type { Cursor } from '../../radix/cursor.js';
import type { Leaf } from '../../radix/leaf.js';
import { SubTreeSnapshot } from '../../radix/subtree-snapshot.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';
import type { Session, Task } from '../server/session.js';
import type { Collection } from '../store/collection.js';
import type { Database } from '../store/database.js';
import { breakOff } from './broken-reply.js';
import type { ElementWriter } from './element-reply.js';

/** Which elements, by their ranks. */
export interface ElementRange {
  /** Of the first that is told. */
  readonly index: number;
  /** How many; all of them are there. */
  readonly count: number;
  /** Downwards. */
  readonly reverse: boolean;
  /** By value: `write` gets leaves of the mirror. */
  readonly byValue: boolean;
}

/** Elements that are written before the command looks at the clock. */
const STEP_ELEMENTS = 128;
/** Time that it may take before it goes on in slices of its own, ms. */
const SLICE_MS = 2;
/** Replies waiting beyond which the rest waits for the client to read, bytes. */
const PENDING_BYTES_MAX = 1024 * 1024;

/** Elements found and not yet written; one for all, since it is empty when a command returns. */
const run = new Int32Array(16);

/** Writes all elements of an open collection; what stands before them has been written. */
export function replyElements(
  session: Session,
  collection: Collection,
  write: ElementWriter,
): void {
  const range = { index: 0, count: collection.size, reverse: false, byValue: false };
  replyElementRange(session, collection, range, write);
}

/** Writes the elements of a range of an open collection; their array's head has been written. */
export function replyElementRange(
  session: Session,
  collection: Collection,
  range: ElementRange,
  write: ElementWriter,
): void {
  const { count } = range;
  if (count <= 0) return;
  const { database, reply, server } = session;
  const { clock } = server.store.world;
  const cursor = range.byValue ? collection.mirrorCursor : collection.cursor;
  // A few may be long.
  const mayPause = !server.dispatcher.atomic;
  const deadlineMs = count > STEP_ELEMENTS ? clock.monotonicMs() + SLICE_MS : 0;
  let done = 0;
  let unchecked = 0;
  run[0] = cursor.stepTo(range.index);
  for (let found = 1; ; found = stepOn(cursor, count - done, range.reverse)) {
    let written = 0;
    let isFull = false;
    while (written < found && !isFull) {
      write(reply, database, run[written]!);
      written += 1;
      isFull = mayPause && reply.pendingBytes > PENDING_BYTES_MAX;
    }
    done += written;
    if (done === count) return;
    if (!mayPause) continue;
    unchecked += written;
    if (unchecked < STEP_ELEMENTS && !isFull) continue;
    unchecked = 0;
    if (isFull || clock.monotonicMs() >= deadlineMs) {
      const last = run[written - 1]!;
      session.defer(new RangeRest(session, collection, { range, last, left: count - done }, write));
      return;
    }
  }
}

function stepOn(cursor: Cursor, most: number, reverse: boolean): number {
  if (!reverse) return cursor.stepRun(run, most);
  run[0] = cursor.stepBack();
  return 1;
}

/** What is left of a range behind its last element so far. */
class RangeRest implements Task {
  readonly #session: Session;
  readonly #database: Database;
  readonly #snapshot: SubTreeSnapshot;
  readonly #write: ElementWriter;
  #left: number;

  constructor(
    session: Session,
    collection: Collection,
    rest: { range: ElementRange; last: Leaf; left: number },
    write: ElementWriter,
  ) {
    this.#session = session;
    this.#database = session.database;
    this.#write = write;
    this.#left = rest.left;
    const { byValue, reverse } = rest.range;
    const after = this.#database.tree.key(rest.last);
    const options = { byValue, backward: reverse, after };
    this.#snapshot = new SubTreeSnapshot(this.#database.tree, collection.key(), options);
  }

  step(deadlineMs: number): boolean {
    const { reply, server } = this.#session;
    const { clock } = server.store.world;
    try {
      while (this.#left > 0) {
        for (let i = 0; i < STEP_ELEMENTS && this.#left > 0; i += 1) {
          this.#writeNext(reply);
          if (reply.pendingBytes > PENDING_BYTES_MAX) break;
        }
        if (server.dispatcher.atomic) continue;
        if (clock.monotonicMs() >= deadlineMs || reply.pendingBytes > PENDING_BYTES_MAX) break;
      }
    } catch (error) {
      breakOff(this.#session, error);
      this.#left = 0;
    }
    if (this.#left > 0) return false;
    this.cancel();
    return true;
  }

  cancel(): void {
    this.#snapshot.close();
  }

  #writeNext(reply: ReplyWriter): void {
    const snapshot = this.#snapshot;
    if (!snapshot.next()) throw new Error('a snapshot has fewer elements than were counted');
    this.#write(reply, this.#database, snapshot.leaf);
    this.#left -= 1;
  }
}
