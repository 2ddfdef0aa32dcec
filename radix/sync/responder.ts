/**
 * Responder: the side of a session that answers. It cuts the sub ranges, decodes the cells, and
 * tells what it wants. It trusts nothing that the initiator says: every number has a limit, and
 * what it keeps is bounded by its own items and by these limits.
 */

import { KEY_BYTES_MAX } from '../leaf.js';
import { ByteReader, ByteWriter } from './bytes.js';
import { Exchange } from './exchange.js';
import { type Frame, PAYLOAD_BYTES_MAX } from './frame.js';
import {
  ATTEMPTS_MAX,
  addInSlices,
  CELLS_MAX,
  cellsFor,
  GROUP_ITEMS_MAX,
  NEEDS_MAX,
  type Outcome,
} from './initiator.js';
import { ItemList } from './items.js';
import type { Link, Task } from './link.js';
import {
  decodeCell,
  decodeListed,
  decodeSet,
  FRAME_CELLS,
  FRAME_EMPTY,
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
  WANTED_BYTES,
} from './messages.js';
import { encodePlaces, type Place } from './place.js';
import { balancedBounds, Ranges, saltOf } from './ranges.js';
import { type KeyRange, type Prefix, Replica, type SyncDatabase } from './replica.js';
import { Cells, Decoder } from './riblt.js';
import { SyncError } from './sync-error.js';

/** What the bounds of sub ranges may take of a frame; digests need 512 bytes. */
const BOUNDS_BYTES_MAX = 48 * 1024;
const DECODE_CELLS = 4096;
const CELL_BYTES = 8;
const KNOT_CELLS = 8;
/** Items that a peer may list at once. */
const LISTED_MAX = 2 ** 20;

export interface ResponderOptions {
  readonly recordBytesMax: number;
}

/** What the first SUMMARY settles. */
interface Terms {
  readonly mode: SyncMode;
  readonly salt: number;
  readonly range: KeyRange;
}

export class Responder {
  /** null until the first SUMMARY has said which range it is about. */
  exchange: Exchange | null = null;
  readonly #databases: readonly SyncDatabase[];
  readonly #link: Link;
  readonly #options: ResponderOptions;
  readonly #payload = new ByteWriter();
  /** Of the attempt under way. */
  #salt = 0;

  constructor(databases: readonly SyncDatabase[], link: Link, options: ResponderOptions) {
    this.#databases = databases;
    this.#link = link;
    this.#options = options;
  }

  *run(): Task<Outcome> {
    let frame = yield* this.#link.expect(FRAME_SUMMARY);
    const first = new ByteReader(frame.payload);
    const terms = this.#readTerms(first);
    const replica = new Replica(this.#databases, terms.range);
    const exchange = new Exchange(replica, this.#link, this.#options.recordBytesMax);
    this.exchange = exchange;
    let theirs = readPrefix(first);
    for (let attempt = 0; ; attempt++) {
      this.#salt = saltOf(terms.salt, attempt);
      const own = replica.prefix(null);
      if (isSame(own, theirs)) {
        yield* this.#link.send(FRAME_SAME, null);
        return { isEqual: true, attempts: attempt };
      }
      frame = yield* this.#attempt(exchange, terms.mode, own, theirs);
      if (frame.type === FRAME_FINISH) {
        return { isEqual: terms.mode === 'two-way' ? false : null, attempts: attempt + 1 };
      }
      const reader = new ByteReader(frame.payload);
      if (reader.u8() !== attempt + 1 || attempt >= ATTEMPTS_MAX || terms.mode !== 'two-way') {
        throw new SyncError('SYNC_LIMIT', 'too many attempts');
      }
      theirs = readPrefix(reader);
    }
  }

  #readTerms(reader: ByteReader): Terms {
    if (reader.u8() !== 0) throw new SyncError('SYNC_PROTOCOL', 'no first attempt');
    if (reader.u8() !== PROTOCOL_VERSION) throw new SyncError('SYNC_VERSION', 'unknown version');
    const mode = SYNC_MODES[reader.u8()];
    if (mode === undefined) throw new SyncError('SYNC_VERSION', 'unknown mode');
    if (reader.varint() !== this.#databases.length) {
      throw new SyncError('SYNC_PROTOCOL', 'another number of databases');
    }
    const salt = reader.i32();
    const [from, to] = [readBound(reader), readBound(reader)];
    return { mode, salt, range: { from, to } };
  }

  /** Answers a SUMMARY that differs; returns the SUMMARY or FINISH after it. */
  *#attempt(exchange: Exchange, mode: SyncMode, own: Prefix, theirs: Prefix): Task<Frame> {
    if (own.count === 0) {
      yield* this.#link.send(FRAME_EMPTY, null);
      yield* exchange.receive(theirs.count);
    } else if (theirs.count === 0) {
      if (mode === 'push') yield* exchange.sendItems(new ItemList(exchange.replica, 0), []);
      else yield* exchange.sendAll();
    } else {
      const ranges = yield* this.#sendRanges(exchange.replica, own);
      return yield* this.#answerGroups(exchange, mode, ranges, theirs.count);
    }
    return yield* this.#link.expect(FRAME_SUMMARY, FRAME_FINISH);
  }

  *#sendRanges(replica: Replica, own: Prefix): Task<Ranges> {
    const places = new ByteWriter();
    const bounds: Place[] = encodePlaces(places, balancedBounds(replica), BOUNDS_BYTES_MAX);
    const ranges = new Ranges(replica, bounds);
    const payload = this.#payload;
    payload.varint(own.count);
    payload.varint(ranges.length);
    payload.bytes(places.view());
    for (let i = 0; i < ranges.length; i++) payload.u16(ranges.digest(i, this.#salt));
    yield* this.#link.send(FRAME_RANGES, payload);
    return ranges;
  }

  *#answerGroups(
    exchange: Exchange,
    mode: SyncMode,
    ranges: Ranges,
    theirCount: number,
  ): Task<Frame> {
    // Each sub range may come twice: as cells, and listed.
    for (let groups = 0; groups <= 2 * ranges.length; groups++) {
      const frame = yield* this.#link.expect(FRAME_CELLS, FRAME_LIST, FRAME_SUMMARY, FRAME_FINISH);
      if (frame.type === FRAME_CELLS) {
        yield* this.#answerCells(exchange, mode, ranges, new ByteReader(frame.payload));
      } else if (frame.type === FRAME_LIST) {
        yield* this.#answerList(exchange, mode, ranges, new ByteReader(frame.payload), theirCount);
      } else {
        return frame;
      }
    }
    throw new SyncError('SYNC_LIMIT', 'more groups than sub ranges');
  }

  *#answerCells(exchange: Exchange, mode: SyncMode, ranges: Ranges, first: ByteReader): Task<void> {
    const group = decodeSet(first, ranges.length);
    const theirCount = first.varint(GROUP_ITEMS_MAX * 2);
    const theirSum = first.i32();
    let reader = copyOf(first);
    const list = new ItemList(exchange.replica, this.#salt);
    yield* list.collect(ranges, group, Infinity);
    const itemsMax = Math.min(theirCount + list.count, CELLS_MAX);
    const decoder = new Decoder(theirSum - list.sum, theirCount - list.count, itemsMax);
    for (let needs = 0; ; needs++) {
      const cells = yield* this.#readCells(reader, decoder.cellCount, theirCount);
      const own = new Cells(cells.from, cells.to);
      yield* addInSlices(own, list);
      cells.subtract(own);
      decoder.add(cells);
      while (decoder.step(DECODE_CELLS)) yield 'slice';
      if (decoder.isComplete) break;
      const wanted = needs < NEEDS_MAX ? cellsWanted(decoder, theirCount) : 0;
      this.#payload.varint(wanted);
      yield* this.#link.send(FRAME_NEED, this.#payload);
      if (wanted === 0) return;
      const frame = yield* this.#link.expect(FRAME_CELLS);
      reader = copyOf(new ByteReader(frame.payload));
    }
    yield* this.#settle(exchange, mode, list, decoder.positive, decoder.negative);
  }

  /** Reads the cells that come next, from `from` on. */
  *#readCells(first: ByteReader, from: number, items: number): Task<Cells> {
    let reader = first;
    if (reader.varint() !== from) throw new SyncError('SYNC_PROTOCOL', 'other cells than wanted');
    const to = reader.varint(CELLS_MAX);
    if (to <= from) throw new SyncError('SYNC_PROTOCOL', 'no cells');
    const cells = new Cells(from, to);
    let cell = from;
    for (;;) {
      while (cell < to && reader.left > 0) decodeCell(reader, cells, cell++, items);
      if (cell === to) break;
      const frame = yield* this.#link.expect(FRAME_CELLS);
      if (frame.payload.length === 0) throw new SyncError('SYNC_PROTOCOL', 'an empty frame');
      reader = new ByteReader(frame.payload);
    }
    reader.end();
    return cells;
  }

  *#answerList(
    exchange: Exchange,
    mode: SyncMode,
    ranges: Ranges,
    first: ByteReader,
    theirCount: number,
  ): Task<void> {
    let reader = first;
    const group = decodeSet(reader, ranges.length);
    const count = reader.varint(Math.min(LISTED_MAX, theirCount * 2 + LISTED_MAX / 16));
    const listed = new Set<number>();
    for (let left = count; ; ) {
      for (; left > 0 && reader.left >= LISTED_BYTES; left--) listed.add(decodeListed(reader));
      reader.end();
      if (left === 0) break;
      const frame = yield* this.#link.expect(FRAME_LIST);
      if (frame.payload.length === 0) throw new SyncError('SYNC_PROTOCOL', 'an empty frame');
      reader = new ByteReader(frame.payload);
    }
    const list = new ItemList(exchange.replica, 0);
    const mine: number[] = [];
    yield* list.collect(ranges, group, Infinity, (item) => {
      if (!listed.delete(listedHash(item.low, item.high))) mine.push(item.low);
    });
    const theirs = Array.from(listed, (item) => item | 0);
    yield* this.#settle(exchange, mode, list, theirs, mine);
  }

  /** Asks for what only the other side has, sends what only this one has, takes what comes. */
  *#settle(
    exchange: Exchange,
    mode: SyncMode,
    list: ItemList,
    theirs: number[],
    mine: number[],
  ): Task<void> {
    const wanted = mode === 'pull' ? [] : theirs;
    const payload = this.#payload;
    for (const hash of wanted) {
      payload.u32(hash);
      if (payload.length + WANTED_BYTES > PAYLOAD_BYTES_MAX) {
        yield* this.#link.send(FRAME_WANT, payload);
      }
    }
    if (payload.length > 0) yield* this.#link.send(FRAME_WANT, payload);
    yield* exchange.sendItems(list, mode === 'push' ? [] : mine);
    yield* exchange.receive(wanted.length);
  }
}

function isSame(a: Prefix, b: Prefix): boolean {
  return a.count === b.count && a.low === b.low && a.high === b.high;
}

function readPrefix(reader: ByteReader): Prefix {
  const prefix = { count: reader.varint(), low: reader.i32(), high: reader.i32() };
  reader.end();
  return prefix;
}

function readBound(reader: ByteReader): Buffer | null {
  const code = reader.u8();
  if (code > 1) throw new SyncError('SYNC_BAD_FRAME', 'neither a bound nor none');
  return code === 0 ? null : Buffer.from(reader.blob(KEY_BYTES_MAX));
}

/** The rest of a reader, independent of the frame: what follows may pause in between. */
function copyOf(reader: ByteReader): ByteReader {
  return new ByteReader(Buffer.from(reader.bytes(reader.left)));
}

/** How many cells would do, as far as one can tell; 0: listing the items costs less. */
function cellsWanted(decoder: Decoder, theirCount: number): number {
  const { cellCount } = decoder;
  const found = decoder.positive.length + decoder.negative.length;
  const differences = found + decoder.estimateRest();
  // So many cells without a result: a knot of equal hashes, which no cells undo.
  if (decoder.isOverfull || cellCount > 2 * cellsFor(differences) + KNOT_CELLS) return 0;
  // The estimate is as good as there are cells; a second question costs a round trip.
  const margin = 1 + 1.2 * Math.sqrt(2 / cellCount);
  const wanted = Math.max(cellsFor(differences * margin), Math.ceil(cellCount * 1.25) + 4);
  const isListedLess = (wanted - cellCount) * CELL_BYTES > theirCount * LISTED_BYTES;
  return isListedLess || wanted > CELLS_MAX ? 0 : wanted;
}
