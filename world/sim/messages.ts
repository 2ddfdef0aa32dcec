/**
 * SimMessages: a network of state machines that exchange whole messages, in virtual time, driven by
 * a seed. For pure machines (membership, views, clocks), which need neither sockets nor promises:
 * it runs hundreds of thousands of messages a second, so that thousands of seeds can be tried.
 *
 *   const net = new SimMessages<string>({ seed: 7 });
 *   const a = net.place('a', (from, message) => ...);
 *   a.send('b', 'hello');  a.after(1000, () => ...);
 *   net.setConditions({ lossChance: 0.3 });  net.block('a', 'b');  net.pause('b');
 *   net.runFor(60_000);
 *
 * Messages are late, lost, doubled and overtake each other as the conditions of their path say,
 * which is one for each direction. A place that is paused gets its messages and timers when it goes
 * on, all at once, as a process does after SIGSTOP. A place that is crashed loses its messages and
 * timers; `place` starts it anew. Timers and clocks drift and jump with the place's clock.
 *
 * Invariant: what happens depends on the seed and on the calls made between runs, on nothing else.
 */
import { SimClock } from './clock.js';
import { Conditions, type PathConditions } from './conditions.js';
import { Machine } from './machine.js';
import { SimRandom } from './random.js';
import { Owner, Scheduler } from './scheduler.js';
import { Trace } from './trace.js';

export interface SimMessagesOptions<M> {
  readonly seed: number;
  readonly conditions?: Partial<PathConditions>;
  /** What the trace says of a message; default: only that there was one. */
  readonly describe?: (message: M) => string;
  readonly onTrace?: (line: string) => void;
}

const WALL_START_MS = Date.UTC(2025, 0, 1);
const MONOTONIC_START_MAX_MS = 1_000_000;

export class SimMessages<M> {
  /** For what the test decides at random. */
  readonly random: SimRandom;
  readonly #options: SimMessagesOptions<M>;
  readonly #scheduler = new Scheduler();
  readonly #trace: Trace;
  readonly #random: SimRandom;
  readonly #conditions: Conditions;
  readonly #places = new Map<string, SimPlace<M>>();
  messageCount = 0;

  constructor(options: SimMessagesOptions<M>) {
    this.#options = options;
    this.random = new SimRandom(options.seed, 'chaos');
    this.#random = new SimRandom(options.seed, 'messages');
    this.#trace = new Trace(this.#scheduler, options.onTrace);
    this.#conditions = new Conditions(options.conditions);
  }

  get nowMs(): number {
    return this.#scheduler.nowMs;
  }

  get eventCount(): number {
    return this.#scheduler.eventCount;
  }

  /** Starts a process at this place, which is made if it is new; one that runs there dies. */
  place(name: string, receive: (from: string, message: M) => void): SimPlace<M> {
    let place = this.#places.get(name);
    if (place === undefined) {
      const startMs = this.#random.between(0, MONOTONIC_START_MAX_MS);
      const clock = new SimClock(this.#scheduler, WALL_START_MS + this.nowMs, startMs);
      place = new SimPlace(this, new Machine(name, this.#places.size), clock);
      this.#places.set(name, place);
    } else {
      this.crash(name);
    }
    place.machine.process = new Owner();
    place.receive = receive;
    this.#trace.add(`start ${name}`);
    return place;
  }

  crash(name: string): void {
    this.#trace.add(`crash ${name}`);
    this.#at(name).machine.process.isAlive = false;
  }

  pause(name: string): void {
    this.#trace.add(`pause ${name}`);
    this.#at(name).machine.process.isPaused = true;
  }

  resume(name: string): void {
    this.#trace.add(`resume ${name}`);
    const { process } = this.#at(name).machine;
    process.isPaused = false;
    this.#scheduler.release(process);
  }

  /** One way: nothing gets from one to the other. */
  block(from: string, to: string, isBlocked = true): void {
    this.#trace.add(`block ${from} ${to} ${isBlocked}`);
    this.#conditions.setPath(this.#at(from).machine, this.#at(to).machine, { isBlocked });
  }

  /** Between the groups, both ways. */
  partition(group: readonly string[], others: readonly string[]): void {
    for (const one of group) {
      for (const other of others) {
        this.block(one, other);
        this.block(other, one);
      }
    }
  }

  /** Ends every partition. */
  heal(): void {
    this.setConditions({ isBlocked: false });
  }

  setConditions(change: Partial<PathConditions>): void {
    this.#trace.add(`conditions ${JSON.stringify(change)}`);
    this.#conditions.setEverywhere(change);
  }

  // --- running ---------------------------------------------------------------------------------

  /** Runs what happens within `ms`; `afterEach` is called after every event. */
  runFor(ms: number, afterEach?: () => void): void {
    this.runUntil(() => false, ms, afterEach);
  }

  /** Runs until `isReached`; false if that takes longer than `limitMs`. */
  runUntil(isReached: () => boolean, limitMs: number, afterEach?: () => void): boolean {
    const scheduler = this.#scheduler;
    const endMs = scheduler.nowMs + limitMs;
    // An event of our own at the end: time passes even if nothing else happens.
    scheduler.at(endMs, () => undefined);
    while (!isReached()) {
      if (scheduler.nextMs > endMs) return false;
      scheduler.stepAlone();
      afterEach?.();
    }
    return true;
  }

  /** At a moment of true time, whatever becomes of the places. */
  after(delayMs: number, run: () => void): void {
    this.#scheduler.after(delayMs, run);
  }

  trace(text: string): void {
    this.#trace.add(text);
  }

  /** Equal for two runs of the same code with the same seed. */
  traceHash(): string {
    return this.#trace.hash();
  }

  // --- for places ------------------------------------------------------------------------------

  send(from: SimPlace<M>, toName: string, message: M): void {
    const to = this.#places.get(toName);
    if (to === undefined) return;
    this.messageCount += 1;
    this.#trace.add(`${from.name} > ${toName} ${this.#options.describe?.(message) ?? ''}`);
    const { lossChance, duplicateChance } = this.#conditions.of(from.machine, to.machine);
    if (this.#random.chance(lossChance)) return;
    this.#travel(from, to, message);
    if (this.#random.chance(duplicateChance)) this.#travel(from, to, message);
  }

  schedule(place: SimPlace<M>, delayMs: number, run: () => void): void {
    const delay = Math.max(0, delayMs) / place.clock.rate;
    this.#scheduler.after(delay, run, place.machine.process);
  }

  #travel(from: SimPlace<M>, to: SimPlace<M>, message: M): void {
    const conditions = this.#conditions;
    const delayMs = conditions.delayMs(from.machine, to.machine, this.#random);
    this.#scheduler.after(delayMs, () => {
      if (conditions.of(from.machine, to.machine).isBlocked) return;
      const deliver = (): void => to.receive(from.name, message);
      this.#scheduler.after(0, deliver, to.machine.process);
    });
  }

  #at(name: string): SimPlace<M> {
    const place = this.#places.get(name);
    if (place === undefined) throw new Error(`nobody is called ${name}`);
    return place;
  }
}

/** Where one process runs: its clock, its timers, its way to the others. */
export class SimPlace<M> {
  readonly machine: Machine;
  readonly clock: SimClock;
  receive: (from: string, message: M) => void = () => {};
  readonly #net: SimMessages<M>;

  constructor(net: SimMessages<M>, machine: Machine, clock: SimClock) {
    this.#net = net;
    this.machine = machine;
    this.clock = clock;
  }

  get name(): string {
    return this.machine.name;
  }

  get isRunning(): boolean {
    return this.machine.process.isAlive;
  }

  get isPaused(): boolean {
    return this.machine.process.isPaused;
  }

  send(to: string, message: M): void {
    this.#net.send(this, to, message);
  }

  /** By this place's clock. */
  after(delayMs: number, run: () => void): void {
    this.#net.schedule(this, delayMs, run);
  }
}
