/**
 * RecordWriter: writes how entries are now as records (record.ts) into blocks (block.ts).
 *
 * Blocks end where they have become long, or where a run ends. A writer that goes on for long
 * (a sweep, a large collection) therefore fills blocks that are on their way before it is done.
 */
import { CHUNK_SHIFT, GRANULE_MASK } from '../../radix/arena.js';
import {
  FLAG_EXPIRY,
  FLAG_EXTERNAL,
  FLAG_WIDE,
  flagsAt,
  keyWordAt,
  type Leaf,
  originAt,
  shortKeyBytesAt,
  shortValueBytesAt,
} from '../../radix/leaf.js';
import type { SubTree } from '../../radix/subtree.js';
import type { Tree } from '../../radix/tree.js';
import { copyWords } from '../../resp/bytes.js';
import type { CollectedRanges } from '../store/collected-ranges.js';
import { BLOCK_HEADER_BYTES } from './block.js';
import {
  BOUND_HIGH,
  BOUND_LOW,
  KIND_ABSENT,
  KIND_CLEAR,
  KIND_COLLECTED,
  KIND_COLLECTED_RANGE,
  KIND_ELEMENT,
  KIND_ELEMENT_ABSENT,
  KIND_ENTRY,
  KIND_HEAD_RECORD,
  KIND_LIBRARY,
  KIND_NO_LIBRARIES,
  KIND_PATCH,
  KIND_PIECE,
  KIND_SWAP,
  PIECE_BYTES,
  RECORD_BYTES_MAX,
  SLOT_SHIFT,
} from './record.js';

/** A block that has become this long ends; a longer one has one long record. */
const BLOCK_BYTES = 64 * 1024;
/** Buffers kept for the next blocks. */
const SPARE_MAX = 32;
const TWO_32 = 4294967296;
/** A varint of one byte. */
const ONE_BYTE_MAX = 127;
const UNUSUAL_FLAGS = FLAG_EXPIRY | FLAG_WIDE | FLAG_EXTERNAL;
/** Bytes of facts without an expiry. */
const SHORT_FACTS_BYTES = 10;

export interface FilledBlock {
  readonly buf: Buffer;
  readonly end: number;
  readonly closes: boolean;
}

export class RecordWriter {
  /** Blocks that have ended and that nobody has taken yet. */
  filled: FilledBlock[] = [];
  /** Bytes of them and of the block at hand. */
  bytes = 0;
  /** Something was written since the last run was closed. */
  isOpen = false;
  #buf: Buffer = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  #view = viewOf(this.#buf);
  #at = BLOCK_HEADER_BYTES;
  #spare: Buffer[] = [];
  /** The head that elements written now belong to; 0: none. Heads of all slots are in one Space. */
  #head: Leaf = 0;

  /** Ends the run: what was written since the last one takes effect together. */
  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#fill(true);
  }

  /** Forgets what nobody has taken, for good. */
  discard(): void {
    for (const { buf } of this.filled) this.giveBack(buf);
    this.filled = [];
    this.#at = BLOCK_HEADER_BYTES;
    this.#head = 0;
    this.bytes = 0;
    this.isOpen = false;
  }

  /** A block has been written to the disk. */
  giveBack(buf: Buffer): void {
    if (buf.length === BLOCK_BYTES && this.#spare.length < SPARE_MAX) this.#spare.push(buf);
  }

  /** An entry that is no head. */
  entry(slot: number, tree: Tree, leaf: Leaf): void {
    if (this.#short(KIND_ENTRY, slot, tree, leaf)) return;
    const keyBytes = tree.keyBytes(leaf);
    const valueBytes = tree.valueBytes(leaf);
    const from = this.#pieces(slot, tree, leaf, 0, valueBytes);
    this.#begin(KIND_ENTRY, slot, keyBytes + valueBytes - from);
    this.#facts(tree, leaf, tree.expiryMs(leaf));
    this.#varint(keyBytes);
    this.#varint(valueBytes - from);
    this.#at = tree.copyKey(leaf, this.#buf, this.#at);
    this.#at = tree.copyValue(leaf, this.#buf, this.#at, from, valueBytes);
  }

  /**
   * Writes an entry or an element as most are: short, and it does not expire. Its words are copied as
   * they lie in the leaf. False: it is not such a one.
   */
  #short(kind: number, slot: number, tree: Tree, leaf: Leaf): boolean {
    const i32 = tree.space.leaves.i32[leaf >>> CHUNK_SHIFT]!;
    const word = (leaf & GRANULE_MASK) << 1;
    if ((flagsAt(i32, word) & UNUSUAL_FLAGS) !== 0) return false;
    const keyBytes = shortKeyBytesAt(i32, word);
    const valueBytes = shortValueBytesAt(i32, word);
    if (keyBytes > ONE_BYTE_MAX || valueBytes > ONE_BYTE_MAX) return false;
    this.#begin(kind, slot, keyBytes + valueBytes);
    const view = this.#view;
    const from = this.#at;
    view.setUint16(from, originAt(i32, word), true);
    view.setInt32(from + 2, i32[word]!, true);
    view.setInt32(from + 6, i32[word + 1]!, true);
    view.setUint8(from + SHORT_FACTS_BYTES, keyBytes);
    view.setUint8(from + SHORT_FACTS_BYTES + 1, valueBytes);
    const keyWord = keyWordAt(i32, word);
    const valueWord = keyWord + ((keyBytes + 3) >>> 2);
    const keyAt = from + SHORT_FACTS_BYTES + 2;
    const valueAt = keyAt + keyBytes;
    // What is written behind either end is written over, or lies behind the block.
    copyWords(i32, keyWord, keyBytes, this.#buf, view, keyAt);
    copyWords(i32, valueWord, valueBytes, this.#buf, view, valueAt);
    this.#at = valueAt + valueBytes;
    return true;
  }

  /** Bytes [offset, end) of a string's value, its stamp and its expiry. */
  patch(slot: number, tree: Tree, leaf: Leaf, offset: number, end: number): void {
    const keyBytes = tree.keyBytes(leaf);
    const from = this.#pieces(slot, tree, leaf, offset, end);
    this.#begin(KIND_PATCH, slot, keyBytes + end - from);
    this.#facts(tree, leaf, tree.expiryMs(leaf));
    this.#varint(keyBytes);
    this.#varint(end - from);
    this.#double(offset);
    this.#at = tree.copyKey(leaf, this.#buf, this.#at);
    this.#at = tree.copyValue(leaf, this.#buf, this.#at, from, end);
  }

  absent(slot: number, key: Buffer, from: number, to: number): void {
    this.#begin(KIND_ABSENT, slot, to - from);
    this.#varint(to - from);
    this.#bytes(key, from, to);
    this.#head = 0;
  }

  /** The head of the sub tree opened; what is written of its elements follows. */
  head(slot: number, sub: SubTree): void {
    const { head, parts, tree } = sub;
    const keyBytes = tree.keyBytes(head);
    this.#begin(KIND_HEAD_RECORD, slot, keyBytes);
    this.#facts(tree, head, parts.expiryMs);
    this.#varint(keyBytes);
    this.#at = tree.copyKey(head, this.#buf, this.#at);
    this.#two(parts.type);
    this.#two(parts.expiryOrigin);
    this.#double(parts.clearedAt);
    this.#double(parts.expiryStamp);
    this.#head = head;
  }

  /** An element of the sub tree opened, which has this key, as it is now; also if it is not there. */
  element(slot: number, sub: SubTree, element: Leaf): void {
    const { elements } = sub;
    const subBytes = elements.keyBytes(element);
    const valueBytes = elements.valueBytes(element);
    const from = this.#pieces(slot, elements, element, 0, valueBytes);
    this.#needHead(slot, sub, subBytes + valueBytes - from);
    if (this.#short(KIND_ELEMENT, slot, elements, element)) return;
    this.#begin(KIND_ELEMENT, slot, subBytes + valueBytes - from);
    this.#facts(elements, element, elements.expiryMs(element));
    this.#varint(subBytes);
    this.#varint(valueBytes - from);
    this.#at = elements.copyKey(element, this.#buf, this.#at);
    this.#at = elements.copyValue(element, this.#buf, this.#at, from, valueBytes);
  }

  elementAbsent(slot: number, sub: SubTree, subKey: Buffer, from: number, to: number): void {
    this.#needHead(slot, sub, to - from);
    this.#begin(KIND_ELEMENT_ABSENT, slot, to - from);
    this.#varint(to - from);
    this.#bytes(subKey, from, to);
  }

  clear(slot: number, mode: number, stamp: number): void {
    this.#begin(KIND_CLEAR, slot, 0);
    this.#buf[this.#at++] = mode;
    this.#double(stamp);
    this.#head = 0;
  }

  swap(slots: readonly number[]): void {
    this.#begin(KIND_SWAP, 0, slots.length);
    for (const slot of slots) this.#buf[this.#at++] = slot;
  }

  collected(stamp: number): void {
    this.#begin(KIND_COLLECTED, 0, 0);
    this.#double(stamp);
  }

  collectedRanges(ranges: CollectedRanges): void {
    for (const { high, low, stamp } of ranges.pieces()) {
      if (stamp === 0) continue;
      const lowBytes = low?.length ?? 0;
      const highBytes = high?.length ?? 0;
      this.#begin(KIND_COLLECTED_RANGE, 0, lowBytes + highBytes);
      this.#buf[this.#at++] = (low === null ? 0 : BOUND_LOW) | (high === null ? 0 : BOUND_HIGH);
      this.#double(stamp);
      this.#varint(lowBytes);
      this.#varint(highBytes);
      if (low !== null) this.#bytes(low, 0, lowBytes);
      if (high !== null) this.#bytes(high, 0, highBytes);
    }
  }

  noLibraries(): void {
    this.#begin(KIND_NO_LIBRARIES, 0, 0);
  }

  library(code: Buffer): void {
    let from = 0;
    for (; code.length - from > PIECE_BYTES; from += PIECE_BYTES) {
      this.#begin(KIND_PIECE, 0, PIECE_BYTES);
      this.#four(PIECE_BYTES);
      this.#bytes(code, from, from + PIECE_BYTES);
    }
    this.#begin(KIND_LIBRARY, 0, code.length - from);
    this.#varint(code.length - from);
    this.#bytes(code, from, code.length);
  }

  /** Heads written so far no longer say how things are: to be called after any write to a tree. */
  forgetHead(): void {
    this.#head = 0;
  }

  /** Writes the head again if another one, or another block, came in between. */
  #needHead(slot: number, sub: SubTree, bytes: number): void {
    this.#room(bytes + RECORD_BYTES_MAX);
    if (this.#head === sub.head) return;
    this.head(slot, sub);
    // The element may not fit behind it; then it begins a block, with the head.
    if (this.#buf.length - this.#at >= bytes + RECORD_BYTES_MAX) return;
    this.#room(bytes + 2 * RECORD_BYTES_MAX + sub.tree.keyBytes(sub.head));
    this.head(slot, sub);
  }

  /** Writes all of value[from, to) but the last piece, which it returns the start of. */
  #pieces(slot: number, tree: Tree, leaf: Leaf, from: number, to: number): number {
    let at = from;
    for (; to - at > PIECE_BYTES; at += PIECE_BYTES) {
      this.#begin(KIND_PIECE, slot, PIECE_BYTES);
      this.#four(PIECE_BYTES);
      this.#at = tree.copyValue(leaf, this.#buf, this.#at, at, at + PIECE_BYTES);
    }
    return at;
  }

  #begin(kind: number, slot: number, bytes: number): void {
    this.#room(bytes + RECORD_BYTES_MAX);
    this.isOpen = true;
    this.#buf[this.#at++] = kind | (slot << SLOT_SHIFT);
  }

  /** Makes sure that so many bytes fit into the block at hand, beginning another if they do not. */
  #room(bytes: number): void {
    if (this.#buf.length - this.#at >= bytes) return;
    if (this.#at > BLOCK_HEADER_BYTES) this.#fill(false);
    const needed = bytes + BLOCK_HEADER_BYTES;
    if (needed > this.#buf.length) this.#use(Buffer.allocUnsafeSlow(needed));
  }

  #fill(closes: boolean): void {
    const end = this.#at;
    this.filled.push({ buf: this.#buf, end, closes });
    this.bytes += end;
    this.#use(this.#spare.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES));
    this.#at = BLOCK_HEADER_BYTES;
    this.#head = 0;
  }

  #use(buf: Buffer): void {
    this.#buf = buf;
    this.#view = viewOf(buf);
  }

  #facts(tree: Tree, leaf: Leaf, expiryMs: number): void {
    const flags = (tree.flags(leaf) & ~FLAG_EXPIRY) | (expiryMs > 0 ? FLAG_EXPIRY : 0);
    const stamp = tree.stamp(leaf);
    this.#two(tree.origin(leaf));
    this.#four(stamp % TWO_32);
    this.#four((Math.floor(stamp / TWO_32) | (flags << 21)) >>> 0);
    if (expiryMs > 0) this.#double(expiryMs);
  }

  #varint(value: number): void {
    let rest = value;
    while (rest > 127) {
      this.#buf[this.#at++] = (rest & 127) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#buf[this.#at++] = rest;
  }

  #two(value: number): void {
    this.#buf[this.#at++] = value;
    this.#buf[this.#at++] = value >>> 8;
  }

  #four(value: number): void {
    const buf = this.#buf;
    const at = this.#at;
    buf[at] = value;
    buf[at + 1] = value >>> 8;
    buf[at + 2] = value >>> 16;
    buf[at + 3] = value >>> 24;
    this.#at = at + 4;
  }

  #double(value: number): void {
    this.#at = this.#buf.writeDoubleLE(value, this.#at);
  }

  #bytes(source: Buffer, from: number, to: number): void {
    source.copy(this.#buf, this.#at, from, to);
    this.#at += to - from;
  }
}

function viewOf(buf: Buffer): DataView {
  return new DataView(buf.buffer, buf.byteOffset, buf.length);
}
