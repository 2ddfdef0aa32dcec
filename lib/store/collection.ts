/**
 * Collection: the hash, set, list ... at a key, as commands see it: elements, each a sub key and a
 * value, in the order of their sub keys, and with a mirror in the order of their values too.
 *
 *   command -> Collection -> SubTree       who may see it, and what goes with     entries, stamps,
 *                                          each write: stamp, watchers, `dirty`   counts, digests
 *
 * A flyweight: `open...` turns it to a key, and there it stays until the key is written by another
 * way than through it, or the turn ends. A key that is not there is an empty collection; the first
 * `put` makes it. `Database.collection` keeps a few of them, so that a command allocates none.
 *
 * A collection without elements does not exist: `remove` takes the element out, and with the last
 * one the key; in a ring both leave tombstones (docs/decisions/0004).
 *
 * Invariant: `#from` and `#to` stand for the key in `#buf` that it is turned to.
 */
import type { Cursor } from '../../radix/cursor.js';
import { HINT_FLAGS, type Leaf } from '../../radix/leaf.js';
import type { Mirror } from '../../radix/mirror.js';
import { NEW_HERE, NOT_HERE, SubTree } from '../../radix/subtree.js';
import type { Tree } from '../../radix/tree.js';
import { typeOf } from '../types/types.js';
import type { Database } from './database.js';
import { NOTIFY_GENERIC, NOTIFY_NEW } from './notify.js';
import { keyHash } from './seen-times.js';

const NOTHING: Buffer = Buffer.alloc(0);

export class Collection {
  readonly database: Database;
  readonly sub: SubTree;
  /** Its elements, to be read: `first`, `nth`, `rank`, `ceiling` ... */
  readonly elements: Tree;
  /** Their order by value, of mirrored types. */
  readonly mirror: Mirror;
  /** For walks over the elements that end before anything is written. */
  readonly cursor: Cursor;
  /** The same over the mirror. */
  readonly mirrorCursor: Cursor;
  #buf: Buffer = NOTHING;
  #from = 0;
  #to = 0;
  /** What `put` makes: a TYPE_... number with the flags of radix/head.ts. */
  #type = 0;
  #isEmptied = false;

  constructor(database: Database) {
    this.database = database;
    this.sub = new SubTree(database.tree);
    this.elements = this.sub.elements;
    this.mirror = this.sub.mirror;
    this.cursor = this.elements.cursor();
    this.mirrorCursor = this.mirror.tree.cursor();
  }

  // Turning to a key: false, and empty, if the key holds something else than this type.

  /** To read: counts a hit or miss and marks the access. */
  openToRead(buf: Buffer, from: number, to: number, type: number): boolean {
    const leaf = this.database.readFound(this.sub.seek(buf, from, to), buf, from, to);
    return this.#turn(leaf, buf, from, to, type);
  }

  /** To change: marks the access, counts nothing. */
  openToWrite(buf: Buffer, from: number, to: number, type: number): boolean {
    const leaf = this.database.findFound(this.sub.seek(buf, from, to), buf, from, to);
    return this.#turn(leaf, buf, from, to, type);
  }

  /** To look at, or to go on in a later slice: leaves no trace. */
  openQuietly(buf: Buffer, from: number, to: number, type: number): boolean {
    return this.#turn(this.database.peek(buf, from, to), buf, from, to, type);
  }

  /** `openQuietly` at the same key, in a later slice of a command that is alone. */
  openAgain(): boolean {
    const isEmptied = this.#isEmptied;
    const isType = this.openQuietly(this.#buf, this.#from, this.#to, this.#type);
    this.#isEmptied = isEmptied;
    return isType;
  }

  /** To read what is below a head at hand; its key is not known. */
  openHead(head: Leaf): void {
    this.#turn(head, NOTHING, 0, 0, typeOf(this.database.tree, head));
  }

  /** Turns to no key: an empty collection. */
  openNone(type: number): void {
    this.#turn(0, NOTHING, 0, 0, type);
  }

  #turn(leaf: Leaf, buf: Buffer, from: number, to: number, type: number): boolean {
    if (this.#buf !== buf) this.#buf = buf;
    this.#from = from;
    this.#to = to;
    this.#type = type;
    this.#isEmptied = false;
    const isType = leaf === 0 || typeOf(this.database.tree, leaf) === (type & 0xff);
    this.sub.openHead(isType ? leaf : 0);
    return isType;
  }

  // Reading.

  /** The type that it was opened as. */
  get type(): number {
    return this.#type;
  }

  get exists(): boolean {
    return this.sub.head !== 0;
  }

  /** A copy of the key, for what goes on in later slices. */
  key(): Buffer {
    return Buffer.from(this.#buf.subarray(this.#from, this.#to));
  }

  get keyHash(): number {
    return keyHash(this.#buf, this.#from, this.#to);
  }

  /** How many elements there are. */
  get size(): number {
    return this.elements.liveCount;
  }

  /** The element with this sub key; 0: there is none. */
  find(subKey: Buffer, from: number, to: number): Leaf {
    return this.elements.findVisible(subKey, from, to);
  }

  // Writing.

  /** Writes an element unless users see one with this sub key; false if they do. */
  add(
    subKey: Buffer,
    sfrom: number,
    sto: number,
    value: Buffer,
    vfrom: number,
    vto: number,
  ): boolean {
    const { elements } = this;
    const element = elements.seek(subKey, sfrom, sto);
    if (element !== 0 && elements.visible(element)) return false;
    return this.put(subKey, sfrom, sto, value, vfrom, vto, 0, element === 0);
  }

  /**
   * Writes an element, which expires then, or never (0); true if it is new. `isAbsent`:
   * `elements.seek` has just not found it.
   */
  put(
    subKey: Buffer,
    sfrom: number,
    sto: number,
    value: Buffer,
    vfrom: number,
    vto: number,
    expiryMs = 0,
    isAbsent = false,
  ): boolean {
    const { database, sub } = this;
    const { store } = database;
    const wasThere = sub.head !== 0;
    const stamp = this.#stamp();
    const { origin } = store;
    if (wasThere && expiryMs === 0) {
      const here = sub.putHere(subKey, sfrom, sto, stamp, origin, value, vfrom, vto, isAbsent);
      if (here !== NOT_HERE) {
        this.#written();
        return here === NEW_HERE;
      }
    }
    const isNew = sub.put(
      this.#buf,
      this.#from,
      this.#to,
      this.#type,
      subKey,
      sfrom,
      sto,
      stamp,
      origin,
      0,
      value,
      vfrom,
      vto,
      expiryMs,
      isAbsent,
    );
    if (!wasThere) {
      store.touchNew(database.tree, sub.head);
      database.notify(NOTIFY_NEW, 'new', this.#buf, this.#from, this.#to);
      database.signalReady(this.#buf, this.#from, this.#to);
    }
    this.#written();
    return isNew;
  }

  /** Sets when an element that is there expires, or that it never does (0). */
  setElementExpiry(subKey: Buffer, sfrom: number, sto: number, expiryMs: number): void {
    const { database, sub } = this;
    const { store } = database;
    const element = [subKey, sfrom, sto] as const;
    const at = [this.#buf, this.#from, this.#to] as const;
    sub.setElementExpiry(...at, ...element, store.stamp(), store.origin, expiryMs);
    this.#written();
  }

  /** Removes an element, and the key with the last one; true if it was there. */
  remove(subKey: Buffer, from: number, to: number): boolean {
    const { elements } = this;
    const element = elements.seek(subKey, from, to);
    if (element === 0 || !elements.visible(element)) return false;
    this.#removeSought(element, subKey, from, to);
    return true;
  }

  /** Removes an element that `first`, `last` or `nth` of the elements has just found. */
  removeFound(element: Leaf): void {
    this.elements.lead(element);
    this.#removeSought(element, NOTHING, 0, 0);
  }

  /** `subKey` may be empty: then it is the element's. */
  #removeSought(element: Leaf, subKey: Buffer, from: number, to: number): void {
    const { database, elements, sub } = this;
    if (elements.liveCount === 1) {
      this.removeAll();
      return;
    }
    const { store } = database;
    const stamp = this.#stamp();
    const leavesTombstone = database.leavesTombstones;
    if (leavesTombstone) store.useUpStamp();
    else store.collected(stamp);
    if (leavesTombstone || !sub.dropHere(element, stamp, store.origin)) {
      const isKnown = subKey !== NOTHING;
      const key = isKnown ? subKey : elements.space.keyScratch;
      const end = isKnown ? to : elements.copyKey(element, key, 0);
      const at = [this.#buf, this.#from, this.#to] as const;
      if (leavesTombstone) sub.delete(...at, key, from, end, stamp, store.origin);
      else sub.drop(...at, key, from, end, stamp, store.origin);
    }
    this.#written();
  }

  /**
   * Removes the first `count` elements, not all that there are. `subKey` has room for the longest of
   * their sub keys.
   */
  removeFirst(count: number, subKey: Buffer): void {
    const { leavesTombstones, store } = this.database;
    const stamp = this.#stamp();
    const at = [this.#buf, this.#from, this.#to] as const;
    if (leavesTombstones) {
      for (let left = count; left > 0; left -= 1) {
        const bytes = this.elements.copyKey(this.elements.first(), subKey, 0);
        this.sub.delete(...at, subKey, 0, bytes, stamp, store.origin);
      }
      store.useUpStamp();
    } else {
      store.collected(stamp);
      this.sub.dropFirst(...at, count, subKey, stamp, store.origin);
    }
    this.#written();
  }

  /** Removes the key with all elements: one small write; their memory comes back in slices. */
  removeAll(): void {
    if (this.sub.head === 0) return;
    this.database.takeOut(this.#buf, this.#from, this.#to);
    this.sub.openHead(0);
    this.#isEmptied = true;
    this.database.signalRemoved(this.#buf, this.#from, this.#to);
    this.#written();
  }

  /** Keeps an order by value from now on: `made`, of its elements as they are. null: none. */
  setMirror(made: Mirror | null): void {
    const { database, sub } = this;
    const { store } = database;
    const at = [this.#buf, this.#from, this.#to] as const;
    if (made === null) sub.setMirrored(...at, false, this.#stamp(), store.origin);
    else sub.adoptMirror(...at, made, this.#stamp(), store.origin);
    this.#written();
  }

  #stamp(): number {
    return this.database.stampFor(this.#buf, this.#from, this.#to);
  }

  #written(): void {
    const { database } = this;
    if (database.store.watches.size !== 0) database.changed(this.#buf, this.#from, this.#to);
    database.store.dirty += 1;
  }

  /**
   * Tells of what a command has done, once, as its last step: of `event`, and of `del` if it has
   * removed the last element.
   */
  notify(flags: number, event: string): void {
    const { database } = this;
    database.notify(flags, event, this.#buf, this.#from, this.#to);
    if (this.#isEmptied) database.notify(NOTIFY_GENERIC, 'del', this.#buf, this.#from, this.#to);
  }

  // What OBJECT ENCODING goes by.

  /** HINT_FLAGS: what it has outgrown, for good. A type says what they mean to it. */
  get hints(): number {
    const { head } = this.sub;
    return head === 0 ? 0 : this.database.tree.flags(head) & HINT_FLAGS;
  }

  /** Remembers that it has outgrown an encoding. No write: it is this node's own knowledge. */
  addHints(hints: number): void {
    this.database.tree.addHints(this.sub.head, hints);
  }
}
