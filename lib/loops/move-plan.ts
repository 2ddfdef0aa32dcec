/**
 * Who should move, and by how much: pure functions of what all members own.
 *
 * A member that moves down gives the end of its range to its successor. So load can flow round the
 * ring one way only, and what is to flow from each member to the next follows from the loads:
 *
 *   owned          10   0   0   2         mean 3
 *   to the next     7   4   1   0         sums of (owned - mean), the least of them being 0
 *
 * A member moves if it owns more than 1.5 times what its successor does, or more than its successor and
 * 1.25 times the mean. It gives what is to flow, but never so much that its successor then owns more
 * than it did: the largest share only shrinks. Giving half of the difference instead needs ten times as
 * many moves in a ring of ten (docs/decisions/0017). The one that gives most goes first.
 *
 * Invariant: while one member owns more than 1.25 times the mean, and more than the minimum, there is a
 * move; each makes the sum of squares smaller, so they come to an end.
 */

export interface Move {
  /** Index of the member. */
  readonly index: number;
  /** What it gives to the next one, in the unit of the loads. */
  readonly amount: number;
}

const SUCCESSOR_FACTOR = 1.5;
const MEAN_FACTOR = 1.25;
/** Less than this part of the mean is not worth a change of the ring. */
const AMOUNT_SHARE_MIN = 0.03;

/** The moves that are worth it, the largest first. `owned` in ring order; `least`: of a difference. */
export function movesOf(owned: readonly number[], least: number): Move[] {
  const mean = owned.reduce((sum, each) => sum + each, 0) / owned.length;
  const flows = flowsOf(owned, mean);
  const moves: Move[] = [];
  for (const [index, own] of owned.entries()) {
    const next = owned[(index + 1) % owned.length]!;
    const isHeavy = own > SUCCESSOR_FACTOR * next || (own > next && own > MEAN_FACTOR * mean);
    const amount = Math.min(flows[index]!, own - next);
    if (!isHeavy || own - next <= least || amount < AMOUNT_SHARE_MIN * mean) continue;
    moves.push({ index, amount });
  }
  return moves.sort((one, other) => other.amount - one.amount || one.index - other.index);
}

/** What is to flow from each to the next for all to own the same; none negative, one of them 0. */
function flowsOf(owned: readonly number[], mean: number): number[] {
  let sum = 0;
  const flows = owned.map((each) => {
    sum += each - mean;
    return sum;
  });
  const least = Math.min(...flows);
  return flows.map((flow) => flow - least);
}
