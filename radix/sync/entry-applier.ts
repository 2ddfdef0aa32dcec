/**
 * EntryApplier: puts the records of the stream together again, and gives them to the local
 * databases: merged by the merge rule, or in a session that follows, as they are.
 *
 *   ENTRIES  ..rec][record][rec..      pieces -> records -> merge
 *   VALUE    [64 KiB]  [64 KiB] ...    -> a tree at the side, until the value is whole
 *
 * Memory: one record and what it decodes to, and the bytes of one big value that have come.
 */
import type { Leaf } from '../leaf.js';
import { Merger } from '../merge.js';
import { BigIntake } from './big-intake.js';
import { ByteReader } from './bytes.js';
import { PURGE_SLICE_ELEMENTS, purgeElements } from './element-purge.js';
import {
  badEntry,
  CODE_CLEAR,
  CODE_HEAD,
  decodeRecord,
  Incoming,
  RECORD_BYTES_MAX,
} from './entry-codec.js';
import { Follower } from './follower.js';
import type { Task } from './link.js';
import { isFollowing, type SyncMode } from './messages.js';
import { pendingPurges } from './purges.js';
import type { Replica } from './replica.js';
import { isSuperseded } from './superseded.js';
import { SyncError } from './sync-error.js';

/** Records merged in one slice of work. */
const SLICE_RECORDS = 256;
const VARINT_BYTES_MAX = 8;
/** Pieces of a record that are kept apart. */
const PIECES_MAX = 64;

const NOTHING = Buffer.alloc(0);

export interface ApplyOptions {
  readonly valueBytesMax: number;
  /** What expires at or before this time is refused; ms since 1970. */
  readonly expiredUntilMs: () => number;
  /**
   * Whether an entry of this stamp at a key may have been deleted, and the tombstone been collected:
   * it is refused then, unless something stands in its place. Default: never.
   */
  readonly isCollected?: (key: Buffer, stamp: number) => boolean;
}

export class EntryApplier {
  /** Whole records so far, and those that changed something. */
  receivedCount = 0;
  appliedCount = 0;
  /** A record has lost to something newer of another origin. Whoever asks sets it back. */
  hasSuperseded = false;

  readonly #replica: Replica;
  readonly #options: ApplyOptions;
  readonly #mergers: (Merger | undefined)[] = [];
  readonly #incoming = new Incoming();
  readonly #reader = new ByteReader(NOTHING);
  readonly #follower: Follower | null;
  #big: BigIntake | null = null;
  /** Bytes of a record that is not complete. */
  #pieces: Buffer[] = [];
  #pieceBytes = 0;
  /** With fewer bytes there is no use in looking. */
  #neededBytes = 1;

  constructor(replica: Replica, mode: SyncMode, options: ApplyOptions) {
    this.#replica = replica;
    this.#options = options;
    this.#follower = isFollowing(mode) ? new Follower(mode === 'follow-led') : null;
  }

  /** Whether the stream ends with a whole record. */
  get isBetweenRecords(): boolean {
    return this.#pieceBytes === 0 && this.#big === null;
  }

  /** Takes the next bytes of the stream. */
  *push(bytes: Buffer): Task<void> {
    if (this.#big !== null) throw new SyncError('SYNC_PROTOCOL', 'a record within a value');
    if (bytes.length === 0) throw new SyncError('SYNC_PROTOCOL', 'an empty frame');
    // A buffer for each byte of a record would take a hundred times as much.
    if (this.#pieces.length === PIECES_MAX) this.#pieces = [Buffer.concat(this.#pieces)];
    this.#pieces.push(Buffer.from(bytes));
    this.#pieceBytes += bytes.length;
    if (this.#pieceBytes < this.#neededBytes) return;
    const all = Buffer.concat(this.#pieces);
    let at = 0;
    this.#neededBytes = 1;
    for (let count = 1; at < all.length; count++) {
      const end = this.#endOfRecord(all, at);
      if (end === null) break;
      this.#neededBytes = 1;
      const reader = new ByteReader(all, at, end);
      reader.varint();
      at = end;
      yield* this.#apply(reader, at === all.length);
      if (count % SLICE_RECORDS === 0) yield 'slice';
    }
    this.#pieces = at < all.length ? [Buffer.from(all.subarray(at))] : [];
    this.#pieceBytes = all.length - at;
  }

  /** Takes the next bytes of a value. */
  *pushValue(bytes: Buffer): Task<void> {
    if (this.#big === null) throw new SyncError('SYNC_PROTOCOL', 'a value of nothing');
    const incoming = this.#incoming;
    this.#guard(() => this.#big!.push(bytes));
    if (!this.#big.isWhole) return;
    yield* guarded(this.#install(this.#big, incoming));
    this.#big = null;
  }

  /** Forgets the record whose value was coming. */
  abandonValue(): void {
    if (this.#big === null) throw new SyncError('SYNC_PROTOCOL', 'no value to abandon');
    this.close();
  }

  /** Gives back what is kept of a record that is not complete. */
  close(): void {
    this.#big?.close();
    this.#big = null;
  }

  /**
   * Merges up to `recordsMax` whole records of buf[from, to) at once, without a copy. Returns where it
   * stopped: before a record that is cut off, or takes slices, it stops earlier, and `push` is to go on.
   */
  applyAtOnce(buf: Buffer, from: number, to: number, recordsMax: number): number {
    if (!this.isBetweenRecords || this.#follower !== null) return from;
    try {
      let at = from;
      for (let count = 0; count < recordsMax && at < to; count++) {
        const end = this.#endOfRecord(buf, at, to);
        if (end === null || !this.#appliesAtOnce(buf, at, end)) break;
        at = end;
      }
      this.#neededBytes = 1;
      return at;
    } catch (error) {
      throw applyError(error);
    }
  }

  #appliesAtOnce(buf: Buffer, from: number, to: number): boolean {
    const incoming = this.#incoming;
    const reader = this.#reader;
    reader.reset(buf, from, to);
    reader.varint();
    decodeRecord(reader, incoming, this.#replica);
    if (incoming.code === CODE_CLEAR || incoming.isBig) return false;
    const merger = this.#mergerOf(incoming.db);
    const isApplied = this.#mergeSomeAtOnce(merger, incoming);
    if (merger.postponedClear > 0) return false;
    this.#countMerged(isApplied, merger);
    return true;
  }

  /** Where the record at `at` ends; null if it is not there yet. */
  #endOfRecord(all: Buffer, at: number, to = all.length): number | null {
    let lengthBytes = 1;
    while (at + lengthBytes <= to && all[at + lengthBytes - 1]! >= 128) lengthBytes++;
    if (at + lengthBytes > to) {
      if (lengthBytes > VARINT_BYTES_MAX) {
        throw new SyncError('SYNC_BAD_FRAME', 'a record without a length');
      }
      this.#neededBytes = to - at + 1;
      return null;
    }
    const reader = this.#reader;
    reader.reset(all, at, to);
    const bytes = reader.varint(RECORD_BYTES_MAX);
    const end = at + lengthBytes + bytes;
    this.#neededBytes = end - at;
    return end <= to ? end : null;
  }

  *#apply(reader: ByteReader, isLast: boolean): Task<void> {
    const incoming = this.#incoming;
    decodeRecord(reader, incoming, this.#replica);
    if (incoming.code === CODE_CLEAR) {
      yield* this.#applyClear(incoming);
    } else if (incoming.isBig) {
      if (!isLast) throw badEntry('its value does not follow');
      if (incoming.valueBytes > this.#options.valueBytesMax) throw badEntry('too long a value');
      incoming.key = Buffer.from(incoming.key);
      incoming.subKey = Buffer.from(incoming.subKey);
      const { tree } = this.#replica.databases[incoming.db]!;
      this.#big = new BigIntake(tree.space, incoming.valueBytes);
    } else if (this.#follower !== null && this.#isForced()) {
      yield* guarded(this.#follow(this.#follower, incoming));
    } else {
      yield* guarded(this.#mergeInSlices(incoming));
    }
  }

  /** Merges or follows the record whose value has come. */
  *#install(big: BigIntake, incoming: Incoming): Task<void> {
    const merger = this.#mergerOf(incoming.db);
    const isForced = this.#follower?.isForced(merger, incoming) ?? false;
    if (!isForced && this.#isStray(merger, incoming)) {
      this.#count(false);
      big.close();
      return;
    }
    if (!incoming.isElement) {
      if (isForced && (yield* this.#follower!.staysAbove(merger, incoming))) {
        this.#count(true);
        big.close();
        return;
      }
      merger.isPurged = yield* purgeElements(merger.tree, incoming.key, incoming.stamp);
    }
    merger.leaf = 0;
    const isApplied = big.install(merger, incoming, isForced);
    merger.isPurged = false;
    if (isForced) this.#count(isApplied);
    else this.#countMerged(isApplied, merger);
  }

  *#mergeInSlices(incoming: Incoming): Task<void> {
    const merger = this.#mergerOf(incoming.db);
    let isApplied = this.#mergeSomeAtOnce(merger, incoming);
    if (merger.postponedClear > 0) {
      merger.isPurged = yield* purgeElements(merger.tree, incoming.key, merger.postponedClear);
      isApplied = this.#merge(incoming);
      merger.isPurged = false;
    }
    this.#countMerged(isApplied, merger);
  }

  /** Merges; or changes nothing and sets `postponedClear`, if too many elements are to go first. */
  #mergeSomeAtOnce(merger: Merger, incoming: Incoming): boolean {
    merger.postponedClear = 0;
    merger.purgedElementsMax = PURGE_SLICE_ELEMENTS;
    const isApplied = this.#merge(incoming);
    merger.purgedElementsMax = Infinity;
    return isApplied;
  }

  *#follow(follower: Follower, incoming: Incoming): Task<void> {
    const merger = this.#mergerOf(incoming.db);
    if (incoming.code === CODE_HEAD) this.#count(yield* follower.head(merger, incoming));
    else if (incoming.isElement) this.#count(follower.element(merger, incoming));
    else this.#count(yield* follower.entry(merger, incoming));
  }

  #isForced(): boolean {
    return this.#follower!.isForced(this.#mergerOf(this.#incoming.db), this.#incoming);
  }

  *#applyClear({ db, stamp }: Incoming): Task<void> {
    this.receivedCount++;
    const database = this.#replica.databases[db]!;
    const isRaised = stamp > database.clearedAt;
    if (!isRaised && (this.#follower === null || stamp === database.clearedAt)) return;
    database.setClearedAt(stamp);
    this.appliedCount++;
    yield* pendingPurges([database]);
  }

  #merge(incoming: Incoming): boolean {
    const { code, db, expiryMs, flags, key, origin, parts, stamp, value } = incoming;
    const merger = this.#mergerOf(db);
    merger.leaf = 0;
    if (this.#isStray(merger, incoming)) return false;
    const at = [key, 0, key.length] as const;
    if (code === CODE_HEAD) return merger.head(...at, stamp, origin, flags, parts);
    const what = [stamp, origin, flags] as const;
    if (!incoming.isElement) return merger.entry(...at, ...what, expiryMs, value, 0, value.length);
    const { headExpiryMs, subKey, type } = incoming;
    const element = [subKey, 0, subKey.length, ...what, value, 0, value.length] as const;
    return merger.element(...at, type, ...element, expiryMs, headExpiryMs);
  }

  /** Whether it may have been deleted so long ago that nothing here tells of it. */
  #isStray({ sub, tree }: Merger, incoming: Incoming): boolean {
    const { code, isElement, key, parts, stamp, subKey } = incoming;
    const newest = code === CODE_HEAD ? Math.max(stamp, parts.clearedAt, parts.expiryStamp) : stamp;
    if (this.#options.isCollected?.(key, newest) !== true) return false;
    if (!isElement) return tree.find(key, 0, key.length) === 0;
    return !sub.open(key, 0, key.length) || sub.elements.find(subKey, 0, subKey.length) === 0;
  }

  #mergerOf(db: number): Merger {
    const { clearedAt, tree } = this.#replica.databases[db]!;
    const merger = (this.#mergers[db] ??= new Merger(tree));
    merger.clearedAt = clearedAt;
    merger.expiredUntilMs = this.#options.expiredUntilMs();
    return merger;
  }

  #countMerged(isApplied: boolean, merger: Merger): void {
    const { leaf } = merger;
    // What is written over no head has won, and so have, nearly always, parts of one that have changed it.
    if (!isApplied || (leaf === 0 && this.#mayHaveLost(merger))) {
      this.hasSuperseded ||= isSuperseded(merger, this.#incoming);
    }
    this.#count(isApplied, leaf);
  }

  /** Of a record that has changed something other than the key it is of, or the element. */
  #mayHaveLost({ sub }: Merger): boolean {
    const { code, isElement, parts, type } = this.#incoming;
    if (code === CODE_HEAD) return parts.expiryStamp > 0 || sub.isOfAnotherType(parts.type);
    return !isElement || sub.isOfAnotherType(type);
  }

  /** `leaf`: what has been written, if it is at hand. */
  #count(isApplied: boolean, leaf: Leaf = 0): void {
    this.receivedCount++;
    if (!isApplied) return;
    this.appliedCount++;
    const { db, key, stamp } = this.#incoming;
    this.#replica.databases[db]!.changed(key, 0, key.length, stamp, leaf);
  }

  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      throw applyError(error);
    }
  }
}

function* guarded<T>(task: Task<T>): Task<T> {
  try {
    return yield* task;
  } catch (error) {
    throw applyError(error);
  }
}

/** What the tree cannot take ends the session, not the node. */
function applyError(error: unknown): SyncError {
  if (error instanceof SyncError) return error;
  return new SyncError('SYNC_APPLY', 'an entry could not be stored', { cause: error });
}
