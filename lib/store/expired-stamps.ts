/**
 * ExpiredStamps: the stamps of what has expired on this node, by and large, so that it can be told
 * what has gone up to a stamp (docs/decisions/0019).
 *
 *   minute     ... 7 ........ 9 ... 10            of the stamps, not of when they expired
 *   highest       7:12      9:59   10:30
 *
 * Of each minute the highest is kept; of more than `MINUTES_MAX` the two lowest become one. So what
 * is told is at most too low for a while, and never a stamp that nothing has had.
 */
import { stampOf } from '../../timenet/hlc.js';

const MINUTES_MAX = 64;
const MINUTE_STAMPS = stampOf(Date.UTC(2020, 0, 1, 0, 1), 0);

export class ExpiredStamps {
  /** The highest of all; 0: nothing has expired. */
  highest = 0;
  /** Ascending, one of each minute. */
  #stamps: number[] = [];

  note(stamp: number): void {
    const stamps = this.#stamps;
    let at = stamps.length - 1;
    while (at >= 0 && minuteOf(stamps[at]!) > minuteOf(stamp)) at -= 1;
    if (at >= 0 && minuteOf(stamps[at]!) === minuteOf(stamp)) {
      if (stamps[at]! >= stamp) return;
      stamps[at] = stamp;
    } else {
      stamps.splice(at + 1, 0, stamp);
      if (stamps.length > MINUTES_MAX) stamps.shift();
    }
    if (stamp > this.highest) this.highest = stamp;
  }

  /** The highest that is not above `limit`; 0: there is none. */
  highestUpTo(limit: number): number {
    return this.#stamps.findLast((stamp) => stamp <= limit) ?? 0;
  }
}

function minuteOf(stamp: number): number {
  return Math.floor(stamp / MINUTE_STAMPS);
}
