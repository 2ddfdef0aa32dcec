/**
 * A group of consumers of a stream: what it has been delivered, its consumers, and what is pending,
 * that is delivered to one of them and not acknowledged. The layout is in streams.ts.
 *
 * A flyweight: `open` turns it to a group of an open stream, `turnTo` to one of its consumers. It
 * follows the stream when that is opened anew, and its names are copies.
 */
import { KEY_BYTES_MAX, type Leaf } from '../../radix/leaf.js';
import { OWNED_PREFIX } from '../../radix/mirror.js';
import type { Tree } from '../../radix/tree.js';
import type { Collection } from '../store/collection.js';
import type { Database } from '../store/database.js';
import { elementHash, NOT_SEEN } from '../store/seen-times.js';
import { ID_BYTES, StreamId } from './stream-id.js';
import { CONSUMER, GROUP, rankOfKind } from './streams.js';
import { SubKey } from './sub-key.js';

/** Longest name of a group or consumer: two of them and an id make a key. */
export const NAME_BYTES_MAX = 32_000;
export const ENTRIES_READ_UNKNOWN = -1;

const GROUP_BYTES = ID_BYTES + 8;
const SEEN_BYTES = 8;
const CONSUMER_BYTES = 2 * SEEN_BYTES;
/** When a consumer was last active that never was. */
export const NEVER_MS = -1;
/** Times and deliveries, before the name of the consumer. */
const PENDING_BYTES = 16;
/** To be seen without getting anything is written once what is written is so old; else it is known in memory. */
const SEEN_WRITTEN_MS = 60_000;

const groupValue = Buffer.alloc(GROUP_BYTES);
const consumerValue = Buffer.alloc(CONSUMER_BYTES);
const pendingValue = Buffer.allocUnsafeSlow(PENDING_BYTES + NAME_BYTES_MAX);
/** What `loadPending` has read last, for whichever group. */
const loadedValue = Buffer.allocUnsafeSlow(PENDING_BYTES + NAME_BYTES_MAX);
const found = Buffer.allocUnsafeSlow(KEY_BYTES_MAX);

export class Group {
  stream!: Collection;
  readonly lastId = new StreamId();
  entriesRead = ENTRIES_READ_UNKNOWN;
  /** What `loadConsumer` has read last. */
  seenMs = NEVER_MS;
  /** When something was last delivered to it, to be acknowledged, or claimed. */
  activeMs = NEVER_MS;
  /** When it was seen, as its element says, and the stamp of that. */
  #writtenMs = NEVER_MS;
  #consumerStamp = 0;
  /** What `loadPending` has read last, of any group. The owner: owner[ownerFrom, ownerTo). */
  deliveredMs = 0;
  deliveries = 0;
  readonly owner = loadedValue;
  readonly ownerFrom = PENDING_BYTES;
  ownerTo = PENDING_BYTES;
  readonly #groupKey = new SubKey();
  readonly #consumersKey = new SubKey();
  readonly #consumerKey = new SubKey();
  readonly #pendingKey = new SubKey();
  /** Of the mirror. */
  readonly #ownedKey = new SubKey();

  /** Turns to a group; false if the stream has none of this name. */
  open(stream: Collection, name: Buffer, from: number, to: number): boolean {
    this.stream = stream;
    this.entriesRead = ENTRIES_READ_UNKNOWN;
    this.lastId.setZero();
    if (to - from > NAME_BYTES_MAX) return false;
    this.#turn(this.#groupKey, GROUP).add(name, from, to);
    this.#turn(this.#consumersKey, CONSUMER).addName(name, from, to);
    this.#turn(this.#pendingKey, OWNED_PREFIX).addName(name, from, to);
    return this.reload();
  }

  /** Turns to the group with this index in the order of names; its name is `name()`. */
  openNth(stream: Collection, index: number): void {
    const { elements } = stream;
    const bytes = elements.copyKey(elements.nth(rankOfKind(stream, GROUP) + index), found, 0);
    const name = Buffer.from(found.subarray(1, bytes));
    this.open(stream, name, 0, name.length);
  }

  #turn(key: SubKey, kind: number): SubKey {
    key.bytes = 0;
    return key.addByte(kind);
  }

  /** Reads it again; false if it has gone. */
  reload(): boolean {
    const { buf, bytes } = this.#groupKey;
    const leaf = this.stream.find(buf, 0, bytes);
    if (leaf === 0) return false;
    this.stream.elements.copyValue(leaf, groupValue, 0, 0, GROUP_BYTES);
    this.lastId.load(groupValue, 0);
    this.entriesRead = groupValue.readDoubleBE(ID_BYTES);
    return true;
  }

  save(): void {
    this.lastId.store(groupValue, 0);
    groupValue.writeDoubleBE(this.entriesRead, ID_BYTES);
    const { buf, bytes } = this.#groupKey;
    this.stream.put(buf, 0, bytes, groupValue, 0, GROUP_BYTES);
  }

  remove(): void {
    const { buf, bytes } = this.#groupKey;
    this.stream.remove(buf, 0, bytes);
  }

  get name(): Buffer {
    const { buf, bytes } = this.#groupKey;
    return buf.subarray(1, bytes);
  }

  // Consumers, in the order of their names.

  turnTo(name: Buffer, from: number, to: number): void {
    const { buf, bytes } = this.#consumersKey;
    this.#turn(this.#consumerKey, CONSUMER).add(buf, 1, bytes).add(name, from, to);
    this.#ownedKey.bytes = 0;
    this.#ownedKey.add(buf, 1, bytes).addName(name, from, to);
  }

  get consumerCount(): number {
    const { elements } = this.stream;
    return this.#consumersKey.rankBehind(elements) - this.#consumersKey.rank(elements);
  }

  /** Turns to the consumer with this index. */
  turnToNth(index: number): void {
    const { elements } = this.stream;
    const bytes = elements.copyKey(
      elements.nth(this.#consumersKey.rank(elements) + index),
      found,
      0,
    );
    const name = Buffer.from(found.subarray(this.#consumersKey.bytes, bytes));
    this.turnTo(name, 0, name.length);
  }

  get consumerName(): Buffer {
    const { buf, bytes } = this.#consumerKey;
    return buf.subarray(this.#consumersKey.bytes, bytes);
  }

  get hasConsumer(): boolean {
    return this.stream.find(this.#consumerKey.buf, 0, this.#consumerKey.bytes) !== 0;
  }

  /** Reads when the consumer was seen and active; false if there is none. */
  loadConsumer(): boolean {
    this.seenMs = NEVER_MS;
    this.activeMs = NEVER_MS;
    const { elements } = this.stream;
    const leaf = this.stream.find(this.#consumerKey.buf, 0, this.#consumerKey.bytes);
    if (leaf === 0) return false;
    const end = Math.min(elements.valueBytes(leaf), CONSUMER_BYTES);
    elements.copyValue(leaf, consumerValue, 0, 0, end);
    this.seenMs = consumerValue.readDoubleBE(0);
    // An older node's says no more than when it was seen.
    this.activeMs = end < CONSUMER_BYTES ? this.seenMs : consumerValue.readDoubleBE(SEEN_BYTES);
    this.#writtenMs = this.seenMs;
    this.#consumerStamp = elements.stamp(leaf);
    const { seenTimes } = this.stream.database;
    const laterMs = seenTimes.find(this.#consumerHash, this.#consumerStamp);
    if (laterMs !== NOT_SEEN) this.seenMs = laterMs;
    return true;
  }

  get #consumerHash(): number {
    const { buf, bytes } = this.#consumerKey;
    return elementHash(this.stream.keyHash, buf, 0, bytes);
  }

  /** The consumer is seen, and `isActive` if it got something; true if it is new. */
  see(nowMs: number, isActive: boolean): boolean {
    if (!this.loadConsumer()) return this.putConsumer(nowMs, isActive ? nowMs : NEVER_MS);
    if (isActive ? this.activeMs !== nowMs : nowMs - this.#writtenMs >= SEEN_WRITTEN_MS) {
      return this.putConsumer(nowMs, isActive ? nowMs : this.activeMs);
    }
    if (this.seenMs !== nowMs) {
      this.stream.database.seenTimes.note(this.#consumerHash, this.#consumerStamp, nowMs);
    }
    return false;
  }

  /** True if the consumer is new. */
  putConsumer(seenMs: number, activeMs: number): boolean {
    consumerValue.writeDoubleBE(seenMs, 0);
    consumerValue.writeDoubleBE(activeMs, SEEN_BYTES);
    const { buf, bytes } = this.#consumerKey;
    return this.stream.put(buf, 0, bytes, consumerValue, 0, CONSUMER_BYTES);
  }

  removeConsumer(): void {
    this.stream.remove(this.#consumerKey.buf, 0, this.#consumerKey.bytes);
  }

  // What is pending, in the order of ids.

  get pendingCount(): number {
    const { elements } = this.stream;
    return this.#pendingKey.rankBehind(elements) - this.#pendingKey.rank(elements);
  }

  /** What is pending with the lowest id that is not below this one. 0: there is none. */
  pendingFrom(id: StreamId): Leaf {
    const { elements } = this.stream;
    const leaf = elements.ceiling(this.#pendingKey.buf, 0, this.#pendingKey.withId(id));
    if (leaf === 0) return 0;
    return this.#pendingKey.isOf(found, elements.copyKey(leaf, found, 0)) ? leaf : 0;
  }

  /** What is pending with this index. */
  nthPending(index: number): Leaf {
    const { elements } = this.stream;
    return elements.nth(this.#pendingKey.rank(elements) + index);
  }

  /** How many of what is pending have a lower id. */
  pendingRank(id: StreamId): number {
    const { elements } = this.stream;
    const rank = elements.rank(this.#pendingKey.buf, 0, this.#pendingKey.withId(id));
    return rank - this.#pendingKey.rank(elements);
  }

  findPending(id: StreamId): Leaf {
    return this.stream.find(this.#pendingKey.buf, 0, this.#pendingKey.withId(id));
  }

  /** Takes the id out of what is pending. */
  loadPendingId(leaf: Leaf, id: StreamId): void {
    const bytes = this.stream.elements.copyKey(leaf, found, 0);
    id.load(found, bytes - ID_BYTES);
  }

  loadPending(leaf: Leaf): void {
    const { elements } = this.stream;
    const end = Math.min(elements.valueBytes(leaf), this.owner.length);
    elements.copyValue(leaf, this.owner, 0, 0, end);
    this.deliveredMs = this.owner.readDoubleBE(0);
    this.deliveries = this.owner.readDoubleBE(8);
    this.ownerTo = end;
  }

  /** Whether what `loadPending` has read is the consumer's. */
  get isOwn(): boolean {
    const name = this.consumerName;
    return name.compare(this.owner, this.ownerFrom, this.ownerTo) === 0;
  }

  /** Makes an entry pending for the consumer. */
  putPending(id: StreamId, deliveredMs: number, deliveries: number): void {
    pendingValue.writeDoubleBE(deliveredMs, 0);
    pendingValue.writeDoubleBE(deliveries, 8);
    const { buf, bytes } = this.#consumerKey;
    const end =
      PENDING_BYTES + buf.copy(pendingValue, PENDING_BYTES, this.#consumersKey.bytes, bytes);
    const keyEnd = this.#pendingKey.withId(id);
    this.stream.put(this.#pendingKey.buf, 0, keyEnd, pendingValue, 0, end);
  }

  /** True if it was pending. */
  removePending(id: StreamId): boolean {
    return this.stream.remove(this.#pendingKey.buf, 0, this.#pendingKey.withId(id));
  }

  // What is pending for the consumer: leaves of the mirror.

  get ownedCount(): number {
    const { tree } = this.stream.mirror;
    return this.#ownedKey.rankBehind(tree) - this.#ownedKey.rank(tree);
  }

  nthOwned(index: number): Leaf {
    const { tree } = this.stream.mirror;
    return tree.nth(this.#ownedKey.rank(tree) + index);
  }

  ownedRank(id: StreamId): number {
    const { tree } = this.stream.mirror;
    return tree.rank(this.#ownedKey.buf, 0, this.#ownedKey.withId(id)) - this.#ownedKey.rank(tree);
  }

  /** The key of the mirror behind which ids above this one stand: for snapshots. */
  ownedKeyOf(id: StreamId): Buffer {
    return Buffer.from(this.#ownedKey.buf.subarray(0, this.#ownedKey.withId(id)));
  }

  /** Removes up to `most` elements that a group of this name has left; true if nothing is left. */
  removeRest(most: number): boolean {
    const { elements } = this.stream;
    for (const key of [this.#consumersKey, this.#pendingKey]) {
      let left = key.rankBehind(elements) - key.rank(elements);
      for (; left > 0; left -= 1) {
        if (most === 0) return false;
        most -= 1;
        const bytes = elements.copyKey(elements.nth(key.rank(elements)), found, 0);
        this.stream.remove(found, 0, bytes);
      }
    }
    return true;
  }
}

/**
 * Writes into the value of an element, if that is a consumer, when it was seen: for a copy, which has another
 * stamp. `ofKey`: see `elementHash`.
 */
export function writeSeen(
  { seenTimes }: Database,
  ofKey: number,
  stamp: number,
  subKey: Buffer,
  bytes: number,
  value: Buffer,
): void {
  if (subKey[0] !== CONSUMER) return;
  const seenMs = seenTimes.find(elementHash(ofKey, subKey, 0, bytes), stamp);
  if (seenMs !== NOT_SEEN) value.writeDoubleBE(seenMs, 0);
}

/** Takes the id out of a leaf of the mirror. */
export function loadOwnedId(tree: Tree, leaf: Leaf, id: StreamId): void {
  const bytes = tree.copyKey(leaf, found, 0);
  id.load(found, bytes - ID_BYTES);
}
