/**
 * Reads a value of any type of Redis, element by element, into the sink of its type. A generator:
 * it yields where the reader has not enough bytes, or where others shall run (reader.ts).
 *
 *   string            string
 *   list, set         count, strings
 *   hash              count, { field, value };  with expiry of fields: smallest time 8 B first, and
 *                     before each field a length: 0, or 1 more than its time is above the smallest
 *   zset              count, { member, score: 8 B, or in an old one a length and digits }
 *   packed            one string: packed.ts
 *   quicklist         count, { packed }; since 7.0 { 1 = a plain string or 2 = a listpack, string }
 *   stream            streams.ts
 */
import { parseFloat64, parseInt64 } from '../resp/numbers.js';
import { Intset, Listpack, type Packed, Ziplist, Zipmap } from './packed.js';
import { corrupt, RdbError } from './rdb-error.js';
import type { RdbReader } from './reader.js';
import { type Reading, readLength } from './reading.js';
import type { ElementSink, HashSink, StringSink, ValueSinks, ZsetSink } from './sinks.js';
import { readStream } from './streams.js';
import * as types from './value-types.js';

const QUICKLIST_PLAIN = 1;
const QUICKLIST_PACKED = 2;
/** The latest time of a field, ms since 1970 (`EB_EXPIRE_TIME_MAX`), or one more: it has none. */
const EXPIRY_MAX_MS = 2 ** 48 - 1;
/** Lengths of an old score that stand for what has no digits; above them the negative one. */
const SCORE_NAN = 253;
const SCORE_INFINITE = 254;

/** Throws an RdbError: `unsupported` where there is no sink for the type. */
export function readValue(reader: RdbReader, type: number, sinks: ValueSinks): Reading {
  switch (types.valueTypeName(type)) {
    case 'string':
      return readString(reader, sinkOf(sinks.string, 'string'));
    case 'list':
      return readList(reader, type, sinkOf(sinks.list, 'list'));
    case 'set':
      return readSet(reader, type, sinkOf(sinks.set, 'set'));
    case 'zset':
      return readZset(reader, type, sinkOf(sinks.zset, 'zset'));
    case 'hash':
      return readHash(reader, type, sinkOf(sinks.hash, 'hash'));
    case 'stream':
      return readStream(reader, type, sinkOf(sinks.stream, 'stream'));
    case 'module':
      throw unsupported('module');
    default:
      throw corrupt('no such type of values');
  }
}

function sinkOf<T>(sink: T | undefined, name: types.ValueTypeName): T {
  if (sink !== undefined) return sink;
  throw unsupported(name);
}

function unsupported(name: types.ValueTypeName): RdbError {
  return new RdbError('unsupported', `a value of type ${name}`);
}

function* readString(reader: RdbReader, sink: StringSink): Reading {
  while (!reader.string()) yield;
  sink.value(reader.bytes, reader.from, reader.to);
}

function* readList(reader: RdbReader, type: number, sink: ElementSink): Reading {
  if (type === types.RDB_LIST) {
    yield* readStrings(reader, sink);
    return;
  }
  if (type === types.RDB_LIST_ZIPLIST) {
    while (!reader.string()) yield;
    sink.begin(true);
    yield* readElements(reader, new Ziplist(reader.bytes, reader.from, reader.to), sink);
    return;
  }
  const nodes = yield* readCount(reader);
  sink.begin(nodes === 1);
  for (let node = 0; node < nodes; node += 1) {
    let container = QUICKLIST_PACKED;
    if (type === types.RDB_LIST_QUICKLIST_2) container = yield* readLength(reader);
    while (!reader.string()) yield;
    const { bytes, from, to } = reader;
    if (container === QUICKLIST_PLAIN) {
      sink.element(bytes, from, to);
      if (reader.isTired()) yield;
    } else if (container !== QUICKLIST_PACKED) {
      throw corrupt('a quicklist with an unknown node');
    } else if (type === types.RDB_LIST_QUICKLIST_2) {
      yield* readElements(reader, new Listpack(bytes, from, to), sink);
    } else {
      yield* readElements(reader, new Ziplist(bytes, from, to), sink);
    }
  }
}

function* readSet(reader: RdbReader, type: number, sink: ElementSink): Reading {
  if (type === types.RDB_SET) {
    yield* readStrings(reader, sink);
    return;
  }
  while (!reader.string()) yield;
  const { bytes, from, to } = reader;
  const isIntset = type === types.RDB_SET_INTSET;
  const packed = isIntset ? new Intset(bytes, from, to) : new Listpack(bytes, from, to);
  sink.begin(true);
  yield* readElements(reader, packed, sink);
}

function* readStrings(reader: RdbReader, sink: ElementSink): Reading {
  const count = yield* readCount(reader);
  sink.begin(false);
  for (let i = 0; i < count; i += 1) {
    while (!reader.string()) yield;
    sink.element(reader.bytes, reader.from, reader.to);
    if (reader.isTired()) yield;
  }
}

function* readElements(reader: RdbReader, packed: Packed, sink: ElementSink): Reading {
  let count = 0;
  for (; packed.next(); count += 1) {
    sink.element(packed.bytes, packed.from, packed.to);
    if (reader.isTired()) yield;
  }
  if (count === 0) throw corrupt('no element');
}

function* readHash(reader: RdbReader, type: number, sink: HashSink): Reading {
  const isMetadata = type === types.RDB_HASH_METADATA;
  let firstMs = 1;
  if (isMetadata) firstMs = yield* readTime(reader);
  else if (type === types.RDB_HASH_LISTPACK_EX) yield* readTime(reader);
  if (isMetadata || type === types.RDB_HASH || type === types.RDB_HASH_METADATA_EARLY) {
    yield* readFields(reader, type, firstMs, sink);
    return;
  }
  while (!reader.string()) yield;
  const { bytes, from, to } = reader;
  sink.begin(true);
  if (type === types.RDB_HASH_ZIPMAP) {
    yield* readPackedFields(reader, new Zipmap(bytes, from, to), false, sink);
  } else if (type === types.RDB_HASH_ZIPLIST) {
    yield* readPackedFields(reader, new Ziplist(bytes, from, to), false, sink);
  } else {
    const hasTimes = type !== types.RDB_HASH_LISTPACK;
    yield* readPackedFields(reader, new Listpack(bytes, from, to), hasTimes, sink);
  }
}

/** `firstMs`: what times are told from. */
function* readFields(reader: RdbReader, type: number, firstMs: number, sink: HashSink): Reading {
  const count = yield* readCount(reader);
  sink.begin(false);
  for (let i = 0; i < count; i += 1) {
    const time = type === types.RDB_HASH ? 0 : yield* readLength(reader);
    const expiryMs = time === 0 ? 0 : checkedTime(firstMs + time - 1);
    while (!reader.string()) yield;
    const { bytes, from, to } = reader;
    while (!reader.string()) yield;
    sink.field(bytes, from, to, reader.bytes, reader.from, reader.to, expiryMs);
    if (reader.isTired()) yield;
  }
}

function* readTime(reader: RdbReader): Generator<void, number, void> {
  let time = reader.int64();
  while (time === undefined) {
    yield;
    time = reader.int64();
  }
  return checkedTime(Number(time));
}

function checkedTime(ms: number): number {
  if (!(ms >= 0 && ms <= EXPIRY_MAX_MS)) throw corrupt('a field that expires at no time');
  return ms;
}

function* readPackedFields(
  reader: RdbReader,
  packed: Packed,
  hasTimes: boolean,
  sink: HashSink,
): Reading {
  let count = 0;
  for (; packed.next(); count += 1) {
    const { bytes, from, to } = packed;
    nextOf(packed);
    const { bytes: value, from: vfrom, to: vto } = packed;
    let expiryMs = 0;
    if (hasTimes) {
      nextOf(packed);
      expiryMs = checkedTime(parseInt64(packed.bytes, packed.from, packed.to));
    }
    sink.field(bytes, from, to, value, vfrom, vto, expiryMs);
    if (reader.isTired()) yield;
  }
  if (count === 0) throw corrupt('no field');
}

/** The element that must follow. */
function nextOf(packed: Packed): void {
  if (!packed.next()) throw corrupt('an odd number of packed elements');
}

function* readZset(reader: RdbReader, type: number, sink: ZsetSink): Reading {
  if (type === types.RDB_ZSET || type === types.RDB_ZSET_2) {
    const count = yield* readCount(reader);
    sink.begin(false);
    for (let i = 0; i < count; i += 1) {
      while (!reader.string()) yield;
      const { bytes, from, to } = reader;
      let score = type === types.RDB_ZSET ? readOldScore(reader) : reader.double();
      while (score === undefined) {
        yield;
        score = type === types.RDB_ZSET ? readOldScore(reader) : reader.double();
      }
      sink.member(bytes, from, to, checkedScore(score));
      if (reader.isTired()) yield;
    }
    return;
  }
  while (!reader.string()) yield;
  const { bytes, from, to } = reader;
  const isZiplist = type === types.RDB_ZSET_ZIPLIST;
  const packed = isZiplist ? new Ziplist(bytes, from, to) : new Listpack(bytes, from, to);
  sink.begin(true);
  yield* readPackedMembers(reader, packed, sink);
}

function* readPackedMembers(reader: RdbReader, packed: Packed, sink: ZsetSink): Reading {
  let count = 0;
  for (; packed.next(); count += 1) {
    const { bytes, from, to } = packed;
    nextOf(packed);
    const score = parseFloat64(packed.bytes, packed.from, packed.to);
    sink.member(bytes, from, to, checkedScore(score));
    if (reader.isTired()) yield;
  }
  if (count === 0) throw corrupt('no member');
}

/** Undefined: not yet. */
function readOldScore(reader: RdbReader): number | undefined {
  if (!reader.has(1)) return undefined;
  const bytes = reader.buf[reader.at]!;
  if (bytes >= SCORE_NAN) {
    reader.at += 1;
    if (bytes === SCORE_NAN) return NaN;
    return bytes === SCORE_INFINITE ? Infinity : -Infinity;
  }
  if (!reader.has(1 + bytes)) return undefined;
  const from = reader.at + 1;
  reader.at = from + bytes;
  return parseFloat64(reader.buf, from, from + bytes);
}

function checkedScore(score: number): number {
  if (Number.isNaN(score)) throw corrupt('a score that is no number');
  return score;
}

/** How many elements follow: at least one, for what is empty does not exist. */
function* readCount(reader: RdbReader): Generator<void, number, void> {
  const count = yield* readLength(reader);
  if (count === 0) throw corrupt('a collection without elements');
  return count;
}
