/** `numkeys key ... arg ...`, which EVAL and FCALL share. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';

/** Position of the number of keys. */
export const KEY_COUNT_AT = 2;

/** How many keys there are; -1: the error has been replied. `notNumber` is what is said then. */
export function readKeyCount(args: Args, reply: ReplyWriter, notNumber: string): number {
  const count = args.int64(KEY_COUNT_AT);
  if (Number.isNaN(count)) reply.error(notNumber);
  else if (count > args.count - KEY_COUNT_AT - 1) {
    reply.error("ERR Number of keys can't be greater than number of args");
  } else if (count < 0) reply.error("ERR Number of keys can't be negative");
  else return count;
  return -1;
}

/** Positions of the keys; empty if their number makes no sense. */
export function findScriptKeys(args: Args): number[] {
  const count = args.count > KEY_COUNT_AT ? args.int64(KEY_COUNT_AT) : 0;
  if (!(count > 0) || count > args.count - KEY_COUNT_AT - 1) return [];
  return Array.from({ length: count }, (_, i) => KEY_COUNT_AT + 1 + i);
}
