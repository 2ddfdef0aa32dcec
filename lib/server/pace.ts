/**
 * Pace: what nobody waits for yields to clients. After a slice of so many ms it pauses three times
 * as long if clients were served lately: a quarter of the event loop is the most it takes then, and
 * all of it while nobody asks for anything.
 *
 *   clients   ###  ####  ###   ###                      (nobody)
 *   slices       s      p     a     u  s  e     ...     ssssssssssss
 *
 * A slice is short then, too: what a client waits for may pass through several members, and meet a
 * slice in each of them.
 *
 * Why not a slice in each turn of the loop: a turn may be short, and a slice would be most of it.
 */
import type { Timers, World } from '../../world/world.js';

/** Clients count as busy for so long after a request, ms. */
const BUSY_MS = 10;
/** Pauses are so many times as long as the work before. */
const PAUSE_FACTOR = 3;
/** What a slice takes at most while clients are busy, ms. */
const BUSY_SLICE_MS = 1;

/** When clients were last served, monotonic ms. */
export interface ClientActivity {
  servedMs: number;
}

const NOBODY: ClientActivity = { servedMs: Number.NEGATIVE_INFINITY };

export class Pace {
  readonly #clock: World['clock'];
  readonly #timers: Timers;
  readonly #clients: Readonly<ClientActivity>;
  /** Until then it pauses. */
  #untilMs = Number.NEGATIVE_INFINITY;

  /** Without clients it never pauses. */
  constructor({ clock, timers }: World, clients: Readonly<ClientActivity> = NOBODY) {
    this.#clock = clock;
    this.#timers = timers;
    this.#clients = clients;
  }

  get areClientsBusy(): boolean {
    return this.#isBusy(this.#clock.monotonicMs());
  }

  get isPausing(): boolean {
    return this.#clock.monotonicMs() < this.#untilMs;
  }

  /** What the next slice may take, ms: as long as that, unless clients are busy. */
  sliceMs(longestMs: number): number {
    return this.#isBusy(this.#clock.monotonicMs()) ? Math.min(longestMs, BUSY_SLICE_MS) : longestMs;
  }

  /** A slice that began then is over. */
  worked(sinceMs: number): void {
    const nowMs = this.#clock.monotonicMs();
    if (!this.#isBusy(nowMs)) return;
    this.#untilMs = Math.max(this.#untilMs, nowMs) + PAUSE_FACTOR * (nowMs - sinceMs);
  }

  /** Calls back in the next turn, or after the pause. */
  plan(action: () => void): void {
    const leftMs = this.#untilMs - this.#clock.monotonicMs();
    if (leftMs <= 0) this.#timers.soon(action);
    else this.#timers.after(leftMs, action, true);
  }

  #isBusy(nowMs: number): boolean {
    return nowMs - this.#clients.servedMs <= BUSY_MS;
  }
}
