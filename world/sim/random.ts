/** Seeded random numbers (sfc32 by Chris Doty-Humphrey): small, fast, the same everywhere. */

import type { Random } from '../world.js';

export class SimRandom implements Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** The same seed and label give the same numbers; another label gives independent ones. */
  constructor(seed: number, label = '') {
    let hash = 0x811c_9dc5;
    for (let at = 0; at < label.length; at++) {
      hash = Math.imul(hash ^ label.charCodeAt(at), 0x0100_0193);
    }
    this.#a = seed >>> 0;
    this.#b = hash >>> 0;
    this.#c = Math.floor(seed / 0x1_0000_0000) >>> 0;
    for (let round = 0; round < 12; round++) this.word();
  }

  /** A uniform integer in [0, 2^32). */
  word(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    this.#c |= 0;
    return sum >>> 0;
  }

  float(): number {
    const high = this.word() >>> 5;
    const low = this.word() >>> 6;
    return (high * 0x400_0000 + low) / 2 ** 53;
  }

  below(bound: number): number {
    return Math.floor(this.float() * bound);
  }

  between(low: number, high: number): number {
    return low + this.float() * (high - low);
  }

  chance(probability: number): boolean {
    return probability > 0 && this.float() < probability;
  }

  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new Error('pick: the list is empty');
    return list[this.below(list.length)] as T;
  }

  bytes(target: Uint8Array): void {
    for (let at = 0; at < target.length; at++) target[at] = this.word();
  }
}
