/**
 * An RDB file, up to version 12 (Redis 7.4):
 *
 *   "REDIS" + 4 digits of version
 *   { opcode, what belongs to it }  or  { key type, key, value }
 *   ff, CRC-64 of all before it 8 B LE (since version 5; 0: none was made)
 *
 * Opcodes in front of a key: its expiry, idle time, frequency. Others: number of the database, its
 * size, notes of the writer, functions, what modules have written.
 */
import { corrupt, RdbError } from './rdb-error.js';
import type { RdbReader } from './reader.js';
import { type Reading, readLength } from './reading.js';
import { skipModule, skipString } from './skip.js';

const MAGIC = 'REDIS';
export const RDB_HEADER_BYTES = 9;
export const RDB_CHECKSUM_BYTES = 8;
const VERSION_MAX = 12;
const VERSION_CHECKSUM = 5;

const OP_SLOT_INFO = 244;
export const OP_FUNCTION = 245;
const OP_FUNCTION_EARLY = 246;
const OP_MODULE_AUX = 247;
const OP_IDLE = 248;
const OP_FREQUENCY = 249;
export const OP_AUX = 250;
export const OP_SIZES = 251;
export const OP_EXPIRY_MS = 252;
const OP_EXPIRY = 253;
export const OP_DATABASE = 254;
export const OP_END = 255;

/** A key and what stands before it. */
export interface RdbKey {
  readonly type: number;
  readonly key: Buffer;
  /** 0: it does not expire. */
  readonly expiryMs: number;
  /** -1: not known. */
  readonly idleSeconds: number;
  /** -1: not known. */
  readonly frequency: number;
}

export interface RdbFileSink {
  database(index: number): void;
  /** The code of a library of functions. */
  functions(code: Buffer): void;
  /** A key whose value follows: what is returned reads it, or skips it, to its end. */
  key(key: RdbKey): Reading;
}

/** The version in a file's header; throws an RdbError if it is no RDB file of a known one. */
export function versionOf(header: Buffer): number {
  const digits = header.toString('latin1', MAGIC.length, RDB_HEADER_BYTES);
  if (header.toString('latin1', 0, MAGIC.length) !== MAGIC || !/^\d{4}$/.test(digits)) {
    throw corrupt('this is no RDB file: it does not begin with REDIS and a version');
  }
  const version = Number(digits);
  if (version > VERSION_MAX) {
    throw new RdbError('unsupported', `RDB version ${version}: the newest known is ${VERSION_MAX}`);
  }
  return version;
}

export function hasChecksum(version: number): boolean {
  return version >= VERSION_CHECKSUM;
}

/** Reads what stands between the header and the checksum. */
export function* readFile(reader: RdbReader, sink: RdbFileSink): Reading {
  let expiryMs = 0;
  let idleSeconds = -1;
  let frequency = -1;
  for (;;) {
    const op = yield* readByte(reader);
    if (op === OP_END) return;
    if (op === OP_EXPIRY_MS || op === OP_EXPIRY) {
      expiryMs = yield* readExpiry(reader, op === OP_EXPIRY);
    } else if (op === OP_IDLE) {
      idleSeconds = yield* readLength(reader);
    } else if (op === OP_FREQUENCY) {
      frequency = yield* readByte(reader);
    } else if (op >= OP_SLOT_INFO) {
      yield* readOther(reader, op, sink);
    } else {
      while (!reader.string()) yield;
      const key = Buffer.from(reader.bytes.subarray(reader.from, reader.to));
      yield* sink.key({ type: op, key, expiryMs, idleSeconds, frequency });
      expiryMs = 0;
      idleSeconds = -1;
      frequency = -1;
    }
  }
}

/** What belongs to no key. */
function* readOther(reader: RdbReader, op: number, sink: RdbFileSink): Reading {
  if (op === OP_DATABASE) {
    sink.database(yield* readLength(reader));
  } else if (op === OP_SIZES) {
    for (let i = 0; i < 2; i += 1) yield* readLength(reader);
  } else if (op === OP_AUX) {
    yield* skipString(reader);
    yield* skipString(reader);
  } else if (op === OP_FUNCTION) {
    while (!reader.string()) yield;
    sink.functions(Buffer.from(reader.bytes.subarray(reader.from, reader.to)));
  } else if (op === OP_MODULE_AUX) {
    for (let i = 0; i < 3; i += 1) yield* readLength(reader);
    yield* skipModule(reader);
  } else if (op === OP_SLOT_INFO) {
    for (let i = 0; i < 3; i += 1) yield* readLength(reader);
  } else if (op === OP_FUNCTION_EARLY) {
    throw new RdbError('unsupported', 'functions of a preview of Redis 7.0');
  }
}

function* readByte(reader: RdbReader): Generator<void, number, void> {
  while (!reader.has(1)) yield;
  return reader.byte();
}

function* readExpiry(reader: RdbReader, isSeconds: boolean): Generator<void, number, void> {
  while (!reader.has(isSeconds ? 4 : 8)) yield;
  const { at, buf } = reader;
  reader.at += isSeconds ? 4 : 8;
  const ms = isSeconds ? buf.readInt32LE(at) * 1000 : Number(buf.readBigInt64LE(at));
  // 0 would be none.
  return Math.max(1, Math.min(ms, Number.MAX_SAFE_INTEGER));
}
