/**
 * The ring as an ordered line of keys: what each member owns, from the lowest key to the highest,
 * and intervals of keys cut at the borders.
 *
 *     -      p0         p1            p2      +        positions of members 0, 1, 2
 *     |--m0--]----m1----]-----m2------]---m0--|        the first member has both ends
 */
import type { Ring } from '../../discord/ring/ring.js';

const LOWEST = Buffer.from('-');
const HIGHEST = Buffer.from('+');
const OPEN = Buffer.from('(');
const CLOSED = Buffer.from('[');
const OPEN_PAREN = 0x28;
const MINUS = 0x2d;
const PLUS = 0x2b;

/** Ends of intervals as KRANGE takes them: `-`, `+`, `[key`, `(key`. */
export type Bounds = readonly [low: Buffer, high: Buffer];

export interface Segment {
  readonly owner: number;
  readonly bounds: Bounds;
}

export function included(key: Buffer): Buffer {
  return Buffer.concat([CLOSED, key]);
}

export function excluded(key: Buffer): Buffer {
  return Buffer.concat([OPEN, key]);
}

/** The parts of an interval of keys by owner, in the order of keys, without empty ones. */
export function segmentsOf(ring: Ring, low: Buffer = LOWEST, high: Buffer = HIGHEST): Segment[] {
  const segments: Segment[] = [];
  let from: Buffer = LOWEST;
  const add = (owner: number, to: Buffer): void => {
    const bounds: Bounds = [highestLow(low, from), lowestHigh(high, to)];
    if (!isEmpty(bounds)) segments.push({ owner, bounds });
  };
  for (const [index, { position }] of ring.members.entries()) {
    add(index, included(position));
    from = excluded(position);
  }
  add(0, HIGHEST);
  return segments;
}

function isUnbounded(bound: Buffer, sign: number): boolean {
  return bound.length === 1 && bound[0] === sign;
}

function compareKeys(a: Buffer, b: Buffer): number {
  return a.compare(b, 1, b.length, 1);
}

function highestLow(a: Buffer, b: Buffer): Buffer {
  if (isUnbounded(a, MINUS) || isUnbounded(b, PLUS)) return b;
  if (isUnbounded(b, MINUS) || isUnbounded(a, PLUS)) return a;
  const order = compareKeys(a, b);
  if (order !== 0) return order > 0 ? a : b;
  return a[0] === OPEN_PAREN ? a : b;
}

function lowestHigh(a: Buffer, b: Buffer): Buffer {
  if (isUnbounded(a, PLUS) || isUnbounded(b, MINUS)) return b;
  if (isUnbounded(b, PLUS) || isUnbounded(a, MINUS)) return a;
  const order = compareKeys(a, b);
  if (order !== 0) return order < 0 ? a : b;
  return a[0] === OPEN_PAREN ? a : b;
}

function isEmpty([low, high]: Bounds): boolean {
  if (isUnbounded(low, PLUS) || isUnbounded(high, MINUS)) return true;
  if (isUnbounded(low, MINUS) || isUnbounded(high, PLUS)) return false;
  const order = compareKeys(low, high);
  return order > 0 || (order === 0 && (low[0] === OPEN_PAREN || high[0] === OPEN_PAREN));
}
