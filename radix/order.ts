/**
 * Order: neighbours, ranks and the n-th, each in O(depth) by the counts that
 * nodes carry. "Visible" is what users see: no tombstones, no empty sub trees.
 */
import { CHUNK_SHIFT, GRANULE_MASK } from './arena.js';
import { type Leaf, visibleAt } from './leaf.js';
import {
  ALL,
  groupBegin,
  groupOfSlot,
  groupWord,
  hasGroups,
  LIVE,
  liveBelow,
  nodeCount,
  pointersBegin,
  TERMINAL,
} from './node.js';
import {
  FIRST,
  LAST,
  locate,
  type Path,
  settle,
  walkFirst,
  walkLast,
  walkNext,
  walkPrev,
} from './path.js';
import { knownEdge } from './seek.js';
import type { Space } from './space.js';
import type { Tree } from './tree.js';

/** Among visible entries, or with `all` among all: tombstones and hidden heads too. */
export function first(tree: Tree, all = false): Leaf {
  const { path, space } = tree;
  const known = knownEdge(tree, path, FIRST);
  if (known !== 0 && (all || isVisible(space, known))) return known;
  const leaf = walkFirst(path, space.nodes, space.leaves, tree.root, all);
  if (all || tree.isAllVisible) path.edge = FIRST;
  return leaf;
}

export function last(tree: Tree, all = false): Leaf {
  const { path, space } = tree;
  const known = knownEdge(tree, path, LAST);
  if (known !== 0 && (all || isVisible(space, known))) return known;
  const leaf = walkLast(path, space.nodes, space.leaves, tree.root, all);
  if (all || tree.isAllVisible) path.edge = LAST;
  return leaf;
}

/** Descends to a key; if it is absent, to the gap where it would stand. */
export function seek(tree: Tree, key: Buffer, from: number, to: number): boolean {
  const { path, root, space } = tree;
  if (locate(path, space.nodes, space.leaves, root, key, from, to)) return true;
  if (root !== 0) settle(path, space.nodes, key, from, to);
  return false;
}

/** The first entry above the key, or with `inclusive` not below it; a visible one unless `all`. */
export function above(
  tree: Tree,
  key: Buffer,
  from: number,
  to: number,
  inclusive: boolean,
  all = false,
): Leaf {
  const { path, space } = tree;
  if (seek(tree, key, from, to)) {
    if (inclusive && (all || isVisible(space, path.leaf))) return path.leaf;
  } else if (path.length === 0) {
    return path.behind ? 0 : first(tree, all);
  }
  return walkNext(path, space.nodes, space.leaves, all);
}

/** The last entry below the key, or with `inclusive` not above it; a visible one unless `all`. */
export function below(
  tree: Tree,
  key: Buffer,
  from: number,
  to: number,
  inclusive: boolean,
  all = false,
): Leaf {
  const { path, space } = tree;
  if (seek(tree, key, from, to)) {
    if (inclusive && (all || isVisible(space, path.leaf))) return path.leaf;
    return walkPrev(path, space.nodes, space.leaves, all, false);
  }
  if (path.length === 0) return path.behind ? last(tree, all) : 0;
  return walkPrev(path, space.nodes, space.leaves, all, true);
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
  const { nodes, leaves } = space;
  const i32 = nodes.i32[node >>> CHUNK_SHIFT]!;
  const word = (node & GRANULE_MASK) << 1;
  const header = i32[word]!;
  // If all entries are visible, every leaf counts, and none need be looked at.
  const sure = i32[word + LIVE]! === i32[word + ALL]!;
  const here = inclusive ? liveBelow(nodes, leaves, i32[slot]!, sure) : 0;
  const terminal = word + TERMINAL;
  if (slot === terminal) return here;
  let count = here + liveBelow(nodes, leaves, i32[terminal]!, sure);
  let begin = pointersBegin(word, header);
  if (!hasGroups(header)) {
    const own = nodeCount(header) + (i32[terminal]! === 0 ? 0 : 1);
    // Nothing below but leaves that count: each child is one.
    if (sure && i32[word + LIVE]! === own) return count + slot - begin;
    return count + sumLive(space, i32, begin, slot, sure);
  }
  const group = groupOfSlot(i32, word, header, slot);
  for (let i = 0; i < group; i++) count += i32[groupWord(word, i)]!;
  begin = groupBegin(i32, word, header, group);
  const end = groupBegin(i32, word, header, group + 1);
  if (slot - begin <= end - slot) return count + sumLive(space, i32, begin, slot, sure);
  return count + i32[groupWord(word, group)]! - sumLive(space, i32, slot, end, sure);
}

/** Live entries at the slots [from, to). */
function sumLive(space: Space, i32: Int32Array, from: number, to: number, sure: boolean): number {
  let count = 0;
  for (let slot = from; slot < to; slot++) {
    count += liveBelow(space.nodes, space.leaves, i32[slot]!, sure);
  }
  return count;
}

/** The visible entry with `index` visible ones before it, with the path to it; 0 if none has. */
export function nth(tree: Tree, path: Path, index: number): Leaf {
  const { nodes, leaves } = tree.space;
  path.tree = null;
  path.edge = 0;
  path.length = 0;
  if (index < 0 || index >= tree.liveCount) return 0;
  let pointer = tree.root;
  let before = index;
  while (pointer > 0) {
    const i32 = nodes.i32[pointer >>> CHUNK_SHIFT]!;
    const word = (pointer & GRANULE_MASK) << 1;
    const header = i32[word]!;
    const sure = i32[word + LIVE]! === i32[word + ALL]!;
    if (path.length === path.nodes.length) path.grow();
    path.nodes[path.length] = pointer;
    let slot = word + TERMINAL;
    const count = liveBelow(nodes, leaves, i32[slot]!, sure);
    if (before >= count) {
      before -= count;
      slot = pointersBegin(word, header);
      let end = 0;
      if (hasGroups(header)) {
        let group = 0;
        while (before >= i32[groupWord(word, group)]!) before -= i32[groupWord(word, group++)]!;
        slot = groupBegin(i32, word, header, group);
        const inGroup = i32[groupWord(word, group)]!;
        if (before > inGroup >>> 1) end = groupBegin(i32, word, header, group + 1);
        if (end !== 0) before = inGroup - 1 - before;
      }
      if (sure && !hasGroups(header) && i32[word + LIVE]! === count + nodeCount(header)) {
        // Nothing below but leaves that count: each child is one.
        slot += before;
        before = 0;
      } else if (end === 0) {
        let here = liveBelow(nodes, leaves, i32[slot]!, sure);
        while (before >= here) {
          before -= here;
          here = liveBelow(nodes, leaves, i32[++slot]!, sure);
        }
      } else {
        // Nearer from the end of the group: `before` is now how many are behind.
        slot = end - 1;
        let here = liveBelow(nodes, leaves, i32[slot]!, sure);
        while (before >= here) {
          before -= here;
          here = liveBelow(nodes, leaves, i32[--slot]!, sure);
        }
        before = here - 1 - before;
      }
    }
    path.slots[path.length++] = slot;
    pointer = i32[slot]!;
  }
  return 0 - pointer;
}
