/**
 * What the simulated network does to segments, per ordered pair of machines: from A to B and from
 * B to A are two paths, so a partition may be one-way.
 */

import type { Machine } from './machine.js';
import type { SimRandom } from './random.js';

export interface PathConditions {
  /** One-way delay, uniform between the two, milliseconds. */
  readonly delayMinMs: number;
  readonly delayMaxMs: number;
  /** Chance that a segment takes `spikeMs` longer. */
  readonly spikeChance: number;
  readonly spikeMs: number;
  /** Chance that a segment is lost and has to be sent again. */
  readonly lossChance: number;
  /** Chance that a segment arrives twice. */
  readonly duplicateChance: number;
  /** Nothing gets through. */
  readonly isBlocked: boolean;
  /** New connections are refused (as by a firewall that answers); open ones go on. */
  readonly isRefusing: boolean;
}

export const CALM_PATH: PathConditions = {
  delayMinMs: 0.1,
  delayMaxMs: 1,
  spikeChance: 0,
  spikeMs: 100,
  lossChance: 0,
  duplicateChance: 0,
  isBlocked: false,
  isRefusing: false,
};

/** Within one machine. */
const LOOPBACK_PATH: PathConditions = { ...CALM_PATH, delayMinMs: 0.01, delayMaxMs: 0.05 };

export class Conditions {
  #everywhere: PathConditions;
  readonly #paths = new Map<string, PathConditions>();

  constructor(everywhere: Partial<PathConditions> = {}) {
    this.#everywhere = { ...CALM_PATH, ...everywhere };
  }

  of(from: Machine, to: Machine): PathConditions {
    if (from === to) return LOOPBACK_PATH;
    return this.#paths.get(keyOf(from, to)) ?? this.#everywhere;
  }

  setEverywhere(change: Partial<PathConditions>): void {
    this.#everywhere = { ...this.#everywhere, ...change };
    for (const [key, path] of this.#paths) this.#paths.set(key, { ...path, ...change });
  }

  /** One way only. */
  setPath(from: Machine, to: Machine, change: Partial<PathConditions>): void {
    const path = this.#paths.get(keyOf(from, to)) ?? this.#everywhere;
    this.#paths.set(keyOf(from, to), { ...path, ...change });
  }

  delayMs(from: Machine, to: Machine, random: SimRandom): number {
    const path = this.of(from, to);
    const spikeMs = random.chance(path.spikeChance) ? path.spikeMs : 0;
    return random.between(path.delayMinMs, path.delayMaxMs) + spikeMs;
  }
}

function keyOf(from: Machine, to: Machine): string {
  return `${from.name}\n${to.name}`;
}
