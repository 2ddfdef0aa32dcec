/**
 * LeafWalk: the leaves of a tree in order, many at a time, into an array.
 *
 *   node   [ t | a  b  c  d  e ]          out   t  a  b | the leaves below c | d  e ...
 *            |  |  |  |  |  |
 *            L  L  L [..] L  L
 *
 * Sync hashes a million leaves to find ten that differ. A cursor copies the key of each, so as to
 * survive a write; this one does not survive any, and costs a few nanoseconds a leaf.
 */
import { CHUNK_SHIFT, GRANULE_MASK } from '../arena.js';
import type { Leaf } from '../leaf.js';
import { fetchNode, pointersBegin, pointersEnd, TERMINAL } from '../node.js';
import { locate, Path, settle } from '../path.js';
import type { Space } from '../space.js';

// Constants of this module the compiler takes for constants, those of others it loads each time.
const SHIFT = CHUNK_SHIFT;
const MASK = GRANULE_MASK;
const TERMINAL_WORD = TERMINAL;

/** Slot of a node of which nothing has been taken yet, from its word on. */
const NOTHING_TAKEN = TERMINAL_WORD - 1;
const FETCHED_FIRST = 64;
/** How many slots ahead nodes are fetched, at once. */
const AHEAD = 16;

export class LeafWalk {
  readonly #space: Space;
  /** Of each node the slot taken last. */
  readonly #path = new Path();
  readonly #single = new Int32Array(1);
  /** Of each node the slot up to which its children have been fetched. */
  #fetched = new Int32Array(FETCHED_FIRST);
  /** A leaf that comes before what the path leads to; 0: none. */
  #first: Leaf = 0;
  /** Keeps what was loaded to be in the cache. */
  touched = 0;

  constructor(space: Space) {
    this.#space = space;
  }

  /**
   * Stands before the first leaf of the tree with this root that has a key >= this one, or with
   * `isBehind` > it; null: before all.
   */
  seek(root: number, key: Buffer | null, isBehind: boolean): void {
    const { leaves, nodes } = this.#space;
    const path = this.#path;
    this.#first = 0;
    path.length = 0;
    path.behind = false;
    if (root === 0) return;
    if (key !== null) {
      const isThere = locate(path, nodes, leaves, root, key, 0, key.length);
      if (!isThere) settle(path, nodes, key, 0, key.length);
      else if (!isBehind) this.#first = path.leaf;
      while (path.length > this.#fetched.length) this.#growFetched();
      this.#fetched.fill(0, 0, path.length);
      if (isThere || path.length > 0 || path.behind) return;
    }
    if (root > 0) this.#push(root);
    else this.#first = 0 - root;
  }

  /** The next leaf; 0: there is none. */
  next(): Leaf {
    return this.fill(this.#single, 1, 0) === 0 ? 0 : this.#single[0]!;
  }

  /** Takes up to `max` leaves, up to and without `stop`, where the walk ends; fewer: it has. */
  fill(out: Int32Array, max: number, stop: Leaf): number {
    let count = 0;
    if (this.#first !== 0) {
      const first = this.#first;
      this.#first = 0;
      if (first === stop) {
        this.#path.length = 0;
        return 0;
      }
      out[count++] = first;
    }
    const path = this.#path;
    const chunks = this.#space.nodes.i32;
    while (path.length > 0 && count < max) {
      const top = path.length - 1;
      const node = path.nodes[top]!;
      const i32 = chunks[node >>> SHIFT]!;
      const word = (node & MASK) << 1;
      const header = i32[word]!;
      const end = pointersEnd(word, header);
      let slot = path.slots[top]! + 1;
      if (slot === word + TERMINAL_WORD + 1) slot = pointersBegin(word, header);
      let pointer = 0;
      while (slot < end && count < max) {
        pointer = i32[slot]!;
        if (pointer > 0) break;
        if (pointer < 0) {
          if (0 - pointer === stop) {
            path.length = 0;
            return count;
          }
          out[count++] = 0 - pointer;
        }
        slot = slot === word + TERMINAL_WORD ? pointersBegin(word, header) : slot + 1;
      }
      if (slot >= end) {
        path.length = top;
      } else if (pointer > 0) {
        path.slots[top] = slot;
        if (this.#fetched[top]! <= slot) this.#fetch(top, i32, slot, end);
        this.#push(pointer);
      } else {
        path.slots[top] = slot - 1;
      }
    }
    return count;
  }

  /** Fetches the next nodes below one, all at once: their cache misses overlap. */
  #fetch(depth: number, i32: Int32Array, from: number, end: number): void {
    const chunks = this.#space.nodes.i32;
    const to = Math.min(end, from + AHEAD);
    let touched = 0;
    for (let slot = from; slot < to; slot++) {
      const node = i32[slot]!;
      if (node <= 0) continue;
      const child = chunks[node >>> SHIFT]!;
      const word = (node & MASK) << 1;
      touched ^= child[word]! ^ fetchNode(child, word);
    }
    this.#fetched[depth] = to;
    this.touched = touched;
  }

  #push(node: number): void {
    const path = this.#path;
    if (path.length === path.nodes.length) path.grow();
    if (path.length === this.#fetched.length) this.#growFetched();
    this.#fetched[path.length] = 0;
    path.nodes[path.length] = node;
    path.slots[path.length++] = ((node & MASK) << 1) + NOTHING_TAKEN;
  }

  #growFetched(): void {
    const longer = new Int32Array(this.#fetched.length * 4);
    longer.set(this.#fetched);
    this.#fetched = longer;
  }
}
