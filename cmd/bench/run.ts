/** Runs one workload over all connections: a warm-up that is not counted, then the measurement. */

import type { BenchClient } from './client.js';
import { LatencyHistogram } from './histogram.js';
import { type Workload, writeCopy } from './workloads.js';

export interface LoadOptions {
  readonly pipeline: number;
  /** Ends a test after so many requests; Infinity = by time alone. */
  readonly requestsMax: number;
  /** Ends a test after so long; Infinity = by requests alone. */
  readonly durationMsMax: number;
  readonly warmUpMs: number;
  readonly keySpace: number;
  /** A uniform integer in [0, bound). */
  readonly below: (bound: number) => number;
}

export interface LoadResult {
  readonly requests: number;
  readonly seconds: number;
  readonly latency: LatencyHistogram;
  readonly errors: number;
  readonly firstError: string | undefined;
}

/** What a run knows while it goes on, for the progress line. */
export interface LoadProgress {
  /** 0 to 1. */
  readonly fraction: number;
  readonly opsPerSecond: number;
  readonly latency: LatencyHistogram;
  readonly isWarmUp: boolean;
}

const PROGRESS_MS = 200;

/** One test; the histogram counts from the end of the warm-up on. */
export class LoadRun {
  readonly #clients: readonly BenchClient[];
  readonly #workload: Workload;
  readonly #options: LoadOptions;
  readonly #latency = new LatencyHistogram();
  #issuedCount = 0;
  #isWarmUp = true;
  #startedAt = 0;
  #endsAt = 0;
  #errorCount = 0;
  #firstError: string | undefined;

  constructor(clients: readonly BenchClient[], workload: Workload, options: LoadOptions) {
    this.#clients = clients;
    this.#workload = workload;
    this.#options = options;
  }

  async run(progress: (state: LoadProgress) => void): Promise<LoadResult> {
    const ticker = setInterval(() => progress(this.#progress()), PROGRESS_MS);
    try {
      if (this.#options.warmUpMs > 0) await this.#phase(Infinity, this.#options.warmUpMs);
      this.#isWarmUp = false;
      this.#errorCount = 0;
      this.#latency.clear();
      await this.#phase(this.#options.requestsMax, this.#options.durationMsMax);
      const seconds = (performance.now() - this.#startedAt) / 1000;
      return {
        requests: this.#latency.count,
        seconds,
        latency: this.#latency,
        errors: this.#errorCount,
        firstError: this.#firstError,
      };
    } finally {
      clearInterval(ticker);
    }
  }

  #phase(requestsMax: number, durationMsMax: number): Promise<void> {
    this.#issuedCount = 0;
    this.#startedAt = performance.now();
    this.#endsAt = this.#startedAt + durationMsMax;
    return new Promise((resolve, reject) => {
      let busyCount = this.#clients.length;
      const idle = (): void => {
        busyCount -= 1;
        if (busyCount === 0) resolve();
      };
      for (const client of this.#clients) {
        client.start({
          nextCommands: (roomCount) => this.#nextCommands(roomCount, requestsMax),
          answered: (usec, error) => this.#answered(usec, error),
          idle,
          lost: reject,
        });
      }
    });
  }

  #nextCommands(roomCount: number, requestsMax: number) {
    if (performance.now() >= this.#endsAt) return undefined;
    const count = Math.min(roomCount, requestsMax - this.#issuedCount);
    if (count <= 0) return undefined;
    this.#issuedCount += count;
    const { below, keySpace } = this.#options;
    const bytes = Buffer.allocUnsafe(this.#workload.bytes.length * count);
    let at = 0;
    for (let index = 0; index < count; index++) {
      at = writeCopy(this.#workload, bytes, at, below, keySpace);
    }
    return { bytes, count };
  }

  #answered(usec: number, error: Error | undefined): void {
    this.#latency.record(usec);
    if (error === undefined) return;
    this.#errorCount += 1;
    this.#firstError ??= error.message;
  }

  #progress(): LoadProgress {
    const elapsedMs = performance.now() - this.#startedAt;
    const { requestsMax, durationMsMax, warmUpMs } = this.#options;
    const byTime = elapsedMs / (this.#isWarmUp ? warmUpMs : durationMsMax);
    const byCount = this.#isWarmUp ? 0 : this.#latency.count / requestsMax;
    return {
      fraction: Math.min(1, Math.max(byTime, byCount)),
      opsPerSecond: (this.#latency.count / elapsedMs) * 1000,
      latency: this.#latency,
      isWarmUp: this.#isWarmUp,
    };
  }
}
