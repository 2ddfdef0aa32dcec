/**
 * The n-th of all entries of a tree, tombstones and elements of sub trees among them, and places
 * between entries near a rank.
 *
 * Big nodes keep counts of groups of their children, of visible keys only. Below a node where all
 * entries are visible keys, which is the usual case, these serve; elsewhere children are added up.
 */
import { CHUNK_SHIFT, GRANULE_MASK } from '../arena.js';
import { HEAD_ROOT_WORD, headWord, KIND_HEAD, type Leaf } from '../leaf.js';
import {
  ALL,
  groupBegin,
  groupWord,
  hasGroups,
  LIVE,
  nodeDepth,
  pointersBegin,
  pointersEnd,
  TERMINAL,
} from '../node.js';
import { anyLeaf } from '../path.js';
import type { Tree } from '../tree.js';

/** An entry, and how many of what belongs to it lie before what was looked for. */
export interface EntryAt {
  readonly leaf: Leaf;
  readonly rest: number;
}

/** The entry with so many before it, which there must be. */
export function entryAt(tree: Tree, index: number): EntryAt {
  const { nodes } = tree.space;
  let pointer = tree.root;
  let rest = index;
  while (pointer > 0) {
    const i32 = nodes.i32[pointer >>> CHUNK_SHIFT]!;
    const word = (pointer & GRANULE_MASK) << 1;
    const header = i32[word]!;
    let slot = word + TERMINAL;
    let count = countBelow(tree, i32[slot]!);
    if (rest >= count) {
      rest -= count;
      slot = pointersBegin(word, header);
      if (hasGroups(header) && i32[word + LIVE]! === i32[word + ALL]!) {
        let group = 0;
        while (rest >= i32[groupWord(word, group)]!) rest -= i32[groupWord(word, group++)]!;
        slot = groupBegin(i32, word, header, group);
      }
      count = countBelow(tree, i32[slot]!);
      while (rest >= count) {
        rest -= count;
        count = countBelow(tree, i32[++slot]!);
      }
    }
    pointer = i32[slot]!;
  }
  return { leaf: 0 - pointer, rest };
}

/** A place between entries: before all keys, or sub keys of a key, that begin with these bytes. */
export interface Bound {
  readonly key: Buffer;
  readonly sub: Buffer | null;
}

/**
 * The last of the shortest places with at least `low` and at most `high` entries before them; null
 * if it is not within a tree. One descent: as long as all such places are below one child the bytes
 * up to it are shared; where children begin in between, one more byte tells.
 */
export function boundAt(tree: Tree, low: number, high: number): Bound | null {
  const { leaves, nodes } = tree.space;
  let pointer = tree.root;
  let before = 0;
  let head: Leaf = 0;
  while (pointer !== 0) {
    if (pointer < 0) {
      if (head !== 0 || tree.kind(0 - pointer) !== KIND_HEAD) return null;
      head = 0 - pointer;
      pointer = headWord(leaves, head, HEAD_ROOT_WORD);
      before++;
      continue;
    }
    const step = stepTo(tree, pointer, before, low, high);
    if (step === null) return null;
    if (!step.isBound) {
      pointer = step.pointer;
      before = step.before;
      continue;
    }
    const header = nodes.i32[pointer >>> CHUNK_SHIFT]![(pointer & GRANULE_MASK) << 1]!;
    const leaf = step.pointer < 0 ? 0 - step.pointer : 0 - anyLeaf(nodes, step.pointer);
    const bytes = Buffer.from(tree.key(leaf).subarray(0, nodeDepth(header) + 1));
    return head === 0 ? { key: bytes, sub: null } : { key: tree.key(head), sub: bytes };
  }
  return null;
}

interface Step {
  /** Whether the child is where to cut; if not, it is where to go on. */
  readonly isBound: boolean;
  readonly pointer: number;
  readonly before: number;
}

/** The last child of a node that begins in [low, high], or the one that has all of it within. */
function stepTo(
  tree: Tree,
  node: number,
  nodeBefore: number,
  low: number,
  high: number,
): Step | null {
  const i32 = tree.space.nodes.i32[node >>> CHUNK_SHIFT]!;
  const word = (node & GRANULE_MASK) << 1;
  const header = i32[word]!;
  const begin = pointersBegin(word, header);
  const end = pointersEnd(word, header);
  let before = nodeBefore;
  let slot = word + TERMINAL;
  let last: Step | null = null;
  while (slot < end && before <= high) {
    const pointer = i32[slot]!;
    const count = countBelow(tree, pointer);
    if (pointer !== 0 && before >= low && before > nodeBefore) {
      last = { isBound: true, pointer, before };
    }
    if (before < low && before + count > high) return { isBound: false, pointer, before };
    before += count;
    slot = slot < begin ? begin : slot + 1;
    if (slot === begin && hasGroups(header) && i32[word + LIVE]! === i32[word + ALL]!) {
      let group = 0;
      for (; before + i32[groupWord(word, group)]! < low; group++) {
        before += i32[groupWord(word, group)]!;
      }
      slot = groupBegin(i32, word, header, group);
    }
  }
  return last;
}

function countBelow(tree: Tree, pointer: number): number {
  const { leaves, nodes } = tree.space;
  if (pointer > 0) {
    return nodes.i32[pointer >>> CHUNK_SHIFT]![((pointer & GRANULE_MASK) << 1) + ALL]!;
  }
  if (pointer === 0) return 0;
  const leaf = 0 - pointer;
  if (tree.kind(leaf) !== KIND_HEAD) return 1;
  return 1 + countBelow(tree, headWord(leaves, leaf, HEAD_ROOT_WORD));
}
