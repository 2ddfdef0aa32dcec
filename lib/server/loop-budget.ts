/**
 * How long requests may hold the event loop, all connections together. The system hands over what
 * a connection has sent in chunks, up to 2 MB of them in one turn of the loop: too much for that
 * turn if each request means a lot of work. So a connection looks from time to time whether the
 * turn's time is spent; then it is not read from until the next one.
 *
 * That a turn of the loop has ended is seen by time passing without requests, for to be told of
 * each would cost more.
 */
import type { World } from '../../world/world.js';

/**
 * Time of a turn that requests may take, ms: enough for 800 short commands, as 50 clients send that
 * pipeline 16 each. What is put off misses the sync that the others share (`--fsync always`).
 */
const BUDGET_MS = 5;
/** Requests so far apart are of different turns, ms. */
const APART_MS = 0.5;

export interface Deferred {
  /** The next turn of the loop has come. */
  goOn(): void;
}

export class LoopBudget {
  readonly #world: World;
  #fromMs = 0;
  #lastMs = 0;
  #waiting: Deferred[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  /** Requests begin to execute; `nowMs`: monotonic. */
  begin(nowMs: number): void {
    if (nowMs - this.#lastMs > APART_MS) this.#fromMs = nowMs;
  }

  /** Whether no more should be executed in this turn of the loop. */
  isSpent(nowMs: number): boolean {
    this.#lastMs = nowMs;
    return nowMs - this.#fromMs > BUDGET_MS;
  }

  /** To be told when the next turn has come; once until then. */
  defer(connection: Deferred): void {
    this.#waiting.push(connection);
    if (this.#waiting.length === 1) this.#world.timers.soon(() => this.#turn());
  }

  #turn(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#fromMs = this.#world.clock.monotonicMs();
    this.#lastMs = this.#fromMs;
    for (const connection of waiting) connection.goOn();
  }
}
