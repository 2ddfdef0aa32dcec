/** Which keys backups leave out: each is of ranges on the circle of keys. */

/** The keys in (after, upTo], round the circle if upTo <= after: all, if they are the same. */
export interface CircleRange {
  readonly after: Buffer;
  readonly upTo: Buffer;
}

/** The keys in (after, upTo]; null: no bound. */
export interface Gap {
  readonly after: Buffer | null;
  readonly upTo: Buffer | null;
}

/** The first keys, in order, that are in none of the ranges; null if all are in one. */
export function firstGap(ranges: readonly CircleRange[]): Gap | null {
  const intervals = ranges.flatMap(intervalsOf).sort((a, b) => compareLow(a.after, b.after));
  let reached: Buffer | null = null;
  let hasBegun = false;
  for (const { after, upTo } of intervals) {
    const isBehind = hasBegun ? compareLow(after, reached) > 0 : after !== null;
    if (isBehind) return { after: reached, upTo: after };
    if (upTo === null) return null;
    if (!hasBegun || compareLow(upTo, reached) > 0) reached = upTo;
    hasBegun = true;
  }
  return { after: reached, upTo: null };
}

function intervalsOf({ after, upTo }: CircleRange): Gap[] {
  if (after.compare(upTo) < 0) return [{ after, upTo }];
  return [
    { after, upTo: null },
    { after: null, upTo },
  ];
}

/** Order of lower ends: null is below every key. */
function compareLow(a: Buffer | null, b: Buffer | null): number {
  if (a === null || b === null) return (a === null ? 0 : 1) - (b === null ? 0 : 1);
  return a.compare(b);
}
