/**
 * GroupAnswer: what the responder says to a group of sub ranges, in cells or as a list: what it
 * wants of it, and what only it has.
 */
import { differing } from './ambiguity.js';
import { ByteReader, ByteWriter } from './bytes.js';
import { CellSpan, symbolOf } from './cell-span.js';
import { addInSlices } from './comparison.js';
import type { Exchange } from './exchange.js';
import { type Finder, ItemList } from './items.js';
import { CELLS_MAX, cellsFor, GROUP_ITEMS_MAX, LISTED_MAX, NEEDS_MAX } from './limits.js';
import type { Task } from './link.js';
import {
  CELL_BYTES,
  comparesCommon,
  decodeCell,
  decodeListed,
  decodeSet,
  encodeListed,
  encodeWanted,
  FRAME_CELLS,
  FRAME_KEEP,
  FRAME_LIST,
  FRAME_NEED,
  FRAME_WANT,
  isGiving,
  isTaking,
  LISTED_BYTES,
  listedHash,
  type SyncMode,
  WANTED_BYTES,
} from './messages.js';
import type { CommonSums, Ranges } from './ranges.js';
import { Cells, Decoder } from './riblt.js';
import { SyncError } from './sync-error.js';

const DECODE_CELLS = 4096;
/** If the rest is a smaller part of what has been found, or few, a block of cells for it does. */
const BLOCK_SHARE = 0.5;
const BLOCK_ITEMS = 16;
/** A block and a stream together take a little more than a block of the right length. */
const STREAM_SHARE = 1.05;
/** Fewer cells tell little of how many items differ, but cost little: then as many are asked for first. */
const ESTIMATE_CELLS = 80;
/** Cells for a knot that two blocks of the fewest have not undone. */
const KNOT_CELLS = 24;

export class GroupAnswer {
  readonly #exchange: Exchange;
  readonly #mode: SyncMode;
  readonly #ranges: Ranges;
  readonly #common: CommonSums;
  readonly #salt: number;
  readonly #theirCount: number;
  readonly #payload = new ByteWriter();

  /** `theirCount`: how many items the initiator has in all. */
  constructor(
    exchange: Exchange,
    mode: SyncMode,
    ranges: Ranges,
    common: CommonSums,
    salt: number,
    theirCount: number,
  ) {
    this.#exchange = exchange;
    this.#mode = mode;
    this.#ranges = ranges;
    this.#common = common;
    this.#salt = salt;
    this.#theirCount = theirCount;
  }

  *toCells(first: ByteReader): Task<void> {
    const { link, replica } = this.#exchange;
    const group = decodeSet(first, this.#ranges.length);
    const theirCount = first.varint(GROUP_ITEMS_MAX * 2);
    const theirSum = first.i32();
    let reader = copyOf(first);
    const list = new ItemList(replica, this.#ranges, this.#salt);
    yield* list.collect(group, comparesCommon(this.#mode) ? this.#common : null);
    const decoder = new Decoder(
      theirSum - list.sum,
      theirCount - list.count,
      Math.min(theirCount + list.count, CELLS_MAX),
    );
    let isBlock = true;
    for (let needs = 0; ; needs++) {
      const span = readSpan(reader, decoder.cellCount, isBlock);
      const cells = new Cells(span);
      yield* this.#readCells(reader, cells);
      const own = new Cells(span);
      yield* addInSlices(own, list);
      cells.subtract(own);
      decoder.add(cells);
      while (decoder.step(DECODE_CELLS)) yield 'slice';
      if (decoder.isComplete) break;
      const wanted = needs < NEEDS_MAX ? cellsWanted(decoder, theirCount) : LIST_WANTED;
      isBlock = wanted.isBlock;
      this.#payload.varint(wanted.to);
      this.#payload.u8(isBlock ? 1 : 0);
      yield* link.send(FRAME_NEED, this.#payload);
      if (wanted.to === 0) return;
      const frame = yield* link.expect(FRAME_CELLS);
      reader = copyOf(new ByteReader(frame.payload));
    }
    yield* this.#settle(list, decoder.positive, decoder.negative);
  }

  *toList(first: ByteReader): Task<void> {
    const { link } = this.#exchange;
    let reader = first;
    const group = decodeSet(reader, this.#ranges.length);
    const count = reader.varint(Math.min(LISTED_MAX, this.#theirCount * 2 + LISTED_MAX / 16));
    const symbols = new Set<number>();
    const listed = new Set<number>();
    for (let left = count; ; ) {
      for (; left > 0 && reader.left >= LISTED_BYTES; left--) {
        const hash = decodeListed(reader);
        listed.add(hash);
        symbols.add(symbolOf(hash | 0, this.#salt));
      }
      reader.end();
      if (left === 0) break;
      const frame = yield* link.expect(FRAME_LIST);
      if (frame.payload.length === 0) throw new SyncError('SYNC_PROTOCOL', 'an empty frame');
      reader = new ByteReader(frame.payload);
    }
    const held = yield* this.#findListed(group, listed, symbols);
    yield* this.#settleListed(group, listed, held, count);
  }

  /** Returns those listed that this side has, which are common, and deletes them from `listed`. */
  *#findListed(
    group: readonly number[],
    listed: Set<number>,
    symbols: ReadonlySet<number>,
  ): Task<Set<number>> {
    const held = new Set<number>();
    const list = new ItemList(this.#exchange.replica, this.#ranges, this.#salt);
    for (const range of group) this.#common.clear(range);
    if (symbols.size === 0) return held;
    yield* list.collect(group);
    yield* list.find(symbols, (item, range) => {
      const hash = listedHash(item.low, item.high);
      if (!listed.delete(hash)) return true;
      held.add(hash);
      this.#common.add(item, range);
      return true;
    });
    return held;
  }

  *#settleListed(
    group: readonly number[],
    lacking: ReadonlySet<number>,
    held: ReadonlySet<number>,
    listedCount: number,
  ): Task<void> {
    const exchange = this.#exchange;
    const mode = this.#mode;
    const payload = this.#payload;
    yield* exchange.link.sendEach(FRAME_WANT, payload, lacking, LISTED_BYTES, encodeListed);
    const isAlone: Finder = (item) => !held.has(listedHash(item.low, item.high));
    if (isTaking(mode)) yield* exchange.sendRanges(this.#ranges, group, isAlone);
    else yield* exchange.sendEnd();
    // Who lists nothing sends all.
    const announced = listedCount === 0 ? this.#theirCount : lacking.size;
    yield* exchange.receive(isGiving(mode) ? announced : 0);
  }

  /** Reads cells out of this frame and those that follow. */
  *#readCells(first: ByteReader, cells: Cells): Task<void> {
    let reader = first;
    const { to } = cells.span;
    let cell = cells.span.from;
    for (;;) {
      while (cell < to && reader.left > 0) decodeCell(reader, cells, cell++);
      if (cell === to) break;
      const frame = yield* this.#exchange.link.expect(FRAME_CELLS);
      if (frame.payload.length === 0) throw new SyncError('SYNC_PROTOCOL', 'an empty frame');
      reader = new ByteReader(frame.payload);
    }
    reader.end();
  }

  /** Asks for what only the other side has, sends what only this one has, takes what comes. */
  *#settle(list: ItemList, theirs: number[], mine: number[]): Task<void> {
    const exchange = this.#exchange;
    const mode = this.#mode;
    const { kept, offered, wanted } = yield* differing(list, theirs, mine, mode);
    const subtract: Finder = (item, range) => {
      this.#common.subtract(item, range);
      return true;
    };
    // At once, before writers change what is in no sum.
    if (comparesCommon(mode) && !isTaking(mode)) yield* list.find(offered, subtract);
    const { link } = exchange;
    const payload = this.#payload;
    yield* link.sendEach(FRAME_WANT, payload, wanted, WANTED_BYTES, encodeWanted);
    yield* link.sendEach(FRAME_KEEP, payload, kept, LISTED_BYTES, encodeListed);
    if (isTaking(mode)) yield* exchange.sendItems(list, offered, subtract);
    else yield* exchange.sendEnd();
    yield* exchange.receive(isGiving(mode) ? wanted.size : 0);
  }
}

/** The rest of a reader, independent of the frame: what follows may pause in between. */
function copyOf(reader: ByteReader): ByteReader {
  return new ByteReader(Buffer.from(reader.bytes(reader.left)));
}

/** Which cells come: those from `from` on. */
function readSpan(reader: ByteReader, from: number, isBlock: boolean): CellSpan {
  if (reader.varint() !== from) throw new SyncError('SYNC_PROTOCOL', 'other cells than wanted');
  const to = reader.varint(CELLS_MAX);
  if (to <= from) throw new SyncError('SYNC_PROTOCOL', 'no cells');
  return new CellSpan(from, to, isBlock);
}

/** What NEED asks for: cells up to this one, 0 if listing the items costs less. */
interface Wanted {
  readonly to: number;
  readonly isBlock: boolean;
}

const LIST_WANTED: Wanted = { to: 0, isBlock: false };

/** Which cells would do, as far as one can tell. */
function cellsWanted(decoder: Decoder, theirCount: number): Wanted {
  const { cellCount } = decoder;
  const found = decoder.positive.length + decoder.negative.length;
  // The estimate is as good as there are cells; a second question costs a round trip.
  const rest = decoder.estimateRest();
  const most = rest * (1 + 0.4 * Math.sqrt(2 / cellCount));
  // So many cells without a result: a knot of equal symbols, which no cells undo.
  if (decoder.isOverfull || cellCount > 2 * cellsFor(found + rest) + KNOT_CELLS) return LIST_WANTED;
  const isBlock = most < Math.max(found * BLOCK_SHARE, BLOCK_ITEMS);
  const more = isBlock ? cellsFor(most) : STREAM_SHARE * cellsFor(found + most) - cellCount;
  const wanted = cellCount + Math.ceil(Math.max(more, isBlock ? 0 : cellCount / 4 + 4));
  if (cellCount < ESTIMATE_CELLS / 2 && wanted > 4 * ESTIMATE_CELLS) {
    return { to: ESTIMATE_CELLS, isBlock: false };
  }
  const isListedLess = (wanted - cellCount) * CELL_BYTES > theirCount * LISTED_BYTES;
  return isListedLess || wanted > CELLS_MAX ? LIST_WANTED : { to: wanted, isBlock };
}
