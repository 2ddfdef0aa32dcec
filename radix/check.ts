/**
 * Check: walks a whole tree and throws if an invariant does not hold. For tests and simulation.
 *
 * Checked: order and prefixes of keys, depths, counts and digests of every node against its
 * leaves, lows of children, hints, layouts of leaves, value hashes, slots in the expiry heap, children counts.
 */
import assert from 'node:assert';
import { CHUNK_SHIFT, GRANULE_MASK } from './arena.js';
import {
  copyLeafKey,
  expiryAt,
  FLAG_EXPIRY,
  FLAG_WIDE,
  flagsAt,
  KIND_HEAD,
  KIND_MASK,
  keyBytesAt,
  type Leaf,
  leafFlags,
  leafKeyBytes,
  valueBytesAt,
  wideWordAt,
} from './leaf.js';
import {
  ALL,
  byteOfSlot,
  childSlot,
  firstSlot,
  groupOfByte,
  groupWord,
  HIGH,
  hasGroups,
  LIVE,
  LOW,
  liveBelow,
  lowWord,
  nodeCapacity,
  nodeCount,
  nodeDepth,
  slotAfter,
  TERMINAL,
} from './node.js';
import { addLeaf, addPointer, hintOfKind, Sum } from './totals.js';
import type { Tree } from './tree.js';
import { rehashValue } from './value.js';
import { LAYOUT_FLAGS, layoutOf } from './write.js';

interface Frame {
  node: number;
  slot: number;
  sum: Sum;
  prefix: Buffer | null;
  hints: number;
}

export function checkTree(tree: Tree): void {
  const frames: Frame[] = [];
  let previous: Buffer | null = null;
  let timed = 0;
  let pointer = tree.root;
  for (;;) {
    if (pointer > 0) {
      frames.push(openNode(tree, pointer, frames.at(-1)));
    } else if (pointer < 0) {
      const leaf = 0 - pointer;
      const key = checkLeaf(tree, leaf, frames);
      assert(previous === null || previous.compare(key) < 0, 'keys ascend');
      previous = key;
      if ((leafFlags(tree.space.leaves, leaf) & FLAG_EXPIRY) !== 0) timed++;
    }
    pointer = nextPointer(tree, frames);
    if (pointer === 0) break;
  }
  if (tree.timed) assert.equal(tree.expiries.size, timed, 'the heap has all expiries');
}

function openNode(tree: Tree, node: number, parent: Frame | undefined): Frame {
  const { i32, word, header } = view(tree, node);
  const children = nodeCount(header);
  assert(children <= nodeCapacity(header), 'children fit');
  assert(children + (i32[word + TERMINAL] === 0 ? 0 : 1) >= 2, 'a node branches');
  if (parent !== undefined) {
    const above = view(tree, parent.node);
    assert(nodeDepth(above.header) < nodeDepth(header), 'depths ascend');
  }
  return { node, slot: 0, sum: new Sum(), prefix: null, hints: 0 };
}

/** The next pointer to look at; closes the nodes that are done. 0 at the end. */
function nextPointer(tree: Tree, frames: Frame[]): number {
  for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
    const { i32, word, header } = view(tree, frame.node);
    frame.slot =
      frame.slot === 0 ? firstSlot(i32, word, header) : slotAfter(i32, word, header, frame.slot);
    if (frame.slot !== 0) {
      const pointer = i32[frame.slot]!;
      assert(pointer !== 0 && (frame.slot !== word + TERMINAL || pointer < 0), 'a slot in use');
      return pointer;
    }
    closeNode(tree, frame);
    frames.pop();
    const parent = frames.at(-1);
    if (parent === undefined) break;
    parent.sum.live += frame.sum.live;
    parent.sum.all += frame.sum.all;
    parent.sum.low = (parent.sum.low + frame.sum.low) | 0;
    parent.sum.high = (parent.sum.high + frame.sum.high) | 0;
    parent.hints |= frame.hints;
    const at = byteOfSlot(...slotView(tree, parent));
    const depth = nodeDepth(view(tree, parent.node).header);
    assert.equal(frame.prefix![depth], at, 'a child is below its byte');
    if (parent.prefix === null) parent.prefix = frame.prefix!.subarray(0, depth);
    assert(frame.prefix!.subarray(0, depth).equals(parent.prefix), 'keys share the prefix');
  }
  return 0;
}

function closeNode(tree: Tree, frame: Frame): void {
  const { nodes, leaves } = tree.space;
  const { i32, word, header } = view(tree, frame.node);
  assert.equal(i32[word + LIVE], frame.sum.live, 'live count');
  assert.equal(i32[word + ALL], frame.sum.all, 'count of all');
  assert.equal(i32[word + LOW], frame.sum.low, 'digest, low half');
  assert.equal(i32[word + HIGH], frame.sum.high, 'digest, high half');
  assert.equal(frame.hints & ~header, 0, 'tombstones and heads are hinted at');
  let slots = 0;
  const groups = new Int32Array(16);
  let slot = firstSlot(i32, word, header);
  for (; slot !== 0; slot = slotAfter(i32, word, header, slot)) {
    const byte = byteOfSlot(i32, word, header, slot);
    if (byte < 0) continue;
    assert.equal(childSlot(i32, word, header, byte), slot, 'a child is found by its byte');
    const below = new Sum();
    addPointer(below, tree, i32[slot]!, 1);
    assert.equal(i32[lowWord(header, slot)], below.low, 'the low of a child');
    groups[groupOfByte(byte)]! += liveBelow(nodes, leaves, i32[slot]!, false);
    slots++;
  }
  for (let group = 0; hasGroups(header) && group < 16; group++) {
    assert.equal(i32[groupWord(word, group)], groups[group], 'live count of a group');
  }
  assert.equal(nodeCount(header), slots, 'number of children');
}

/** Checks a leaf below the innermost frame and adds it there. Returns its key. */
function checkLeaf(tree: Tree, leaf: Leaf, frames: Frame[]): Buffer {
  const leaves = tree.space.leaves;
  const key = Buffer.alloc(leafKeyBytes(leaves, leaf));
  copyLeafKey(leaves, leaf, key, 0);
  checkLayout(tree, leaf);
  checkValueHash(tree, leaf);
  const frame = frames.at(-1);
  if (frame === undefined) return key;
  const depth = nodeDepth(view(tree, frame.node).header);
  const byte = byteOfSlot(...slotView(tree, frame));
  assert(key.length >= depth, 'a key reaches its node');
  assert.equal(key.length === depth ? -1 : key[depth], byte, 'a leaf is below its byte');
  if (frame.prefix === null) frame.prefix = key.subarray(0, depth);
  assert(key.subarray(0, depth).equals(frame.prefix), 'keys share the prefix');
  addLeaf(frame.sum, tree, leaf, 1);
  // Up to the innermost node's depth: what the parent checks.
  frame.prefix = key.subarray(0, depth);
  frame.hints |= hintOfKind(leafFlags(leaves, leaf));
  return key;
}

function checkLayout(tree: Tree, leaf: Leaf): void {
  const i32 = tree.space.leaves.i32[leaf >>> CHUNK_SHIFT]!;
  const word = (leaf & GRANULE_MASK) << 1;
  const flags = flagsAt(i32, word);
  const lengths = [keyBytesAt(i32, word), valueBytesAt(i32, word)] as const;
  const layout = layoutOf(tree, flags & KIND_MASK, ...lengths, expiryAt(i32, word));
  assert.equal(
    flags & LAYOUT_FLAGS,
    layout,
    'a leaf has the layout that follows from what it holds',
  );
}

function checkValueHash(tree: Tree, leaf: Leaf): void {
  const i32 = tree.space.leaves.i32[leaf >>> CHUNK_SHIFT]!;
  const word = (leaf & GRANULE_MASK) << 1;
  const flags = flagsAt(i32, word);
  // A head's value has roots in it, which change; its value hash is not used.
  if ((flags & FLAG_WIDE) === 0 || (flags & KIND_MASK) === KIND_HEAD) return;
  const wide = wideWordAt(i32, word);
  const low = i32[wide + 2];
  const high = i32[wide + 3];
  rehashValue(tree.space, i32, word);
  assert(i32[wide + 2] === low && i32[wide + 3] === high, 'value hash');
}

function view(tree: Tree, node: number): { i32: Int32Array; word: number; header: number } {
  const i32 = tree.space.nodes.i32[node >>> CHUNK_SHIFT]!;
  const word = (node & GRANULE_MASK) << 1;
  return { i32, word, header: i32[word]! };
}

function slotView(tree: Tree, frame: Frame): [Int32Array, number, number, number] {
  const { i32, word, header } = view(tree, frame.node);
  return [i32, word, header, frame.slot];
}
