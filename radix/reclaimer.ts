/**
 * Reclaimer: frees detached trees (FLUSHDB, DEL of a sub tree) in slices, so
 * that one small write stays small whatever it detaches.
 *
 * What waits is a stack of pointers. A node taken from it is freed and its
 * children are put on: the stack never holds more than the children of one way
 * down, and nothing recurses.
 */
import { CHUNK_SHIFT, GRANULE_MASK } from './arena.js';
import {
  FLAG_EXTERNAL,
  flagsAt,
  HEAD_EXPIRIES_WORD,
  HEAD_MIRROR_WORD,
  HEAD_ROOT_WORD,
  isTimedHeadAt,
  KIND_HEAD,
  KIND_MASK,
  type Leaf,
  valueWordAt,
} from './leaf.js';
import { firstSlot, slotAfter } from './node.js';
import type { Space } from './space.js';

export class Reclaimer {
  readonly #space: Space;
  readonly #waiting: number[] = [];
  /** Called when something waits and nothing did. */
  onWaiting: () => void = () => {};

  constructor(space: Space) {
    this.#space = space;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  add(pointer: number): void {
    if (pointer === 0) return;
    this.#waiting.push(pointer);
    if (this.#waiting.length === 1) this.onWaiting();
  }

  /** Frees up to `records` records; true if some are left. */
  step(records: number): boolean {
    const waiting = this.#waiting;
    for (let i = 0; i < records; i++) {
      const pointer = waiting.pop();
      if (pointer === undefined) return false;
      if (pointer > 0) this.#freeNode(pointer);
      else this.#freeLeaf(0 - pointer);
    }
    return waiting.length > 0;
  }

  #freeNode(node: number): void {
    const nodes = this.#space.nodes;
    const i32 = nodes.i32[node >>> CHUNK_SHIFT]!;
    const word = (node & GRANULE_MASK) << 1;
    const header = i32[word]!;
    let slot = firstSlot(i32, word, header);
    while (slot !== 0) {
      this.#waiting.push(i32[slot]!);
      slot = slotAfter(i32, word, header, slot);
    }
    nodes.free(node);
  }

  #freeLeaf(leaf: Leaf): void {
    const space = this.#space;
    const i32 = space.leaves.i32[leaf >>> CHUNK_SHIFT]!;
    const word = (leaf & GRANULE_MASK) << 1;
    const flags = flagsAt(i32, word);
    if ((flags & FLAG_EXTERNAL) !== 0) space.bigValues.free(i32[valueWordAt(i32, word)]!);
    if ((flags & KIND_MASK) === KIND_HEAD) {
      const at = valueWordAt(i32, word);
      this.add(i32[at + HEAD_ROOT_WORD]!);
      this.add(i32[at + HEAD_MIRROR_WORD]!);
      if (isTimedHeadAt(i32, word)) this.add(i32[at + HEAD_EXPIRIES_WORD]!);
    }
    space.leaves.free(leaf);
  }
}
