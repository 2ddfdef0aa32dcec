/**
 * Loader: reads the log of a node into its empty store, in slices, and looks at every block.
 *
 *   first                     last that closes     last
 *     | block block block block block |  block block |
 *     '-------- read ----------------'  '--- cut ---'
 *
 * What cannot be read is one of two things. Behind the block that was known to be synced
 * (`syncedNumber`), it is the torn tail of a crash: nobody was promised that it is safe; it is cut
 * off, with all that follows. Before it, it is damage: what was safe is not there. Then the load
 * fails and says what is lost, unless `skipsDamage`: then the rest is loaded without it.
 */

import { type LogPut, type LogStore, LogStoreError } from '../../world/log-store.js';
import type { Clock, World } from '../../world/world.js';
import type { Log } from '../server/log.js';
import type { Database } from '../store/database.js';
import type { Store } from '../store/store.js';
import {
  BLOCK_KEYS_END,
  type BlockHeader,
  blockKey,
  blockNumber,
  FIRST_BLOCK_KEY,
  readBlock,
} from './block.js';
import { crc32 } from './crc32.js';
import { Replayer } from './replayer.js';

/** Time that reading takes of one turn of the event loop, ms. */
const SLICE_MS = 8;
/** Records read between two looks at the clock. */
const RECORDS_PER_LOOK = 64;
/** A line of the log so often, ms. */
const PROGRESS_MS = 2000;
/** Keys removed by one batch. */
const REMOVAL_KEYS_MAX = 1024;
/** Descriptions of damage kept. */
const DAMAGE_MAX = 16;

/** Says from which block on the log is to be read, written when a sweep ends. */
const START_KEY = Buffer.from('a', 'latin1');
const START_BYTES = 12;

export interface LoadOptions {
  /** Blocks up to this one were known to be synced. */
  readonly syncedNumber: number;
  readonly skipsDamage: boolean;
}

export class LoadError extends Error {
  readonly code: 'DAMAGED' | 'NEWER_VERSION';

  constructor(code: LoadError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

export class Loader {
  readonly startedMs: number;
  /** Blocks and their bytes, read so far and altogether. */
  blocks = 0;
  bytes = 0;
  totalBytes = 0;
  firstNumber = 1;
  lastNumber = 0;
  /** What is lost, in words. */
  readonly damage: string[] = [];
  cutBlocks = 0;
  readonly replayer: Replayer;
  readonly #world: World;
  readonly #logStore: LogStore;
  readonly #log: Log;
  readonly #options: LoadOptions;
  readonly #header: BlockHeader = { number: 0, sealedMs: 0, closes: false };
  #sealedMs = 0;
  #sliceEndMs = 0;
  #progressMs: number;

  constructor(
    components: { world: World; store: Store; logStore: LogStore; log: Log },
    slots: readonly Database[],
    options: LoadOptions,
  ) {
    this.#world = components.world;
    this.#logStore = components.logStore;
    this.#log = components.log;
    this.#options = options;
    this.replayer = new Replayer(components.store, slots);
    this.startedMs = this.#clock.wallMs();
    this.#progressMs = this.#clock.monotonicMs() + PROGRESS_MS;
  }

  /** Reads everything. Rejects with a `LoadError` or a `LogStoreError`. */
  async load(): Promise<void> {
    this.totalBytes = await this.#logStore.bytes();
    this.firstNumber = await this.#readStart();
    const last = await this.#lastClosing();
    await this.#read(last);
    while (this.replayer.purge()) await this.#breathe();
    await this.#removeOutside();
  }

  get #clock(): Clock {
    return this.#world.clock;
  }

  /** The block that the log begins with. */
  async #readStart(): Promise<number> {
    for await (const pairs of this.#pairs({ from: START_KEY, to: FIRST_BLOCK_KEY })) {
      const { value } = pairs[0]!;
      const isSound = value.length === START_BYTES && value.readUInt32LE(8) === crc32(value, 0, 8);
      if (isSound) return value.readDoubleLE(0);
      this.#damaged('where the log begins');
    }
    // No sweep has ended yet. Whatever the first block is that can be read: the log began with 1.
    return 1;
  }

  /** The last block that closes a run, among those that can be read without a gap at the end. */
  async #lastClosing(): Promise<number> {
    const header: BlockHeader = { number: 0, sealedMs: 0, closes: false };
    const { syncedNumber } = this.#options;
    let last = 0;
    let cut = 0;
    const range = { from: blockKey(this.firstNumber), to: BLOCK_KEYS_END, reverse: true };
    for await (const pairs of this.#pairs(range)) {
      for (const { key, value } of pairs) {
        const number = blockNumber(key);
        // Up to here every block is looked at as it is read.
        if (number <= syncedNumber && cut === 0) last = Math.max(last, number);
        const problem = readBlock(value, header);
        if (problem === undefined && header.closes) {
          this.cutBlocks = cut;
          return Math.max(last, number);
        }
        if (problem === 'a newer version') this.#newer();
        if (number <= syncedNumber) return Math.max(last, number);
        cut += 1;
      }
    }
    this.cutBlocks = cut;
    return last;
  }

  async #read(last: number): Promise<void> {
    const { syncedNumber } = this.#options;
    let expected = this.firstNumber;
    const range = { from: blockKey(this.firstNumber), to: blockKey(last + 1) };
    for await (const pairs of this.#pairs(range)) {
      for (const { key, value } of pairs) {
        const number = blockNumber(key);
        const isMissing = number !== expected;
        const problem = readBlock(value, this.#header);
        if (problem === 'a newer version') this.#newer();
        if (isMissing || problem !== undefined || this.#header.number !== number) {
          if (expected > syncedNumber) {
            this.cutBlocks += last - expected + 1;
            this.lastNumber = expected - 1;
            return;
          }
          const what = isMissing
            ? `blocks ${expected} to ${number - 1} are missing`
            : `block ${number}: ${problem ?? 'it is another one'}`;
          this.#damaged(`${what}, written ${this.#when()}`);
          this.replayer.skip();
          expected = number + 1;
          if (problem !== undefined) continue;
        }
        expected = number + 1;
        this.#sealedMs = this.#header.sealedMs;
        await this.#readRecords(value);
      }
    }
    this.lastNumber = Math.max(expected - 1, 0);
    if (this.lastNumber < syncedNumber) {
      const missing = `blocks ${expected} to ${syncedNumber} are missing`;
      this.#damaged(`${missing}, written ${this.#when()}`);
    }
  }

  async #readRecords(block: Buffer): Promise<void> {
    this.blocks += 1;
    this.bytes += block.length;
    this.replayer.begin(block);
    while (this.replayer.step(RECORDS_PER_LOOK)) {
      if (this.#clock.monotonicMs() >= this.#sliceEndMs) await this.#breathe();
    }
  }

  /** Lets others have a turn. */
  async #breathe(): Promise<void> {
    if (this.#clock.monotonicMs() < this.#sliceEndMs) return;
    await new Promise<void>((resolve) => this.#world.timers.soon(resolve));
    const nowMs = this.#clock.monotonicMs();
    this.#sliceEndMs = nowMs + SLICE_MS;
    if (nowMs < this.#progressMs) return;
    this.#progressMs = nowMs + PROGRESS_MS;
    const { bytes, totalBytes } = this;
    const { records } = this.replayer;
    this.#log.info({ records, bytes, totalBytes }, 'loading');
  }

  /** Removes what was cut off, and what a sweep had no time to remove. */
  async #removeOutside(): Promise<void> {
    const ranges = [
      { from: FIRST_BLOCK_KEY, to: blockKey(this.firstNumber) },
      { from: blockKey(this.lastNumber + 1), to: BLOCK_KEYS_END },
    ];
    for (const range of ranges) {
      for await (const pairs of this.#pairs(range)) {
        for (let at = 0; at < pairs.length; at += REMOVAL_KEYS_MAX) {
          const keys = pairs.slice(at, at + REMOVAL_KEYS_MAX).map(({ key }) => key);
          await this.#logStore.batch([], keys, true);
        }
      }
    }
  }

  async *#pairs(range: {
    readonly from: Buffer;
    readonly to: Buffer;
    readonly reverse?: boolean;
  }): AsyncGenerator<readonly LogPut[]> {
    try {
      yield* this.#logStore.iterate(range);
    } catch (error) {
      if (!(error instanceof LogStoreError) || error.code !== 'CORRUPT') throw error;
      this.#damaged(`the store of the log cannot be read: ${error.message}`);
    }
  }

  #when(): string {
    if (this.#sealedMs === 0) return 'at an unknown time';
    return `after ${new Date(this.#sealedMs).toISOString()}`;
  }

  #damaged(what: string): void {
    if (this.damage.length < DAMAGE_MAX) this.damage.push(what);
    if (!this.#options.skipsDamage) throw new LoadError('DAMAGED', what);
  }

  #newer(): never {
    throw new LoadError('NEWER_VERSION', 'the log was written by a newer version of dhash');
  }
}

/** The pair that says that the log begins with this block. */
export function startPair(number: number): LogPut {
  const value = Buffer.alloc(START_BYTES);
  value.writeDoubleLE(number, 0);
  value.writeUInt32LE(crc32(value, 0, 8), 8);
  return { key: START_KEY, value };
}
