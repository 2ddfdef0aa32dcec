/**
 * The options of SET and GETEX, read without allocating.
 *
 *    31                    8 7                0
 *   +-----------------------+------------------+
 *   | argument of the time  |   OPTION_ bits   |      -1 = syntax error
 *   +-----------------------+------------------+
 */
import type { Args } from '../../../resp/args.js';

export const OPTION_NX = 1 << 0;
export const OPTION_XX = 1 << 1;
export const OPTION_GET = 1 << 2;
export const OPTION_KEEPTTL = 1 << 3;
export const OPTION_PERSIST = 1 << 4;
export const OPTION_EX = 1 << 5;
export const OPTION_PX = 1 << 6;
/** Together with EX or PX: since 1970, not from now. */
export const OPTION_AT = 1 << 7;
const TIME_SHIFT = 8;

const TIME_MASK = OPTION_EX | OPTION_PX | OPTION_AT;
const LIFE_MASK = TIME_MASK | OPTION_KEEPTTL | OPTION_PERSIST;

/** The options of SET, which begin at argument 3. */
export function readSetOptions(args: Args): number {
  let options = 0;
  for (let i = 3; i < args.count; i += 1) {
    if (args.equalsIgnoreCase(i, 'NX') && (options & OPTION_XX) === 0) {
      options |= OPTION_NX;
    } else if (args.equalsIgnoreCase(i, 'XX') && (options & OPTION_NX) === 0) {
      options |= OPTION_XX;
    } else if (args.equalsIgnoreCase(i, 'GET')) {
      options |= OPTION_GET;
    } else if (args.equalsIgnoreCase(i, 'KEEPTTL') && (options & TIME_MASK) === 0) {
      options |= OPTION_KEEPTTL;
    } else {
      options = withTime(args, i, options);
      if (options < 0) return -1;
      i += 1;
    }
  }
  return options;
}

/** The options of GETEX, which begin at argument 2. */
export function readGetexOptions(args: Args): number {
  let options = 0;
  for (let i = 2; i < args.count; i += 1) {
    if (args.equalsIgnoreCase(i, 'PERSIST') && (options & TIME_MASK) === 0) {
      options |= OPTION_PERSIST;
    } else {
      options = withTime(args, i, options);
      if (options < 0) return -1;
      i += 1;
    }
  }
  return options;
}

/** The argument that holds the time, 0 for none. */
export function timeArgument(options: number): number {
  return options >>> TIME_SHIFT;
}

export function unitMsOf(options: number): 1 | 1000 {
  return (options & OPTION_EX) !== 0 ? 1000 : 1;
}

/** Adds EX, PX, EXAT or PXAT and its argument; the same one may be given again, as in Redis. */
function withTime(args: Args, i: number, options: number): number {
  const kind = timeKind(args, i);
  if (kind === 0 || i + 1 >= args.count) return -1;
  const life = options & LIFE_MASK;
  if (life !== 0 && life !== kind) return -1;
  return (options & ((1 << TIME_SHIFT) - 1)) | kind | ((i + 1) << TIME_SHIFT);
}

function timeKind(args: Args, i: number): number {
  if (args.equalsIgnoreCase(i, 'EX')) return OPTION_EX;
  if (args.equalsIgnoreCase(i, 'PX')) return OPTION_PX;
  if (args.equalsIgnoreCase(i, 'EXAT')) return OPTION_EX | OPTION_AT;
  if (args.equalsIgnoreCase(i, 'PXAT')) return OPTION_PX | OPTION_AT;
  return 0;
}
