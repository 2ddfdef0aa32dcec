/**
 * BITFIELD: integers of any width at any bit of a string.
 *
 *   u1 ... u63   unsigned            i1 ... i64   two's complement, highest bit first
 *
 * All arithmetic is in BigInt, so that 64 bits are exact. A field lies in at most nine bytes,
 * which are all that is read and written.
 */
import { FLAG_RAW, type Leaf } from '../../../radix/leaf.js';
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import type { Database } from '../../store/database.js';
import { NOTIFY_STRING } from '../../store/notify.js';
import { type CommandRow, FAST, READONLY, WRITE } from '../command.js';
import { findStringKey, isWrongType, notifyKey, readStringKey, refusesKey } from '../lookup.js';
import { NOT_INTEGER, SYNTAX_ERROR } from '../replies.js';
import { bitOffset } from './bit-range.js';

const BAD_TYPE =
  'ERR Invalid bitfield type. Use something like i16 u8. ' +
  'Note that u64 is not supported but i64 is.';
const FIELD_BYTES_MAX = 9;
const ZERO_DIGIT = 48;
const LETTER_I = 105;
const LETTER_U = 117;

export type Overflow = 'WRAP' | 'SAT' | 'FAIL';

interface Operation {
  readonly name: 'GET' | 'SET' | 'INCRBY';
  readonly isSigned: boolean;
  readonly bits: number;
  readonly offset: number;
  readonly amount: bigint;
  readonly overflow: Overflow;
}

/** The bytes of one field, and zeros behind the value's end. */
const window = Buffer.alloc(FIELD_BYTES_MAX + 7);

function bitfield(session: Session, args: Args, reply: ReplyWriter): void {
  const operations = readOperations(session, args, reply);
  if (operations === undefined) return;
  if (operations.every((operation) => operation.name === 'GET')) {
    runReads(session.database, args, operations, reply);
  } else {
    runWrites(session.database, args, operations, reply);
  }
}

function bitfieldRo(session: Session, args: Args, reply: ReplyWriter): void {
  const operations = readOperations(session, args, reply);
  if (operations === undefined) return;
  if (operations.every((operation) => operation.name === 'GET')) {
    runReads(session.database, args, operations, reply);
  } else {
    reply.error('ERR BITFIELD_RO only supports the GET subcommand');
  }
}

/** What is asked for; undefined if an error was replied. */
function readOperations(session: Session, args: Args, reply: ReplyWriter): Operation[] | undefined {
  const operations: Operation[] = [];
  let overflow: Overflow = 'WRAP';
  let i = 2;
  while (i < args.count) {
    const left = args.count - i - 1;
    if (args.equalsIgnoreCase(i, 'OVERFLOW') && left >= 1) {
      const kind = overflowOf(args, i + 1);
      if (kind === undefined) {
        reply.error('ERR Invalid OVERFLOW type specified');
        return undefined;
      }
      overflow = kind;
      i += 2;
      continue;
    }
    const name = operationName(args, i, left);
    if (name === undefined) {
      reply.error(SYNTAX_ERROR);
      return undefined;
    }
    const operation = readOperation(session, args, i, name, overflow, reply);
    if (operation === undefined) return undefined;
    operations.push(operation);
    i += name === 'GET' ? 3 : 4;
  }
  return operations;
}

function operationName(args: Args, i: number, left: number): Operation['name'] | undefined {
  if (args.equalsIgnoreCase(i, 'GET') && left >= 2) return 'GET';
  if (args.equalsIgnoreCase(i, 'SET') && left >= 3) return 'SET';
  return args.equalsIgnoreCase(i, 'INCRBY') && left >= 3 ? 'INCRBY' : undefined;
}

function overflowOf(args: Args, i: number): Overflow | undefined {
  if (args.equalsIgnoreCase(i, 'WRAP')) return 'WRAP';
  if (args.equalsIgnoreCase(i, 'SAT')) return 'SAT';
  return args.equalsIgnoreCase(i, 'FAIL') ? 'FAIL' : undefined;
}

function readOperation(
  session: Session,
  args: Args,
  i: number,
  name: Operation['name'],
  overflow: Overflow,
  reply: ReplyWriter,
): Operation | undefined {
  const bits = fieldBits(args, i + 1);
  if (bits === 0) {
    reply.error(BAD_TYPE);
    return undefined;
  }
  const valueBytesMax = session.server.settings.protoMaxBulkLen;
  const offset = bitOffset(args, i + 2, Math.abs(bits), valueBytesMax, reply);
  if (offset < 0) return undefined;
  const amount = name === 'GET' ? 0n : args.bigInt64(i + 3);
  if (amount === undefined) {
    reply.error(NOT_INTEGER);
    return undefined;
  }
  return { name, isSigned: bits < 0, bits: Math.abs(bits), offset, amount, overflow };
}

/** Bits of a type: negative if signed, 0 if it is no type. */
function fieldBits(args: Args, i: number): number {
  const bytes = args.length(i);
  if (bytes < 2 || bytes > 3) return 0;
  const sign = args.byte(i, 0);
  let bits = args.byte(i, 1) - ZERO_DIGIT;
  if (bits < 1 || bits > 9) return 0;
  if (bytes === 3) {
    const digit = args.byte(i, 2) - ZERO_DIGIT;
    if (digit < 0 || digit > 9) return 0;
    bits = bits * 10 + digit;
  }
  if (sign === LETTER_I) return bits <= 64 ? -bits : 0;
  return sign === LETTER_U && bits <= 63 ? bits : 0;
}

function runReads(
  database: Database,
  args: Args,
  operations: readonly Operation[],
  reply: ReplyWriter,
): void {
  const leaf = readStringKey(database, args, 1);
  if (isWrongType(leaf, reply)) return;
  reply.array(operations.length);
  for (const operation of operations) {
    reply.bigInteger(readField(database, leaf, operation));
  }
}

function runWrites(
  database: Database,
  args: Args,
  operations: readonly Operation[],
  reply: ReplyWriter,
): void {
  if (refusesKey(args, 1, reply)) return;
  let leaf = findStringKey(database, args, 1);
  if (isWrongType(leaf, reply)) return;
  const before = database.store.dirty;
  leaf = grow(database, args, leaf, operations);
  reply.array(operations.length);
  for (const operation of operations) {
    const old = readField(database, leaf, operation);
    if (operation.name === 'GET') {
      reply.bigInteger(old);
      continue;
    }
    const fitted = newValue(operation, old);
    if (fitted === undefined) {
      reply.nil();
      continue;
    }
    if (fitted !== old) leaf = writeField(database, args, leaf, operation, fitted);
    reply.bigInteger(operation.name === 'SET' ? old : fitted);
  }
  if (database.store.dirty !== before) notifyKey(database, NOTIFY_STRING, 'setbit', args, 1);
}

/** Makes the value long enough for all that may be written, whether or not it then fits. */
function grow(database: Database, args: Args, leaf: Leaf, operations: readonly Operation[]): Leaf {
  let lastBit = 0;
  for (const { name, offset, bits } of operations) {
    if (name !== 'GET') lastBit = Math.max(lastBit, offset + bits - 1);
  }
  const bytes = Math.floor(lastBit / 8) + 1;
  if (leaf !== 0 && database.tree.valueBytes(leaf) >= bytes) {
    // Redis makes the string writable even if nothing then changes.
    database.tree.addHints(leaf, FLAG_RAW);
    return leaf;
  }
  window[0] = 0;
  return database.patch(args.buf, args.starts[1]!, args.ends[1]!, bytes - 1, window, 0, 1);
}

/** What a field becomes; undefined if it cannot and must FAIL. */
function newValue(operation: Operation, old: bigint): bigint | undefined {
  const { name, isSigned, bits, amount, overflow } = operation;
  if (name === 'INCRBY') return fitField(old + amount, operation);
  // As in Redis, a negative number for an unsigned field is one that is far too large.
  if (!isSigned) return fitField(BigInt.asUintN(64, amount), operation);
  // As in Redis, whose difference to the largest number overflows, one that is so small that it
  // is an int64's whole range below saturates at the top.
  const max = (1n << BigInt(bits - 1)) - 1n;
  if (overflow === 'SAT' && bits < 64 && max - amount >= 1n << 63n) return max;
  return fitField(amount, operation);
}

/** `wanted` as the field can hold it; undefined if it cannot and must FAIL. */
export function fitField(
  wanted: bigint,
  field: { readonly isSigned: boolean; readonly bits: number; readonly overflow: Overflow },
): bigint | undefined {
  const { isSigned, bits, overflow } = field;
  const size = 1n << BigInt(bits);
  const max = isSigned ? size / 2n - 1n : size - 1n;
  const min = isSigned ? -size / 2n : 0n;
  if (wanted >= min && wanted <= max) return wanted;
  if (overflow === 'FAIL') return undefined;
  if (overflow === 'SAT') return wanted > max ? max : min;
  return isSigned ? BigInt.asIntN(bits, wanted) : BigInt.asUintN(bits, wanted);
}

/** Copies the bytes of a field to `window`; returns how many bits follow it there. */
function loadWindow(database: Database, leaf: Leaf, { offset, bits }: Operation): number {
  const from = Math.floor(offset / 8);
  window.fill(0);
  if (leaf !== 0) {
    const to = Math.min(from + FIELD_BYTES_MAX, database.tree.valueBytes(leaf));
    if (from < to) database.tree.copyValue(leaf, window, 0, from, to);
  }
  return FIELD_BYTES_MAX * 8 - (offset % 8) - bits;
}

function windowBits(): bigint {
  return (window.readBigUInt64BE(0) << 8n) | BigInt(window[8]!);
}

function readField(database: Database, leaf: Leaf, operation: Operation): bigint {
  const below = loadWindow(database, leaf, operation);
  const raw = windowBits() >> BigInt(below);
  const { bits, isSigned } = operation;
  return isSigned ? BigInt.asIntN(bits, raw) : BigInt.asUintN(bits, raw);
}

function writeField(
  database: Database,
  args: Args,
  leaf: Leaf,
  operation: Operation,
  value: bigint,
): Leaf {
  const { bits, offset } = operation;
  const below = BigInt(loadWindow(database, leaf, operation));
  const mask = ((1n << BigInt(bits)) - 1n) << below;
  const all = (windowBits() & ~mask) | (BigInt.asUintN(bits, value) << below);
  window.writeBigUInt64BE(all >> 8n, 0);
  window[8] = Number(all & 0xffn);
  const from = Math.floor(offset / 8);
  const bytes = Math.floor((offset + bits - 1) / 8) + 1 - from;
  return database.patch(args.buf, args.starts[1]!, args.ends[1]!, from, window, 0, bytes);
}

export const bitfieldCommands: readonly CommandRow[] = [
  { name: 'bitfield', arity: -2, flags: WRITE, keys: [1, 1, 1], handler: bitfield },
  {
    name: 'bitfield_ro',
    arity: -2,
    flags: READONLY | FAST,
    keys: [1, 1, 1],
    handler: bitfieldRo,
  },
];
