/**
 * Cursor: iteration over a tree, forward and backward, that survives writes between its steps.
 *
 *                      next ->                              next ->
 *      ... entry | entry ...                     ... entry  entry  entry ...
 *                ^ between                                    ^ on
 *        <- prev                                     <- prev
 *
 * It stands before the first entry, behind the last, between two, or on one. It remembers the key
 * of its place; as long as the tree's version stays the same, its path too, so that a step costs no
 * descent. After a write that changed the tree's nodes the next step descends to the key again.
 * `seek` only remembers the key. Nothing allocates per step.
 *
 * A walk over entries in random places of memory mostly waits for memory. So from its second step
 * on it reads ahead: 8 of the leaves to come at once, which made it 30 % faster.
 */
import { CHUNK_BYTES, CHUNK_SHIFT, GRANULE_MASK } from './arena.js';
import { keyBytesAt, keyWordAt, type Leaf, leafVisible, loadBytes, visibleAt } from './leaf.js';
import { pointersBegin, pointersEnd } from './node.js';
import { nth } from './order.js';
import { locate, Path, settle, walkFirst, walkLast, walkNext, walkPrev } from './path.js';
import type { Tree } from './tree.js';

export interface CursorOptions {
  /** Tombstones and hidden heads too; default false: what users see. */
  all?: boolean;
}

const AT_FIRST = 0;
const BETWEEN = 1;
const ON = 2;
const AT_LAST = 3;
const KEY_BYTES_FIRST = 64;
/** How many leaves ahead a walk fetches. */
const AHEAD_SLOTS = 8;
const CHUNK_WORDS_MASK = CHUNK_BYTES / 4 - 1;

export class Cursor {
  readonly #tree: Tree;
  readonly #all: boolean;
  readonly #path = new Path();
  #place = AT_FIRST;
  /** The key that it stands on, or before which it stands. */
  #key = Buffer.allocUnsafeSlow(KEY_BYTES_FIRST);
  #keyBytes = 0;
  /** The tree's version that #path belongs to; -1: to none. */
  #version = -1;
  /** Slots of #aheadNode in [#aheadFrom, #aheadTo) have been fetched. */
  #aheadNode = 0;
  #aheadFrom = 0;
  #aheadTo = 0;
  /** Holds what loads gave that are wanted for their effect on the cache only. */
  fetched = 0;

  constructor(tree: Tree, options: CursorOptions = {}) {
    this.#tree = tree;
    this.#all = options.all ?? false;
  }

  /** Stands before the first entry with a key >= this one. */
  seek(key: Buffer, from: number, to: number): void {
    this.#reserveKey(to - from);
    key.copy(this.#key, 0, from, to);
    this.#keyBytes = to - from;
    this.#place = BETWEEN;
    this.#version = -1;
  }

  /** Stands so that the next step, `prev` if backward, leads to this key or, not included, past it. */
  seekBeside(key: Buffer, backward: boolean, isIncluded: boolean): void {
    this.#reserveKey(key.length + 1);
    this.seek(key, 0, key.length);
    if (backward !== isIncluded) return;
    // Between this key and the next one that there could be.
    this.#key[key.length] = 0;
    this.#keyBytes = key.length + 1;
  }

  seekFirst(): void {
    this.#place = AT_FIRST;
  }

  /** Stands behind the last entry. */
  seekLast(): void {
    this.#place = AT_LAST;
  }

  /** Moves to the entry after its place and returns it; 0, and it stands behind all, if none is. */
  next(): Leaf {
    const { nodes, leaves } = this.#tree.space;
    const path = this.#path;
    let leaf: Leaf = 0;
    if (this.#place === ON && this.#version === this.#tree.version) {
      leaf = walkNext(path, nodes, leaves, this.#all);
      this.#fetchAhead(1, AHEAD_SLOTS);
    } else if (this.#place === AT_FIRST) {
      leaf = walkFirst(path, nodes, leaves, this.#tree.root, this.#all);
    } else if (this.#place !== AT_LAST) {
      leaf = this.#nextByKey();
    }
    if (leaf === 0) this.#place = AT_LAST;
    else this.#standOn(leaf);
    return leaf;
  }

  /** Moves to the entry before its place and returns it; 0, and it stands before all, if none. */
  prev(): Leaf {
    const { nodes, leaves } = this.#tree.space;
    const path = this.#path;
    let leaf: Leaf = 0;
    if (this.#place === ON && this.#version === this.#tree.version) {
      leaf = walkPrev(path, nodes, leaves, this.#all, false);
      this.#fetchAhead(1 - AHEAD_SLOTS, 0);
    } else if (this.#place === AT_LAST) {
      leaf = walkLast(path, nodes, leaves, this.#tree.root, this.#all);
    } else if (this.#place !== AT_FIRST) {
      leaf = this.#prevByKey();
    }
    if (leaf === 0) this.#place = AT_FIRST;
    else this.#standOn(leaf);
    return leaf;
  }

  // A walk that ends before anything is written: it copies no keys. Place the cursor anew after it.

  /** Stands on the visible entry with this index and returns it; 0 if there is none. */
  stepTo(index: number): Leaf {
    const leaf = index < 0 ? 0 : nth(this.#tree, this.#path, index);
    this.#place = leaf === 0 ? AT_LAST : ON;
    this.#version = this.#tree.version;
    return leaf;
  }

  /** Stands on the first entry above the key, or not below it, and returns it; 0 if there is none. */
  stepFrom(key: Buffer, from: number, to: number, isIncluded: boolean): Leaf {
    this.seek(key, from, to);
    if (!isIncluded) this.#place = ON;
    const leaf = this.#nextByKey();
    this.#place = leaf === 0 ? AT_LAST : ON;
    this.#version = this.#tree.version;
    return leaf;
  }

  /**
   * Moves over the next entries, at most `max` and at most what `run` holds, and puts them there, from
   * `begin` on; how many they are, 0 if none is left. Takes the leaves of one node in a row.
   */
  stepRun(run: Int32Array, max: number, begin = 0): number {
    const { nodes, leaves } = this.#tree.space;
    const path = this.#path;
    const leaf = walkNext(path, nodes, leaves, this.#all);
    if (leaf === 0) return 0;
    run[begin] = leaf;
    const top = path.length - 1;
    if (top < 0) return 1;
    const room = run.length - begin;
    const limit = max < room ? max : room;
    const node = path.nodes[top]!;
    const i32 = nodes.i32[node >>> CHUNK_SHIFT]!;
    const word = (node & GRANULE_MASK) << 1;
    const header = i32[word]!;
    const end = pointersEnd(word, header);
    let slot = path.slots[top]!;
    let last = slot;
    let count = 1;
    let fetched = 0;
    // The key that ends at the node stands apart from the slots of its children.
    slot = slot < pointersBegin(word, header) ? pointersBegin(word, header) : slot + 1;
    for (; slot < end && count < limit; slot++) {
      const pointer = i32[slot]!;
      if (pointer > 0) break;
      if (pointer === 0) continue;
      const next = 0 - pointer;
      const leafI32 = leaves.i32[next >>> CHUNK_SHIFT]!;
      const leafWord = (next & GRANULE_MASK) << 1;
      fetched ^= leafI32[(leafWord + 16) & CHUNK_WORDS_MASK]!;
      if (!this.#all && !visibleAt(leafI32, leafWord)) continue;
      run[begin + count++] = next;
      last = slot;
    }
    path.slots[top] = last;
    this.fetched = fetched;
    return count;
  }

  /** Moves to the entry before it. */
  stepBack(): Leaf {
    const { nodes, leaves } = this.#tree.space;
    const leaf = walkPrev(this.#path, nodes, leaves, this.#all, false);
    this.#fetchAhead(1 - AHEAD_SLOTS, 0);
    return leaf;
  }

  /**
   * Reads a word of each of the next leaves, all at once: their cache misses overlap, where a walk
   * from leaf to leaf would wait for each.
   */
  #fetchAhead(first: number, last: number): void {
    const path = this.#path;
    const top = path.length - 1;
    if (top < 0) return;
    const node = path.nodes[top]!;
    const slot = path.slots[top]!;
    if (node === this.#aheadNode && slot >= this.#aheadFrom && slot < this.#aheadTo) return;
    const { nodes, leaves } = this.#tree.space;
    const i32 = nodes.i32[node >>> CHUNK_SHIFT]!;
    const word = (node & GRANULE_MASK) << 1;
    const from = Math.max(pointersBegin(word, i32[word]!), slot + first);
    const to = Math.min(pointersEnd(word, i32[word]!), slot + last + 1);
    let fetched = 0;
    for (let at = from; at < to; at++) {
      const leaf = 0 - i32[at]!;
      if (leaf <= 0) continue;
      const leafI32 = leaves.i32[leaf >>> CHUNK_SHIFT]!;
      const leafWord = (leaf & GRANULE_MASK) << 1;
      fetched ^= leafI32[leafWord]! ^ leafI32[(leafWord + 16) & CHUNK_WORDS_MASK]!;
    }
    this.fetched = fetched;
    this.#aheadNode = node;
    this.#aheadFrom = from;
    this.#aheadTo = to;
  }

  #nextByKey(): Leaf {
    const { root, space } = this.#tree;
    const { nodes, leaves } = space;
    const path = this.#path;
    if (this.#locate()) {
      if (this.#place === BETWEEN && (this.#all || leafVisible(leaves, path.leaf))) {
        return path.leaf;
      }
    } else if (path.length === 0) {
      return path.behind ? 0 : walkFirst(path, nodes, leaves, root, this.#all);
    }
    return walkNext(path, nodes, leaves, this.#all);
  }

  #prevByKey(): Leaf {
    const { root, space } = this.#tree;
    const { nodes, leaves } = space;
    const path = this.#path;
    const found = this.#locate();
    if (!found && path.length === 0) {
      return path.behind ? walkLast(path, nodes, leaves, root, this.#all) : 0;
    }
    return walkPrev(path, nodes, leaves, this.#all, !found);
  }

  #locate(): boolean {
    const { root, space } = this.#tree;
    const path = this.#path;
    const key = this.#key;
    const bytes = this.#keyBytes;
    path.behind = false;
    if (locate(path, space.nodes, space.leaves, root, key, 0, bytes)) return true;
    if (root !== 0) settle(path, space.nodes, key, 0, bytes);
    return false;
  }

  #standOn(leaf: Leaf): void {
    this.#remember(leaf);
    this.#place = ON;
    this.#version = this.#tree.version;
  }

  #remember(leaf: Leaf): void {
    const leaves = this.#tree.space.leaves;
    const i32 = leaves.i32[leaf >>> CHUNK_SHIFT]!;
    const word = (leaf & GRANULE_MASK) << 1;
    const bytes = keyBytesAt(i32, word);
    if (bytes > this.#key.length) this.#reserveKey(bytes);
    const u8 = leaves.u8[leaf >>> CHUNK_SHIFT]!;
    loadBytes(i32, u8, keyWordAt(i32, word), 0, bytes, this.#key, 0);
    this.#keyBytes = bytes;
  }

  #reserveKey(bytes: number): void {
    if (bytes <= this.#key.length) return;
    this.#key = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(bytes)));
  }
}
