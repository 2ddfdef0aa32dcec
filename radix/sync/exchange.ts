/**
 * Exchange: what both sides of a session do with entries: send items of a replica, take those that
 * come, keep count.
 */
import { ByteReader, ByteWriter } from './bytes.js';
import { EntryApplier, EntryEncoder } from './entries.js';
import { PAYLOAD_BYTES_MAX } from './frame.js';
import { type ItemList, SLICE_ITEMS } from './items.js';
import type { Link, Task } from './link.js';
import { FRAME_END, FRAME_ENTRIES } from './messages.js';
import { FIRST_PLACE, type Place } from './place.js';
import type { Item, Replica } from './replica.js';
import { SyncError } from './sync-error.js';

/** More entries than announced may come: writers do not stop, and hashes may be equal. */
const SURPLUS_MAX = 1024;

export class Exchange {
  readonly replica: Replica;
  readonly link: Link;
  readonly applier: EntryApplier;
  sentCount = 0;
  readonly #encoder: EntryEncoder;
  readonly #stream = new ByteWriter();
  readonly #payload = new ByteWriter();
  #sentSinceEnd = 0;
  /** Records received up to the last END. */
  #receivedBefore = 0;

  constructor(replica: Replica, link: Link, recordBytesMax: number) {
    this.replica = replica;
    this.link = link;
    this.applier = new EntryApplier(replica, recordBytesMax);
    this.#encoder = new EntryEncoder(replica, new ByteWriter());
  }

  /** Sends all items of the replica, then END. */
  *sendAll(): Task<void> {
    let place: Place | null = FIRST_PLACE;
    while (place !== null) {
      place = this.replica.scan(place, null, SLICE_ITEMS, (item) => this.#add(item));
      yield* this.#flush(PAYLOAD_BYTES_MAX);
      yield 'slice';
    }
    yield* this.#sendEnd();
  }

  /** Sends the items with these hashes, as far as they are still there, then END. */
  *sendItems(list: ItemList, hashes: Iterable<number>): Task<void> {
    const wanted = new Set(hashes);
    if (wanted.size > 0) {
      const visit = (item: Item): boolean => this.#add(item);
      yield* list.find(wanted, visit, () => this.#flush(PAYLOAD_BYTES_MAX));
    }
    yield* this.#sendEnd();
  }

  /** Takes ENTRIES up to END; about `countMax` may come. */
  *receive(countMax: number): Task<void> {
    for (;;) {
      const { type, payload } = yield* this.link.expect(FRAME_ENTRIES, FRAME_END);
      if (yield* this.take(type, payload, countMax)) return;
    }
  }

  /** Takes one frame of ENTRIES or END; true if that was the END. */
  *take(type: number, payload: Buffer, countMax: number): Task<boolean> {
    const { applier } = this;
    if (type === FRAME_ENTRIES) {
      applier.push(payload);
      const count = applier.receivedCount - this.#receivedBefore;
      if (count > countMax * 2 + SURPLUS_MAX) {
        throw new SyncError('SYNC_LIMIT', 'more entries than were announced');
      }
      yield 'slice';
      return false;
    }
    const reader = new ByteReader(payload);
    const announced = reader.varint();
    reader.end();
    const count = applier.receivedCount - this.#receivedBefore;
    if (announced !== count || !applier.isBetweenRecords) {
      throw new SyncError('SYNC_PROTOCOL', 'entries are missing');
    }
    this.#receivedBefore = applier.receivedCount;
    return true;
  }

  /** False if there is enough to send. */
  #add(item: Item): boolean {
    this.#encoder.encode(item, this.#stream);
    this.sentCount++;
    this.#sentSinceEnd++;
    return this.#stream.length < PAYLOAD_BYTES_MAX;
  }

  /** Sends what has been encoded as soon as it is `bytesMin`, in frames as full as can be. */
  *#flush(bytesMin: number): Task<void> {
    const stream = this.#stream;
    if (stream.length < bytesMin || stream.length === 0) return;
    const bytes = stream.view();
    for (let at = 0; at < bytes.length; at += PAYLOAD_BYTES_MAX) {
      this.#payload.bytes(bytes, at, Math.min(at + PAYLOAD_BYTES_MAX, bytes.length));
      yield* this.link.send(FRAME_ENTRIES, this.#payload);
    }
    stream.clear();
  }

  *#sendEnd(): Task<void> {
    yield* this.#flush(1);
    this.#payload.varint(this.#sentSinceEnd);
    this.#sentSinceEnd = 0;
    yield* this.link.send(FRAME_END, this.#payload);
  }
}
