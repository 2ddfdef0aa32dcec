/**
 * LeafWalk: the leaves of a tree in order with the low halves of their hashes, many at a time.
 *
 *   node   [ t | a  b  c  d  e | lows ]       out   t  a  b | the leaves below c | d  e ...
 *            |  |  |  |  |  |
 *            L  L  L [..] L  L
 *
 * Sync looks at a million entries to find ten that differ. A cursor copies the key of each, so as to
 * survive a write; this one does not survive any, and reads nodes only: a leaf is a cache miss. It
 * goes to those that may be heads, which a node hints at.
 */
import { CHUNK_SHIFT, GRANULE_MASK } from '../arena.js';
import { flagsAt, KIND_HEAD, KIND_MASK, type Leaf } from '../leaf.js';
import {
  fetchNode,
  HINT_HEAD,
  LOW,
  lowWord,
  pointersBegin,
  pointersEnd,
  TERMINAL,
} from '../node.js';
import { locate, Path, settle } from '../path.js';
import type { Space } from '../space.js';
import { hashLeaf } from '../totals.js';
import type { Tree } from '../tree.js';

// Constants of this module the compiler takes for constants, those of others it loads each time.
const SHIFT = CHUNK_SHIFT;
const MASK = GRANULE_MASK;
const TERMINAL_WORD = TERMINAL;
const HEADS = HINT_HEAD;

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
  readonly #singleLow = new Int32Array(1);
  /** Of each node the slot up to which its children have been fetched. */
  #fetched = new Int32Array(FETCHED_FIRST);
  /** A leaf that comes before what the path leads to; 0: none. */
  #first: Leaf = 0;
  #tree!: Tree;
  /** The head whose elements these are; 0: none. */
  #head: Leaf = 0;
  /** Whether the leaf taken last is a head, behind which `fill` ends. */
  isAtHead = false;
  /** Keeps what was loaded to be in the cache. */
  touched = 0;

  constructor(space: Space) {
    this.#space = space;
  }

  /**
   * Stands before the first entry of a tree, or with `head` element of that head with this root,
   * that has a key >= this one, or with `isBehind` > it; null: before all.
   */
  seek(tree: Tree, head: Leaf, root: number, key: Buffer | null, isBehind: boolean): void {
    this.#tree = tree;
    this.#head = head;
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
    return this.fill(this.#single, this.#singleLow, 1, 0) === 0 ? 0 : this.#single[0]!;
  }

  /**
   * Takes up to `max` leaves and the lows of their own hashes, up to and without `stop`, where the
   * walk ends, and ends behind a head. None: the walk has ended.
   */
  fill(out: Int32Array, lows: Int32Array, max: number, stop: Leaf): number {
    let count = 0;
    this.isAtHead = false;
    if (this.#first !== 0) {
      const first = this.#first;
      this.#first = 0;
      if (first === stop) {
        this.#path.length = 0;
        return 0;
      }
      out[count] = first;
      lows[count++] = this.#hash(first);
      if (this.#isHead(first)) return count;
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
      const mayBeHeads = (header & HEADS) !== 0;
      let slot = path.slots[top]! + 1;
      if (slot === word + TERMINAL_WORD + 1) slot = pointersBegin(word, header);
      let pointer = 0;
      while (slot < end && count < max) {
        pointer = i32[slot]!;
        if (pointer > 0) break;
        if (pointer < 0) {
          const leaf = 0 - pointer;
          if (leaf === stop) {
            path.length = 0;
            return count;
          }
          out[count] = leaf;
          lows[count++] =
            slot === word + TERMINAL_WORD
              ? terminalLow(i32, word, header)
              : i32[lowWord(header, slot)]!;
          if (mayBeHeads && this.#isHead(leaf)) {
            // The low beside the pointer covers its elements.
            lows[count - 1] = this.#hash(leaf);
            path.slots[top] = slot;
            return count;
          }
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

  #hash(leaf: Leaf): number {
    const tree = this.#tree;
    const outer = tree.head;
    tree.head = this.#head;
    hashLeaf(tree, leaf);
    tree.head = outer;
    return this.#space.hash.low;
  }

  #isHead(leaf: Leaf): boolean {
    const i32 = this.#space.leaves.i32[leaf >>> SHIFT]!;
    this.isAtHead = (flagsAt(i32, (leaf & MASK) << 1) & KIND_MASK) === KIND_HEAD;
    return this.isAtHead;
  }

  #growFetched(): void {
    const longer = new Int32Array(this.#fetched.length * 4);
    longer.set(this.#fetched);
    this.#fetched = longer;
  }
}

/** What the other children leave of a node's low. */
function terminalLow(i32: Int32Array, word: number, header: number): number {
  const end = pointersEnd(word, header);
  let low = i32[word + LOW]!;
  for (let slot = pointersBegin(word, header); slot < end; slot++) {
    if (i32[slot] !== 0) low = (low - i32[lowWord(header, slot)]!) | 0;
  }
  return low;
}
