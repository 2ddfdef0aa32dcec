/**
 * Intervals of keys as in ZRANGEBYLEX: `[a` (from or to a, included), `(a` (without it), `-` (the
 * lowest) and `+` (the highest). An interval becomes two ranks, so that its size, and its n-th key
 * from either end, cost O(depth).
 */
import type { Mirror } from '../../../radix/mirror.js';
import type { Tree } from '../../../radix/tree.js';
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';

export const BAD_INTERVAL = 'ERR min or max not valid string range item';

const OPEN_PAREN = 0x28;
const BRACKET = 0x5b;
/** `-`, the lowest bound. */
export const LOWEST = 0x2d;
/** `+`, the highest bound. */
export const HIGHEST = 0x2b;

/** True, the error replied, if arguments `i` and the next one are no interval. */
export function refusesInterval(args: Args, i: number, reply: ReplyWriter): boolean {
  if (isBound(args, i) && isBound(args, i + 1)) return false;
  reply.error(BAD_INTERVAL);
  return true;
}

/** Whether argument `i` is an end of an interval. */
export function isBound(args: Args, i: number): boolean {
  const length = args.length(i);
  if (length === 0) return false;
  const first = args.byte(i, 0);
  if (first === BRACKET || first === OPEN_PAREN) return true;
  return length === 1 && (first === LOWEST || first === HIGHEST);
}

/** Whether argument `i`, a bound, is `-` or `+`, whichever is asked for. */
export function isExtreme(args: Args, i: number, extreme: number): boolean {
  return args.length(i) === 1 && args.byte(i, 0) === extreme;
}

/** Whether the key of argument `i`, a bound, is not in the interval itself. */
export function isExcluded(args: Args, i: number): boolean {
  return args.byte(i, 0) === OPEN_PAREN;
}

/** Rank of the first key of an interval that begins with argument `i`. */
export function lowRank(tree: Tree, args: Args, i: number): number {
  return boundRank(tree, args, i, OPEN_PAREN);
}

/** Rank of the first key behind an interval that ends with argument `i`. */
export function highRank(tree: Tree, args: Args, i: number): number {
  return boundRank(tree, args, i, BRACKET);
}

/** `lowRank` in an order by value. The bound is one that a mirror can hold. */
export function lowValueRank(mirror: Mirror, args: Args, i: number): number {
  return valueRank(mirror, args, i, OPEN_PAREN);
}

/** `highRank` in an order by value. */
export function highValueRank(mirror: Mirror, args: Args, i: number): number {
  return valueRank(mirror, args, i, BRACKET);
}

/** How many have a value below the bound's, or no greater one if the bound begins with `past`. */
function valueRank(mirror: Mirror, args: Args, i: number, past: number): number {
  const { tree } = mirror;
  if (isExtreme(args, i, LOWEST)) return 0;
  if (isExtreme(args, i, HIGHEST)) return tree.liveCount;
  const from = args.starts[i]! + 1;
  if (args.byte(i, 0) === past) mirror.makeHighKey(args.buf, from, args.ends[i]!);
  else mirror.makeLowKey(args.buf, from, args.ends[i]!);
  return tree.rank(mirror.key, 0, mirror.keyBytes);
}

/** How many keys are below the bound's, or not above it if the bound begins with `past`. */
function boundRank(tree: Tree, args: Args, i: number, past: number): number {
  if (isExtreme(args, i, LOWEST)) return 0;
  if (isExtreme(args, i, HIGHEST)) return tree.liveCount;
  return tree.rank(args.buf, args.starts[i]! + 1, args.ends[i]!, args.byte(i, 0) === past);
}
