/**
 * GroupExchange: what the initiator does with a group of sub ranges once it is known what differs:
 * takes what only the responder has, gives or drops what only it has itself.
 */
import type { Dropper } from './dropper.js';
import type { Exchange } from './exchange.js';
import { FollowDrops } from './follow-drops.js';
import type { Frame } from './frame.js';
import type { Finder, ItemList } from './items.js';
import type { Task } from './link.js';
import {
  FRAME_END,
  FRAME_ENTRIES,
  FRAME_KEEP,
  FRAME_WANT,
  isFollowing,
  isGiving,
  type SyncMode,
} from './messages.js';
import type { CommonSums, Ranges } from './ranges.js';
import type { WantedItems } from './wanted-items.js';

export class GroupExchange {
  readonly #exchange: Exchange;
  readonly #dropper: Dropper;
  readonly #mode: SyncMode;
  readonly #ranges: Ranges;
  readonly #common: CommonSums;
  readonly #theirCount: number;

  /** `theirCount`: how many items the responder has in all. */
  constructor(
    exchange: Exchange,
    dropper: Dropper,
    mode: SyncMode,
    ranges: Ranges,
    common: CommonSums,
    theirCount: number,
  ) {
    this.#exchange = exchange;
    this.#dropper = dropper;
    this.#mode = mode;
    this.#ranges = ranges;
    this.#common = common;
    this.#theirCount = theirCount;
  }

  /**
   * Takes what the other side wants and sends. What it wants is looked up after its entries have
   * been merged: of two versions of an entry the older one is no longer there then. A side that
   * follows drops what the other does not have, entries before it takes others, heads after. `wanted`:
   * still to be read, of the items compared; `first`: the first frame of the answer.
   */
  *items(list: ItemList, wanted: WantedItems, first: Frame): Task<void> {
    const exchange = this.#exchange;
    const mode = this.#mode;
    let frame = first;
    while (frame.type === FRAME_WANT || frame.type === FRAME_KEEP) {
      wanted.read(frame);
      frame = yield* exchange.link.expect(FRAME_WANT, FRAME_KEEP, FRAME_ENTRIES, FRAME_END);
    }
    const drops = isFollowing(mode) ? new FollowDrops(this.#dropper, mode) : null;
    const end = { type: frame.type, payload: Buffer.from(frame.payload) };
    const subtract: Finder = (item, range) => {
      if (!wanted.includes(item)) return false;
      this.#common.subtract(item, range);
      return true;
    };
    if (drops !== null) yield* drops.dropItems(list, wanted, this.#common);
    else if (mode === 'pull') yield* list.find(wanted.symbols, (...at) => subtract(...at) || true);
    yield* exchange.takeAll(end, this.#theirCount);
    if (drops !== null) yield* drops.dropHeads();
    if (isGiving(mode)) yield* exchange.sendItems(list, wanted.symbols, subtract);
    else yield* exchange.sendEnd();
  }

  /**
   * Takes all that the other side has of these sub ranges, and sends what this one has. `first`: the
   * first frame of what it has.
   */
  *all(group: readonly number[], first: Frame): Task<void> {
    for (const range of group) this.#common.clear(range);
    yield* this.#exchange.takeAll(first, this.#theirCount);
    if (isGiving(this.#mode)) yield* this.#exchange.sendRanges(this.#ranges, group, () => true);
    else yield* this.#exchange.sendEnd();
  }
}
