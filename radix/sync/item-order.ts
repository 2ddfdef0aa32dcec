/**
 * The n-th of all entries of a tree, tombstones and elements of sub trees among them.
 *
 * Big nodes keep counts of groups of their children, of visible keys only. Below a node where all
 * entries are visible keys, which is the usual case, these serve; elsewhere children are added up.
 */
import { CHUNK_SHIFT, GRANULE_MASK } from '../arena.js';
import { HEAD_ROOT_WORD, headWord, KIND_HEAD, type Leaf } from '../leaf.js';
import { ALL, groupBegin, groupWord, hasGroups, LIVE, pointersBegin, TERMINAL } from '../node.js';
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
