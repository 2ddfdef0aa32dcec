/**
 * Marks: what a node notes about its log in the durable records: up to which block it is known to be
 * synced, and which stamps are reserved ahead of use, so that no later life issues one again.
 */
import type { Log } from '../server/log.js';
import type { DurableRecords } from './durable-records.js';

/** Stamps are reserved so far ahead, and anew when half of it is used, ms. */
const RESERVE_MS = 1000;
const STAMPS_PER_MS = 4096;

const RECORD_SYNCED = 'synced';
const RECORD_STAMP = 'stamp';

export class Marks {
  /** No stamp up to this one is issued by a later life. */
  reservedStamp = 0;
  /** As the records have it. */
  syncedNumber: number;
  readonly #records: DurableRecords;
  readonly #log: Log;
  #isReserving = false;

  constructor(components: { records: DurableRecords; log: Log }) {
    this.#records = components.records;
    this.#log = components.log;
    this.syncedNumber = numberOf(this.#records.get(RECORD_SYNCED));
  }

  /** What an earlier life may have issued. */
  get stampBefore(): number {
    return numberOf(this.#records.get(RECORD_STAMP));
  }

  /** Whether a new reservation is to be made, the last stamp being this one. */
  isShort(lastStamp: number): boolean {
    return !this.#isReserving && this.reservedStamp - lastStamp <= (RESERVE_MS / 2) * STAMPS_PER_MS;
  }

  /** Rejects with the disk's error. */
  async reserve(lastStamp: number): Promise<void> {
    this.#isReserving = true;
    const stamp = lastStamp + RESERVE_MS * STAMPS_PER_MS;
    try {
      await this.#records.put(RECORD_STAMP, bytesOf(stamp));
      this.reservedStamp = stamp;
    } finally {
      this.#isReserving = false;
    }
  }

  /** Notes what is synced. If the disk fails, an older note is true too. */
  async saveSynced(number: number): Promise<void> {
    if (number <= this.syncedNumber) return;
    this.syncedNumber = number;
    await this.#put([[RECORD_SYNCED, number]]);
  }

  /** The node stops: notes exactly how it is. */
  saveAll(syncedNumber: number, stamp: number): Promise<void> {
    return this.#put([
      [RECORD_STAMP, stamp],
      [RECORD_SYNCED, syncedNumber],
    ]);
  }

  async #put(pairs: readonly (readonly [name: string, number: number])[]): Promise<void> {
    const puts = pairs.map(([name, number]) => this.#records.put(name, bytesOf(number)));
    await Promise.all(puts).catch((error: unknown) => {
      this.#log.warn({ err: error }, 'cannot write durable records');
    });
  }
}

function numberOf(bytes: Buffer | undefined): number {
  return bytes === undefined ? 0 : bytes.readDoubleLE(0);
}

function bytesOf(number: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(number, 0);
  return bytes;
}
