/**
 * PadKeeper: writes blocks to the pad, and syncs it for `--fsync always`: group commit.
 *
 * On a disk that is quick a turn's replies wait for nothing: the first that is about to leave
 * syncs in the same turn, for all of them. Another thread would cost more than it could save.
 *
 *   turn: commands | write | sync | replies ...   quick
 *
 *   turn 1 | turn 2 | turn 3 ...      slow: each turn writes its block to the pad
 *   sync ----------> sync ---------->  one at a time; what came meanwhile goes with the next
 *
 * Which of the two a disk is shows in how long syncs take; a slow one is tried again now and then.
 *
 * If clients are many and the disk is slow, one half of them waits for the sync of the other half
 * and each sync serves half of what it could. This shows in that nothing comes for the second half
 * of a sync. The next one then waits until all have come who are about to, at most as long as
 * the last one took.
 *
 * If the pad fails, replies wait for the store, and it is tried again within a second.
 */
import type { Timer, World } from '../../world/world.js';
import type { Settings } from '../config/settings.js';
import type { Log } from '../server/log.js';
import type { LogQueue } from './log-queue.js';
import type { Pad } from './pad.js';

/** Shorter syncs are not worth waiting for company, ms. */
const LONG_SYNC_MS = 1;
/** A disk that was slow in a turn is tried again after so many times what that took. */
const RESPITE_FACTOR = 100;
/** Weight of the last sync in the time that they usually take. */
const LAST_WEIGHT = 1 / 8;

export interface PadKeeperEvents {
  /** More is safe. */
  progressed(): void;
  /** How many wait. */
  waitingCount(): number;
}

export class PadKeeper {
  syncs = 0;
  readonly #world: World;
  readonly #settings: Settings;
  readonly #log: Log;
  readonly #pad: Pad;
  readonly #queue: LogQueue;
  readonly #events: PadKeeperEvents;
  #isSyncing = false;
  /** It has failed, and is left alone until the next second. */
  #isBroken = false;
  #lastBlockMs = 0;
  /** So many are about to wait: until then, or until the timer says so, no sync begins. */
  #expectedCount = 0;
  #patience: Timer | undefined;
  /** What a sync in a turn usually takes, ms; no more of them before the moment after it. */
  #usualMs = 0;
  #quickFromMs = 0;

  constructor(
    components: { world: World; settings: Settings; log: Log; pad: Pad; queue: LogQueue },
    events: PadKeeperEvents,
  ) {
    this.#world = components.world;
    this.#settings = components.settings;
    this.#log = components.log;
    this.#pad = components.pad;
    this.#queue = components.queue;
    this.#events = events;
  }

  /** All blocks are in the pad: nobody waits for the store. */
  get hasAll(): boolean {
    return this.#pad.number >= this.#queue.addedNumber;
  }

  /** Blocks up to this one survive a crash of the process. */
  get writtenNumber(): number {
    return Math.max(this.#queue.writtenNumber, this.#pad.number);
  }

  /** Blocks up to this one survive a crash of the machine. */
  get syncedNumber(): number {
    const { syncedNumber } = this.#queue;
    const isJoined = this.#pad.firstNumber <= syncedNumber + 1;
    return isJoined ? Math.max(this.#pad.syncedNumber, syncedNumber) : syncedNumber;
  }

  /** Takes a block that is on its way to the store. */
  add(number: number, block: Buffer): void {
    if (this.#isBroken) return;
    const { syncedNumber, writtenNumber } = this.#queue;
    const storedNumber = this.#isSynced ? syncedNumber : writtenNumber;
    this.#lastBlockMs = this.#world.clock.monotonicMs();
    try {
      this.#pad.add(number, block, storedNumber);
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Syncs at once what somebody is about to wait for, if that is quick. True: all is synced. */
  syncInTurn(): boolean {
    const pad = this.#pad;
    const { clock, disk } = this.#world;
    if (!this.#isSynced || disk.quickSyncMs === 0 || this.#isSyncing || !this.hasAll) return false;
    if (pad.firstNumber > this.#queue.syncedNumber + 1) return false;
    const startMs = clock.monotonicMs();
    if (startMs < this.#quickFromMs) return false;
    try {
      pad.syncNow();
    } catch (error) {
      this.#failed(error);
      return false;
    }
    this.syncs += 1;
    const endMs = clock.monotonicMs();
    const tookMs = endMs - startMs;
    this.#usualMs += (tookMs - this.#usualMs) * LAST_WEIGHT;
    if (this.#usualMs > disk.quickSyncMs) {
      this.#usualMs = disk.quickSyncMs;
      this.#quickFromMs = endMs + tookMs * RESPITE_FACTOR;
    }
    return true;
  }

  /** Somebody waits: sees to it that what they wait for happens. */
  press(): void {
    if (!this.hasAll) this.#queue.flush();
    else if (this.#isSynced) this.#sync();
  }

  /** What the other half of the pad holds is synced in time, before that is needed again. */
  makeRoom(): void {
    const { syncedNumber, writtenNumber } = this.#queue;
    const { otherHalfNumber } = this.#pad;
    const isDue = otherHalfNumber > syncedNumber && otherHalfNumber <= writtenNumber;
    if (this.#isSynced && isDue) void this.#queue.sync();
  }

  /** Begins anew, where the store is now. */
  restart(): void {
    try {
      this.#pad.restart(this.#queue.writtenNumber);
    } catch (error) {
      this.#failed(error);
    }
  }

  everySecond(): void {
    this.#isBroken = false;
  }

  close(): Promise<void> {
    this.#patience?.cancel();
    return this.#pad.close();
  }

  get #isSynced(): boolean {
    return this.#settings.fsync === 'always';
  }

  #sync(): void {
    const pad = this.#pad;
    if (this.#isSyncing || this.#isToWait()) return;
    // After `everysec` the store may have what nobody has synced.
    if (pad.firstNumber > this.#queue.syncedNumber + 1) void this.#queue.sync();
    if (pad.number <= pad.syncedNumber) return;
    this.#isSyncing = true;
    const startMs = this.#world.clock.monotonicMs();
    pad.sync().then(
      () => this.#synced(startMs),
      (error: unknown) => {
        this.#isSyncing = false;
        this.#failed(error);
      },
    );
  }

  #synced(startMs: number): void {
    this.#isSyncing = false;
    this.syncs += 1;
    const nowMs = this.#world.clock.monotonicMs();
    const tookMs = nowMs - startMs;
    const waiting = this.#events.waitingCount();
    if (tookMs >= LONG_SYNC_MS && nowMs - this.#lastBlockMs > tookMs / 2) {
      this.#expectedCount = waiting;
      this.#patience = this.#world.timers.after(tookMs, () => {
        this.#endPatience();
        if (this.#events.waitingCount() > 0) this.press();
      });
    }
    this.#events.progressed();
  }

  /** Whether company is to be waited for. */
  #isToWait(): boolean {
    if (this.#patience === undefined) return false;
    if (this.#events.waitingCount() < this.#expectedCount) return true;
    this.#endPatience();
    return false;
  }

  #endPatience(): void {
    this.#patience?.cancel();
    this.#patience = undefined;
    this.#expectedCount = 0;
  }

  #failed(error: unknown): void {
    this.#log.warn({ err: error }, 'cannot write to the pad');
    this.#isBroken = true;
    this.#endPatience();
    this.#pad.forget(0);
    this.#queue.flush();
  }
}
