/**
 * RealWorld: the world as Node gives it. The only place, together with its neighbours in this
 * folder, that touches Date, timers, sockets, files and the system's randomness.
 *
 * Invariant: a `RealWorld` holds no state of its own besides what its parts share (one read
 * buffer for all links), so that several in one process do not know of each other.
 */

import { randomFillSync } from 'node:crypto';
// The global one is a getter: slower.
import { performance } from 'node:perf_hooks';

import type { Clock, Disk, Memory, Network, Random, Timers, World } from '../world.js';
import { RealDisk } from './disk.js';
import { RealMemory } from './memory.js';
import { RealNetwork } from './network.js';
import { RealTimers } from './timers.js';

export class RealClock implements Clock {
  wallMs(): number {
    return Date.now();
  }

  monotonicMs(): number {
    return performance.now();
  }
}

export class RealRandom implements Random {
  readonly #words = new Uint32Array(2);

  float(): number {
    return Math.random();
  }

  /** `Math.random` has 52 bits; a bound beyond 32 takes its 53 bits from the system. */
  below(bound: number): number {
    if (bound <= 0x1_0000_0000) return Math.floor(Math.random() * bound);
    randomFillSync(this.#words);
    const high = this.#words[0]! >>> 11;
    const bits53 = high * 0x1_0000_0000 + this.#words[1]!;
    return bits53 % bound;
  }

  bytes(target: Uint8Array): void {
    randomFillSync(target);
  }
}

export class RealWorld implements World {
  readonly clock: Clock = new RealClock();
  readonly timers: Timers = new RealTimers();
  readonly random: Random = new RealRandom();
  readonly network: Network = new RealNetwork();
  readonly disk: Disk = new RealDisk();
  readonly memory: Memory = new RealMemory();
}
