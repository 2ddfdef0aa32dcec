/**
 * Replayer: makes a store what the records of its log say (record.ts). The store is empty at
 * first and nobody writes to it, and nobody listens to it, meanwhile.
 *
 * Invariant: reading the records of whole runs in order gives every entry, head, element and clear
 * as it was when the last of the runs was closed, stamps and origins included, and so the digest.
 */

import { HeadParts } from '../../radix/head.js';
import {
  FLAG_EXPIRY,
  FLAG_LED,
  HINT_FLAGS,
  KIND_BYTES,
  KIND_MASK,
  KIND_TOMBSTONE,
  WRITER_FLAGS,
} from '../../radix/leaf.js';
import { SubTree } from '../../radix/subtree.js';
import { ClearPurge } from '../../radix/sync/clear.js';
import type { Tree } from '../../radix/tree.js';
import type { Database } from '../store/database.js';
import type { Store } from '../store/store.js';
import { BLOCK_HEADER_BYTES } from './block.js';
import {
  BOUND_HIGH,
  BOUND_LOW,
  CLEAR_ALL,
  CLEAR_UP_TO,
  KIND_ABSENT,
  KIND_BITS,
  KIND_CLEAR,
  KIND_COLLECTED,
  KIND_COLLECTED_RANGE,
  KIND_ELEMENT,
  KIND_ELEMENT_ABSENT,
  KIND_ENTRY,
  KIND_HEAD_RECORD,
  KIND_LIBRARY,
  KIND_NO_LIBRARIES,
  KIND_PATCH,
  KIND_PIECE,
  KIND_SWAP,
  SLOT_SHIFT,
} from './record.js';

const NOTHING = Buffer.alloc(0);
const TWO_32 = 4294967296;
/** Entries looked at between two looks at the clock. */
const PURGE_STEP_ENTRIES = 256;

/** A record that no writer has written: the format is another one, or there is a bug. */
export class RecordError extends Error {}

export class Replayer {
  /** Highest stamp of anything read. */
  stampMax = 0;
  records = 0;
  readonly #store: Store;
  /** Databases by slot. */
  readonly #slots: readonly Database[];
  readonly #subs: readonly SubTree[];
  readonly #purges = new Map<number, ClearPurge>();
  readonly #parts = new HeadParts();

  /** Code of libraries of functions, in the order in which it was loaded. */
  libraries: Buffer[] = [];
  /** The block being read. */
  #buf: Buffer = NOTHING;
  #at = 0;
  #end = 0;
  // What a record's facts say.
  #origin = 0;
  #stamp = 0;
  #flags = 0;
  #expiryMs = 0;
  /** The head that elements belong to: its key in the block; -1: none. */
  #headSlot = -1;
  #headFrom = 0;
  #headTo = 0;
  #pieces: Buffer[] = [];

  constructor(store: Store, slots: readonly Database[]) {
    this.#store = store;
    this.#slots = slots;
    this.#subs = slots.map((database) => new SubTree(database.tree));
  }

  /** Begins a block; the records in it are read by `step`. */
  begin(block: Buffer): void {
    this.#buf = block;
    this.#at = BLOCK_HEADER_BYTES;
    this.#end = block.length;
    this.#headSlot = -1;
  }

  /** What the next record adds to is missing: pieces read so far belong to nothing. */
  skip(): void {
    this.#pieces = [];
  }

  /** Reads up to so many records of the block at hand; true: there are more. */
  step(recordsMax: number): boolean {
    for (let left = recordsMax; left > 0; left -= 1) {
      if (this.#at >= this.#end) return false;
      this.#record();
      this.records += 1;
    }
    return this.#at < this.#end;
  }

  /** Takes out what a clear hides, at the end; false once nothing is left to do. */
  purge(): boolean {
    for (const [slot, purge] of this.#purges) {
      if (purge.step(PURGE_STEP_ENTRIES)) return true;
      this.#purges.delete(slot);
    }
    return false;
  }

  #record(): void {
    const first = this.#buf[this.#at++]!;
    const slot = first >>> SLOT_SHIFT;
    const database = this.#slots[slot];
    if (database === undefined) throw new RecordError(`a record of database slot ${slot}`);
    switch (first & KIND_BITS) {
      case KIND_ENTRY:
        return this.#entry(database);
      case KIND_ABSENT:
        return this.#absent(database.tree);
      case KIND_HEAD_RECORD:
        return this.#head(slot);
      case KIND_ELEMENT:
        return this.#element();
      case KIND_ELEMENT_ABSENT:
        return this.#elementAbsent();
      case KIND_PATCH:
        return this.#patch(database);
      case KIND_PIECE:
        return this.#piece();
      case KIND_CLEAR:
        return this.#clear(slot);
      case KIND_SWAP:
        return this.#swap();
      case KIND_COLLECTED: {
        const stamp = this.#double();
        this.#saw(stamp);
        if (stamp > this.#store.collectedStamp) this.#store.collectedStamp = stamp;
        return;
      }
      case KIND_COLLECTED_RANGE:
        return this.#collectedRange();
      case KIND_NO_LIBRARIES:
        this.libraries = [];
        return;
      case KIND_LIBRARY:
        return this.#library();
      default:
        throw new RecordError(`a record of kind ${first & KIND_BITS}`);
    }
  }

  #collectedRange(): void {
    const bounds = this.#buf[this.#at++]!;
    const stamp = this.#double();
    this.#saw(stamp);
    const lowBytes = this.#varint();
    const highBytes = this.#varint();
    const from = this.#take(lowBytes + highBytes);
    const bytes = Buffer.from(this.#buf.subarray(from, from + lowBytes + highBytes));
    const low = (bounds & BOUND_LOW) === 0 ? null : bytes.subarray(0, lowBytes);
    const high = (bounds & BOUND_HIGH) === 0 ? null : bytes.subarray(lowBytes);
    this.#store.collectedRanges.raiseBetween(low, high, stamp);
  }

  #library(): void {
    const { buf, from, to } = this.#value(this.#varint());
    this.libraries.push(Buffer.from(buf.subarray(from, to)));
  }

  #entry({ tree }: Database): void {
    this.#facts();
    const keyBytes = this.#varint();
    const valueBytes = this.#varint();
    const from = this.#take(keyBytes);
    const value = this.#value(valueBytes);
    const leaf = tree.putEntry(
      this.#buf,
      from,
      from + keyBytes,
      this.#stamp,
      this.#origin,
      this.#flags & (KIND_MASK | WRITER_FLAGS),
      this.#expiryMs,
      value.buf,
      value.from,
      value.to,
    );
    this.#store.touchNew(tree, leaf);
  }

  #absent(tree: Tree): void {
    const bytes = this.#varint();
    const from = this.#take(bytes);
    tree.drop(this.#buf, from, from + bytes);
    this.#headSlot = -1;
  }

  /** Only of a string that is there: what is missing comes later in the log, whole. */
  #patch({ tree }: Database): void {
    this.#facts();
    const keyBytes = this.#varint();
    const bytes = this.#varint();
    const offset = this.#double();
    const from = this.#take(keyBytes);
    const to = from + keyBytes;
    const value = this.#value(bytes);
    const leaf = tree.find(this.#buf, from, to);
    if (leaf === 0 || tree.kind(leaf) !== KIND_BYTES) return;
    const at = [this.#buf, from, to, this.#stamp, this.#origin] as const;
    const flags = this.#flags & WRITER_FLAGS;
    tree.patch(...at, flags, offset, value.buf, value.from, value.to);
    if (tree.expiryMs(tree.find(this.#buf, from, to)) === this.#expiryMs) return;
    tree.setExpiry(...at, this.#expiryMs);
  }

  #head(slot: number): void {
    this.#facts();
    const keyBytes = this.#varint();
    const from = this.#take(keyBytes);
    const to = from + keyBytes;
    const parts = this.#parts;
    parts.type = this.#two();
    parts.expiryOrigin = this.#two();
    parts.clearedAt = this.#double();
    parts.expiryStamp = this.#double();
    parts.expiryMs = this.#expiryMs;
    const sub = this.#subs[slot]!;
    sub.open(this.#buf, from, to);
    const isNew = sub.head === 0;
    if (isNew) sub.parts.reset(parts.type, 0);
    else if (sub.parts.clearedAt < parts.clearedAt) {
      sub.beginExisting(this.#buf, from, to);
      sub.purge(this.#buf, from, to, parts.clearedAt);
    }
    if (sub.parts.type !== parts.type) sub.changeType(parts.type);
    sub.parts.clearedAt = parts.clearedAt;
    sub.parts.expiryOrigin = parts.expiryOrigin;
    sub.parts.expiryStamp = parts.expiryStamp;
    sub.parts.expiryMs = parts.expiryMs;
    const flags = this.#flags & (FLAG_LED | HINT_FLAGS);
    sub.replaceHead(this.#buf, from, to, this.#stamp, this.#origin, flags);
    if (isNew) this.#store.touchNew(sub.tree, sub.head);
    this.#headSlot = slot;
    this.#headFrom = from;
    this.#headTo = to;
  }

  #element(): void {
    this.#facts();
    const subBytes = this.#varint();
    const valueBytes = this.#varint();
    const sfrom = this.#take(subBytes);
    const sto = sfrom + subBytes;
    const value = this.#value(valueBytes);
    const sub = this.#headOfElement();
    const key = [this.#buf, this.#headFrom, this.#headTo] as const;
    if (!sub.beginExisting(...key, this.#buf, sfrom, sto)) return;
    // An older life of the key is cleared by the record that follows later in the log.
    if (this.#stamp <= sub.parts.clearedAt) return;
    const facts = [this.#stamp, this.#origin, this.#flags & WRITER_FLAGS] as const;
    if ((this.#flags & KIND_MASK) === KIND_TOMBSTONE) {
      sub.deleteElement(this.#buf, sfrom, sto, ...facts);
    } else {
      const { buf, from, to } = value;
      sub.putElement(this.#buf, sfrom, sto, ...facts, buf, from, to, this.#expiryMs);
    }
  }

  #elementAbsent(): void {
    const subBytes = this.#varint();
    const sfrom = this.#take(subBytes);
    const sub = this.#headOfElement();
    sub.drop(this.#buf, this.#headFrom, this.#headTo, this.#buf, sfrom, sfrom + subBytes);
  }

  #headOfElement(): SubTree {
    if (this.#headSlot < 0) throw new RecordError('an element without a head');
    return this.#subs[this.#headSlot]!;
  }

  #piece(): void {
    const bytes = this.#buf.readUInt32LE(this.#at);
    this.#at += 4;
    const from = this.#take(bytes);
    this.#pieces.push(Buffer.from(this.#buf.subarray(from, from + bytes)));
  }

  #clear(slot: number): void {
    const mode = this.#buf[this.#at++]!;
    const stamp = this.#double();
    this.#saw(stamp);
    const database = this.#slots[slot]!;
    database.clearedAt = stamp;
    if (mode === CLEAR_ALL) database.tree.clear();
    if (mode !== CLEAR_UP_TO) return;
    const purge = this.#purges.get(slot) ?? new ClearPurge(database.tree);
    purge.setClearedAt(stamp);
    this.#purges.set(slot, purge);
  }

  #swap(): void {
    const { databases } = this.#store;
    for (let index = 0; index < databases.length; index += 1) {
      const database = this.#slots[this.#buf[this.#at++]!];
      if (database === undefined) throw new RecordError('an exchange of databases that are not');
      databases[index] = database;
      database.index = index;
    }
  }

  // Reading.

  #facts(): void {
    const buf = this.#buf;
    this.#origin = this.#two();
    const low = buf.readUInt32LE(this.#at);
    const high = buf.readUInt32LE(this.#at + 4);
    this.#at += 8;
    this.#stamp = (high & 0x1fffff) * TWO_32 + low;
    this.#flags = high >>> 21;
    this.#expiryMs = (this.#flags & FLAG_EXPIRY) === 0 ? 0 : this.#double();
    this.#saw(this.#stamp);
  }

  #saw(stamp: number): void {
    if (stamp > this.stampMax) this.stampMax = stamp;
  }

  #value(bytes: number): { buf: Buffer; from: number; to: number } {
    const from = this.#take(bytes);
    if (this.#pieces.length === 0) return { buf: this.#buf, from, to: from + bytes };
    const whole = Buffer.concat([...this.#pieces, this.#buf.subarray(from, from + bytes)]);
    this.#pieces = [];
    return { buf: whole, from: 0, to: whole.length };
  }

  /** Where the next bytes are; goes on behind them. */
  #take(bytes: number): number {
    const from = this.#at;
    this.#at += bytes;
    if (this.#at > this.#end) throw new RecordError('a record that ends behind its block');
    return from;
  }

  #varint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#buf[this.#at++]!;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }

  #two(): number {
    const value = this.#buf[this.#at]! | (this.#buf[this.#at + 1]! << 8);
    this.#at += 2;
    return value;
  }

  #double(): number {
    const value = this.#buf.readDoubleLE(this.#at);
    this.#at += 8;
    return value;
  }
}
