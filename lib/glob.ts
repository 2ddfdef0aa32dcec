/**
 * Glob patterns over bytes, as in Redis's `stringmatchlen`: `*`, `?`, `[a-z]`, `[^...]`, `\x`.
 *
 * Redis recurses at each `*` and can take exponential time; here the last `*` alone is retried,
 * which finds the same matches in at most O(pattern x text).
 */
const STAR = 0x2a;
const QUESTION = 0x3f;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const CARET = 0x5e;
const DASH = 0x2d;
const BACKSLASH = 0x5c;

/** A pattern for keys and elements; undefined for `*` alone, which leaves out not even the empty. */
export function filterOf(pattern: Buffer): Buffer | undefined {
  return pattern.length === 1 && pattern[0] === STAR ? undefined : pattern;
}

/** True if all of text[from, to) matches the pattern; an empty text matches an empty one alone. */
export function globMatches(pattern: Buffer, text: Buffer, from: number, to: number): boolean {
  if (from === to) return pattern.length === 0;
  let p = 0;
  let t = from;
  let starPattern = -1;
  let starText = -1;
  while (t < to) {
    if (p < pattern.length && pattern[p] === STAR) {
      while (pattern[p] === STAR) p += 1;
      if (p === pattern.length) return true;
      starPattern = p;
      starText = t;
      continue;
    }
    const end = p < pattern.length ? matchOne(pattern, p, text[t]!) : 0;
    if (end > 0) {
      p = end;
      t += 1;
    } else if (starPattern !== -1) {
      starText += 1;
      p = starPattern;
      t = starText;
    } else {
      return false;
    }
  }
  while (pattern[p] === STAR) p += 1;
  return p >= pattern.length;
}

/** The bytes that every match begins with: what stands before the first special character. */
export function literalPrefix(pattern: Buffer): Buffer {
  const prefix: number[] = [];
  for (let p = 0; p < pattern.length; p += 1) {
    let byte = pattern[p]!;
    if (byte === STAR || byte === QUESTION || byte === OPEN) break;
    if (byte === BACKSLASH && p + 1 < pattern.length) {
      p += 1;
      byte = pattern[p]!;
    }
    prefix.push(byte);
  }
  return Buffer.from(prefix);
}

/** Matches one byte against the element at `p`; the position behind the element, 0 = no match. */
function matchOne(pattern: Buffer, p: number, byte: number): number {
  const element = pattern[p]!;
  if (element === QUESTION) return p + 1;
  if (element === OPEN) return matchSet(pattern, p + 1, byte);
  if (element === BACKSLASH && p + 1 < pattern.length) {
    return pattern[p + 1] === byte ? p + 2 : 0;
  }
  return element === byte ? p + 1 : 0;
}

/** Matches a set; `p` is behind the `[`. A set that is not closed ends with the pattern. */
function matchSet(pattern: Buffer, start: number, byte: number): number {
  let p = start;
  const negated = pattern[p] === CARET;
  if (negated) p += 1;
  let found = false;
  while (p < pattern.length && pattern[p] !== CLOSE) {
    if (pattern[p] === BACKSLASH && p + 1 < pattern.length) {
      p += 1;
      if (pattern[p] === byte) found = true;
      p += 1;
    } else if (pattern[p + 1] === DASH && p + 2 < pattern.length) {
      const a = pattern[p]!;
      const b = pattern[p + 2]!;
      if (byte >= Math.min(a, b) && byte <= Math.max(a, b)) found = true;
      p += 3;
    } else {
      if (pattern[p] === byte) found = true;
      p += 1;
    }
  }
  if (found === negated) return 0;
  return Math.min(p + 1, pattern.length);
}
