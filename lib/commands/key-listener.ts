/**
 * Hears of changes of very many keys, for a task that looks them up in slices. To compare their stamps in
 * each slice would take longer than a slice.
 *
 *   hash of the key -> first of its places -> next ...     the hash of each place beside it
 *
 * A key is known by its hash alone, so that nothing has to be kept of it, nor collected as garbage: one that is taken
 * for another is looked up once more, or the task begins again, and no more than that.
 */
import type { Args } from '../../resp/args.js';
import type { Database } from '../store/database.js';
import type { KeyReader } from '../store/watches.js';

const NONE = -1;
const FNV_OFFSET = 0x811c9dc5 | 0;
const FNV_PRIME = 0x01000193;

export class KeyListener implements KeyReader {
  readonly database: number;
  /** Set for all keys at once: the database was emptied, or exchanged for another. */
  hasChanged = false;
  /** Places of keys that have changed; one may come more than once. */
  readonly changed: number[] = [];
  readonly #database: Database;
  /** By the low bits of a hash: the first of its places. */
  readonly #firsts: Int32Array;
  /** By place. */
  readonly #hashes: Int32Array;
  readonly #nexts: Int32Array;
  readonly #isKnown: Uint8Array;

  /** Places are from 0 to `count` - 1. */
  constructor(database: Database, count: number) {
    this.database = database.index;
    this.#database = database;
    this.#firsts = new Int32Array(2 ** Math.ceil(Math.log2(count + 1))).fill(NONE);
    this.#hashes = new Int32Array(count);
    this.#nexts = new Int32Array(count);
    this.#isKnown = new Uint8Array(count);
    database.store.watches.addReader(this);
  }

  /** From now on it hears of the key in argument `i`. */
  add({ buf, ends, starts }: Args, i: number, place: number): void {
    if (this.#isKnown[place] === 1) return;
    this.#isKnown[place] = 1;
    let hash = FNV_OFFSET;
    for (let at = starts[i]!; at < ends[i]!; at += 1) hash = Math.imul(hash ^ buf[at]!, FNV_PRIME);
    const slot = hash & (this.#firsts.length - 1);
    this.#hashes[place] = hash;
    this.#nexts[place] = this.#firsts[slot]!;
    this.#firsts[slot] = place;
  }

  /** Takes the places down itself: what has changed is more than whether anything has. */
  reads(key: string): boolean {
    let hash = FNV_OFFSET;
    for (let at = 0; at < key.length; at += 1) {
      hash = Math.imul(hash ^ key.charCodeAt(at), FNV_PRIME);
    }
    let place = this.#firsts[hash & (this.#firsts.length - 1)]!;
    for (; place !== NONE; place = this.#nexts[place]!) {
      if (this.#hashes[place] === hash) this.changed.push(place);
    }
    return false;
  }

  stop(): void {
    this.#database.store.watches.removeReader(this);
  }
}
