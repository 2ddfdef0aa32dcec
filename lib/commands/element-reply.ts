/**
 * What elements are in a reply, and elements chosen at random: so many different ones, or picks that
 * may repeat each other. What is too much for the command's own slice goes on in later turns, from
 * a snapshot; inside EXEC all is written at once.
 */
import type { Leaf } from '../../radix/leaf.js';
import { Snapshot } from '../../radix/snapshot.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';
import type { Session, Task } from '../server/session.js';
import type { Collection } from '../store/collection.js';
import type { Database } from '../store/database.js';
import { breakOff } from './broken-reply.js';
import { replyKey, replyValue } from './replies.js';

/** Writes what one element is in the reply. A function of a module, not a closure. */
export type ElementWriter = (reply: ReplyWriter, database: Database, element: Leaf) => void;

/** Elements that are written before the command looks at the clock. */
const STEP_ELEMENTS = 128;
/** Replies waiting beyond which the rest waits for the client to read, bytes. */
const PENDING_BYTES_MAX = 1024 * 1024;
/** So many chosen at random are found one by one; more by a walk over all. */
const PICKS_MAX = 512;

export function writeKey(reply: ReplyWriter, database: Database, element: Leaf): void {
  replyKey(reply, database, element);
}

export function writeValue(reply: ReplyWriter, database: Database, element: Leaf): void {
  replyValue(reply, database, element);
}

/** Sub key and value as two items. */
export function writeFlatPair(reply: ReplyWriter, database: Database, element: Leaf): void {
  replyKey(reply, database, element);
  replyValue(reply, database, element);
}

/** Sub key and value as an array of two. */
export function writeNestedPair(reply: ReplyWriter, database: Database, element: Leaf): void {
  reply.array(2);
  writeFlatPair(reply, database, element);
}

/** Writes `count` different elements, at random, of an open collection that has more. */
export function replySample(
  session: Session,
  collection: Collection,
  count: number,
  write: ElementWriter,
): void {
  if (count > PICKS_MAX) {
    session.defer(new SampleTask(session, collection, count, write));
    return;
  }
  const { random } = session.server.store.world;
  const { size } = collection;
  // Floyd's way: each index below `end` that is taken already gives way to `end` itself.
  const chosen = new Set<number>();
  for (let end = size - count; end < size; end += 1) {
    const index = random.below(end + 1);
    chosen.add(chosen.has(index) ? end : index);
  }
  for (const index of chosen) {
    write(session.reply, session.database, collection.elements.nth(index));
  }
}

/** Writes `count` elements at random, the same ones again and again, of one that is not empty. */
export function replyPicks(
  session: Session,
  collection: Collection,
  count: number,
  write: ElementWriter,
): void {
  if (count > PICKS_MAX) {
    session.defer(new PicksTask(session, collection, count, write));
    return;
  }
  const { random } = session.server.store.world;
  const { elements, size } = collection;
  for (let i = 0; i < count; i += 1) {
    write(session.reply, session.database, elements.nth(random.below(size)));
  }
}

abstract class SnapshotTask implements Task {
  protected readonly session: Session;
  protected readonly database: Database;
  protected readonly snapshot: Snapshot;
  protected readonly write: ElementWriter;

  constructor(session: Session, collection: Collection, write: ElementWriter) {
    this.session = session;
    this.database = session.database;
    this.write = write;
    const key = collection.key();
    this.snapshot = new Snapshot(this.database.tree, { low: key, high: key });
    this.snapshot.next();
  }

  /** Writes, or passes over, one element; false if there is nothing left to do. */
  protected abstract one(reply: ReplyWriter): boolean;

  step(deadlineMs: number): boolean {
    const { reply, server } = this.session;
    const { clock } = server.store.world;
    try {
      for (;;) {
        for (let i = 0; i < STEP_ELEMENTS; i += 1) {
          if (!this.one(reply)) {
            this.cancel();
            return true;
          }
          if (reply.pendingBytes > PENDING_BYTES_MAX) break;
        }
        if (server.dispatcher.atomic) continue;
        if (clock.monotonicMs() >= deadlineMs || reply.pendingBytes > PENDING_BYTES_MAX) {
          return false;
        }
      }
    } catch (error) {
      breakOff(this.session, error);
      this.cancel();
      return true;
    }
  }

  cancel(): void {
    this.snapshot.close();
  }
}

/** Writes some of the elements, each with the same chance (Knuth's S). */
class SampleTask extends SnapshotTask {
  #want: number;
  /** Elements not yet looked at. */
  #left: number;

  constructor(session: Session, collection: Collection, count: number, write: ElementWriter) {
    super(session, collection, write);
    this.#want = count;
    this.#left = collection.size;
  }

  protected override one(reply: ReplyWriter): boolean {
    if (this.#want === 0) return false;
    const { snapshot } = this;
    do {
      if (!snapshot.nextElement()) throw new Error('a snapshot has fewer elements than counted');
    } while (!snapshot.elementTree.visible(snapshot.element));
    const { random } = this.database.store.world;
    const isWanted = this.#want === this.#left || random.below(this.#left) < this.#want;
    this.#left -= 1;
    if (!isWanted) return true;
    this.#want -= 1;
    this.write(reply, this.database, snapshot.element);
    return true;
  }
}

/** Picks of the elements that there are at the time, or once all have gone, of the last there were. */
class PicksTask extends SnapshotTask {
  #left: number;

  constructor(session: Session, collection: Collection, count: number, write: ElementWriter) {
    super(session, collection, write);
    this.#left = count;
  }

  protected override one(reply: ReplyWriter): boolean {
    if (this.#left === 0) return false;
    this.#left -= 1;
    const elements = this.snapshot.presentElements;
    const index = this.database.store.world.random.below(elements.liveCount);
    this.write(reply, this.database, elements.nth(index));
    return true;
  }
}
