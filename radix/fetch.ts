/**
 * Fetch: goes down to several keys at once, so that the cache misses on their ways overlap.
 *
 *   one after the other   key 1: node . node . leaf .   key 2: node . node . leaf .   key 3: ...
 *   side by side          key 1, 2, 3: node .   node .   leaf .          . waits for memory
 *
 * In a big tree a search mostly waits, for each node in turn. Commands with several keys know all of
 * them before they look for the first: a level at a time, for all keys, the waits become one. It
 * finds nothing and changes nothing; whoever searches next finds everything in the cache.
 */
import { CHUNK_SHIFT, GRANULE_MASK } from './arena.js';
import { childSlot, fetchNode, nodeDepth, TERMINAL } from './node.js';
import type { Tree } from './tree.js';

/** So many keys go down side by side. */
export const FETCH_KEYS_MAX = 16;
/** Fewer are not worth the way. */
const FETCH_KEYS_MIN = 3;
/** Of a cache line. */
const LINE_WORDS = 16;

/** Where each key has come to: a node, a leaf (negative) or nowhere (0). */
const pointers = new Int32Array(FETCH_KEYS_MAX);

/**
 * Fetches the ways to the keys buf[starts[i], ends[i]) for i = first, first + step ... below `end`,
 * FETCH_KEYS_MAX of them at most.
 */
export function fetchKeys(
  tree: Tree,
  buf: Buffer,
  starts: Int32Array,
  ends: Int32Array,
  first: number,
  end: number,
  step: number,
): void {
  const count = Math.min(FETCH_KEYS_MAX, Math.ceil((end - first) / step));
  if (count < FETCH_KEYS_MIN) return;
  pointers.fill(tree.root, 0, count);
  for (let left = tree.root > 0; left; ) {
    fetchLevel(tree, count);
    left = false;
    for (let lane = 0; lane < count; lane++) {
      if (pointers[lane]! <= 0) continue;
      const i = first + lane * step;
      const next = childOf(tree, pointers[lane]!, buf, starts[i]!, ends[i]!);
      pointers[lane] = next;
      if (next > 0) left = true;
    }
  }
  fetchLeaves(tree, count);
}

/** Touches the nodes where the keys are, and waits for none. */
function fetchLevel(tree: Tree, count: number): void {
  const chunks = tree.space.nodes.i32;
  let fetched = 0;
  for (let lane = 0; lane < count; lane++) {
    const pointer = pointers[lane]!;
    if (pointer <= 0) continue;
    const i32 = chunks[pointer >>> CHUNK_SHIFT]!;
    const word = (pointer & GRANULE_MASK) << 1;
    fetched ^= i32[word]! ^ fetchNode(i32, word);
  }
  tree.path.fetched = fetched;
}

function fetchLeaves(tree: Tree, count: number): void {
  const chunks = tree.space.leaves.i32;
  let fetched = 0;
  for (let lane = 0; lane < count; lane++) {
    if (pointers[lane]! >= 0) continue;
    const leaf = 0 - pointers[lane]!;
    const i32 = chunks[leaf >>> CHUNK_SHIFT]!;
    const word = (leaf & GRANULE_MASK) << 1;
    fetched ^= i32[word]!;
    // Behind the chunk there is nothing; the second line is worth a try only.
    if (word + LINE_WORDS < i32.length) fetched ^= i32[word + LINE_WORDS]!;
  }
  tree.path.fetched = fetched;
}

/** What a node leads to for a key; 0: nothing. */
function childOf(tree: Tree, node: number, key: Buffer, from: number, to: number): number {
  const i32 = tree.space.nodes.i32[node >>> CHUNK_SHIFT]!;
  const word = (node & GRANULE_MASK) << 1;
  const header = i32[word]!;
  const at = from + nodeDepth(header);
  if (at > to) return 0;
  if (at === to) return i32[word + TERMINAL]!;
  const slot = childSlot(i32, word, header, key[at]!);
  return slot === 0 ? 0 : i32[slot]!;
}
