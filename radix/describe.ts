/**
 * Describe: a tree as text, for people and for tests that compare shapes.
 *
 *     [0] 3 live, 3 all
 *       61 'a' [2] 2 live, 2 all
 *         (end) ab = 3 B @ 17
 *         63 'c' abc = 1 B @ 18
 *       62 'b' bcd tombstone @ 20
 */
import { CHUNK_SHIFT, GRANULE_MASK } from './arena.js';
import {
  copyLeafKey,
  FLAG_LED,
  KIND_BYTES,
  KIND_MASK,
  KIND_TOMBSTONE,
  type Leaf,
  leafExpiryMs,
  leafFlags,
  leafKeyBytes,
  leafOrigin,
  leafStamp,
  leafValueBytes,
} from './leaf.js';
import { ALL, byteOfSlot, firstSlot, LIVE, nodeDepth, slotAfter } from './node.js';
import type { Tree } from './tree.js';

const KEY_BYTES_SHOWN = 64;
const LINES_MAX = 100_000;

export function describe(tree: Tree): string {
  if (tree.root === 0) return '(empty)\n';
  const lines: string[] = [];
  const stack: { node: number; slot: number }[] = [];
  let pointer = tree.root;
  let label = '';
  while (lines.length < LINES_MAX) {
    const indent = '  '.repeat(stack.length);
    const text = pointer > 0 ? describeNode(tree, pointer) : describeLeaf(tree, 0 - pointer);
    lines.push(indent + label + text);
    if (pointer > 0) stack.push({ node: pointer, slot: 0 });
    let top = stack.at(-1);
    while (top !== undefined) {
      const i32 = tree.space.nodes.i32[top.node >>> CHUNK_SHIFT]!;
      const word = (top.node & GRANULE_MASK) << 1;
      const header = i32[word]!;
      top.slot =
        top.slot === 0 ? firstSlot(i32, word, header) : slotAfter(i32, word, header, top.slot);
      if (top.slot !== 0) {
        pointer = i32[top.slot]!;
        label = labelOf(byteOfSlot(i32, word, header, top.slot));
        break;
      }
      stack.pop();
      top = stack.at(-1);
    }
    if (top === undefined) break;
  }
  return `${lines.join('\n')}\n`;
}

function labelOf(byte: number): string {
  if (byte < 0) return '(end) ';
  const hex = byte.toString(16).padStart(2, '0');
  return byte > 32 && byte < 127 ? `${hex} '${String.fromCharCode(byte)}' ` : `${hex} `;
}

function escaped(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

function describeNode(tree: Tree, node: number): string {
  const i32 = tree.space.nodes.i32[node >>> CHUNK_SHIFT]!;
  const word = (node & GRANULE_MASK) << 1;
  return `[${nodeDepth(i32[word]!)}] ${i32[word + LIVE]} live, ${i32[word + ALL]} all`;
}

function describeLeaf(tree: Tree, leaf: Leaf): string {
  const leaves = tree.space.leaves;
  const flags = leafFlags(leaves, leaf);
  const kind = flags & KIND_MASK;
  const key = Buffer.alloc(leafKeyBytes(leaves, leaf));
  copyLeafKey(leaves, leaf, key, 0);
  let text = key.toString('latin1', 0, Math.min(key.length, KEY_BYTES_SHOWN));
  text = text.replace(/[^\x21-\x7e]/g, escaped);
  if (key.length > KEY_BYTES_SHOWN) text += `... (${key.length} B)`;
  if (kind === KIND_BYTES) text += ` = ${leafValueBytes(leaves, leaf)} B`;
  else text += kind === KIND_TOMBSTONE ? ' tombstone' : ' head';
  text += ` @ ${leafStamp(leaves, leaf)}`;
  if (leafOrigin(leaves, leaf) !== 0) text += ` by ${leafOrigin(leaves, leaf)}`;
  if ((flags & FLAG_LED) !== 0) text += ' led';
  if (leafExpiryMs(leaves, leaf) !== 0) text += ` expires ${leafExpiryMs(leaves, leaf)}`;
  return text;
}
