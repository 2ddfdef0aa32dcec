/**
 * CollectedRanges: up to which stamp tombstones have been collected, by interval of keys.
 *
 *        a          f                    p
 *   -----]----------]--------------------]----------->      all keys, lowest to highest
 *     0       120            90               0             nothing at or below it is owed to anybody
 *
 * Why intervals and not one number: two ranges are collected at different stamps. Where they become
 * one, since a member moves or leaves, the higher of both would refuse good entries of one half, and
 * the lower would let in deleted ones of the other.
 *
 * Invariants: pieces ascend, the last one ends at null (no bound), neighbours have different stamps,
 * and there are `PIECES_MAX` at most: beyond that the two neighbours that differ least become one, at
 * the higher stamp. So what is forgotten errs towards refusing.
 */
import { type Interval, intervalsOf, type KeyRange } from '../../radix/sync/view.js';

export const PIECES_MAX = 256;

/** The keys of an interval, and the highest stamp collected there. */
export interface CollectedPiece extends Interval {
  readonly stamp: number;
}

/** Where a piece ends, which begins where the one before it ends. */
interface End {
  readonly high: Buffer | null;
  readonly stamp: number;
}

export class CollectedRanges {
  /** The highest stamp of all pieces. */
  highest = 0;
  #ends: End[] = [{ high: null, stamp: 0 }];

  /** The highest stamp collected where the key is. */
  at(key: Buffer): number {
    const ends = this.#ends;
    let low = 0;
    let high = ends.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (Buffer.compare(key, ends[middle]!.high!) > 0) low = middle + 1;
      else high = middle;
    }
    return ends[low]!.stamp;
  }

  /** False: nothing has changed. */
  raise(range: KeyRange, stamp: number): boolean {
    let isRaised = false;
    for (const { low, high } of intervalsOf(range)) {
      if (this.raiseBetween(low, high, stamp)) isRaised = true;
    }
    return isRaised;
  }

  /** Likewise, of the keys in (low, high]. */
  raiseBetween(low: Buffer | null, high: Buffer | null, stamp: number): boolean {
    if (low !== null && high !== null && Buffer.compare(low, high) >= 0) return false;
    const ends: End[] = [];
    let isRaised = false;
    for (const piece of this.pieces()) {
      const from = higherLow(piece.low, low);
      const to = lowerHigh(piece.high, high);
      const isApart = from !== null && to !== null && Buffer.compare(from, to) >= 0;
      if (isApart || piece.stamp >= stamp) {
        append(ends, piece);
        continue;
      }
      isRaised = true;
      if (from !== piece.low) append(ends, { high: from, stamp: piece.stamp });
      append(ends, { high: to, stamp });
      if (to !== piece.high) append(ends, piece);
    }
    if (!isRaised) return false;
    this.#ends = ends;
    this.highest = Math.max(this.highest, stamp);
    while (ends.length > PIECES_MAX) joinClosest(ends);
    return true;
  }

  /** All of them, from the lowest keys to the highest. */
  pieces(): CollectedPiece[] {
    const ends = this.#ends;
    return ends.map(({ high, stamp }, at) => ({
      low: at === 0 ? null : ends[at - 1]!.high,
      high,
      stamp,
    }));
  }

  /** What has been collected within a range. */
  within(range: KeyRange): CollectedPiece[] {
    const found: CollectedPiece[] = [];
    for (const interval of intervalsOf(range)) {
      for (const piece of this.pieces()) {
        const low = higherLow(piece.low, interval.low);
        const high = lowerHigh(piece.high, interval.high);
        const isApart = low !== null && high !== null && Buffer.compare(low, high) >= 0;
        if (!isApart && piece.stamp > 0) found.push({ low, high, stamp: piece.stamp });
      }
    }
    return found;
  }
}

function append(ends: End[], { high, stamp }: End): void {
  if (ends.at(-1)?.stamp === stamp) ends.pop();
  ends.push({ high, stamp });
}

function joinClosest(ends: End[]): void {
  let closest = 0;
  let least = Infinity;
  for (let at = 0; at + 1 < ends.length; at += 1) {
    const apart = Math.abs(ends[at]!.stamp - ends[at + 1]!.stamp);
    if (apart >= least) continue;
    least = apart;
    closest = at;
  }
  const [one, other] = ends.splice(closest, 2) as [End, End];
  const stamp = Math.max(one.stamp, other.stamp);
  const behind = ends.splice(closest);
  append(ends, { high: other.high, stamp });
  for (const end of behind) append(ends, end);
}

function higherLow(one: Buffer | null, other: Buffer | null): Buffer | null {
  if (one === null || other === null) return one ?? other;
  return Buffer.compare(one, other) >= 0 ? one : other;
}

function lowerHigh(one: Buffer | null, other: Buffer | null): Buffer | null {
  if (one === null || other === null) return one ?? other;
  return Buffer.compare(one, other) <= 0 ? one : other;
}
