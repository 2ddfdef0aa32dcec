/**
 * Comparison: finds out, on the initiator's side, which items of a group of sub ranges differ: by
 * cells, more of them as long as the responder needs more, or by a list of all items.
 */
import { ByteReader, ByteWriter } from './bytes.js';
import { CellSpan } from './cell-span.js';
import type { Exchange } from './exchange.js';
import { PAYLOAD_BYTES_MAX } from './frame.js';
import type { GroupExchange } from './group-exchange.js';
import { ItemList, SLICE_ITEMS } from './items.js';
import { CELLS_MAX, cellsFor, groupsOf, LIST_ITEMS_MAX, NEEDS_MAX } from './limits.js';
import type { Link, Task } from './link.js';
import {
  CELL_BYTES,
  encodeCell,
  encodeListed,
  encodeSet,
  FRAME_CELLS,
  FRAME_END,
  FRAME_ENTRIES,
  FRAME_LIST,
  FRAME_NEED,
  FRAME_WANT,
  isFollowing,
  LISTED_BYTES,
  listedHash,
  type SyncMode,
} from './messages.js';
import type { Ranges } from './ranges.js';
import type { Replica } from './replica.js';
import { Cells } from './riblt.js';
import { SyncError } from './sync-error.js';
import { WantedItems } from './wanted-items.js';

/**
 * Listing so many items, of 11 bytes each with what is wanted of them, costs about what it costs to send one
 * that both have both ways in vain. A newcomer has that of a range what was written since it is filled.
 */
const LISTED_PER_ITEM = 20;

export class Comparison {
  readonly #replica: Replica;
  readonly #link: Link;
  readonly #ranges: Ranges;
  readonly #salt: number;
  readonly #finish: GroupExchange;
  readonly #payload = new ByteWriter();

  /** Sub ranges with more items are exchanged whole if they cannot be told apart by few cells. */
  readonly #listedMax: number;

  /** `theirCount`: items that the responder has; `mode`: of the session. */
  constructor(
    exchange: Exchange,
    ranges: Ranges,
    salt: number,
    theirCount: number,
    mode: SyncMode,
    finish: GroupExchange,
  ) {
    this.#replica = exchange.replica;
    this.#link = exchange.link;
    this.#ranges = ranges;
    this.#salt = salt;
    // A side that follows must not drop what both have.
    this.#listedMax = isFollowing(mode) ? Infinity : theirCount * LISTED_PER_ITEM;
    this.#finish = finish;
  }

  /** Compares a group that very likely has no more differences than these. */
  *compare(group: readonly number[], differences: number): Task<void> {
    const cellCount = cellsFor(differences);
    const items = group.reduce((sum, range) => sum + this.#ranges.counts[range]!, 0);
    if (cellCount > CELLS_MAX || cellCount * CELL_BYTES >= items * LISTED_BYTES) {
      yield* items > this.#listedMax ? this.#exchangeAll(group) : this.list(group);
      return;
    }
    const list = new ItemList(this.#replica, this.#ranges, this.#salt);
    yield* list.collect(group);
    encodeSet(this.#payload, group, this.#ranges.length);
    this.#payload.varint(list.count);
    this.#payload.u32(list.sum);
    let span = new CellSpan(1, cellCount, true);
    yield* this.#sendCells(list, span);
    for (let needs = 0; needs <= NEEDS_MAX; needs++) {
      const answer = yield* this.#link.expect(FRAME_NEED, FRAME_WANT, FRAME_ENTRIES, FRAME_END);
      if (answer.type !== FRAME_NEED) {
        yield* this.#finish.items(list, new WantedItems(list, false), answer);
        return;
      }
      const reader = new ByteReader(answer.payload);
      const wanted = reader.varint(CELLS_MAX);
      const kind = reader.u8();
      reader.end();
      if (wanted === 0) break;
      if (wanted <= span.to || kind > 1 || needs === NEEDS_MAX) {
        throw new SyncError('SYNC_PROTOCOL', 'cells wanted that were sent, or too often');
      }
      span = new CellSpan(span.to, wanted, kind === 1);
      yield* this.#sendCells(list, span);
    }
    yield* this.list(group);
  }

  /** Lists the items of the sub ranges of a group, so many at a time as may be. */
  *list(group: readonly number[]): Task<void> {
    for (const part of groupsOf(this.#ranges, group, LIST_ITEMS_MAX)) {
      const list = new ItemList(this.#replica, this.#ranges, this.#salt);
      const listed: number[] = [];
      yield* list.visit(part, (item) => listed.push(listedHash(item.low, item.high)) > 0);
      const payload = this.#payload;
      encodeSet(payload, part, this.#ranges.length);
      payload.varint(list.count);
      yield* this.#link.sendEach(FRAME_LIST, payload, listed, LISTED_BYTES, encodeListed);
      const answer = yield* this.#link.expect(FRAME_WANT, FRAME_ENTRIES, FRAME_END);
      yield* this.#finish.items(list, new WantedItems(list, true), answer);
    }
  }

  /** Lists nothing, as if all that either side has were new to the other: it nearly is. */
  *#exchangeAll(group: readonly number[]): Task<void> {
    encodeSet(this.#payload, group, this.#ranges.length);
    this.#payload.varint(0);
    yield* this.#link.send(FRAME_LIST, this.#payload);
    const answer = yield* this.#link.expect(FRAME_ENTRIES, FRAME_END);
    yield* this.#finish.all(group, answer);
  }

  /** Sends the cells of a list, after what has been written of the first frame. */
  *#sendCells(list: ItemList, span: CellSpan): Task<void> {
    const { from, to } = span;
    const cells = new Cells(span);
    yield* addInSlices(cells, list);
    const payload = this.#payload;
    payload.varint(from);
    payload.varint(to);
    for (let cell = from; cell < to; cell++) {
      encodeCell(payload, cells, cell);
      if (payload.length + CELL_BYTES > PAYLOAD_BYTES_MAX) {
        yield* this.#link.send(FRAME_CELLS, payload);
      }
    }
    if (payload.length > 0) yield* this.#link.send(FRAME_CELLS, payload);
  }
}

/** Adds the items of a list to cells, in slices. */
export function* addInSlices(cells: Cells, list: ItemList): Task<void> {
  for (let at = 0; at < list.count; at += 4 * SLICE_ITEMS) {
    cells.addAll(list.symbols, at, Math.min(at + 4 * SLICE_ITEMS, list.count));
    yield 'slice';
  }
}
