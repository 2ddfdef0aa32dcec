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
 * tree. Time, sockets and timeouts are the driver's (runner.ts): a session that is dropped at any moment
 * leaves a valid tree, with some more entries merged, and the next one goes on from there.
 */
import { VALUE_BYTES_MAX } from '../leaf.js';
import type { SyncDatabase } from './database.js';
import { Initiator, type Outcome } from './initiator.js';
import { Link, type Pause } from './link.js';
import { SYNC_MODES, type SyncMode } from './messages.js';
import { Responder } from './responder.js';
import { SyncError } from './sync-error.js';
import type { KeyRange } from './view.js';

export interface SyncOptions {
  /** The longest value accepted, bytes; default 512 MiB. */
  readonly valueBytesMax?: number;
  /**
   * What expires at or before this time, ms since 1970, is dropped and refused: the time now less
   * the bound of clocks. Default: nothing.
   */
  readonly expiredUntilMs?: () => number;
  /**
   * Whether tombstones up to this stamp may have been collected at a key: entries from there are refused
   * where nothing stands in their place. They count as held. Default: none were.
   */
  readonly isCollected?: (key: Buffer, stamp: number) => boolean;
}

export interface InitiateOptions extends SyncOptions {
  readonly range: KeyRange;
  /** 'two-way' unless said. */
  readonly mode?: SyncMode;
  /** 32 random bits, new for each session. */
  readonly salt: number;
  /**
   * Of `destructive`: nothing is dropped, the outcome says whether the responder holds all that the
   * initiator had when it began. So several may be asked before anything goes. Default: false.
   */
  readonly keeps?: boolean;
}

export interface RespondOptions extends SyncOptions {
  /** The modes that it takes part in; default: all. */
  readonly modes?: readonly SyncMode[];
}

export interface SyncStats {
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly sentEntries: number;
  readonly receivedEntries: number;
  /** Of those received: how many changed something. */
  readonly appliedEntries: number;
  /** Of an initiator: what it dropped, since the other side holds it, or has not got it. */
  readonly droppedEntries: number;
  /** How often it spoke and waited for the answer; of an initiator: round trips. */
  readonly roundTrips: number;
}

const VALUE_BYTES_DEFAULT = 512 * 1024 * 1024;
const NEVER = (): number => 0;
const NOTHING_COLLECTED = (): boolean => false;

export class SyncSession {
  readonly #link = new Link();
  readonly #side: Initiator | Responder;
  readonly #task: Generator<Pause, Outcome, void>;
  readonly #databases: readonly SyncDatabase[];
  #outcome: Outcome | null = null;
  #error: SyncError | null = null;

  private constructor(
    databases: readonly SyncDatabase[],
    makeSide: (link: Link) => Initiator | Responder,
  ) {
    this.#databases = databases;
    this.#side = makeSide(this.#link);
    this.#task = this.#side.run();
  }

  /** The side that begins. */
  static initiate(databases: readonly SyncDatabase[], options: InitiateOptions): SyncSession {
    const { keeps = false, mode = 'two-way', range, salt } = options;
    const all = { keeps, mode, range, salt, ...limitsOf(options) };
    return new SyncSession(databases, (link) => new Initiator(databases, link, all));
  }

  /** The side that answers. */
  static respond(databases: readonly SyncDatabase[], options: RespondOptions = {}): SyncSession {
    const { modes = SYNC_MODES } = options;
    const all = { modes, ...limitsOf(options) };
    return new SyncSession(databases, (link) => new Responder(databases, link, all));
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
    const dropper = this.#side instanceof Initiator ? this.#side.dropper : null;
    return {
      sentBytes: this.#link.sentBytes,
      receivedBytes: this.#link.receivedBytes,
      sentEntries: exchange?.sentCount ?? 0,
      receivedEntries: exchange?.applier.receivedCount ?? 0,
      appliedEntries: exchange?.applier.appliedCount ?? 0,
      droppedEntries: dropper?.droppedCount ?? 0,
      roundTrips: this.#link.waitCount,
    };
  }

  /** Whole frames that have come from the other side. */
  get heardFrames(): number {
    return this.#link.receivedFrames;
  }

  /** Takes bytes from the other side, cut in any way. */
  receive(bytes: Buffer): void {
    if (this.isOver) return;
    this.#guard(() => this.#link.receive(bytes));
  }

  /** Does a slice of work; true if there is more to do without waiting for anybody. */
  work(): boolean {
    if (this.isOver) return false;
    let hasMore = false;
    this.#guard(() => {
      if (this.#databases.some(({ isMoved }) => isMoved)) {
        throw new SyncError('SYNC_MOVED', 'databases have changed places');
      }
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
  cancel(error = new SyncError('SYNC_CANCELLED', 'cancelled')): void {
    if (!this.isOver) this.#fail(error);
  }

  /** Whether it has ended, well or not. */
  get isOver(): boolean {
    return this.#outcome !== null || this.#error !== null;
  }

  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      if (!(error instanceof SyncError)) throw error;
      this.#fail(error);
    }
  }

  #fail(error: SyncError): void {
    this.#error = error;
    this.#side.exchange?.applier.close();
  }
}

function limitsOf(options: SyncOptions): Required<SyncOptions> {
  const { expiredUntilMs = NEVER, isCollected = NOTHING_COLLECTED } = options;
  const { valueBytesMax = VALUE_BYTES_DEFAULT } = options;
  return { expiredUntilMs, isCollected, valueBytesMax: Math.min(valueBytesMax, VALUE_BYTES_MAX) };
}
