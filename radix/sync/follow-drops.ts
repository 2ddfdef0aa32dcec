/**
 * FollowDrops: what a side that follows drops, since the other does not have it: with
 * `follow-led` only what leaders have written.
 */
import { FLAG_LED, KIND_HEAD } from '../leaf.js';
import type { Dropper, Target } from './dropper.js';
import type { ItemList } from './items.js';
import { SLICE_VISITS } from './items.js';
import type { Task } from './link.js';
import type { SyncMode } from './messages.js';
import { FIRST_PLACE, type Place } from './place.js';
import type { CommonSums } from './ranges.js';
import type { Replica } from './replica.js';
import type { Item } from './takers.js';
import type { WantedItems } from './wanted-items.js';

export class FollowDrops {
  readonly #dropper: Dropper;
  readonly #ledOnly: boolean;
  #items: Target[] = [];
  #heads: Target[] = [];
  /** Databases whose clear the other side does not know, and the clear. */
  #clears: [number, number][] = [];

  constructor(dropper: Dropper, mode: SyncMode) {
    this.#dropper = dropper;
    this.#ledOnly = mode === 'follow-led';
  }

  /** Drops all there is. */
  *dropAll(replica: Replica): Task<void> {
    let place: Place | null = FIRST_PLACE;
    while (place !== null) {
      place = replica.scan(place, null, SLICE_VISITS, (item) => this.#add(replica, item));
      yield* this.#dropItems(replica);
      yield 'slice';
    }
    yield* this.dropHeads();
  }

  /** Drops what is wanted of a list, heads and what is kept excepted, and takes it out of the sums. */
  *dropItems(list: ItemList, wanted: WantedItems, common: CommonSums): Task<void> {
    const { replica } = list;
    const finder = (item: Item, range: number): boolean => {
      if (!wanted.includes(item)) return true;
      common.subtract(item, range);
      return wanted.isKept(item) || this.#add(replica, item);
    };
    yield* list.find(wanted.symbols, finder);
    yield* this.#dropItems(replica);
  }

  /** Drops the heads among them that are still as they were and have no elements. */
  *dropHeads(): Task<void> {
    yield* this.#dropper.dropTargets(this.#heads);
    this.#heads = [];
  }

  *#dropItems(replica: Replica): Task<void> {
    for (const [db, clearedAt] of this.#clears) {
      const database = replica.databases[db]!;
      if (database.clearedAt === clearedAt) database.setClearedAt(0);
    }
    this.#clears = [];
    yield* this.#dropper.dropTargets(this.#items);
    this.#items = [];
  }

  #add(replica: Replica, item: Item): boolean {
    const { db, leaf, element } = item;
    const { clearedAt, tree } = replica.databases[db]!;
    if (leaf === 0) {
      this.#clears.push([db, clearedAt]);
      return true;
    }
    const isHead = element === 0 && tree.kind(leaf) === KIND_HEAD;
    const isLed = (tree.flags(element === 0 ? leaf : element) & FLAG_LED) !== 0;
    if (this.#ledOnly && !isLed) return true;
    (isHead ? this.#heads : this.#items).push(this.#dropper.targetOf(item));
    return true;
  }
}
