/**
 * ElementExpiries: the order of a sub tree's elements by when they expire.
 *
 *   elements     sub key -> value, expiry       a until 7    b    c until 3
 *   expiries     (expiry, sub key) -> -         3 c   7 a
 *
 *   key:   expiry ms since 1970 (8, big-endian) | sub key
 *
 * A tree of its own below the same head, as the mirror is (mirror.ts): it follows from the elements
 * alone, so replicas never exchange it. What is due is its beginning, and the heap of a database
 * (`Tree.heads`) knows the heads by their first.
 *
 * Invariant: as many entries as the sub tree has elements with an expiry.
 */

import { CHUNK_SHIFT, GRANULE_MASK } from './arena.js';
import { TYPE_FIXED8 } from './head.js';
import { KEY_BYTES_MAX, keyWordAt, type Leaf } from './leaf.js';
import { Mirror } from './mirror.js';
import type { Space } from './space.js';
import type { Tree } from './tree.js';

const EXPIRY_BYTES = 8;
/** A longer sub key has no place in this order: its element takes no expiry. */
export const TIMED_SUB_KEY_BYTES_MAX = KEY_BYTES_MAX - EXPIRY_BYTES;

const TWO_32 = 4294967296;

export class ElementExpiries {
  readonly #mirror: Mirror;
  readonly #time = Buffer.alloc(EXPIRY_BYTES);

  constructor(space: Space) {
    this.#mirror = new Mirror(space);
  }

  get tree(): Tree {
    return this.#mirror.tree;
  }

  /** Turns to another sub tree's. */
  open(root: number): void {
    this.#mirror.open(root, TYPE_FIXED8);
  }

  /** Elements that expire. */
  get size(): number {
    return this.tree.liveCount;
  }

  /** When the first element expires, ms since 1970; Infinity: none does. */
  get firstMs(): number {
    return this.#msOf(this.tree.first());
  }

  /** When the last of them expires; Infinity if none does. */
  get lastMs(): number {
    return this.#msOf(this.tree.last());
  }

  /** Elements that have expired by a time. */
  dueCount(nowMs: number): number {
    const time = this.#store(nowMs + 1);
    return this.tree.rank(time, 0, EXPIRY_BYTES);
  }

  /** Copies the sub key that expires first to target[at...]; returns the index after it. */
  copyFirst(target: Buffer, at: number): number {
    return this.#mirror.copySubKey(this.tree.first(), target, at);
  }

  add(expiryMs: number, subKey: Buffer, from: number, to: number): void {
    this.#mirror.makeKey(this.#store(expiryMs), 0, EXPIRY_BYTES, subKey, from, to);
    this.#mirror.add();
  }

  remove(expiryMs: number, subKey: Buffer, from: number, to: number): void {
    this.#mirror.makeKey(this.#store(expiryMs), 0, EXPIRY_BYTES, subKey, from, to);
    this.#mirror.remove();
  }

  /** Whether there is this element with this expiry: for self-checks. */
  has(expiryMs: number, subKey: Buffer): boolean {
    this.#mirror.makeKey(this.#store(expiryMs), 0, EXPIRY_BYTES, subKey, 0, subKey.length);
    return this.tree.find(this.#mirror.key, 0, this.#mirror.keyBytes) !== 0;
  }

  #store(ms: number): Buffer {
    this.#time.writeUInt32BE(Math.floor(ms / TWO_32), 0);
    this.#time.writeUInt32BE(ms % TWO_32, 4);
    return this.#time;
  }

  #msOf(leaf: Leaf): number {
    if (leaf === 0) return Infinity;
    const { leaves } = this.tree.space;
    const byte = keyWordAt(leaves.i32[leaf >>> CHUNK_SHIFT]!, (leaf & GRANULE_MASK) << 1) * 4;
    const u8 = leaves.u8[leaf >>> CHUNK_SHIFT]!;
    return u8.readUInt32BE(byte) * TWO_32 + u8.readUInt32BE(byte + 4);
  }
}
