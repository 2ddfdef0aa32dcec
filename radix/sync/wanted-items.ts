/** WantedItems: which items of a group the responder wants of the initiator, as WANT and KEEP tell. */
import { ByteReader } from './bytes.js';
import { symbolOf } from './cell-span.js';
import type { Frame } from './frame.js';
import type { ItemList } from './items.js';
import { KEPT_MAX } from './limits.js';
import { decodeListed, FRAME_WANT, listedHash } from './messages.js';
import { SyncError } from './sync-error.js';
import type { Item } from './takers.js';

export class WantedItems {
  /** Of all that is wanted. */
  readonly symbols = new Set<number>();
  readonly #list: ItemList;
  /** By listedHash, of a group that was listed; null: symbols are all that the responder knows. */
  readonly #listed: Set<number> | null;
  readonly #kept = new Set<number>();

  constructor(list: ItemList, isListed: boolean) {
    this.#list = list;
    this.#listed = isListed ? new Set() : null;
  }

  /** Takes a WANT or a KEEP. */
  read({ payload, type }: Frame): void {
    const before = this.#size;
    const reader = new ByteReader(payload);
    while (reader.left > 0) {
      if (type !== FRAME_WANT) this.#kept.add(decodeListed(reader));
      else if (this.#listed === null) this.symbols.add(reader.i32());
      else this.#addListed(decodeListed(reader), this.#listed);
    }
    if (this.#size === before) throw new SyncError('SYNC_PROTOCOL', 'nothing new is wanted');
    if (this.symbols.size > this.#list.count || (this.#listed?.size ?? 0) > this.#list.count) {
      throw new SyncError('SYNC_LIMIT', 'more wanted than there is');
    }
    if (this.#kept.size > KEPT_MAX) throw new SyncError('SYNC_LIMIT', 'too much to be kept');
  }

  /** Of an item with one of the symbols. */
  includes({ low, high }: Item): boolean {
    return this.#listed === null || this.#listed.has(listedHash(low, high));
  }

  /** Whether the responder has an item, though its symbol is wanted. */
  isKept({ low, high }: Item): boolean {
    return this.#kept.has(listedHash(low, high));
  }

  get #size(): number {
    return this.symbols.size + this.#kept.size + (this.#listed?.size ?? 0);
  }

  #addListed(hash: number, listed: Set<number>): void {
    listed.add(hash);
    this.symbols.add(symbolOf(hash | 0, this.#list.salt));
  }
}
