/**
 * BITCOUNT and BITPOS: both go through a range of bits a piece at a time, with the bits of the
 * first and last byte that lie outside of the range masked away.
 */

import { isWrongType, readStringKey } from '../lookup.js';
import { NOT_INTEGER } from '../replies.js';
import { PIECE_BYTES, ValueTask } from '../value-task.js';
import { placeRange, range, readRange } from './bit-range.js';

/** A piece of a value, as words and as bytes. */
const words = new Int32Array(PIECE_BYTES / 4);
const bytes = Buffer.from(words.buffer);

abstract class BitScan extends ValueTask {
  /** The next byte, and the one behind the last. */
  #at = 0;
  #end = 0;
  #firstByte = 0;
  #firstMask = 0;
  #lastMask = 0;

  /** What bits outside of the range, which must not matter, are taken for: all 0 or all 1. */
  protected abstract outside(): 0 | 0xff;
  /** Looks at `words[0, wordCount)`, which begin at byte `at` of the value; true if it replied. */
  protected abstract look(wordCount: number, at: number): boolean;
  /** Replies once everything has been looked at. */
  protected abstract finish(): void;

  /** Begins with the bits of `range`, of which there is one at least. */
  protected scanRange(): void {
    this.#at = Math.floor(range.from / 8);
    this.#end = Math.ceil(range.to / 8);
    this.#firstByte = this.#at;
    this.#firstMask = 0xff >> (range.from % 8);
    this.#lastMask = (0xff << ((8 - (range.to % 8)) % 8)) & 0xff;
  }

  protected workBytes(): number {
    return this.#end - this.#at;
  }

  protected piece(): boolean {
    const at = this.#at;
    const end = Math.min(this.#end, at + PIECE_BYTES);
    const wordCount = (end - at + 3) >>> 2;
    const outside = this.outside();
    words[wordCount - 1] = outside === 0 ? 0 : -1;
    this.database.tree.copyValue(this.leafOf(1), bytes, 0, at, end);
    if (at === this.#firstByte) maskByte(0, this.#firstMask, outside);
    if (end === this.#end) maskByte(end - at - 1, this.#lastMask, outside);
    this.#at = end;
    if (this.look(wordCount, at)) return true;
    if (end < this.#end) return false;
    this.finish();
    return true;
  }
}

function maskByte(index: number, mask: number, outside: 0 | 0xff): void {
  bytes[index] = (bytes[index]! & mask) | (outside & ~mask);
}

export class BitCount extends BitScan {
  #count = 0;

  protected begin(): boolean {
    if (!readRange(this.args, 2, 'bitcount', this.reply)) return false;
    const leaf = readStringKey(this.database, this.args, 1);
    if (isWrongType(leaf, this.reply)) return false;
    if (leaf === 0) {
      this.reply.integer(0);
      return false;
    }
    placeRange(this.database.tree.valueBytes(leaf));
    if (range.from >= range.to) {
      this.reply.integer(0);
      return false;
    }
    this.#count = 0;
    this.watch(1, leaf);
    this.scanRange();
    return true;
  }

  protected outside(): 0 {
    return 0;
  }

  protected look(wordCount: number): boolean {
    let count = 0;
    for (let i = 0; i < wordCount; i += 1) {
      let word = words[i]!;
      if (word === 0) continue;
      word -= (word >>> 1) & 0x55555555;
      word = (word & 0x33333333) + ((word >>> 2) & 0x33333333);
      count += Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
    }
    this.#count += count;
    return false;
  }

  protected finish(): void {
    this.reply.integer(this.#count);
  }
}

export class BitPosition extends BitScan {
  /** The bit that is looked for. */
  #bit = 0;
  /** What is replied if it is not there. */
  #absent = -1;

  protected begin(): boolean {
    const bit = this.args.int64(2);
    if (Number.isNaN(bit)) {
      this.reply.error(NOT_INTEGER);
      return false;
    }
    if (bit !== 0 && bit !== 1) {
      this.reply.error('ERR The bit argument must be 1 or 0.');
      return false;
    }
    if (!readRange(this.args, 3, 'bitpos', this.reply)) return false;
    const leaf = readStringKey(this.database, this.args, 1);
    if (isWrongType(leaf, this.reply)) return false;
    if (leaf === 0) {
      this.reply.integer(0 - bit);
      return false;
    }
    const valueBytes = this.database.tree.valueBytes(leaf);
    placeRange(valueBytes);
    if (range.from >= range.to) {
      this.reply.integer(-1);
      return false;
    }
    this.#bit = bit;
    // A string goes on with zeros behind its end, unless the range has an end of its own.
    this.#absent = bit === 0 && range.isOpen ? valueBytes * 8 : -1;
    this.watch(1, leaf);
    this.scanRange();
    return true;
  }

  protected outside(): 0 | 0xff {
    return this.#bit === 1 ? 0 : 0xff;
  }

  protected look(wordCount: number, at: number): boolean {
    const flip = this.#bit === 1 ? 0 : -1;
    for (let i = 0; i < wordCount; i += 1) {
      if (words[i] === flip) continue;
      let byte = i * 4;
      while (((bytes[byte]! ^ flip) & 0xff) === 0) byte += 1;
      const bit = Math.clz32((bytes[byte]! ^ flip) & 0xff) - 24;
      this.reply.integer((at + byte) * 8 + bit);
      return true;
    }
    return false;
  }

  protected finish(): void {
    this.reply.integer(this.#absent);
  }
}
