/**
 * Sweep: writes down everything that there is, in slices, so that the log before it can go.
 *
 *   log    | b1 b2 b3 ... | b7 b8 b9 b10 b11 |              b7 is where the sweep began
 *          | goes         | records of the sweep, and between them those of writers
 *
 * A record says how something is when it is written, and what changes later is written later. So
 * reading from where a sweep began gives the whole store, once the sweep is at its end.
 */

import type { Cursor } from '../../radix/cursor.js';
import { KIND_HEAD } from '../../radix/leaf.js';
import { SubTree } from '../../radix/subtree.js';
import type { Clock } from '../../world/world.js';
import type { Store } from '../store/store.js';
import { ElementWalk } from './element-walk.js';
import type { Journal } from './journal.js';
import { CLEAR_REMEMBERED } from './record.js';

/** Entries between two looks at the clock. */
const ENTRIES_PER_LOOK = 32;

export class Sweep {
  /** The first block that it has written to. */
  readonly firstNumber: number;
  readonly startedMs: number;
  entries = 0;
  readonly #journal: Journal;
  readonly #clock: Clock;
  /** Bytes of the log when it began. */
  readonly #bytesBefore: number;
  #slot = 0;
  #cursor: Cursor;
  #walk: ElementWalk | undefined;

  constructor(
    components: { store: Store; journal: Journal; clock: Clock },
    firstNumber: number,
    bytesBefore: number,
  ) {
    const { store, journal, clock } = components;
    this.#journal = journal;
    this.#clock = clock;
    this.firstNumber = firstNumber;
    this.#bytesBefore = bytesBefore;
    this.startedMs = clock.wallMs();
    this.#cursor = journal.slots[0]!.tree.cursor({ all: true });
    const { writer } = journal;
    writer.swap(journal.slotsByIndex());
    writer.collected(store.collectedStamp);
    writer.collectedRanges(store.collectedRanges);
    writer.noLibraries();
    for (const code of journal.libraries()) writer.library(code);
    for (const [slot, { clearedAt }] of journal.slots.entries()) {
      if (clearedAt > 0) writer.clear(slot, CLEAR_REMEMBERED, clearedAt);
    }
  }

  /** Bytes of the log that are left when all before the sweep goes. */
  bytesLeft(bytesNow: number): number {
    return bytesNow - this.#bytesBefore;
  }

  /** Goes on until the deadline (monotonic ms); true: it is done. */
  step(deadlineMs: number): boolean {
    const { slots, writer } = this.#journal;
    for (let done = 1; this.#slot < slots.length; done += 1) {
      if (this.#walk !== undefined) {
        if (!this.#walk.step(deadlineMs)) return false;
        this.#walk = undefined;
      }
      if (done % ENTRIES_PER_LOOK === 0 && this.#clock.monotonicMs() >= deadlineMs) return false;
      const leaf = this.#cursor.next();
      const { tree } = slots[this.#slot]!;
      if (leaf === 0) {
        this.#slot += 1;
        if (this.#slot < slots.length) this.#cursor = slots[this.#slot]!.tree.cursor({ all: true });
        continue;
      }
      this.entries += 1;
      if (tree.kind(leaf) !== KIND_HEAD) {
        writer.entry(this.#slot, tree, leaf);
        continue;
      }
      this.#walk = new ElementWalk(
        { writer, clock: this.#clock, sub: new SubTree(tree) },
        this.#slot,
        tree.key(leaf),
      );
    }
    return true;
  }
}
