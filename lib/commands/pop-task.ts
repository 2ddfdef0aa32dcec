/**
 * Pops many elements of a collection a slice at a time. Each is popped at once; but others may see
 * some of them gone before all are.
 */
import type { ReplyWriter } from '../../resp/reply-writer.js';
import type { Session, Task } from '../server/session.js';
import type { Collection } from '../store/collection.js';
import type { Database } from '../store/database.js';
import { FoundItems } from './found-items.js';

/** What a command pops, and how it tells of it. */
export interface Pops {
  /** As `Collection.open...` takes it. */
  readonly type: number;
  /** Removes an element of a collection that is not empty, and writes it. */
  one(collection: Collection, reply: ReplyWriter): void;
  /** Some were popped. */
  notify(collection: Collection): void;
  /** Writes what stands before `count` elements. */
  beginReply(reply: ReplyWriter, count: number): void;
}

/** Elements popped between two looks at the clock. */
const STEP_ELEMENTS = 64;

export class PopTask implements Task {
  readonly #session: Session;
  readonly #database: Database;
  readonly #key: Buffer;
  readonly #pops: Pops;
  readonly #found: FoundItems;
  #left: number;

  constructor(session: Session, key: Buffer, count: number, pops: Pops) {
    this.#session = session;
    this.#database = session.database;
    this.#key = key;
    this.#left = count;
    this.#pops = pops;
    this.#found = new FoundItems(session.server.pool, session.reply.protocol);
  }

  step(deadlineMs: number): boolean {
    const { reply } = this.#session;
    const { clock } = this.#database.store.world;
    const isLate = (): boolean => clock.monotonicMs() >= deadlineMs;
    while (this.#left > 0) {
      this.#popSome();
      if (this.#left === 0) this.#pops.beginReply(reply, this.#found.count);
      else if (isLate()) return false;
    }
    return this.#found.moveTo(reply, isLate);
  }

  cancel(): void {
    this.#found.release();
  }

  /** The collection may have changed since, or be gone. */
  #popSome(): void {
    const { one, type } = this.#pops;
    const collection = this.#database.collection();
    const isThere = collection.openQuietly(this.#key, 0, this.#key.length, type);
    if (!isThere || collection.size === 0) {
      this.#left = 0;
      return;
    }
    const most = Math.min(STEP_ELEMENTS, this.#left, collection.size);
    for (let i = 0; i < most; i += 1) one(collection, this.#found.body);
    this.#pops.notify(collection);
    this.#found.count += most;
    this.#left -= most;
  }
}
