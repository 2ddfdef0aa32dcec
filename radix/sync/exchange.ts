/**
 * Exchange: what both sides of a session do with entries: send items of a replica, take those that
 * come, keep count.
 */
import { BigSource } from './big-source.js';
import { ByteReader, ByteWriter } from './bytes.js';
import { type Piece } from './dropper.js';
import { type ApplyOptions, EntryApplier } from './entry-applier.js';
import { type BigValue, RecordEncoder } from './entry-codec.js';
import { type Frame, PAYLOAD_BYTES_MAX } from './frame.js';
import { type Finder, type ItemList, SLICE_VISITS } from './items.js';
import { ENTRIES_MAX } from './limits.js';
import type { Link, Task } from './link.js';
import { FRAME_ABANDON, FRAME_END, FRAME_ENTRIES, FRAME_VALUE, type SyncMode } from './messages.js';
import { FIRST_PLACE, type Place } from './place.js';
import type { Ranges } from './ranges.js';
import type { Replica } from './replica.js';
import { SyncError } from './sync-error.js';
import type { Item } from './takers.js';

/** More entries than announced may come: writers do not stop, and symbols may be equal. */
const SURPLUS_MAX = 1024;
/** Values that may be given up while they are sent, in one session. */
const ABANDONED_MAX = 4096;

export class Exchange {
  readonly replica: Replica;
  readonly link: Link;
  readonly applier: EntryApplier;
  sentCount = 0;
  readonly #encoder = new RecordEncoder();
  readonly #stream = new ByteWriter();
  readonly #payload = new ByteWriter();
  /** What must follow the last record of the stream. */
  #big: BigValue | null = null;
  #sentSinceEnd = 0;
  #abandonedCount = 0;
  /** Records received up to the last END. */
  #receivedBefore = 0;

  constructor(replica: Replica, link: Link, mode: SyncMode, options: ApplyOptions) {
    this.replica = replica;
    this.link = link;
    this.applier = new EntryApplier(replica, mode, options);
  }

  /** Sends all items of the replica, then END. Adds to `pieces` what it has sent. */
  *sendAll(pieces: Piece[] | null): Task<void> {
    let place: Place | null = FIRST_PLACE;
    while (place !== null) {
      const from: Place = place;
      let count = 0;
      let low = 0;
      let high = 0;
      place = this.replica.scan(from, null, SLICE_VISITS, (item) => {
        count++;
        low = (low + item.low) | 0;
        high = (high + item.high) | 0;
        return this.#add(item);
      });
      pieces?.push({ from, to: place, count, low, high });
      yield* this.#flush(PAYLOAD_BYTES_MAX);
      yield 'slice';
    }
    yield* this.sendEnd();
  }

  /** Sends the items of a list with these symbols that are still there and admitted, then END. */
  *sendItems(list: ItemList, symbols: ReadonlySet<number>, admits: Finder): Task<void> {
    const finder: Finder = (item, range) => !admits(item, range) || this.#add(item);
    yield* list.find(symbols, finder, () => this.#flush(PAYLOAD_BYTES_MAX));
    yield* this.sendEnd();
  }

  /** Sends the items of these sub ranges that are admitted, then END. */
  *sendRanges(ranges: Ranges, indexes: readonly number[], admits: Finder): Task<void> {
    for (const range of indexes) {
      let place: Place | null = ranges.starts[range]!;
      while (place !== null) {
        place = this.replica.scan(place, ranges.end(range), SLICE_VISITS, (item) => {
          return !admits(item, range) || this.#add(item);
        });
        yield* this.#flush(PAYLOAD_BYTES_MAX);
        yield 'slice';
      }
    }
    yield* this.sendEnd();
  }

  /** Sends END, after what has not been sent yet. */
  *sendEnd(): Task<void> {
    yield* this.#flush(1);
    this.#payload.varint(this.#sentSinceEnd);
    this.#sentSinceEnd = 0;
    yield* this.link.send(FRAME_END, this.#payload);
  }

  /** Takes entries up to END; about `countMax` may come. */
  *receive(countMax: number): Task<void> {
    for (;;) {
      const { type, payload } = yield* this.link.expect(
        FRAME_ENTRIES,
        FRAME_VALUE,
        FRAME_ABANDON,
        FRAME_END,
      );
      if (yield* this.take(type, payload, countMax)) return;
    }
  }

  /** Takes what has begun with this frame, up to END. */
  *takeAll({ type, payload }: Frame, countMax: number): Task<void> {
    const isEnd = yield* this.take(type, payload, countMax);
    if (!isEnd) yield* this.receive(countMax);
  }

  /** Takes one frame of entries or END; true if that was the END. */
  *take(type: number, payload: Buffer, countMax: number): Task<boolean> {
    const { applier } = this;
    if (type === FRAME_ENTRIES) yield* applier.push(payload);
    else if (type === FRAME_VALUE) yield* applier.pushValue(payload);
    else if (type === FRAME_ABANDON) this.#abandon(payload);
    else {
      this.#takeEnd(payload);
      return true;
    }
    const count = applier.receivedCount - this.#receivedBefore;
    if (count > Math.min(countMax, ENTRIES_MAX) * 2 + SURPLUS_MAX) {
      throw new SyncError('SYNC_LIMIT', 'more entries than were announced');
    }
    yield 'slice';
    return false;
  }

  #abandon(payload: Buffer): void {
    new ByteReader(payload).end();
    this.applier.abandonValue();
    if (++this.#abandonedCount > ABANDONED_MAX) {
      throw new SyncError('SYNC_LIMIT', 'too many values were given up');
    }
  }

  #takeEnd(payload: Buffer): void {
    const { applier } = this;
    const reader = new ByteReader(payload);
    const announced = reader.varint();
    reader.end();
    const count = applier.receivedCount - this.#receivedBefore;
    if (announced !== count || !applier.isBetweenRecords) {
      throw new SyncError('SYNC_PROTOCOL', 'entries are missing');
    }
    this.#receivedBefore = applier.receivedCount;
  }

  /** False if there is enough to send. */
  #add(item: Item): boolean {
    this.#big = this.#encode(item);
    this.sentCount++;
    this.#sentSinceEnd++;
    return this.#big === null && this.#stream.length < PAYLOAD_BYTES_MAX;
  }

  #encode(item: Item): BigValue | null {
    const { db, element, leaf } = item;
    const { clearedAt, tree } = this.replica.databases[db]!;
    const stream = this.#stream;
    if (leaf === 0) return this.#encoder.clear(db, clearedAt, stream);
    if (element === 0) return this.#encoder.entry(db, tree, leaf, stream);
    const { elements, parts } = this.replica.elementsOf(item);
    return this.#encoder.element(db, tree.key(leaf), parts, elements, element, stream);
  }

  /** Sends what has been encoded as soon as it is `bytesMin`, in frames as full as can be. */
  *#flush(bytesMin: number): Task<void> {
    const stream = this.#stream;
    const big = this.#big;
    if (stream.length === 0 || (stream.length < bytesMin && big === null)) return;
    const bytes = stream.view();
    for (let at = 0; at < bytes.length; at += PAYLOAD_BYTES_MAX) {
      this.#payload.bytes(bytes, at, Math.min(at + PAYLOAD_BYTES_MAX, bytes.length));
      yield* this.link.send(FRAME_ENTRIES, this.#payload);
    }
    stream.clear();
    this.#big = null;
    if (big !== null) yield* this.#sendValue(big);
  }

  /** Sends a value after its record. A writer who changes it in the meantime ends it. */
  *#sendValue(big: BigValue): Task<void> {
    const source = new BigSource(this.replica, big);
    const piece = Buffer.allocUnsafe(PAYLOAD_BYTES_MAX);
    for (let at = 0; at < big.bytes; at += PAYLOAD_BYTES_MAX) {
      const bytes = Math.min(PAYLOAD_BYTES_MAX, big.bytes - at);
      if (!source.copy(piece, at, at + bytes)) {
        this.sentCount--;
        this.#sentSinceEnd--;
        yield* this.link.send(FRAME_ABANDON, null);
        return;
      }
      this.#payload.bytes(piece, 0, bytes);
      yield* this.link.send(FRAME_VALUE, this.#payload);
      yield 'slice';
    }
  }
}
