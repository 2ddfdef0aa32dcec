/**
 * A stream that is read from a dump. What is pending has no consumer until one names it: until then
 * it is kept as nobody's, its deliveries below zero.
 */
import { corrupt, RdbError } from '../../rdb/rdb-error.js';
import type {
  StreamId as DumpedId,
  StreamState as DumpedState,
  StreamSink,
} from '../../rdb/sinks.js';
import type { Collection } from '../store/collection.js';
import { EncodedEntry } from './stream-entry.js';
import { ENTRIES_READ_UNKNOWN, Group, NAME_BYTES_MAX } from './stream-group.js';
import { StreamId } from './stream-id.js';
import { addedUpTo } from './stream-lag.js';
import { loadTopId, putEntry, StreamState } from './streams.js';

const NOBODY = Buffer.alloc(0);

export class StreamLoad implements StreamSink {
  readonly #stream: Collection;
  readonly #entry = new EncodedEntry();
  readonly #state = new StreamState();
  readonly #group = new Group();
  readonly #id = new StreamId();
  readonly #top = new StreamId();
  /** As before Redis 7.0, which did not count. */
  #isOld = false;
  /** Pending entries of the group at hand that no consumer has named. */
  #unowned = 0;

  constructor(stream: Collection) {
    this.#stream = stream;
  }

  begin(): void {}

  entry({ ms, seq }: DumpedId, items: readonly Buffer[]): void {
    const id = this.#id;
    id.setBig(ms, seq);
    if (id.isZero || (loadTopId(this.#stream, this.#top) && id.compare(this.#top) <= 0)) {
      throw corrupt('entries out of order');
    }
    if (items.length === 0) throw corrupt('an entry without fields');
    if (!this.#entry.encodeItems(items)) {
      throw new RdbError('unsupported', 'an entry of more than 1 GiB');
    }
    putEntry(this.#stream, id, this.#entry.bytes, 0, this.#entry.length);
  }

  state({ entriesAdded, lastId, length, maxDeletedId }: DumpedState): void {
    const state = this.#state;
    state.load(this.#stream);
    if (state.length !== length) throw corrupt('another number of entries');
    this.#id.setBig(lastId.ms, lastId.seq);
    if (this.#id.compare(state.lastId) < 0) throw corrupt('an entry above the last id');
    state.lastId.copy(this.#id);
    this.#isOld = entriesAdded === undefined;
    if (maxDeletedId !== undefined) state.maxDeletedId.setBig(maxDeletedId.ms, maxDeletedId.seq);
    if (entriesAdded !== undefined) state.removed = Number(entriesAdded) - length;
    state.saveAlone(this.#stream);
  }

  group(name: Buffer, lastId: DumpedId, entriesRead: bigint | undefined): void {
    this.end();
    refuseLongName(name);
    const group = this.#group;
    if (group.open(this.#stream, name, 0, name.length)) throw corrupt('a group twice');
    group.lastId.setBig(lastId.ms, lastId.seq);
    if (entriesRead !== undefined) group.entriesRead = Number(entriesRead);
    else if (this.#isOld) group.entriesRead = addedUpTo(this.#state, group.lastId);
    else group.entriesRead = ENTRIES_READ_UNKNOWN;
    group.save();
    group.turnTo(NOBODY, 0, 0);
  }

  pending({ ms, seq }: DumpedId, deliveredMs: bigint, deliveries: number): void {
    const id = this.#id;
    id.setBig(ms, seq);
    if (this.#group.findPending(id) !== 0) throw corrupt('an entry pending twice');
    this.#group.putPending(id, Number(deliveredMs), -1 - deliveries);
    this.#unowned += 1;
  }

  /** A dump before version 11 says no more than when it was seen. */
  consumer(name: Buffer, seenMs: bigint, activeMs: bigint = seenMs): void {
    refuseLongName(name);
    this.#group.turnTo(name, 0, name.length);
    const isNew = this.#group.putConsumer(Number(seenMs), Number(activeMs));
    if (!isNew) throw corrupt('a consumer twice');
  }

  owned({ ms, seq }: DumpedId): void {
    const id = this.#id;
    id.setBig(ms, seq);
    const group = this.#group;
    const pending = group.findPending(id);
    if (pending === 0) throw corrupt('an entry of a consumer that is not pending');
    group.loadPending(pending);
    if (group.deliveries >= 0) throw corrupt('an entry of two consumers');
    group.putPending(id, group.deliveredMs, -1 - group.deliveries);
    this.#unowned -= 1;
  }

  end(): void {
    if (this.#unowned > 0) throw corrupt('an entry pending for nobody');
  }
}

function refuseLongName({ length }: Buffer): void {
  if (length <= NAME_BYTES_MAX) return;
  throw new RdbError('unsupported', `a group or consumer of more than ${NAME_BYTES_MAX} bytes`);
}
