/**
 * Expiry times as arguments: seconds or milliseconds, from now or since 1970, any int64.
 *
 * Redis keeps them as int64 milliseconds. Here they are safe integers: a time beyond the year
 * 287396 is stored as 2^53-1 ms. What Redis refuses because it overflows an int64 is refused too.
 */
import type { Args } from '../../../resp/args.js';

/** Numbers up to here stay exact whatever their unit. */
const PLAIN_MAX = 2 ** 42;
const INT64_MAX = 9223372036854775807n;
const SAFE_MAX = BigInt(Number.MAX_SAFE_INTEGER);

/**
 * Argument `i` as milliseconds since 1970: its number times `unitMs`, plus `baseMs`. NaN if it is
 * no int64, Infinity if the time is not one.
 */
export function expiryTimeMs(args: Args, i: number, unitMs: 1 | 1000, baseMs: number): number {
  const count = args.int64(i);
  if (count <= PLAIN_MAX && count >= -PLAIN_MAX) return count * unitMs + baseMs;
  const exact = args.bigInt64(i);
  if (exact === undefined) return Number.NaN;
  const timeMs = exact * BigInt(unitMs) + BigInt(baseMs);
  if (timeMs > INT64_MAX || exact * BigInt(unitMs) < -INT64_MAX - 1n) {
    return Number.POSITIVE_INFINITY;
  }
  if (timeMs > SAFE_MAX) return Number.MAX_SAFE_INTEGER;
  return timeMs < -SAFE_MAX ? -Number.MAX_SAFE_INTEGER : Number(timeMs);
}

/** As `expiryTimeMs`, but Infinity too if the argument is zero or less: SET, SETEX, GETEX. */
export function futureTimeMs(args: Args, i: number, unitMs: 1 | 1000, baseMs: number): number {
  return args.int64(i) <= 0 ? Number.POSITIVE_INFINITY : expiryTimeMs(args, i, unitMs, baseMs);
}

export function invalidExpireTime(command: string): string {
  return `ERR invalid expire time in '${command}' command`;
}
