/**
 * Journal: hears of every change of a node's databases and writes it down as records.
 *
 *   SET, APPEND      -> record at once: the leaf is at hand
 *   everything else  -> mark: which key, which element       (the tree's observer, before a write)
 *   end of the turn  -> record for each mark, of how that is *now*
 *
 * Since a record says how something is now, it does not matter
 * how often it has changed, nor that a later one of the same turn says it again. What is a lot (a
 * collection linked in by RENAME, RESTORE or SUNIONSTORE) is written in slices of later turns; the
 * run is closed only when no mark is left, so that a crash finds all of it or nothing.
 *
 * While it is off (`isOn`), as at a start, a change costs one comparison.
 */
import { KIND_HEAD, type Leaf } from '../../radix/leaf.js';
import { SubTree } from '../../radix/subtree.js';
import type { Clock } from '../../world/world.js';
import type { Database } from '../store/database.js';
import { observe } from '../store/database-observer.js';
import { MarkingObserver } from '../store/marking-observer.js';
import { MARK_ALL, MARK_ELEMENT, MARK_HEAD, MARK_KEY, Marks } from '../store/marks.js';
import type { Store } from '../store/store.js';
import { ElementWalk } from './element-walk.js';
import { CLEAR_ALL, CLEAR_UP_TO } from './record.js';
import { RecordWriter } from './record-writer.js';

/** Marks between two looks at the clock. */
const MARKS_PER_LOOK = 32;
/** A change of a string longer than this is written as the bytes that have changed. */
const PATCH_VALUE_BYTES_MIN = 512;

export class Journal {
  readonly writer = new RecordWriter();
  /** Databases by slot: their order when the node started. */
  readonly slots: readonly Database[];
  /** The code of all libraries of functions. */
  libraries: () => Iterable<Buffer> = () => [];
  isOn = false;
  /** There is something to write down or to be taken: the end of the turn is to be waited for. */
  onChange: () => void = () => {};
  /** Something has changed since the last `drain` that returned true. */
  hasNews = false;
  readonly #store: Store;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #subs: readonly SubTree[];
  /** Not yet written down. */
  readonly marks = new Marks();
  #walk: ElementWalk | undefined;
  #collectedWritten = 0;
  #hasCollected = false;

  constructor(components: { store: Store; clock: Pick<Clock, 'monotonicMs'> }) {
    const { store, clock } = components;
    this.#store = store;
    this.#clock = clock;
    this.slots = [...store.databases];
    this.#subs = this.slots.map((database) => new SubTree(database.tree));
    for (const [slot, database] of this.slots.entries()) {
      observe(database, new DatabaseJournal(this, database, slot));
    }
    store.journal = this;
  }

  /** All that is known of changes is forgotten: a sweep will write everything down. */
  discard(): void {
    this.marks.clear();
    this.#walk = undefined;
    this.writer.discard();
    this.hasNews = false;
  }

  /** Writes down what is marked, until the deadline (monotonic ms); true: nothing is left. */
  drain(deadlineMs: number): boolean {
    this.writer.forgetHead();
    let looks = 0;
    while (this.#walk !== undefined || this.marks.next()) {
      if (this.#walk !== undefined) {
        if (!this.#walk.step(deadlineMs)) return false;
        this.#walk = undefined;
        continue;
      }
      this.#mark();
      looks += 1;
      if (looks % MARKS_PER_LOOK === 0 && this.#clock.monotonicMs() >= deadlineMs) {
        if (this.marks.bytes > 0) return false;
      }
    }
    const { collectedStamp } = this.#store;
    if (collectedStamp > this.#collectedWritten) {
      this.#collectedWritten = collectedStamp;
      this.writer.collected(collectedStamp);
    }
    if (this.#hasCollected) this.writer.collectedRanges(this.#store.collectedRanges);
    this.#hasCollected = false;
    this.marks.clear();
    this.hasNews = false;
    return true;
  }

  /** Tombstones of a range have been collected. */
  collectedRaised(): void {
    if (!this.isOn) return;
    this.#hasCollected = true;
    this.changed();
  }

  /** Two databases have changed places. */
  swapped(): void {
    if (!this.isOn) return;
    this.writer.swap(this.slotsByIndex());
    this.changed();
  }

  /** Libraries have changed: this one was loaded, or all of them are to be written down. */
  librariesChanged(loaded?: Buffer): void {
    if (!this.isOn) return;
    if (loaded === undefined) this.writer.noLibraries();
    for (const code of loaded === undefined ? this.libraries() : [loaded]) {
      this.writer.library(code);
    }
    this.changed();
  }

  slotsByIndex(): number[] {
    return this.#store.databases.map((database) => this.slots.indexOf(database));
  }

  changed(): void {
    if (this.hasNews) return;
    this.hasNews = true;
    this.onChange();
  }

  /** Writes down one mark. */
  #mark(): void {
    const { buf: marks, database: slot, from, kind, subTo, to } = this.marks;
    const { tree } = this.slots[slot]!;
    const leaf = tree.find(marks, from, to);
    const isHead = leaf !== 0 && tree.kind(leaf) === KIND_HEAD;
    const sub = this.#subs[slot]!;
    if (isHead) sub.openHead(leaf);
    switch (kind) {
      case MARK_KEY:
        if (leaf === 0 || isHead) this.writer.absent(slot, marks, from, to);
        if (isHead) this.writer.head(slot, sub);
        else if (leaf !== 0) this.writer.entry(slot, tree, leaf);
        return;
      // Where no head is any more, a mark of the key itself says so.
      case MARK_HEAD:
        if (isHead) this.writer.head(slot, sub);
        return;
      case MARK_ELEMENT:
        if (isHead) this.#element(slot, sub, marks, to, subTo);
        return;
      case MARK_ALL:
        if (!isHead) return;
        this.writer.absent(slot, marks, from, to);
        this.#walk = new ElementWalk(
          { writer: this.writer, clock: this.#clock, sub },
          slot,
          Buffer.from(marks.subarray(from, to)),
        );
    }
  }

  #element(slot: number, sub: SubTree, buf: Buffer, from: number, to: number): void {
    const element = sub.elements.find(buf, from, to);
    if (element === 0) this.writer.elementAbsent(slot, sub, buf, from, to);
    else this.writer.element(slot, sub, element);
  }
}

/** What one database tells the journal. */
class DatabaseJournal extends MarkingObserver {
  readonly #journal: Journal;
  readonly #database: Database;
  readonly #slot: number;

  constructor(journal: Journal, database: Database, slot: number) {
    super();
    this.#journal = journal;
    this.#database = database;
    this.#slot = slot;
  }

  written(leaf: Leaf): void {
    const journal = this.#journal;
    if (!journal.isOn) return;
    journal.writer.entry(this.#slot, this.#database.tree, leaf);
    journal.changed();
  }

  patched(leaf: Leaf, offset: number, end: number): void {
    const { tree } = this.#database;
    if (tree.valueBytes(leaf) < PATCH_VALUE_BYTES_MIN) {
      this.written(leaf);
      return;
    }
    const journal = this.#journal;
    if (!journal.isOn) return;
    journal.writer.patch(this.#slot, tree, leaf, offset, end);
    journal.changed();
  }

  hidden(stamp: number): void {
    this.#clear(CLEAR_UP_TO, stamp);
  }

  beforeClear(): void {
    this.#clear(CLEAR_ALL, this.#database.clearedAt);
  }

  #clear(kind: number, stamp: number): void {
    const journal = this.#journal;
    if (!journal.isOn) return;
    journal.writer.clear(this.#slot, kind, stamp);
    journal.changed();
  }

  protected mark(
    kind: number,
    key: Buffer,
    from: number,
    to: number,
    subKey: Buffer | null,
    sfrom: number,
    sto: number,
  ): void {
    const journal = this.#journal;
    if (!journal.isOn) return;
    journal.marks.add(kind, this.#slot, key, from, to, subKey, sfrom, sto);
    journal.changed();
  }
}
