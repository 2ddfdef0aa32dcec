/**
 * Messages: what the frames of a session hold, and who may send them when.
 *
 *   initiator                                        responder
 *   SUMMARY  range, count, digest of all      ---->
 *                                             <----  SAME     equal: the end
 *                                             <----  EMPTY    has nothing: ENTRIES, END are awaited
 *                                             <----  ENTRIES, END   the initiator has nothing
 *                                             <----  RANGES   bounds and digests of sub ranges
 *   CELLS    of the sub ranges that differ    ---->
 *                                             <----  NEED     so many cells; 0: LIST, please
 *   CELLS or LIST                             ---->
 *                                             <----  WANT, KEEP, ENTRIES, END
 *   ENTRIES, END, then CELLS of the next      ---->
 *   sub ranges, or COMMON                     ---->
 *                                             <----  HELD     which the responder holds
 *   or SUMMARY of the next attempt, or FINISH ---->
 *
 * Numbers as in bytes.ts:
 *
 *   SUMMARY  u8 attempt | varint count | u32 digest low | u32 high
 *            of attempt 0, in front: u8 version | u8 mode | u32 check of the key | varint databases |
 *                        u32 salt | bound from | bound to        bound: u8 0, or 1 and a blob
 *   SAME     -
 *   EMPTY    -
 *   RANGES   varint count of items | varint n, of sub ranges | n - 1 places | n times u16 digest
 *   CELLS    of a group of sub ranges, the first frame, in front:
 *              set of sub ranges | varint items | u32 sum of their symbols | varint first cell,
 *              which is 1 | varint behind the last
 *            of more cells, the first frame, in front: varint first cell | varint behind the last
 *            cells: u32 sum | u32 sum of checks and count (riblt.ts)
 *   NEED     varint cells in all | u8 kind of the cells to come: 0 stream, 1 block
 *   LIST     the first frame, in front: set of sub ranges | varint items
 *            items: u32 low half of the hash | u24 the high half's low 21 bits
 *            none: ENTRIES of all items of the set are to follow, as if all differed
 *   WANT     symbols: u32; after LIST items as there
 *   KEEP     to a side that follows: what it must not drop, though it has a symbol that is wanted:
 *              items as in LIST
 *   ENTRIES  the next bytes of the stream of records (entry-codec.ts)
 *   VALUE    the next bytes of the value of the record before
 *   ABANDON  that value has changed: forget the record
 *   END      varint records since the last END
 *   CREDIT   varint bytes consumed
 *   COMMON   for each sub range, of its items that both sides should have:
 *              varint count | u32 digest low | u32 high
 *   HELD     varint records merged so far | after COMMON: bitmap of the sub ranges held
 *   FINISH   -
 *
 *   set      u8 0 | bitmap, one bit a sub range, low bits first
 *            u8 n | n times varint: how many sub ranges are passed over
 */
import type { ByteReader, ByteWriter } from './bytes.js';
import type { Cells } from './riblt.js';
import { SyncError } from './sync-error.js';

export const FRAME_SUMMARY = 1;
export const FRAME_SAME = 2;
export const FRAME_EMPTY = 3;
export const FRAME_RANGES = 4;
export const FRAME_CELLS = 5;
export const FRAME_NEED = 6;
export const FRAME_LIST = 7;
export const FRAME_WANT = 8;
export const FRAME_ENTRIES = 9;
export const FRAME_END = 10;
export const FRAME_CREDIT = 11;
export const FRAME_FINISH = 12;
export const FRAME_COMMON = 13;
export const FRAME_HELD = 14;
export const FRAME_VALUE = 15;
export const FRAME_ABANDON = 16;
export const FRAME_KEEP = 17;

export const PROTOCOL_VERSION = 1;
/**
 * two-way      both become the merge of both
 * push         the responder does
 * pull         the initiator does
 * destructive  push, and the initiator drops what the responder has acknowledged
 * follow       the initiator becomes equal to the responder, lower stamps and absences included
 * follow-led   likewise in what leaders have written; of the rest it becomes the merge
 */
export const SYNC_MODES = [
  'two-way',
  'push',
  'pull',
  'destructive',
  'follow',
  'follow-led',
] as const;
export type SyncMode = (typeof SYNC_MODES)[number];

/** Whether the responder sends entries that only it has. */
export function isTaking(mode: SyncMode): boolean {
  return mode !== 'push' && mode !== 'destructive';
}

/** Whether the initiator sends entries that only it has. */
export function isGiving(mode: SyncMode): boolean {
  return mode === 'two-way' || mode === 'push' || mode === 'destructive';
}

/** Whether the initiator becomes equal to the responder. */
export function isFollowing(mode: SyncMode): boolean {
  return mode === 'follow' || mode === 'follow-led';
}

/** Whether both sides sum up what they have in common, since they do not become equal. */
export function comparesCommon(mode: SyncMode): boolean {
  return mode !== 'two-way' && mode !== 'follow';
}

/** At most so many ranges are listed one by one in a set. */
const SET_LISTED_MAX = 24;
const ITEM_HIGH_MASK = 0x1fffff;
export const CELL_BYTES = 8;
export const LISTED_BYTES = 7;
export const WANTED_BYTES = 4;

export function encodeSet(
  writer: ByteWriter,
  indexes: readonly number[],
  rangeCount: number,
): void {
  if (indexes.length > SET_LISTED_MAX) {
    writer.u8(0);
    encodeBitmap(writer, indexes, rangeCount);
    return;
  }
  writer.u8(indexes.length);
  let next = 0;
  for (const index of indexes) {
    writer.varint(index - next);
    next = index + 1;
  }
}

/** Ascending indexes below `rangeCount`, at least one. */
export function decodeSet(reader: ByteReader, rangeCount: number): number[] {
  const indexes: number[] = [];
  const listed = reader.u8();
  if (listed > 0) {
    let next = 0;
    for (let i = 0; i < listed; i++) {
      next += reader.varint(rangeCount);
      if (next >= rangeCount) throw new SyncError('SYNC_BAD_FRAME', 'no such sub range');
      indexes.push(next++);
    }
    return indexes;
  }
  indexes.push(...decodeBitmap(reader, rangeCount));
  if (indexes.length === 0) throw new SyncError('SYNC_BAD_FRAME', 'no sub range');
  return indexes;
}

export function encodeBitmap(
  writer: ByteWriter,
  indexes: readonly number[],
  rangeCount: number,
): void {
  const bitmap = Buffer.alloc((rangeCount + 7) >>> 3);
  for (const index of indexes) bitmap[index >>> 3]! |= 1 << (index & 7);
  writer.bytes(bitmap);
}

export function decodeBitmap(reader: ByteReader, rangeCount: number): number[] {
  const indexes: number[] = [];
  const bitmap = reader.bytes((rangeCount + 7) >>> 3);
  for (let index = 0; index < bitmap.length * 8; index++) {
    if ((bitmap[index >>> 3]! & (1 << (index & 7))) === 0) continue;
    if (index >= rangeCount) throw new SyncError('SYNC_BAD_FRAME', 'no such sub range');
    indexes.push(index);
  }
  return indexes;
}

export function encodeCell(writer: ByteWriter, cells: Cells, cell: number): void {
  const at = 2 * (cell - cells.span.from);
  writer.u32(cells.words[at]!);
  writer.u32(cells.words[at + 1]!);
}

export function decodeCell(reader: ByteReader, cells: Cells, cell: number): void {
  const at = 2 * (cell - cells.span.from);
  cells.words[at] = reader.i32();
  cells.words[at + 1] = reader.i32();
}

export function encodeWanted(writer: ByteWriter, symbol: number): void {
  writer.u32(symbol);
}

/** 53 bits of an item's hash, as one number. */
export function listedHash(low: number, high: number): number {
  return (high & ITEM_HIGH_MASK) * 2 ** 32 + (low >>> 0);
}

export function encodeListed(writer: ByteWriter, listed: number): void {
  writer.u32(listed | 0);
  writer.u24(Math.floor(listed / 2 ** 32));
}

export function decodeListed(reader: ByteReader): number {
  const low = reader.i32();
  return listedHash(low, reader.u24());
}
