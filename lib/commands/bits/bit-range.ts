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

/** A range of bits [from, to) that was asked for; read it before the next is parsed. */
export const range = { from: 0, to: 0, isOpen: false };

/**
 * Reads the range in the arguments from `first` on, of a value of `valueBytes` bytes: `start`, then
 * `end`, then BYTE or BIT. BITPOS, which may leave `end` out, and BITCOUNT check in different
 * orders. False if an error was replied.
 */
export function readRange(
  args: Args,
  first: number,
  valueBytes: number,
  command: 'bitcount' | 'bitpos',
  reply: ReplyWriter,
): boolean {
  const given = args.count - first;
  range.isOpen = given < 2;
  range.from = 0;
  range.to = valueBytes * 8;
  if (given === 0) return true;
  const start = args.int64(first);
  const end = given === 1 ? -1 : args.int64(first + 1);
  const isBits = given === 3 && args.equalsIgnoreCase(first + 2, 'BIT');
  const isUnit = given < 3 || isBits || args.equalsIgnoreCase(first + 2, 'BYTE');
  const isPosition = command === 'bitpos';
  const reversed = !isPosition && given > 1 && isReversed(args, first, first + 1);
  if (given > 3 || (given === 1 && !isPosition)) {
    reply.error(SYNTAX_ERROR);
    return false;
  }
  if (Number.isNaN(start) || (Number.isNaN(end) && (isUnit || !isPosition))) {
    reply.error(NOT_INTEGER);
    return false;
  }
  if (!isUnit && !reversed) {
    reply.error(SYNTAX_ERROR);
    return false;
  }
  const unitBits = isBits ? 1 : 8;
  const units = isBits ? valueBytes * 8 : valueBytes;
  const from = fromEnd(start, units);
  const to = Math.min(fromEnd(end, units), units - 1) + 1;
  range.from = from * unitBits;
  range.to = reversed ? range.from : to * unitBits;
  return true;
}
