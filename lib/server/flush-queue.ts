/**
 * Connections whose replies wait for the end of the turn: all are sent one after the other once
 * every request that had arrived has been executed, as Redis does before it sleeps.
 *
 * Why not each at once: a write that finds the peer asleep must wake it, which on some machines
 * costs more than sixteen commands. Sent together, the first one wakes it for all.
 */
import type { World } from '../../world/world.js';

/** Connections that may wait; each holds a chunk of reply. With more, all are sent at once. */
const WAITING_MAX = 128;

export interface Flushable {
  /** Sends what has been written. */
  flush(): void;
}

export class FlushQueue {
  readonly #world: World;
  readonly #endOfTurn = () => {
    this.#isPlanned = false;
    this.flushAll();
  };
  /** The first #count of it are set; an array that shrinks would give its room back. */
  #waiting = places();
  #count = 0;
  #spare: (Flushable | undefined)[] | undefined;
  #isPlanned = false;
  /** The commands of a turn have been executed; nothing of their replies has been sent. */
  beforeFlush: () => void = () => {};

  constructor(world: World) {
    this.#world = world;
  }

  /** To be called at most once per connection until it is flushed. */
  add(connection: Flushable): void {
    this.#waiting[this.#count] = connection;
    this.#count += 1;
    if (this.#count === WAITING_MAX) {
      this.flushAll();
    } else if (!this.#isPlanned) {
      this.#isPlanned = true;
      this.#world.timers.soon(this.#endOfTurn);
    }
  }

  flushAll(): void {
    this.beforeFlush();
    const waiting = this.#waiting;
    const count = this.#count;
    this.#waiting = this.#spare ?? places();
    this.#spare = undefined;
    this.#count = 0;
    for (let at = 0; at < count; at += 1) {
      const connection = waiting[at]!;
      waiting[at] = undefined;
      connection.flush();
    }
    this.#spare = waiting;
  }
}

function places(): (Flushable | undefined)[] {
  return new Array<Flushable | undefined>(WAITING_MAX).fill(undefined);
}
