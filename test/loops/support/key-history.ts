/**
 * What the one writer of a key knows of it: each value that it has tried to write, none twice, and
 * what became of that; and whether what a reader is shown can be.
 *
 *   attempt    1      2      3      4      5
 *              acked  acked  doubt  refused sent
 *                     `- a read at `quorum` shows this, or 3 or 5: nothing before it, and never 4
 *
 * A write whose connection was cut before its reply came, or whose owner has not answered, may lie in
 * somebody's buffers and take effect later, up to a time that is promised: it may be shown after those
 * that were sent before that, too.
 *
 *   3 is in doubt |--- `late` ---| over
 *        4 sent, acked ................ may show 3        5 sent, acked: never 3 again
 */

/**
 * `safe`: acknowledged at `quorum` or `all`. `doubtful`: applied, and acknowledged by too few, or at `one`.
 * `adrift`: nothing was heard of it. `refused`: not executed, it was said. `nothing`: it has deleted nothing.
 */
type Outcome = 'sent' | 'safe' | 'doubtful' | 'adrift' | 'refused' | 'nothing';

export interface Attempt {
  /** From 1 on. */
  readonly number: number;
  /** Null: it deletes. */
  readonly value: string | null;
  readonly sentMs: number;
  /** Adrift: it has taken effect by then, or never does. */
  overMs: number;
  outcome: Outcome;
  isSeen: boolean;
}

export class KeyHistory {
  readonly key: Buffer;
  readonly name: string;
  /** The last one that is on a majority of the replicas, as it was acknowledged; 0: none. */
  safeNumber = 0;
  readonly #attempts: Attempt[] = [];
  readonly #nowMs: () => number;

  constructor(name: string, key: Buffer, nowMs: () => number) {
    this.name = name;
    this.key = key;
    this.#nowMs = nowMs;
  }

  attempt(isDelete = false): Attempt {
    const number = this.#attempts.length + 1;
    const value = isDelete ? null : `${this.name}#${number}`;
    const sentMs = this.#nowMs();
    const made: Attempt = { number, value, sentMs, overMs: 0, outcome: 'sent', isSeen: false };
    this.#attempts.push(made);
    return made;
  }

  /** Nothing was heard of it; it takes effect within so many ms, or never. */
  drift(attempt: Attempt, lateMs: number): void {
    attempt.outcome = 'adrift';
    attempt.overMs = this.#nowMs() + lateMs;
  }

  /** What became of an attempt; a text: that cannot be. */
  settle(attempt: Attempt, outcome: Exclude<Outcome, 'adrift'>): string | undefined {
    attempt.outcome = outcome;
    if (outcome === 'safe') this.safeNumber = Math.max(this.safeNumber, attempt.number);
    if (outcome !== 'refused' || !attempt.isSeen) return undefined;
    return `${attempt.value} was refused, and had been shown to a reader`;
  }

  /** What a read shows of what was acknowledged up to `safeNumber`; a text: that cannot be. */
  read(value: unknown, safeNumber: number): string | undefined {
    const shown = this.#attempts.filter((attempt) => attempt.value === value);
    for (const attempt of shown) attempt.isSeen ||= value !== null;
    if (value !== null && shown.length === 0) return `${this.name} shows ${JSON.stringify(value)}`;
    if (value === null && safeNumber === 0) return undefined;
    const safe = this.#attempts[safeNumber - 1];
    if (shown.some((attempt) => isPossible(attempt, safe))) return undefined;
    const [last] = shown.slice(-1);
    return `${this.name} shows ${value} (${last?.outcome}), where ${safe?.value} was acknowledged`;
  }
}

function isPossible({ number, outcome, overMs }: Attempt, safe: Attempt | undefined): boolean {
  if (outcome === 'refused' || outcome === 'nothing') return false;
  if (safe === undefined || number >= safe.number) return true;
  return outcome === 'adrift' && safe.sentMs < overMs;
}
