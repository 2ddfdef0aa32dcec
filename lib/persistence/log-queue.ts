/**
 * LogQueue: blocks on their way to the LogStore, one batch at a time. What arrives while a batch
 * is under way goes with the next one, all of it at once (group commit).
 *
 *   added >= closed >= written >= synced          numbers of blocks; synced <= written
 *
 * A batch that fails is as good as lost: the store is closed and opened anew, what it then holds
 * is the truth, and the rest is written again. This goes on until it succeeds.
 *
 * Invariant: blocks are written in the order of their numbers, without a gap.
 */

import type { LogPut, LogStore, OpenLogStore } from '../../world/log-store.js';
import type { Timer, World } from '../../world/world.js';
import { BLOCK_KEYS_END, blockKey, blockNumber, FIRST_BLOCK_KEY, sealBlock } from './block.js';
import type { FilledBlock } from './record-writer.js';

/** Bytes of one batch, more only if a block is. */
const BATCH_BYTES_MAX = 4 * 1024 * 1024;
/**
 * Of one that nobody waits for, while there is little to write: the store copies each into memory
 * that is taken anew, and above this that costs thrice as much a byte. But each takes a turn of the loop.
 */
const SHORT_BATCH_BYTES_MAX = 256 * 1024;
/** More bytes than this are no longer little. */
const BACKLOG_BYTES = 1024 * 1024;
/** Blocks of one batch. */
const BATCH_BLOCKS_MAX = 1024;
/** Keys removed by one batch. */
const REMOVAL_KEYS_MAX = 1024;
/** Batches that nobody waits for are gathered for so long, or until they have so many bytes. */
const GATHER_MS = 10;
const GATHER_BYTES = 192 * 1024;
/** A store that has failed is tried again after this, ms. */
const RETRY_MS = 500;

interface QueuedBlock extends FilledBlock {
  readonly number: number;
}

export interface LogQueueEvents {
  /** Whether the batch about to be written is to be synced before it counts as written. */
  mustSync(): boolean;
  /** A block was sealed. */
  sealed(number: number, block: Buffer): void;
  /** Whether somebody waits for blocks to be written. */
  isAwaited(): boolean;
  /** Blocks have become written, or synced. */
  progressed(): void;
  /** Nothing can be written; called once until `recovered`. */
  failed(error: unknown): void;
  /** Writing goes on. `isWhole` is false if blocks that had been written are gone. */
  recovered(isWhole: boolean): void;
  giveBack(buf: Buffer): void;
}

export class LogQueue {
  /** The last block that was added, and the last of them that closes a run. */
  addedNumber = 0;
  closedNumber = 0;
  /** The last block that survives a crash of the process; that survives one of the machine. */
  writtenNumber = 0;
  syncedNumber = 0;
  /** Bytes of blocks that wait or are under way. */
  queuedBytes = 0;
  /** Bytes written since the start. */
  writtenBytes = 0;
  batches = 0;
  syncs = 0;
  isFailed = false;

  readonly #world: World;
  readonly #open: OpenLogStore;
  readonly #events: LogQueueEvents;
  #store: LogStore;
  #queue: QueuedBlock[] = [];
  /** Goes with the batch that has this block. */
  #companion: { readonly number: number; readonly put: LogPut } | undefined;
  #isBusy = false;
  /** Blocks [removeFrom, removeTo) are to be removed. */
  #removeFrom = 0;
  #removeTo = 0;
  #retry: Timer | undefined;
  #gathering: Timer | undefined;
  #isClosed = false;
  #syncing: Promise<void> | undefined;
  #isSyncWanted = false;
  #idle: (() => void)[] = [];

  constructor(
    components: { world: World; store: LogStore; open: OpenLogStore },
    events: LogQueueEvents,
  ) {
    this.#world = components.world;
    this.#store = components.store;
    this.#open = components.open;
    this.#events = events;
  }

  /** The store has blocks up to this one, all of them safe. */
  startAt(number: number): void {
    this.addedNumber = number;
    this.closedNumber = number;
    this.writtenNumber = number;
    this.syncedNumber = number;
  }

  /** The disk has failed elsewhere: nothing counts as written before it works again. */
  fail(error: unknown): void {
    this.#fail(error);
  }

  get store(): LogStore {
    return this.#store;
  }

  get isIdle(): boolean {
    return this.#queue.length === 0 && !this.#isBusy;
  }

  /** Blocks to be written, soon. */
  add(blocks: readonly FilledBlock[]): void {
    const sealedMs = this.#world.clock.wallMs();
    for (const block of blocks) {
      this.addedNumber += 1;
      const number = this.addedNumber;
      sealBlock(block.buf, block.end, { number, sealedMs, closes: block.closes });
      this.#events.sealed(number, block.buf.subarray(0, block.end));
      this.#queue.push({ ...block, number });
      this.queuedBytes += block.end;
      if (block.closes) this.closedNumber = number;
    }
    this.pump();
  }

  /** Writes a pair together with the last block that was added, or before any later one. */
  accompany(put: LogPut): void {
    this.#companion = { number: this.addedNumber, put };
    this.pump();
  }

  /** Removes blocks [from, to), in pieces. */
  remove(from: number, to: number): void {
    this.#removeFrom = from;
    this.#removeTo = to;
    this.pump();
  }

  /** Forgets blocks that wait; their numbers are used again. */
  discard(): void {
    const kept = this.#isBusy ? this.#queue.filter((block) => this.#underWay.has(block)) : [];
    for (const block of this.#queue) {
      if (kept.includes(block)) continue;
      this.queuedBytes -= block.end;
      this.#events.giveBack(block.buf);
    }
    this.#queue = kept;
    this.addedNumber = kept.at(-1)?.number ?? this.writtenNumber;
    this.closedNumber = Math.min(this.closedNumber, this.addedNumber);
    this.#companion = undefined;
  }

  /** Resolves once nothing waits, or it has failed. */
  drained(): Promise<void> {
    if (this.isIdle || this.isFailed) return Promise.resolve();
    const idle = new Promise<void>((resolve) => this.#idle.push(resolve));
    this.flush();
    return idle;
  }

  /** All that is written by now is made safe from a crash of the machine. One sync at a time. */
  async sync(): Promise<void> {
    this.#isSyncWanted = true;
    this.#syncing ??= this.#syncAll();
    await this.#syncing;
  }

  async #syncAll(): Promise<void> {
    while (this.#isSyncWanted) {
      this.#isSyncWanted = false;
      await this.#syncOnce();
    }
    this.#syncing = undefined;
  }

  async #syncOnce(): Promise<void> {
    const number = this.writtenNumber;
    if (number === this.syncedNumber || this.isFailed) return;
    const store = this.#store;
    try {
      await store.sync();
    } catch (error) {
      if (store === this.#store) this.#fail(error);
      return;
    }
    this.syncs += 1;
    if (number > this.syncedNumber) this.syncedNumber = number;
    this.#events.progressed();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#retry?.cancel();
    this.#gathering?.cancel();
    await this.#store.close();
  }

  #underWay = new Set<QueuedBlock>();

  /** Writes what there is, if nothing is under way and it is worth it. */
  pump(): void {
    if (this.#isBusy || this.isFailed || this.#isClosed) return;
    if (this.#queue.length > 0 && this.queuedBytes < GATHER_BYTES && !this.#isUrgent()) {
      this.#gathering ??= this.#world.timers.after(GATHER_MS, () => {
        this.#gathering = undefined;
        this.flush();
      });
      return;
    }
    this.flush();
  }

  #isUrgent(): boolean {
    const { mustSync, isAwaited } = this.#events;
    return mustSync() || isAwaited() || this.#idle.length > 0 || this.#companion !== undefined;
  }

  /** Writes what there is, if nothing is under way. */
  flush(): void {
    if (this.#isBusy || this.isFailed || this.#isClosed) return;
    const isPressed = this.queuedBytes > BACKLOG_BYTES || this.#isUrgent();
    const batch = this.#nextBatch(isPressed ? BATCH_BYTES_MAX : SHORT_BATCH_BYTES_MAX);
    if (batch.puts.length === 0 && batch.deletes.length === 0) {
      for (const resolve of this.#idle.splice(0)) resolve();
      return;
    }
    this.#isBusy = true;
    const isSynced = this.#events.mustSync() || batch.companion !== undefined;
    const store = this.#store;
    store.batch(batch.puts, batch.deletes, isSynced).then(
      () => this.#wrote(batch, isSynced),
      (error: unknown) => this.#fail(error),
    );
  }

  #nextBatch(bytesMax: number): Batch {
    const blocks: QueuedBlock[] = [];
    let bytes = 0;
    for (const block of this.#queue) {
      const isFull = bytes + block.end > bytesMax || blocks.length === BATCH_BLOCKS_MAX;
      if (isFull && blocks.length > 0) break;
      blocks.push(block);
      bytes += block.end;
    }
    const puts: LogPut[] = blocks.map(({ number, buf, end }) => ({
      key: blockKey(number),
      value: buf.subarray(0, end),
    }));
    const last = blocks.at(-1)?.number ?? this.writtenNumber;
    const companion =
      this.#companion !== undefined && this.#companion.number <= last ? this.#companion : undefined;
    if (companion !== undefined) puts.push(companion.put);
    const deletes: Buffer[] = [];
    if (blocks.length === 0) {
      const to = Math.min(this.#removeTo, this.#removeFrom + REMOVAL_KEYS_MAX);
      for (let number = this.#removeFrom; number < to; number += 1) deletes.push(blockKey(number));
    }
    this.#underWay = new Set(blocks);
    return { blocks, puts, deletes, bytes, companion };
  }

  #wrote({ blocks, deletes, bytes, companion }: Batch, isSynced: boolean): void {
    this.#isBusy = false;
    this.batches += 1;
    if (isSynced) this.syncs += 1;
    this.#queue.splice(0, blocks.length);
    this.#underWay.clear();
    this.queuedBytes -= bytes;
    this.writtenBytes += bytes;
    for (const { buf } of blocks) this.#events.giveBack(buf);
    if (blocks.length > 0) this.writtenNumber = blocks.at(-1)!.number;
    if (isSynced) this.syncedNumber = this.writtenNumber;
    if (companion === this.#companion) this.#companion = undefined;
    this.#removeFrom += deletes.length;
    this.pump();
    this.#events.progressed();
  }

  // Failure.

  #fail(error: unknown): void {
    this.#isBusy = false;
    this.#underWay.clear();
    if (this.#isClosed || this.isFailed) return;
    this.isFailed = true;
    for (const resolve of this.#idle.splice(0)) resolve();
    this.#events.failed(error);
    this.#planRetry();
  }

  #planRetry(): void {
    if (this.#isClosed) return;
    this.#retry = this.#world.timers.after(RETRY_MS, () => void this.#reopen(), true);
  }

  /** Opens the store anew and makes sure that it takes what waits. */
  async #reopen(): Promise<void> {
    let isWhole: boolean;
    try {
      await this.#store.close();
      if (this.#isClosed) return;
      this.#store = await this.#open();
      const last = await lastBlockNumber(this.#store);
      isWhole = last >= this.writtenNumber;
      if (isWhole) this.#forget(last);
      await this.#writeQueue();
    } catch {
      this.#planRetry();
      return;
    }
    if (this.#isClosed) {
      await this.#store.close();
      return;
    }
    this.isFailed = false;
    this.#events.recovered(isWhole);
    this.#events.progressed();
    this.pump();
  }

  /** The store has blocks up to this one. */
  #forget(number: number): void {
    while (this.#queue.length > 0 && this.#queue[0]!.number <= number) {
      const { buf, end } = this.#queue.shift()!;
      this.queuedBytes -= end;
      this.#events.giveBack(buf);
    }
    this.writtenNumber = Math.max(this.writtenNumber, number);
  }

  /** Writes all that waits, or at least something, and syncs. */
  async #writeQueue(): Promise<void> {
    while (this.#queue.length > 0) {
      const { puts, blocks } = this.#nextBatch(BATCH_BYTES_MAX);
      this.#underWay.clear();
      await this.#store.batch(puts, [], true);
      this.#forget(blocks.at(-1)!.number);
    }
    await this.#store.batch([{ key: PROBE_KEY, value: Buffer.alloc(1) }], [], true);
    this.syncedNumber = this.writtenNumber;
  }
}

/** A pair that says nothing: written to see whether writing is possible. */
const PROBE_KEY = Buffer.from('A', 'latin1');

interface Batch {
  readonly blocks: readonly QueuedBlock[];
  readonly puts: readonly LogPut[];
  readonly deletes: readonly Buffer[];
  readonly bytes: number;
  readonly companion: { readonly number: number; readonly put: LogPut } | undefined;
}

/** The number of the last block in a store; 0 if there is none. */
export async function lastBlockNumber(store: LogStore): Promise<number> {
  const range = { from: FIRST_BLOCK_KEY, to: BLOCK_KEYS_END, reverse: true };
  for await (const pairs of store.iterate(range)) return blockNumber(pairs[0]!.key);
  return 0;
}
