/**
 * BackupStream: everything that a store held at one moment, as frames of records, while writers go
 * on. The records are those of sync (radix/sync/entry-codec.ts), stamps, origins, tombstones and
 * clears included, so that several backups merge into what all of them together held.
 *
 *   snapshots   of all databases, opened in one turn
 *       |       entry by entry, elements behind their head
 *   records     ENTRIES [..rec][record][rec..    VALUE [64 KiB] VALUE [64 KiB] ... of a big one
 *       |
 *   chunk       whole frames, about CHUNK_BYTES; a big value goes on in the next ones
 *
 * Invariant: a value is copied, or held, in the turn in which its record is written: what a
 * snapshot has passed may change.
 *
 * Memory is used again for each chunk, and a chunk fits into what replies use again: memory that is taken
 * anew makes the garbage collector hold up all clients, again and again, for 5 to 15 ms.
 */
import type { BigValues, HeldValue } from '../../radix/big-values.js';
import { HeadParts } from '../../radix/head.js';
import { KIND_HEAD } from '../../radix/leaf.js';
import { Snapshot } from '../../radix/snapshot.js';
import { ByteWriter } from '../../radix/sync/bytes.js';
import { type BigValue, RecordEncoder } from '../../radix/sync/entry-codec.js';
import { HEADER_BYTES_MAX, PAYLOAD_BYTES_MAX, putFrameHeader } from '../../radix/sync/frame.js';
import { FRAME_ENTRIES, FRAME_VALUE } from '../../radix/sync/messages.js';
import type { Tree } from '../../radix/tree.js';
import { holdValue } from '../../radix/value.js';
import type { Store } from '../store/store.js';

/** A chunk that has become this long ends; with its last record it is at most twice as long. */
export const CHUNK_BYTES = 128 * 1024;

export class BackupStream {
  /** Records written so far. */
  recordCount = 0;
  readonly #snapshots: readonly Snapshot[];
  readonly #clears: readonly number[];
  readonly #encoder = new RecordEncoder();
  readonly #parts = new HeadParts();
  readonly #records = new ByteWriter();
  /** Whole frames of the chunk at hand. */
  readonly #frames = new ByteWriter();
  #db = -1;
  #isAmongElements = false;
  readonly #bigValues: BigValues;
  /** The value that is being written, and how far it is. */
  #big: HeldValue | null = null;
  #bigAt = 0;

  /** Must be closed. */
  constructor(store: Store) {
    this.#snapshots = store.databases.map(({ tree }) => new Snapshot(tree));
    this.#bigValues = store.space.bigValues;
    this.#clears = store.databases.map(({ clearedAt }) => clearedAt);
  }

  /**
   * Writes so many records and pieces of values at most, fewer if a chunk is full; false: there are none left. Throws a
   * SnapshotLostError if writers have used up the memory that the past needs.
   */
  write(recordsMax: number): boolean {
    for (let left = recordsMax; left > 0 && !this.isFull; left -= 1) {
      if (!this.#next()) return false;
    }
    return true;
  }

  get isFull(): boolean {
    return this.#frames.length + this.#records.length >= CHUNK_BYTES;
  }

  /** What was written since the last chunk, valid until the next `write`; empty if nothing was. */
  takeChunk(): Buffer {
    this.#flush();
    const chunk = this.#frames.view();
    this.#frames.clear();
    return chunk;
  }

  close(): void {
    this.#releaseBig();
    for (const snapshot of this.#snapshots) snapshot.close();
  }

  #next(): boolean {
    if (this.#big !== null) {
      this.#piece(this.#big);
      return true;
    }
    const snapshot = this.#snapshots[this.#db];
    if (this.#isAmongElements) {
      this.#isAmongElements = snapshot!.nextElement();
      if (this.#isAmongElements) this.#element(snapshot!);
      return true;
    }
    if (snapshot?.next() === true) {
      this.#entry(snapshot);
      return true;
    }
    this.#db += 1;
    if (this.#db === this.#snapshots.length) return false;
    const clearedAt = this.#clears[this.#db]!;
    if (clearedAt > 0) {
      this.#encoder.clear(this.#db, clearedAt, this.#records);
      this.recordCount += 1;
    }
    return true;
  }

  #entry({ leaf, tree }: Snapshot): void {
    this.#isAmongElements = tree.kind(leaf) === KIND_HEAD;
    if (this.#isAmongElements) this.#parts.load(tree.space.leaves, leaf);
    this.#add(this.#encoder.entry(this.#db, tree, leaf, this.#records), tree, leaf);
  }

  #element({ element, elementTree, leaf, tree }: Snapshot): void {
    const key = tree.key(leaf);
    const parts = this.#parts;
    const records = this.#records;
    const big = this.#encoder.element(this.#db, key, parts, elementTree, element, records);
    this.#add(big, elementTree, element);
  }

  #add(big: BigValue | null, tree: Tree, leaf: number): void {
    this.recordCount += 1;
    if (big === null) return;
    this.#flush();
    this.#big = holdValue(tree.space, leaf);
    this.#bigAt = 0;
  }

  #piece(big: HeldValue): void {
    const end = Math.min(big.bytes, this.#bigAt + PAYLOAD_BYTES_MAX);
    const bytes = end - this.#bigAt;
    const target = this.#beginFrame(FRAME_VALUE, bytes);
    this.#bigValues.readHeld(big, this.#bigAt, target, this.#frames.length, bytes);
    this.#frames.length += bytes;
    this.#bigAt = end;
    if (end === big.bytes) this.#releaseBig();
  }

  #releaseBig(): void {
    if (this.#big !== null) this.#bigValues.release(this.#big);
    this.#big = null;
  }

  #flush(): void {
    const bytes = this.#records.view();
    for (let at = 0; at < bytes.length; at += PAYLOAD_BYTES_MAX) {
      const end = Math.min(bytes.length, at + PAYLOAD_BYTES_MAX);
      this.#beginFrame(FRAME_ENTRIES, end - at);
      this.#frames.bytes(bytes, at, end);
    }
    this.#records.clear();
  }

  /** A frame whose payload is to follow; the buffer that it goes into. */
  #beginFrame(type: number, payloadBytes: number): Buffer {
    const frames = this.#frames;
    const target = frames.room(HEADER_BYTES_MAX + payloadBytes);
    frames.length = putFrameHeader(target, frames.length, type, payloadBytes);
    return target;
  }
}
