/**
 * Splits an inline command into arguments by the quoting rules of Redis's `sdssplitargs`:
 *
 *   SET key "a \"quoted\"\n\x00 text"      escapes inside double quotes: \n \r \t \b \a \xHH \any
 *   SET key 'it\'s'                        inside single quotes only \'
 *   SET key ab"c d"                        quotes may begin inside an argument, not end there
 */
import type { Args } from './args.js';

const DOUBLE_QUOTE = 34;
const SINGLE_QUOTE = 39;
const BACKSLASH = 92;
const LETTER_X = 120;

/** What a letter behind a backslash stands for, where it does not stand for itself. */
const ESCAPES = new Map([
  [110, 10],
  [114, 13],
  [116, 9],
  [98, 8],
  [97, 7],
]);

/** Fills `args` with the arguments of buf[from, to), decoded; false if quotes are unbalanced. */
export function splitInline(buf: Buffer, from: number, to: number, args: Args): boolean {
  const out = Buffer.allocUnsafe(to - from);
  args.buf = out;
  args.count = 0;
  let read = from;
  let write = 0;
  for (;;) {
    while (read < to && isBlank(buf[read]!)) read++;
    if (read === to) return true;
    args.reserve(args.count + 1);
    args.starts[args.count] = write;
    // An argument, up to an unquoted delimiter.
    while (read < to && !isDelimiter(buf[read]!)) {
      const byte = buf[read]!;
      if (byte !== DOUBLE_QUOTE && byte !== SINGLE_QUOTE) {
        out[write++] = byte;
        read++;
        continue;
      }
      const close = closingQuote(buf, read + 1, to, byte);
      if (close < 0) return false;
      write = unquote(buf, read + 1, close, byte, out, write);
      read = close + 1;
      break;
    }
    args.ends[args.count] = write;
    args.count++;
  }
}

/** Where the quoted text ends; -1 if nowhere, or if more than a blank follows the quote. */
function closingQuote(buf: Buffer, from: number, to: number, quote: number): number {
  let at = from;
  while (at < to && buf[at] !== quote) {
    const escape = buf[at] === BACKSLASH && at + 1 < to;
    at += escape && (quote === DOUBLE_QUOTE || buf[at + 1] === SINGLE_QUOTE) ? 2 : 1;
  }
  if (at >= to) return -1;
  return at + 1 === to || isBlank(buf[at + 1]!) ? at : -1;
}

function unquote(
  buf: Buffer,
  from: number,
  to: number,
  quote: number,
  out: Buffer,
  at: number,
): number {
  let write = at;
  for (let read = from; read < to; read++) {
    let byte = buf[read]!;
    if (byte === BACKSLASH && quote === SINGLE_QUOTE && buf[read + 1] === SINGLE_QUOTE) {
      byte = SINGLE_QUOTE;
      read++;
    } else if (byte === BACKSLASH && quote === DOUBLE_QUOTE) {
      const high = hexDigit(buf[read + 2]);
      const low = hexDigit(buf[read + 3]);
      if (buf[read + 1] === LETTER_X && read + 3 < to && high >= 0 && low >= 0) {
        byte = high * 16 + low;
        read += 3;
      } else {
        byte = ESCAPES.get(buf[read + 1]!) ?? buf[read + 1]!;
        read++;
      }
    }
    out[write++] = byte;
  }
  return write;
}

/** C's isspace. */
function isBlank(byte: number): boolean {
  return byte === 32 || (byte >= 9 && byte <= 13);
}

function isDelimiter(byte: number): boolean {
  return byte === 32 || byte === 9 || byte === 10 || byte === 13;
}

function hexDigit(byte: number | undefined): number {
  if (byte === undefined) return -1;
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 0x20;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
