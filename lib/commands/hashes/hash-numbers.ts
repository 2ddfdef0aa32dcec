/** Fields as numbers: HINCRBY on int64, HINCRBYFLOAT on long doubles. */
import type { Leaf } from '../../../radix/leaf.js';
import type { Args } from '../../../resp/args.js';
import { digitsAt, parseBigInt64, parseInt64 } from '../../../resp/numbers.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import type { Collection } from '../../store/collection.js';
import { NOTIFY_HASH } from '../../store/notify.js';
import { fitsMirror, putField } from '../../types/hashes.js';
import { TYPE_HASH } from '../../types/types.js';
import { findCollection, refusesSubKey } from '../collections.js';
import { type CommandRow, FAST, WRITE } from '../command.js';
import { INT64_MAX, INT64_MIN, INT64_TEXT_MAX, WOULD_OVERFLOW } from '../int64.js';
import { refusesKey } from '../lookup.js';
import { MIRROR_KEY_TOO_LONG, NOT_FLOAT, NOT_INTEGER } from '../replies.js';
import { floatText } from '../strings/float-text.js';
import {
  add,
  formatLongDouble,
  isFiniteLongDouble,
  parseLongDouble,
  ZERO,
} from '../strings/long-double.js';

/** Room for a number as it is read or written. */
const digits = Buffer.allocUnsafeSlow(64);

function hincrby(session: Session, args: Args, reply: ReplyWriter): void {
  const by = args.int64(3);
  if (Number.isNaN(by)) {
    reply.error(NOT_INTEGER);
    return;
  }
  if (refusesKey(args, 1, reply) || refusesSubKey(args, 2, reply)) return;
  const hash = findCollection(session, args, 1, TYPE_HASH, reply);
  if (hash === undefined) return;
  const field = hash.find(args.buf, args.starts[2]!, args.ends[2]!);
  const textBytes = readDigits(hash, field);
  const old = field === 0 ? 0 : parseInt64(digits, 0, textBytes);
  const sum = old + by;
  if (Number.isNaN(old)) {
    reply.error('ERR hash value is not an integer');
  } else if (isExact(old) && isExact(by) && isExact(sum)) {
    if (writeDigits(hash, args, digitsAt(digits, 0, sum), reply)) reply.integer(sum);
  } else {
    const oldExact = field === 0 ? 0n : parseBigInt64(digits, 0, textBytes)!;
    incrementExact(hash, args, oldExact + args.bigInt64(3)!, reply);
  }
}

function isExact(value: number): boolean {
  return Number.isSafeInteger(value);
}

function incrementExact(hash: Collection, args: Args, sum: bigint, reply: ReplyWriter): void {
  if (sum > INT64_MAX || sum < INT64_MIN) {
    reply.error(WOULD_OVERFLOW);
    return;
  }
  const bytes = digits.write(String(sum), 'latin1');
  if (writeDigits(hash, args, bytes, reply)) reply.bigInteger(sum);
}

/** Copies the value to `digits`; 0, which is the length of no number, if it is too long for one. */
function readDigits({ elements }: Collection, field: Leaf): number {
  if (field === 0 || elements.valueBytes(field) > INT64_TEXT_MAX) return 0;
  return elements.copyValue(field, digits, 0);
}

/** False, the error replied, if they do not fit. */
function writeDigits(hash: Collection, args: Args, bytes: number, reply: ReplyWriter): boolean {
  return putNumber(hash, args, digits, bytes, 'hincrby', reply);
}

function putNumber(
  hash: Collection,
  { buf, starts, ends }: Args,
  text: Buffer,
  bytes: number,
  event: string,
  reply: ReplyWriter,
): boolean {
  if (!fitsMirror(hash, ends[2]! - starts[2]!, text, 0, bytes)) {
    reply.error(MIRROR_KEY_TOO_LONG);
    return false;
  }
  const field = hash.find(buf, starts[2]!, ends[2]!);
  const expiryMs = field === 0 ? 0 : hash.elements.expiryMs(field);
  putField(hash, buf, starts[2]!, ends[2]!, text, 0, bytes, expiryMs);
  hash.notify(NOTIFY_HASH, event);
  return true;
}

function hincrbyfloat(session: Session, args: Args, reply: ReplyWriter): void {
  const by = parseLongDouble(args.string(3));
  if (by === undefined) {
    reply.error(NOT_FLOAT);
    return;
  }
  if (!isFiniteLongDouble(by)) {
    reply.error('ERR value is NaN or Infinity');
    return;
  }
  if (refusesKey(args, 1, reply) || refusesSubKey(args, 2, reply)) return;
  const hash = findCollection(session, args, 1, TYPE_HASH, reply);
  if (hash === undefined) return;
  const field = hash.find(args.buf, args.starts[2]!, args.ends[2]!);
  const old = field === 0 ? ZERO : parseLongDouble(floatText(hash.elements, field));
  if (old === undefined) {
    reply.error('ERR hash value is not a float');
    return;
  }
  const sum = isFiniteLongDouble(old) ? add(old, by) : old;
  if (!isFiniteLongDouble(sum)) {
    reply.error('ERR increment would produce NaN or Infinity');
    return;
  }
  const text = formatLongDouble(sum);
  const bytes = Buffer.from(text, 'latin1');
  if (putNumber(hash, args, bytes, bytes.length, 'hincrbyfloat', reply)) reply.bulkLatin1(text);
}

export const hashNumberCommands: readonly CommandRow[] = [
  { name: 'hincrby', arity: 4, flags: WRITE | FAST, keys: [1, 1, 1], handler: hincrby },
  { name: 'hincrbyfloat', arity: 4, flags: WRITE | FAST, keys: [1, 1, 1], handler: hincrbyfloat },
];
