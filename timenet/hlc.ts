/**
 * Hybrid logical clock: a stamp that never goes backwards on a node and never
 * falls behind a stamp that the node has seen (Kulkarni et al. 2014).
 *
 *    52                              12 11           0
 *   +----------------------------------+--------------+
 *   |  wall time, ms since 2020 (41 b) | counter (12) |   exact in a double
 *   +----------------------------------+--------------+
 *
 * Why one number and not a pair: stamps are compared on every write, and a
 * double compares without allocating.
 * Invariant: `next` returns more than every stamp returned or witnessed.
 */
import type { Clock } from '../world/world.js';

/** 2020-01-01T00:00:00Z, ms since 1970. */
export const STAMP_EPOCH_MS = 1_577_836_800_000;
/** Stamps within one millisecond; the counter's overflow borrows from the next one. */
export const STAMPS_PER_MS = 4096;

export interface HybridClockOptions {
  /** A stamp further ahead of the wall clock than this is refused. Default 500. */
  clockSkewMaxMs?: number;
  /** Every stamp issued is above this one: what was durably reserved before a restart. Default 0. */
  floor?: number;
}

export class HybridClock {
  readonly clockSkewMaxMs: number;
  readonly #clock: Clock;
  /** The highest stamp issued or witnessed. */
  #last: number;
  /** Stamps refused because they were too far ahead. */
  #refusedCount = 0;

  constructor(components: { clock: Clock }, options: HybridClockOptions = {}) {
    this.#clock = components.clock;
    this.clockSkewMaxMs = options.clockSkewMaxMs ?? 500;
    this.#last = options.floor ?? 0;
  }

  get last(): number {
    return this.#last;
  }

  get refusedCount(): number {
    return this.#refusedCount;
  }

  /** A stamp above all issued and witnessed, and not below the wall clock. */
  next(): number {
    const wall = stampOf(this.#clock.wallMs(), 0);
    this.#last = wall > this.#last ? wall : this.#last + 1;
    return this.#last;
  }

  /** `next`, and above `stamp` too. */
  nextAbove(stamp: number): number {
    if (stamp > this.#last) this.#last = stamp;
    return this.next();
  }

  /** Takes notice of a stamp from elsewhere; false, and nothing changes, if it is too far ahead. */
  witness(stamp: number): boolean {
    if (msOf(stamp) - this.#clock.wallMs() > this.clockSkewMaxMs) {
      this.#refusedCount += 1;
      return false;
    }
    if (stamp > this.#last) this.#last = stamp;
    return true;
  }
}

/** The stamp of a wall time (ms since 1970) and a counter in [0, 4096). */
export function stampOf(wallMs: number, counter: number): number {
  return (wallMs - STAMP_EPOCH_MS) * STAMPS_PER_MS + counter;
}

/** Wall time of a stamp, ms since 1970. */
export function msOf(stamp: number): number {
  return Math.floor(stamp / STAMPS_PER_MS) + STAMP_EPOCH_MS;
}
