/**
 * Whom to ping next: all others in a random order, then in another one. So each is pinged once a
 * round by everybody, and the time until a dead one is pinged is bounded (SWIM, section 4.3).
 * Dead members stay in the round: that is how two halves of a network find each other again.
 */
import type { Random } from '../../world/world.js';

export class Round {
  readonly #random: Random;
  #ids: string[] = [];
  #at = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Who is new comes in at a random place of what is left of this round. */
  setMembers(ids: readonly string[]): void {
    const wanted = new Set(ids);
    const left = this.#ids.slice(this.#at).filter((id) => wanted.has(id));
    const done = this.#ids.slice(0, this.#at).filter((id) => wanted.has(id));
    const known = new Set(this.#ids);
    for (const id of ids) {
      if (!known.has(id)) left.splice(this.#random.below(left.length + 1), 0, id);
    }
    this.#ids = [...done, ...left];
    this.#at = done.length;
  }

  next(): string | undefined {
    if (this.#at >= this.#ids.length) {
      shuffle(this.#ids, this.#random);
      this.#at = 0;
    }
    const id = this.#ids[this.#at];
    this.#at += 1;
    return id;
  }
}

/** Fisher and Yates. */
export function shuffle<T>(list: T[], random: Random): T[] {
  for (let at = list.length - 1; at > 0; at -= 1) {
    const other = random.below(at + 1);
    [list[at], list[other]] = [list[other]!, list[at]!];
  }
  return list;
}
