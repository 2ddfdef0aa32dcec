/**
 * How long requests may hold the event loop, all connections together. The system hands over what
 * a connection has sent in chunks, up to 2 MB of them in one turn of the loop: too much for that
 * turn if each request means a lot of work. So a connection looks from time to time whether the
 * turn's time is spent; then it is not read from until the next one.
 *
 *   timers   input         soon                 timers   input        soon
 *            a#### b# c!   (c waits: the turn            a## b# d!    c## d!
 *                          is spent)
 *
 * While some wait, those with new input have half of the time, and those that wait the other half. What
 * was put off is executed among what is to happen soon, which is after the input of the same turn: so
 * it lets one pass.
 *
 * That a turn of the loop has ended is seen by time passing without requests, for to be told of
 * each would cost more.
 */
import type { World } from '../../world/world.js';

/**
 * Time of a turn that requests may take, ms: enough for 800 short commands, as 50 clients send that
 * pipeline 16 each. What is put off misses the sync that the others share (`--fsync always`).
 */
const BUDGET_MS = 4;
/** While some wait: of those that have new input, and of those that wait. */
const SHARED_MS = BUDGET_MS / 2;
/** Requests so far apart are of different turns, ms. */
const APART_MS = 0.5;

export interface Deferred {
  /** Its turn has come: it executes something, however late it is. */
  goOn(): void;
}

export class LoopBudget {
  readonly #world: World;
  #fromMs = 0;
  #lastMs = 0;
  #waiting: Deferred[] = [];
  /** Those that waited are being executed. */
  #isGoingOn = false;

  constructor(world: World) {
    this.#world = world;
  }

  /** Requests begin to execute; `nowMs`: monotonic. */
  begin(nowMs: number): void {
    if (nowMs - this.#lastMs > APART_MS) this.#fromMs = nowMs;
  }

  /** Whether no more should be executed for now. */
  isSpent(nowMs: number): boolean {
    this.#lastMs = nowMs;
    const budgetMs = this.#waiting.length === 0 && !this.#isGoingOn ? BUDGET_MS : SHARED_MS;
    return nowMs - this.#fromMs > budgetMs;
  }

  /** To be told when its turn has come; once until then. */
  defer(connection: Deferred): void {
    this.#waiting.push(connection);
    if (this.#waiting.length > 1 || this.#isGoingOn) return;
    // What is planned amidst what happens soon happens in the next turn.
    this.#world.timers.soon(this.#plan);
  }

  readonly #plan = (): void => {
    // The next turn's time begins, however soon it comes.
    this.#lastMs = Number.NEGATIVE_INFINITY;
    this.#world.timers.soon(this.#goOn);
  };

  readonly #goOn = (): void => {
    const { clock } = this.#world;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#isGoingOn = true;
    this.#fromMs = clock.monotonicMs();
    let count = 0;
    do {
      waiting[count]!.goOn();
      count += 1;
    } while (count < waiting.length && !this.isSpent(clock.monotonicMs()));
    this.#waiting = waiting.slice(count).concat(this.#waiting);
    this.#isGoingOn = false;
    if (this.#waiting.length > 0) this.#plan();
  };
}
