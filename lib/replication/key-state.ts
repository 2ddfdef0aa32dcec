/** What is at one key, in three numbers: equal ones mean equal entries, elements included. */
import type { Leaf } from '../../radix/leaf.js';
import { addLeaf, Sum } from '../../radix/totals.js';
import type { Tree } from '../../radix/tree.js';

export interface KeyState {
  /** Entries: the key's own, and elements. */
  readonly all: number;
  readonly low: number;
  readonly high: number;
}

/** `leaf` 0: nothing is there. */
export function keyState(tree: Tree, leaf: Leaf): KeyState {
  const sum = new Sum();
  if (leaf !== 0) addLeaf(sum, tree, leaf, 1);
  const { all, high, low } = sum;
  return { all, low, high };
}

export function isSameState(one: KeyState, other: KeyState): boolean {
  return one.all === other.all && one.low === other.low && one.high === other.high;
}
