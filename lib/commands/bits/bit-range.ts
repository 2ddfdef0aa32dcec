/**
 * Bits of a string, numbered from 0 at the highest bit of the first byte, and ranges of them as
 * BITCOUNT and BITPOS name them.
 */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import { NOT_INTEGER, SYNTAX_ERROR } from '../replies.js';
import { fromEnd, isReversed } from '../strings/index-range.js';

const BAD_OFFSET = 'ERR bit offset is not an integer or out of range';
const HASH = 35;

/**
 * The bit offset that argument `i` names, -1, the error replied, if it is none. For a field of
 * `fieldBits` bits, `#n` names the n-th field; 0 = not allowed.
 */
export function bitOffset(
  args: Args,
  i: number,
  fieldBits: number,
  valueBytesMax: number,
  reply: ReplyWriter,
): number {
  const hasHash = fieldBits > 0 && args.length(i) > 0 && args.byte(i, 0) === HASH;
  const offset = hasHash ? int64After(args, i) * fieldBits : args.int64(i);
  if (offset >= 0 && Math.floor(offset / 8) < valueBytesMax) return offset;
  reply.error(BAD_OFFSET);
  return -1;
}

/** The int64 behind the first byte of an argument. */
function int64After(args: Args, i: number): number {
  args.starts[i]! += 1;
  const value = args.int64(i);
  args.starts[i]! -= 1;
  return value;
}

/** The range that was asked for; read it before the next is parsed. */
export const range = {
  /** Bits [from, to) of the value, as of `placeRange`. */
  from: 0,
  to: 0,
  /** It goes on behind the end of the value. */
  isOpen: false,
};

/** As it was asked for: units, from the end if negative, both included. */
const asked = { start: 0, end: 0, unitBits: 8, isReversed: false };

/**
 * Reads the range in the arguments from `first` on: `start`, then `end`, then BYTE or BIT. BITPOS,
 * which may leave `end` out, and BITCOUNT check in different orders. False if an error was replied.
 */
export function readRange(
  args: Args,
  first: number,
  command: 'bitcount' | 'bitpos',
  reply: ReplyWriter,
): boolean {
  const given = args.count - first;
  range.isOpen = given < 2;
  const start = given === 0 ? 0 : args.int64(first);
  const end = range.isOpen ? -1 : args.int64(first + 1);
  const isBits = given === 3 && args.equalsIgnoreCase(first + 2, 'BIT');
  const isUnit = given < 3 || isBits || args.equalsIgnoreCase(first + 2, 'BYTE');
  const isPosition = command === 'bitpos';
  let error = '';
  if (given > 3 || (given === 1 && !isPosition)) error = SYNTAX_ERROR;
  else if (Number.isNaN(start) || (Number.isNaN(end) && !isPosition)) error = NOT_INTEGER;
  else if (!isUnit) error = SYNTAX_ERROR;
  else if (Number.isNaN(end)) error = NOT_INTEGER;
  if (error !== '') {
    reply.error(error);
    return false;
  }
  asked.start = start;
  asked.end = end;
  asked.unitBits = isBits ? 1 : 8;
  asked.isReversed = !isPosition && given > 1 && isReversed(args, first, first + 1);
  return true;
}

/** Finds the range that was read in a value of `valueBytes` bytes. */
export function placeRange(valueBytes: number): void {
  const { end, start, unitBits } = asked;
  const units = (valueBytes * 8) / unitBits;
  const to = Math.min(fromEnd(end, units), units - 1) + 1;
  range.from = fromEnd(start, units) * unitBits;
  range.to = asked.isReversed ? range.from : to * unitBits;
}
