/** Ballots of Paxos: a round, and who leads it. Ordered by round, then by id; each is used once. */

export interface Ballot {
  /** From 1; 0 is below every ballot that is used. */
  readonly round: number;
  readonly id: string;
}

export const BALLOT_NONE: Ballot = { round: 0, id: '' };

export function compareBallots(a: Ballot, b: Ballot): number {
  if (a.round !== b.round) return a.round - b.round;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

export function isSameBallot(a: Ballot, b: Ballot): boolean {
  return compareBallots(a, b) === 0;
}
