/**
 * How long answers of one peer take: mean and deviation, the later samples weighing more. A sample
 * is usual if it lies within one deviation of the mean; of one that is not, nobody knows on which
 * way it was held up, so it says little about the peer's clock.
 */

/** Weight of the newest sample, once there are enough. */
const WEIGHT = 1 / 16;
/** So many samples are taken as they come: before, there is no mean to speak of. */
const SAMPLES_MIN = 4;
/** What clocks cannot tell apart, ms. */
const RESOLUTION_MS = 0.05;

export class Latency {
  count = 0;
  meanMs = 0;
  #variance = 0;

  get deviationMs(): number {
    return Math.sqrt(this.#variance);
  }

  /** Counts a sample; whether it is usual, by those before it. */
  add(latencyMs: number): boolean {
    const differenceMs = latencyMs - this.meanMs;
    const isUsual =
      this.count < SAMPLES_MIN || Math.abs(differenceMs) <= this.deviationMs + RESOLUTION_MS;
    this.count += 1;
    const weight = Math.max(WEIGHT, 1 / this.count);
    this.meanMs += weight * differenceMs;
    this.#variance = (1 - weight) * (this.#variance + weight * differenceMs * differenceMs);
    return isUsual;
  }
}
