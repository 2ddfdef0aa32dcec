/**
 * Node's timers, with what they lack: they never fire early (libuv counts whole milliseconds and
 * may be up to one too soon, which a lease must not be), and a delay beyond 2^31 ms waits instead
 * of firing at once.
 */

import type { Timer, Timers } from '../world.js';

/** The longest delay that `setTimeout` takes; longer ones are waited for in steps. */
const NODE_DELAY_MAX_MS = 0x7fff_ffff;

export class RealTimers implements Timers {
  after(delayMs: number, callback: () => void, background = false): Timer {
    return new OnceTimer(delayMs, callback, background);
  }

  every(periodMs: number, callback: () => void, background = false): Timer {
    const handle = setInterval(callback, Math.min(Math.max(1, periodMs), NODE_DELAY_MAX_MS));
    if (background) handle.unref();
    return { cancel: () => clearInterval(handle) };
  }

  soon(callback: () => void): Timer {
    const handle = setImmediate(callback);
    return { cancel: () => clearImmediate(handle) };
  }
}

class OnceTimer implements Timer {
  readonly #dueMs: number;
  readonly #callback: () => void;
  readonly #background: boolean;
  #handle: NodeJS.Timeout | undefined;

  constructor(delayMs: number, callback: () => void, background: boolean) {
    this.#dueMs = performance.now() + delayMs;
    this.#callback = callback;
    this.#background = background;
    this.#arm(delayMs);
  }

  cancel(): void {
    clearTimeout(this.#handle);
  }

  #arm(leftMs: number): void {
    const stepMs = Math.min(Math.max(1, Math.ceil(leftMs)), NODE_DELAY_MAX_MS);
    this.#handle = setTimeout(this.#fire, stepMs);
    if (this.#background) this.#handle.unref();
  }

  readonly #fire = (): void => {
    const leftMs = this.#dueMs - performance.now();
    if (leftMs > 0) this.#arm(leftMs);
    else this.#callback();
  };
}
