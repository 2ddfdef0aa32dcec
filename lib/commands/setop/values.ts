/**
 * Values while they are merged. A hash has bytes, a sorted set scores, and a member of a set counts
 * as 1, as in ZUNIONSTORE. Numbers become text where they leave the expression, as HINCRBY and
 * ZSCORE write them; between operations they are what that text would be.
 */
import { latin1 } from '../../../resp/bytes.js';
import { formatDouble, parseBigInt64, parseFloat64 } from '../../../resp/numbers.js';

export type Value = Buffer | number | bigint;

/** Of what one element is merged of, and of what comes of it, if that is more than one value. */
export const MERGED_BYTES_MAX = 16 * 1024 * 1024;
/** Digits of a BigInt value; reading and writing them costs the square of their number. */
const BIG_DIGITS_MAX = 1024;
/** Bits of a result: of the product of two such values, and more than enough for their sums. */
const BIG_BITS_MAX = 4 * BIG_DIGITS_MAX * 2;
const BIG_LIMIT = 1n << BigInt(BIG_BITS_MAX);
const MINUS = 0x2d;

/** A value that its merge cannot take; the message says why. */
export class MergeError extends Error {
  override readonly name = 'MergeError';
  /** The name of the merge, or of what else could not take it. */
  merge = '';
}

const NOT_INTEGER = 'value is not an integer or out of range';
const NOT_BIG = `value is not an integer of at most ${BIG_DIGITS_MAX} digits`;

/** An int64. */
export function toInteger(value: Value): bigint {
  if (typeof value === 'bigint') return checkedInteger(value);
  if (Number.isSafeInteger(value)) return BigInt(value as number);
  const text = toBytes(value);
  const exact = parseBigInt64(text, 0, text.length);
  if (exact === undefined) throw new MergeError(NOT_INTEGER);
  return exact;
}

export function checkedInteger(value: bigint): bigint {
  if (BigInt.asIntN(64, value) !== value) throw new MergeError('result is out of range');
  return value;
}

/** An integer of any size, written as HINCRBY takes it. */
export function toBig(value: Value): bigint {
  if (typeof value === 'bigint') return value;
  if (Number.isSafeInteger(value)) return BigInt(value as number);
  const bytes = toBytes(value);
  const digits = bytes[0] === MINUS ? bytes.length - 1 : bytes.length;
  if (digits > BIG_DIGITS_MAX) throw new MergeError(NOT_BIG);
  const text = latin1(bytes, 0, bytes.length);
  if (!/^(?:0|-?[1-9]\d*)$/.test(text)) throw new MergeError(NOT_BIG);
  return BigInt(text);
}

export function checkedBig(value: bigint): bigint {
  if (value < BIG_LIMIT && value > -BIG_LIMIT) return value;
  throw new MergeError('result is too long');
}

export function toFloat(value: Value): number {
  if (typeof value === 'number') return value;
  const bytes = toBytes(value);
  const float = parseFloat64(bytes, 0, bytes.length);
  if (Number.isNaN(float)) throw new MergeError('value is not a valid float');
  return float;
}

/** -0 becomes 0, as in a score. */
export function checkedFloat(value: number): number {
  if (Number.isNaN(value)) throw new MergeError('result is not a number');
  return value + 0;
}

/** As it is told and stored. */
export function toBytes(value: Value): Buffer {
  if (typeof value === 'number') return Buffer.from(formatDouble(value), 'latin1');
  return typeof value === 'bigint' ? Buffer.from(String(value), 'latin1') : value;
}
