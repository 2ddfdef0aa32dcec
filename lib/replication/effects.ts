/**
 * Effects: what commands have changed, as entries for those who hold the same keys.
 *
 *   every change     -> mark: which key, which element
 *   end of the turn  -> record for each mark, of how that is *now*
 *   what is long     -> a walk, in slices of later turns
 *
 * Why not a record at once where the leaf is at hand, as the disk's journal has it: a command may
 * write a key twice under one stamp (MSET k a k b), and of two records with the same stamp the
 * merge takes the one with the higher value, not the later one. How a key is at the end of a turn,
 * in which no stamp goes on into the next, is one value.
 * The journal also says of what is no more.
 * Here nothing is said of that: what was deleted has left a tombstone, and what has expired
 * everybody drops by himself.
 * What replicas have sent is `muted`: it comes from somebody who tells the others himself.
 */
import { KIND_HEAD, type Leaf } from '../../radix/leaf.js';
import { SubTree } from '../../radix/subtree.js';
import type { Tree } from '../../radix/tree.js';
import type { Database } from '../store/database.js';
import { observe } from '../store/database-observer.js';
import { MarkingObserver } from '../store/marking-observer.js';
import { MARK_ALL, MARK_ELEMENT, MARK_HEAD, MARK_KEY, Marks } from '../store/marks.js';
import type { Store } from '../store/store.js';
import type { EntrySender } from './entry-sender.js';
import type { Group, Groups } from './groups.js';
import { VALUE_AT_ONCE_BYTES_MAX } from './limits.js';
import { ElementsWalk, ValueWalk, type Walk } from './walks.js';

/** A string that is marked more than once in a turn is sent once if it is this long. */
const REPEATED_BYTES_MIN = 1024;

export interface EffectsEvents {
  /** There is something to send: the end of the turn is to be waited for. */
  changed(): void;
  /** What the turn has changed is more than can be sent in it. */
  walk(walk: Walk): void;
}

export class Effects {
  isOn = false;
  /** What is changed now comes from a replica. */
  isMuted = false;
  /** Something has changed since the last `drain`. */
  hasNews = false;
  readonly #store: Store;
  readonly #sender: EntrySender;
  readonly #groups: () => Groups;
  readonly #isLoading: () => boolean;
  readonly #events: EffectsEvents;
  readonly #marks = new Marks();
  readonly #subs: SubTree[] = [];
  /** Long strings that were sent since the turn began, with their stamps. */
  readonly #long = new Map<string, number>();

  constructor(
    components: {
      store: Store;
      sender: EntrySender;
      groups: () => Groups;
      isLoading: () => boolean;
    },
    events: EffectsEvents,
  ) {
    this.#store = components.store;
    this.#sender = components.sender;
    this.#groups = components.groups;
    this.#isLoading = components.isLoading;
    this.#events = events;
  }

  /** From now on, or no longer: nobody else holds anything. */
  switch(isOn: boolean): void {
    this.isOn = isOn;
    if (!isOn || this.#subs.length > 0) return;
    for (const [number, database] of this.#store.databases.entries()) {
      this.#subs.push(new SubTree(database.tree));
      observe(database, new DatabaseEffects(this, database, number));
    }
  }

  /** What is loaded the others have, or sync brings it. */
  get isHearing(): boolean {
    return this.isOn && !this.isMuted && !this.#isLoading();
  }

  /** Runs what puts entries of others in. */
  muted<T>(action: () => T): T {
    const wasMuted = this.isMuted;
    this.isMuted = true;
    try {
      return action();
    } finally {
      this.isMuted = wasMuted;
    }
  }

  mark(
    kind: number,
    number: number,
    key: Buffer,
    from: number,
    to: number,
    sub: Buffer | null = null,
    sfrom = 0,
    sto = 0,
  ): void {
    this.#marks.add(kind, number, key, from, to, sub, sfrom, sto);
    this.#changed();
  }

  /** A string was written. */
  written(number: number, tree: Tree, leaf: Leaf): void {
    const key = this.#store.keyScratch;
    this.mark(MARK_KEY, number, key, 0, tree.copyKey(leaf, key, 0));
  }

  /** All that is at a key is to be sent, though it has not changed. */
  whole(number: number, key: Buffer): void {
    const { tree } = this.#store.databases[number]!;
    const leaf = tree.find(key, 0, key.length);
    const isHead = leaf !== 0 && tree.kind(leaf) === KIND_HEAD;
    this.mark(isHead ? MARK_ALL : MARK_KEY, number, key, 0, key.length);
  }

  cleared(number: number, stamp: number): void {
    this.#sender.clear(this.#groups().everybody, number, stamp);
    this.#changed();
  }

  /** Sends what is marked. */
  drain(): void {
    this.hasNews = false;
    while (this.#marks.next()) this.#send();
    this.#marks.clear();
    this.#long.clear();
  }

  #changed(): void {
    this.#store.changeCount += 1;
    if (this.hasNews) return;
    this.hasNews = true;
    this.#events.changed();
  }

  /** Sends how the key of the mark at hand is now, or the element. */
  #send(): void {
    const { buf, database: number, from, kind, subTo, to } = this.#marks;
    const { tree } = this.#store.databases[number]!;
    const leaf = tree.find(buf, from, to);
    if (leaf === 0) return;
    const group = this.#groups().of(buf, from, to);
    if (tree.kind(leaf) !== KIND_HEAD) {
      // Of what was below it nothing is left, and the key has a mark of its own.
      if (kind === MARK_KEY) this.#sendEntry(group, number, tree, leaf);
      return;
    }
    switch (kind) {
      case MARK_KEY:
      case MARK_HEAD:
        this.#sender.entry(group, number, tree, leaf);
        return;
      case MARK_ELEMENT: {
        const sub = this.#subs[number]!;
        sub.openHead(leaf);
        const element = sub.elements.find(buf, to, subTo);
        const key = buf.subarray(from, to);
        if (element !== 0) this.#sender.element(group, number, key, sub, element);
        return;
      }
      case MARK_ALL:
        this.#walk(ElementsWalk, number);
    }
  }

  #sendEntry(group: Group, number: number, tree: Tree, leaf: Leaf): void {
    const { buf, from, to } = this.#marks;
    const bytes = tree.valueBytes(leaf);
    if (bytes >= REPEATED_BYTES_MIN) {
      const name = `${number}:${buf.toString('latin1', from, to)}`;
      const stamp = tree.stamp(leaf);
      if (this.#long.get(name) === stamp) return;
      this.#long.set(name, stamp);
    }
    if (bytes > VALUE_AT_ONCE_BYTES_MAX) this.#walk(ValueWalk, number);
    else this.#sender.entry(group, number, tree, leaf);
  }

  #walk(Kind: typeof ElementsWalk | typeof ValueWalk, number: number): void {
    const { buf, from, to } = this.#marks;
    const components = {
      sender: this.#sender,
      clock: this.#store.world.clock,
      database: this.#store.databases[number]!,
    };
    this.#events.walk(new Kind(components, number, Buffer.from(buf.subarray(from, to))));
  }
}

/** What one database tells. */
class DatabaseEffects extends MarkingObserver {
  readonly #effects: Effects;
  readonly #database: Database;
  readonly #number: number;

  constructor(effects: Effects, database: Database, number: number) {
    super();
    this.#effects = effects;
    this.#database = database;
    this.#number = number;
  }

  written(leaf: Leaf): void {
    const effects = this.#effects;
    if (effects.isHearing) effects.written(this.#number, this.#database.tree, leaf);
  }

  patched(leaf: Leaf): void {
    this.written(leaf);
  }

  hidden(stamp: number): void {
    const effects = this.#effects;
    if (effects.isHearing) effects.cleared(this.#number, stamp);
  }

  beforeClear(): void {
    this.hidden(this.#database.clearedAt);
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
    const effects = this.#effects;
    if (effects.isHearing) effects.mark(kind, this.#number, key, from, to, subKey, sfrom, sto);
  }
}
