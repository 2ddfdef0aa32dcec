/**
 * Items: the symbols of the items of some sub ranges as they were when collected, and the way back
 * from a symbol to its item.
 *
 *   symbols   s0 s1 ... s4011 | s4012 ...        | ...      32 bits an item
 *   ranges    3: first 0      | 17: first 4012   | ...      in which sub range
 *
 * Cells of a set must all be of the same set, though writers change the tree between the first
 * cells and the last; so the symbols are kept, 4 bytes an item. Where an item is, is not: the n-th
 * symbol of a sub range is of its n-th item, unless writers have been there since. Then the sub
 * range is scanned. An item that a writer has changed is not found, which is right: it is no
 * longer there.
 */
import { symbolOf } from './cell-span.js';
import type { Task } from './link.js';
import type { Place } from './place.js';
import type { CommonSums, Ranges } from './ranges.js';
import type { Replica } from './replica.js';
import { type Item, SymbolList } from './takers.js';

/** Items whose symbols one slice of work collects; a tenth of a millisecond or two. */
export const SLICE_ITEMS = 4096;
/** Items that one slice shows to a visitor. */
export const SLICE_VISITS = 1024;
/** Looking so many of its items up costs as much as a scan of a sub range. */
const LOOKUPS_SHARE = 1 / 16;
const SLICE_LOOKUPS = 128;
/** Items looked at around the place where one should be. */
const LOOKUP_WINDOW = 16;
const LOOKUP_BEFORE = 2;
const FILTER_BITS = 1 << 16;

/** Sees an item found, and the sub range it is in. False: enough for now. */
export type Finder = (item: Item, range: number) => boolean;

interface Part {
  readonly range: number;
  /** Its items are symbols[from, to). */
  readonly from: number;
  readonly to: number;
}

export class ItemList {
  readonly replica: Replica;
  /** Of the attempt. */
  readonly salt: number;
  readonly #ranges: Ranges;
  readonly #list = new SymbolList();
  readonly #parts: Part[] = [];
  /** Whether the finder has had enough for now. */
  #isEnough = false;
  /** Of all symbols. */
  sum = 0;

  constructor(replica: Replica, ranges: Ranges, salt: number) {
    this.replica = replica;
    this.#ranges = ranges;
    this.salt = salt;
  }

  get count(): number {
    return this.#list.count;
  }

  get symbols(): Int32Array {
    return this.#list.symbols;
  }

  /**
   * Collects the symbols of these sub ranges, in slices. `sums`: is to be told what was collected, since
   * writers may have changed it after it was summed up.
   */
  *collect(indexes: readonly number[], sums: CommonSums | null = null): Task<void> {
    const list = this.#list;
    let sliceItems = 0;
    list.reserve(indexes.reduce((sum, range) => sum + this.#ranges.counts[range]!, 0));
    for (const range of indexes) {
      const from = list.count;
      let start: Place | null = this.#ranges.starts[range]!;
      const end = this.#ranges.end(range);
      sums?.clear(range);
      while (start !== null) {
        const before = list.count;
        const first: Place = start;
        start = this.replica.symbols(this.salt, start, end, SLICE_ITEMS - sliceItems, list);
        sums?.addAll(range, this.replica.between(first, start ?? end));
        for (let i = before; i < list.count; i++) this.sum = (this.sum + list.symbols[i]!) | 0;
        sliceItems += list.count - before + 1;
        if (sliceItems < SLICE_ITEMS) continue;
        sliceItems = 0;
        yield 'slice';
      }
      this.#parts.push({ range, from, to: list.count });
    }
  }

  /** Collects these sub ranges, and shows all their items. */
  *visit(indexes: readonly number[], each: Finder): Task<void> {
    const list = this.#list;
    for (const range of indexes) {
      const from = list.count;
      let start: Place | null = this.#ranges.starts[range]!;
      while (start !== null) {
        start = this.replica.scan(start, this.#ranges.end(range), SLICE_VISITS, (item) => {
          list.add(this.symbolOf(item));
          each(item, range);
          return true;
        });
        yield 'slice';
      }
      this.#parts.push({ range, from, to: list.count });
    }
  }

  /** How many items have each of the symbols of two sets, of those that any has. */
  *tally(some: ReadonlySet<number>, others: ReadonlySet<number>): Task<Map<number, number>> {
    const counts = new Map<number, number>();
    const filter = new Filter(some, others);
    for (let at = 0; at < this.count; at += 16 * SLICE_ITEMS) {
      const to = Math.min(at + 16 * SLICE_ITEMS, this.count);
      for (const index of filter.indexesOf(this.symbols, at, to)) {
        const symbol = this.symbols[index]!;
        counts.set(symbol, (counts.get(symbol) ?? 0) + 1);
      }
      yield 'slice';
    }
    return counts;
  }

  /**
   * Shows the items with these symbols that are still there; `afterFind` comes whenever the finder
   * has had enough for now, and from time to time.
   */
  *find(
    wanted: ReadonlySet<number>,
    finder: Finder,
    afterFind: () => Task<void> = nothing,
  ): Task<void> {
    if (wanted.size === 0) return;
    const filter = new Filter(wanted);
    let looked = 0;
    for (const part of this.#parts) {
      const indexes = filter.indexesOf(this.symbols, part.from, part.to);
      looked += part.to - part.from;
      if (indexes.length > 0) {
        yield* this.#findIn(part, indexes, finder, afterFind);
        looked += SLICE_ITEMS;
      }
      if (looked < 16 * SLICE_ITEMS) continue;
      looked = 0;
      yield 'slice';
    }
    yield* afterFind();
  }

  /**
   * Each item is looked for near its rank: entries that have come or gone before it shift it. What
   * is not there is looked for in the whole sub range, whose symbols are collected anew.
   */
  *#findIn(part: Part, indexes: number[], finder: Finder, afterFind: () => Task<void>): Task<void> {
    const rest = new Set<number>();
    const isScanned = indexes.length > (part.to - part.from) * LOOKUPS_SHARE;
    let start: Place | null = this.#ranges.starts[part.range]!;
    let shift = this.replica.prefix(start).count - part.from;
    let lookups = 0;
    for (const index of indexes) {
      const symbol = this.symbols[index]!;
      const rank = isScanned ? -1 : this.#lookUp(index + shift, symbol, part.range, finder);
      if (rank < 0) rest.add(symbol);
      else shift = rank - index;
      if (++lookups % SLICE_LOOKUPS !== 0 && !this.#isEnough) continue;
      this.#isEnough = false;
      yield* afterFind();
      yield 'slice';
    }
    if (rest.size === 0) return;
    while (start !== null) {
      start = this.replica.scan(start, this.#ranges.end(part.range), SLICE_VISITS, (item) => {
        return !rest.has(this.symbolOf(item)) || finder(item, part.range);
      });
      yield* afterFind();
      yield 'slice';
    }
  }

  /** Shows the item near this rank that is the one, and returns its rank; -1: it is not there. */
  #lookUp(near: number, symbol: number, range: number, finder: Finder): number {
    const first = Math.max(0, near - LOOKUP_BEFORE);
    const place = this.replica.placeOf(first);
    if (place === null) return -1;
    const window = new SymbolList();
    this.replica.symbols(this.salt, place, null, LOOKUP_WINDOW, window);
    const { symbols } = window;
    const isNear = symbols[near - first] === symbol && near - first < window.count;
    const index = isNear ? near - first : symbols.subarray(0, window.count).indexOf(symbol);
    const at = index < 0 ? null : this.replica.placeOf(first + index);
    if (at === null) return -1;
    this.replica.scan(at, null, 1, (item) => {
      if (!finder(item, range)) this.#isEnough = true;
      return false;
    });
    return first + index;
  }

  symbolOf(item: Item): number {
    return symbolOf(item.low, this.salt);
  }
}

function* nothing(): Task<void> {}

/** Tells wanted symbols from millions of others: a look at a bit, and for few at the sets. */
class Filter {
  readonly #sets: readonly ReadonlySet<number>[];
  readonly #bits = new Int32Array(FILTER_BITS >>> 5);

  constructor(...sets: readonly ReadonlySet<number>[]) {
    this.#sets = sets;
    for (const set of sets) {
      for (const symbol of set) {
        this.#bits[(symbol & (FILTER_BITS - 1)) >>> 5]! |= 1 << (symbol & 31);
      }
    }
  }

  /** The indexes in [from, to) of wanted symbols. */
  indexesOf(symbols: Int32Array, from: number, to: number): number[] {
    const bits = this.#bits;
    const found: number[] = [];
    for (let i = from; i < to; i++) {
      const symbol = symbols[i]!;
      if ((bits[(symbol & (FILTER_BITS - 1)) >>> 5]! & (1 << (symbol & 31))) === 0) continue;
      if (this.#sets.some((set) => set.has(symbol))) found.push(i);
    }
    return found;
  }
}
