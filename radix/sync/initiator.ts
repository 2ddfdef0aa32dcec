/**
 * Initiator: the side of a session that begins it, compares, and decides what is done next. See
 * messages.ts for who says what when.
 *
 * An attempt compares the whole, then the sub ranges, then finds out for groups of the sub ranges
 * that differ which items do, and exchanges these. The next attempt, with other hashes of the same
 * entries, verifies the one before, and carries along what writers have changed meanwhile. If an
 * attempt moves nothing and yet the sides differ, the cells have led astray: then items are listed.
 */
import { ByteReader, ByteWriter } from './bytes.js';
import { Exchange } from './exchange.js';
import { type Frame, PAYLOAD_BYTES_MAX } from './frame.js';
import { ItemList, SLICE_ITEMS } from './items.js';
import type { Link, Task } from './link.js';
import {
  CELL_BYTES_MAX,
  encodeCell,
  encodeListed,
  encodeSet,
  FRAME_CELLS,
  FRAME_EMPTY,
  FRAME_END,
  FRAME_ENTRIES,
  FRAME_FINISH,
  FRAME_LIST,
  FRAME_NEED,
  FRAME_RANGES,
  FRAME_SAME,
  FRAME_SUMMARY,
  FRAME_WANT,
  LISTED_BYTES,
  listedHash,
  PROTOCOL_VERSION,
  SYNC_MODES,
  type SyncMode,
} from './messages.js';
import { decodePlaces } from './place.js';
import { estimateDifferences, RANGES_MAX, Ranges, saltOf } from './ranges.js';
import { type KeyRange, Replica, type SyncDatabase } from './replica.js';
import { Cells } from './riblt.js';
import { SyncError } from './sync-error.js';

/** How often a session compares before it gives up, the last verification not counted. */
export const ATTEMPTS_MAX = 3;
/** Cells of a group; beyond it items are listed. About 90,000 differences. */
export const CELLS_MAX = 2 ** 17;
/** Items of a group: their hashes are kept, 4 bytes each. */
export const GROUP_ITEMS_MAX = 4 * 2 ** 20;
/** How often a responder may ask for more cells of a group. */
export const NEEDS_MAX = 6;
/** Items of a group that is listed; a group has at least one sub range all the same. */
const LIST_ITEMS_MAX = 2 ** 16;
/** Cells a difference needs at most, but for small numbers. */
const CELLS_PER_DIFFERENCE = 1.4;
/** Standard deviations of the estimate that the first cells allow for. */
const DEVIATIONS = 1.7;
const CELLS_MIN = 4;
const CELL_BYTES = 8;

export interface InitiatorOptions {
  readonly range: KeyRange;
  readonly mode: SyncMode;
  /** 32 random bits: the same entries have other hashes in each session. */
  readonly salt: number;
  readonly recordBytesMax: number;
}

/** How a session ended well. */
export interface Outcome {
  /** Whether both sides were equal at the end; null: push and pull do not ask. */
  readonly isEqual: boolean | null;
  readonly attempts: number;
}

export class Initiator {
  readonly exchange: Exchange;
  readonly #replica: Replica;
  readonly #link: Link;
  readonly #options: InitiatorOptions;
  readonly #payload = new ByteWriter();
  /** Of the attempt under way. */
  #salt = 0;
  /** How many items its SUMMARY said. */
  #count = 0;

  constructor(databases: readonly SyncDatabase[], link: Link, options: InitiatorOptions) {
    this.#replica = new Replica(databases, options.range);
    this.#link = link;
    this.#options = options;
    this.exchange = new Exchange(this.#replica, link, options.recordBytesMax);
  }

  *run(): Task<Outcome> {
    const { mode } = this.#options;
    let isStuck = false;
    for (let attempt = 0; ; attempt++) {
      yield* this.#sendSummary(attempt);
      const answer = yield* this.#link.expect(
        FRAME_SAME,
        FRAME_EMPTY,
        FRAME_ENTRIES,
        FRAME_END,
        FRAME_RANGES,
      );
      if (answer.type === FRAME_SAME) return { isEqual: true, attempts: attempt };
      const moved = this.#movedCount;
      if (attempt === ATTEMPTS_MAX) {
        yield* this.#link.send(FRAME_FINISH, null);
        return { isEqual: false, attempts: attempt };
      }
      yield* this.#attempt(answer, isStuck);
      if (mode !== 'two-way') {
        yield* this.#link.send(FRAME_FINISH, null);
        return { isEqual: null, attempts: attempt + 1 };
      }
      isStuck = this.#movedCount === moved;
    }
  }

  get #movedCount(): number {
    return this.exchange.sentCount + this.exchange.applier.receivedCount;
  }

  *#sendSummary(attempt: number): Task<void> {
    const { mode, range, salt } = this.#options;
    const payload = this.#payload;
    payload.u8(attempt);
    if (attempt === 0) {
      payload.u8(PROTOCOL_VERSION);
      payload.u8(SYNC_MODES.indexOf(mode));
      payload.varint(this.#replica.databases.length);
      payload.u32(salt);
      for (const bound of [range.from, range.to]) {
        payload.u8(bound === null ? 0 : 1);
        if (bound !== null) payload.blob(bound);
      }
    }
    const { count, low, high } = this.#replica.prefix(null);
    this.#count = count;
    payload.varint(count);
    payload.u32(low);
    payload.u32(high);
    this.#salt = saltOf(salt, attempt);
    yield* this.#link.send(FRAME_SUMMARY, payload);
  }

  *#attempt(answer: Frame, isStuck: boolean): Task<void> {
    const { exchange } = this;
    if (answer.type === FRAME_EMPTY) {
      if (this.#options.mode === 'pull') yield* exchange.sendItems(this.#newList(), []);
      else yield* exchange.sendAll();
    } else if (answer.type === FRAME_RANGES) {
      yield* this.#compareRanges(answer.payload, isStuck);
    } else {
      if (this.#count > 0)
        throw new SyncError('SYNC_PROTOCOL', 'all entries, but none were lacking');
      const isEnd = yield* exchange.take(answer.type, answer.payload, Number.MAX_SAFE_INTEGER);
      if (!isEnd) yield* exchange.receive(Number.MAX_SAFE_INTEGER);
    }
  }

  *#compareRanges(payload: Buffer, isStuck: boolean): Task<void> {
    const reader = new ByteReader(payload);
    const theirCount = reader.varint();
    const rangeCount = reader.varint(RANGES_MAX);
    if (rangeCount === 0) throw new SyncError('SYNC_BAD_FRAME', 'no sub ranges');
    const bounds = decodePlaces(reader, rangeCount - 1, this.#replica.databases.length);
    const ranges = new Ranges(this.#replica, bounds);
    const mismatches: number[] = [];
    for (let i = 0; i < rangeCount; i++) {
      if (reader.u16() !== ranges.digest(i, this.#salt)) mismatches.push(i);
    }
    reader.end();
    const excess = Math.abs(theirCount - this.#replica.prefix(null).count);
    const all = estimateDifferences(mismatches.length, rangeCount, excess);
    const itemsMax = isStuck ? LIST_ITEMS_MAX : GROUP_ITEMS_MAX;
    for (const group of groupsOf(ranges, mismatches, itemsMax)) {
      const share = group.length / mismatches.length;
      const differences = all.differences * share + DEVIATIONS * all.deviation * Math.sqrt(share);
      yield* this.#reconcile(ranges, group, isStuck ? Infinity : differences, theirCount);
    }
  }

  /** Finds out what differs in a group of sub ranges, and exchanges it. */
  *#reconcile(
    ranges: Ranges,
    group: number[],
    differences: number,
    theirCount: number,
  ): Task<void> {
    const list = this.#newList();
    yield* list.collect(ranges, group, Infinity);
    const cellCount = cellsFor(differences);
    const isListed = cellCount * CELL_BYTES >= list.count * LISTED_BYTES || cellCount > CELLS_MAX;
    if (isListed) {
      yield* this.#listAll(ranges, group, theirCount);
      return;
    }
    yield* this.#sendCells(list, 1, cellCount, { group, rangeCount: ranges.length });
    let sent = cellCount;
    for (let needs = 0; needs <= NEEDS_MAX; needs++) {
      const answer = yield* this.#link.expect(FRAME_NEED, FRAME_WANT, FRAME_ENTRIES, FRAME_END);
      if (answer.type !== FRAME_NEED) {
        yield* this.#finishGroup(list, answer, theirCount);
        return;
      }
      const reader = new ByteReader(answer.payload);
      const wanted = reader.varint(CELLS_MAX);
      reader.end();
      if (wanted === 0) break;
      if (wanted <= sent || needs === NEEDS_MAX) {
        throw new SyncError('SYNC_PROTOCOL', 'cells wanted that were sent, or too often');
      }
      yield* this.#sendCells(list, sent, wanted, null);
      sent = wanted;
    }
    yield* this.#listAll(ranges, group, theirCount);
  }

  /** Sends the cells [from, to) of a list; in front, of the first ones, whose they are. */
  *#sendCells(
    list: ItemList,
    from: number,
    to: number,
    of: { group: number[]; rangeCount: number } | null,
  ): Task<void> {
    const cells = new Cells(from, to);
    yield* addInSlices(cells, list);
    const payload = this.#payload;
    if (of !== null) {
      encodeSet(payload, of.group, of.rangeCount);
      payload.varint(list.count);
      payload.u32(list.sum);
    }
    payload.varint(from);
    payload.varint(to);
    for (let cell = from; cell < to; cell++) {
      encodeCell(payload, cells, cell, list.count);
      if (payload.length + CELL_BYTES_MAX > PAYLOAD_BYTES_MAX) {
        yield* this.#link.send(FRAME_CELLS, payload);
      }
    }
    if (payload.length > 0) yield* this.#link.send(FRAME_CELLS, payload);
  }

  /** Lists the items of the sub ranges of a group, so many at a time as may be. */
  *#listAll(ranges: Ranges, group: number[], theirCount: number): Task<void> {
    for (const part of groupsOf(ranges, group, LIST_ITEMS_MAX)) {
      const list = new ItemList(this.#replica, 0);
      const listed: number[] = [];
      yield* list.collect(ranges, part, Infinity, (item) => {
        listed.push(listedHash(item.low, item.high));
      });
      const payload = this.#payload;
      encodeSet(payload, part, ranges.length);
      payload.varint(list.count);
      for (const item of listed) {
        encodeListed(payload, item);
        if (payload.length + LISTED_BYTES > PAYLOAD_BYTES_MAX) {
          yield* this.#link.send(FRAME_LIST, payload);
        }
      }
      if (payload.length > 0) yield* this.#link.send(FRAME_LIST, payload);
      const answer = yield* this.#link.expect(FRAME_WANT, FRAME_ENTRIES, FRAME_END);
      yield* this.#finishGroup(list, answer, theirCount);
    }
  }

  /**
   * Takes what the other side wants and sends. What it wants is looked up after its entries have
   * been merged: of two versions of an entry the older one is no longer there then.
   */
  *#finishGroup(list: ItemList, first: Frame, theirCount: number): Task<void> {
    const wanted = new Set<number>();
    let frame = first;
    while (frame.type === FRAME_WANT) {
      const reader = new ByteReader(frame.payload);
      while (reader.left > 0) wanted.add(reader.i32());
      if (wanted.size > list.count) throw new SyncError('SYNC_LIMIT', 'more wanted than there is');
      frame = yield* this.#link.expect(FRAME_WANT, FRAME_ENTRIES, FRAME_END);
    }
    const { exchange } = this;
    if (!(yield* exchange.take(frame.type, frame.payload, theirCount))) {
      yield* exchange.receive(theirCount);
    }
    yield* exchange.sendItems(list, wanted);
  }

  #newList(): ItemList {
    return new ItemList(this.#replica, this.#salt);
  }
}

/** Adds the items of a list to cells, in slices. */
export function* addInSlices(cells: Cells, list: ItemList): Task<void> {
  for (let at = 0; at < list.count; at += SLICE_ITEMS) {
    cells.addAll(list.hashes, at, Math.min(at + SLICE_ITEMS, list.count));
    yield 'slice';
  }
}

/** How many cells, cell 0 included, very likely tell so many differences. */
export function cellsFor(differences: number): number {
  const spread = 1.5 * Math.sqrt(differences);
  return Math.ceil(CELLS_MIN + CELLS_PER_DIFFERENCE * differences + spread);
}

/** Cuts a list of sub ranges so that no part has more items, unless it is one sub range. */
function groupsOf(ranges: Ranges, indexes: readonly number[], itemsMax: number): number[][] {
  const groups: number[][] = [];
  let items = 0;
  for (const index of indexes) {
    const count = ranges.counts[index]!;
    const last = groups.at(-1);
    if (last !== undefined && items + count <= itemsMax) {
      last.push(index);
      items += count;
    } else {
      groups.push([index]);
      items = count;
    }
  }
  return groups;
}
