/**
 * Places where SCANs go on. A cursor is a number below 2^63 because that is what client libraries
 * take; a place in an ordered keyspace is a key. So a cursor names a row of this bounded table.
 *
 * Why not encode the key in the cursor: keys have up to 64 KiB, cursors 63 bits. A place that was
 * forgotten is an error for the client, which starts again; it never makes a SCAN skip a key.
 * Invariant: `#bytes` is the sum of the keys held; both limits hold after every call.
 */
import type { Random } from '../../world/world.js';

const PLACES_MAX = 65_536;
const PLACES_BYTES_MAX = 64 * 1024 * 1024;

export class ScanPlaces {
  /** By cursor, the one used longest ago first. */
  readonly #places = new Map<number, Buffer>();
  #bytes = 0;
  readonly #first: number;
  #next: number;

  constructor(random: Random) {
    // Not from 1, so that a cursor of an earlier run of the node is not taken for one of this run.
    this.#first = 1 + random.below(2 ** 46);
    this.#next = this.#first;
  }

  /** Whether it has given this cursor, remembered or not. */
  gave(cursor: number): boolean {
    return cursor >= this.#first && cursor < this.#next;
  }

  get size(): number {
    return this.#places.size;
  }

  /** Remembers the last key that was seen and returns the cursor that goes on after it. */
  remember(key: Buffer): number {
    const cursor = this.#next;
    this.#next += 1;
    this.#places.set(cursor, key);
    this.#bytes += key.length;
    for (const [oldest, place] of this.#places) {
      if (this.#places.size <= PLACES_MAX && this.#bytes <= PLACES_BYTES_MAX) break;
      this.#places.delete(oldest);
      this.#bytes -= place.length;
    }
    return cursor;
  }

  /** The key that the cursor goes on after, or undefined if it was forgotten or never given. */
  recall(cursor: number): Buffer | undefined {
    const place = this.#places.get(cursor);
    if (place === undefined) return undefined;
    this.#places.delete(cursor);
    this.#places.set(cursor, place);
    return place;
  }
}
