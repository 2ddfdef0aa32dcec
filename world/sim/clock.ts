/**
 * The clocks and timers of a simulated host.
 *
 * A host has one oscillator, which may run fast or slow (drift, in parts per million) and drives
 * both clocks. The wall clock may besides be set, in either direction; the monotonic one stands
 * still while the machine is suspended, as Linux's CLOCK_MONOTONIC does, and the wall clock then
 * goes on.
 *
 * Invariant: `monotonicMs` never steps back within one life of a process.
 */

import type { Clock, Timer, Timers } from '../world.js';
import type { SimRandom } from './random.js';
import type { Owner, Scheduler, SimEvent } from './scheduler.js';

/** More than what rounding may take from a delay, so that a timer that looks again gets further. */
const LATENESS_MIN_MS = 1e-6;

export class SimClock implements Clock {
  readonly #scheduler: Scheduler;
  /** True time of the last change of rate, and what the clocks showed then. */
  #anchorMs: number;
  #wallAnchorMs: number;
  #monotonicAnchorMs: number;
  #rate = 1;
  #isSuspended = false;

  constructor(scheduler: Scheduler, wallMs: number, monotonicMs: number) {
    this.#scheduler = scheduler;
    this.#anchorMs = scheduler.nowMs;
    this.#wallAnchorMs = wallMs;
    this.#monotonicAnchorMs = monotonicMs;
  }

  wallMs(): number {
    return Math.floor(this.#wallAnchorMs + this.#passedMs());
  }

  monotonicMs(): number {
    return this.#monotonicAnchorMs + (this.#isSuspended ? 0 : this.#passedMs());
  }

  /** Local milliseconds per true millisecond. */
  get rate(): number {
    return this.#rate;
  }

  setDrift(partsPerMillion: number): void {
    this.#anchor();
    this.#rate = 1 + partsPerMillion / 1_000_000;
  }

  jumpWall(byMs: number): void {
    this.#anchor();
    this.#wallAnchorMs += byMs;
  }

  setSuspended(isSuspended: boolean): void {
    this.#anchor();
    this.#isSuspended = isSuspended;
  }

  /** The machine boots: its monotonic clock starts anew. */
  reboot(monotonicMs: number): void {
    this.#anchor();
    this.#isSuspended = false;
    this.#monotonicAnchorMs = monotonicMs;
  }

  #passedMs(): number {
    return (this.#scheduler.nowMs - this.#anchorMs) * this.#rate;
  }

  #anchor(): void {
    const passedMs = this.#passedMs();
    this.#wallAnchorMs += passedMs;
    if (!this.#isSuspended) this.#monotonicAnchorMs += passedMs;
    this.#anchorMs = this.#scheduler.nowMs;
  }
}

export interface SimTimersParts {
  readonly scheduler: Scheduler;
  readonly clock: SimClock;
  readonly random: SimRandom;
  readonly owner: Owner;
}

export interface SimTimersOptions {
  /** Timers fire up to this much late. */
  readonly latenessMaxMs: number;
}

export class SimTimers implements Timers {
  readonly #parts: SimTimersParts;
  readonly #latenessMaxMs: number;

  constructor(parts: SimTimersParts, options: SimTimersOptions) {
    this.#parts = parts;
    this.#latenessMaxMs = options.latenessMaxMs;
  }

  after(delayMs: number, callback: () => void): Timer {
    const dueMs = this.#parts.clock.monotonicMs() + delayMs;
    return this.#waitFor(dueMs, callback);
  }

  every(periodMs: number, callback: () => void): Timer {
    let timer: Timer;
    let isCancelled = false;
    const again = (): void => {
      timer = this.after(Math.max(1, periodMs), () => {
        callback();
        if (!isCancelled) again();
      });
    };
    again();
    return {
      cancel: () => {
        isCancelled = true;
        timer.cancel();
      },
    };
  }

  soon(callback: () => void): Timer {
    const { scheduler, owner } = this.#parts;
    const event = scheduler.after(0, callback, owner);
    return { cancel: () => cancel(event) };
  }

  /** Drift may change, and the machine sleep, while a timer waits: it looks again when it fires. */
  #waitFor(dueMs: number, callback: () => void): Timer {
    const { scheduler, clock, random, owner } = this.#parts;
    let event: SimEvent;
    const arm = (): void => {
      const leftMs = Math.max(0, dueMs - clock.monotonicMs()) / clock.rate;
      const lateMs = LATENESS_MIN_MS + random.between(0, this.#latenessMaxMs);
      event = scheduler.after(leftMs + lateMs, fire, owner);
    };
    const fire = (): void => {
      if (clock.monotonicMs() < dueMs) arm();
      else callback();
    };
    arm();
    return { cancel: () => cancel(event) };
  }
}

function cancel(event: SimEvent): void {
  event.run = undefined;
}
