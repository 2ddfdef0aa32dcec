/**
 * Streams: entries in listpacks, then what the stream says of itself, then its groups.
 *
 *   count, { node: 16 B of its first id, big-endian; listpack }
 *   length, last id;  since 7.0: first id, highest deleted id, entries ever added
 *   groups, { name, last id;  since 7.0: entries read;
 *             pending, { id 16 B, time 8 B, deliveries }
 *             consumers, { name, seen 8 B;  since 7.2: active 8 B;  pending, { id 16 B } } }
 *
 * In a listpack: entries, deleted, fields, { field }, 0 of the master entry; then of each entry
 * flags, id as differences from the node's, fields (the master's, or their count and { field,
 * value }), and how many elements that were.
 */
import { parseBigInt64, parseInt64 } from '../resp/numbers.js';
import { Listpack } from './packed.js';
import { corrupt } from './rdb-error.js';
import type { RdbReader } from './reader.js';
import { type Reading, readLength } from './reading.js';
import type { StreamId, StreamSink } from './sinks.js';
import { RDB_STREAM, RDB_STREAM_3 } from './value-types.js';

const ID_BYTES = 16;
const FLAG_DELETED = 1;
const FLAG_SAME_FIELDS = 2;
const TWO_64 = 1n << 64n;

export function* readStream(reader: RdbReader, type: number, sink: StreamSink): Reading {
  sink.begin();
  const nodes = yield* readLength(reader);
  for (let node = 0; node < nodes; node += 1) {
    while (!reader.string()) yield;
    if (reader.to - reader.from !== ID_BYTES) throw corrupt('a node of a stream without an id');
    const first = idAt(reader.bytes, reader.from);
    while (!reader.string()) yield;
    const entries = new Listpack(reader.bytes, reader.from, reader.to);
    yield* readEntries(reader, entries, first, sink);
  }
  yield* readState(reader, type, sink);
  const groups = yield* readLength(reader);
  for (let group = 0; group < groups; group += 1) yield* readGroup(reader, type, sink);
  sink.end();
}

function* readEntries(
  reader: RdbReader,
  entries: Listpack,
  first: StreamId,
  sink: StreamSink,
): Reading {
  const live = integerOf(entries);
  const total = live + integerOf(entries);
  const fields = bytesOf(entries, integerOf(entries));
  integerOf(entries);
  let found = 0;
  for (let i = 0; i < total; i += 1) {
    const flags = integerOf(entries);
    const id = {
      ms: (first.ms + bigOf(entries)) % TWO_64,
      seq: (first.seq + bigOf(entries)) % TWO_64,
    };
    const items = itemsOf(entries, flags, fields);
    integerOf(entries);
    if ((flags & FLAG_DELETED) === 0) {
      sink.entry(id, items);
      found += 1;
    }
    if (reader.isTired()) yield;
  }
  if (found !== live || entries.next()) throw corrupt('a node of a stream with other entries');
}

function itemsOf(entries: Listpack, flags: number, fields: readonly Buffer[]): Buffer[] {
  if ((flags & FLAG_SAME_FIELDS) === 0) return bytesOf(entries, integerOf(entries) * 2);
  return fields.flatMap((field) => [field, elementOf(entries)]);
}

function* readState(reader: RdbReader, type: number, sink: StreamSink): Reading {
  const length = yield* readLength(reader);
  const lastId = yield* readId(reader);
  if (type === RDB_STREAM) {
    sink.state({ length, lastId, maxDeletedId: undefined, entriesAdded: undefined });
    return;
  }
  yield* readId(reader);
  const maxDeletedId = yield* readId(reader);
  const entriesAdded = yield* readBigLength(reader);
  sink.state({ length, lastId, maxDeletedId, entriesAdded });
}

function* readGroup(reader: RdbReader, type: number, sink: StreamSink): Reading {
  while (!reader.string()) yield;
  const name = reader.bytes.subarray(reader.from, reader.to);
  const lastId = yield* readId(reader);
  let entriesRead: bigint | undefined;
  if (type !== RDB_STREAM) {
    const read = BigInt.asIntN(64, yield* readBigLength(reader));
    if (read >= 0n) entriesRead = read;
  }
  sink.group(name, lastId, entriesRead);
  const pending = yield* readLength(reader);
  for (let i = 0; i < pending; i += 1) {
    const id = yield* readRawId(reader);
    const deliveredMs = yield* readTime(reader);
    sink.pending(id, deliveredMs, yield* readLength(reader));
    if (reader.isTired()) yield;
  }
  const consumers = yield* readLength(reader);
  for (let i = 0; i < consumers; i += 1) yield* readConsumer(reader, type, sink);
}

function* readConsumer(reader: RdbReader, type: number, sink: StreamSink): Reading {
  while (!reader.string()) yield;
  const name = reader.bytes.subarray(reader.from, reader.to);
  const seenMs = yield* readTime(reader);
  const activeMs = type === RDB_STREAM_3 ? yield* readTime(reader) : undefined;
  sink.consumer(name, seenMs, activeMs);
  const owned = yield* readLength(reader);
  for (let i = 0; i < owned; i += 1) {
    sink.owned(yield* readRawId(reader));
    if (reader.isTired()) yield;
  }
}

function idAt(buf: Buffer, at: number): StreamId {
  return { ms: buf.readBigUInt64BE(at), seq: buf.readBigUInt64BE(at + 8) };
}

function* readRawId(reader: RdbReader): Generator<void, StreamId, void> {
  while (!reader.skip(ID_BYTES)) yield;
  return idAt(reader.buf, reader.at - ID_BYTES);
}

function* readId(reader: RdbReader): Generator<void, StreamId, void> {
  const ms = yield* readBigLength(reader);
  return { ms, seq: yield* readBigLength(reader) };
}

function* readBigLength(reader: RdbReader): Generator<void, bigint, void> {
  yield* readLength(reader);
  return reader.bigLength;
}

function* readTime(reader: RdbReader): Generator<void, bigint, void> {
  let time = reader.int64();
  while (time === undefined) {
    yield;
    time = reader.int64();
  }
  return time;
}

function elementOf(entries: Listpack): Buffer {
  if (!entries.next()) throw corrupt('a node of a stream that ends too early');
  return entries.bytes.subarray(entries.from, entries.to);
}

function bytesOf(entries: Listpack, count: number): Buffer[] {
  const found: Buffer[] = [];
  for (let i = 0; i < count; i += 1) found.push(elementOf(entries));
  return found;
}

/** A count: a small integer that is not negative. */
function integerOf(entries: Listpack): number {
  const element = elementOf(entries);
  const value = parseInt64(element, 0, element.length);
  if (value >= 0 && Number.isSafeInteger(value)) return value;
  throw corrupt('a node of a stream with something else than a count');
}

function bigOf(entries: Listpack): bigint {
  const element = elementOf(entries);
  const value = parseBigInt64(element, 0, element.length);
  if (value === undefined) throw corrupt('a node of a stream with something else than an id');
  return value < 0n ? value + TWO_64 : value;
}
