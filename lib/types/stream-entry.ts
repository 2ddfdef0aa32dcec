/**
 * What an entry of a stream holds: fields and values in turn, as its element's value.
 *
 *   count | { length | bytes }      count: of strings, twice that of the fields; numbers are varints
 */
import type { Leaf } from '../../radix/leaf.js';
import type { Tree } from '../../radix/tree.js';
import type { Args } from '../../resp/args.js';
import { copyBytes } from '../../resp/bytes.js';

/** Strings of an entry together, bytes, as in Redis. */
export const ENTRY_BYTES_MAX = 2 ** 30;
const VARINT_BYTES_MAX = 5;
/** Longer entries get a buffer of their own. */
const SCRATCH_BYTES = 16 * 1024;

const scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);

/** An entry that was encoded: bytes[0, length). Valid until the next. */
export class EncodedEntry {
  bytes = scratch;
  length = 0;

  /** False if it would be too long. */
  encode(args: Args, first: number): boolean {
    const { buf, count, ends, starts } = args;
    let most = (count - first + 1) * VARINT_BYTES_MAX;
    for (let i = first; i < count; i += 1) most += ends[i]! - starts[i]!;
    if (!this.#begin(count - first, most)) return false;
    let at = this.length;
    for (let i = first; i < count; i += 1) {
      const from = starts[i]!;
      const to = ends[i]!;
      at = writeVarint(this.bytes, at, to - from);
      copyBytes(buf, from, to, this.bytes, at);
      at += to - from;
    }
    this.length = at;
    return true;
  }

  encodeItems(items: readonly Buffer[]): boolean {
    let most = VARINT_BYTES_MAX;
    for (const item of items) most += item.length + VARINT_BYTES_MAX;
    if (!this.#begin(items.length, most)) return false;
    for (const item of items) {
      this.length = writeVarint(this.bytes, this.length, item.length);
      this.length += item.copy(this.bytes, this.length);
    }
    return true;
  }

  #begin(count: number, most: number): boolean {
    if (most > ENTRY_BYTES_MAX) return false;
    this.bytes = most <= SCRATCH_BYTES ? scratch : Buffer.allocUnsafeSlow(most);
    this.length = writeVarint(this.bytes, 0, count);
    return true;
  }
}

/** Reads the strings of an entry, one after the other: bytes[from, to). */
export class EntryReader {
  bytes = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  count = 0;
  from = 0;
  to = 0;
  #left = 0;
  readonly #own = this.bytes;

  /** Copies the entry out of its leaf. */
  load(tree: Tree, entry: Leaf): void {
    const bytes = tree.valueBytes(entry);
    this.bytes = bytes <= SCRATCH_BYTES ? this.#own : Buffer.allocUnsafeSlow(bytes);
    tree.copyValue(entry, this.bytes, 0);
    this.to = 0;
    this.count = this.#varint();
    this.#left = this.count;
  }

  next(): boolean {
    if (this.#left === 0) return false;
    this.#left -= 1;
    const bytes = this.#varint();
    this.from = this.to;
    this.to += bytes;
    return true;
  }

  #varint(): number {
    const first = this.bytes[this.to]!;
    this.to += 1;
    if (first < 0x80) return first;
    let value = first & 0x7f;
    for (let shift = 7; shift <= 28; shift += 7) {
      const byte = this.bytes[this.to]!;
      this.to += 1;
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return value;
  }
}

function writeVarint(target: Buffer, at: number, value: number): number {
  let end = at;
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) {
    target[end] = 0x80 | (rest & 0x7f);
    end += 1;
  }
  target[end] = rest;
  return end + 1;
}
