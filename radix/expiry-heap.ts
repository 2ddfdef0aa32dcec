/**
 * When entries expire: a 4-ary min-heap of (expiry, leaf), off the JavaScript heap.
 *
 *   slot      0 | 1 2 3 4 | 5 ... 8 | 9 ...        children of s: 4s + 1 ... 4s + 4
 *   expiryMs  chunks of 8192 doubles, 64 KiB
 *   leaf      chunks of 8192 words, 32 KiB
 *
 * Chunks come and go at the end, so growing copies nothing. Each leaf keeps the slot it has here,
 * written through `SlotKeeper` whenever it changes; that makes removing and moving an entry find
 * its slot without a search. Four children instead of two halve the depth, and with it the leaves
 * that a sift has to touch.
 *
 * Invariant: no expiry is below its parent's, and `keeper` knows each leaf's slot.
 */

import { strict as assert } from 'node:assert';

/** The slot of a leaf that is not in the heap. */
export const NO_SLOT = -1;

const CHUNK_SHIFT = 13;
const CHUNK_SLOTS = 1 << CHUNK_SHIFT;
const SLOT_MASK = CHUNK_SLOTS - 1;
const BYTES_PER_SLOT = 12;

/** Where the slot of a leaf is kept. */
export interface SlotKeeper {
  setHeapSlot(leaf: number, slot: number): void;
  /** The heap has taken (or with a negative number given back) memory. */
  addHeapBytes(bytes: number): void;
}

export class ExpiryHeap {
  private readonly keeper: SlotKeeper;
  private readonly expiries: Float64Array[] = [];
  private readonly leaves: Int32Array[] = [];
  private count = 0;

  constructor(keeper: SlotKeeper) {
    this.keeper = keeper;
  }

  get size(): number {
    return this.count;
  }

  get reservedBytes(): number {
    return this.leaves.length * CHUNK_SLOTS * BYTES_PER_SLOT;
  }

  get usedBytes(): number {
    return this.count * BYTES_PER_SLOT;
  }

  /** The earliest expiry, Infinity if there is none. */
  get firstDueMs(): number {
    return this.count === 0 ? Infinity : this.expiries[0]![0]!;
  }

  add(leaf: number, expiryMs: number): void {
    const slot = this.count;
    if (slot >>> CHUNK_SHIFT === this.leaves.length) {
      this.expiries.push(new Float64Array(CHUNK_SLOTS));
      this.leaves.push(new Int32Array(CHUNK_SLOTS));
    }
    this.keeper.addHeapBytes(BYTES_PER_SLOT);
    this.count = slot + 1;
    this.#siftUp(slot, leaf, expiryMs);
  }

  /** Takes the entry at `slot` out; its leaf is not written to. Nothing happens at NO_SLOT. */
  remove(slot: number): void {
    if (slot === NO_SLOT) return;
    assert(slot >= 0 && slot < this.count);
    const last = --this.count;
    this.keeper.addHeapBytes(-BYTES_PER_SLOT);
    const leaf = this.#leafAt(last);
    const expiryMs = this.#expiryAt(last);
    this.#releaseSpareChunk();
    if (slot === last) return;
    this.#settle(slot, leaf, expiryMs);
  }

  /** The leaf of the entry at `slot` lies elsewhere now and carries its slot with it. */
  move(slot: number, leaf: number): void {
    if (slot === NO_SLOT) return;
    assert(slot >= 0 && slot < this.count);
    this.leaves[slot >>> CHUNK_SHIFT]![slot & SLOT_MASK] = leaf;
  }

  /** The entry at `slot` expires at another time, and its leaf may lie elsewhere. */
  change(slot: number, leaf: number, expiryMs: number): void {
    assert(slot >= 0 && slot < this.count);
    this.#settle(slot, leaf, expiryMs);
  }

  /** The leaf that expires first, if its time has come; 0 otherwise. It stays in the heap. */
  peekDue(nowMs: number): number {
    if (this.count === 0 || this.expiries[0]![0]! > nowMs) return 0;
    return this.leaves[0]![0]!;
  }

  /**
   * Takes out the leaf that expires first if its time has come, and marks it with NO_SLOT; 0
   * if none is due.
   */
  popDue(nowMs: number): number {
    const leaf = this.peekDue(nowMs);
    if (leaf === 0) return 0;
    this.remove(0);
    this.keeper.setHeapSlot(leaf, NO_SLOT);
    return leaf;
  }

  /** Forgets all entries without telling their leaves. */
  clear(): void {
    this.keeper.addHeapBytes(-this.count * BYTES_PER_SLOT);
    this.count = 0;
    this.expiries.length = 0;
    this.leaves.length = 0;
  }

  /** The leaf at a slot, for self-checks and for whoever visits all. */
  leafAt(slot: number): number {
    assert(slot >= 0 && slot < this.count);
    return this.#leafAt(slot);
  }

  /** Throws unless the order holds. `slotOf` tells what the leaf believes. */
  check(slotOf: (leaf: number) => number, expiryOf: (leaf: number) => number): void {
    for (let slot = 0; slot < this.count; slot++) {
      const leaf = this.#leafAt(slot);
      const expiryMs = this.#expiryAt(slot);
      assert.equal(slotOf(leaf), slot);
      assert.equal(expiryOf(leaf), expiryMs);
      if (slot > 0) assert(this.#expiryAt((slot - 1) >>> 2) <= expiryMs);
    }
  }

  #leafAt(slot: number): number {
    return this.leaves[slot >>> CHUNK_SHIFT]![slot & SLOT_MASK]!;
  }

  #expiryAt(slot: number): number {
    return this.expiries[slot >>> CHUNK_SHIFT]![slot & SLOT_MASK]!;
  }

  #place(slot: number, leaf: number, expiryMs: number): void {
    this.leaves[slot >>> CHUNK_SHIFT]![slot & SLOT_MASK] = leaf;
    this.expiries[slot >>> CHUNK_SHIFT]![slot & SLOT_MASK] = expiryMs;
    this.keeper.setHeapSlot(leaf, slot);
  }

  /** Puts an entry into the hole at `slot`, wherever from there it belongs. */
  #settle(slot: number, leaf: number, expiryMs: number): void {
    if (slot > 0 && this.#expiryAt((slot - 1) >>> 2) > expiryMs) {
      this.#siftUp(slot, leaf, expiryMs);
    } else {
      this.#siftDown(slot, leaf, expiryMs);
    }
  }

  #siftUp(hole: number, leaf: number, expiryMs: number): void {
    let slot = hole;
    while (slot > 0) {
      const parent = (slot - 1) >>> 2;
      const parentMs = this.#expiryAt(parent);
      if (parentMs <= expiryMs) break;
      this.#place(slot, this.#leafAt(parent), parentMs);
      slot = parent;
    }
    this.#place(slot, leaf, expiryMs);
  }

  #siftDown(hole: number, leaf: number, expiryMs: number): void {
    let slot = hole;
    for (;;) {
      const firstChild = 4 * slot + 1;
      if (firstChild >= this.count) break;
      const childEnd = Math.min(firstChild + 4, this.count);
      let least = firstChild;
      let leastMs = this.#expiryAt(firstChild);
      for (let child = firstChild + 1; child < childEnd; child++) {
        const childMs = this.#expiryAt(child);
        if (childMs < leastMs) {
          least = child;
          leastMs = childMs;
        }
      }
      if (leastMs >= expiryMs) break;
      this.#place(slot, this.#leafAt(least), leastMs);
      slot = least;
    }
    this.#place(slot, leaf, expiryMs);
  }

  /** Keeps one chunk more than needed, so that an entry coming and going allocates nothing. */
  #releaseSpareChunk(): void {
    const neededChunks = (this.count + SLOT_MASK) >>> CHUNK_SHIFT;
    if (this.leaves.length <= neededChunks + 1) return;
    this.leaves.pop();
    this.expiries.pop();
  }
}
