/**
 * Persistence: disk follows memory. Puts the journal, the queue to the store, the sweep and the
 * durable records of one node together, and decides when a reply may leave.
 *
 *   command -> journal -> (end of the turn) -> blocks -> queue -> LogStore
 *      |                                                    |
 *    reply ---------- held back until it is in the pad -----+   at once (pad.ts), by a short write;
 *                                                               `always`: and that is synced, for all
 *                                                               that a turn or several have written
 *
 * What does not fit into the pad waits for the LogStore instead, which syncs it if need be.
 *
 * A reply is held back if anything that was changed before it is not yet so far: what a client has
 * been told, of its own writes or of others', is then safe. Held replies keep their order, for a
 * connection executes nothing while its replies are held.
 *
 * If the disk fails, connections with held replies are closed (whether their writes survive is
 * open, and nobody was told that they do), writes are refused with -MISCONF, reads go on, and it
 * is tried again until it works. What is in memory is then written.
 *
 * Invariant: no stamp is issued above the reserved one without a reply that waits for a new one.
 */

import { type LogStore, LogStoreError, type OpenLogStore } from '../../world/log-store.js';
import type { Timer, World } from '../../world/world.js';
import type { Settings } from '../config/settings.js';
import type { Log } from '../server/log.js';
import { Pace } from '../server/pace.js';
import type { Store } from '../store/store.js';
import type { DurableRecords } from './durable-records.js';
import { type DiskWaiter, HeldReplies } from './held-replies.js';
import { Journal } from './journal.js';
import { Loader, startPair } from './loader.js';
import { LogQueue } from './log-queue.js';
import { Marks } from './marks.js';
import type { Pad } from './pad.js';
import { PadKeeper } from './pad-keeper.js';
import { Saves } from './saves.js';
import { Sweep } from './sweep.js';

/** Bytes on their way to the disk beyond which no client is read from. */
export const QUEUE_BYTES_MAX = 64 * 1024 * 1024;
/** Bytes of blocks beyond which they are handed over before the run is closed. */
const HAND_OVER_BYTES = 1024 * 1024;
/** A sweep waits while more than this is on its way: what clients write would go behind it. */
const SWEEP_QUEUE_BYTES_MAX = 256 * 1024;
/** Time of one turn that writing down takes, ms. */
const DRAIN_MS = 4;
const SWEEP_MS = 2;
const SYNC_EVERY_MS = 1000;

export interface PersistenceComponents {
  readonly world: World;
  readonly store: Store;
  readonly log: Log;
  readonly settings: Settings;
  readonly records: DurableRecords;
  readonly pad: Pad;
  readonly logStore: LogStore;
  readonly open: OpenLogStore;
  /** Of what nobody waits for. Default: it never pauses. */
  readonly pace?: Pace;
  /** Whether a command is not done that a crash must find whole, or not at all. Default: never. */
  readonly isInMiddle?: () => boolean;
}

export interface PersistenceEvents {
  /** Writes are to be refused from now on, or no longer. */
  failureChanged(): void;
  /** There is room again for what clients write. */
  roomAgain(): void;
  /** The code of libraries of functions that was kept, to be loaded one after the other. */
  librariesFound(codes: readonly Buffer[]): void;
}

export class Persistence {
  readonly journal: Journal;
  readonly records: DurableRecords;
  readonly saves: Saves;
  isLoading = true;
  /** Why nothing can be written; undefined: all is well. */
  failure: LogStoreError | undefined;
  /** Of the last load: for INFO. */
  loader: Loader;
  sweep: Sweep | undefined;
  isSweepScheduled = false;
  sweeps = 0;
  loadSeconds = 0;
  loadedKeys = 0;
  /** Of the last sweep, seconds; -1: there was none. */
  lastSweepSeconds = -1;
  /** Bytes of the log when it was last swept or loaded, and now. */
  baseBytes = 0;
  logBytes = 0;

  readonly #world: World;
  readonly #store: Store;
  readonly #log: Log;
  readonly #settings: Settings;
  readonly #events: PersistenceEvents;
  readonly #pad: PadKeeper;
  readonly #queue: LogQueue;
  readonly #marks: Marks;
  readonly #held = new HeldReplies();
  readonly #pace: Pace;
  readonly #isInMiddle: () => boolean;
  #isTurnPlanned = false;
  #isSliceOfSweepPlanned = false;
  /** Changes since the last sweep are not known: nothing but a sweep makes the log whole. */
  #needsSweep = false;
  #wasFull = false;
  #timer: Timer | undefined;

  constructor(
    components: PersistenceComponents,
    events: PersistenceEvents,
    options: { readonly skipsDamage: boolean; readonly damage?: readonly string[] },
  ) {
    const { world, store, log, settings, records, pad, logStore, open } = components;
    this.#world = world;
    this.#pace = components.pace ?? new Pace(world);
    this.#isInMiddle = components.isInMiddle ?? (() => false);
    this.#store = store;
    this.#log = log;
    this.#settings = settings;
    this.#events = events;
    this.records = records;
    this.journal = new Journal({ store, clock: world.clock });
    this.journal.onChange = () => this.#plan();
    this.#marks = new Marks({ records, log });
    this.saves = new Saves({ store, clock: world.clock });
    this.loader = this.#makeLoader(logStore, options.skipsDamage);
    this.loader.damage.push(...(options.damage ?? []));
    this.#queue = new LogQueue(
      { world, store: logStore, open },
      {
        mustSync: () => settings.fsync === 'always' && !this.#pad.hasAll,
        sealed: (number, block) => {
          if (this.failure === undefined) this.#pad.add(number, block);
        },
        isAwaited: () => (this.#held.count > 0 && !this.#pad.hasAll) || this.saves.isBusy,
        progressed: () => this.#progressed(),
        failed: (error) => this.#failed(error),
        recovered: (isWhole) => this.#recovered(isWhole),
        giveBack: (buf) => this.journal.writer.giveBack(buf),
      },
    );
    this.#pad = new PadKeeper(
      { world, settings, log, pad, queue: this.#queue },
      { progressed: () => this.#progressed(), waitingCount: () => this.#held.count },
    );
  }

  get queue(): LogQueue {
    return this.#queue;
  }

  /** Bytes that are not yet on the disk. */
  get pendingBytes(): number {
    return this.#queue.queuedBytes + this.journal.writer.bytes + this.journal.marks.bytes;
  }

  /** Nothing more is to be read from clients for now. */
  get isFull(): boolean {
    if (this.pendingBytes <= QUEUE_BYTES_MAX || this.failure !== undefined) return false;
    this.#wasFull = true;
    return true;
  }

  /** Writes of clients are to be refused. */
  get refusesWrites(): boolean {
    return this.failure !== undefined && this.#settings.stopWritesOnBgsaveError;
  }

  /** Loads what there is, then follows. Rejects with a LoadError or a LogStoreError. */
  async start(): Promise<void> {
    const startMs = this.#world.clock.monotonicMs();
    const { loader, journal } = this;
    await loader.load();
    // The process before may have been killed with less synced than written, and the pad is used anew.
    await this.#queue.store.sync();
    const stamp = Math.max(loader.replayer.stampMax, this.#marks.stampBefore);
    this.#store.clock.nextAbove(stamp);
    this.#events.librariesFound(loader.replayer.libraries);
    loader.replayer.libraries = [];
    this.#queue.startAt(Math.max(loader.lastNumber, this.#marks.syncedNumber));
    this.#pad.restart();
    await this.#reserve(this.#store.clock.last);
    this.#tellLoad(this.#world.clock.monotonicMs() - startMs);
    this.logBytes = loader.bytes;
    this.baseBytes = loader.bytes;
    this.isLoading = false;
    this.saves.loaded();
    journal.isOn = true;
    if (loader.damage.length > 0) this.startSweep();
    this.#timer = this.#world.timers.every(SYNC_EVERY_MS, () => this.#everySecond(), true);
  }

  /**
   * Forgets what is in memory and loads it from the disk; nobody may write meanwhile. If it rejects
   * the node goes on as one that loads, for good.
   */
  async reload(): Promise<void> {
    const { journal } = this;
    this.#handOver(journal.drain(Number.POSITIVE_INFINITY));
    await this.#queue.drained();
    if (this.failure !== undefined) throw this.failure;
    journal.isOn = false;
    this.isLoading = true;
    for (const [index, database] of journal.slots.entries()) {
      database.forgetClear();
      database.index = index;
      this.#store.databases[index] = database;
    }
    const startMs = this.#world.clock.monotonicMs();
    this.loader = this.#makeLoader(this.#queue.store, false);
    // If this fails nothing may be written: what is in memory is not what is on the disk.
    await this.loader.load();
    this.#tellLoad(this.#world.clock.monotonicMs() - startMs);
    this.isLoading = false;
    journal.isOn = true;
    this.#planSweep();
  }

  #makeLoader(logStore: LogStore, skipsDamage: boolean): Loader {
    const parts = { world: this.#world, store: this.#store, log: this.#log, logStore };
    return new Loader(parts, this.journal.slots, {
      skipsDamage,
      syncedNumber: this.#marks.syncedNumber,
    });
  }

  #tellLoad(ms: number): void {
    const { damage, cutBlocks, bytes, replayer } = this.loader;
    for (const what of this.records.repaired) {
      this.#log.warn({ what }, 'a durable record was damaged, and taken from its copy');
    }
    if (damage.length > 0) this.#log.error({ damage }, 'loaded without what is damaged');
    if (cutBlocks > 0) {
      this.#log.warn(
        { blocks: cutBlocks },
        'cut off an unfinished end of the log, as crashes leave',
      );
    }
    this.loadSeconds = ms / 1000;
    this.loadedKeys = this.#store.databases.reduce((sum, { tree }) => sum + tree.liveCount, 0);
    this.#log.info(
      { records: replayer.records, bytes, seconds: this.loadSeconds },
      'loaded from disk',
    );
  }

  /** Writes everything down and closes; if the disk fails, without. */
  async stop(): Promise<void> {
    this.#timer?.cancel();
    if (!this.isLoading) {
      this.sweep = undefined;
      this.journal.drain(Number.POSITIVE_INFINITY);
      this.#handOver(true);
      await this.#queue.drained();
      await this.#queue.sync();
      if (this.failure === undefined) {
        await this.#marks.saveAll(this.#queue.syncedNumber, this.#store.clock.last);
      } else this.#log.error({ err: this.failure }, 'stopped without all of it on disk');
    }
    this.journal.isOn = false;
    await this.#queue.close();
    await this.#pad.close();
    await this.records.close();
  }

  // Replies.

  get padSyncs(): number {
    return this.#pad.syncs;
  }

  /** Connections that wait. */
  get heldCount(): number {
    return this.#held.count;
  }

  /** False: all that was changed so far is safe. True: `waiter` is told when it is. */
  hold(waiter: DiskWaiter): boolean {
    if (!this.journal.isOn || this.failure !== undefined) return false;
    if (this.journal.hasNews) this.turnEnds();
    const number = this.#numberOfNow;
    const stamp = this.#store.clock.last;
    const isWritten = number <= this.#pad.writtenNumber && number > this.#safeNumber;
    if (isWritten && this.#pad.syncInTurn() && this.#held.count > 0) {
      // Who waited before is told when this turn is over: now somebody else is in the middle of his.
      this.#world.timers.soon(() => this.#progressed());
    }
    if (number <= this.#safeNumber && stamp <= this.#marks.reservedStamp) return false;
    this.#held.add(number, stamp, waiter);
    this.#pad.press();
    return true;
  }

  /** SAVE, BGSAVE: `done` is told once all that was changed so far is synced, or cannot be. */
  save(isInBackground: boolean, done: (isSaved: boolean) => void): void {
    this.#save(isInBackground, true, done);
  }

  /** The same for the node's own sake: it counts as no save. */
  settle(done: (isSaved: boolean) => void): void {
    this.#save(false, false, done);
  }

  #save(isInBackground: boolean, isCounted: boolean, done: (isSaved: boolean) => void): void {
    this.saves.begin(this.#numberOfNow, isInBackground, done, isCounted);
    if (this.failure !== undefined) this.saves.fail();
    else this.#plan();
  }

  /** The block that ends the run with all that was changed so far; infinite while that is open. */
  get #numberOfNow(): number {
    const hasNews = this.journal.hasNews || this.journal.writer.isOpen;
    return hasNews ? Number.POSITIVE_INFINITY : this.#queue.closedNumber;
  }

  get #safeNumber(): number {
    return this.#settings.fsync === 'always' ? this.#pad.syncedNumber : this.#pad.writtenNumber;
  }

  /** The commands of a turn have been executed: writes down what they changed. */
  turnEnds(): void {
    if (!this.journal.isOn) return;
    if (this.journal.hasNews || this.journal.writer.isOpen) {
      const isWhole = this.journal.drain(this.#world.clock.monotonicMs() + DRAIN_MS);
      this.#handOver(isWhole && !this.#isInMiddle());
    }
    this.#reserveIfNeeded();
  }

  #plan(): void {
    if (this.#isTurnPlanned) return;
    this.#isTurnPlanned = true;
    this.#world.timers.soon(() => this.#turn());
  }

  #turn(): void {
    this.#isTurnPlanned = false;
    if (!this.journal.isOn) return;
    this.turnEnds();
    if (this.saves.isBusy) {
      this.#queue.flush();
      this.#saveOn();
    }
    this.#beginSweepIfScheduled();
    if (this.journal.hasNews) this.#plan();
  }

  /** Hands what is written down over to the queue. `isWhole`: nothing is left to write down. */
  #handOver(isWhole: boolean): void {
    const { writer } = this.journal;
    if (this.#needsSweep && this.failure !== undefined) {
      this.journal.discard();
      return;
    }
    if (isWhole) writer.close();
    else if (writer.bytes < HAND_OVER_BYTES) return;
    const blocks = writer.filled;
    if (blocks.length === 0) return;
    writer.filled = [];
    writer.bytes = 0;
    for (const block of blocks) this.logBytes += block.end;
    this.#queue.add(blocks);
    if (!isWhole) return;
    // Whoever waited for the end of the run now knows its number.
    this.#held.sealed(this.#queue.closedNumber);
    this.saves.sealed(this.#queue.closedNumber);
    if (this.failure !== undefined && this.pendingBytes > QUEUE_BYTES_MAX) this.#giveUp();
  }

  #progressed(): void {
    this.#held.release(this.#safeNumber, this.#marks.reservedStamp);
    if (this.saves.isBusy) this.#saveOn();
    this.#pad.makeRoom();
    if (this.#held.count > 0) this.#pad.press();
    if (this.#wasFull && this.pendingBytes <= QUEUE_BYTES_MAX / 2) {
      this.#wasFull = false;
      this.#events.roomAgain();
    }
    if (this.#held.count > 0) this.#reserveIfNeeded();
    this.#planSweep();
  }

  #saveOn(): void {
    const { queue } = this;
    this.saves.release(queue.syncedNumber);
    if (this.saves.awaited(queue.writtenNumber) > queue.syncedNumber) void queue.sync();
  }

  // Failure.

  #failed(error: unknown): void {
    const { code, message } = error as { code?: string; message: string };
    const other = new LogStoreError(code === 'ENOSPC' ? 'NO_SPACE' : 'IO', message);
    this.failure = error instanceof LogStoreError ? error : other;
    this.#log.error({ err: this.failure }, 'cannot write to disk; trying again until it works');
    this.#held.fail();
    this.saves.fail();
    this.#events.failureChanged();
    if (this.#wasFull) {
      this.#wasFull = false;
      this.#events.roomAgain();
    }
  }

  /** Writes go on while the disk fails, and there is no room to remember them all. */
  #giveUp(): void {
    this.#needsSweep = true;
    this.sweep = undefined;
    this.journal.discard();
    // What the pad holds stays there: it is what was acknowledged last.
    this.#queue.discard();
  }

  #recovered(isWhole: boolean): void {
    this.failure = undefined;
    this.#pad.restart();
    this.#log.warn({}, 'the disk takes writes again');
    if (!isWhole) this.#log.error({}, 'the disk has lost what it had; writing all of it anew');
    if (!isWhole || this.#needsSweep) {
      this.#needsSweep = false;
      this.startSweep();
    }
    this.#events.failureChanged();
    this.#plan();
    this.#planSweep();
  }

  // The log as a whole.

  /** As `startSweep`, at the end of the turn: a transaction is not written down in halves. */
  scheduleSweep(): void {
    this.isSweepScheduled = true;
    this.#plan();
  }

  #beginSweepIfScheduled(): void {
    if (!this.isSweepScheduled || this.failure !== undefined) return;
    this.isSweepScheduled = false;
    this.startSweep();
  }

  /** Begins to write down everything anew; false if that is under way. */
  startSweep(): boolean {
    if (this.sweep !== undefined) return false;
    if (this.#isInMiddle()) {
      this.scheduleSweep();
      return true;
    }
    // What was changed so far goes before it, in a run of its own.
    this.#handOver(this.journal.drain(Number.POSITIVE_INFINITY));
    const first = this.#queue.addedNumber + 1;
    const parts = { store: this.#store, journal: this.journal, clock: this.#world.clock };
    this.sweep = new Sweep(parts, first, this.logBytes);
    this.#log.info({ bytes: this.logBytes }, 'writing the log anew');
    this.#planSweep();
    return true;
  }

  /** The next slice of a sweep, if there is one; while too much is on its way, progress plans it. */
  #planSweep(): void {
    if (this.sweep === undefined || this.#isSliceOfSweepPlanned || !this.#maySweep) return;
    this.#isSliceOfSweepPlanned = true;
    this.#pace.plan(() => {
      this.#isSliceOfSweepPlanned = false;
      this.#sweepOn();
    });
  }

  get #maySweep(): boolean {
    return this.failure === undefined && this.pendingBytes <= SWEEP_QUEUE_BYTES_MAX;
  }

  #sweepOn(): void {
    const { sweep } = this;
    if (sweep === undefined || !this.journal.isOn || !this.#maySweep) return;
    const { clock } = this.#world;
    const sinceMs = clock.monotonicMs();
    const isDone = sweep.step(sinceMs + this.#pace.sliceMs(SWEEP_MS));
    const isWhole = this.journal.drain(clock.monotonicMs() + DRAIN_MS);
    // The run is closed: nobody's reply waits for the next slice.
    this.#handOver(isWhole && !this.#isInMiddle());
    this.#pace.worked(sinceMs);
    if (isDone && !this.journal.hasNews && !this.journal.writer.isOpen) this.#endSweep(sweep);
    else this.#planSweep();
  }

  /** From now on the log begins where the sweep began. */
  #endSweep(sweep: Sweep): void {
    this.sweep = undefined;
    this.sweeps += 1;
    this.lastSweepSeconds = (this.#world.clock.wallMs() - sweep.startedMs) / 1000;
    const { firstNumber } = this.loader;
    this.#queue.accompany(startPair(sweep.firstNumber));
    this.#queue.remove(firstNumber, sweep.firstNumber);
    this.loader.firstNumber = sweep.firstNumber;
    this.baseBytes = sweep.bytesLeft(this.logBytes);
    this.logBytes = this.baseBytes;
    this.#log.info({ entries: sweep.entries, bytes: this.logBytes }, 'the log is written anew');
  }

  #sweepIfGrown(): void {
    const { autoAofRewritePercentage, autoAofRewriteMinSize } = this.#settings;
    if (autoAofRewritePercentage === 0 || this.logBytes < autoAofRewriteMinSize) return;
    // A log that has grown with what it describes has nothing to give back.
    const base = Math.max(this.baseBytes, this.#store.space.usedBytes);
    const limit = base * (1 + autoAofRewritePercentage / 100);
    if (this.logBytes > limit && this.failure === undefined) this.startSweep();
  }

  // Time.

  #everySecond(): void {
    this.#sweepIfGrown();
    this.#pad.everySecond();
    if (this.failure !== undefined) return;
    if (this.#settings.fsync !== 'no') void this.#queue.sync();
    void this.#marks.saveSynced(this.#queue.syncedNumber);
  }

  #reserveIfNeeded(): void {
    const { last } = this.#store.clock;
    // The room that the records have left is for what the ring decides; no reply waits now.
    if (this.failure !== undefined || !this.#marks.isShort(last)) return;
    this.#reserve(last).catch((error: unknown) => this.#queue.fail(error));
  }

  async #reserve(lastStamp: number): Promise<void> {
    await this.#marks.reserve(lastStamp);
    this.#progressed();
  }
}
