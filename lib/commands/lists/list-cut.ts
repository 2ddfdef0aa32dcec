/**
 * Taking many elements out of a list, in slices: what stays is copied to the side, and so is what
 * goes if it is to be told; then, in one small write, the copy takes the place of the list.
 *
 * A few are taken out where they lie; beyond that it is the time of a turn that counts.
 */

import { HINT_FLAGS } from '../../../radix/leaf.js';
import type { Args } from '../../../resp/args.js';
import type { Collection } from '../../store/collection.js';
import { TYPE_LIST } from '../../types/types.js';
import { SideCopy } from '../side-copy.js';

/** So many are taken out one by one, at once. */
export const REMOVED_AT_ONCE_MAX = 2048;
/** Elements copied between two looks at the clock. */
const PIECE_ELEMENTS = 256;

const run = new Int32Array(16);

export class ListCut {
  /** Which argument is the key. */
  readonly #i: number;
  /** Whether the element with an index stays; asked in their order. */
  readonly #stays: (index: number) => boolean;
  readonly #kept: SideCopy;
  /** What goes, at the same key. */
  readonly taken: SideCopy | undefined;
  #at = 0;

  /** Of the list at the key in argument `i`, which stays the same until `finish`. */
  constructor(
    list: Collection,
    i: number,
    options: { stays: (index: number) => boolean; tellsTaken: boolean },
  ) {
    const { store } = list.database;
    this.#i = i;
    this.#stays = options.stays;
    this.#kept = new SideCopy(store);
    this.taken = options.tellsTaken ? new SideCopy(store) : undefined;
  }

  /** Copies some elements; true when all have been looked at. */
  step(list: Collection, args: Args): boolean {
    const { cursor, size } = list;
    const end = Math.min(this.#at + PIECE_ELEMENTS, size);
    run[0] = cursor.stepTo(this.#at);
    for (let found = 1; ; found = cursor.stepRun(run, end - this.#at)) {
      for (let i = 0; i < found; i += 1) this.#copy(list, args, run[i]!);
      if (this.#at === end) return end === size;
    }
  }

  /** Puts what stays in the place of the list, which is turned to it. */
  finish(list: Collection, args: Args): void {
    const { database, sub } = list;
    const { buf, starts, ends } = args;
    const from = starts[this.#i]!;
    const to = ends[this.#i]!;
    if (this.#kept.sub.head === 0) {
      list.removeAll();
      return;
    }
    const { tree } = database;
    const expiryMs = tree.expiryMs(sub.head);
    const hints = tree.flags(sub.head) & HINT_FLAGS;
    const access = tree.access(sub.head);
    database.adopt(buf, from, to, this.#kept.sub, expiryMs, hints, access);
    list.openQuietly(buf, from, to, TYPE_LIST);
  }

  clear(): void {
    this.#kept.clear();
    this.taken?.clear();
  }

  #copy(list: Collection, args: Args, element: number): void {
    const copy = this.#stays(this.#at) ? this.#kept : this.taken;
    const { buf, starts, ends } = args;
    copy?.add(list.sub, element, buf, starts[this.#i]!, ends[this.#i]!);
    this.#at += 1;
  }
}
