/**
 * When consumers of streams were seen that got nothing. To look in vain is no write: this is known in memory
 * alone, beside the element that says when the consumer was seen before. That is written anew once it is a
 * minute old (`Group.see`), so what a start, or another owner of the key, knows is no more than that behind.
 *
 * A time holds for an element as it was last written, told by its stamp: another write says itself when
 * the consumer was seen. So two elements of one hash do not take each other's time, and nothing has to be
 * taken out when a consumer, or its stream, goes.
 */
import { murmur64A } from '../../murmur/murmur2.js';

/** Of one database; beyond that all are forgotten, and are what was written. */
const TIMES_MAX = 65_536;
const TWO_32 = 4294967296;
/** Of a hash's high half, so that the whole is an exact number. */
const HIGH_MASK = 0x1fffff;

export const NOT_SEEN = -1;

interface SeenTime {
  stamp: number;
  seenMs: number;
}

const hash = new Uint32Array(2);

export class SeenTimes {
  readonly #times = new Map<number, SeenTime>();

  /** When the consumer was seen since its element got this stamp; NOT_SEEN: not since. */
  find(element: number, stamp: number): number {
    const time = this.#times.get(element);
    return time?.stamp === stamp ? time.seenMs : NOT_SEEN;
  }

  note(element: number, stamp: number, seenMs: number): void {
    const time = this.#times.get(element);
    if (time !== undefined) {
      time.stamp = stamp;
      time.seenMs = seenMs;
      return;
    }
    if (this.#times.size === TIMES_MAX) this.#times.clear();
    this.#times.set(element, { stamp, seenMs });
  }
}

/** A hash of the key of a stream, with which `elementHash` begins. */
export function keyHash(key: Buffer, from: number, to: number): number {
  murmur64A(key, from, to, 0, hash);
  return hash[1]! | 0;
}

/** What an element of the key with this hash is known by. */
export function elementHash(ofKey: number, subKey: Buffer, from: number, to: number): number {
  murmur64A(subKey, from, to, ofKey, hash);
  return (hash[0]! & HIGH_MASK) * TWO_32 + hash[1]!;
}
