/**
 * The wire format of entries: items on their way from one replica to the other, as one stream of
 * records, cut into frames wherever a frame is full.
 *
 *   record   varint, bytes that follow
 *            +--------+-----------+
 *            | code 8 | varint db |  kind 3 bits | led | raw | text | has expiry | head has expiry
 *            +--------+-----------+
 *     clear       varint stamp
 *     others      blob key | varint stamp | varint origin | varint expiry ms, if it has one
 *       bytes     value, up to the end of the record
 *       tombstone nothing
 *       head      varint type | varint clearedAt | varint stamp of the expiry | varint its origin
 *       element   varint type of the head | varint the head's expiry ms, if that has one |
 *                 blob sub key | value, up to the end
 *       element's tombstone   likewise, without a value
 *       big bytes, big element   likewise; in the place of the value: varint its bytes.
 *                 It follows in VALUE frames.
 *
 * Invariant: what `decodeRecord` returns is an entry that a tree can hold, or it has thrown.
 */

import { TIMED_SUB_KEY_BYTES_MAX } from '../element-expiries.js';
import { HeadParts } from '../head.js';
import {
  FLAG_LED,
  FLAG_RAW,
  FLAG_TEXT,
  KEY_BYTES_MAX,
  KIND_HEAD,
  KIND_TOMBSTONE,
  type Leaf,
  VALUE_BYTES_MAX,
} from '../leaf.js';
import type { Tree } from '../tree.js';
import { type ByteReader, ByteWriter } from './bytes.js';
import type { Replica } from './replica.js';
import { SyncError } from './sync-error.js';

/** A longer value follows its record, in VALUE frames. What has a mirror is shorter. */
export const INLINE_BYTES_MAX = KEY_BYTES_MAX;
/** Of a record: two keys, a value, and numbers. */
export const RECORD_BYTES_MAX = 2 * KEY_BYTES_MAX + INLINE_BYTES_MAX + 128;

export const CODE_BYTES = 0;
export const CODE_TOMBSTONE = 1;
export const CODE_HEAD = 2;
export const CODE_ELEMENT = 3;
export const CODE_ELEMENT_TOMBSTONE = 4;
export const CODE_CLEAR = 5;
export const CODE_BIG = 6;
export const CODE_BIG_ELEMENT = 7;
const CODE_MASK = 7;
const BIT_LED = 8;
const BIT_RAW = 16;
const BIT_TEXT = 32;
const BIT_EXPIRY = 64;
const BIT_HEAD_EXPIRY = 128;
const ORIGIN_MAX = 0xffff;
const TYPE_MAX = 0xffff;
const NOTHING = Buffer.alloc(0);

/** A value that follows its record, as it was when that was written. */
export interface BigValue {
  readonly db: number;
  readonly key: Buffer;
  /** null: the value of an entry. */
  readonly subKey: Buffer | null;
  readonly stamp: number;
  readonly origin: number;
  readonly bytes: number;
}

/** Writes clears, entries and elements, as records. Each tells the value that must follow, or null. */
export class RecordEncoder {
  readonly #record = new ByteWriter();
  readonly #parts = new HeadParts();

  clear(db: number, clearedAt: number, target: ByteWriter): null {
    const record = this.#record;
    record.clear();
    record.u8(CODE_CLEAR);
    record.varint(db);
    record.varint(clearedAt);
    target.blobOf(record);
    return null;
  }

  /** An entry of any kind; of a head what it says itself. */
  entry(db: number, tree: Tree, leaf: Leaf, target: ByteWriter): BigValue | null {
    const record = this.#record;
    const kind = tree.kind(leaf);
    const bytes = tree.valueBytes(leaf);
    const isBig = kind !== KIND_HEAD && bytes > INLINE_BYTES_MAX;
    const code = [CODE_BYTES, CODE_HEAD, CODE_TOMBSTONE][kind]!;
    this.#begin(isBig ? CODE_BIG : code, db, tree, leaf, null, 0);
    if (isBig) record.varint(bytes);
    else if (kind !== KIND_HEAD) addValue(record, tree, leaf);
    else this.#head(tree, leaf);
    target.blobOf(record);
    return isBig ? bigValue(db, tree.key(leaf), null, tree, leaf) : null;
  }

  #head(tree: Tree, leaf: Leaf): void {
    const record = this.#record;
    const parts = this.#parts;
    parts.load(tree.space.leaves, leaf);
    record.varint(parts.type);
    record.varint(parts.clearedAt);
    record.varint(parts.expiryStamp);
    record.varint(parts.expiryOrigin);
  }

  /** An element of the head with this key and these parts. */
  element(
    db: number,
    key: Buffer,
    parts: HeadParts,
    elements: Tree,
    leaf: Leaf,
    target: ByteWriter,
  ): BigValue | null {
    const record = this.#record;
    const isTombstone = elements.kind(leaf) === KIND_TOMBSTONE;
    const bytes = elements.valueBytes(leaf);
    const isBig = bytes > INLINE_BYTES_MAX;
    const code = isBig ? CODE_BIG_ELEMENT : isTombstone ? CODE_ELEMENT_TOMBSTONE : CODE_ELEMENT;
    this.#begin(code, db, elements, leaf, key, parts.expiryMs);
    record.varint(parts.type);
    if (parts.expiryMs > 0) record.varint(parts.expiryMs);
    addKey(record, elements, leaf);
    if (isBig) record.varint(bytes);
    else addValue(record, elements, leaf);
    target.blobOf(record);
    return isBig ? bigValue(db, key, elements.key(leaf), elements, leaf) : null;
  }

  /** `key`: of the head that an element belongs to; null: the leaf's own. */
  #begin(
    code: number,
    db: number,
    tree: Tree,
    leaf: Leaf,
    key: Buffer | null,
    headExpiryMs: number,
  ): void {
    const record = this.#record;
    record.clear();
    const expiryMs = tree.expiryMs(leaf);
    let bits = flagBits(tree.flags(leaf));
    if (expiryMs > 0) bits |= BIT_EXPIRY;
    if (headExpiryMs > 0) bits |= BIT_HEAD_EXPIRY;
    record.u8(code | bits);
    record.varint(db);
    if (key === null) addKey(record, tree, leaf);
    else record.blob(key);
    record.varint(tree.stamp(leaf));
    record.varint(tree.origin(leaf));
    if (expiryMs > 0) record.varint(expiryMs);
  }
}

function addKey(record: ByteWriter, tree: Tree, leaf: Leaf): void {
  const bytes = tree.keyBytes(leaf);
  record.varint(bytes);
  tree.copyKey(leaf, record.room(bytes), record.length);
  record.length += bytes;
}

function addValue(record: ByteWriter, tree: Tree, leaf: Leaf): void {
  const bytes = tree.valueBytes(leaf);
  tree.copyValue(leaf, record.room(bytes), record.length);
  record.length += bytes;
}

function bigValue(
  db: number,
  key: Buffer,
  subKey: Buffer | null,
  tree: Tree,
  leaf: Leaf,
): BigValue {
  const [stamp, origin] = [tree.stamp(leaf), tree.origin(leaf)];
  return { db, key, subKey, stamp, origin, bytes: tree.valueBytes(leaf) };
}

function flagBits(flags: number): number {
  let bits = (flags & FLAG_LED) === 0 ? 0 : BIT_LED;
  if ((flags & FLAG_RAW) !== 0) bits |= BIT_RAW;
  if ((flags & FLAG_TEXT) !== 0) bits |= BIT_TEXT;
  return bits;
}

/** A record, taken apart. One object is filled again and again. */
export class Incoming {
  code = CODE_CLEAR;
  db = 0;
  key: Buffer = NOTHING;
  stamp = 0;
  origin = 0;
  /** As a tree takes them, with the kind. */
  flags = 0;
  expiryMs = 0;
  /** Of an element: the type of its head. */
  type = 0;
  headExpiryMs = 0;
  subKey: Buffer = NOTHING;
  value: Buffer = NOTHING;
  /** Of a value that follows. */
  valueBytes = 0;
  readonly parts = new HeadParts();

  get isElement(): boolean {
    return this.code >= CODE_ELEMENT && this.code !== CODE_CLEAR && this.code !== CODE_BIG;
  }

  get isBig(): boolean {
    return this.code >= CODE_BIG;
  }
}

/** Reads a record without its length. Buffers are views. */
export function decodeRecord(reader: ByteReader, into: Incoming, replica: Replica): void {
  const code = reader.u8();
  into.code = code & CODE_MASK;
  into.db = reader.varint(replica.databases.length - 1);
  if (into.code === CODE_CLEAR) {
    if (code !== CODE_CLEAR) throw badEntry('an unknown code');
    into.stamp = reader.varint();
    reader.end();
    return;
  }
  into.key = reader.blob(KEY_BYTES_MAX);
  if (!replica.hasKey(into.key)) throw badEntry('a key outside of the range');
  into.stamp = reader.varint();
  into.origin = reader.varint(ORIGIN_MAX);
  into.expiryMs = (code & BIT_EXPIRY) === 0 ? 0 : reader.varint();
  into.flags = flagsOf(code);
  if (into.stamp === 0) throw badEntry('no stamp');
  if ((code & BIT_HEAD_EXPIRY) !== 0 && !into.isElement) throw badEntry('a head that it has not');
  if (into.code === CODE_HEAD) readHead(reader, into);
  else readValue(reader, into, (code & BIT_HEAD_EXPIRY) !== 0);
  reader.end();
}

function flagsOf(code: number): number {
  let flags = (code & BIT_LED) === 0 ? 0 : FLAG_LED;
  if ((code & BIT_RAW) !== 0) flags |= FLAG_RAW;
  if ((code & BIT_TEXT) !== 0) flags |= FLAG_TEXT;
  const kind = code & CODE_MASK;
  const isTombstone = kind === CODE_TOMBSTONE || kind === CODE_ELEMENT_TOMBSTONE;
  return isTombstone ? flags | KIND_TOMBSTONE : flags;
}

function readHead(reader: ByteReader, into: Incoming): void {
  const { parts } = into;
  parts.type = reader.varint(TYPE_MAX);
  parts.clearedAt = reader.varint();
  parts.expiryStamp = reader.varint();
  parts.expiryOrigin = reader.varint(ORIGIN_MAX);
  parts.expiryMs = into.expiryMs;
  const { expiryStamp } = parts;
  if (parts.clearedAt >= into.stamp || expiryStamp > into.stamp) {
    throw badEntry('a head with later parts');
  }
  if (expiryStamp > 0 ? expiryStamp <= parts.clearedAt : parts.expiryMs > 0) {
    throw badEntry('its expiry');
  }
}

function readValue(reader: ByteReader, into: Incoming, hasHeadExpiry: boolean): void {
  if (into.isElement) {
    into.type = reader.varint(TYPE_MAX);
    into.headExpiryMs = hasHeadExpiry ? reader.varint() : 0;
    into.subKey = reader.blob(KEY_BYTES_MAX);
    const isTooLong = into.subKey.length > TIMED_SUB_KEY_BYTES_MAX;
    if (isTooLong && into.expiryMs > 0) throw badEntry('a sub key too long to expire');
  }
  const isTombstone = (into.flags & KIND_TOMBSTONE) !== 0;
  if (isTombstone && into.expiryMs > 0) throw badEntry('a tombstone that expires');
  into.value = NOTHING;
  if (into.isBig) into.valueBytes = reader.varint(VALUE_BYTES_MAX);
  else if (!isTombstone) into.value = reader.bytes(reader.left);
  if (into.isBig && into.valueBytes <= INLINE_BYTES_MAX) throw badEntry('a value that is not big');
}

export function badEntry(why: string): SyncError {
  return new SyncError('SYNC_PROTOCOL', `an entry that cannot be: ${why}`);
}
