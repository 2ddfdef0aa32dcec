/**
 * `list-max-listpack-size` as it was when a list was last written: Redis converts a list when it is written, and
 * leaves it as it is when CONFIG SET gives another limit. A list is written at the stamp of its head.
 */
import type { Settings } from '../config/settings.js';

/** Changes that are remembered; a list from before goes by the limit before the oldest of them. */
const CHANGES_MAX = 64;

interface Change {
  /** The last stamp before it. */
  readonly stamp: number;
  /** What held until then. */
  readonly before: number;
}

export class ListLimits {
  #now: number;
  /** The oldest first. */
  readonly #changes: Change[] = [];

  /** `lastStamp`: the highest of those given so far. */
  constructor(settings: Settings, lastStamp: () => number) {
    this.#now = settings.listMaxListpackSize;
    settings.onChange('list-max-listpack-size', () => {
      if (settings.listMaxListpackSize === this.#now) return;
      this.#changes.push({ stamp: lastStamp(), before: this.#now });
      if (this.#changes.length > CHANGES_MAX) this.#changes.shift();
      this.#now = settings.listMaxListpackSize;
    });
  }

  /** The limit for what was written at this stamp. */
  at(stamp: number): number {
    return this.#changes.find((change) => stamp <= change.stamp)?.before ?? this.#now;
  }
}
