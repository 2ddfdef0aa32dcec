/**
 * How long to wait before the next attempt: twice as long each time, up to a limit, less a random
 * part of up to a half, so that members that lost somebody at once do not come back at once.
 */
import type { Random } from '../../world/world.js';

export interface BackoffOptions {
  /** The first pause, before chance shortens it. Default 50 ms. */
  readonly pauseMinMs?: number;
  /** After a refusal; for others at most, if it is less than 1000 ms. Default 5000 ms. */
  readonly pauseMaxMs?: number;
}

const PAUSE_MIN_MS = 50;
const PAUSE_MAX_MS = 5000;
/** Whoever was cut off should be found soon after it can be reached again. */
const LOST_PAUSE_MAX_MS = 1000;

export class Backoff {
  readonly #random: Random;
  readonly #minMs: number;
  readonly #maxMs: number;
  readonly #lostMaxMs: number;
  #pauseMs: number;

  constructor(random: Random, options: BackoffOptions = {}) {
    this.#random = random;
    this.#minMs = options.pauseMinMs ?? PAUSE_MIN_MS;
    this.#maxMs = options.pauseMaxMs ?? PAUSE_MAX_MS;
    this.#lostMaxMs = Math.min(this.#maxMs, Math.max(this.#minMs, LOST_PAUSE_MAX_MS));
    this.#pauseMs = this.#minMs;
  }

  /** The pause to make now. */
  nextMs(): number {
    const pauseMs = this.#pauseMs;
    this.#pauseMs = Math.min(2 * pauseMs, this.#lostMaxMs);
    return pauseMs * (1 - this.#random.float() / 2);
  }

  /** It went well: the next pause is the first again. */
  reset(): void {
    this.#pauseMs = this.#minMs;
  }

  /** Nothing will change soon: the next pause is the longest. */
  exhaust(): void {
    this.#pauseMs = this.#maxMs;
  }
}
