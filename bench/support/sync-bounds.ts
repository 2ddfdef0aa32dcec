/** What finding out costs at least, and what it costs god, who asks node by node. */
import { CHUNK_SHIFT, GRANULE_MASK } from '../../radix/arena.js';
import { nodeCount } from '../../radix/node.js';
import { locate, Path } from '../../radix/path.js';
import type { Pair } from './sync-pair.js';

/** Of a question: what it is about; of an answer: a byte and a digest for each child. */
const QUESTION_BYTES = 24;
const CHILD_BYTES = 9;

/** Bytes that say which of n entries of each side the other lacks, d in all. */
export function informationBytes(n: number, d: number): number {
  const half = d / 2;
  const whole = Math.floor(half);
  return (binomialBits(n, whole) + binomialBits(n, Math.ceil(half))) / 8;
}

/** log2 of the number of ways to choose k of n. */
function binomialBits(n: number, k: number): number {
  let bits = 0;
  const few = Math.min(k, n - k);
  for (let i = 0; i < few; i++) bits += Math.log2((n - i) / (few - i));
  return bits;
}

/** One message for each node on the way to a key that differs: one round trip each. */
export function godCost(pair: Pair, keys: readonly Buffer[]): { bytes: number; messages: number } {
  const tree = pair.treeOf(1);
  const { leaves, nodes } = tree.space;
  const path = new Path();
  const seen = new Set<number>();
  let bytes = 0;
  const visit = (node: number): void => {
    if (node <= 0 || seen.has(node)) return;
    seen.add(node);
    const header = nodes.i32[node >>> CHUNK_SHIFT]![(node & GRANULE_MASK) << 1]!;
    bytes += QUESTION_BYTES + CHILD_BYTES * nodeCount(header);
  };
  for (const key of keys) {
    locate(path, nodes, leaves, tree.root, key, 0, key.length);
    for (let i = 0; i < path.length; i++) visit(path.nodes[i]!);
  }
  return { bytes: Math.max(bytes, QUESTION_BYTES + CHILD_BYTES), messages: Math.max(1, seen.size) };
}
