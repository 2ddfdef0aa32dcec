/**
 * Strings as numbers: INCR, DECR and their kin on int64, INCRBYFLOAT on long doubles.
 *
 * Integers are doubles as long as every one involved is below 2^53, which is nearly always; the
 * rest goes through BigInt, so that all of int64 is exact.
 */
import { FLAG_TEXT, type Leaf } from '../../../radix/leaf.js';
import type { Args } from '../../../resp/args.js';
import { digitsAt, parseBigInt64, parseInt64 } from '../../../resp/numbers.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import type { Database } from '../../store/database.js';
import { NOTIFY_STRING } from '../../store/notify.js';
import { type CommandRow, FAST, WRITE } from '../command.js';
import { INT64_MAX, INT64_MIN, INT64_TEXT_MAX, WOULD_OVERFLOW } from '../int64.js';
import { findStringKey, isWrongType, notifyKey, refusesKey } from '../lookup.js';
import { NOT_FLOAT, NOT_INTEGER } from '../replies.js';
import { floatText } from './float-text.js';
import { add, formatLongDouble, isFiniteLongDouble, parseLongDouble, ZERO } from './long-double.js';

/** Room for a number as it is read or written. */
const digits = Buffer.allocUnsafeSlow(64);

function incr(session: Session, args: Args, reply: ReplyWriter): void {
  increment(session.database, args, 1, reply);
}

function decr(session: Session, args: Args, reply: ReplyWriter): void {
  increment(session.database, args, -1, reply);
}

function incrby(session: Session, args: Args, reply: ReplyWriter): void {
  const by = args.int64(2);
  if (Number.isSafeInteger(by)) increment(session.database, args, by, reply);
  else if (Number.isNaN(by)) reply.error(NOT_INTEGER);
  else incrementExact(session.database, args, args.bigInt64(2)!, reply);
}

function decrby(session: Session, args: Args, reply: ReplyWriter): void {
  const by = args.int64(2);
  if (Number.isSafeInteger(by)) {
    increment(session.database, args, -by, reply);
    return;
  }
  const exact = args.bigInt64(2);
  if (exact === undefined) reply.error(NOT_INTEGER);
  else if (exact === INT64_MIN) reply.error('ERR decrement would overflow');
  else incrementExact(session.database, args, -exact, reply);
}

/** Adds `by`, a safe integer. */
function increment(database: Database, args: Args, by: number, reply: ReplyWriter): void {
  if (refusesKey(args, 1, reply)) return;
  const leaf = findStringKey(database, args, 1);
  if (isWrongType(leaf, reply)) return;
  const textBytes = readDigits(database, leaf);
  const old = leaf === 0 ? 0 : parseInt64(digits, 0, textBytes);
  if (Number.isNaN(old)) {
    reply.error(NOT_INTEGER);
    return;
  }
  const sum = old + by;
  if (!Number.isSafeInteger(old) || !Number.isSafeInteger(sum)) {
    incrementExact(database, args, BigInt(by), reply);
    return;
  }
  writeDigits(database, args, leaf, digitsAt(digits, 0, sum));
  reply.integer(sum);
}

function incrementExact(database: Database, args: Args, by: bigint, reply: ReplyWriter): void {
  if (refusesKey(args, 1, reply)) return;
  const leaf = findStringKey(database, args, 1);
  if (isWrongType(leaf, reply)) return;
  const textBytes = readDigits(database, leaf);
  const old = leaf === 0 ? 0n : parseBigInt64(digits, 0, textBytes);
  if (old === undefined) {
    reply.error(NOT_INTEGER);
    return;
  }
  const sum = old + by;
  if (sum > INT64_MAX || sum < INT64_MIN) {
    reply.error(WOULD_OVERFLOW);
    return;
  }
  writeDigits(database, args, leaf, digits.write(String(sum), 'latin1'));
  reply.bigInteger(sum);
}

/** Copies the value to `digits`; 0, which is the length of no number, if it is too long for one. */
function readDigits(database: Database, leaf: Leaf): number {
  if (leaf === 0 || database.tree.valueBytes(leaf) > INT64_TEXT_MAX) return 0;
  return database.tree.copyValue(leaf, digits, 0);
}

/** Writes `digits` as the value, keeping the expiry. */
function writeDigits(database: Database, args: Args, leaf: Leaf, bytes: number): void {
  const expiryMs = leaf === 0 ? 0 : database.tree.expiryMs(leaf);
  database.set(args.buf, args.starts[1]!, args.ends[1]!, digits, 0, bytes, expiryMs);
  notifyKey(database, NOTIFY_STRING, 'incrby', args, 1);
}

function incrbyfloat(session: Session, args: Args, reply: ReplyWriter): void {
  if (refusesKey(args, 1, reply)) return;
  const database = session.database;
  const leaf = findStringKey(database, args, 1);
  if (isWrongType(leaf, reply)) return;
  const old = leaf === 0 ? ZERO : parseLongDouble(floatText(database.tree, leaf));
  const by = parseLongDouble(args.string(2));
  if (old === undefined || by === undefined) {
    reply.error(NOT_FLOAT);
    return;
  }
  const isFinite = isFiniteLongDouble(old) && isFiniteLongDouble(by);
  const sum = isFinite ? add(old, by) : old;
  if (!isFinite || !isFiniteLongDouble(sum)) {
    reply.error('ERR increment would produce NaN or Infinity');
    return;
  }
  const text = formatLongDouble(sum);
  const isLong = text.length > digits.length;
  const bytes = isLong ? Buffer.from(text, 'latin1') : digits;
  if (!isLong) digits.write(text, 'latin1');
  const expiryMs = leaf === 0 ? 0 : database.tree.expiryMs(leaf);
  const { buf, starts, ends } = args;
  database.set(buf, starts[1]!, ends[1]!, bytes, 0, text.length, expiryMs, FLAG_TEXT);
  notifyKey(database, NOTIFY_STRING, 'incrbyfloat', args, 1);
  reply.bulkLatin1(text);
}

export const stringNumberCommands: readonly CommandRow[] = [
  { name: 'incr', arity: 2, flags: WRITE | FAST, keys: [1, 1, 1], handler: incr },
  { name: 'decr', arity: 2, flags: WRITE | FAST, keys: [1, 1, 1], handler: decr },
  { name: 'incrby', arity: 3, flags: WRITE | FAST, keys: [1, 1, 1], handler: incrby },
  { name: 'decrby', arity: 3, flags: WRITE | FAST, keys: [1, 1, 1], handler: decrby },
  { name: 'incrbyfloat', arity: 3, flags: WRITE | FAST, keys: [1, 1, 1], handler: incrbyfloat },
];
