/**
 * Sub tree: the fields of a hash, the members of a set, below one key of a database.
 *
 *        database                         one leaf of it                    tree of its own
 *   +----------------+        +-----------------------------------+        +---------------+
 *   | ... key ...    | -----> | head: stamp, parts, root, mirror  | -----> | sub key: value |
 *   +----------------+        +-----------------------------------+        +---------------+
 *
 * Elements are entries with their own stamps and tombstones. What the database counts and sums
 * above the head includes them all, so every write here also corrects the nodes above the head;
 * for users the head is one key, hidden while no element is visible.
 *
 * A SubTree is a flyweight: `open` turns it to a key, then `elements` answers as any Tree does
 * (find, next, rank, nth, cursor ...), `mirror` orders by value, and `expiries` those elements that
 * expire by when they do; who reads drops first what is due (`dropDue`). What it shows is valid until
 * the next write by another way than through it; then `open` again. Writes take the key anew.
 *
 * Deleting the whole is deleting the key: its tombstone clears everything at or below its stamp.
 * Invariants: those of head.ts; the head is hidden exactly if no element is visible.
 */
import assert from 'node:assert';
import { CHUNK_SHIFT, GRANULE_MASK } from './arena.js';
import { ElementExpiries, TIMED_SUB_KEY_BYTES_MAX } from './element-expiries.js';
import { NO_SLOT } from './expiry-heap.js';
import { HeadParts, TYPE_FIXED8, TYPE_MIRRORED, TYPE_NUMBER_MASK, TYPE_OWNED } from './head.js';
import { HeadPlace } from './head-place.js';
import {
  FLAG_HIDDEN,
  FLAG_LED,
  flagsAt,
  HEAD_EXPIRIES_WORD,
  HEAD_MIRROR_WORD,
  HEAD_ROOT_WORD,
  HEAD_SLOT_WORD,
  HINT_FLAGS,
  headWord,
  isTimedHead,
  isTimedHeadAt,
  isWide,
  KIND_HEAD,
  type Leaf,
  leafGranules,
  originAt,
  setHeadWord,
  setOriginAt,
  setStampAt,
  stampAt,
  TIMED_HEAD_VALUE_BYTES,
  valueWordAt,
} from './leaf.js';
import { Mirror, MirrorKeyTooLongError } from './mirror.js';
import { HINT_TOMBSTONE } from './node.js';
import { relayout } from './relayout.js';
import { removeFound } from './remove.js';
import { checkLed, leadInward, leadsNowhere, leadsTo } from './seek.js';
import { addAlong, addHashed, hintAlong, Sum } from './totals.js';
import { NODE_BYTES_SHARE, Tree } from './tree.js';
import { insertPlain, overwritePlain, putEntry } from './write.js';

const GRANULE_BYTES = 8;
const EXPIRY_BYTES = 8;
const SCRATCH_BYTES_FIRST = 256;
/** More than head, element, mirror and expiry allocate, and what the last reserves for itself. */
const RECORDS_RESERVED = 24;
/** What `putHere` answers: users saw the element before, they did not, it is not done. */
const OLD_HERE = 0;
export const NEW_HERE = 1;
export const NOT_HERE = -1;

export class SubTree {
  readonly tree: Tree;
  readonly elements: Tree;
  readonly mirror: Mirror;
  readonly expiries: ElementExpiries;
  readonly parts = new HeadParts();
  /** The head that it is turned to; 0: none. */
  head: Leaf = 0;

  /** The way to the key that it is turned to, or to the last one sought. */
  readonly #place: HeadPlace;
  /** The tree's version for which head, elements, mirror and parts are as loaded; -1: for none. */
  #version = -1;
  /** What the write under way takes from and adds to the nodes above the head. */
  readonly #sum = new Sum();
  readonly #headValue = Buffer.alloc(TIMED_HEAD_VALUE_BYTES);
  #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES_FIRST);

  constructor(tree: Tree) {
    this.tree = tree;
    const path = tree.space.elementPath;
    this.elements = new Tree(tree.space, { expiries: false, digests: tree.digests, path });
    this.mirror = new Mirror(tree.space);
    this.expiries = new ElementExpiries(tree.space);
    this.#place = new HeadPlace(tree);
  }

  /** Turns to the sub tree at a key; false, and empty, if there is none. */
  open(key: Buffer, from: number, to: number): boolean {
    const leaf = this.#place.seek(key, from, to);
    const isHead = leaf !== 0 && this.tree.kind(leaf) === KIND_HEAD;
    this.openHead(isHead ? leaf : 0);
    return isHead;
  }

  /** Turns to the sub tree of a head at hand; 0: to an empty one. */
  openHead(head: Leaf): void {
    if (!this.#isLoaded(head)) this.#load(head);
  }

  /**
   * The entry at a key, of whatever kind; 0: there is none. If it is a head, `openHead` may follow,
   * and what is written then need not look for it again.
   */
  seek(key: Buffer, from: number, to: number): Leaf {
    return this.#place.seek(key, from, to);
  }

  /** Whether elements of it expire, or did. */
  get isTimed(): boolean {
    return this.head !== 0 && isTimedHead(this.tree.space.leaves, this.head);
  }

  get isMirrored(): boolean {
    return this.head !== 0 && (this.parts.type & TYPE_MIRRORED) !== 0;
  }

  /**
   * Writes an element, making the sub tree, or clearing what else is at the key, if need be. True
   * if users did not see it before. Throws if the mirror cannot take it. `isAbsent`: the caller has
   * just not found it by `elements.seek`, and it need not be looked for again.
   */
  put(
    key: Buffer,
    from: number,
    to: number,
    type: number,
    subKey: Buffer,
    sfrom: number,
    sto: number,
    stamp: number,
    origin: number,
    flags: number,
    value: Buffer,
    vfrom: number,
    vto: number,
    expiryMs = 0,
    isAbsent = false,
  ): boolean {
    if (!this.begin(key, from, to, type, subKey, sfrom, sto, stamp, origin, flags)) return false;
    if (this.isOfAnotherType(type)) {
      // Hidden: what is left of it are tombstones.
      const own = this.tree.stamp(this.head);
      this.becomeType(key, from, to, type, Math.min(own, stamp - 1), stamp, origin, flags);
      this.beginExisting(key, from, to, subKey, sfrom, sto);
    }
    return this.putElement(
      subKey,
      sfrom,
      sto,
      stamp,
      origin,
      flags,
      value,
      vfrom,
      vto,
      expiryMs,
      isAbsent,
    );
  }

  /**
   * `put` into the sub tree that it is turned to, by the short way, if that is good for it: nobody
   * follows the tree, and an element has but one order and one layout. `isAbsent`: `elements.seek`
   * has just not found it. NOT_HERE: nothing has been done.
   */
  putHere(
    subKey: Buffer,
    sfrom: number,
    sto: number,
    stamp: number,
    origin: number,
    value: Buffer,
    vfrom: number,
    vto: number,
    isAbsent: boolean,
  ): number {
    const { elements, tree } = this;
    if (!this.#isPlainHere() || stamp <= this.parts.clearedAt) return NOT_HERE;
    if (isWide(sto - sfrom, vto - vfrom) || this.#isInMirror(subKey, sfrom, sto)) return NOT_HERE;
    const { path } = elements;
    if (!(isAbsent && leadsNowhere(elements, path))) elements.seek(subKey, sfrom, sto);
    this.#reserve();
    if (tree.unsettled !== this) this.#takeFromSum();
    elements.version++;
    let result = NEW_HERE;
    if (!path.found) {
      insertPlain(elements, subKey, sfrom, sto, stamp, origin, value, vfrom, vto);
    } else if (overwritePlain(elements, subKey, sfrom, sto, stamp, origin, value, vfrom, vto)) {
      result = OLD_HERE;
    }
    this.finish(stamp, origin, 0);
    return result;
  }

  /** `drop` of the element that `elements.path` leads to, by the short way; false: not done. */
  dropHere(element: Leaf, stamp: number, origin: number): boolean {
    const { elements, tree } = this;
    if (!this.#isPlainHere() || this.isMirrored) return false;
    if (!leadsTo(elements, elements.path, element)) return false;
    if (tree.unsettled !== this) this.#takeFromSum();
    const node = removeFound(elements, elements.path);
    if (elements.path.edge !== 0) leadInward(elements, elements.path, node);
    this.finish(stamp, origin, 0);
    return true;
  }

  /** Whether what it is turned to is as it was then, nobody follows it, and no element expires. */
  #isPlainHere(): boolean {
    const { head, tree } = this;
    if (head === 0 || this.#version !== tree.version || !this.#place.leadsTo(head)) return false;
    return tree.observer === null && this.expiries.tree.root === 0;
  }

  /** For head, element and mirror together, so that none of them fails after another. */
  #reserve(): void {
    const { leaves, nodes } = this.tree.space;
    nodes.reserve(RECORDS_RESERVED);
    leaves.reserve(RECORDS_RESERVED);
  }

  /** The nodes above the head lose what they know of it, and of what is below. */
  #takeFromSum(): void {
    this.tree.settle();
    this.#sum.clear();
    this.#place.hash();
    addHashed(this.#sum, this.tree, this.head, -1);
  }

  /**
   * Sets when an element that is there expires; 0: never. Its value stays as it is. Throws if its
   * sub key is longer than TIMED_SUB_KEY_BYTES_MAX.
   */
  setElementExpiry(
    key: Buffer,
    from: number,
    to: number,
    subKey: Buffer,
    sfrom: number,
    sto: number,
    stamp: number,
    origin: number,
    expiryMs: number,
  ): void {
    const isThere = this.beginExisting(key, from, to, subKey, sfrom, sto);
    assert(isThere && this.elements.findVisible(subKey, sfrom, sto) !== 0, 'the element is there');
    const oldExpiryMs = this.#expiryOf(subKey, sfrom, sto, expiryMs);
    if (oldExpiryMs !== expiryMs) this.#retime(subKey, sfrom, sto, oldExpiryMs, expiryMs);
    this.elements.setExpiry(subKey, sfrom, sto, stamp, origin, expiryMs);
    this.finish(stamp, origin, 0);
  }

  /**
   * Drops elements that have expired by `nowMs`, at most so many, without tombstones; all at once,
   * and the key with them, if nothing else is left. Returns how many.
   */
  dropDue(key: Buffer, from: number, to: number, nowMs: number, most: number): number {
    if (!this.open(key, from, to)) return 0;
    const { elements, expiries, tree } = this;
    const { size } = expiries;
    if (size > 0 && size === elements.allCount && expiries.lastMs <= nowMs) {
      tree.drop(key, from, to);
      this.#load(0);
      return size;
    }
    const subKey = tree.space.keyScratch;
    let done = 0;
    for (; done < most && expiries.firstMs <= nowMs; done++) {
      const bytes = expiries.copyFirst(subKey, 0);
      this.beginExisting(key, from, to, subKey, 0, bytes);
      this.#dropElement(subKey, 0, bytes);
      this.finish(0, 0, 0);
    }
    return done;
  }

  /** `dropDue` of a head at hand. */
  dropDueAt(head: Leaf, nowMs: number, most: number): number {
    const key = this.tree.key(head);
    return this.dropDue(key, 0, key.length, nowMs, most);
  }

  /** Writes an element's tombstone; true if users saw it. Nothing happens without a sub tree. */
  delete(
    key: Buffer,
    from: number,
    to: number,
    subKey: Buffer,
    sfrom: number,
    sto: number,
    stamp: number,
    origin: number,
    flags = 0,
  ): boolean {
    if (!this.beginExisting(key, from, to, subKey, sfrom, sto)) return false;
    return this.deleteElement(subKey, sfrom, sto, stamp, origin, flags);
  }

  /**
   * Takes an element out without a tombstone; true if there was one, of whatever kind. The head
   * takes the stamp, if it is higher: so every change of a sub tree can be told by its head.
   */
  drop(
    key: Buffer,
    from: number,
    to: number,
    subKey: Buffer,
    sfrom: number,
    sto: number,
    stamp = 0,
    origin = 0,
  ): boolean {
    if (!this.beginExisting(key, from, to, subKey, sfrom, sto)) return false;
    const wasThere = this.#dropElement(subKey, sfrom, sto);
    this.finish(stamp, origin, 0);
    return wasThere;
  }

  /**
   * `drop` of the first `count` visible elements; `subKey` has room for the longest of their keys.
   * One way down and one way up for all of them.
   */
  dropFirst(
    key: Buffer,
    from: number,
    to: number,
    count: number,
    subKey: Buffer,
    stamp: number,
    origin: number,
  ): void {
    if (!this.beginExisting(key, from, to)) return;
    const { elements } = this;
    for (let left = count; left > 0; left -= 1) {
      const bytes = elements.copyKey(elements.first(), subKey, 0);
      this.#tellObserver(key, from, to, subKey, 0, bytes);
      this.#dropElement(subKey, 0, bytes);
    }
    this.finish(stamp, origin, 0);
  }

  /**
   * Makes a sub tree of what another one holds, which is of the same key in another tree of the
   * Space and loses it: O(depth), however much it is. Nothing is at the key. Stamps that the other
   * gave to elements are above `clearedAt` and not above `stamp`. `hints`: HINT_FLAGS of the head.
   */
  adopt(
    key: Buffer,
    from: number,
    to: number,
    other: SubTree,
    clearedAt: number,
    stamp: number,
    origin: number,
    expiryMs: number,
    hints: number,
  ): void {
    const { elements, expiries, mirror, parts, tree } = this;
    assert(tree.find(key, from, to) === 0, 'a sub tree is adopted where nothing is');
    this.#load(0);
    parts.reset(other.parts.type, clearedAt);
    if (expiryMs !== 0) {
      parts.expiryMs = expiryMs;
      parts.expiryStamp = stamp;
      parts.expiryOrigin = origin;
    }
    elements.root = other.elements.root;
    mirror.open(other.mirror.tree.root, parts.type);
    expiries.open(other.expiries.tree.root);
    this.rewriteHead(key, from, to, stamp, origin, hints & HINT_FLAGS);
    const { leaves } = tree.space;
    if (other.isTimed) setHeadWord(leaves, other.head, HEAD_EXPIRIES_WORD, 0);
    setHeadWord(leaves, other.head, HEAD_ROOT_WORD, 0);
    setHeadWord(leaves, other.head, HEAD_MIRROR_WORD, 0);
    other.tree.drop(key, from, to);
    other.openHead(0);
  }

  /** Takes an element out if it still has this stamp and origin. */
  dropAt(
    key: Buffer,
    from: number,
    to: number,
    subKey: Buffer,
    sfrom: number,
    sto: number,
    stamp: number,
    origin: number,
  ): boolean {
    if (!this.open(key, from, to)) return false;
    const element = this.elements.find(subKey, sfrom, sto);
    if (element === 0 || this.elements.stamp(element) !== stamp) return false;
    if (this.elements.origin(element) !== origin) return false;
    return this.drop(key, from, to, subKey, sfrom, sto);
  }

  /** Sets when the whole expires; 0: never. False if there is no sub tree. */
  setExpiry(
    key: Buffer,
    from: number,
    to: number,
    stamp: number,
    origin: number,
    expiryMs: number,
    flags = 0,
  ): boolean {
    if (!this.open(key, from, to)) return false;
    const parts = this.parts;
    if (stamp <= parts.clearedAt) return false;
    parts.expiryStamp = stamp;
    parts.expiryOrigin = origin;
    parts.expiryMs = expiryMs;
    this.rewriteHead(key, from, to, stamp, origin, flags);
    return true;
  }

  /** Switches the order by value on or off; costs a walk over all elements. */
  setMirrored(
    key: Buffer,
    from: number,
    to: number,
    isMirrored: boolean,
    stamp: number,
    origin: number,
    flags = 0,
  ): boolean {
    if (!this.open(key, from, to)) return false;
    const type = this.parts.type & ~TYPE_MIRRORED;
    this.changeType(type | (isMirrored ? TYPE_MIRRORED : 0));
    this.rewriteHead(key, from, to, stamp, origin, flags);
    return true;
  }

  /** `setMirrored` on by a mirror that holds the elements as they are now: one small write. */
  adoptMirror(
    key: Buffer,
    from: number,
    to: number,
    made: Mirror,
    stamp: number,
    origin: number,
  ): boolean {
    if (!this.open(key, from, to)) return false;
    const { elements, mirror, parts } = this;
    assert(made.tree.liveCount === elements.liveCount, 'the mirror has all elements');
    elements.space.reclaim(mirror.tree.root);
    parts.type |= TYPE_MIRRORED;
    mirror.open(made.tree.root, parts.type);
    made.open(0, 0);
    this.rewriteHead(key, from, to, stamp, origin, 0);
    return true;
  }

  // What merging needs too: begin... -> putElement, deleteElement or others -> finish.

  /**
   * Begins a write of an element of the sub tree at a key, making its head if there is none. False
   * if what is at the key clears this stamp.
   */
  begin(
    key: Buffer,
    from: number,
    to: number,
    type: number,
    subKey: Buffer,
    sfrom: number,
    sto: number,
    stamp: number,
    origin: number,
    flags: number,
  ): boolean {
    if (this.beginExisting(key, from, to, subKey, sfrom, sto)) {
      return stamp > this.parts.clearedAt;
    }
    const leaf = this.seek(key, from, to);
    const clearedAt = leaf === 0 ? 0 : this.tree.stamp(leaf);
    if (leaf !== 0 && stamp <= clearedAt) return false;
    this.parts.reset(type, clearedAt);
    this.rewriteHead(key, from, to, stamp, origin, flags);
    return this.beginExisting(key, from, to, subKey, sfrom, sto);
  }

  /**
   * Begins a write of one element of the sub tree at a key, or of none (null); false if there is no
   * sub tree.
   */
  beginExisting(
    key: Buffer,
    from: number,
    to: number,
    subKey: Buffer | null = null,
    sfrom = 0,
    sto = 0,
  ): boolean {
    this.#tellObserver(key, from, to, subKey, sfrom, sto);
    this.#reserve();
    if (!this.open(key, from, to)) return false;
    // As of its last write it is this head's: `open` has settled any other's.
    if (this.tree.unsettled !== this) this.#takeFromSum();
    return true;
  }

  /** Writes an element of the sub tree begun, and finishes. */
  putElement(
    subKey: Buffer,
    sfrom: number,
    sto: number,
    stamp: number,
    origin: number,
    flags: number,
    value: Buffer,
    vfrom: number,
    vto: number,
    expiryMs = 0,
    isAbsent = false,
  ): boolean {
    const { elements, mirror } = this;
    const isMirrored = this.#isInMirror(subKey, sfrom, sto);
    // What may throw comes before the first change: too long a key, no memory for a big value.
    if (isMirrored) {
      if (!isAbsent && this.#makeOldKey(subKey, sfrom, sto)) mirror.remember();
      else mirror.forget();
      mirror.makeKey(value, vfrom, vto, subKey, sfrom, sto);
    }
    const oldExpiryMs = this.#expiryOf(subKey, sfrom, sto, expiryMs);
    const liveBefore = elements.liveCount;
    elements.put(subKey, sfrom, sto, stamp, origin, flags, expiryMs, value, vfrom, vto, isAbsent);
    if (isMirrored) {
      mirror.removeRemembered();
      mirror.add();
    }
    if (oldExpiryMs !== expiryMs) this.#retime(subKey, sfrom, sto, oldExpiryMs, expiryMs);
    this.finish(stamp, origin, flags);
    return elements.liveCount > liveBefore;
  }

  /** Writes an element's tombstone into the sub tree begun, and finishes. */
  deleteElement(
    subKey: Buffer,
    sfrom: number,
    sto: number,
    stamp: number,
    origin: number,
    flags: number,
  ): boolean {
    this.#removeFromMirror(subKey, sfrom, sto);
    this.#forgetExpiry(subKey, sfrom, sto);
    const wasVisible = this.elements.delete(subKey, sfrom, sto, stamp, origin, flags);
    this.finish(stamp, origin, flags);
    const { path } = this.#place;
    hintAlong(this.tree, path, path.length, HINT_TOMBSTONE);
    return wasVisible;
  }

  /** Takes out all elements at once, and finishes; the reclaimer frees them. */
  detachElements(): void {
    const { elements, expiries, mirror } = this;
    elements.space.reclaim(elements.root);
    elements.space.reclaim(mirror.tree.root);
    elements.space.reclaim(expiries.tree.root);
    expiries.open(0);
    elements.root = 0;
    elements.version++;
    mirror.open(0, this.parts.type);
    this.finish(0, 0, 0);
  }

  /** Takes out all elements at or below a stamp, and finishes. The key is the one begun with. */
  purge(key: Buffer, from: number, to: number, clearedAt: number): void {
    const { elements } = this;
    const cursor = elements.cursor({ all: true });
    for (let leaf = cursor.next(); leaf !== 0; leaf = cursor.next()) {
      if (elements.stamp(leaf) > clearedAt) continue;
      const bytes = elements.keyBytes(leaf);
      const subKey = Buffer.allocUnsafe(bytes);
      elements.copyKey(leaf, subKey, 0);
      this.#tellObserver(key, from, to, subKey, 0, bytes);
      this.#dropElement(subKey, 0, bytes);
    }
    this.finish(0, 0, 0);
  }

  /**
   * Ends a write: the head gets the roots as they are now, is hidden or shown, takes the stamp if
   * that is higher, and the nodes above it get the difference.
   */
  finish(stamp: number, origin: number, flags: number): void {
    const { elements, head, mirror, tree } = this;
    const leaves = tree.space.leaves;
    const i32 = leaves.i32[head >>> CHUNK_SHIFT]!;
    const word = (head & GRANULE_MASK) << 1;
    const valueWord = valueWordAt(i32, word);
    i32[valueWord + HEAD_ROOT_WORD] = elements.root;
    i32[valueWord + HEAD_MIRROR_WORD] = mirror.tree.root;
    if (isTimedHeadAt(i32, word)) this.#schedule();
    let headStamp = stampAt(i32, word);
    let headFlags = flagsAt(i32, word) & ~FLAG_HIDDEN;
    if (stamp > headStamp || (stamp === headStamp && origin > originAt(i32, word))) {
      headStamp = stamp;
      headFlags = (headFlags & ~FLAG_LED) | (flags & FLAG_LED);
      setOriginAt(i32, word, origin);
    }
    if (elements.liveCount === 0) headFlags |= FLAG_HIDDEN;
    setStampAt(i32, word, headStamp, headFlags);
    this.#place.written(head);
    this.#version = tree.version;
    if (this.#mayPutOff(headFlags)) {
      tree.putOff(this);
      return;
    }
    if (tree.unsettled === this) tree.settle();
    else this.settleHead();
  }

  /**
   * Whether the nodes above the head may hear later what this write has changed. What users see of
   * the key they hear at once, and whoever follows the tree finds it as it is.
   */
  #mayPutOff(headFlags: number): boolean {
    const { tree } = this;
    if (!tree.space.defersTotals || tree.observer !== null) return false;
    return (headFlags & FLAG_HIDDEN) === 0 && this.#sum.live === -1 && tree.digests;
  }

  /** Tells the nodes above the head what has changed since they heard last. */
  settleHead(): void {
    const { tree } = this;
    const { path } = this.#place;
    if (path.tree !== tree || path.version !== tree.version)
      assert.fail('somebody else has written');
    this.#place.hash();
    addHashed(this.#sum, tree, path.leaf, 1);
    addAlong(tree, path, path.length, this.#sum);
  }

  /**
   * Writes the head anew out of `parts` and the roots, under this stamp if it is higher than what
   * the head has. The elements must be those that the nodes above the head know of.
   */
  rewriteHead(
    key: Buffer,
    from: number,
    to: number,
    stamp: number,
    origin: number,
    flags: number,
  ): void {
    const { elements, expiries, head, mirror, parts, tree } = this;
    let headStamp = stamp;
    let headOrigin = origin;
    let led = flags & FLAG_LED;
    let hints = flags & HINT_FLAGS;
    if (head !== 0) {
      hints |= tree.flags(head) & HINT_FLAGS;
      const own = tree.stamp(head);
      if (own > stamp || (own === stamp && tree.origin(head) >= origin)) {
        headStamp = own;
        headOrigin = tree.origin(head);
        led = tree.flags(head) & FLAG_LED;
      }
    }
    // Should this throw, what has been changed in `parts` is not what the head says.
    this.#version = -1;
    parts.store(this.#headValue, elements.root, mirror.tree.root);
    const all = KIND_HEAD | led | hints | (elements.liveCount === 0 ? FLAG_HIDDEN : 0);
    const value = this.#headValue;
    const expiryMs = parts.expiryMs;
    this.#tellObserver(key, from, to, null, 0, 0);
    const slot = this.#slotAt(key, from, to);
    value.writeInt32LE(expiries.tree.root, HEAD_EXPIRIES_WORD * 4);
    value.writeInt32LE(Math.max(slot, NO_SLOT), HEAD_SLOT_WORD * 4);
    const isTimed = slot >= NO_SLOT || expiries.tree.root !== 0;
    const observer = tree.observer;
    tree.observer = null;
    try {
      const leaf = putEntry(
        tree,
        key,
        from,
        to,
        headStamp,
        headOrigin,
        all,
        expiryMs,
        value,
        0,
        isTimed ? TIMED_HEAD_VALUE_BYTES : parts.valueBytes,
      );
      if (slot > NO_SLOT && tree.timed) tree.heads.move(slot, leaf);
      this.#load(leaf);
      if (isTimed) this.#schedule();
    } finally {
      tree.observer = observer;
    }
  }

  /** `rewriteHead` under this stamp, though it may be lower than what the head has. */
  replaceHead(
    key: Buffer,
    from: number,
    to: number,
    stamp: number,
    origin: number,
    flags: number,
  ): void {
    this.head = 0;
    this.rewriteHead(key, from, to, stamp, origin, flags);
  }

  /**
   * Gives `parts` another type and makes or drops the mirror; `rewriteHead` must follow. Throws,
   * with nothing changed, if the mirror cannot take an element.
   */
  changeType(type: number): void {
    const { elements, mirror } = this;
    const before = this.parts.type;
    this.#version = -1;
    const mask = TYPE_MIRRORED | TYPE_FIXED8 | TYPE_OWNED;
    if ((before & mask) !== (type & mask)) {
      const root = mirror.tree.root;
      mirror.open(0, type);
      try {
        if ((type & TYPE_MIRRORED) !== 0) this.#buildMirror();
      } catch (error) {
        elements.space.reclaim(mirror.tree.root);
        mirror.open(root, before);
        throw error;
      }
      elements.space.reclaim(root);
    }
    this.parts.type = type;
  }

  /** Whether what it is turned to is a list, and this the type of a hash, or the like. */
  isOfAnotherType(type: number): boolean {
    return ((this.parts.type ^ type) & TYPE_NUMBER_MASK) !== 0;
  }

  /** Drops all elements of the sub tree opened, and makes it one of another type. */
  becomeType(
    key: Buffer,
    from: number,
    to: number,
    type: number,
    clearedAt: number,
    stamp: number,
    origin: number,
    flags: number,
  ): void {
    this.tree.observer?.beforeChange(this.tree, key, from, to);
    this.beginExisting(key, from, to);
    this.detachElements();
    this.parts.raiseClearedAt(clearedAt);
    this.changeType(type);
    this.replaceHead(key, from, to, stamp, origin, flags);
  }

  /** Bytes that an element takes: its leaf, big value, share of the nodes; in other orders too. */
  memoryOf(element: Leaf): number {
    const { elements } = this;
    const keyBytes = elements.keyBytes(element);
    let bytes = elements.memoryOf(element);
    if (this.isMirrored && this.#isElementMirrored(element)) {
      bytes += orderBytes(keyBytes + elements.valueBytes(element));
    }
    if (elements.expiryMs(element) !== 0) bytes += orderBytes(keyBytes + EXPIRY_BYTES);
    return bytes;
  }

  /** Throws if an invariant of the sub tree that it is turned to does not hold. */
  check(): void {
    const { elements, head, mirror, parts, tree } = this;
    if (head === 0) return;
    checkLed(elements, elements.path);
    this.#checkKnown();
    elements.checkTree();
    mirror.tree.checkTree();
    const live = elements.liveCount;
    assert.equal(tree.visible(head), live > 0, 'a head is hidden if no element is visible');
    const stamp = tree.stamp(head);
    assert(stamp > parts.clearedAt && stamp >= parts.expiryStamp, "the head's stamp is highest");
    assert(parts.expiryStamp === 0 || parts.expiryStamp > parts.clearedAt, 'the expiry is valid');
    let mirroredCount = 0;
    let timed = 0;
    const cursor = elements.cursor({ all: true });
    for (let leaf = cursor.next(); leaf !== 0; leaf = cursor.next()) {
      const expiryMs = elements.expiryMs(leaf);
      if (expiryMs !== 0) {
        assert(this.expiries.has(expiryMs, elements.key(leaf)), 'its expiry is in their order');
        timed++;
      }
      assert(elements.stamp(leaf) > parts.clearedAt, 'no element is cleared');
      assert(elements.stamp(leaf) <= stamp, "no element's stamp is above the head's");
      if (!elements.visible(leaf)) continue;
      const subKey = elements.key(leaf);
      if (!this.#isInMirror(subKey, 0, subKey.length)) continue;
      mirroredCount++;
      const value = elements.value(leaf);
      mirror.makeKey(value, 0, value.length, subKey, 0, subKey.length);
      const mirrored = mirror.tree.find(mirror.key, 0, mirror.keyBytes);
      assert(mirrored !== 0 && mirror.subKey(mirrored).equals(subKey), 'mirrored');
    }
    assert.equal(mirror.tree.liveCount, mirroredCount, 'the mirror has no other elements');
    this.#checkExpiries(timed);
  }

  /** `timed`: how many elements have an expiry. */
  #checkExpiries(timed: number): void {
    const { expiries, head, tree } = this;
    expiries.tree.checkTree();
    assert.equal(expiries.size, timed, 'the order by expiry has all elements that have one');
    if (!this.isTimed || !tree.timed) return;
    const slot = headWord(tree.space.leaves, head, HEAD_SLOT_WORD);
    assert.equal(slot !== NO_SLOT, timed > 0, 'a head is in the heap if it has such elements');
    if (timed > 0) assert.equal(tree.heads.leafAt(slot), head, 'and where it says');
  }

  /** What it knows of its head without looking at it again is what stands there. */
  #checkKnown(): void {
    const { elements, head, mirror, parts, tree } = this;
    const key = tree.key(head);
    this.#place.check(key, 0, key.length);
    if (!this.#isLoaded(head)) return;
    const { leaves } = tree.space;
    const fresh = new HeadParts();
    fresh.load(leaves, head);
    assert.deepEqual(parts, fresh, 'the parts are those of the head');
    assert.equal(elements.root, headWord(leaves, head, HEAD_ROOT_WORD), 'the elements are');
    assert.equal(mirror.tree.root, headWord(leaves, head, HEAD_MIRROR_WORD), 'the mirror is');
    const ordered = this.isTimed ? headWord(leaves, head, HEAD_EXPIRIES_WORD) : 0;
    assert.equal(this.expiries.tree.root, ordered, 'the order by expiry is');
    assert.equal(elements.head, head, 'elements know their head');
  }

  #tellObserver(
    key: Buffer,
    from: number,
    to: number,
    subKey: Buffer | null,
    sfrom: number,
    sto: number,
  ): void {
    const { tree } = this;
    const observer = tree.observer;
    if (observer === null) return;
    if (observer.beforeElement === undefined) observer.beforeChange(tree, key, from, to);
    else observer.beforeElement(tree, key, from, to, subKey, sfrom, sto);
  }

  /** Whether it is turned to this head and knows it as it is. */
  #isLoaded(head: Leaf): boolean {
    if (head !== this.head || this.#version !== this.tree.version) return false;
    // The place knows that it lies in this tree: another's may go unnoticed.
    return head === 0 || this.#place.leadsTo(head);
  }

  #load(leaf: Leaf): void {
    const { elements, expiries, mirror, parts, tree } = this;
    const leaves = tree.space.leaves;
    this.head = leaf;
    this.#version = tree.version;
    elements.head = leaf;
    elements.version++;
    if (leaf === 0) {
      elements.root = 0;
      parts.reset(0, 0);
      mirror.open(0, 0);
      expiries.open(0);
      return;
    }
    elements.root = headWord(leaves, leaf, HEAD_ROOT_WORD);
    parts.load(leaves, leaf);
    const mirrorRoot = headWord(leaves, leaf, HEAD_MIRROR_WORD);
    mirror.open(mirrorRoot, parts.type);
    expiries.open(this.isTimed ? headWord(leaves, leaf, HEAD_EXPIRIES_WORD) : 0);
  }

  /** The heap slot of the head at a key; less than NO_SLOT if there is no word for one. */
  #slotAt(key: Buffer, from: number, to: number): number {
    const { tree } = this;
    const leaf = tree.find(key, from, to);
    const isHead = leaf !== 0 && tree.kind(leaf) === KIND_HEAD;
    if (!isHead || !isTimedHead(tree.space.leaves, leaf)) return NO_SLOT - 1;
    return headWord(tree.space.leaves, leaf, HEAD_SLOT_WORD);
  }

  /** When an element expires that is to have a new expiry; throws if it cannot have that. */
  #expiryOf(subKey: Buffer, sfrom: number, sto: number, newMs: number): number {
    if (newMs !== 0 && sto - sfrom > TIMED_SUB_KEY_BYTES_MAX) throw new MirrorKeyTooLongError();
    if (this.expiries.tree.root === 0) return 0;
    const element = this.elements.find(subKey, sfrom, sto);
    return element === 0 ? 0 : this.elements.expiryMs(element);
  }

  /** Moves an element of the sub tree begun in the order by expiry; 0: it has no place there. */
  #retime(subKey: Buffer, sfrom: number, sto: number, oldMs: number, newMs: number): void {
    const { expiries } = this;
    if (!this.isTimed) this.#makeRoomForExpiries();
    if (oldMs !== 0) expiries.remove(oldMs, subKey, sfrom, sto);
    if (newMs !== 0) expiries.add(newMs, subKey, sfrom, sto);
  }

  #forgetExpiry(subKey: Buffer, sfrom: number, sto: number): void {
    const oldMs = this.#expiryOf(subKey, sfrom, sto, 0);
    if (oldMs !== 0) this.#retime(subKey, sfrom, sto, oldMs, 0);
  }

  /** Moves the head that the path leads to into a record with the words of a timed one. */
  #makeRoomForExpiries(): void {
    const { elements, head, tree } = this;
    const { leaves } = tree.space;
    const { path } = this.#place;
    const moved = relayout(tree, path, head, tree.flags(head), TIMED_HEAD_VALUE_BYTES);
    this.#place.written(moved);
    setHeadWord(leaves, moved, HEAD_EXPIRIES_WORD, 0);
    setHeadWord(leaves, moved, HEAD_SLOT_WORD, NO_SLOT);
    this.head = moved;
    elements.head = moved;
  }

  /** Writes where the order by expiry is, and the head's place among those that have one. */
  #schedule(): void {
    const { expiries, head, tree } = this;
    const { leaves } = tree.space;
    setHeadWord(leaves, head, HEAD_EXPIRIES_WORD, expiries.tree.root);
    if (!tree.timed) return;
    const slot = headWord(leaves, head, HEAD_SLOT_WORD);
    const { firstMs } = expiries;
    if (firstMs === Infinity) {
      tree.heads.remove(slot);
      setHeadWord(leaves, head, HEAD_SLOT_WORD, NO_SLOT);
    } else if (slot === NO_SLOT) {
      tree.heads.add(head, firstMs);
    } else {
      tree.heads.change(slot, head, firstMs);
    }
  }

  #buildMirror(): void {
    const { elements, mirror } = this;
    const cursor = elements.cursor();
    for (let leaf = cursor.next(); leaf !== 0; leaf = cursor.next()) {
      const subKey = elements.key(leaf);
      if (!mirror.holds(subKey, 0, subKey.length)) continue;
      const value = elements.value(leaf);
      mirror.makeKey(value, 0, value.length, subKey, 0, subKey.length);
      mirror.add();
    }
  }

  #isElementMirrored(element: Leaf): boolean {
    const { keyScratch } = this.elements.space;
    return this.mirror.holds(keyScratch, 0, this.elements.copyKey(element, keyScratch, 0));
  }

  #isInMirror(subKey: Buffer, sfrom: number, sto: number): boolean {
    return this.isMirrored && this.mirror.holds(subKey, sfrom, sto);
  }

  #removeFromMirror(subKey: Buffer, sfrom: number, sto: number): void {
    if (!this.#isInMirror(subKey, sfrom, sto)) return;
    if (this.#makeOldKey(subKey, sfrom, sto)) this.mirror.remove();
  }

  #dropElement(subKey: Buffer, sfrom: number, sto: number): boolean {
    this.#removeFromMirror(subKey, sfrom, sto);
    this.#forgetExpiry(subKey, sfrom, sto);
    return this.elements.drop(subKey, sfrom, sto);
  }

  /** Makes the mirror's key of the element as it is now; false if users do not see it. */
  #makeOldKey(subKey: Buffer, sfrom: number, sto: number): boolean {
    const { elements, mirror } = this;
    const leaf = elements.findVisible(subKey, sfrom, sto);
    if (leaf === 0) return false;
    const bytes = elements.valueBytes(leaf);
    if (bytes > this.#scratch.length) this.#scratch = Buffer.allocUnsafeSlow(bytes * 2);
    elements.copyValue(leaf, this.#scratch, 0);
    mirror.makeKey(this.#scratch, 0, bytes, subKey, sfrom, sto);
    return true;
  }
}

/** What an element takes in another order, by a key of so many bytes. */
function orderBytes(keyBytes: number): number {
  return leafGranules(0, keyBytes, 0) * GRANULE_BYTES + NODE_BYTES_SHARE;
}
