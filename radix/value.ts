/**
 * Value: reading, making and hashing the value of a leaf, wherever it lies: in the leaf or among the big
 * values.
 */
import { CHUNK_SHIFT, GRANULE_MASK, OutOfMemoryError } from './arena.js';
import type { HeldValue } from './big-values.js';
import { BLOCK_BYTES } from './entry-hash.js';
import {
  FLAG_EXTERNAL,
  flagsAt,
  type Leaf,
  loadBytes,
  valueBytesAt,
  valueWordAt,
  wideWordAt,
} from './leaf.js';
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

/** Computes the value hash of a WIDE leaf from all of its value. */
export function rehashValue(space: Space, i32: Int32Array, word: number): void {
  const wide = wideWordAt(i32, word);
  i32[wide + 2] = 0;
  i32[wide + 3] = 0;
  addBlocks(space, i32, word, 0, valueBytesAt(i32, word), 1);
}

/** Adds the hashes of the blocks that value[from, to) touches to a WIDE leaf's value hash. */
export function addBlocks(
  space: Space,
  i32: Int32Array,
  word: number,
  from: number,
  to: number,
  sign: number,
): void {
  if (from >= to) return;
  const hash = space.hash;
  const at = valueWordAt(i32, word);
  if ((flagsAt(i32, word) & FLAG_EXTERNAL) !== 0) {
    space.bigValues.hash(i32[at]!, hash, from, to);
  } else {
    const block = Math.floor(from / BLOCK_BYTES);
    const start = block * BLOCK_BYTES;
    const end = Math.min(Math.ceil(to / BLOCK_BYTES) * BLOCK_BYTES, valueBytesAt(i32, word));
    hash.hashBlocks(i32, at + (start >>> 2), end - start, block);
  }
  const wide = wideWordAt(i32, word);
  i32[wide + 2] = i32[wide + 2]! + (sign > 0 ? hash.low : 0 - hash.low);
  i32[wide + 3] = i32[wide + 3]! + (sign > 0 ? hash.high : 0 - hash.high);
}

/** A big value of zeros with value[vfrom, vto) at `offset`. */
export function createBig(
  space: Space,
  bytes: number,
  value: Buffer,
  vfrom: number,
  vto: number,
  offset: number,
): number {
  const bigValues = space.bigValues;
  let big = -1;
  try {
    big = bigValues.create(bytes);
    bigValues.write(big, offset, value, vfrom, vto);
    return big;
  } catch (error) {
    if (big >= 0) bigValues.free(big);
    throw outOfMemory(error, bytes);
  }
}

export function outOfMemory(error: unknown, bytes: number): unknown {
  if (!(error instanceof RangeError)) return error;
  return new OutOfMemoryError(`the system gives no memory for a value of ${bytes} bytes`);
}
