/**
 * What is counted of each command: calls, time, refusals, failures, and a histogram of durations.
 *
 * The histogram has 16 linear steps in each power of two (an error of at most 1/16, as an
 * HdrHistogram of about one significant digit): 32 powers cover 1 us to over an hour.
 */
const STEPS = 16;
const BUCKETS_MAX = 33 * STEPS;

export class CommandStats {
  calls = 0;
  /** Sum of durations, microseconds. */
  usec = 0;
  /** Refused before it ran: arity, AUTH, state of the session. */
  rejectedCalls = 0;
  /** Ran and answered with an error. */
  failedCalls = 0;
  /** Calls of the turn at hand whose time is not yet known; see `TurnTimes`. */
  untimedCalls = 0;
  #buckets: Float64Array | undefined;

  /** Counts `calls` that took `usec` each. */
  record(usec: number, calls: number): void {
    this.usec += usec * calls;
    this.#buckets ??= new Float64Array(BUCKETS_MAX);
    this.#buckets[bucketOf(usec)]! += calls;
  }

  /** Calls that took at most `usec`, to a sixteenth. */
  callsUpTo(usec: number): number {
    let sum = 0;
    const end = bucketOf(usec);
    for (let bucket = 0; bucket <= end; bucket += 1) sum += this.#buckets?.[bucket] ?? 0;
    return sum;
  }

  /** Calls in the histogram. */
  get recordedCalls(): number {
    return this.callsUpTo(Number.MAX_SAFE_INTEGER);
  }

  /** The duration, in us, that `percentile` (0 to 100) of the calls did not exceed. */
  percentileUsec(percentile: number): number {
    const wanted = Math.max(1, Math.ceil((this.recordedCalls * percentile) / 100));
    let sum = 0;
    for (let bucket = 0; bucket < BUCKETS_MAX; bucket += 1) {
      sum += this.#buckets?.[bucket] ?? 0;
      if (sum >= wanted) return bucketEnd(bucket);
    }
    return 0;
  }

  reset(): void {
    this.calls = 0;
    this.usec = 0;
    this.rejectedCalls = 0;
    this.failedCalls = 0;
    this.#buckets = undefined;
  }
}

/** Index of the bucket that holds `usec`; below 16 us each microsecond has its own. */
function bucketOf(usec: number): number {
  const whole = Math.min(Math.max(0, Math.floor(usec)), 0xffffffff);
  if (whole < STEPS) return whole;
  const power = 31 - Math.clz32(whole);
  return (power - 3) * STEPS + ((whole >>> (power - 4)) & (STEPS - 1));
}

/** The largest duration that falls into a bucket, us. */
function bucketEnd(bucket: number): number {
  if (bucket < STEPS) return bucket;
  const power = Math.floor(bucket / STEPS) + 3;
  return (STEPS + (bucket % STEPS) + 1) * 2 ** (power - 4) - 1;
}

/**
 * Durations of the fast commands of one turn. A look at the clock costs as much as a tenth of a
 * GET, so fast commands share the time of their turn evenly; slow ones are timed on their own.
 */
export class TurnTimes {
  readonly #touched: CommandStats[] = [];
  #calls = 0;
  /** Time of this turn that was spent in commands timed on their own, us. */
  timedUsec = 0;

  count(stats: CommandStats): void {
    stats.calls += 1;
    this.#calls += 1;
    if (stats.untimedCalls === 0) this.#touched.push(stats);
    stats.untimedCalls += 1;
  }

  /** The turn took `usec` in all. */
  settle(usec: number): void {
    if (this.#calls === 0) {
      this.timedUsec = 0;
      return;
    }
    const each = Math.max(0, usec - this.timedUsec) / this.#calls;
    for (const stats of this.#touched) {
      stats.record(each, stats.untimedCalls);
      stats.untimedCalls = 0;
    }
    this.#touched.length = 0;
    this.#calls = 0;
    this.timedUsec = 0;
  }
}
