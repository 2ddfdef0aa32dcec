/**
 * Compaction: moves records out of slabs that are mostly holes, so that the
 * slabs can serve other sizes or go back to the system.
 *
 *   before   [#.#..#..] [########] [..#.....] [####.###]      # record  . hole
 *   after    [   free ] [########] [  free  ] [########] ...
 *
 * Every record has one parent, but does not know it. So one pass walks all
 * trees in key order, in slices, and moves what lies in a leaving slab when it
 * comes by, correcting the parent's pointer; sub trees and mirrors are walked where their
 * heads lie. What a pass does not meet (detached trees, snapshots, entries written behind its
 * back) stays, and keeps its slab.
 *
 * A pass costs a walk, so it begins only when much can be gained, and not before that has grown
 * since the last one. Where only nodes are to be moved, it goes by the leaves, of which there are
 * fifteen times as many, without reading them; but for heads. Leaves move: a step counts as a write
 * to the Space.
 */
import { type Arena, CHUNK_SHIFT, GRANULE_MASK } from './arena.js';
import { relink } from './insert.js';
import {
  copyLeafKey,
  FLAG_EXPIRY,
  flagsAt,
  HEAD_EXPIRIES_WORD,
  HEAD_MIRROR_WORD,
  HEAD_ROOT_WORD,
  HEAD_SLOT_WORD,
  headWord,
  isTimedHead,
  KIND_HEAD,
  KIND_MASK,
  type Leaf,
  leafFlags,
  leafKeyBytes,
  setHeadWord,
  slotAt,
} from './leaf.js';
import { HINT_HEAD, pointersEnd, slotAfter } from './node.js';
import { locate, type Path, settle, walkFirst, walkNext } from './path.js';
import type { Space } from './space.js';
import { Tree } from './tree.js';

/** What makes a pass worth its walk. */
interface Worth {
  /** So much of an arena lies in holes, at least. */
  readonly bytesMin: number;
  /** And such a share of what is used there. A pass over nodes alone is cheap: it reads no leaves. */
  readonly nodeShareMin: number;
  readonly leafShareMin: number;
}
/** While clients are busy: passes for less would cost as much as the writes that make the holes. */
const WORTH: Readonly<Record<'idle' | 'busy', Worth>> = {
  idle: { bytesMin: 1024 * 1024, nodeShareMin: 1 / 8, leafShareMin: 1 / 24 },
  busy: { bytesMin: 2 * 1024 * 1024, nodeShareMin: 1 / 6, leafShareMin: 1 / 8 },
};
/** And there must be so many times what the last pass left. */
const HOLES_GROWTH_MIN = 1.25;
/** So many nodes beside each other are fetched at once. */
const AHEAD_SLOTS = 16;

/** For how much a pass may begin: for little, for more while clients are busy, for anything. */
export type Demand = 'idle' | 'busy' | 'forced';

/** Of one arena: whether it is worth a pass. */
class Holes {
  readonly #arena: Arena;
  #leftBytes = 0;
  /** A pass is emptying slabs of it. */
  #isPicked = false;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  get #bytes(): number {
    const { heldBytes, usedBytes } = this.#arena.usage();
    return heldBytes - usedBytes;
  }

  /** Picks the slabs to empty if that is worth it or forced. Returns how many there are. */
  pick(bytesMin: number, shareMin: number, isForced: boolean): number {
    const bytes = this.#bytes;
    const isWorth =
      bytes >= bytesMin &&
      bytes >= this.#arena.usedBytes * shareMin &&
      bytes >= this.#leftBytes * HOLES_GROWTH_MIN;
    const picked = isWorth || isForced ? this.#arena.pickLeaving() : 0;
    // What is freed otherwise makes room for growth again.
    if (picked === 0) this.#leftBytes = isWorth ? bytes : Math.min(this.#leftBytes, bytes);
    this.#isPicked = picked > 0;
    return picked;
  }

  end(): void {
    // A pass that was for the other arena has left nothing of this one.
    if (!this.#isPicked) return;
    this.#arena.keepLeaving();
    this.#leftBytes = this.#bytes;
  }
}

/** Where in a tree a walk is: behind this key. */
class Place {
  key = Buffer.alloc(0);
  keyBytes = 0;
  started = false;

  remember(space: Space, leaf: Leaf): void {
    const keyBytes = leafKeyBytes(space.leaves, leaf);
    if (keyBytes > this.key.length) this.key = Buffer.alloc(keyBytes * 2);
    copyLeafKey(space.leaves, leaf, this.key, 0);
    this.keyBytes = keyBytes;
    this.started = true;
  }
}

export class Compactor {
  readonly #space: Space;
  readonly #trees: () => readonly Tree[];
  /** Sub trees and mirrors on the way, one at a time; neither hashed nor timed. */
  readonly #inner: Tree;
  readonly #place = new Place();
  readonly #innerPlace = new Place();
  #running = false;
  /** Number of the tree where the walk is. */
  #treeIndex = 0;
  /** Inside the head at #place: the word of the root being walked; -1: not inside. */
  #innerWord = -1;
  readonly #nodeHoles: Holes;
  readonly #leafHoles: Holes;
  /** Only nodes move: a pass goes by the leaves without looking at them. */
  #leavesStay = false;
  /** Slots of #aheadNode in [#aheadFrom, #aheadTo) have been fetched. */
  #aheadNode = 0;
  #aheadFrom = 0;
  #aheadTo = 0;
  /** Holds what loads gave that are wanted for their effect on the cache only. */
  fetched = 0;
  /** Records moved since the start, for INFO. */
  movedCount = 0;

  /** `trees`: all databases, in an order that stays. */
  constructor(space: Space, trees: () => readonly Tree[]) {
    this.#space = space;
    this.#trees = trees;
    this.#nodeHoles = new Holes(space.nodes);
    this.#leafHoles = new Holes(space.leaves);
    this.#inner = new Tree(space, { expiries: false, digests: false, path: space.elementPath });
  }

  get isRunning(): boolean {
    return this.#running;
  }

  /**
   * Looks at up to `entries` entries. True if a pass is under way; false if none is worth it.
   */
  step(entries: number, demand: Demand = 'idle'): boolean {
    this.#space.settle();
    if (!this.#running && !this.#begin(demand)) return false;
    let left = entries;
    while (left > 0) {
      const tree = this.#trees()[this.#treeIndex];
      if (tree === undefined) {
        this.#end();
        return false;
      }
      left = this.#innerWord >= 0 ? this.#walkInner(tree, left) : this.#walkOuter(tree, left);
    }
    return true;
  }

  #begin(demand: Demand): boolean {
    const isForced = demand === 'forced';
    const { bytesMin, leafShareMin, nodeShareMin } = WORTH[isForced ? 'idle' : demand];
    const nodeSlabs = this.#nodeHoles.pick(bytesMin, nodeShareMin, isForced);
    const leafSlabs = this.#leafHoles.pick(bytesMin, leafShareMin, isForced);
    if (nodeSlabs + leafSlabs === 0) return false;
    this.#leavesStay = leafSlabs === 0;
    this.#running = true;
    this.#treeIndex = 0;
    this.#innerWord = -1;
    this.#place.started = false;
    return true;
  }

  #end(): void {
    this.#nodeHoles.end();
    this.#leafHoles.end();
    this.#running = false;
  }

  /** Walks on in a database, up to a head, which the next call enters. Returns what is left. */
  #walkOuter(tree: Tree, entries: number): number {
    const space = this.#space;
    let left = entries;
    let leaf = resume(tree, this.#place);
    while (leaf !== 0 && left > 0) {
      leaf = this.#move(tree, leaf);
      left--;
      if (this.#isHead(tree.path, leaf)) {
        this.#place.remember(space, leaf);
        this.#innerWord = HEAD_ROOT_WORD;
        this.#innerPlace.started = false;
        return left;
      }
      if (left === 0) this.#place.remember(space, leaf);
      leaf = this.#walkOn(tree.path);
    }
    if (leaf === 0) {
      this.#treeIndex++;
      this.#place.started = false;
    }
    return left;
  }

  /** Walks on in the sub tree or mirror of the head at #place. */
  #walkInner(tree: Tree, entries: number): number {
    const space = this.#space;
    const inner = this.#inner;
    const head = tree.find(this.#place.key, 0, this.#place.keyBytes);
    if (head === 0 || tree.kind(head) !== KIND_HEAD) {
      this.#innerWord = -1;
      return entries;
    }
    inner.root = headWord(space.leaves, head, this.#innerWord);
    let left = entries;
    let leaf = resume(inner, this.#innerPlace);
    while (leaf !== 0 && left > 0) {
      leaf = this.#move(inner, leaf);
      left--;
      if (left === 0) this.#innerPlace.remember(space, leaf);
      leaf = this.#walkOn(inner.path);
    }
    setHeadWord(space.leaves, head, this.#innerWord, inner.root);
    tree.version++;
    if (leaf === 0) {
      this.#innerPlace.started = false;
      this.#innerWord = wordAfter(space, head, this.#innerWord);
    }
    return left;
  }

  #isHead(path: Path, leaf: Leaf): boolean {
    if (!mayHoldHeads(this.#space.nodes, path)) return false;
    return (leafFlags(this.#space.leaves, leaf) & KIND_MASK) === KIND_HEAD;
  }

  /** The leaf after the one where the path ends, or after those beside it if none is to be seen. */
  #walkOn(path: Path): Leaf {
    const { nodes, leaves } = this.#space;
    if (this.#leavesStay && !mayHoldHeads(nodes, path)) passLeaves(path, nodes);
    this.#fetchAhead(path);
    return walkNext(path, nodes, leaves, true);
  }

  /**
   * Reads the headers of the nodes beside the path's last one, several at once: their cache misses
   * overlap, where the walk would wait for each.
   */
  #fetchAhead(path: Path): void {
    const above = path.length - 2;
    if (above < 0) return;
    const node = path.nodes[above]!;
    const slot = path.slots[above]!;
    if (node === this.#aheadNode && slot >= this.#aheadFrom && slot < this.#aheadTo) return;
    const { nodes } = this.#space;
    const i32 = nodes.i32[node >>> CHUNK_SHIFT]!;
    const word = (node & GRANULE_MASK) << 1;
    const end = Math.min(pointersEnd(word, i32[word]!), slot + 1 + AHEAD_SLOTS);
    let fetched = 0;
    for (let at = slot + 1; at < end; at++) {
      const next = i32[at]!;
      if (next <= 0) continue;
      fetched ^= nodes.i32[next >>> CHUNK_SHIFT]![(next & GRANULE_MASK) << 1]!;
    }
    this.fetched = fetched;
    this.#aheadNode = node;
    this.#aheadFrom = slot;
    // The last one fetched is gone to when the next ones are wanted.
    this.#aheadTo = end - 1;
  }

  /** Moves what is leaving on the path to a leaf. Returns the leaf where it lies then. */
  #move(tree: Tree, leaf: Leaf): Leaf {
    const { nodes, leaves } = this.#space;
    const path = tree.path;
    for (let i = 0; i < path.length; i++) {
      if (nodes.isLeaving(path.nodes[i]!)) this.#moveNode(tree, path, i);
    }
    if (!leaves.isLeaving(leaf)) return leaf;
    const moved = copyRecord(leaves, leaf);
    this.movedCount++;
    tree.version++;
    relink(tree, path, path.length, 0 - moved);
    const i32 = leaves.i32[moved >>> CHUNK_SHIFT]!;
    const word = (moved & GRANULE_MASK) << 1;
    if (tree.timed && (flagsAt(i32, word) & FLAG_EXPIRY) !== 0) {
      tree.expiries.move(slotAt(i32, word), moved);
    }
    moveInHeap(tree, moved);
    return moved;
  }

  #moveNode(tree: Tree, path: Path, index: number): void {
    const node = path.nodes[index]!;
    const moved = copyRecord(this.#space.nodes, node);
    this.movedCount++;
    tree.version++;
    path.nodes[index] = moved;
    path.slots[index] = path.slots[index]! + ((moved & GRANULE_MASK) - (node & GRANULE_MASK)) * 2;
    relink(tree, path, index, moved);
  }
}

/** Whether heads may lie below the last node of a path; of a leaf without nodes above nothing is known. */
function mayHoldHeads(nodes: Arena, path: Path): boolean {
  if (path.length === 0) return true;
  const node = path.nodes[path.length - 1]!;
  return (nodes.i32[node >>> CHUNK_SHIFT]![(node & GRANULE_MASK) << 1]! & HINT_HEAD) !== 0;
}

/** In the last node of a path: to the last of the leaves that follow without a node between. */
function passLeaves(path: Path, nodes: Arena): void {
  const top = path.length - 1;
  const node = path.nodes[top]!;
  const i32 = nodes.i32[node >>> CHUNK_SHIFT]!;
  const word = (node & GRANULE_MASK) << 1;
  const header = i32[word]!;
  let slot = path.slots[top]!;
  let next = slotAfter(i32, word, header, slot);
  while (next !== 0 && i32[next]! < 0) {
    slot = next;
    next = slotAfter(i32, word, header, slot);
  }
  path.slots[top] = slot;
}

/** The word of the next root in a head; -1: there is none. */
function wordAfter({ leaves }: Space, head: Leaf, word: number): number {
  if (word === HEAD_ROOT_WORD) return HEAD_MIRROR_WORD;
  return word === HEAD_MIRROR_WORD && isTimedHead(leaves, head) ? HEAD_EXPIRIES_WORD : -1;
}

/** A head lies elsewhere now: tells the heap of those whose elements expire. */
function moveInHeap(tree: Tree, leaf: Leaf): void {
  const { leaves } = tree.space;
  if (!tree.timed) return;
  if ((leafFlags(leaves, leaf) & KIND_MASK) !== KIND_HEAD || !isTimedHead(leaves, leaf)) return;
  tree.heads.move(headWord(leaves, leaf, HEAD_SLOT_WORD), leaf);
}

/** Descends to the entry behind the place, or to the first; 0 if there is none. */
function resume(tree: Tree, place: Place): Leaf {
  const { path, root, space } = tree;
  const { nodes, leaves } = space;
  if (!place.started) return walkFirst(path, nodes, leaves, root, true);
  if (root === 0) return 0;
  const { key, keyBytes } = place;
  if (!locate(path, nodes, leaves, root, key, 0, keyBytes)) {
    settle(path, nodes, key, 0, keyBytes);
    if (path.length === 0) return path.behind ? 0 : walkFirst(path, nodes, leaves, root, true);
  }
  return walkNext(path, nodes, leaves, true);
}

/** Copies a record to a fuller slab and frees it. In a full arena it stays where it is. */
function copyRecord(arena: Arena, pointer: number): number {
  const granules = arena.recordBytes(pointer) >>> 3;
  if (!arena.hasRoom(granules)) return pointer;
  const moved = arena.alloc(granules);
  const from = arena.i32[pointer >>> CHUNK_SHIFT]!;
  const to = arena.i32[moved >>> CHUNK_SHIFT]!;
  const fromWord = (pointer & GRANULE_MASK) << 1;
  const toWord = (moved & GRANULE_MASK) << 1;
  for (let i = 0; i < granules * 2; i++) to[toWord + i] = from[fromWord + i]!;
  arena.free(pointer);
  return moved;
}
