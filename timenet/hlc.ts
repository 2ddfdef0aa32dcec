/**
 * Hybrid logical clock: a stamp that never goes backwards on a node and never
 * falls behind a stamp that the node has seen (Kulkarni et al. 2014).
 *
 *    52                              12 11           0
 *   +----------------------------------+--------------+
 *   |  wall time, ms since 2020 (41 b) | counter (12) |   exact in a double
 *   +----------------------------------+--------------+
 *
 * Why one number and not a pair: stamps are compared on every write, and a double compares
 * without allocating. Arithmetic only, no bit operators: those would cut to 32 bits.
 *
 * More than 4096 stamps in one millisecond run on into the next (the addition carries): the stamp
 * is then ahead of the wall clock, as it is after the clock was set back, until time catches up.
 *
 * Invariant: `next` returns more than every stamp returned, witnessed or reserved before.
 */

import type { Clock } from '../world/world.js';

/** 2020-01-01T00:00:00Z: the start of stamps. 41 bits last until 2089. */
export const STAMP_EPOCH_MS = 1_577_836_800_000;

/** Stamps per millisecond. */
export const STAMPS_PER_MS = 4096;

/** The highest stamp, 2^53 - 1. */
export const STAMP_MAX = Number.MAX_SAFE_INTEGER;

export interface HybridClockComponents {
  readonly clock: Pick<Clock, 'wallMs'>;
}

export interface HybridClockOptions {
  /** A stamp this much ahead of the wall clock is still believed. Default 500 ms. */
  readonly clockSkewMaxMs?: number;
  /** A stamp reserved before a restart: all new ones are above it. Default 0. */
  readonly floor?: number;
}

const CLOCK_SKEW_DEFAULT_MS = 500;

export class HybridClock {
  readonly clockSkewMaxMs: number;
  readonly #clock: Pick<Clock, 'wallMs'>;
  // With a number from the start V8 keeps it as a double; as a reference each stamp would be an object.
  #last = 0;
  #refusedCount = 0;

  constructor({ clock }: HybridClockComponents, options: HybridClockOptions = {}) {
    const { clockSkewMaxMs = CLOCK_SKEW_DEFAULT_MS, floor = 0 } = options;
    assertStamp(floor);
    this.#clock = clock;
    this.clockSkewMaxMs = clockSkewMaxMs;
    this.#last = floor;
  }

  /**
   * A stamp above everything issued, witnessed or reserved, and not behind the wall clock; or not
   * behind `wallMs`, for who has just looked at the clock.
   */
  next(wallMs = this.#clock.wallMs()): number {
    const now = stampOf(wallMs, 0);
    this.#last = now > this.#last ? now : this.#last + 1;
    if (this.#last > STAMP_MAX) throw new RangeError('the stamps are used up');
    return this.#last;
  }

  /**
   * As `next`, and above `stamp`: that of an entry, head or clear which the write replaces. It is
   * stored here already, so no bound applies.
   */
  nextAbove(stamp: number): number {
    assertStamp(stamp);
    if (stamp > this.#last) this.#last = stamp;
    return this.next();
  }

  /**
   * A stamp from elsewhere: later ones of this node will be above it. False, and counted: it lies
   * more than the bound ahead of this node's wall clock, so one of the two clocks is wrong; it
   * moves nothing. That holds for a stamp of this node's own, too, that comes back after its wall
   * clock was set back: whether this clock or another is wrong, somebody has to hear of it.
   */
  witness(stamp: number): boolean {
    assertStamp(stamp);
    if (msOf(stamp) - this.#clock.wallMs() > this.clockSkewMaxMs) {
      this.#refusedCount += 1;
      return false;
    }
    if (stamp > this.#last) this.#last = stamp;
    return true;
  }

  /** The highest stamp issued, witnessed or reserved so far. */
  get last(): number {
    return this.#last;
  }

  /** How many stamps `witness` has refused. */
  get refusedCount(): number {
    return this.#refusedCount;
  }

  /** How far the stamps are ahead of the wall clock, in milliseconds; 0 if they are not. */
  get aheadMs(): number {
    return Math.max(0, msOf(this.#last) - this.#clock.wallMs());
  }
}

/** The stamp of a wall time (ms since 1970) and a counter; 0 for times before 2020. */
export function stampOf(wallMs: number, counter: number): number {
  if (wallMs < STAMP_EPOCH_MS) return 0;
  return Math.min((wallMs - STAMP_EPOCH_MS) * STAMPS_PER_MS + counter, STAMP_MAX);
}

/** The wall time of a stamp, ms since 1970. */
export function msOf(stamp: number): number {
  return Math.floor(stamp / STAMPS_PER_MS) + STAMP_EPOCH_MS;
}

export function counterOf(stamp: number): number {
  return stamp % STAMPS_PER_MS;
}

/** What comes from elsewhere was checked where it was decoded: a bad stamp here is our own bug. */
function assertStamp(stamp: number): void {
  if (!Number.isSafeInteger(stamp) || stamp < 0) throw new RangeError(`not a stamp: ${stamp}`);
}
