/**
 * Streams: entries in the order of their ids, what the stream says of itself, and groups of
 * consumers. All are elements of one sub tree, each with its own stamp:
 *
 *   sub key                                      value
 *   1 | id (16)                                  entry: count, { length, bytes }       varints
 *   2 | origin (2)                               state: last id (16) | highest id deleted (16) |
 *                                                how many were removed (8)
 *   3 | group                                    last id delivered (16) | entries read (8)
 *   4 | length of group (2) | group | consumer   last seen, ms (8) | last active, ms (8)   stream-group.ts
 *   5 | length of group (2) | group | id (16)    delivered, ms (8) | deliveries (8) | consumer
 *
 * The entries lie together and come first, so an entry's rank is the tree's. The mirror orders what
 * is pending by consumer (radix/mirror.ts, TYPE_OWNED). Numbers of 8 bytes are doubles.
 *
 * XADD writes the entry and nothing else: the last id is the highest of the last entry's and the
 * states', and the number ever added is that of the entries and of those removed. So a state is
 * written with what removes entries, each member's its own: docs/decisions/0010-streams.md.
 */

import { CHUNK_SHIFT, GRANULE_MASK } from '../../radix/arena.js';
import { TYPE_MIRRORED, TYPE_OWNED } from '../../radix/head.js';
import { keyBytesAt, keyWordAt, type Leaf } from '../../radix/leaf.js';
import type { Tree } from '../../radix/tree.js';
import type { Collection } from '../store/collection.js';
import { ID_BYTES, StreamId } from './stream-id.js';
import { TYPE_STREAM } from './types.js';

/** What a stream opens with. */
export const STREAM = TYPE_STREAM | TYPE_MIRRORED | TYPE_OWNED;

const ENTRY = 1;
const STATE = 2;
export const GROUP = 3;
export const CONSUMER = 4;

export const ENTRY_KEY_BYTES = 1 + ID_BYTES;
const STATE_KEY_BYTES = 3;
const STATE_BYTES = 2 * ID_BYTES + 8;

const entryKey = Buffer.alloc(ENTRY_KEY_BYTES, ENTRY);
const edge = Buffer.alloc(1);
const found = Buffer.alloc(ENTRY_KEY_BYTES);
/** The key of this member's state. */
const stateKey = Buffer.alloc(STATE_KEY_BYTES, STATE);
const stateValue = Buffer.alloc(STATE_BYTES);
const other = new StreamId();

/** How many elements come before all that begin with this byte. */
export function rankOfKind(stream: Collection, kind: number): number {
  edge[0] = kind;
  return stream.elements.rank(edge, 0, 1);
}

export function entryCount(stream: Collection): number {
  return rankOfKind(stream, STATE);
}

export function groupCount(stream: Collection): number {
  return rankOfKind(stream, CONSUMER) - rankOfKind(stream, GROUP);
}

/** The sub key of an entry; the same buffer each time. */
export function entryKeyOf(id: StreamId): Buffer {
  id.store(entryKey, 1);
  return entryKey;
}

/** How many entries have a lower id. */
export function entryRank(stream: Collection, id: StreamId): number {
  return stream.elements.rank(entryKeyOf(id), 0, ENTRY_KEY_BYTES);
}

export function findEntry(stream: Collection, id: StreamId): Leaf {
  return stream.find(entryKeyOf(id), 0, ENTRY_KEY_BYTES);
}

/** Takes the id out of the sub key of an element; false, and 0-0, if it is no entry. */
export function loadEntryId(tree: Tree, element: Leaf, id: StreamId): boolean {
  const { leaves } = tree.space;
  const i32 = leaves.i32[element >>> CHUNK_SHIFT]!;
  const word = (element & GRANULE_MASK) << 1;
  const u8 = leaves.u8[element >>> CHUNK_SHIFT]!;
  const at = keyWordAt(i32, word) * 4;
  if (keyBytesAt(i32, word) === ENTRY_KEY_BYTES && u8[at] === ENTRY) {
    id.load(u8, at + 1);
    return true;
  }
  id.setZero();
  return false;
}

/** The id of the first entry; false, and 0-0, if there is none. */
export function loadFirstId(stream: Collection, id: StreamId): boolean {
  return loadId(stream, stream.elements.first(), id);
}

/** The id of the last entry; false, and 0-0, if there is none. */
export function loadTopId(stream: Collection, id: StreamId): boolean {
  edge[0] = STATE;
  return loadId(stream, stream.elements.prev(edge, 0, 1), id);
}

function loadId({ elements }: Collection, leaf: Leaf, id: StreamId): boolean {
  if (leaf !== 0) return loadEntryId(elements, leaf, id);
  id.setZero();
  return false;
}

/** `last`: the last of all elements, just found, an entry before this one; 0: that is not known. */
export function putEntry(
  stream: Collection,
  id: StreamId,
  value: Buffer,
  from: number,
  to: number,
  last: Leaf = 0,
): void {
  const key = entryKeyOf(id);
  const isAbsent = last !== 0 && stream.elements.leadBeyond(last, key, 0, ENTRY_KEY_BYTES);
  stream.put(key, 0, ENTRY_KEY_BYTES, value, from, to, 0, isAbsent);
}

/** What a stream says of itself. `load` turns it to a stream; it is old after the next write. */
export class StreamState {
  length = 0;
  readonly firstId = new StreamId();
  /** The highest id that an entry had, or XSETID has set. */
  readonly lastId = new StreamId();
  readonly maxDeletedId = new StreamId();
  /** As of `loadLast`: the last of all elements, if that is an entry; else 0. */
  lastEntry: Leaf = 0;
  /** Entries that were removed. */
  removed = 0;
  /** Those that this member has removed. */
  #ownRemoved = 0;
  #ownIsThere = false;
  #count = 0;

  load(stream: Collection): void {
    this.length = entryCount(stream);
    loadFirstId(stream, this.firstId);
    this.loadLast(stream);
  }

  /** `load` of all but the length and the first id. */
  loadLast(stream: Collection): void {
    const { elements } = stream;
    const { origin } = stream.database.store;
    this.maxDeletedId.setZero();
    this.removed = 0;
    this.#ownRemoved = 0;
    this.#ownIsThere = false;
    this.#count = 0;
    this.lastEntry = 0;
    const last = elements.last();
    // With an entry as its last element it has no states.
    if (last !== 0 && loadEntryId(elements, last, this.lastId)) {
      if (!elements.mayHoldTombstones) this.lastEntry = last;
      return;
    }
    loadTopId(stream, this.lastId);
    edge[0] = STATE;
    let leaf = elements.ceiling(edge, 0, 1);
    while (leaf !== 0 && elements.keyBytes(leaf) === STATE_KEY_BYTES) {
      elements.copyKey(leaf, found, 0);
      if (found[0] !== STATE) break;
      this.#add(elements, leaf, found.readUInt16BE(1) === origin);
      leaf = elements.next(found, 0, STATE_KEY_BYTES);
    }
  }

  #add(elements: Tree, leaf: Leaf, isOwn: boolean): void {
    if (elements.valueBytes(leaf) !== STATE_BYTES) return;
    elements.copyValue(leaf, stateValue, 0);
    other.load(stateValue, 0);
    if (other.compare(this.lastId) > 0) this.lastId.copy(other);
    other.load(stateValue, ID_BYTES);
    if (other.compare(this.maxDeletedId) > 0) this.maxDeletedId.copy(other);
    const removed = stateValue.readDoubleBE(2 * ID_BYTES);
    this.removed += removed;
    this.#count += 1;
    if (!isOwn) return;
    this.#ownIsThere = true;
    this.#ownRemoved = removed;
  }

  /** Entries ever added. */
  get entriesAdded(): number {
    return this.removed + this.length;
  }

  /** Makes sure that the stream stays when its last entry goes. */
  hold(stream: Collection): void {
    if (!this.#ownIsThere) this.save(stream);
  }

  /** So many entries have been removed since `load`. */
  countRemoved(entries: number): void {
    this.removed += entries;
    this.#ownRemoved += entries;
    this.length -= entries;
  }

  /** Writes this member's part of it. */
  save(stream: Collection): void {
    this.lastId.store(stateValue, 0);
    this.maxDeletedId.store(stateValue, ID_BYTES);
    stateValue.writeDoubleBE(this.#ownRemoved, 2 * ID_BYTES);
    stateKey.writeUInt16BE(stream.database.store.origin, 1);
    stream.put(stateKey, 0, STATE_KEY_BYTES, stateValue, 0, STATE_BYTES);
    if (!this.#ownIsThere) this.#count += 1;
    this.#ownIsThere = true;
  }

  /** Writes the whole of it, whatever other members have written. */
  saveAlone(stream: Collection): void {
    this.#ownRemoved = this.removed;
    this.save(stream);
    const { elements } = stream;
    const first = rankOfKind(stream, STATE);
    for (let at = first; this.#count > 1; this.#count -= 1) {
      elements.copyKey(elements.nth(at), found, 0);
      if (stateKey.compare(found, 0, STATE_KEY_BYTES) === 0) {
        at += 1;
        elements.copyKey(elements.nth(at), found, 0);
      }
      stream.remove(found, 0, STATE_KEY_BYTES);
    }
  }
}
