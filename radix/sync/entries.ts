/**
 * Entries: items on their way from one replica to the other, as one stream of records, cut into
 * frames wherever a frame is full.
 *
 *   record   varint, bytes that follow
 *            +--------+-----------+
 *            | code 8 | varint db |  kind 3 bits | led | raw | text | has expiry | 0
 *            +--------+-----------+
 *     clear       varint stamp
 *     others      blob key | varint stamp | varint origin | varint expiry ms, if it has one
 *       bytes     value, up to the end of the record
 *       tombstone nothing
 *       head      varint type | varint clearedAt | varint stamp of the expiry | varint its origin
 *       element   varint type of the head | blob sub key | value, up to the end
 *       element's tombstone   varint type of the head | blob sub key
 *
 * What arrives is checked here, once: an entry outside of the range, or one that no tree holds,
 * ends the session. Then the merge rule decides.
 */

import { HeadParts } from '../head.js';
import {
  FLAG_LED,
  FLAG_RAW,
  FLAG_TEXT,
  KEY_BYTES_MAX,
  KIND_BYTES,
  KIND_HEAD,
  KIND_TOMBSTONE,
} from '../leaf.js';
import { Merger } from '../merge.js';
import type { Tree } from '../tree.js';
import { ByteReader, type ByteWriter } from './bytes.js';
import type { Item, Replica } from './replica.js';
import { SyncError } from './sync-error.js';

const CODE_BYTES = 0;
const CODE_TOMBSTONE = 1;
const CODE_HEAD = 2;
const CODE_ELEMENT = 3;
const CODE_ELEMENT_TOMBSTONE = 4;
const CODE_CLEAR = 5;
const CODE_MASK = 7;
const BIT_LED = 8;
const BIT_RAW = 16;
const BIT_TEXT = 32;
const BIT_EXPIRY = 64;
const BIT_NONE = 128;
const ORIGIN_MAX = 0xffff;
const TYPE_MAX = 0xffff;

/** Writes the item shown by a scan of the replica, as a record. */
export class EntryEncoder {
  readonly #replica: Replica;
  readonly #record: ByteWriter;
  readonly #parts = new HeadParts();

  /** `scratch` is overwritten by each record. */
  constructor(replica: Replica, scratch: ByteWriter) {
    this.#replica = replica;
    this.#record = scratch;
  }

  encode(item: Item, target: ByteWriter): void {
    const record = this.#record;
    record.clear();
    if (item.leaf === 0) {
      record.u8(CODE_CLEAR);
      record.varint(item.db);
      record.varint(this.#replica.databases[item.db]!.clearedAt);
    } else if (item.element === 0) {
      this.#entry(item);
    } else {
      this.#element(item);
    }
    target.blob(record.view());
  }

  #entry(item: Item): void {
    const record = this.#record;
    const { tree } = this.#replica.databases[item.db]!;
    const { leaf } = item;
    const kind = tree.kind(leaf);
    const codes = [CODE_BYTES, CODE_HEAD, CODE_TOMBSTONE] as const;
    const expiryMs = tree.expiryMs(leaf);
    record.u8(codes[kind as 0 | 1 | 2] | flagBits(tree, leaf) | (expiryMs > 0 ? BIT_EXPIRY : 0));
    record.varint(item.db);
    record.blob(tree.key(leaf));
    record.varint(tree.stamp(leaf));
    record.varint(tree.origin(leaf));
    if (expiryMs > 0) record.varint(expiryMs);
    if (kind === KIND_BYTES) record.bytes(tree.value(leaf));
    if (kind !== KIND_HEAD) return;
    const parts = this.#parts;
    parts.load(tree.space.leaves, leaf);
    record.varint(parts.type);
    record.varint(parts.clearedAt);
    record.varint(parts.expiryStamp);
    record.varint(parts.expiryOrigin);
  }

  #element(item: Item): void {
    const record = this.#record;
    const { tree } = this.#replica.databases[item.db]!;
    const { elements, parts } = this.#replica.elementsOf(item);
    const { element } = item;
    const isTombstone = elements.kind(element) === KIND_TOMBSTONE;
    const code = isTombstone ? CODE_ELEMENT_TOMBSTONE : CODE_ELEMENT;
    record.u8(code | flagBits(elements, element));
    record.varint(item.db);
    record.blob(tree.key(item.leaf));
    record.varint(elements.stamp(element));
    record.varint(elements.origin(element));
    record.varint(parts.type);
    record.blob(elements.key(element));
    if (!isTombstone) record.bytes(elements.value(element));
  }
}

/** Puts records together again and merges them. */
export class EntryApplier {
  /** Whole records so far, and those that changed something. */
  receivedCount = 0;
  appliedCount = 0;

  readonly #replica: Replica;
  readonly #recordBytesMax: number;
  readonly #mergers: Merger[];
  readonly #parts = new HeadParts();
  /** Bytes of a record that is not complete. */
  #pieces: Buffer[] = [];
  #pieceBytes = 0;
  /** With fewer bytes there is no use in looking. */
  #neededBytes = 1;

  constructor(replica: Replica, recordBytesMax: number) {
    this.#replica = replica;
    this.#recordBytesMax = recordBytesMax;
    this.#mergers = replica.databases.map(({ tree }) => new Merger(tree));
  }

  /** Whether the stream ends with a whole record. */
  get isBetweenRecords(): boolean {
    return this.#pieceBytes === 0;
  }

  /** Takes the next bytes of the stream. */
  push(bytes: Buffer): void {
    this.#pieces.push(Buffer.from(bytes));
    this.#pieceBytes += bytes.length;
    if (this.#pieceBytes < this.#neededBytes) return;
    const all = Buffer.concat(this.#pieces);
    let at = 0;
    this.#neededBytes = 1;
    while (at < all.length) {
      const end = this.#endOfRecord(all, at);
      if (end === null) break;
      this.#neededBytes = 1;
      const reader = new ByteReader(all, at, end);
      reader.varint();
      this.#apply(reader);
      at = end;
    }
    this.#pieces = at < all.length ? [Buffer.from(all.subarray(at))] : [];
    this.#pieceBytes = all.length - at;
  }

  /** Where the record at `at` ends; null if it is not there yet. */
  #endOfRecord(all: Buffer, at: number): number | null {
    let lengthBytes = 1;
    while (at + lengthBytes <= all.length && all[at + lengthBytes - 1]! >= 128) lengthBytes++;
    if (at + lengthBytes > all.length) {
      if (lengthBytes > 8) throw new SyncError('SYNC_BAD_FRAME', 'a record without a length');
      this.#neededBytes = all.length - at + 1;
      return null;
    }
    const reader = new ByteReader(all, at);
    const bytes = reader.varint(this.#recordBytesMax);
    const end = at + lengthBytes + bytes;
    this.#neededBytes = end - at;
    return end <= all.length ? end : null;
  }

  #apply(reader: ByteReader): void {
    this.receivedCount++;
    const code = reader.u8();
    const db = reader.varint(this.#replica.databases.length - 1);
    if ((code & BIT_NONE) !== 0) throw badEntry('an unknown code');
    if ((code & CODE_MASK) === CODE_CLEAR) {
      this.#applyClear(db, reader);
      return;
    }
    const key = reader.blob(KEY_BYTES_MAX);
    if (!this.#replica.hasKey(key)) throw badEntry('a key outside of the range');
    const stamp = reader.varint();
    const origin = reader.varint(ORIGIN_MAX);
    const expiryMs = (code & BIT_EXPIRY) === 0 ? 0 : reader.varint();
    if (stamp === 0) throw badEntry('no stamp');
    try {
      if (this.#merge(db, code, key, stamp, origin, expiryMs, reader)) this.appliedCount++;
    } catch (error) {
      if (error instanceof SyncError) throw error;
      throw new SyncError('SYNC_APPLY', 'an entry could not be stored', { cause: error });
    }
  }

  #applyClear(db: number, reader: ByteReader): void {
    const stamp = reader.varint();
    reader.end();
    const database = this.#replica.databases[db]!;
    if (stamp <= database.clearedAt) return;
    database.clear(stamp);
    this.appliedCount++;
  }

  #merge(
    db: number,
    code: number,
    key: Buffer,
    stamp: number,
    origin: number,
    expiryMs: number,
    reader: ByteReader,
  ): boolean {
    const merger = this.#mergers[db]!;
    const { clearedAt } = this.#replica.databases[db]!;
    const at = [key, 0, key.length] as const;
    const kind = code & CODE_MASK;
    let flags = (code & BIT_LED) === 0 ? 0 : FLAG_LED;
    if ((code & BIT_RAW) !== 0) flags |= FLAG_RAW;
    if ((code & BIT_TEXT) !== 0) flags |= FLAG_TEXT;
    if (kind === CODE_HEAD) {
      const parts = this.#readHead(reader, stamp, expiryMs, clearedAt);
      return stamp > clearedAt && merger.head(...at, stamp, origin, flags, parts);
    }
    if (kind === CODE_BYTES || kind === CODE_TOMBSTONE) {
      if (kind === CODE_TOMBSTONE) flags |= KIND_TOMBSTONE;
      const value = reader.bytes(kind === CODE_BYTES ? reader.left : 0);
      reader.end();
      if (stamp <= clearedAt) return false;
      return merger.entry(...at, stamp, origin, flags, expiryMs, value, 0, value.length);
    }
    if (kind !== CODE_ELEMENT && kind !== CODE_ELEMENT_TOMBSTONE) throw badEntry('its kind');
    const type = reader.varint(TYPE_MAX);
    const subKey = reader.blob(KEY_BYTES_MAX);
    if (kind === CODE_ELEMENT_TOMBSTONE) flags |= KIND_TOMBSTONE;
    const value = reader.bytes(kind === CODE_ELEMENT ? reader.left : 0);
    reader.end();
    if (expiryMs > 0) throw badEntry('an element that expires');
    if (stamp <= clearedAt) return false;
    const element = [subKey, 0, subKey.length] as const;
    return merger.element(...at, type, ...element, stamp, origin, flags, value, 0, value.length);
  }

  /** What the database's clear covers, a head does not remember: as purgeCleared leaves it. */
  #readHead(reader: ByteReader, stamp: number, expiryMs: number, clearedAt: number): HeadParts {
    const parts = this.#parts;
    parts.type = reader.varint(TYPE_MAX);
    parts.clearedAt = reader.varint();
    parts.expiryStamp = reader.varint();
    parts.expiryOrigin = reader.varint(ORIGIN_MAX);
    parts.expiryMs = expiryMs;
    reader.end();
    const { expiryStamp } = parts;
    const hasExpiry = expiryStamp > 0;
    if (parts.clearedAt >= stamp || expiryStamp > stamp) throw badEntry('a head with later parts');
    if (hasExpiry ? expiryStamp <= parts.clearedAt : expiryMs > 0) throw badEntry('its expiry');
    if (expiryStamp <= clearedAt) {
      parts.expiryStamp = 0;
      parts.expiryOrigin = 0;
      parts.expiryMs = 0;
    }
    if (parts.clearedAt <= clearedAt) parts.clearedAt = 0;
    return parts;
  }
}

function flagBits(tree: Tree, leaf: number): number {
  const flags = tree.flags(leaf);
  let bits = (flags & FLAG_LED) === 0 ? 0 : BIT_LED;
  if ((flags & FLAG_RAW) !== 0) bits |= BIT_RAW;
  if ((flags & FLAG_TEXT) !== 0) bits |= BIT_TEXT;
  return bits;
}

function badEntry(why: string): SyncError {
  return new SyncError('SYNC_PROTOCOL', `an entry that cannot be: ${why}`);
}
