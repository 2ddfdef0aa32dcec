/**
 * Pages found by a thread of libuv: a read of one byte of /dev/zero makes the system find the page
 * that it goes to, while the event loop runs.
 *
 * One thread at a time, for all that wait: threads that touch one huge page at once would each
 * clear another for it.
 */
import { openSync, readv } from 'node:fs';
import type { Memory } from '../world.js';

/** More than arenas ask for at once; what is beyond is found at its first touch. */
const WAITING_MAX = 64;

export class RealMemory implements Memory {
  /** Of /dev/zero; undefined: not needed yet, null: this system has none. */
  #zeros: number | null | undefined;
  #isReading = false;
  /** One byte of each page. */
  #waiting: Uint8Array[] = [];

  prefault(bytes: Uint8Array, at: number): void {
    if (this.#waiting.length === WAITING_MAX) return;
    this.#waiting.push(bytes.subarray(at, at + 1));
    if (!this.#isReading) this.#read();
  }

  #read(): void {
    if (this.#zeros === undefined) this.#zeros = openZeros();
    const pages = this.#waiting;
    this.#waiting = [];
    if (this.#zeros === null || pages.length === 0) return;
    this.#isReading = true;
    readv(this.#zeros, pages, () => {
      this.#isReading = false;
      this.#read();
    });
  }
}

function openZeros(): number | null {
  try {
    return openSync('/dev/zero', 'r');
  } catch {
    return null;
  }
}
