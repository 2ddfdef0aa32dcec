/**
 * The scheduler of the simulation: one queue of events ordered by (virtual time, order of
 * scheduling), run one by one. Virtual time jumps from event to event.
 *
 * After each event every promise that it settled runs its course before the next event starts, so
 * code written with `await` is as deterministic as code written with callbacks.
 *
 * An event may belong to an `Owner`, a process of the simulation. Events of a dead owner are
 * dropped; those of a paused one are kept aside until it goes on.
 */

export class Owner {
  isAlive = true;
  isPaused = false;
  /** Due events, in order, while paused. */
  readonly held: SimEvent[] = [];
}

export interface SimEvent {
  atMs: number;
  order: number;
  readonly owner: Owner | undefined;
  /** Undefined once run or cancelled. */
  run: (() => void) | undefined;
}

export class Scheduler {
  nowMs = 0;
  eventCount = 0;
  readonly #queue = new EventHeap();
  #order = 0;

  /** Runs `run` at `atMs`, or next if that has passed. */
  at(atMs: number, run: () => void, owner?: Owner): SimEvent {
    const event: SimEvent = {
      atMs: Math.max(atMs, this.nowMs),
      order: this.#order++,
      owner,
      run,
    };
    this.#queue.push(event);
    return event;
  }

  after(delayMs: number, run: () => void, owner?: Owner): SimEvent {
    return this.at(this.nowMs + Math.max(0, delayMs), run, owner);
  }

  /** The time of the next event, Infinity if there is none. */
  get nextMs(): number {
    return this.#queue.first?.atMs ?? Infinity;
  }

  /** Runs the next event and everything that follows from it at once. False: nothing left. */
  async step(): Promise<boolean> {
    const eventCount = this.eventCount;
    const isStep = this.stepAlone();
    if (eventCount !== this.eventCount) await settle();
    return isStep;
  }

  /** As `step`, for events that make no promises: many times faster. */
  stepAlone(): boolean {
    const event = this.#queue.pop();
    if (event === undefined) return false;
    this.nowMs = event.atMs;
    if (event.run === undefined || event.owner?.isAlive === false) return true;
    if (event.owner?.isPaused === true) {
      event.owner.held.push(event);
      return true;
    }
    const { run } = event;
    event.run = undefined;
    this.eventCount += 1;
    run();
    return true;
  }

  /** Puts back what was held while `owner` was paused. */
  release(owner: Owner): void {
    for (const event of owner.held.splice(0)) {
      event.atMs = this.nowMs;
      event.order = this.#order++;
      this.#queue.push(event);
    }
  }
}

/** Resolves once no promise job is left to run. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

class EventHeap {
  readonly #events: SimEvent[] = [];

  get first(): SimEvent | undefined {
    return this.#events[0];
  }

  push(event: SimEvent): void {
    const events = this.#events;
    let at = events.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (isBefore(events[parent]!, event)) break;
      events[at] = events[parent]!;
      at = parent;
    }
    events[at] = event;
  }

  pop(): SimEvent | undefined {
    const events = this.#events;
    const first = events[0];
    const last = events.pop();
    if (first === undefined || last === undefined || first === last) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= events.length) break;
      if (child + 1 < events.length && isBefore(events[child + 1]!, events[child]!)) child += 1;
      if (isBefore(last, events[child]!)) break;
      events[at] = events[child]!;
      at = child;
    }
    events[at] = last;
    return first;
  }
}

function isBefore(a: SimEvent, b: SimEvent): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
