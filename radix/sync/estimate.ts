/**
 * Estimate: which sub ranges two sides compare, and how many of their items differ, from the 16
 * bits that each side has of each.
 *
 *   digest      12 bits of hash | 4 bits of the count
 *   theirs      9f2 1    03c 4    5a5 a    e71 0
 *   mine        9f2 1    8d0 6    5a5 a    c33 f       differ: 2 of 4;   counts: by +2 and -1
 *
 * By counting the ranges that differ (linear counting, Whang et al. 1990): d items thrown into M
 * ranges leave M e^(-d/M) of them equal, so if m differ, d is about -M ln(1 - m/M). That knows
 * little when all differ, and takes a range that a thousand writes have met for one with one.
 *
 * By the counts: k items that only one side has, either with the same chance, change the difference
 * of counts by a step of 1 up or down, so its square is k in the mean, however they are spread.
 * That knows nothing of items that have another version on the other side. The higher one is taken.
 */
import { DIGEST_COUNT_BITS, type Ranges } from './ranges.js';

export interface Mismatches {
  /** The sub ranges to be compared. */
  readonly ranges: readonly number[];
  /** How many items differ. */
  readonly differences: number;
  /** Its standard deviation. */
  readonly deviation: number;
}

/** If more ranges differ, all are compared: of as many some are equal by chance. */
const MOST_SHARE = 0.9;
const UNUSED_BITS = 32 - DIGEST_COUNT_BITS;

/** `excess`: how many more items this side has in all. */
export function findMismatches(
  ranges: Pick<Ranges, 'length' | 'digest'>,
  theirs: readonly number[],
  salt: number,
  excess: number,
): Mismatches {
  const rangeCount = ranges.length;
  const differing: number[] = [];
  const mean = excess / rangeCount;
  const near = Math.round(mean);
  let squares = 0;
  let squaresOfMore = 0;
  for (const [i, digest] of theirs.entries()) {
    const mine = ranges.digest(i, salt);
    if (mine !== digest) differing.push(i);
    // Known modulo 16: the one nearest to the mean is meant.
    const more = near + signed(mine - digest - near);
    squares += (more - mean) ** 2;
    squaresOfMore += signed(mine - digest) ** 2;
  }
  const isMost = differing.length > MOST_SHARE * rangeCount;
  // What one side has more may be all in one place, where others do not have the mean.
  const byCounts = Math.min(squares, squaresOfMore);
  const estimates = [
    byMismatches(differing.length, rangeCount),
    // As many pairs of items in the same range add or take away 2 by chance.
    { differences: byCounts, deviation: byCounts * Math.sqrt(2 / rangeCount) },
    { differences: Math.abs(excess), deviation: 0 },
  ];
  const [highest] = estimates.sort((a, b) => {
    return b.differences + b.deviation - a.differences - a.deviation;
  });
  return { ranges: isMost ? theirs.map((_, i) => i) : differing, ...highest! };
}

/** A difference of counts of which the low bits are known, as the one nearest to 0. */
function signed(difference: number): number {
  return (difference << UNUSED_BITS) >> UNUSED_BITS;
}

/** From how many of `rangeCount` ranges differ. */
function byMismatches(mismatchCount: number, rangeCount: number): Omit<Mismatches, 'ranges'> {
  // If all differ, the formula says infinitely many; half a range equal is as likely as none.
  const mismatches = Math.min(mismatchCount, rangeCount - 0.5);
  const load = -Math.log(1 - mismatches / rangeCount);
  const deviation = Math.sqrt(rangeCount * (Math.exp(load) - load - 1));
  return { differences: Math.max(load * rangeCount, mismatchCount), deviation };
}
