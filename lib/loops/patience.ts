/**
 * Patience: for how long a member must have owned too much before it gives some of it away, the longer
 * the more often it has moved lately.
 *
 * Keys may come and go faster than members move: filled in one part of the ring, deleted in another. To
 * follow each wave would change the ring for ever and gain nothing. So the first moves come at once,
 * and spread what is being loaded; later ones only for what stays.
 *
 *   moves lately   0   1   2    3    4    5    6 and more
 *   seconds        0   2   4    8    16   30   30
 */

/** How long a move counts, ms. */
const LATELY_MS = 300_000;
const FIRST_MS = 2000;
const MOST_MS = 30_000;

export class Patience {
  #heavySinceMs: number | undefined;
  #movesMs: number[] = [];

  /** Told at each look at the loads whether this member owns too much; true: for long enough. */
  isOver(isHeavy: boolean, nowMs: number): boolean {
    if (!isHeavy) {
      this.#heavySinceMs = undefined;
      return false;
    }
    this.#heavySinceMs ??= nowMs;
    return nowMs - this.#heavySinceMs >= this.#neededMs(nowMs);
  }

  moved(nowMs: number): void {
    this.#movesMs.push(nowMs);
    this.#heavySinceMs = undefined;
  }

  #neededMs(nowMs: number): number {
    this.#movesMs = this.#movesMs.filter((moveMs) => nowMs - moveMs < LATELY_MS);
    const count = this.#movesMs.length;
    return count === 0 ? 0 : Math.min(MOST_MS, FIRST_MS * 2 ** (count - 1));
  }
}
