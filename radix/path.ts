/**
 * Path: what a descent remembers, so that writing needs no second one, and the
 * steps from entry to entry.
 *
 *      nodes[0] --slots[0]--> nodes[1] --slots[1]--> ... nodes[length-1] --slots[length-1]--> leaf
 *
 * After `locate` a path leads either to an entry (`found`) or as far as the
 * descent went, with what inserting needs: how many bytes the key shares with its
 * neighbours (`common`) and their next byte (`otherByte`). `settle` then turns the latter into
 * a *gap*: the path ends at the slot after which the key would stand.
 *
 * Everything is a loop: a chain of 64 Ki nodes is as deep as the longest key.
 */
import { type Arena, CHUNK_SHIFT, GRANULE_MASK } from './arena.js';
import { commonPrefixAt, keyByteAt, keyBytesAt, type Leaf, visibleAt } from './leaf.js';
import {
  childSlot,
  fetchNode,
  firstSlot,
  LIVE,
  lastSlot,
  lowWord,
  nodeDepth,
  slotAfter,
  slotBefore,
  slotBelow,
  TERMINAL,
} from './node.js';
import type { Tree } from './tree.js';

const CAPACITY_FIRST = 64;
/** How many children are looked at for a leaf among them. */
const CHILDREN_LOOKED_AT = 8;

/** Edges of a tree. */
export const FIRST = 1;
export const LAST = 2;

export class Path {
  nodes: Int32Array = new Int32Array(CAPACITY_FIRST);
  /** The word in the chunk of nodes[i] that holds the pointer taken; 0: there is none. */
  slots: Int32Array = new Int32Array(CAPACITY_FIRST);
  /** The key byte at each node's depth, -1 at the key's end. Only `locate` sets it. */
  bytes: Int16Array = new Int16Array(CAPACITY_FIRST);
  length = 0;
  /** Whether the key is there. */
  found = false;
  /** The leaf found. */
  leaf: Leaf = 0;
  /** If not found: bytes shared with the keys in the sub tree where the descent ended. */
  common = 0;
  /** The byte after those, of the keys there; -1: the one key ends. */
  otherByte = 0;
  /** Of a write: whether users saw an entry there before. */
  wasVisible = false;
  /** Holds what loads gave that are wanted for their effect on the cache only. */
  fetched = 0;
  /** A gap without nodes: whether it is behind the whole tree. */
  behind = false;
  /** The tree in which it leads to `leaf`, or to where a key is not: see seek.ts. null: to none. */
  tree: Tree | null = null;
  /** As of this version of that tree. */
  version = 0;
  /**
   * FIRST or LAST: `leaf` is that one of all entries, or will be what is put where the path leads.
   * 0: that is not known. Counts only for a path that leads somewhere.
   */
  edge = 0;

  grow(): void {
    const nodes = new Int32Array(this.nodes.length * 4);
    const slots = new Int32Array(nodes.length);
    const bytes = new Int16Array(nodes.length);
    nodes.set(this.nodes);
    slots.set(this.slots);
    bytes.set(this.bytes);
    this.nodes = nodes;
    this.slots = slots;
    this.bytes = bytes;
  }
}

/** Descends to a key; sets found, leaf, length, and if not found common and otherByte. */
export function locate(
  path: Path,
  nodes: Arena,
  leaves: Arena,
  root: number,
  key: Buffer,
  from: number,
  to: number,
): boolean {
  const chunks = nodes.i32;
  const bytes = to - from;
  let pathNodes = path.nodes;
  let pathSlots = path.slots;
  let pathBytes = path.bytes;
  let room = pathNodes.length;
  let length = 0;
  let pointer = root;
  // While no node skips a byte, the descent itself has compared every byte.
  let compared = 0;
  let skipped = false;
  let fetched = 0;
  while (pointer > 0) {
    const i32 = chunks[pointer >>> CHUNK_SHIFT]!;
    const word = (pointer & GRANULE_MASK) << 1;
    const header = i32[word]!;
    fetched ^= fetchNode(i32, word);
    const depth = nodeDepth(header);
    if (depth !== compared) skipped = true;
    if (length === room) {
      path.grow();
      pathNodes = path.nodes;
      pathSlots = path.slots;
      pathBytes = path.bytes;
      room = pathNodes.length;
    }
    pathNodes[length] = pointer;
    if (depth >= bytes) {
      pathBytes[length] = -1;
      pathSlots[length++] = word + TERMINAL;
      pointer = depth === bytes ? i32[word + TERMINAL]! : 0;
      compared = bytes;
      break;
    }
    const byte = key[from + depth]!;
    const slot = childSlot(i32, word, header, byte);
    pathBytes[length] = byte;
    pathSlots[length++] = slot;
    if (slot === 0) {
      pointer = 0;
      compared = depth;
      break;
    }
    pointer = i32[slot]!;
    // What is written changes it on the way back.
    fetched ^= i32[lowWord(header, slot)]!;
    compared = depth + 1;
  }
  path.tree = null;
  path.edge = 0;
  path.length = length;
  path.fetched = fetched;
  // Here and below 0 - x, since -x would make -0, which is no integer, of 0.
  path.leaf = 0 - pointer;
  if (pointer === 0) {
    path.found = false;
    if (length === 0) return false;
    if (!skipped) {
      // The key leaves the tree at the last node, whose other keys do go on.
      path.common = compared;
      path.otherByte = 256;
      return false;
    }
    pointer = anyLeaf(nodes, path.nodes[length - 1]!);
  }
  return compare(path, leaves, 0 - pointer, key, from, to);
}

function compare(
  path: Path,
  leaves: Arena,
  leaf: Leaf,
  key: Buffer,
  from: number,
  to: number,
): boolean {
  const i32 = leaves.i32[leaf >>> CHUNK_SHIFT]!;
  const word = (leaf & GRANULE_MASK) << 1;
  const common = commonPrefixAt(i32, word, key, from, to);
  path.common = common;
  path.found = common === to - from && keyBytesAt(i32, word) === common;
  if (!path.found) path.otherByte = keyByteAt(i32, word, common);
  return path.found;
}

/**
 * Some leaf below a node; all of them share the bytes before its depth. From behind, since where
 * keys are appended the last ones have just been seen.
 */
export function anyLeaf(nodes: Arena, node: number): number {
  let pointer = node;
  while (pointer > 0) {
    const i32 = nodes.i32[pointer >>> CHUNK_SHIFT]!;
    const word = (pointer & GRANULE_MASK) << 1;
    const header = i32[word]!;
    let slot = lastSlot(i32, word, header);
    const last = i32[slot]!;
    // A leaf among the children is nearer than one below the last child.
    for (let left = CHILDREN_LOOKED_AT; left > 0 && slot !== 0 && i32[slot]! > 0; left--) {
      slot = slotBefore(i32, word, header, slot);
    }
    pointer = slot === 0 || i32[slot]! > 0 ? last : i32[slot]!;
  }
  return pointer;
}

/** Index in the path of the deepest node not deeper than `depth`; -1: there is none. */
export function deepest(path: Path, nodes: Arena, depth: number): number {
  let index = path.length - 1;
  while (index >= 0) {
    const pointer = path.nodes[index]!;
    const header = nodes.i32[pointer >>> CHUNK_SHIFT]![(pointer & GRANULE_MASK) << 1]!;
    if (nodeDepth(header) <= depth) break;
    index--;
  }
  return index;
}

/**
 * After `locate` has not found the key: cuts the path so that it ends at the last slot whose keys
 * are all below the key (the terminal's slot stands for "before all children", filled or not).
 * Without nodes on it, `behind` says on which side of the tree the gap is.
 */
export function settle(path: Path, nodes: Arena, key: Buffer, from: number, to: number): void {
  path.tree = null;
  path.edge = 0;
  const common = path.common;
  const byte = common < to - from ? key[from + common]! : -1;
  const index = deepest(path, nodes, common);
  path.length = index + 1;
  path.behind = byte > path.otherByte;
  if (index < 0) return;
  const pointer = path.nodes[index]!;
  const i32 = nodes.i32[pointer >>> CHUNK_SHIFT]!;
  const word = (pointer & GRANULE_MASK) << 1;
  const header = i32[word]!;
  if (nodeDepth(header) === common) {
    path.slots[index] = byte < 0 ? word + TERMINAL : slotBelow(i32, word, header, byte);
  } else if (!path.behind) {
    const before = slotBefore(i32, word, header, path.slots[index]!);
    path.slots[index] = before === 0 ? word + TERMINAL : before;
  }
}

/** Whether what a pointer leads to counts for a walk. */
function counts(nodes: Arena, leaves: Arena, pointer: number, all: boolean): boolean {
  if (pointer < 0) {
    if (all) return true;
    const leaf = 0 - pointer;
    return visibleAt(leaves.i32[leaf >>> CHUNK_SHIFT]!, (leaf & GRANULE_MASK) << 1);
  }
  if (pointer === 0) return false;
  return all || nodes.i32[pointer >>> CHUNK_SHIFT]![((pointer & GRANULE_MASK) << 1) + LIVE]! !== 0;
}

/** From `pointer`, which counts, down to its first leaf; extends the path. */
export function descendFirst(
  path: Path,
  nodes: Arena,
  leaves: Arena,
  start: number,
  all: boolean,
): Leaf {
  let pointer = start;
  while (pointer > 0) {
    const i32 = nodes.i32[pointer >>> CHUNK_SHIFT]!;
    const word = (pointer & GRANULE_MASK) << 1;
    const header = i32[word]!;
    let slot = firstSlot(i32, word, header);
    while (!counts(nodes, leaves, i32[slot]!, all)) slot = slotAfter(i32, word, header, slot);
    if (path.length === path.nodes.length) path.grow();
    path.nodes[path.length] = pointer;
    path.slots[path.length++] = slot;
    pointer = i32[slot]!;
  }
  return 0 - pointer;
}

/** From `pointer`, which counts, down to its last leaf; extends the path. */
export function descendLast(
  path: Path,
  nodes: Arena,
  leaves: Arena,
  start: number,
  all: boolean,
): Leaf {
  let pointer = start;
  while (pointer > 0) {
    const i32 = nodes.i32[pointer >>> CHUNK_SHIFT]!;
    const word = (pointer & GRANULE_MASK) << 1;
    const header = i32[word]!;
    let slot = lastSlot(i32, word, header);
    while (!counts(nodes, leaves, i32[slot]!, all)) slot = slotBefore(i32, word, header, slot);
    if (path.length === path.nodes.length) path.grow();
    path.nodes[path.length] = pointer;
    path.slots[path.length++] = slot;
    pointer = i32[slot]!;
  }
  return 0 - pointer;
}

/** The first leaf of a tree, with the path to it; 0 if there is none. */
export function walkFirst(
  path: Path,
  nodes: Arena,
  leaves: Arena,
  root: number,
  all: boolean,
): Leaf {
  path.tree = null;
  path.edge = 0;
  path.length = 0;
  if (!counts(nodes, leaves, root, all)) return 0;
  return descendFirst(path, nodes, leaves, root, all);
}

export function walkLast(
  path: Path,
  nodes: Arena,
  leaves: Arena,
  root: number,
  all: boolean,
): Leaf {
  path.tree = null;
  path.edge = 0;
  path.length = 0;
  if (!counts(nodes, leaves, root, all)) return 0;
  return descendLast(path, nodes, leaves, root, all);
}

/** The leaf after the slot where the path ends; 0 and an empty path if there is none. */
export function walkNext(path: Path, nodes: Arena, leaves: Arena, all: boolean): Leaf {
  path.tree = null;
  path.edge = 0;
  while (path.length > 0) {
    const top = path.length - 1;
    const node = path.nodes[top]!;
    const i32 = nodes.i32[node >>> CHUNK_SHIFT]!;
    const word = (node & GRANULE_MASK) << 1;
    const header = i32[word]!;
    let slot = slotAfter(i32, word, header, path.slots[top]!);
    while (slot !== 0) {
      const pointer = i32[slot]!;
      if (counts(nodes, leaves, pointer, all)) {
        path.slots[top] = slot;
        return pointer < 0 ? 0 - pointer : descendFirst(path, nodes, leaves, pointer, all);
      }
      slot = slotAfter(i32, word, header, slot);
    }
    path.length = top;
  }
  return 0;
}

/**
 * The leaf before the slot where the path ends; with `inclusive`, the last leaf
 * at that slot or before it. 0 and an empty path if there is none.
 */
export function walkPrev(
  path: Path,
  nodes: Arena,
  leaves: Arena,
  all: boolean,
  inclusive: boolean,
): Leaf {
  path.tree = null;
  path.edge = 0;
  let here = inclusive;
  while (path.length > 0) {
    const top = path.length - 1;
    const node = path.nodes[top]!;
    const i32 = nodes.i32[node >>> CHUNK_SHIFT]!;
    const word = (node & GRANULE_MASK) << 1;
    const header = i32[word]!;
    let slot = here ? path.slots[top]! : slotBefore(i32, word, header, path.slots[top]!);
    here = false;
    while (slot !== 0) {
      const pointer = i32[slot]!;
      if (counts(nodes, leaves, pointer, all)) {
        path.slots[top] = slot;
        return pointer < 0 ? 0 - pointer : descendLast(path, nodes, leaves, pointer, all);
      }
      slot = slotBefore(i32, word, header, slot);
    }
    path.length = top;
  }
  return 0;
}
