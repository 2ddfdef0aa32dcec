/**
 * Runner: drives one session over a connection, from its first byte until it has ended.
 *
 *   data     -> session.receive --+
 *   drained  -> ------------------+-> pump:  work, take, write;  work, take, write; ...
 *   soon     -> ------------------+          for SLICE_MS, then in the next turn of the event loop
 *
 * It adds to a session what that lacks, being pure: turns, a timeout, an AbortSignal and events.
 * The connection is closed when the session ends: after what is queued if it ended well, at once
 * if not. To go on after a failure, run another session: ranges that are equal by now cost nothing.
 *
 * Invariant: `done` is resolved once, whatever the peer and the network do; it never rejects.
 */
import type { Clock, Link, LinkHandler, Timer, Timers } from '../../world/world.js';
import type { Outcome } from './initiator.js';
import type { SyncSession, SyncStats } from './session.js';
import { SyncError } from './sync-error.js';

/** What a runner needs of a connection; a Link of the World is one. */
export type Carrier = Pick<Link, 'write' | 'end' | 'destroy'>;

export type SyncEvent =
  /** At most one in `progressMs`, and only if something has moved. */
  | { readonly type: 'progress'; readonly stats: SyncStats }
  | { readonly type: 'ended'; readonly stats: SyncStats; readonly outcome: Outcome }
  | { readonly type: 'failed'; readonly stats: SyncStats; readonly error: SyncError };

/** How a session ended: with an outcome, or with an error. */
export type SyncResult = Exclude<SyncEvent, { type: 'progress' }>;

export interface RunnerComponents {
  readonly session: SyncSession;
  readonly clock: Clock;
  readonly timers: Timers;
}

export interface RunnerOptions {
  /** Without a whole frame from the other side for so long, it is given up; default 30,000. */
  readonly idleTimeoutMs?: number;
  /** Between two progress events; default 1,000. */
  readonly progressMs?: number;
  /** Cancels the session. */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: SyncEvent) => void;
}

const IDLE_TIMEOUT_DEFAULT_MS = 30_000;
const PROGRESS_DEFAULT_MS = 1000;
/** Of each turn of the event loop. A slice of a session takes about half of it. */
const SLICE_MS = 2;

export class SyncRunner implements LinkHandler {
  readonly done: Promise<SyncResult>;
  readonly #session: SyncSession;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #idleTimeoutMs: number;
  readonly #progressMs: number;
  readonly #signal: AbortSignal | undefined;
  readonly #onEvent: (event: SyncEvent) => void;
  #carrier: Carrier | null = null;
  #resolve!: (result: SyncResult) => void;
  #isDone = false;
  /** The connection holds bytes of ours that the system has not taken. */
  #isBlocked = false;
  #next: Timer | null = null;
  #idle: Timer | null = null;
  /** When the other side was last heard, or not waited for. */
  #heardMs = 0;
  #heardFrames = 0;
  #toldMs = 0;
  #toldMoved = 0;
  /** Why nothing more comes. */
  #loss: SyncError | null = null;

  constructor({ clock, session, timers }: RunnerComponents, options: RunnerOptions = {}) {
    this.#session = session;
    this.#clock = clock;
    this.#timers = timers;
    this.#idleTimeoutMs = options.idleTimeoutMs ?? IDLE_TIMEOUT_DEFAULT_MS;
    this.#progressMs = options.progressMs ?? PROGRESS_DEFAULT_MS;
    this.#signal = options.signal;
    this.#onEvent = options.onEvent ?? (() => {});
    this.done = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** Begins on a connection. Returns itself, who hears what happens on it. */
  start(carrier: Carrier): this {
    this.#carrier = carrier;
    this.#toldMs = this.#clock.monotonicMs();
    this.#heard();
    this.#signal?.addEventListener('abort', this.#abort);
    if (this.#signal?.aborted === true) this.#abort();
    else {
      this.#idle = this.#timers.after(this.#idleTimeoutMs, this.#checkIdle, true);
      this.#pumpSoon();
    }
    return this;
  }

  data(buf: Buffer, bytes: number): void {
    if (this.#isDone) return;
    this.#session.receive(buf.subarray(0, bytes));
    this.#pump();
  }

  drained(): void {
    this.#isBlocked = false;
    if (this.#isDone) return;
    this.#heard();
    this.#pump();
  }

  ended(): void {
    this.#lost('the other side has ended the connection');
  }

  closed(error?: Error): void {
    this.#isBlocked = false;
    this.#lost('the connection is gone', error);
  }

  readonly #abort = (): void => {
    this.#fail(new SyncError('SYNC_CANCELLED', 'cancelled', { cause: this.#signal?.reason }));
  };

  readonly #checkIdle = (): void => {
    const leftMs = this.#heardMs + this.#idleTimeoutMs - this.#clock.monotonicMs();
    if (leftMs <= 0) {
      this.#fail(new SyncError('SYNC_TIMEOUT', `heard nothing for ${this.#idleTimeoutMs} ms`));
    } else {
      this.#idle = this.#timers.after(leftMs, this.#checkIdle, true);
    }
  };

  readonly #pump = (): void => {
    this.#next?.cancel();
    this.#next = null;
    const untilMs = this.#clock.monotonicMs() + SLICE_MS;
    let isBusy = true;
    while (isBusy && this.#clock.monotonicMs() < untilMs) {
      isBusy = this.#session.work();
      if (this.#write()) isBusy = true;
    }
    if (isBusy || this.#session.heardFrames !== this.#heardFrames) this.#heard();
    const { error, outcome } = this.#session;
    if (error !== null || (outcome !== null && !this.#isBlocked)) this.#finish();
    else if (!isBusy && outcome === null && this.#loss !== null) this.#fail(this.#loss);
    else {
      this.#tellProgress();
      if (isBusy) this.#pumpSoon();
    }
  };

  #heard(): void {
    this.#heardFrames = this.#session.heardFrames;
    this.#heardMs = this.#clock.monotonicMs();
  }

  #pumpSoon(): void {
    this.#next ??= this.#timers.soon(this.#pump);
  }

  /** Writes what there is, as long as the connection takes it; true if that was something. */
  #write(): boolean {
    let hasWritten = false;
    while (!this.#isBlocked) {
      const bytes = this.#session.take();
      if (bytes === null) break;
      hasWritten = true;
      this.#isBlocked = !this.#carrier!.write(bytes, 0, bytes.length);
    }
    return hasWritten;
  }

  /** Nothing more comes. What has come may be all that was needed. */
  #lost(why: string, cause?: Error): void {
    if (this.#isDone) return;
    this.#loss ??= new SyncError('SYNC_LINK', why, { cause });
    this.#pumpSoon();
  }

  #tellProgress(): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#toldMs < this.#progressMs) return;
    const { stats } = this.#session;
    const moved = stats.sentBytes + stats.receivedBytes + stats.droppedEntries;
    if (moved === this.#toldMoved) return;
    this.#toldMs = nowMs;
    this.#toldMoved = moved;
    this.#onEvent({ type: 'progress', stats });
  }

  #fail(error: SyncError): void {
    this.#session.cancel(error);
    this.#finish();
  }

  #finish(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#next?.cancel();
    this.#idle?.cancel();
    this.#signal?.removeEventListener('abort', this.#abort);
    const { error, outcome, stats } = this.#session;
    if (error !== null || this.#isBlocked) this.#carrier!.destroy();
    else this.#carrier!.end();
    const result: SyncResult =
      error === null
        ? { type: 'ended', stats, outcome: outcome! }
        : { type: 'failed', stats, error };
    this.#onEvent(result);
    this.#resolve(result);
  }
}
