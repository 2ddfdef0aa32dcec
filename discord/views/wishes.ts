/**
 * Changes that somebody wants, in the order in which they were asked for; each waits until the
 * ring has finished the one before. One for each subject: a later wish replaces an earlier one, but
 * who wants to leave does not move any more.
 * Who wants to join asks again and again, and is forgotten when it no longer does.
 */
import { type Wish, wishedBy } from './changes.js';

/** Further newcomers are not heard; they ask again. */
export const WISHES_MAX = 256;

export class Wishes {
  readonly #all = new Map<string, { wish: Wish; untilMs: number }>();

  get size(): number {
    return this.#all.size;
  }

  /** `untilMs`: Infinity for one's own wishes. */
  add(wish: Wish, untilMs: number): void {
    const subject = wishedBy(wish);
    const known = this.#all.get(subject);
    if (known?.wish.kind === 'leave') return;
    if (known !== undefined) {
      known.wish = wish;
      known.untilMs = untilMs;
    } else if (this.#all.size < WISHES_MAX) {
      this.#all.set(subject, { wish, untilMs });
    }
  }

  remove(wish: Wish): void {
    this.#all.delete(wishedBy(wish));
  }

  /** Those that still hold, oldest first. */
  current(nowMs: number): Wish[] {
    for (const [subject, { untilMs }] of this.#all) {
      if (untilMs < nowMs) this.#all.delete(subject);
    }
    return [...this.#all.values()].map(({ wish }) => wish);
  }
}
