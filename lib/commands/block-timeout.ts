/** How long a command that blocks may wait, as an argument. */
import type { Args } from '../../resp/args.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';
import { parseLongDouble } from './strings/long-double.js';

const NEGATIVE = 'ERR timeout is negative';
const OUT_OF_RANGE = 'ERR timeout is out of range';
const NO_FLOAT = 'ERR timeout is not a float or out of range';
const NO_INTEGER = 'ERR timeout is not an integer or out of range';
/** Longest wait that ends, milliseconds: what is longer overflows Redis's int64. */
const TIMEOUT_MS_MAX = 2 ** 63;

/**
 * Argument `i`, seconds with any fraction, as whole milliseconds, rounded up; 0 = for ever.
 * -1, the error replied, if it is none.
 */
export function blockTimeoutMs(args: Args, i: number, reply: ReplyWriter): number {
  const seconds = parseLongDouble(args.string(i));
  if (seconds === undefined) {
    reply.error(NO_FLOAT);
    return -1;
  }
  const { mantissa, exponent } = seconds;
  return checked(Math.ceil(Number(mantissa * 1000n) * 2 ** exponent), reply);
}

/** As `blockTimeoutMs`, of whole milliseconds: XREAD BLOCK, WAIT. */
export function blockMs(args: Args, i: number, reply: ReplyWriter): number {
  const timeoutMs = args.int64(i);
  if (Number.isNaN(timeoutMs)) {
    reply.error(NO_INTEGER);
    return -1;
  }
  return checked(timeoutMs, reply);
}

function checked(timeoutMs: number, reply: ReplyWriter): number {
  if (timeoutMs >= 0 && timeoutMs < TIMEOUT_MS_MAX) return timeoutMs;
  reply.error(timeoutMs < 0 ? NEGATIVE : OUT_OF_RANGE);
  return -1;
}
