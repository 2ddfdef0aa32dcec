/**
 * Rates of now: commands and bytes per second, each the mean of the last sixteen samples, as Redis
 * takes them ten times a second (`trackInstantaneousMetric`).
 */
const SAMPLES = 16;

class Rate {
  readonly #samples = new Float64Array(SAMPLES);
  #index = 0;
  #last = 0;

  sample(total: number, elapsedMs: number): void {
    // CONFIG RESETSTAT puts totals back to zero.
    const grown = Math.max(0, total - this.#last);
    this.#last = total;
    if (elapsedMs <= 0) return;
    this.#samples[this.#index] = (grown * 1000) / elapsedMs;
    this.#index = (this.#index + 1) % SAMPLES;
  }

  get perSecond(): number {
    let sum = 0;
    for (const sample of this.#samples) sum += sample;
    return sum / SAMPLES;
  }
}

export class OpsSampler {
  readonly #commands = new Rate();
  readonly #bytesIn = new Rate();
  readonly #bytesOut = new Rate();
  #lastMs = -1;

  /** Takes a sample of totals since the start. */
  sample(monotonicMs: number, commands: number, bytesIn: number, bytesOut: number): void {
    const elapsedMs = this.#lastMs < 0 ? 0 : monotonicMs - this.#lastMs;
    this.#lastMs = monotonicMs;
    this.#commands.sample(commands, elapsedMs);
    this.#bytesIn.sample(bytesIn, elapsedMs);
    this.#bytesOut.sample(bytesOut, elapsedMs);
  }

  get commandsPerSecond(): number {
    return Math.floor(this.#commands.perSecond);
  }

  /** KiB per second. */
  get inputKbps(): number {
    return this.#bytesIn.perSecond / 1024;
  }

  /** KiB per second. */
  get outputKbps(): number {
    return this.#bytesOut.perSecond / 1024;
  }
}
