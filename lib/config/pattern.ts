/**
 * Redis's glob patterns over setting names, in any case.
 *
 * Why not a RegExp: a pattern comes from a client, and `*a*a*a*a` makes one backtrack for minutes.
 * Going back to the last star alone is enough for globs, and bounds the work by length x length.
 */

/** Whether `name` matches `pattern`: `*`, `?`, `[abc]`, `[^a-z]`, and `\` before a literal. */
export function matchesPattern(pattern: string, name: string): boolean {
  const glob = pattern.toLowerCase();
  let at = 0;
  let index = 0;
  let starAt = -1;
  let starIndex = 0;
  while (index < name.length) {
    if (glob[at] === '*') {
      starAt = at;
      starIndex = index;
      at += 1;
      continue;
    }
    const next = matchOne(glob, at, name[index]!);
    if (next > 0) {
      at = next;
      index += 1;
    } else if (starAt >= 0) {
      at = starAt + 1;
      starIndex += 1;
      index = starIndex;
    } else return false;
  }
  while (glob[at] === '*') at += 1;
  return at === glob.length;
}

/** Where the pattern goes on after matching `letter` at `at`; 0 if it does not match. */
function matchOne(glob: string, at: number, letter: string): number {
  const sign = glob[at];
  if (sign === undefined) return 0;
  if (sign === '?') return at + 1;
  if (sign === '[') return matchClass(glob, at + 1, letter);
  const literalAt = sign === '\\' && at + 1 < glob.length ? at + 1 : at;
  return glob[literalAt] === letter ? literalAt + 1 : 0;
}

function matchClass(glob: string, from: number, letter: string): number {
  const isNegated = glob[from] === '^';
  let at = isNegated ? from + 1 : from;
  let found = false;
  while (at < glob.length && glob[at] !== ']') {
    if (glob[at] === '\\' && at + 1 < glob.length) at += 1;
    const low = glob[at]!;
    if (glob[at + 1] === '-' && at + 2 < glob.length) {
      const high = glob[at + 2]!;
      if ((low <= letter && letter <= high) || (high <= letter && letter <= low)) found = true;
      at += 3;
    } else {
      if (low === letter) found = true;
      at += 1;
    }
  }
  return found === isNegated ? 0 : Math.min(at + 1, glob.length);
}
