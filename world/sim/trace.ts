/**
 * The trace of a run: a running hash (FNV-1a, two lanes of 32 bits) of everything that happened
 * and when. Two runs with one seed must end with one hash; if they do not, something outside the
 * world had a say.
 */

import { type Scheduler } from './scheduler.js';

const PRIME = 0x0100_0193;

export class Trace {
  readonly #scheduler: Scheduler;
  readonly #listener: ((line: string) => void) | undefined;
  #low = 0x811c_9dc5;
  #high = 0x9747_b28c;

  constructor(scheduler: Scheduler, listener?: (line: string) => void) {
    this.#scheduler = scheduler;
    this.#listener = listener;
  }

  add(text: string): void {
    const line = `${this.#scheduler.nowMs.toFixed(3)} ${text}`;
    for (let at = 0; at < line.length; at++) this.#mix(line.charCodeAt(at));
    this.#mix(10);
    this.#listener?.(line);
  }

  addBytes(bytes: Uint8Array): void {
    for (const byte of bytes) this.#mix(byte);
  }

  /** 16 hex digits. */
  hash(): string {
    const digits = (lane: number): string => (lane >>> 0).toString(16).padStart(8, '0');
    return digits(this.#high) + digits(this.#low);
  }

  #mix(value: number): void {
    this.#low = Math.imul(this.#low ^ value, PRIME);
    this.#high = Math.imul(this.#high ^ (value + 0x9e) ^ (this.#low >>> 15), PRIME);
  }
}
