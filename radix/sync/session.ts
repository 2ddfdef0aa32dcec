/**
 * Session: makes one range of two replicas equal over any link. Pure: bytes in, bytes out.
 *
 *              +-----------------------------+
 *   receive -> |  Link   Initiator           | -> take
 *              |         or Responder        |
 *      work -> |  (a coroutine over a tree)  |
 *              +-----------------------------+
 *
 * Whoever drives it calls `work` after `receive` and as long as it returns true, and passes on what
 * `take` gives. `work` does a slice, about a millisecond; between two calls writers may change the
 * tree. Time, sockets and timeouts are the driver's: a session that is dropped at any moment
 * leaves a valid tree, with some more entries merged, and the next one goes on from there.
 */
import { Initiator, type Outcome } from './initiator.js';
import { Link, type Pause } from './link.js';
import type { SyncMode } from './messages.js';
import { type KeyRange, type SyncDatabase } from './replica.js';
import { Responder } from './responder.js';
import { SyncError } from './sync-error.js';

export interface SyncOptions {
  /** The largest record accepted; default 512 MiB and its key. */
  readonly recordBytesMax?: number;
}

export interface InitiateOptions extends SyncOptions {
  readonly range: KeyRange;
  /** 'two-way' unless said. */
  readonly mode?: SyncMode;
  /** 32 random bits, new for each session. */
  readonly salt: number;
}

export interface SyncStats {
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly sentEntries: number;
  readonly receivedEntries: number;
  /** Of those received: how many changed something. */
  readonly appliedEntries: number;
  /** How often it spoke and waited for the answer; of an initiator: round trips. */
  readonly roundTrips: number;
}

const RECORD_BYTES_MAX = 513 * 1024 * 1024;

export class SyncSession {
  readonly #link = new Link();
  readonly #side: Initiator | Responder;
  readonly #task: Generator<Pause, Outcome, void>;
  #outcome: Outcome | null = null;
  #error: SyncError | null = null;

  private constructor(makeSide: (link: Link) => Initiator | Responder) {
    this.#side = makeSide(this.#link);
    this.#task = this.#side.run();
  }

  /** The side that begins. */
  static initiate(databases: readonly SyncDatabase[], options: InitiateOptions): SyncSession {
    const { mode = 'two-way', range, recordBytesMax = RECORD_BYTES_MAX, salt } = options;
    const all = { mode, range, recordBytesMax, salt };
    return new SyncSession((link) => new Initiator(databases, link, all));
  }

  /** The side that answers. */
  static respond(databases: readonly SyncDatabase[], options: SyncOptions = {}): SyncSession {
    const { recordBytesMax = RECORD_BYTES_MAX } = options;
    return new SyncSession((link) => new Responder(databases, link, { recordBytesMax }));
  }

  /** Not null: it ended well. What it has to say may still have to be taken. */
  get outcome(): Outcome | null {
    return this.#outcome;
  }

  /** Not null: it ended, and the link should be closed. */
  get error(): SyncError | null {
    return this.#error;
  }

  get stats(): SyncStats {
    const { exchange } = this.#side;
    return {
      sentBytes: this.#link.sentBytes,
      receivedBytes: this.#link.receivedBytes,
      sentEntries: exchange?.sentCount ?? 0,
      receivedEntries: exchange?.applier.receivedCount ?? 0,
      appliedEntries: exchange?.applier.appliedCount ?? 0,
      roundTrips: this.#link.waitCount,
    };
  }

  /** Takes bytes from the other side, cut in any way. */
  receive(bytes: Buffer): void {
    if (this.#isOver) return;
    this.#guard(() => this.#link.receive(bytes));
  }

  /** Does a slice of work; true if there is more to do without waiting for anybody. */
  work(): boolean {
    if (this.#isOver) return false;
    let hasMore = false;
    this.#guard(() => {
      const step = this.#task.next();
      if (step.done === true) this.#outcome = step.value;
      else hasMore = step.value === 'slice';
    });
    return hasMore;
  }

  /** The next bytes for the other side; null: none now. Then `work` may have room again. */
  take(): Buffer | null {
    return this.#error === null ? this.#link.take() : null;
  }

  /** Ends it. What has been merged stays. */
  cancel(): void {
    if (!this.#isOver) this.#error = new SyncError('SYNC_CANCELLED', 'cancelled');
  }

  get #isOver(): boolean {
    return this.#outcome !== null || this.#error !== null;
  }

  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      if (!(error instanceof SyncError)) throw error;
      this.#error = error;
    }
  }
}
