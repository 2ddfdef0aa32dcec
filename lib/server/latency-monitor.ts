/**
 * LATENCY: for each kind of event the last samples that were slower than
 * `latency-monitor-threshold`, at most one a second (the worst of it), as Redis keeps them.
 */
const SAMPLES_MAX = 160;

export interface LatencySample {
  readonly atSeconds: number;
  latencyMs: number;
}

export class LatencyEvent {
  /** The oldest first. */
  readonly samples: LatencySample[] = [];
  /** The worst since the start or LATENCY RESET, whole ms. */
  maxMs = 0;

  get latest(): LatencySample {
    return this.samples[this.samples.length - 1]!;
  }

  add(latencyMs: number, atSeconds: number): void {
    this.maxMs = Math.max(this.maxMs, latencyMs);
    const latest = this.samples[this.samples.length - 1];
    if (latest !== undefined && latest.atSeconds === atSeconds) {
      latest.latencyMs = Math.max(latest.latencyMs, latencyMs);
      return;
    }
    this.samples.push({ atSeconds, latencyMs });
    if (this.samples.length > SAMPLES_MAX) this.samples.shift();
  }
}

export class LatencyMonitor {
  /** By name; an event in here has at least one sample. */
  readonly events = new Map<string, LatencyEvent>();

  add(name: string, latencyMs: number, nowMs: number): void {
    let event = this.events.get(name);
    if (event === undefined) {
      event = new LatencyEvent();
      this.events.set(name, event);
    }
    event.add(Math.floor(latencyMs), Math.floor(nowMs / 1000));
  }

  /** Forgets one event, or all without a name; returns how many there were. */
  reset(name?: string): number {
    if (name !== undefined) return this.events.delete(name) ? 1 : 0;
    const events = this.events.size;
    this.events.clear();
    return events;
  }
}
