/**
 * Items: the hashes of the items of some sub ranges as they were when collected, and the way back
 * from a hash to its item.
 *
 *   hashes   h0 h1 ... h255 | h256 ...      | ...        32 bits an item
 *   blocks   place of item 0 | of item 256  | ...        one an so many items
 *
 * Cells of a set must all be of the same set, though writers change the tree between the first
 * cells and the last; so the hashes are kept, 4 bytes an item. Only a place in 256 is, since all
 * places of a million items are too much: what is looked for is found by hashing a block again.
 * An item that a writer has changed since is not found, which is right: it is no longer there.
 */
import type { Task } from './link.js';
import type { Place } from './place.js';
import { type Ranges, saltedHash } from './ranges.js';
import type { Item, Replica } from './replica.js';

/** Items hashed in one slice of work; about a millisecond. */
export const SLICE_ITEMS = 4096;
const BLOCK_ITEMS = 256;
const HASHES_FIRST = 1024;

interface Block {
  readonly start: Place;
  /** null: to the end of all. */
  readonly end: Place | null;
  /** Its items are hashes[from, to). */
  readonly from: number;
  readonly to: number;
}

export class ItemList {
  hashes = new Int32Array(HASHES_FIRST);
  count = 0;
  /** Of all hashes. */
  sum = 0;
  readonly salt: number;
  readonly #blocks: Block[] = [];
  readonly #replica: Replica;

  constructor(replica: Replica, salt: number) {
    this.#replica = replica;
    this.salt = salt;
  }

  /**
   * Collects the items of these sub ranges, in slices. `each` sees every item too. With more than
   * `itemsMax` items it stops, and returns false.
   */
  *collect(
    ranges: Ranges,
    indexes: readonly number[],
    itemsMax: number,
    each: (item: Item) => void = () => {},
  ): Task<boolean> {
    let sliceItems = 0;
    const visit = (item: Item): boolean => {
      this.#add(saltedHash(item.low, item.high, this.salt));
      each(item);
      return true;
    };
    for (const index of indexes) {
      const end = ranges.end(index);
      let start: Place | null = ranges.starts[index]!;
      while (start !== null) {
        const from = this.count;
        const next: Place | null = this.#replica.scan(start, end, BLOCK_ITEMS, visit);
        this.#blocks.push({ start, end: next ?? end, from, to: this.count });
        start = next;
        if (this.count > itemsMax) return false;
        sliceItems += this.count - from + 1;
        if (sliceItems < SLICE_ITEMS) continue;
        sliceItems = 0;
        yield 'slice';
      }
    }
    return true;
  }

  /**
   * Visits the items with these hashes that are still there, in order; `afterScan` comes whenever
   * the visitor has had enough for now, and from time to time.
   */
  *find(
    wanted: ReadonlySet<number>,
    visit: (item: Item) => boolean,
    afterScan: () => Task<void>,
  ): Task<void> {
    let sliceItems = 0;
    for (const block of this.#blocks) {
      sliceItems += block.to - block.from;
      if (this.#has(block, wanted)) {
        yield* this.#findInBlock(block, wanted, visit, afterScan);
        sliceItems += 4 * BLOCK_ITEMS;
      }
      if (sliceItems < 8 * SLICE_ITEMS) continue;
      sliceItems = 0;
      yield 'slice';
    }
  }

  *#findInBlock(
    block: Block,
    wanted: ReadonlySet<number>,
    visit: (item: Item) => boolean,
    afterScan: () => Task<void>,
  ): Task<void> {
    let start: Place | null = block.start;
    while (start !== null) {
      start = this.#replica.scan(start, block.end, SLICE_ITEMS, (item) => {
        const hash = saltedHash(item.low, item.high, this.salt);
        return !wanted.has(hash) || visit(item);
      });
      yield* afterScan();
    }
  }

  #has(block: Block, wanted: ReadonlySet<number>): boolean {
    for (let i = block.from; i < block.to; i++) if (wanted.has(this.hashes[i]!)) return true;
    return false;
  }

  #add(hash: number): void {
    if (this.count === this.hashes.length) {
      const longer = new Int32Array(this.count * 2);
      longer.set(this.hashes);
      this.hashes = longer;
    }
    this.hashes[this.count++] = hash;
    this.sum = (this.sum + hash) | 0;
  }
}
