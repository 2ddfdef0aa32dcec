/**
 * RestoreIntake: takes the chunks of a backup (backup-stream.ts) into a store, entry by entry by
 * the merge rule, so that the chunks of several backups may come one after the other.
 */
import { EntryApplier } from '../../radix/sync/entry-applier.js';
import { FRAME_BYTES_MAX, FrameReader } from '../../radix/sync/frame.js';
import type { Task } from '../../radix/sync/link.js';
import { FRAME_ENTRIES, FRAME_VALUE } from '../../radix/sync/messages.js';
import { Replica } from '../../radix/sync/replica.js';
import { SyncError } from '../../radix/sync/sync-error.js';
import type { Database } from '../store/database.js';
import { ReplicatedDatabase } from '../store/replicated-database.js';

/** All keys. */
const WHOLE = { from: null, to: null };

export interface IntakeOptions {
  /** Longest value, bytes. */
  readonly valueBytesMax: number;
  /** What expires at or before this time is left out; ms since 1970. */
  readonly expiredUntilMs: () => number;
}

export class RestoreIntake {
  readonly #applier: EntryApplier;

  constructor(databases: readonly Database[], options: IntakeOptions) {
    const replicated = databases.map((database) => new ReplicatedDatabase(database));
    this.#applier = new EntryApplier(new Replica(replicated, WHOLE), 'two-way', options);
  }

  /** Records taken so far, and those that changed something. */
  get receivedCount(): number {
    return this.#applier.receivedCount;
  }

  get appliedCount(): number {
    return this.#applier.appliedCount;
  }

  /** Whether what was taken so far ends with a whole record. */
  get isWhole(): boolean {
    return this.#applier.isBetweenRecords;
  }

  /** Takes a chunk, yielding between slices of work. Throws a SyncError if it is none. */
  *push(chunk: Buffer): Task<void> {
    const reader = new FrameReader(chunk.length + FRAME_BYTES_MAX);
    reader.push(chunk);
    for (let frame = reader.next(); frame !== null; frame = reader.next()) {
      if (frame.type === FRAME_ENTRIES) yield* this.#applier.push(frame.payload);
      else if (frame.type === FRAME_VALUE) yield* this.#applier.pushValue(frame.payload);
      else throw new SyncError('SYNC_PROTOCOL', `a frame of type ${frame.type} in a backup`);
    }
    if (reader.heldBytes > 0) throw new SyncError('SYNC_BAD_FRAME', 'a frame is cut off');
  }

  close(): void {
    this.#applier.close();
  }
}
