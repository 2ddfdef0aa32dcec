/**
 * Where dhash means to differ from Redis 7.0, and why. docs/compatibility.md has a row for each,
 * which a test checks; what is not here is a bug.
 */
import type { Mismatch } from './compare.js';

export interface Difference {
  readonly id: string;
  /** What differs, as docs/compatibility.md says it. */
  readonly what: string;
  readonly why: string;
  /** Whether a mismatch is this difference. `args` are lower case. */
  readonly covers: (args: readonly string[], mismatch: Mismatch) => boolean;
}

export const differences: readonly Difference[] = [
  {
    id: 'help-texts',
    what: 'The HELP subcommands list the subcommands that dhash has, and those of Redis 7.2.',
    why: 'A help text should not name what is not there.',
    covers: (args) => args[1] === 'help',
  },
];

export function knownDifference(mismatch: Mismatch): Difference | undefined {
  const args = mismatch.args.map((arg) => arg.toString('latin1').toLowerCase());
  return differences.find((difference) => difference.covers(args, mismatch));
}
