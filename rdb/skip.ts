/** Passing over values without looking into them: bounded memory, whatever their size. */
import { MARK_INT8, MARK_INT32, MARK_LZF } from './lengths.js';
import { corrupt, RdbError } from './rdb-error.js';
import type { RdbReader } from './reader.js';
import { type Reading, readLength } from './reading.js';
import * as types from './value-types.js';

/** Asked for at once of what is only passed over. */
const PIECE_BYTES = 64 * 1024;
const ID_BYTES = 16;

/** Opcodes of what modules have written. */
const MODULE_END = 0;
const MODULE_SIGNED = 1;
const MODULE_UNSIGNED = 2;
const MODULE_FLOAT = 3;
const MODULE_DOUBLE = 4;
const MODULE_STRING = 5;

export function* skipValue(reader: RdbReader, type: number): Reading {
  switch (type) {
    case types.RDB_LIST:
    case types.RDB_SET:
    case types.RDB_LIST_QUICKLIST:
      return yield* skipStrings(reader, yield* readLength(reader));
    case types.RDB_HASH:
      return yield* skipStrings(reader, 2 * (yield* readLength(reader)));
    case types.RDB_ZSET:
    case types.RDB_ZSET_2:
      return yield* skipMembers(reader, type);
    case types.RDB_LIST_QUICKLIST_2:
      return yield* skipNodes(reader, 1);
    case types.RDB_HASH_METADATA:
      yield* skipBytes(reader, 8);
      return yield* skipNodes(reader, 2);
    case types.RDB_HASH_METADATA_EARLY:
      return yield* skipNodes(reader, 2);
    case types.RDB_HASH_LISTPACK_EX:
      yield* skipBytes(reader, 8);
      return yield* skipString(reader);
    case types.RDB_STREAM:
    case types.RDB_STREAM_2:
    case types.RDB_STREAM_3:
      return yield* skipStream(reader, type);
    case types.RDB_MODULE:
      throw new RdbError('unsupported', 'a value of a module of Redis 4, whose end nobody knows');
    case types.RDB_MODULE_2:
      yield* readLength(reader);
      return yield* skipModule(reader);
    default:
      if (types.valueTypeName(type) === undefined) throw corrupt('no such type of values');
      return yield* skipString(reader);
  }
}

export function* skipString(reader: RdbReader): Reading {
  while (!reader.has(1)) yield;
  const first = reader.buf[reader.at]!;
  if (first >= MARK_INT8 && first <= MARK_INT32) {
    yield* skipBytes(reader, 1 + (1 << (first - MARK_INT8)));
  } else if (first === MARK_LZF) {
    reader.at += 1;
    const bytes = yield* readLength(reader);
    yield* readLength(reader);
    yield* skipBytes(reader, bytes);
  } else {
    yield* skipBytes(reader, yield* readLength(reader));
  }
}

function* skipStrings(reader: RdbReader, count: number): Reading {
  for (let i = 0; i < count; i += 1) {
    yield* skipString(reader);
    if (reader.isTired()) yield;
  }
}

/** `count`, and as often a length and some strings. */
function* skipNodes(reader: RdbReader, strings: number): Reading {
  const count = yield* readLength(reader);
  for (let i = 0; i < count; i += 1) {
    yield* readLength(reader);
    yield* skipStrings(reader, strings);
  }
}

function* skipMembers(reader: RdbReader, type: number): Reading {
  const count = yield* readLength(reader);
  for (let i = 0; i < count; i += 1) {
    yield* skipString(reader);
    let scoreBytes = 8;
    if (type === types.RDB_ZSET) {
      while (!reader.has(1)) yield;
      const digits = reader.buf[reader.at]!;
      scoreBytes = 1 + (digits >= 253 ? 0 : digits);
    }
    yield* skipBytes(reader, scoreBytes);
    if (reader.isTired()) yield;
  }
}

function* skipStream(reader: RdbReader, type: number): Reading {
  yield* skipStrings(reader, 2 * (yield* readLength(reader)));
  yield* skipLengths(reader, type === types.RDB_STREAM ? 3 : 8);
  const groups = yield* readLength(reader);
  for (let group = 0; group < groups; group += 1) {
    yield* skipString(reader);
    yield* skipLengths(reader, type === types.RDB_STREAM ? 2 : 3);
    const pending = yield* readLength(reader);
    for (let i = 0; i < pending; i += 1) {
      yield* skipBytes(reader, ID_BYTES + 8);
      yield* readLength(reader);
    }
    const consumers = yield* readLength(reader);
    for (let i = 0; i < consumers; i += 1) {
      yield* skipString(reader);
      yield* skipBytes(reader, type === types.RDB_STREAM_3 ? 16 : 8);
      yield* skipBytes(reader, ID_BYTES * (yield* readLength(reader)));
    }
  }
}

function* skipLengths(reader: RdbReader, count: number): Reading {
  for (let i = 0; i < count; i += 1) yield* readLength(reader);
}

/** What a module has written, up to its end. */
export function* skipModule(reader: RdbReader): Reading {
  for (;;) {
    const opcode = yield* readLength(reader);
    if (opcode === MODULE_END) return;
    if (opcode === MODULE_SIGNED || opcode === MODULE_UNSIGNED) yield* readLength(reader);
    else if (opcode === MODULE_FLOAT) yield* skipBytes(reader, 4);
    else if (opcode === MODULE_DOUBLE) yield* skipBytes(reader, 8);
    else if (opcode === MODULE_STRING) yield* skipString(reader);
    else throw corrupt('no such opcode of modules');
  }
}

function* skipBytes(reader: RdbReader, bytes: number): Reading {
  let left = bytes;
  for (;;) {
    const here = Math.min(left, reader.end - reader.at);
    reader.at += here;
    left -= here;
    if (left === 0) return;
    if (!reader.has(Math.min(left, PIECE_BYTES))) yield;
  }
}
