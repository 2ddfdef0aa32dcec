/**
 * A world that moves only when told: time stands still until `advance`, timers fire in order, and
 * connections are pairs of functions. For tests of one node in one process, without sockets.
 */
import type {
  Address,
  Disk,
  Link,
  LinkHandler,
  Listener,
  Timer,
  World,
} from '../../world/world.js';
import { seededRandom } from './random.js';

interface Pending {
  atMs: number;
  readonly order: number;
  readonly everyMs: number;
  readonly run: () => void;
}

export class ManualWorld implements World {
  nowMs = Date.UTC(2026, 0, 1);
  /** Time that passes with each look at the monotonic clock, ms, so that every slice is short. */
  lookMs = 0;
  #lookedMs = 0;
  readonly #startMs = this.nowMs;
  readonly #seeded = seededRandom(1);
  #pending: Pending[] = [];
  #order = 0;
  #accept: ((link: Link) => LinkHandler) | undefined;

  readonly clock = {
    wallMs: () => this.nowMs,
    monotonicMs: () => {
      this.#lookedMs += this.lookMs;
      return this.nowMs - this.#startMs + this.#lookedMs;
    },
  };

  readonly timers = {
    after: (delayMs: number, run: () => void) => this.#plan(delayMs, 0, run),
    every: (everyMs: number, run: () => void) => this.#plan(everyMs, everyMs, run),
    soon: (run: () => void) => this.#plan(0, 0, run),
  };

  readonly random = {
    float: () => this.#seeded.float(),
    below: (bound: number) => Math.floor(this.#seeded.float() * bound),
    bytes: (target: Uint8Array) => {
      target.set(this.#seeded.bytes(target.length));
    },
  };

  readonly network = {
    listen: async (address: Address, accept: (link: Link) => LinkHandler): Promise<Listener> => {
      this.#accept = accept;
      return { address, close: async () => {} };
    },
    connect: async (): Promise<Link> => {
      throw new Error('nobody to connect to');
    },
  };

  /** Most nodes of tests have none. */
  keptDisk: Disk | undefined;

  get disk(): Disk {
    if (this.keptDisk === undefined) throw new Error('no disk here');
    return this.keptDisk;
  }

  readonly memory = {
    prefault: (bytes: Uint8Array, at: number) => {
      bytes[at] = 0;
    },
  };

  /** Runs everything that is due now. */
  settle(): void {
    this.advance(0);
  }

  /** Runs what is due now and was planned before: one turn of the event loop. */
  turn(): void {
    const due = this.#pending.filter((pending) => pending.atMs <= this.nowMs);
    for (const next of due.sort((a, b) => a.order - b.order)) {
      if (!this.#pending.includes(next)) continue;
      this.#pending = this.#pending.filter((pending) => pending !== next);
      if (next.everyMs > 0) this.#pending.push({ ...next, atMs: next.atMs + next.everyMs });
      next.run();
    }
  }

  /** Moves time on, running timers on the way. */
  advance(ms: number): void {
    const endMs = this.nowMs + ms;
    for (let runs = 0; runs < 1_000_000; runs += 1) {
      const next = this.#pending
        .filter((pending) => pending.atMs <= endMs)
        .sort((a, b) => a.atMs - b.atMs || a.order - b.order)[0];
      if (next === undefined) break;
      this.nowMs = Math.max(this.nowMs, next.atMs);
      this.#pending = this.#pending.filter((pending) => pending !== next);
      if (next.everyMs > 0) this.#pending.push({ ...next, atMs: next.atMs + next.everyMs });
      next.run();
    }
    this.nowMs = endMs;
  }

  /** A client: what the node writes goes to `received`. */
  connect(received: (bytes: Buffer) => void, remoteHost = '127.0.0.1'): ManualLink {
    if (this.#accept === undefined) throw new Error('nobody listens');
    const link = new ManualLink(received, remoteHost);
    link.handler = this.#accept(link);
    return link;
  }

  #plan(delayMs: number, everyMs: number, run: () => void): Timer {
    const pending: Pending = { atMs: this.nowMs + delayMs, order: this.#order, everyMs, run };
    this.#order += 1;
    this.#pending.push(pending);
    return {
      cancel: () => {
        this.#pending = this.#pending.filter((other) => other.run !== run);
      },
    };
  }
}

export class ManualLink implements Link {
  readonly remote: string;
  readonly local = '127.0.0.1:6379';
  readonly remoteHost: string;
  readonly isUnix = false;
  queuedBytes = 0;
  handler: LinkHandler | undefined;
  closed = false;
  /** While true the system takes nothing: writes wait, as if the client did not read. */
  stuck = false;
  isPaused = false;
  readonly #received: (bytes: Buffer) => void;
  #waiting: Buffer[] = [];

  constructor(received: (bytes: Buffer) => void, remoteHost: string) {
    this.#received = received;
    this.remoteHost = remoteHost;
    this.remote = `${remoteHost}:50000`;
  }

  /** The client sends bytes. */
  send(bytes: Buffer): void {
    const copy = Buffer.from(bytes);
    if (!this.closed) this.handler?.data(copy, copy.length);
  }

  /** The client reads again. */
  unstick(): void {
    this.stuck = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.queuedBytes = 0;
    for (const bytes of waiting) this.#received(bytes);
    this.handler?.drained();
  }

  write(buf: Buffer, from: number, to: number): boolean {
    const bytes = Buffer.from(buf.subarray(from, to));
    if (!this.stuck) {
      this.#received(bytes);
      return true;
    }
    this.#waiting.push(bytes);
    this.queuedBytes += bytes.length;
    return false;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  end(): void {
    this.destroy();
  }

  destroy(): void {
    if (this.closed) return;
    this.closed = true;
    this.handler?.closed();
  }

  setKeepAlive(): void {}
}
