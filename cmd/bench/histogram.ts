/**
 * A latency histogram of fixed size: counts per bucket, 128 buckets to each doubling.
 *
 *   value, us   0 .. 127      128 .. 255    256 .. 511   512 .. 1023  ...
 *   width, us   1             1             2            4            ...
 *
 * Invariant: a value lies in a bucket whose width is at most 1/128 of it, so a percentile is off by
 * less than 0.8 %. Why not a list of all values: ten million of them are 80 MB and a sort.
 */

const STEPS_BITS = 7;
const STEPS = 1 << STEPS_BITS;
const DOUBLINGS = 26;

export class LatencyHistogram {
  count = 0;
  maxUsec = 0;
  readonly #buckets = new Float64Array(STEPS * DOUBLINGS);
  #sumUsec = 0;

  record(usec: number): void {
    const whole = Math.max(0, Math.round(usec));
    this.count += 1;
    this.#sumUsec += usec;
    if (usec > this.maxUsec) this.maxUsec = usec;
    const bucket = Math.min(bucketOf(whole), this.#buckets.length - 1);
    this.#buckets[bucket] = this.#buckets[bucket]! + 1;
  }

  meanUsec(): number {
    return this.count === 0 ? 0 : this.#sumUsec / this.count;
  }

  /** The latency that `percent` of the requests did not exceed. */
  percentileUsec(percent: number): number {
    const wanted = Math.ceil((this.count * percent) / 100);
    let seen = 0;
    for (const [bucket, count] of this.#buckets.entries()) {
      seen += count;
      const isLast = bucket === this.#buckets.length - 1;
      if (seen >= wanted && seen > 0 && !isLast) return Math.min(upperUsec(bucket), this.maxUsec);
    }
    return this.maxUsec;
  }

  clear(): void {
    this.count = 0;
    this.maxUsec = 0;
    this.#sumUsec = 0;
    this.#buckets.fill(0);
  }
}

function bucketOf(usec: number): number {
  if (usec < STEPS) return usec;
  const doubling = Math.floor(Math.log2(usec)) - STEPS_BITS;
  const step = Math.floor(usec / 2 ** doubling) - STEPS;
  return (doubling + 1) * STEPS + step;
}

/** The highest value of a bucket. */
function upperUsec(bucket: number): number {
  if (bucket < STEPS) return bucket;
  const doubling = Math.floor(bucket / STEPS) - 1;
  const step = bucket % STEPS;
  return (STEPS + step + 1) * 2 ** doubling - 1;
}
