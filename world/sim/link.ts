/**
 * One end of a simulated connection, as its application sees it.
 *
 * The kernel's part lives on after the application's: what was sent before `end` or a crash of
 * the process still arrives. A connection that one side has forgotten is answered with a reset.
 *
 * Two habits of careless callers are made to show: the buffer given to `data` is overwritten
 * after the call, and a buffer that `write` has kept is copied only when it leaves.
 */

import type { Link, LinkHandler } from '../world.js';
import { networkError } from './errors.js';
import type { Machine } from './machine.js';
import type { Owner, Scheduler } from './scheduler.js';
import type { SimStream } from './stream.js';
import type { Trace } from './trace.js';

/** As `RealNetwork`'s read buffer. */
const READ_BUFFER_BYTES = 64 * 1024;
/** What the shared buffer holds outside of a call: nothing that looks like data. */
const POISON = 0xdb;

/** Unanswered keep-alive probes after which the peer counts as gone. */
const SILENT_PROBES_MAX = 3;

export type ProbeAnswer = 'alive' | 'silence' | 'unknown';

export interface LinkParts {
  readonly scheduler: Scheduler;
  readonly trace: Trace;
  readonly machine: Machine;
  readonly owner: Owner;
  /** Tells the other end, over the network, that this one does not know the connection. */
  readonly sendReset: () => void;
  /** Asks the other end's kernel for the connection, as a keep-alive segment does. */
  readonly probe: () => ProbeAnswer;
  readonly onGone: (link: SimLink) => void;
}

export interface LinkNames {
  readonly remote: string;
  readonly local: string;
  readonly remoteHost: string;
  readonly isUnix: boolean;
}

export class SimLink implements Link {
  readonly remote: string;
  readonly local: string;
  readonly remoteHost: string;
  readonly isUnix: boolean;
  /** The kernel has an open connection here. */
  isKnown = true;
  outgoing!: SimStream;
  incoming!: SimStream;

  readonly #parts: LinkParts;
  readonly #boot: number;
  #handler: LinkHandler | undefined;
  #isOver = false;
  #isPaused = false;
  #isEndTold = false;
  #isClosing = false;
  #isPumpDue = false;
  #keepAliveMs = 0;

  static readonly #readBuffer = Buffer.alloc(READ_BUFFER_BYTES, POISON);

  constructor(parts: LinkParts, names: LinkNames) {
    this.#parts = parts;
    this.#boot = parts.machine.boot;
    this.remote = names.remote;
    this.local = names.local;
    this.remoteHost = names.remoteHost;
    this.isUnix = names.isUnix;
  }

  /** The application takes the link over; what has arrived before waits for this. */
  attach(handler: LinkHandler): void {
    this.#handler = handler;
    this.schedulePump();
  }

  get queuedBytes(): number {
    return this.outgoing.queuedBytes;
  }

  write(buf: Buffer, from: number, to: number): boolean {
    if (this.#isOver || !this.isKnown) return true;
    return this.outgoing.write(buf, from, to);
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.schedulePump();
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.outgoing.finish();
    if (this.outgoing.queuedBytes === 0) this.#forget();
  }

  destroy(): void {
    if (!this.isKnown) return;
    this.#isOver = true;
    this.outgoing.dropQueue();
    this.#forget();
  }

  setKeepAlive(delayMs: number): void {
    const wasOff = this.#keepAliveMs === 0;
    this.#keepAliveMs = delayMs;
    if (wasOff && delayMs > 0) this.#probeLater(0);
  }

  /** The kernel's doing: it goes on while the process is paused. */
  #probeLater(silentProbeCount: number): void {
    this.#parts.scheduler.after(this.#keepAliveMs, () => {
      if (!this.isKnown || this.#keepAliveMs === 0) return;
      const answer = this.#parts.probe();
      const silent = answer === 'silence' ? silentProbeCount + 1 : 0;
      if (answer === 'unknown') this.fail('ECONNRESET');
      else if (silent >= SILENT_PROBES_MAX) this.fail('ETIMEDOUT');
      else this.#probeLater(silent);
    });
  }

  /** The kernel lets go of the connection after an orderly end, a `destroy` or a crash. */
  #forget(): void {
    this.isKnown = false;
    if (this.incoming.inboxBytes > 0) {
      this.outgoing.stop();
      this.#parts.sendReset();
    } else this.outgoing.finish();
    this.#close();
  }

  /** The process is gone: its kernel closes what it had open. */
  processCrashed(): void {
    if (!this.isKnown) return;
    this.outgoing.dropQueue();
    this.#forget();
  }

  powerCut(): void {
    this.isKnown = false;
    this.outgoing.stop();
    this.#parts.onGone(this);
  }

  /** The network has given the connection up, or the other end has. */
  fail(code: 'ETIMEDOUT' | 'ECONNRESET'): void {
    if (!this.isKnown || this.#parts.machine.boot !== this.#boot) return;
    this.isKnown = false;
    this.outgoing.stop();
    this.#isOver = true;
    this.#close(networkError(code, 'read', this.remote));
  }

  /** The stream has sent everything that `write` kept. */
  drained(): void {
    this.#parts.scheduler.after(
      0,
      () => {
        if (!this.#isOver) this.#handler?.drained();
      },
      this.#parts.owner,
    );
    if (this.#isOver && this.isKnown) this.#forget();
  }

  schedulePump(): void {
    if (this.#isPumpDue || this.#handler === undefined) return;
    this.#isPumpDue = true;
    this.#parts.scheduler.after(0, () => this.#pump(), this.#parts.owner);
  }

  /** Hands one buffer of data, or the end of it, to the application. */
  #pump(): void {
    this.#isPumpDue = false;
    const { incoming } = this;
    if (this.#isOver || !this.isKnown || this.#isPaused) return;
    if (incoming.inboxBytes > 0) {
      const buf = SimLink.#readBuffer;
      const bytes = incoming.consume(buf);
      this.#parts.trace.add(`${this.#parts.machine.name} data ${this.remote} ${bytes}`);
      this.#parts.trace.addBytes(buf.subarray(0, bytes));
      this.#handler!.data(buf, bytes);
      buf.fill(POISON, 0, bytes);
      this.schedulePump();
    } else if (incoming.isFinArrived && !this.#isEndTold) {
      this.#isEndTold = true;
      this.#parts.trace.add(`${this.#parts.machine.name} ended ${this.remote}`);
      this.#handler!.ended();
    }
  }

  #close(error?: Error): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    const { scheduler, trace, machine, owner } = this.#parts;
    this.#parts.onGone(this);
    scheduler.after(
      0,
      () => {
        trace.add(`${machine.name} closed ${this.remote} ${error?.message ?? ''}`);
        this.#handler?.closed(error);
      },
      owner,
    );
  }
}
