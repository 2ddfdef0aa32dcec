/**
 * Place: where a boundary between items lies, in the order in which sync sees a store.
 *
 *   database 0                                             database 1
 *   clear | key a | key b: head | b/x | b/y | key c | ...  clear | ...
 *         ^               ^     ^           ^
 *    {0, '', -}     {0, 'b', -} {0, 'b', ''} {0, 'c', -}
 *
 * Databases follow each other; in each first its clear, then the keys in order, each head followed
 * by its elements. A place lies before the item that it would name, whether or not that exists.
 * `{db, null, null}` is the beginning of a database; the end of all is `null` where one may be.
 */
import { KEY_BYTES_MAX } from '../leaf.js';
import type { ByteReader, ByteWriter } from './bytes.js';
import { SyncError } from './sync-error.js';

export interface Place {
  readonly db: number;
  /** null: before the clear of the database. */
  readonly key: Buffer | null;
  /** null: before the entry of the key itself, a head say. Not null only if key is not. */
  readonly sub: Buffer | null;
}

export const FIRST_PLACE: Place = { db: 0, key: null, sub: null };

export function comparePlaces(a: Place, b: Place): number {
  return a.db - b.db || compareParts(a.key, b.key) || compareParts(a.sub, b.sub);
}

/** The shortest place above `low` and not above `high`, which is above `low`. */
export function separator(low: Place, high: Place): Place {
  const { db, key, sub } = high;
  if (low.db !== db || key === null) return { db, key: null, sub: null };
  if (low.key === null) return { db, key: Buffer.alloc(0), sub: null };
  if (compareParts(low.key, key) !== 0) return { db, key: shortestAbove(low.key, key), sub: null };
  if (sub === null || low.sub === null) return { db, key, sub: Buffer.alloc(0) };
  return { db, key, sub: shortestAbove(low.sub, sub) };
}

/**
 * The wire format of ascending places, each by what it changes in the one before (at first: the
 * beginning of database 0):
 *
 *   0, varint n                        n times: its last byte one higher
 *   1, varint db                       the beginning of a database
 *   2, varint shared, blob             a key: so many bytes of the one before, and these
 *   3, varint shared, blob             a sub key of the same key, likewise
 *   4, varint shared, blob, blob       a key, likewise, and a sub key whole
 *   5, varint db, blob                 a key of another database
 *   6, varint db, blob, blob           a key and a sub key there
 *   1xxxyyyy, y bytes                  the sub key, or the key if there is none: without its last
 *                                      x bytes, and with these
 *
 * Places that would take the writer beyond `bytesMax` are left out; returns those written.
 */
export function encodePlaces(writer: ByteWriter, places: Place[], bytesMax: number): Place[] {
  const written: Place[] = [];
  let before = FIRST_PLACE;
  let runLength = 0;
  const endRun = (): void => {
    if (runLength === 0) return;
    writer.u8(CODE_RUN);
    writer.varint(runLength);
    runLength = 0;
  };
  for (const place of places) {
    if (writer.length + bytesApart(before, place) + PLACE_BYTES_FIXED > bytesMax) continue;
    if (isIncrement(before, place)) {
      runLength++;
    } else {
      endRun();
      encodePlace(writer, before, place);
    }
    written.push(place);
    before = place;
  }
  endRun();
  return written;
}

/** Reads `count` places. Throws unless they ascend and their databases exist. */
export function decodePlaces(reader: ByteReader, count: number, dbCount: number): Place[] {
  const places: Place[] = [];
  let before = FIRST_PLACE;
  while (places.length < count) {
    const code = reader.u8();
    const times = code === CODE_RUN ? reader.varint(count - places.length) : 1;
    if (times === 0) throw new SyncError('SYNC_BAD_FRAME', 'a run of no places');
    for (let i = 0; i < times; i++) {
      const place = code === CODE_RUN ? increment(before) : decodePlace(reader, before, code);
      const isLong = (part: Buffer | null): boolean => (part?.length ?? 0) > KEY_BYTES_MAX;
      if (place.db >= dbCount || isLong(place.key) || isLong(place.sub)) {
        throw new SyncError('SYNC_BAD_FRAME', 'a place in no database, or too long');
      }
      if (comparePlaces(before, place) >= 0) {
        throw new SyncError('SYNC_BAD_FRAME', 'places do not ascend');
      }
      places.push(place);
      before = place;
    }
  }
  return places;
}

const CODE_RUN = 0;
const CODE_DB = 1;
const CODE_KEY = 2;
const CODE_SUB = 3;
const CODE_BOTH = 4;
const CODE_DB_KEY = 5;
const CODE_DB_BOTH = 6;
const CODE_SHORT = 128;
const DB_MAX = 0xffff;
const DROP_MAX = 7;
const ADD_MAX = 15;
/** What a place, and a run before it, take at most besides the bytes that it does not share. */
const PLACE_BYTES_FIXED = 16;

function encodePlace(writer: ByteWriter, before: Place, place: Place): void {
  const { db, key, sub } = place;
  if (db !== before.db || key === null) {
    writer.u8(key === null ? CODE_DB : sub === null ? CODE_DB_KEY : CODE_DB_BOTH);
    writer.varint(db);
    if (key !== null) writer.blob(key);
    if (sub !== null) writer.blob(sub);
    return;
  }
  const isSameKey = before.key !== null && key.equals(before.key);
  const isSub = sub !== null;
  const old = isSub ? before.sub : before.key;
  const part = isSub ? sub : key;
  const shared = commonBytes(old, part);
  const drop = (old?.length ?? 0) - shared;
  const add = part.length - shared;
  const isOnePart = isSub ? isSameKey : before.sub === null;
  if (old !== null && isOnePart && drop <= DROP_MAX && add <= ADD_MAX) {
    writer.u8(CODE_SHORT | (drop << 4) | add);
    writer.bytes(part, shared);
  } else if (isSub && !isSameKey) {
    const sharedKey = commonBytes(before.key, key);
    writer.u8(CODE_BOTH);
    writer.varint(sharedKey);
    writer.blob(key.subarray(sharedKey));
    writer.blob(sub);
  } else {
    writer.u8(isSub ? CODE_SUB : CODE_KEY);
    writer.varint(shared);
    writer.blob(part.subarray(shared));
  }
}

/** Bytes of a place that it does not share with the one before. */
function bytesApart(before: Place, { db, key, sub }: Place): number {
  const keyBytes = key?.length ?? 0;
  const subBytes = sub?.length ?? 0;
  if (db !== before.db) return keyBytes + subBytes;
  const sharedKey = commonBytes(before.key, key);
  const isSameKey = compareParts(before.key, key) === 0;
  return keyBytes - sharedKey + subBytes - (isSameKey ? commonBytes(before.sub, sub) : 0);
}

function decodePlace(reader: ByteReader, before: Place, code: number): Place {
  const { db, key, sub } = before;
  if (code >= CODE_SHORT) {
    const old = sub ?? key;
    const drop = (code >>> 4) & DROP_MAX;
    const added = reader.bytes(code & ADD_MAX);
    if (old === null || drop > old.length) throw badPlace();
    const part = Buffer.concat([old.subarray(0, old.length - drop), added]);
    return sub === null ? { db, key: part, sub } : { db, key, sub: part };
  }
  if (code === CODE_DB || code === CODE_DB_KEY || code === CODE_DB_BOTH) {
    const newDb = reader.varint(DB_MAX);
    const newKey = code === CODE_DB ? null : Buffer.from(reader.blob(KEY_BYTES_MAX));
    const newSub = code === CODE_DB_BOTH ? Buffer.from(reader.blob(KEY_BYTES_MAX)) : null;
    return { db: newDb, key: newKey, sub: newSub };
  }
  if (code === CODE_SUB && key === null) throw badPlace();
  if (code === CODE_KEY) return { db, key: joined(reader, key), sub: null };
  if (code === CODE_SUB) return { db, key, sub: joined(reader, sub) };
  if (code !== CODE_BOTH) throw badPlace();
  const newKey = joined(reader, key);
  return { db, key: newKey, sub: Buffer.from(reader.blob(KEY_BYTES_MAX)) };
}

function joined(reader: ByteReader, old: Buffer | null): Buffer {
  const shared = reader.varint(old?.length ?? 0);
  const rest = reader.blob(KEY_BYTES_MAX);
  return Buffer.concat([(old ?? rest).subarray(0, shared), rest]);
}

function isIncrement(before: Place, place: Place): boolean {
  const old = before.sub ?? before.key;
  if (old === null || old.length === 0 || old.at(-1) === 255) return false;
  return comparePlaces(increment(before), place) === 0;
}

function increment(place: Place): Place {
  const { db, key, sub } = place;
  const part = Buffer.from(sub ?? key ?? Buffer.alloc(0));
  if (part.length === 0 || part.at(-1) === 255) throw badPlace();
  part[part.length - 1]!++;
  return sub === null ? { db, key: part, sub } : { db, key, sub: part };
}

function badPlace(): SyncError {
  return new SyncError('SYNC_BAD_FRAME', 'a place that changes what is not there');
}

function compareParts(a: Buffer | null, b: Buffer | null): number {
  if (a === null || b === null) return (a === null ? 0 : 1) - (b === null ? 0 : 1);
  return a.compare(b);
}

function commonBytes(a: Buffer | null, b: Buffer | null): number {
  if (a === null || b === null) return 0;
  const max = Math.min(a.length, b.length);
  let count = 0;
  while (count < max && a[count] === b[count]) count++;
  return count;
}

/** The shortest prefix of `high` that is above `low`. */
function shortestAbove(low: Buffer, high: Buffer): Buffer {
  return high.subarray(0, commonBytes(low, high) + 1);
}
