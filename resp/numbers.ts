/**
 * Numbers as Redis reads and writes them: `string2ll`, `string2d` (strtod of glibc) and `%.17g`.
 *
 * Whole numbers of up to fifteen digits, which is nearly all that is ever sent, are read without a
 * text in between; the rest takes the slow road through Number and BigInt.
 */

import { latin1 } from './bytes.js';

const INT64_MAX = 9223372036854775807n;
const INT64_MIN = -9223372036854775808n;
/** Digits whose every number is exact in a double. */
const SAFE_DIGITS = 15;
const INT64_DIGITS_MAX = 19;

const ZERO = 48;
const MINUS = 45;
/** The point, as a digit is counted. */
const POINT = 46 - ZERO;
const POWERS_OF_TEN = Array.from({ length: SAFE_DIGITS + 1 }, (_, power) => Number(`1e${power}`));

/** The int64 in buf[from, to), NaN if it is none; beyond 2^53 the nearest double. */
export function parseInt64(buf: Buffer, from: number, to: number): number {
  let at = from;
  if (at >= to) return NaN;
  const negative = buf[at] === MINUS;
  if (negative) at++;
  const digits = to - at;
  if (digits > SAFE_DIGITS) {
    const exact = parseBigInt64(buf, from, to);
    return exact === undefined ? NaN : Number(exact);
  }
  if (digits === 0) return NaN;
  let value = buf[at]! - ZERO;
  if (value === 0) return digits === 1 && !negative ? 0 : NaN;
  if (value < 0 || value > 9) return NaN;
  for (at++; at < to; at++) {
    const digit = buf[at]! - ZERO;
    if (digit < 0 || digit > 9) return NaN;
    value = value * 10 + digit;
  }
  return negative ? -value : value;
}

/** The int64 in buf[from, to), exactly; undefined if it is none. */
export function parseBigInt64(buf: Buffer, from: number, to: number): bigint | undefined {
  const negative = to > from && buf[from] === MINUS;
  const first = negative ? from + 1 : from;
  const digits = to - first;
  if (digits < 1 || digits > INT64_DIGITS_MAX) return undefined;
  if (buf[first] === ZERO) return digits === 1 && !negative ? 0n : undefined;
  for (let at = first; at < to; at++) {
    const digit = buf[at]! - ZERO;
    if (digit < 0 || digit > 9) return undefined;
  }
  const value = BigInt(latin1(buf, from, to));
  return value > INT64_MAX || value < INT64_MIN ? undefined : value;
}

// No two repetitions stand side by side: hostile digits must not make these backtrack.
const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const INFINITE = /^[+-]?inf(?:inity)?$/i;
const HEXADECIMAL = /^([+-]?)0x([\da-f]*)(?:\.([\da-f]*))?(?:p([+-]?\d+))?$/i;
/** Texts of numbers longer than this are refused, as by Redis's `string2ld`. */
const FLOAT_BYTES_MAX = 5 * 1024;

/**
 * The number in buf[from, to), NaN if it is none. As strtod of glibc in the C locale: decimal,
 * hexadecimal (0x1.8p3), inf and infinity in any case, no blanks, and no result that overflows to
 * infinity or underflows to zero. `nan` is refused.
 */
export function parseFloat64(buf: Buffer, from: number, to: number): number {
  const short = parseShortDecimal(buf, from, to);
  if (short === short) return short;
  if (to <= from || to - from > FLOAT_BYTES_MAX) return NaN;
  const text = latin1(buf, from, to);
  if (DECIMAL.test(text)) {
    const value = Number(text);
    if (value === 0) return /[1-9]/.test(text.replace(/[eE].*/, '')) ? NaN : value;
    return Number.isFinite(value) ? value : NaN;
  }
  if (INFINITE.test(text)) return text.charCodeAt(0) === MINUS ? -Infinity : Infinity;
  const parts = HEXADECIMAL.exec(text);
  return parts === null ? NaN : hexadecimalFloat(parts[1]!, parts[2]!, parts[3] ?? '', parts[4]);
}

/**
 * Digits with at most one point among them and a sign before them, so few that the number is one
 * exact double, or the quotient of two, which is rounded right (Clinger 1990). NaN: anything else.
 */
function parseShortDecimal(buf: Buffer, from: number, to: number): number {
  const negative = from < to && buf[from] === MINUS;
  const first = negative ? from + 1 : from;
  // With a point it may be one digit fewer.
  if (first === to || to - first > SAFE_DIGITS) return NaN;
  let value = 0;
  let point = -1;
  for (let at = first; at < to; at++) {
    const digit = buf[at]! - ZERO;
    if (digit >= 0 && digit <= 9) value = value * 10 + digit;
    else if (digit === POINT && point === -1) point = at;
    else return NaN;
  }
  if (point !== -1) {
    if (to - first === 1) return NaN;
    value /= POWERS_OF_TEN[to - 1 - point]!;
  }
  return negative ? -value : value;
}

/**
 * The number in buf[from, to) as Redis's `zslParseRange` reads it, with strtod alone: up to a NUL,
 * blanks before it, out of range to infinity or zero, and nothing at all is 0. NaN if it is none.
 */
export function parseLooseFloat64(buf: Buffer, from: number, to: number): number {
  const strict = parseFloat64(buf, from, to);
  if (strict === strict || to - from > FLOAT_BYTES_MAX) return strict;
  const whole = latin1(buf, from, to).split('\0', 1)[0]!;
  if (whole === '') return 0;
  const text = whole.replace(/^[ \t-\r]+/, '');
  if (DECIMAL.test(text)) return Number(text);
  const bytes = Buffer.from(text, 'latin1');
  return parseFloat64(bytes, 0, bytes.length);
}

/** Mantissa bits of a double, and the power of two of its smallest step. */
const MANTISSA_BITS = 53;
const STEP_EXPONENT_MIN = -1074;
/** Exponents beyond it overflow or underflow, however long the digits are. */
const EXPONENT_MAX = 100_000;

function hexadecimalFloat(
  sign: string,
  wholeDigits: string,
  fractionDigits: string,
  power: string | undefined,
): number {
  if (wholeDigits.length + fractionDigits.length === 0) return NaN;
  let mantissa = BigInt(`0x${wholeDigits}${fractionDigits}`);
  if (mantissa === 0n) return sign === '-' ? -0 : 0;
  const asked = Math.max(-EXPONENT_MAX, Math.min(EXPONENT_MAX, Number(power ?? 0)));
  let exponent = asked - 4 * fractionDigits.length;

  // Round half to even at the lowest bit that the double will have.
  const bits = mantissa.toString(2).length;
  const drop = Math.max(bits - MANTISSA_BITS, STEP_EXPONENT_MIN - exponent);
  if (drop > bits + 1) return NaN;
  if (drop > 0) {
    const shift = BigInt(drop);
    const rest = mantissa & ((1n << shift) - 1n);
    const half = 1n << (shift - 1n);
    mantissa >>= shift;
    if (rest > half || (rest === half && (mantissa & 1n) === 1n)) mantissa += 1n;
    exponent += drop;
  }
  if (mantissa === 0n || mantissa.toString(2).length + exponent > 1024) return NaN;
  const value = scale(Number(mantissa), exponent);
  return sign === '-' ? -value : value;
}

/** mantissa * 2^exponent, exact where the result is a double, in steps that do not overflow. */
function scale(mantissa: number, exponent: number): number {
  let value = mantissa;
  let left = exponent;
  while (left > 1000) {
    value *= 2 ** 1000;
    left -= 1000;
  }
  while (left < -1000) {
    value *= 2 ** -1000;
    left += 1000;
  }
  return value * 2 ** left;
}

/** Significant digits of `%.17g`: enough for every double to read back as the same one. */
const DOUBLE_DIGITS = 17;
/** Exponents from here on, and below the other, are written as such. */
const SCIENTIFIC_MIN = DOUBLE_DIGITS;
const PLAIN_EXPONENT_MIN = -4;

/** A double as Redis 7.0 writes it in replies: C's `%.17g`. (7.2 writes the fewest digits.) */
export function formatDouble(x: number): string {
  if (Number.isSafeInteger(x)) return x === 0 && 1 / x < 0 ? '-0' : String(x);
  if (x !== x) return 'nan';
  if (x === Infinity) return 'inf';
  if (x === -Infinity) return '-inf';
  const sign = x < 0 ? '-' : '';
  const [mantissa, power] = Math.abs(x)
    .toExponential(DOUBLE_DIGITS - 1)
    .split('e') as [string, string];
  const digits = mantissa.replace('.', '').replace(/0+$/, '');
  return sign + layOut(digits, Number(power));
}

/** Lays out d.ddd * 10^exponent, its digits without zeros at the end, as `%g` does. */
function layOut(digits: string, exponent: number): string {
  if (exponent < PLAIN_EXPONENT_MIN || exponent >= SCIENTIFIC_MIN) {
    const fraction = digits.length > 1 ? `.${digits.slice(1)}` : '';
    const power = String(Math.abs(exponent)).padStart(2, '0');
    return `${digits[0]}${fraction}e${exponent < 0 ? '-' : '+'}${power}`;
  }
  if (exponent < 0) return `0.${'0'.repeat(-1 - exponent)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  return digits.length > exponent + 1 ? `${whole}.${digits.slice(exponent + 1)}` : whole;
}

/** Writes a whole number at buf[at, ...), at most 20 bytes (an int64), and returns the end. */
export function digitsAt(buf: Buffer, at: number, n: number): number {
  if (n >= 0 && n < 10_000) {
    let end = at;
    if (n >= 1000) buf[end++] = ZERO + ((n / 1000) | 0);
    if (n >= 100) buf[end++] = ZERO + (((n / 100) | 0) % 10);
    if (n >= 10) buf[end++] = ZERO + (((n / 10) | 0) % 10);
    buf[end] = ZERO + (n % 10);
    return end + 1;
  }
  if (n < 0 && n >= -0x7fff_ffff) {
    buf[at] = MINUS;
    return digitsAt(buf, at + 1, -n);
  }
  if (n > 0x7fff_ffff || n < 0) {
    const text = Number.isSafeInteger(n) ? String(n) : String(BigInt(n));
    return at + buf.write(text, at, 'latin1');
  }
  let digits = 5;
  for (let bound = 100_000; n >= bound && digits < 10; bound *= 10) digits++;
  let left = n;
  for (let write = at + digits - 1; write >= at; write--) {
    const rest = (left / 10) | 0;
    buf[write] = ZERO + (left - rest * 10);
    left = rest;
  }
  return at + digits;
}
