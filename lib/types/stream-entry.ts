/**
 * What an entry of a stream holds: fields and values in turn, as its element's value.
 *
 *   count | { length } | zeros | { bytes | zeros }
 *
 * count: of strings, twice that of the fields. Numbers are varints, lowest seven bits first. Zeros
 * fill words of four bytes, so that strings are copied into replies a word at a time.
 */
import { CHUNK_SHIFT, GRANULE_MASK } from '../../radix/arena.js';
import { FLAG_EXTERNAL, flagsAt, type Leaf, valueWordAt } from '../../radix/leaf.js';
import type { Tree } from '../../radix/tree.js';
import type { Args } from '../../resp/args.js';

/** Strings of an entry together, bytes, as in Redis. */
export const ENTRY_BYTES_MAX = 2 ** 30;
/** What a string takes besides its own bytes, at most: its length, and what fills a word. */
const STRING_BYTES = 8;
/** The same for the count, and what fills a word behind the lengths. */
const MARGIN_BYTES = 8;
/** Longer entries get a buffer of their own. */
const SCRATCH_BYTES = 16 * 1024;

/** Up to here a loop over bytes beats the call into the runtime. */
const LOOP_BYTES_MAX = 40;

const scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
const NO_WORDS = new Int32Array(0);

/** An entry that was encoded: bytes[0, length). Valid until the next. */
export class EncodedEntry {
  bytes = scratch;
  length = 0;

  /** False if it would be too long. */
  encode({ buf, count, ends, starts }: Args, first: number): boolean {
    let most = MARGIN_BYTES;
    for (let i = first; i < count; i += 1) most += ends[i]! - starts[i]! + STRING_BYTES;
    if (!this.#begin(count - first, most)) return false;
    for (let i = first; i < count; i += 1) this.#addLength(ends[i]! - starts[i]!);
    this.#fillWord();
    for (let i = first; i < count; i += 1) {
      this.length = copy(buf, starts[i]!, ends[i]!, this.bytes, this.length);
      this.#fillWord();
    }
    return true;
  }

  encodeItems(items: readonly Buffer[]): boolean {
    let most = MARGIN_BYTES;
    for (const item of items) most += item.length + STRING_BYTES;
    if (!this.#begin(items.length, most)) return false;
    for (const item of items) this.#addLength(item.length);
    this.#fillWord();
    for (const item of items) {
      this.length += item.copy(this.bytes, this.length);
      this.#fillWord();
    }
    return true;
  }

  /** Lets a large one go. */
  forget(): void {
    this.bytes = scratch;
  }

  #begin(count: number, most: number): boolean {
    if (most > ENTRY_BYTES_MAX) return false;
    this.bytes = most <= SCRATCH_BYTES ? scratch : Buffer.allocUnsafeSlow(most);
    this.length = writeVarint(this.bytes, 0, count);
    return true;
  }

  #addLength(bytes: number): void {
    this.length = writeVarint(this.bytes, this.length, bytes);
  }

  #fillWord(): void {
    while ((this.length & 3) !== 0) {
      this.bytes[this.length] = 0;
      this.length += 1;
    }
  }
}

/**
 * Reads the strings of an entry, one after the other: bytes[from, to), which begins at words[word].
 * Valid until the next write.
 */
export class EntryReader {
  bytes: Buffer = scratch;
  words: Int32Array = NO_WORDS;
  count = 0;
  from = 0;
  to = 0;
  #left = 0;
  /** Where the next length stands. */
  #lengthAt = 0;

  get word(): number {
    return this.from >>> 2;
  }

  load(tree: Tree, entry: Leaf): void {
    const { leaves } = tree.space;
    const i32 = leaves.i32[entry >>> CHUNK_SHIFT]!;
    const word = (entry & GRANULE_MASK) << 1;
    if ((flagsAt(i32, word) & FLAG_EXTERNAL) === 0) {
      this.words = i32;
      this.bytes = leaves.u8[entry >>> CHUNK_SHIFT]!;
      this.#lengthAt = valueWordAt(i32, word) * 4;
    } else {
      const memory = new ArrayBuffer((tree.valueBytes(entry) + 3) & ~3);
      this.words = new Int32Array(memory);
      this.bytes = Buffer.from(memory);
      this.#lengthAt = 0;
      tree.copyValue(entry, this.bytes, 0);
    }
    this.count = this.#varint();
    this.#left = this.count;
    this.to = this.#lengthsEnd();
  }

  /** Lets the copy of a large one go. */
  forget(): void {
    this.bytes = scratch;
    this.words = NO_WORDS;
  }

  next(): boolean {
    if (this.#left === 0) return false;
    this.#left -= 1;
    this.from = (this.to + 3) & ~3;
    this.to = this.from + this.#varint();
    return true;
  }

  #lengthsEnd(): number {
    const { bytes } = this;
    let at = this.#lengthAt;
    for (let left = this.count; left > 0; at += 1) if (bytes[at]! < 0x80) left -= 1;
    return at;
  }

  #varint(): number {
    const first = this.bytes[this.#lengthAt]!;
    this.#lengthAt += 1;
    if (first < 0x80) return first;
    let value = first & 0x7f;
    for (let shift = 7; shift <= 28; shift += 7) {
      const byte = this.bytes[this.#lengthAt]!;
      this.#lengthAt += 1;
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return value;
  }
}

/** Copies source[from, to) to target[at, ...); returns the end. */
function copy(source: Buffer, from: number, to: number, target: Buffer, at: number): number {
  if (to - from > LOOP_BYTES_MAX) return at + source.copy(target, at, from, to);
  let end = at;
  for (let i = from; i < to; i += 1) {
    target[end] = source[i]!;
    end += 1;
  }
  return end;
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
