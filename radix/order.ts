/**
 * Order: neighbours, ranks and the n-th, each in O(depth) by the counts that
 * nodes carry. "Visible" is what users see: no tombstones, no empty sub trees.
 */
import { CHUNK_SHIFT, GRANULE_MASK } from './arena.js';
import { type Leaf, visibleAt } from './leaf.js';
import { ALL, LIVE, pointersBegin, pointersEnd, TERMINAL } from './node.js';
import { locate, type Path, settle, walkFirst, walkLast, walkNext, walkPrev } from './path.js';
import type { Space } from './space.js';
import type { Tree } from './tree.js';

export function first(tree: Tree): Leaf {
  const space = tree.space;
  return walkFirst(tree.path, space.nodes, space.leaves, tree.root, false);
}

export function last(tree: Tree): Leaf {
  const space = tree.space;
  return walkLast(tree.path, space.nodes, space.leaves, tree.root, false);
}

/** Descends to a key; if it is absent, to the gap where it would stand. */
export function seek(tree: Tree, key: Buffer, from: number, to: number): boolean {
  const { path, root, space } = tree;
  if (locate(path, space.nodes, space.leaves, root, key, from, to)) return true;
  if (root !== 0) settle(path, space.nodes, key, from, to);
  return false;
}

/** The first visible entry above the key, or with `inclusive` not below it. */
export function above(
  tree: Tree,
  key: Buffer,
  from: number,
  to: number,
  inclusive: boolean,
): Leaf {
  const { path, space } = tree;
  if (seek(tree, key, from, to)) {
    if (inclusive && isVisible(space, path.leaf)) return path.leaf;
  } else if (path.length === 0) {
    return path.behind ? 0 : first(tree);
  }
  return walkNext(path, space.nodes, space.leaves, false);
}

/** The last visible entry below the key, or with `inclusive` not above it. */
export function below(
  tree: Tree,
  key: Buffer,
  from: number,
  to: number,
  inclusive: boolean,
): Leaf {
  const { path, space } = tree;
  if (seek(tree, key, from, to)) {
    if (inclusive && isVisible(space, path.leaf)) return path.leaf;
    return walkPrev(path, space.nodes, space.leaves, false, false);
  }
  if (path.length === 0) return path.behind ? last(tree) : 0;
  return walkPrev(path, space.nodes, space.leaves, false, true);
}

function isVisible(space: Space, leaf: Leaf): boolean {
  return visibleAt(space.leaves.i32[leaf >>> CHUNK_SHIFT]!, (leaf & GRANULE_MASK) << 1);
}

/** How many visible keys are below this one, or with `inclusive` not above it. */
export function rank(
  tree: Tree,
  key: Buffer,
  from: number,
  to: number,
  inclusive: boolean,
): number {
  if (tree.root === 0) return 0;
  const { path, space } = tree;
  const found = seek(tree, key, from, to);
  if (path.length === 0) {
    const passed = found ? inclusive : path.behind;
    return passed ? tree.liveCount : 0;
  }
  const top = path.length - 1;
  let count = 0;
  for (let i = 0; i <= top; i++) {
    // A gap is behind the last slot; of an entry found the question decides.
    count += liveUpTo(space, path.nodes[i]!, path.slots[i]!, i === top && (inclusive || !found));
  }
  return count;
}

/** Live entries at the slots of a node before this one, or with `inclusive` up to it. */
function liveUpTo(space: Space, node: number, slot: number, inclusive: boolean): number {
  const i32 = space.nodes.i32[node >>> CHUNK_SHIFT]!;
  const word = (node & GRANULE_MASK) << 1;
  const header = i32[word]!;
  const live = i32[word + LIVE]!;
  // If all entries are visible, every leaf counts, and none need be looked at.
  const sure = live === i32[word + ALL]!;
  const here = inclusive ? liveAt(space, i32[slot]!, sure) : 0;
  const terminal = word + TERMINAL;
  if (slot === terminal) return here;
  const begin = pointersBegin(word, header);
  const end = pointersEnd(word, header);
  if (slot - begin <= end - slot) {
    return here + liveAt(space, i32[terminal]!, sure) + sumLive(space, i32, begin, slot, sure);
  }
  return here + live - sumLive(space, i32, slot, end, sure);
}

function liveAt(space: Space, pointer: number, sure: boolean): number {
  if (pointer > 0) {
    return space.nodes.i32[pointer >>> CHUNK_SHIFT]![((pointer & GRANULE_MASK) << 1) + LIVE]!;
  }
  if (pointer === 0) return 0;
  return sure || isVisible(space, 0 - pointer) ? 1 : 0;
}

/** Live entries at the slots [from, to). */
function sumLive(
  space: Space,
  i32: Int32Array,
  from: number,
  to: number,
  sure: boolean,
): number {
  const chunks = space.nodes.i32;
  let count = 0;
  for (let slot = from; slot < to; slot++) {
    const pointer = i32[slot]!;
    if (pointer > 0) {
      count += chunks[pointer >>> CHUNK_SHIFT]![((pointer & GRANULE_MASK) << 1) + LIVE]!;
    } else if (pointer < 0 && (sure || isVisible(space, 0 - pointer))) {
      count++;
    }
  }
  return count;
}

/** The visible entry with `index` visible ones before it, with the path to it; 0 if none has. */
export function nth(tree: Tree, path: Path, index: number): Leaf {
  const space = tree.space;
  const chunks = space.nodes.i32;
  path.length = 0;
  if (index < 0 || index >= tree.liveCount) return 0;
  let pointer = tree.root;
  let before = index;
  while (pointer > 0) {
    const i32 = chunks[pointer >>> CHUNK_SHIFT]!;
    const word = (pointer & GRANULE_MASK) << 1;
    const live = i32[word + LIVE]!;
    const sure = live === i32[word + ALL]!;
    if (path.length === path.nodes.length) path.grow();
    path.nodes[path.length] = pointer;
    let slot = word + TERMINAL;
    let count = liveAt(space, i32[slot]!, sure);
    if (before >= count) {
      if (before <= live >>> 1) {
        before -= count;
        slot = pointersBegin(word, i32[word]!);
        count = liveAt(space, i32[slot]!, sure);
        while (before >= count) {
          before -= count;
          count = liveAt(space, i32[++slot]!, sure);
        }
      } else {
        let behind = live - 1 - before;
        slot = pointersEnd(word, i32[word]!) - 1;
        count = liveAt(space, i32[slot]!, sure);
        while (behind >= count) {
          behind -= count;
          count = liveAt(space, i32[--slot]!, sure);
        }
        before = count - 1 - behind;
      }
    }
    path.slots[path.length++] = slot;
    pointer = i32[slot]!;
  }
  return 0 - pointer;
}
