/**
 * Standstill: notices that this process has not run for some seconds (it was stopped, or swapped out, or
 * one command took so long).
 *
 *   the others   SET k 1, no answer; this one is dead ... SET k 1 and SET k 2 at the next replica
 *   this one     | SET k 1 in the system's buffers ............................... | would now be newest
 *
 * Who sent what lies in the buffers has given up, and may have written anew elsewhere. So for a moment
 * after it goes on the member of a ring refuses what clients write; calls of members say themselves how old
 * they are. It does not notice that the whole machine was suspended: then its clock stands still, too.
 */

export const STOOD_STILL =
  'TRYAGAIN this member did not run for some seconds, and what it gets now may be from before: not executed';

/** Members are not found dead sooner, ms. */
const STILL_MS = 5000;
/** In this time all that lies in the buffers is read, ms. */
const AFTER_MS = 1000;

export class Standstill {
  #lastMs = Number.POSITIVE_INFINITY;
  #untilMs = Number.NEGATIVE_INFINITY;

  /** Told of the time again and again, monotonic ms; true: what comes now may be from before. */
  look(nowMs: number): boolean {
    if (nowMs - this.#lastMs > STILL_MS) this.#untilMs = nowMs + AFTER_MS;
    this.#lastMs = nowMs;
    return nowMs < this.#untilMs;
  }
}
