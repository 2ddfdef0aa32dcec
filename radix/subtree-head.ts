/**
 * Writes to a sub tree as far as its head has to do with them: how each of them begins and ends, and
 * those that are of the head or of all elements at once.
 *
 *   beginExisting   the nodes above the head lose what they know of it (`sum`)
 *   ...             elements are written (subtree.ts)
 *   finish          the head gets roots and stamp, and the nodes above it the difference, at once
 *                   or at the end of the turn (`Tree.putOff`, docs/decisions/0020)
 *
 * A head that changes its layout or its size is written anew as a leaf of the database
 * (`rewriteHead`).
 */
import assert from 'node:assert';
import { CHUNK_SHIFT, GRANULE_MASK } from './arena.js';
import { NO_SLOT } from './expiry-heap.js';
import { TYPE_FIXED8, TYPE_MIRRORED, TYPE_OWNED } from './head.js';
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
  KIND_HEAD,
  originAt,
  setHeadWord,
  setOriginAt,
  setStampAt,
  stampAt,
  TIMED_HEAD_VALUE_BYTES,
  valueWordAt,
} from './leaf.js';
import type { Mirror } from './mirror.js';
import { relayout } from './relayout.js';
import { SubTreeView } from './subtree-view.js';
import { addAlong, addHashed, Sum } from './totals.js';
import { putEntry } from './write.js';

/** More than head, element, mirror and expiry allocate, and what the last reserves for itself. */
const RECORDS_RESERVED = 24;

export class SubTreeHead extends SubTreeView {
  /** What the write under way takes from and adds to the nodes above the head. */
  protected readonly sum = new Sum();
  readonly #headValue = Buffer.alloc(TIMED_HEAD_VALUE_BYTES);

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

  /**
   * Makes a sub tree of what another one holds, which is of the same key in another tree of the
   * Space and loses it: O(depth), however much it is. Nothing is at the key. Stamps that the other
   * gave to elements are above `clearedAt` and not above `stamp`. `hints`: HINT_FLAGS of the head.
   */
  adopt(
    key: Buffer,
    from: number,
    to: number,
    other: SubTreeView,
    clearedAt: number,
    stamp: number,
    origin: number,
    expiryMs: number,
    hints: number,
  ): void {
    const { elements, expiries, mirror, parts, tree } = this;
    assert(tree.find(key, from, to) === 0, 'a sub tree is adopted where nothing is');
    this.load(0);
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

  /**
   * Gives `parts` another type and makes or drops the mirror; `rewriteHead` must follow. Throws,
   * with nothing changed, if the mirror cannot take an element.
   */
  changeType(type: number): void {
    const { elements, mirror } = this;
    const before = this.parts.type;
    this.loadedAt = -1;
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
    this.loadedAt = -1;
    parts.store(this.#headValue, elements.root, mirror.tree.root);
    const all = KIND_HEAD | led | hints | (elements.liveCount === 0 ? FLAG_HIDDEN : 0);
    const value = this.#headValue;
    const expiryMs = parts.expiryMs;
    this.tellObserver(key, from, to, null, 0, 0);
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
      this.load(leaf);
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
    this.tellObserver(key, from, to, subKey, sfrom, sto);
    this.reserve();
    if (!this.open(key, from, to)) return false;
    // As of its last write it is this head's: `open` has settled any other's.
    if (this.tree.unsettled !== this) this.takeFromSum();
    return true;
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
    this.place.written(head);
    this.loadedAt = tree.version;
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
    return (headFlags & FLAG_HIDDEN) === 0 && this.sum.live === -1 && tree.digests;
  }

  /** Tells the nodes above the head what has changed since they heard last. */
  settleHead(): void {
    const { tree } = this;
    const { path } = this.place;
    if (path.tree !== tree || path.version !== tree.version)
      assert.fail('somebody else has written');
    this.place.hash();
    addHashed(this.sum, tree, path.leaf, 1);
    addAlong(tree, path, path.length, this.sum);
  }

  /** For head, element and mirror together, so that none of them fails after another. */
  protected reserve(): void {
    const { leaves, nodes } = this.tree.space;
    nodes.reserve(RECORDS_RESERVED);
    leaves.reserve(RECORDS_RESERVED);
  }

  /** The nodes above the head lose what they know of it, and of what is below. */
  protected takeFromSum(): void {
    this.tree.settle();
    this.sum.clear();
    this.place.hash();
    addHashed(this.sum, this.tree, this.head, -1);
  }

  protected tellObserver(
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

  /** The heap slot of the head at a key; less than NO_SLOT if there is no word for one. */
  #slotAt(key: Buffer, from: number, to: number): number {
    const { tree } = this;
    const leaf = tree.find(key, from, to);
    const isHead = leaf !== 0 && tree.kind(leaf) === KIND_HEAD;
    if (!isHead || !isTimedHead(tree.space.leaves, leaf)) return NO_SLOT - 1;
    return headWord(tree.space.leaves, leaf, HEAD_SLOT_WORD);
  }

  /** Moves the head that the path leads to into a record with the words of a timed one. */
  protected makeRoomForExpiries(): void {
    const { elements, head, tree } = this;
    const { leaves } = tree.space;
    const { path } = this.place;
    const moved = relayout(tree, path, head, tree.flags(head), TIMED_HEAD_VALUE_BYTES);
    this.place.written(moved);
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
}
