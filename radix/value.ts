/**
 * Value: reading the value of a leaf, wherever it lies: in the leaf or among the big values.
 */
import { CHUNK_SHIFT, GRANULE_MASK } from './arena.js';
import type { HeldValue } from './big-values.js';
import { FLAG_EXTERNAL, flagsAt, type Leaf, loadBytes, valueBytesAt, valueWordAt } from './leaf.js';
import type { Space } from './space.js';

/** Copies value[from, to) to target[at...]; returns the index after the last byte. */
export function copyValue(
  space: Space,
  leaf: Leaf,
  target: Buffer,
  at: number,
  from: number,
  to: number,
): number {
  const i32 = space.leaves.i32[leaf >>> CHUNK_SHIFT]!;
  const word = (leaf & GRANULE_MASK) << 1;
  const valueWord = valueWordAt(i32, word);
  if ((flagsAt(i32, word) & FLAG_EXTERNAL) !== 0) {
    return space.bigValues.read(i32[valueWord]!, from, target, at, to - from);
  }
  const u8 = space.leaves.u8[leaf >>> CHUNK_SHIFT]!;
  return loadBytes(i32, u8, valueWord, from, to - from, target, at);
}

/** The value as it is now, for a reader of many turns; null: it lies in the leaf. To be released. */
export function holdValue(space: Space, leaf: Leaf): HeldValue | null {
  const i32 = space.leaves.i32[leaf >>> CHUNK_SHIFT]!;
  const word = (leaf & GRANULE_MASK) << 1;
  if ((flagsAt(i32, word) & FLAG_EXTERNAL) === 0) return null;
  return space.bigValues.hold(i32[valueWordAt(i32, word)]!);
}

export function valueByte(space: Space, leaf: Leaf, index: number): number {
  const i32 = space.leaves.i32[leaf >>> CHUNK_SHIFT]!;
  const word = (leaf & GRANULE_MASK) << 1;
  const at = valueWordAt(i32, word);
  if ((flagsAt(i32, word) & FLAG_EXTERNAL) !== 0) return space.bigValues.byteAt(i32[at]!, index);
  return (i32[at + (index >>> 2)]! >>> ((index & 3) << 3)) & 255;
}

/** Like memcmp: negative, 0 or positive. */
export function compareValue(
  space: Space,
  leaf: Leaf,
  value: Buffer,
  vfrom: number,
  vto: number,
): number {
  const i32 = space.leaves.i32[leaf >>> CHUNK_SHIFT]!;
  const word = (leaf & GRANULE_MASK) << 1;
  const at = valueWordAt(i32, word);
  if ((flagsAt(i32, word) & FLAG_EXTERNAL) !== 0) {
    return space.bigValues.compare(i32[at]!, value, vfrom, vto);
  }
  const u8 = space.leaves.u8[leaf >>> CHUNK_SHIFT]!;
  return u8.compare(value, vfrom, vto, at * 4, at * 4 + valueBytesAt(i32, word));
}
