/**
 * Mirror: the second order of a sub tree, by (value, sub key).
 *
 *   elements     sub key -> value           a -> 7    b -> 3    c -> 7
 *   mirror       (value, sub key) -> -      3 b       7 a       7 c
 *
 * It is a tree of its own below the same head, without digests, stamps or tombstones: it holds the
 * visible elements and follows from them alone, so replicas never exchange it.
 *
 *   key:   value with each 00 written as 00 ff | 00 00 | sub key        values of any length
 *          value (8) | sub key                                          TYPE_FIXED8
 *
 * The first form keeps the order although values may be prefixes of each other; the second saves
 * sorted sets the marks, for their values are 8 bytes that keep the order of the scores.
 *
 * TYPE_OWNED mirrors a part of the elements, those whose sub key begins with OWNED_PREFIX, so that
 * what one owner has lies together; their last 16 bytes tell them apart:
 *
 *   element   prefix | class length (2) | class | id (16)  ->  16 B of anything | owner
 *   mirror    class length (2) | class | owner length (2) | owner | id (16)
 *
 * Invariant: as many entries as the sub tree has visible elements (with TYPE_OWNED: of that part).
 */
import assert from 'node:assert';
import { TYPE_FIXED8, TYPE_OWNED } from './head.js';
import { KEY_BYTES_MAX, type Leaf } from './leaf.js';
import type { Space } from './space.js';
import { Tree } from './tree.js';

const FIXED_BYTES = 8;
const END_MARK_BYTES = 2;
const NOT_THERE = 'an element was not in the mirror';
const NOTHING = Buffer.alloc(0);
/** First byte of the sub keys of elements that have an owner. */
export const OWNED_PREFIX = 5;
const OWNED_ID_BYTES = 16;
/** Where the owner begins in the value of such an element. */
const OWNER_AT = 16;
/** Where the class begins in its sub key, behind its length. */
const CLASS_AT = 3;
/** Up to so many bytes a loop beats the native copy. */
const LOOP_BYTES_MAX = 64;

/** Thrown before anything has changed: value and sub key make too long a key. */
export class MirrorKeyTooLongError extends Error {
  readonly code = 'MIRROR_KEY_TOO_LONG';
  constructor() {
    super('value and field are too long for a mirror');
    this.name = 'MirrorKeyTooLongError';
  }
}

export class Mirror {
  /** Its keys are mirror keys; counts, ranks and cursors are the tree's. */
  readonly tree: Tree;
  /** The key that `makeKey` has made: key[0, keyBytes). */
  key = Buffer.allocUnsafeSlow(256);
  keyBytes = 0;
  #isFixed = false;
  #isOwned = false;
  /** The key that `remember` has put aside; -1 bytes: none. */
  #remembered = Buffer.allocUnsafeSlow(256);
  #rememberedBytes = -1;

  constructor(space: Space) {
    const path = space.elementPath;
    this.tree = new Tree(space, { expiries: false, digests: false, path });
  }

  /** Turns to the mirror of another sub tree, of this type. */
  open(root: number, type: number): void {
    this.tree.root = root;
    this.tree.version++;
    this.#isFixed = (type & TYPE_FIXED8) !== 0;
    this.#isOwned = (type & TYPE_OWNED) !== 0;
  }

  /** Whether the element with this sub key belongs into the mirror. */
  holds(subKey: Buffer, from: number, to: number): boolean {
    if (!this.#isOwned) return true;
    const restBytes = to - from - CLASS_AT - OWNED_ID_BYTES;
    if (restBytes < 0 || subKey[from] !== OWNED_PREFIX) return false;
    return restBytes === subKey.readUInt16BE(from + 1);
  }

  /** Whether an element may be in a mirror whose values may have any length. */
  static fits(value: Buffer, vfrom: number, vto: number, subKeyBytes: number): boolean {
    const room = KEY_BYTES_MAX - END_MARK_BYTES - subKeyBytes;
    let bytes = vto - vfrom;
    if (bytes * 2 <= room) return true;
    for (let i = vfrom; i < vto && bytes <= room; i++) if (value[i] === 0) bytes++;
    return bytes <= room;
  }

  /** Makes the mirror key of an element in `key`. */
  makeKey(
    value: Buffer,
    vfrom: number,
    vto: number,
    subKey: Buffer,
    sfrom: number,
    sto: number,
  ): void {
    const most = (this.#isFixed ? 1 : 2) * (vto - vfrom) + END_MARK_BYTES + sto - sfrom;
    if (most > this.key.length) this.#grow(most);
    if (this.#isOwned) {
      this.#makeOwnedKey(value, vfrom + OWNER_AT, vto, subKey, sfrom, sto);
      return;
    }
    const end = this.#putValue(value, vfrom, vto);
    this.keyBytes = copyBytes(subKey, sfrom, sto, this.key, end);
    if (this.keyBytes > KEY_BYTES_MAX) throw new MirrorKeyTooLongError();
  }

  /** Makes the key before all elements with this value. */
  makeLowKey(value: Buffer, vfrom: number, vto: number): void {
    this.makeKey(value, vfrom, vto, NOTHING, 0, 0);
  }

  /** Makes the key behind all elements with this value; false if there can be nothing behind. */
  makeHighKey(value: Buffer, vfrom: number, vto: number): boolean {
    this.makeKey(value, vfrom, vto, NOTHING, 0, 0);
    if (!this.#isFixed) {
      this.key[this.keyBytes - 1] = 1;
      return true;
    }
    for (let i = this.keyBytes - 1; i >= 0; i--) {
      this.key[i] = this.key[i]! + 1;
      if (this.key[i] !== 0) return true;
    }
    return false;
  }

  /** Adds the element whose key `makeKey` has made. */
  add(): void {
    this.tree.put(this.key, 0, this.keyBytes, 0, 0, 0, 0, NOTHING, 0, 0);
  }

  remove(): void {
    if (!this.tree.drop(this.key, 0, this.keyBytes)) assert.fail(NOT_THERE);
  }

  /** Puts the key that `makeKey` has made aside, for `removeRemembered`. */
  remember(): void {
    const key = this.key;
    this.key = this.#remembered;
    this.#remembered = key;
    this.#rememberedBytes = this.keyBytes;
  }

  forget(): void {
    this.#rememberedBytes = -1;
  }

  /** Removes the element whose key was put aside, if one was. */
  removeRemembered(): void {
    if (this.#rememberedBytes < 0) return;
    if (!this.tree.drop(this.#remembered, 0, this.#rememberedBytes)) assert.fail(NOT_THERE);
    this.#rememberedBytes = -1;
  }

  /** Copies the sub key of a leaf of the mirror to target[at...]; returns the index after it. */
  copySubKey(leaf: Leaf, target: Buffer, at: number): number {
    const bytes = this.tree.keyBytes(leaf);
    if (bytes > this.key.length) this.#grow(bytes);
    this.tree.copyKey(leaf, this.key, 0);
    if (this.#isOwned) return this.#copyOwnedSubKey(bytes, target, at);
    const start = this.#valueEnd(this.key);
    return at + this.key.copy(target, at, start, bytes);
  }

  /** The sub key of a leaf of the mirror: for cold paths. */
  subKey(leaf: Leaf): Buffer {
    const target = Buffer.allocUnsafe(this.tree.keyBytes(leaf));
    return target.subarray(0, this.copySubKey(leaf, target, 0));
  }

  #makeOwnedKey(
    value: Buffer,
    ownerFrom: number,
    ownerTo: number,
    subKey: Buffer,
    sfrom: number,
    sto: number,
  ): void {
    const { key } = this;
    // No owner is the empty one: replicas may hold what another type has put there.
    const ownerBytes = Math.max(0, ownerTo - ownerFrom);
    if (ownerBytes + sto - sfrom + 1 > KEY_BYTES_MAX) throw new MirrorKeyTooLongError();
    const idAt = sto - OWNED_ID_BYTES;
    let end = copyBytes(subKey, sfrom + 1, idAt, key, 0);
    end = key.writeUInt16BE(ownerBytes, end);
    end = copyBytes(value, ownerFrom, ownerFrom + ownerBytes, key, end);
    this.keyBytes = copyBytes(subKey, idAt, sto, key, end);
  }

  #copyOwnedSubKey(bytes: number, target: Buffer, at: number): number {
    const { key } = this;
    target[at] = OWNED_PREFIX;
    const classEnd = CLASS_AT - 1 + key.readUInt16BE(0);
    const end = copyBytes(key, 0, classEnd, target, at + 1);
    return copyBytes(key, bytes - OWNED_ID_BYTES, bytes, target, end);
  }

  #putValue(value: Buffer, from: number, to: number): number {
    const key = this.key;
    if (this.#isFixed) {
      if (to - from !== FIXED_BYTES) assert.fail('values of this sub tree have 8 bytes');
      return copyBytes(value, from, to, key, 0);
    }
    let at = 0;
    for (let i = from; i < to; i++) {
      const byte = value[i]!;
      key[at++] = byte;
      if (byte === 0) key[at++] = 0xff;
    }
    key[at++] = 0;
    key[at++] = 0;
    return at;
  }

  /** Where the sub key starts in a mirror key. */
  #valueEnd(key: Buffer): number {
    if (this.#isFixed) return FIXED_BYTES;
    let at = 0;
    while (key[at] !== 0 || key[at + 1] !== 0) at += key[at] === 0 ? 2 : 1;
    return at + 2;
  }

  #grow(bytes: number): void {
    this.key = Buffer.allocUnsafeSlow(Math.max(bytes, this.key.length * 2));
  }
}

/** What a leaf of a mirror says whose values may have any length. */
export class MirroredElement {
  /** value[0, valueBytes). */
  readonly value = Buffer.allocUnsafeSlow(KEY_BYTES_MAX);
  valueBytes = 0;
  /** key[subKeyFrom, keyBytes) is the sub key. */
  readonly key = Buffer.allocUnsafeSlow(KEY_BYTES_MAX);
  subKeyFrom = 0;
  keyBytes = 0;

  /** `tree`: any of the Space. */
  read(tree: Tree, leaf: Leaf): void {
    const { key, value } = this;
    this.keyBytes = tree.copyKey(leaf, key, 0);
    let bytes = 0;
    let at = 0;
    while (key[at] !== 0 || key[at + 1] !== 0) {
      const byte = key[at]!;
      value[bytes++] = byte;
      at += byte === 0 ? 2 : 1;
    }
    this.valueBytes = bytes;
    this.subKeyFrom = at + END_MARK_BYTES;
  }
}

/** Copies source[from, to) to target[at...]; returns the index after it. */
function copyBytes(source: Buffer, from: number, to: number, target: Buffer, at: number): number {
  if (to - from > LOOP_BYTES_MAX) return at + source.copy(target, at, from, to);
  let end = at;
  for (let i = from; i < to; i++) target[end++] = source[i]!;
  return end;
}
