/**
 * Range: counts and digests of the keys between two bounds, as differences of
 * prefix sums: what lies below the upper bound less what lies below the lower.
 */
import { CHUNK_SHIFT, GRANULE_MASK } from './arena.js';
import { pointersBegin, pointersEnd, TERMINAL } from './node.js';
import { rank, seek } from './order.js';
import { addNode, addPointer, Sum } from './totals.js';
import type { Totals, Tree } from './tree.js';

/** Visible entries between two keys; null is without bound. */
export function rangeCount(
  tree: Tree,
  low: Buffer | null,
  lowInclusive: boolean,
  high: Buffer | null,
  highInclusive: boolean,
): number {
  const upTo = high === null ? tree.liveCount : rank(tree, high, 0, high.length, highInclusive);
  const before = low === null ? 0 : rank(tree, low, 0, low.length, !lowInclusive);
  return Math.max(0, upTo - before);
}

/** Totals of the keys in (from, to], round the circle if to <= from; null: of the whole tree. */
export function rangeDigest(tree: Tree, from: Buffer | null, to: Buffer | null): Totals {
  const sum = new Sum();
  if (from === null && to === null) {
    addPointer(sum, tree, tree.root, 1);
  } else {
    if (to === null) addPointer(sum, tree, tree.root, 1);
    else addPrefix(sum, tree, to, 1);
    if (from !== null) addPrefix(sum, tree, from, -1);
    const around = from !== null && to !== null && from.compare(to) >= 0;
    if (around) addPointer(sum, tree, tree.root, 1);
  }
  return { live: sum.live, all: sum.all, digestLow: sum.low, digestHigh: sum.high };
}

/** Adds (sign 1) or subtracts (-1) the totals of all entries with a key <= this one. */
function addPrefix(sum: Sum, tree: Tree, key: Buffer, sign: number): void {
  if (tree.root === 0) return;
  const path = tree.path;
  const found = seek(tree, key, 0, key.length);
  if (path.length === 0) {
    if (found || path.behind) addPointer(sum, tree, tree.root, sign);
    return;
  }
  const top = path.length - 1;
  for (let i = 0; i <= top; i++) {
    addSlotsUpTo(sum, tree, path.nodes[i]!, path.slots[i]!, i === top, sign);
  }
}

/** Adds the totals of a node's slots before this one, or with `inclusive` up to it. */
function addSlotsUpTo(
  sum: Sum,
  tree: Tree,
  node: number,
  slot: number,
  inclusive: boolean,
  sign: number,
): void {
  const i32 = tree.space.nodes.i32[node >>> CHUNK_SHIFT]!;
  const word = (node & GRANULE_MASK) << 1;
  const header = i32[word]!;
  const terminal = word + TERMINAL;
  if (slot === terminal) {
    if (inclusive) addPointer(sum, tree, i32[terminal]!, sign);
    return;
  }
  const begin = pointersBegin(word, header);
  const end = pointersEnd(word, header);
  const stop = inclusive ? slot + 1 : slot;
  if (stop - begin <= end - stop) {
    addPointer(sum, tree, i32[terminal]!, sign);
    for (let at = begin; at < stop; at++) addPointer(sum, tree, i32[at]!, sign);
  } else {
    addNode(sum, tree, node, sign);
    for (let at = stop; at < end; at++) addPointer(sum, tree, i32[at]!, 0 - sign);
  }
}
