/**
 * SimWorld: several hosts in one process, under virtual time, driven by a seed.
 *
 *   const sim = new SimWorld({ seed: 7 });
 *   const a = sim.host('a');                  // a World: clock, timers, random, network, disk
 *   const b = sim.host('b');
 *   startNode(a); startNode(b);
 *   await sim.runFor(10_000);                 // virtual milliseconds
 *   sim.block(a, b);  a.clockControl.jumpWall(-5000);  b.crash('power');
 *   await sim.runUntil(() => seen.length === 3, 60_000);
 *
 * Invariant: what happens depends on the seed and on the calls made between runs, on nothing
 * else; `traceHash()` tells. Code under simulation must therefore keep to its World.
 *
 * How streams, disks and clocks behave is told in stream.ts, file-image.ts and clock.ts.
 */

import type { Clock, Disk, Memory, Network, Random, Timers, World } from '../world.js';
import { SimClock, SimTimers } from './clock.js';
import type { PathConditions } from './conditions.js';
import { SimDisk } from './disk.js';
import { Machine } from './machine.js';
import { SimNetwork, type SimNetworkOptions } from './network.js';
import { SimRandom } from './random.js';
import { Owner, Scheduler } from './scheduler.js';
import { Trace } from './trace.js';

export interface SimWorldOptions {
  readonly seed: number;
  /** Wall time at the start; default 2025-01-01. */
  readonly wallMs?: number;
  /** Timers fire up to this much late; default 0.5. */
  readonly timerLatenessMaxMs?: number;
  readonly network?: Partial<SimNetworkOptions>;
  /** Hears every line of the trace, for reading along. */
  readonly onTrace?: (line: string) => void;
}

const WALL_DEFAULT_MS = Date.UTC(2025, 0, 1);
const TIMER_LATENESS_DEFAULT_MS = 0.5;

/** Virtual time after which `finish` takes a promise for one that never settles. */
const FINISH_DEFAULT_MS = 3_600_000;

interface Parts {
  readonly options: SimWorldOptions;
  readonly scheduler: Scheduler;
  readonly trace: Trace;
  readonly network: SimNetwork;
}

export class SimWorld {
  readonly seed: number;
  /** For what the test itself decides at random: faults, moments, choices. */
  readonly random: SimRandom;
  readonly #parts: Parts;
  readonly #machines = new Map<string, Machine>();
  readonly #hosts = new Map<string, SimHost>();

  constructor(options: SimWorldOptions) {
    this.seed = options.seed;
    this.random = new SimRandom(options.seed, 'chaos');
    const scheduler = new Scheduler();
    const trace = new Trace(scheduler, options.onTrace);
    const random = new SimRandom(options.seed, 'network');
    const networkParts = { scheduler, trace, random, machines: this.#machines };
    const network = new SimNetwork(networkParts, options.network);
    this.#parts = { options, scheduler, trace, network };
  }

  /** The host of this name, made and started at the first call. */
  host(name: string): SimHost {
    const known = this.#hosts.get(name);
    if (known !== undefined) return known;
    const machine = new Machine(name, this.#machines.size);
    this.#machines.set(name, machine);
    const host = new SimHost(machine, this.#parts);
    this.#hosts.set(name, host);
    return host;
  }

  /** True time since the start of the simulation. */
  get nowMs(): number {
    return this.#parts.scheduler.nowMs;
  }

  get eventCount(): number {
    return this.#parts.scheduler.eventCount;
  }

  get network(): SimNetwork {
    return this.#parts.network;
  }

  // --- running ---------------------------------------------------------------------------------

  /** Runs the next event; false if there is none. */
  step(): Promise<boolean> {
    return this.#parts.scheduler.step();
  }

  /** Runs everything that happens in the next `ms` of virtual time. */
  async runFor(ms: number): Promise<void> {
    const { scheduler } = this.#parts;
    const endMs = scheduler.nowMs + ms;
    // An event of our own at the end: time passes even if nothing else happens.
    scheduler.at(endMs, () => undefined);
    while (scheduler.nextMs <= endMs) await scheduler.step();
  }

  /** Runs until `isReached`; false if that takes longer than `limitMs` of virtual time. */
  async runUntil(isReached: () => boolean, limitMs: number): Promise<boolean> {
    const { scheduler } = this.#parts;
    const endMs = scheduler.nowMs + limitMs;
    scheduler.at(endMs, () => undefined);
    while (!isReached()) {
      if (scheduler.nextMs > endMs) return false;
      await scheduler.step();
    }
    return true;
  }

  /** Runs until the promise settles, and settles likewise. */
  async finish<T>(promise: Promise<T>, limitMs = FINISH_DEFAULT_MS): Promise<T> {
    let isSettled = false;
    const mark = (): void => {
      isSettled = true;
    };
    promise.then(mark, mark);
    // A promise that has settled already says so only a turn later.
    await new Promise((resolve) => setImmediate(resolve));
    if (!(await this.runUntil(() => isSettled, limitMs))) {
      throw new Error(`seed ${this.seed}: a promise did not settle within ${limitMs} ms`);
    }
    return await promise;
  }

  /** Calls `callback` at a moment of true time, whatever becomes of the hosts. */
  after(delayMs: number, callback: () => void): void {
    this.#parts.scheduler.after(delayMs, callback);
  }

  trace(text: string): void {
    this.#parts.trace.add(text);
  }

  /** Equal for two runs of the same code with the same seed. */
  traceHash(): string {
    return this.#parts.trace.hash();
  }

  // --- the network -----------------------------------------------------------------------------

  /** One way: nothing gets from `from` to `to`. */
  block(from: SimHost, to: SimHost): void {
    this.#parts.network.block(from.machine, to.machine);
  }

  unblock(from: SimHost, to: SimHost): void {
    this.#parts.network.unblock(from.machine, to.machine);
  }

  /** Between the groups, both ways. */
  partition(group: readonly SimHost[], others: readonly SimHost[]): void {
    const machinesOf = (hosts: readonly SimHost[]): Machine[] => hosts.map((host) => host.machine);
    this.#parts.network.partition(machinesOf(group), machinesOf(others));
  }

  /** Ends every partition and refusal. */
  heal(): void {
    this.#parts.network.heal();
  }

  /** Changes what paths do: all, or the one from one host to another. */
  setConditions(change: Partial<PathConditions>, from?: SimHost, to?: SimHost): void {
    this.#parts.network.setConditions(change, from?.machine, to?.machine);
  }

  /** Resets every open connection between the two. */
  cut(one: SimHost, other: SimHost): void {
    this.#parts.network.cut(one.machine, other.machine);
  }
}

/**
 * A host: as a World, what its running process sees. After a crash the World parts of the dead
 * process stay dead (no timer fires, no call settles); `restart` makes new ones.
 */
export class SimHost implements World {
  readonly machine: Machine;
  readonly clockControl: SimClock;
  readonly diskControl: SimDisk;
  readonly memory: Memory = {
    prefault: (bytes, at) => {
      bytes[at] = 0;
    },
  };
  readonly #parts: Parts;
  readonly #bootRandom: SimRandom;
  #processCount = 0;
  #isSuspended = false;
  #timers!: Timers;
  #random!: Random;
  #network!: Network;
  #disk!: Disk;

  constructor(machine: Machine, parts: Parts) {
    const { options, scheduler, trace } = parts;
    this.machine = machine;
    this.#parts = parts;
    this.#bootRandom = new SimRandom(options.seed, `boot ${machine.name}`);
    const wallMs = (options.wallMs ?? WALL_DEFAULT_MS) + scheduler.nowMs;
    this.clockControl = new SimClock(scheduler, wallMs, this.#monotonicStartMs());
    const random = new SimRandom(options.seed, `disk ${machine.name}`);
    this.diskControl = new SimDisk({ scheduler, trace, random, name: machine.name });
    this.#startProcess();
  }

  get name(): string {
    return this.machine.name;
  }

  /** Its address in the simulated network; its name does as well. */
  get address(): string {
    return this.machine.ip;
  }

  get isRunning(): boolean {
    return this.machine.process.isAlive;
  }

  get clock(): Clock {
    return this.clockControl;
  }

  get timers(): Timers {
    return this.#timers;
  }

  get random(): Random {
    return this.#random;
  }

  get network(): Network {
    return this.#network;
  }

  get disk(): Disk {
    return this.#disk;
  }

  /**
   * 'process': as with kill -9; the kernel lives on and closes the connections, written data
   * stays. 'power': the machine is gone; peers hear nothing, what was not synced is lost or torn.
   */
  crash(kind: 'process' | 'power'): void {
    const { machine } = this;
    this.#parts.trace.add(`${machine.name} crash ${kind}`);
    const hadProcess = machine.process.isAlive;
    machine.process.isAlive = false;
    if (kind === 'process') {
      if (!hadProcess) return;
      this.#parts.network.processCrashed(machine);
      this.diskControl.crashed(false);
    } else if (machine.isUp || this.#isSuspended) {
      machine.isUp = false;
      this.#isSuspended = false;
      machine.boot += 1;
      this.#parts.network.powerCut(machine);
      this.diskControl.crashed(true);
    }
  }

  /** Starts a new process (crashing the old one if it runs), and the machine if it is off. */
  restart(): World {
    const { machine } = this;
    if (machine.process.isAlive) this.crash('process');
    this.#parts.trace.add(`${machine.name} restart`);
    if (this.#isSuspended) this.#wake();
    if (!machine.isUp) {
      machine.isUp = true;
      this.clockControl.reboot(this.#monotonicStartMs());
    }
    this.#startProcess();
    return this;
  }

  /** As with SIGSTOP: the process stands still, clocks and kernel go on. */
  pause(): void {
    this.#parts.trace.add(`${this.machine.name} pause`);
    this.machine.process.isPaused = true;
  }

  /** As a virtual machine put aside: kernel and monotonic clock stand still too. */
  suspend(): void {
    this.pause();
    this.#isSuspended = true;
    this.machine.isUp = false;
    this.clockControl.setSuspended(true);
  }

  /** After `pause` or `suspend`: what has become due happens now. */
  resume(): void {
    this.#parts.trace.add(`${this.machine.name} resume`);
    if (this.#isSuspended) this.#wake();
    this.machine.process.isPaused = false;
    this.#parts.scheduler.release(this.machine.process);
  }

  #wake(): void {
    this.#isSuspended = false;
    this.machine.isUp = true;
    this.clockControl.setSuspended(false);
  }

  #startProcess(): void {
    const { machine, clockControl } = this;
    const { options, scheduler, network } = this.#parts;
    const owner = new Owner();
    machine.process = owner;
    this.#processCount += 1;
    const label = `${machine.name} ${this.#processCount}`;
    this.#random = new SimRandom(options.seed, `process ${label}`);
    const random = new SimRandom(options.seed, `timers ${label}`);
    const latenessMaxMs = options.timerLatenessMaxMs ?? TIMER_LATENESS_DEFAULT_MS;
    const timersParts = { scheduler, clock: clockControl, random, owner };
    this.#timers = new SimTimers(timersParts, { latenessMaxMs });
    this.#network = network.facade(machine, owner);
    this.#disk = this.diskControl.facade(owner);
  }

  #monotonicStartMs(): number {
    return this.#bootRandom.between(1000, 1_000_000);
  }
}
