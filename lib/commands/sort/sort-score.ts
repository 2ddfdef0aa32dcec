/** The number that SORT sorts a text by. */
import { parseFloat64 } from '../../../resp/numbers.js';

/** Longer texts are no numbers. */
export const SCORE_TEXT_BYTES_MAX = 5 * 1024;
const NORMAL_MIN = 2 ** -1022;
const NUL = 0;
const TAB = 9;
const RETURN = 13;
const SPACE = 32;
const LETTER_X = 120;

/**
 * As strtod of glibc: blanks before it, nothing at all is 0, what stands behind a NUL does not
 * count, and what overflows or is too small to be exact is no number. NaN: it is none.
 */
export function sortScore(buf: Buffer, from: number, to: number): number {
  const short = parseFloat64(buf, from, to);
  if (Math.abs(short) >= NORMAL_MIN || short === 0) return short;
  let start = from;
  while (start < to && isBlank(buf[start]!)) start += 1;
  const nul = buf.subarray(start, to).indexOf(NUL);
  const end = nul === -1 ? to : start + nul;
  if (start === end) return start === from ? 0 : Number.NaN;
  const value = parseFloat64(buf, start, end);
  const isTiny = value !== 0 && Math.abs(value) < NORMAL_MIN;
  // Hexadecimal ones may be exact all the same.
  const isHexadecimal = buf.subarray(start, end).some((byte) => (byte | SPACE) === LETTER_X);
  return isTiny && !isHexadecimal ? Number.NaN : value;
}

function isBlank(byte: number): boolean {
  return byte === SPACE || (byte >= TAB && byte <= RETURN);
}
