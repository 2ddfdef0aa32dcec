/**
 * Saves: SAVE and BGSAVE. The log already has, or soon has, all that is in memory; a save says when
 * all of what was there as it began is safe from a crash of the machine, and remembers when that was.
 *
 *   begin -> the run of blocks ends -> written -> synced: `lastSaveMs` is now
 *
 * Why syncs of their own accord (`--fsync everysec`) are no saves: scripts ask LASTSAVE, send BGSAVE and
 * ask LASTSAVE until it has changed; a sync that had begun before would tell them too early.
 */
import type { Clock } from '../../world/world.js';
import type { Store } from '../store/store.js';

interface Save {
  /** The last block that it waits for; infinite while that is not sealed. */
  number: number;
  readonly startedMs: number;
  readonly isInBackground: boolean;
  /** False: nobody has asked for a save, and LASTSAVE and its kin hear nothing of it. */
  readonly isCounted: boolean;
  /** Changes of the store when it began. */
  readonly dirty: number;
  readonly done: (isSaved: boolean) => void;
}

export class Saves {
  count = 0;
  /** When the last one was at its end, or everything had been loaded: ms since 1970. */
  lastSaveMs: number;
  /** What the last BGSAVE took; -1: there was none. */
  lastSeconds = -1;
  isLastGood = true;
  readonly #store: Store;
  readonly #clock: Clock;
  #savedDirty = 0;
  #saves: Save[] = [];

  constructor(components: { store: Store; clock: Clock }) {
    this.#store = components.store;
    this.#clock = components.clock;
    this.lastSaveMs = this.#clock.wallMs();
  }

  /** When the BGSAVE under way began; undefined: there is none. */
  get backgroundStartedMs(): number | undefined {
    return this.#saves.find(({ isInBackground }) => isInBackground)?.startedMs;
  }

  /** Changes since the last save began. */
  get unsavedChanges(): number {
    return this.#store.dirty - this.#savedDirty;
  }

  /** Everything there is has been loaded: it is saved. */
  loaded(): void {
    this.lastSaveMs = this.#clock.wallMs();
    this.#savedDirty = this.#store.dirty;
  }

  begin(
    number: number,
    isInBackground: boolean,
    done: (isSaved: boolean) => void,
    isCounted = true,
  ): void {
    const startedMs = this.#clock.wallMs();
    const { dirty } = this.#store;
    this.#saves.push({ number, startedMs, isInBackground, isCounted, dirty, done });
  }

  /** The run at hand has ended with this block. */
  sealed(number: number): void {
    for (const save of this.#saves) save.number = Math.min(save.number, number);
  }

  /** Blocks up to this one are synced. */
  release(syncedNumber: number): void {
    const saves = this.#saves;
    this.#saves = [];
    for (const save of saves) {
      if (save.number > syncedNumber) this.#saves.push(save);
      else this.#end(save, true);
    }
  }

  /** The highest block, up to this one, that a save waits for; 0: none does. */
  awaited(writtenNumber: number): number {
    return this.#saves.reduce(
      (highest, { number }) => (number <= writtenNumber ? Math.max(highest, number) : highest),
      0,
    );
  }

  /** Whether any is under way. */
  get isBusy(): boolean {
    return this.#saves.length > 0;
  }

  /** The disk has failed. */
  fail(): void {
    for (const save of this.#saves.splice(0)) this.#end(save, false);
  }

  #end({ isCounted, isInBackground, startedMs, dirty, done }: Save, isSaved: boolean): void {
    if (!isCounted) return done(isSaved);
    const nowMs = this.#clock.wallMs();
    if (isInBackground) this.lastSeconds = (nowMs - startedMs) / 1000;
    this.isLastGood = isSaved;
    if (isSaved) {
      this.count += 1;
      this.lastSaveMs = nowMs;
      this.#savedDirty = dirty;
    }
    done(isSaved);
  }
}
