/** What the commands share that add to int64s. */
export const INT64_MAX = 9223372036854775807n;
export const INT64_MIN = -9223372036854775808n;
export const WOULD_OVERFLOW = 'ERR increment or decrement would overflow';
/** Longest text of an int64. */
export const INT64_TEXT_MAX = 20;
