/**
 * The clean loop: what this node holds and is not responsible for goes, once it is certain that
 * those who are hold it.
 *
 *   1. the digest of the range is taken                        digest W
 *   2. destructive sessions that keep: a majority of the       each: "all of W is here, or newer"
 *      range's replicas, the owner first, hold it
 *   3. the range is still W: it is dropped, in slices          compare and drop by digest
 *
 * A long range is taken in pieces: the less there is in one, the less of it writers change meanwhile.
 * Each session sends what its replica lacks, so this is also how what arrived at the wrong place
 * (sloppy writes, late batches) finds its way home. Only in a settled view, on answers of its epoch:
 * while the ring changes nothing is dropped anywhere. Nor while commands that began in an earlier view,
 * when this node held the keys, still read them.
 */
import type { RingRange } from '../../discord/ring/position.js';
import type { Member } from '../../discord/ring/view.js';
import { Dropper } from '../../radix/sync/dropper.js';
import { FIRST_PLACE } from '../../radix/sync/place.js';
import { type Prefix, Replica } from '../../radix/sync/replica.js';
import { BackgroundWork } from '../server/background.js';
import type { Store } from '../store/store.js';
import { cutOf } from './cut.js';
import type { LoopSettings } from './options.js';
import { liveOthers, majorityOf, replicasOf } from './placement.js';
import { digestOf, entriesIn, isSameDigest, misplacedIn, syncDatabases } from './replica.js';
import type { SyncParts } from './sync-answers.js';
import type { SyncCalls } from './sync-calls.js';

/** How often a member that leaves looks whether anything is left. */
const HAND_OVER_LOOK_MS = 100;

/** What reads from before the view are waited for at most, ms: a client may read its reply slowly. */
const READS_MAX_MS = 10_000;
/** Entries of what is handed over at a time, about. */
const PIECE_ENTRIES = 16_384;

export class CleanLoop {
  readonly #parts: SyncParts;
  readonly #calls: SyncCalls;
  readonly #settings: LoopSettings;
  #isBusy = false;
  /** When it looks again, monotonic ms. */
  #dueMs = 0;
  #pauseMs: number;
  /** Since when the view is what it is, monotonic ms. */
  #viewMs = 0;
  /** Entries that this node held and should not, when it last looked; -1: not in this view. */
  misplacedCount = -1;

  constructor(parts: SyncParts & { readonly calls: SyncCalls }, settings: LoopSettings) {
    this.#parts = parts;
    this.#calls = parts.calls;
    this.#settings = settings;
    this.#pauseMs = settings.syncMinMs;
  }

  noticeView(): void {
    this.misplacedCount = -1;
    this.#viewMs = this.#parts.world.clock.monotonicMs();
    this.#dueMs = 0;
    this.#pauseMs = this.#settings.syncMinMs;
  }

  tick(): void {
    if (this.#parts.world.clock.monotonicMs() >= this.#dueMs) this.#look();
  }

  #look(): void {
    if (this.#isBusy || this.#parts.ring.responsibility.next !== undefined) return;
    if (this.#isRead()) return;
    this.#isBusy = true;
    const { responsibility } = this.#parts.ring;
    void this.#clean().finally(() => {
      this.#isBusy = false;
      if (this.#parts.ring.responsibility === responsibility) this.#planNext();
    });
  }

  /** Whether a command that began in an earlier view may still read what is not to be here. */
  #isRead(): boolean {
    const { oldestReadMs, world } = this.#parts;
    const nowMs = world.clock.monotonicMs();
    return oldestReadMs() < this.#viewMs && nowMs - this.#viewMs < READS_MAX_MS;
  }

  /** What others write all the time they may never be found to hold: it is offered ever more seldom. */
  #planNext(): void {
    if (this.misplacedCount <= 0) this.#pauseMs = this.#settings.syncMinMs;
    this.#dueMs = this.#parts.world.clock.monotonicMs() + this.#pauseMs;
    this.#pauseMs = Math.min(this.#settings.syncMaxMs, 2 * this.#pauseMs);
  }

  /** Of a member that was removed: resolves once others hold all that it had. */
  whenNothingIsLeft(): Promise<void> {
    const { ring, store, world } = this.#parts;
    return new Promise((resolve) => {
      const look = (): void => {
        if (misplacedIn(store, ring) === 0) return resolve();
        this.#look();
        world.timers.after(HAND_OVER_LOOK_MS, look);
      };
      look();
    });
  }

  async #clean(): Promise<void> {
    const { ring, store } = this.#parts;
    const { responsibility } = ring;
    const { current } = responsibility;
    this.misplacedCount = misplacedIn(store, ring);
    if (this.misplacedCount === 0) return;
    for (const owner of current.members.keys()) {
      if (ring.selfIndex >= 0 && current.holds(ring.selfIndex, owner)) continue;
      const range = current.rangeOf(owner);
      for (const piece of piecesOf(store, range)) {
        await this.#handOver(piece, replicasOf(current, owner));
        if (ring.responsibility !== responsibility) return;
      }
      if (ring.responsibility !== responsibility) return;
    }
    this.misplacedCount = misplacedIn(store, ring);
  }

  async #handOver(range: RingRange, replicas: readonly Member[]): Promise<void> {
    const { ring, store } = this.#parts;
    const { responsibility } = ring;
    const digest = digestOf(store, range);
    let heldCount = 0;
    for (const { id } of liveOthers(ring, replicas)) {
      if (await this.#offer(range, id)) heldCount += 1;
      // Another view, or something more has come: another time.
      if (ring.responsibility !== responsibility) return;
      if (!isSameDigest(digestOf(store, range), digest)) return;
      if (heldCount === majorityOf(replicas.length)) break;
    }
    if (heldCount < majorityOf(replicas.length)) return;
    const entries = await this.#drop(range, digest);
    const to = replicas[0]!.id;
    this.#parts.reports.report({
      loop: 'clean',
      from: ring.selfId,
      to,
      entries,
      bytes: 0,
      failure: '',
    });
  }

  /** True: this member holds all that is here in the range, or newer. */
  async #offer(range: RingRange, memberId: string): Promise<boolean> {
    const { reports, ring } = this.#parts;
    const options = { memberId, range, mode: 'destructive', keeps: true } as const;
    const { failure, isEqual, stats } = await this.#calls.call(options);
    const bytes = stats.sentBytes + stats.receivedBytes;
    if (failure !== '' || stats.sentEntries > 0) {
      const to = memberId;
      reports.report({ loop: 'clean', from: ring.selfId, to, entries: 0, bytes, failure });
    }
    return isEqual === true;
  }

  /** Drops what is in a range if it is what this digest tells; resolves with how many entries went. */
  #drop(range: RingRange, digest: Prefix): Promise<number> {
    const { muted, pace, ring, store, world } = this.#parts;
    const { responsibility } = ring;
    const dropper = new Dropper(new Replica(syncDatabases(store), range));
    const task = dropper.dropPieces([{ from: FIRST_PLACE, to: null, ...digest }]);
    return new Promise((resolve) => {
      const work = new BackgroundWork(
        world,
        (deadlineMs) => {
          let isDone = false;
          while (!isDone && world.clock.monotonicMs() < deadlineMs) {
            // Nothing is changed by it for anybody, so that nobody is told.
            isDone =
              ring.responsibility !== responsibility || muted(() => task.next().done === true);
          }
          if (isDone) resolve(dropper.droppedCount);
          return isDone;
        },
        pace,
      );
      work.start();
    });
  }
}

/** The pieces of a range that hold something, from its end to its beginning. */
function* piecesOf(store: Store, range: RingRange): Generator<RingRange> {
  let rest = range;
  while (entriesIn(store, rest) > PIECE_ENTRIES) {
    const cut = cutOf(store, rest, PIECE_ENTRIES);
    if (cut === null) break;
    yield { from: cut.position, to: rest.to };
    rest = { from: range.from, to: cut.position };
  }
  if (entriesIn(store, rest) > 0) yield rest;
}
