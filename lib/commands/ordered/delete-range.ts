/**
 * KDELRANGE: removes the keys of an interval a slice at a time.
 *
 * Not one step for others: they may see part of it gone. What they write into the interval
 * meanwhile stays, since only entries that are older than the command are removed; so it ends.
 */
import type { Session, Task } from '../../server/session.js';
import type { Database } from '../../store/database.js';
import { NOTIFY_GENERIC } from '../../store/notify.js';

/** Keys removed between two looks at the clock. */
const STEP_KEYS = 64;

const OPEN_PAREN = 0x28;
const MINUS = 0x2d;
const PLUS = 0x2b;

export class DeleteRange implements Task {
  readonly #session: Session;
  readonly #database: Database;
  readonly #max: Buffer;
  readonly #startStamp: number;
  /** The next key to look at is at or behind this one. */
  #place: Buffer;
  #placeIncluded: boolean;
  #done = false;
  #removed = 0;

  constructor(session: Session, min: Buffer, max: Buffer) {
    this.#session = session;
    this.#database = session.database;
    this.#startStamp = session.server.store.stamp();
    const unbounded = min.length === 1 && min[0] === MINUS;
    if (min.length === 1 && min[0] === PLUS) this.#done = true;
    this.#place = unbounded ? Buffer.alloc(0) : min.subarray(1);
    this.#placeIncluded = unbounded || min[0] !== OPEN_PAREN;
    this.#max = max;
  }

  step(deadlineMs: number): boolean {
    const clock = this.#session.server.store.world.clock;
    while (!this.#done) {
      for (let i = 0; i < STEP_KEYS && !this.#done; i += 1) this.#removeNext();
      if (clock.monotonicMs() >= deadlineMs) break;
    }
    if (!this.#done) return false;
    this.#session.reply.integer(this.#removed);
    return true;
  }

  #removeNext(): void {
    const tree = this.#database.tree;
    const place = this.#place;
    const leaf = this.#placeIncluded
      ? tree.ceiling(place, 0, place.length)
      : tree.next(place, 0, place.length);
    if (leaf === 0) {
      this.#done = true;
      return;
    }
    const key = tree.key(leaf);
    if (!this.#within(key)) {
      this.#done = true;
      return;
    }
    this.#place = key;
    this.#placeIncluded = false;
    if (tree.stamp(leaf) >= this.#startStamp) return;
    if (!this.#database.remove(key, 0, key.length)) return;
    this.#removed += 1;
    this.#database.notify(NOTIFY_GENERIC, 'del', key, 0, key.length);
  }

  #within(key: Buffer): boolean {
    const max = this.#max;
    if (max.length === 1 && max[0] === PLUS) return true;
    if (max.length === 1 && max[0] === MINUS) return false;
    const order = key.compare(max, 1);
    return max[0] === OPEN_PAREN ? order < 0 : order <= 0;
  }
}
