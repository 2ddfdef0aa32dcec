/**
 * How many bytes the records of a node's databases take, counted one by one from the words in the
 * arenas, by the layouts as `radix/node.ts`, `leaf.ts` and `head.ts` draw them. Shares nothing with
 * the code that counts but the arenas themselves.
 */
import assert from 'node:assert';
import type { Store } from '../../lib/store/store.js';
import type { Arena } from '../../radix/arena.js';

export interface Walked {
  nodeBytes: number;
  leafBytes: number;
  bigValueBytes: number;
  expiryBytes: number;
}

const NODE_BYTES = [56, 72, 80, 96, 120, 168, 208, 240, 312, 576, 704, 960, 1216, 1728, 2200];
const NODE_CAPACITY = [3, 5, 6, 8, 10, 16, 20, 24, 32, 48, 64, 96, 128, 192, 256];
const FIRST_BITMAP = 9;
const DIRECT = 14;
const EXPIRY = 8;
const WIDE = 16;
const EXTERNAL = 32;
const SLIM = 512;
const HEAD = 1;
const TIMED_HEAD_BYTES = 36;
/** Of a slab, but for its last granule. */
const SLAB_BYTES = 256 * 1024 - 8;
const HEAP_BYTES = 12;

export function walkMemory(store: Store): Walked {
  const sum: Walked = { nodeBytes: 0, leafBytes: 0, bigValueBytes: 0, expiryBytes: 0 };
  for (const { tree } of store.databases) walkTree(store, tree.root, true, sum);
  return sum;
}

export function walkedBytes(walked: Walked): number {
  return walked.nodeBytes + walked.leafBytes + walked.bigValueBytes + walked.expiryBytes;
}

/** `timed`: entries with an expiry sit in the heap of a database; elements do not. */
function walkTree(store: Store, root: number, timed: boolean, sum: Walked): void {
  const { nodes, leaves } = store.space;
  const waiting = [root];
  for (let pointer = waiting.pop(); pointer !== undefined; pointer = waiting.pop()) {
    if (pointer > 0) waiting.push(...walkNode(nodes, pointer, sum));
    if (pointer < 0) {
      const roots = walkLeaf(leaves, store, 0 - pointer, timed, sum);
      for (const below of roots) walkTree(store, below, false, sum);
    }
  }
}

function walkNode(nodes: Arena, pointer: number, sum: Walked): number[] {
  const { i32, word } = wordsAt(nodes, pointer);
  const type = i32[word]! & 15;
  const children = (i32[word]! >>> 4) & 511;
  const bytes = recordBytes(NODE_BYTES[type]!);
  assert.equal(nodes.recordBytes(pointer), bytes, 'a node has the record that it needs');
  sum.nodeBytes += bytes;
  const terminal = i32[word + 5]!;
  let begin = word + 6 + Math.ceil(NODE_CAPACITY[type]! / 4);
  if (type >= FIRST_BITMAP) begin = word + 48;
  if (type === DIRECT) begin = word + 38;
  const length = type === DIRECT ? 256 : children;
  const pointers = [...i32.subarray(begin, begin + length), terminal].filter((p) => p !== 0);
  assert.equal(pointers.length, children + (terminal === 0 ? 0 : 1), 'all children are there');
  return pointers;
}

/** Returns the roots of what hangs below a head. */
function walkLeaf(
  leaves: Arena,
  store: Store,
  pointer: number,
  timed: boolean,
  sum: Walked,
): number[] {
  const { i32, word } = wordsAt(leaves, pointer);
  const flags = i32[word + 1]! >>> 21;
  let at = word + 4;
  let keyBytes = i32[word + 2]! >>> 24;
  let valueBytes = i32[word + 3]! & 0xffff;
  if ((flags & SLIM) !== 0) {
    at = word + 3;
    valueBytes = (i32[word + 2]! >>> 16) & 0xff;
  }
  if ((flags & EXPIRY) !== 0) {
    at += 3;
    if (timed) sum.expiryBytes += HEAP_BYTES;
  }
  if ((flags & WIDE) !== 0) {
    keyBytes = i32[at]!;
    valueBytes = i32[at + 1]! >>> 0;
    at += 4;
  }
  at += Math.ceil(keyBytes / 4);
  const valueWord = at;
  if ((flags & EXTERNAL) !== 0) {
    at += 1;
    assert.equal(store.space.bigValues.bytes(i32[valueWord]!), valueBytes, 'length of a big value');
    sum.bigValueBytes += valueBytes;
  } else {
    at += Math.ceil(valueBytes / 4);
  }
  const bytes = recordBytes((at - word) * 4);
  assert.equal(leaves.recordBytes(pointer), bytes, 'a leaf has the record that it needs');
  sum.leafBytes += bytes;
  if ((flags & 3) !== HEAD) return [];
  const roots = [i32[valueWord]!, i32[valueWord + 1]!];
  if (valueBytes === TIMED_HEAD_BYTES) {
    roots.push(i32[valueWord + 7]!);
    if (timed && i32[valueWord + 8]! !== -1) sum.expiryBytes += HEAP_BYTES;
  }
  return roots;
}

function wordsAt(arena: Arena, pointer: number): { i32: Int32Array; word: number } {
  return { i32: arena.i32[pointer >>> 21]!, word: (pointer & 0x1fffff) * 2 };
}

/** Multiples of 8 up to 1120; above it, such that n records fill a slab. */
function recordBytes(bytes: number): number {
  const whole = Math.ceil(bytes / 8) * 8;
  if (whole <= 1120) return whole;
  let fitting = 1120;
  let records = Math.floor(SLAB_BYTES / 1120);
  while (fitting < whole) {
    records = Math.max(3, Math.min(records - 1, Math.ceil((records * 8) / 9)));
    fitting = Math.floor(SLAB_BYTES / 8 / records) * 8;
  }
  return fitting;
}
