/**
 * Commands that read long values, a slice at a time, without holding the values still: a value is
 * known by the stamp of its last write, and one that has changed between two slices makes the
 * command begin again. After a few such beginnings it runs to its end in one go.
 *
 * So the reply is that of one moment, as if everything had been done at once, and nothing need be
 * copied first.
 *
 * Very many keys are looked up in slices, too. Then it listens for changes (key-listener.ts): one of a key
 * that was looked up before the last was makes it look that up again, so all are as they were at the
 * moment when the last one was; and a later one makes it begin again.
 */
import { elementCount } from '../../radix/head.js';
import type { Leaf } from '../../radix/leaf.js';
import type { Args } from '../../resp/args.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';
import type { Session, Task } from '../server/session.js';
import type { Database } from '../store/database.js';
import { KeyListener } from './key-listener.js';
import { peekKey } from './lookup.js';

/** Bytes between two looks at the clock. */
export const PIECE_BYTES = 64 * 1024;
/** Work up to here is done at once, bytes. */
const AT_ONCE_BYTES = 512 * 1024;
const BEGINNINGS_MAX = 4;
/** Keys that are looked up at once. */
const LOOKS_AT_ONCE_MAX = 1024;
/** Keys looked up, or that have expired, between two looks at the clock. */
const LOOKS_OF_STEP = 128;

export abstract class ValueTask implements Task {
  protected readonly session: Session;
  protected readonly database: Database;
  /** A copy: the task outlives the request. */
  protected args: Args;
  protected readonly reply: ReplyWriter;
  readonly #keys: number[] = [];
  readonly #databases: Database[] = [];
  /** By database of a key watched: the version of its tree when nothing had changed. */
  readonly #versions = new Map<Database, number>();
  readonly #stamps: number[] = [];
  /** Elements that expire go without a stamp. */
  readonly #sizes: number[] = [];
  #beginnings = 0;
  #begun = false;
  /** While it goes by what it hears, and not by stamps. */
  #listener: KeyListener | undefined;
  /** The next key to be looked up, and the one that is. */
  #next = 0;
  #place = 0;
  #isPlanned = false;

  constructor(session: Session, args: Args, reply: ReplyWriter) {
    this.session = session;
    this.database = session.database;
    this.args = args;
    this.reply = reply;
  }

  /** Starts over; watches the keys it reads, but for those of `lookUp`. False if it has replied. */
  protected abstract begin(): boolean;

  /** How many keys `lookUp` is for, after `begin`. */
  protected lookCount(): number {
    return 0;
  }

  /** Looks up one of them, and watches it; again, if it has changed. False if it has replied. */
  protected lookUp(_place: number): boolean {
    return true;
  }

  /** Plans the work, all keys being looked up. False if it has replied. */
  protected plan(): boolean {
    return true;
  }

  /** Bytes to go through, known after `begin`. */
  protected abstract workBytes(): number;
  /** Does about PIECE_BYTES of work; true when done, its reply written. */
  protected abstract piece(): boolean;

  /** Frees what is held at the side. */
  cancel(): void {}

  /** Runs the command: at once if it is short, else in slices. */
  run(): void {
    if (this.lookCount() > LOOKS_AT_ONCE_MAX) {
      this.#runListening();
      return;
    }
    if (!this.#start()) return;
    if (this.workBytes() <= AT_ONCE_BYTES) {
      while (!this.#safePiece());
      return;
    }
    this.args = this.args.clone();
    this.session.defer(this);
  }

  step(deadlineMs: number): boolean {
    const { clock } = this.database.store.world;
    let untilMs = deadlineMs;
    if (!this.#isUntouched()) {
      const sinceMs = clock.monotonicMs();
      if (!this.#expireElements(deadlineMs)) return false;
      if (this.hasChanged()) this.#begun = false;
      // A look at very many keys takes a slice: without as much again it would be a piece a slice.
      const nowMs = clock.monotonicMs();
      untilMs = Math.max(deadlineMs, nowMs + (nowMs - sinceMs));
    }
    if (!this.#begun && !this.#start()) return true;
    const patient = this.#beginnings < BEGINNINGS_MAX;
    do {
      if (this.#safePiece()) return true;
    } while (!patient || clock.monotonicMs() < untilMs);
    for (const database of this.#versions.keys()) {
      this.#versions.set(database, database.tree.version);
    }
    return false;
  }

  /** The leaf of the key in argument `i` as it is now, found without a trace. */
  protected leafOf(i: number): Leaf {
    return peekKey(this.database, this.args, i);
  }

  /** From now on a change of the key in argument `i` makes the task start over. */
  protected watch(i: number, leaf: Leaf, database = this.database): void {
    if (this.#listener !== undefined) {
      this.#listener.add(this.args, i, this.#place);
      return;
    }
    this.#keys.push(i);
    this.#databases.push(database);
    if (!this.#versions.has(database)) this.#versions.set(database, database.tree.version);
    this.#stamps.push(leaf === 0 ? 0 : database.tree.stamp(leaf));
    this.#sizes.push(sizeOf(database, leaf));
  }

  /** From now on nothing makes the task start over: its reply has begun. */
  protected unwatch(): void {
    this.#keys.length = 0;
    this.#databases.length = 0;
    this.#versions.clear();
    this.#stamps.length = 0;
    this.#sizes.length = 0;
    this.#listener?.stop();
    this.#listener = undefined;
  }

  /** `piece` that leaves nothing behind when it fails. */
  #safePiece(): boolean {
    try {
      return this.piece();
    } catch (error) {
      this.cancel();
      throw error;
    }
  }

  #start(): boolean {
    this.#begun = true;
    this.#beginnings += 1;
    this.unwatch();
    if (!this.begin()) return false;
    for (let place = 0; place < this.lookCount(); place += 1) if (!this.lookUp(place)) return false;
    return this.plan();
  }

  // --- very many keys --------------------------------------------------------------------------

  #runListening(): void {
    this.args = this.args.cloneWhole();
    this.session.defer({
      step: (deadlineMs) => {
        let isDone = true;
        try {
          isDone = this.#stepListening(deadlineMs);
        } finally {
          if (isDone) this.unwatch();
        }
        return isDone;
      },
      cancel: () => {
        this.unwatch();
        this.cancel();
      },
    });
  }

  #stepListening(deadlineMs: number): boolean {
    const { clock } = this.database.store.world;
    const isLate = (): boolean =>
      this.#beginnings < BEGINNINGS_MAX && clock.monotonicMs() >= deadlineMs;
    if (!this.#expireAll(isLate)) return false;
    while (this.#mustBegin || !this.#isPlanned) {
      if (this.#mustBegin && !this.#beginListening()) return true;
      const outcome = this.#lookUpSome();
      if (outcome === 'replied') return true;
      if (outcome === 'all') {
        if (!this.plan()) return true;
        this.#isPlanned = true;
      }
      if (isLate()) return false;
    }
    do {
      if (this.#safePiece()) return true;
    } while (!isLate());
    return false;
  }

  get #mustBegin(): boolean {
    if (!this.#begun) return true;
    const listener = this.#listener;
    // Nobody listens once the reply has begun.
    if (listener === undefined) return false;
    if (listener.hasChanged) return true;
    if (this.#isPlanned) return listener.changed.length > 0;
    return listener.changed.includes(this.lookCount());
  }

  #beginListening(): boolean {
    this.#begun = true;
    this.#beginnings += 1;
    this.#isPlanned = false;
    this.unwatch();
    const count = this.lookCount();
    this.#listener = new KeyListener(this.database, count + 1);
    this.#next = 0;
    // Of a key that `begin` itself watches.
    this.#place = count;
    return this.begin();
  }

  /** Looks up again what has changed, and some of what has not been looked up. */
  #lookUpSome(): 'all' | 'more' | 'replied' {
    const { changed } = this.#listener!;
    const count = this.lookCount();
    for (let left = LOOKS_OF_STEP; left > 0; left -= 1) {
      const again = changed.pop();
      if (again === undefined && this.#next === count) return 'all';
      if (again === count) {
        this.#begun = false;
        return 'more';
      }
      this.#place = again ?? this.#next++;
      if (!this.lookUp(this.#place)) return 'replied';
    }
    return 'more';
  }

  /** Removes what has expired, so that it is heard of, and what is hidden, which is not; false: there is more. */
  #expireAll(isLate: () => boolean): boolean {
    const { database } = this;
    while (database.isPurging) {
      this.#begun = false;
      if (database.purge(LOOKS_OF_STEP) && isLate()) return false;
    }
    while (database.hasDue && !database.expireDue(LOOKS_OF_STEP)) {
      if (isLate()) return false;
    }
    return true;
  }

  /** Whether nothing at all was written since the last slice, and no time has come. */
  #isUntouched(): boolean {
    for (const [{ hasDue, isPurging, tree }, version] of this.#versions) {
      if (tree.version !== version || hasDue || isPurging) return false;
    }
    // Who watches no keys may watch something else: `hasChanged` knows.
    return this.#begun && this.#versions.size > 0;
  }

  /** Whether anything has changed that it has read: it starts over. */
  protected hasChanged(): boolean {
    for (const [index, i] of this.#keys.entries()) {
      const database = this.#databases[index]!;
      const leaf = peekKey(database, this.args, i);
      const stamp = leaf === 0 ? 0 : database.tree.stamp(leaf);
      if (stamp !== this.#stamps[index]) return true;
      if (sizeOf(database, leaf) !== this.#sizes[index]) return true;
    }
    return false;
  }

  /** Removes elements of the keys watched that have expired; false: there are more. */
  #expireElements(deadlineMs: number): boolean {
    const { buf, starts, ends } = this.args;
    for (const [index, i] of this.#keys.entries()) {
      const database = this.#databases[index]!;
      if (!database.expireElements(buf, starts[i]!, ends[i]!, deadlineMs)) return false;
    }
    return true;
  }
}

/** Elements of the collection of a head; 0 of anything else. */
function sizeOf({ tree }: Database, leaf: Leaf): number {
  return leaf === 0 ? 0 : elementCount(tree, leaf);
}
