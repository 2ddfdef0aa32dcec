/**
 * The monotonic clock of who dials, as the listener of one connection knows it: so a request can carry
 * the time up to which it is worth anything, however long it lies in buffers, whatever wall clocks say.
 *
 *   listener   `saidMs` ----- reply ----.                    .--> (CLOCK, `nowMs`)
 *   dialer                               `--> `theirMs` ----'
 *
 *   their clock + (saidMs - theirMs)  <=  this clock  <=  their clock + (nowMs - theirMs)
 *
 * The lower bound is taken: a request is thought to be older than it is, by the round trip at most, and
 * never younger. Clocks drift, so the dialer tells again now and then: twice, since only what follows a
 * reply at once is exact.
 */

/** What took longer says too little, ms. */
const ROUND_TRIP_MAX_MS = 1000;

export class PeerClock {
  #saidMs: number;
  /** Undefined until it was told once. */
  #aheadMs: number | undefined;

  /** At `nowMs` the dialer is sent a reply. */
  constructor(nowMs: number) {
    this.#saidMs = nowMs;
  }

  /** The dialer has said, after the last reply to it, what its clock showed; it is replied to now. */
  told(theirMs: number, nowMs: number): void {
    const isExact = nowMs - this.#saidMs <= ROUND_TRIP_MAX_MS;
    if (isExact || this.#aheadMs === undefined) this.#aheadMs = this.#saidMs - theirMs;
    this.#saidMs = nowMs;
  }

  /** A time of the dialer's clock, by this one: then, or earlier. Nothing is due before it was told. */
  here(theirMs: number): number {
    return this.#aheadMs === undefined ? Infinity : theirMs + this.#aheadMs;
  }
}
