/**
 * Head: the value of a sub tree's head entry.
 *
 *   word   bytes
 *    0       4    root of the elements         pointers like a node's; this node's own,
 *    1       4    root of the mirror           in no digest
 *    2       4    type (16 bits) | origin of the expiry << 16
 *  [ 3       8    clearedAt, a stamp, low word first
 *    5       8    stamp of the expiry                   both left out if both are 0 ]
 *  [ 7       4    root of the elements' order by expiry    once an element had one; this node's
 *    8       4    slot in the heap of such heads, or -1    own, in no digest; then nothing is left out ]
 *
 *   type:  0..7 what the user sees (hash, set, ...)   8 mirrored   9 values are all of 8 bytes
 *          10 only what has an owner is mirrored
 *
 * The leaf's own stamp and origin are those of the *type*; its expiry is the third part. Each part
 * merges by its own stamp (merge.ts), so that EXPIRE and HSET on two replicas both survive.
 *
 * Invariants, kept by every path that writes: the leaf's stamp is above clearedAt, and at or above
 * the expiry's stamp and every element's; the expiry's stamp, if not 0, and every element's are
 * above clearedAt. So whoever wins over the head wins over all that it holds.
 */
import { type Arena, CHUNK_SHIFT, GRANULE_MASK } from './arena.js';
import {
  HEAD_ROOT_WORD,
  HEAD_VALUE_BYTES,
  headWord,
  KIND_HEAD,
  type Leaf,
  leafExpiryMs,
  leafValueBytes,
  SHORT_HEAD_VALUE_BYTES,
  valueWordAt,
} from './leaf.js';
import { liveBelow } from './node.js';
import type { Tree } from './tree.js';

export const HEAD_TYPE_WORD = 2;
export const HEAD_CLEARED_WORD = 3;
export const HEAD_EXPIRY_STAMP_WORD = 5;

/** A type: its number in these bits, and the flags that follow. */
export const TYPE_NUMBER_MASK = 0xff;
export const TYPE_MIRRORED = 0x100;
/** All values have 8 bytes: the mirror's keys need no end mark. */
export const TYPE_FIXED8 = 0x200;
/** Mirrored are only the elements that have an owner, and in the order of owners (mirror.ts). */
export const TYPE_OWNED = 0x400;

const TWO_32 = 4294967296;

/** The parts of a head besides what every leaf says. One object is loaded again and again. */
export class HeadParts {
  type = 0;
  clearedAt = 0;
  /** 0: the head never had an expiry since it was cleared. */
  expiryStamp = 0;
  expiryOrigin = 0;
  /** 0: none; with an expiry stamp: taken away at that stamp. */
  expiryMs = 0;

  load(leaves: Arena, head: Leaf): void {
    const i32 = leaves.i32[head >>> CHUNK_SHIFT]!;
    const word = valueWordAt(i32, (head & GRANULE_MASK) << 1);
    this.type = i32[word + HEAD_TYPE_WORD]! & 0xffff;
    this.expiryOrigin = i32[word + HEAD_TYPE_WORD]! >>> 16;
    const isShort = leafValueBytes(leaves, head) === SHORT_HEAD_VALUE_BYTES;
    this.clearedAt = isShort ? 0 : stampAtWord(i32, word + HEAD_CLEARED_WORD);
    this.expiryStamp = isShort ? 0 : stampAtWord(i32, word + HEAD_EXPIRY_STAMP_WORD);
    this.expiryMs = leafExpiryMs(leaves, head);
  }

  /** The parts of a new sub tree. */
  reset(type: number, clearedAt: number): void {
    this.type = type;
    this.clearedAt = clearedAt;
    this.expiryStamp = 0;
    this.expiryOrigin = 0;
    this.expiryMs = 0;
  }

  /** How long a head's value is that says this, without the words of one whose elements expire. */
  get valueBytes(): number {
    const isShort = this.clearedAt === 0 && this.expiryStamp === 0;
    return isShort ? SHORT_HEAD_VALUE_BYTES : HEAD_VALUE_BYTES;
  }

  /** Writes a head's value, roots included, of which the first `valueBytes` count. */
  store(target: Buffer, root: number, mirrorRoot: number): void {
    target.writeInt32LE(root, HEAD_ROOT_WORD * 4);
    target.writeInt32LE(mirrorRoot, 4);
    target.writeUInt16LE(this.type, HEAD_TYPE_WORD * 4);
    target.writeUInt16LE(this.expiryOrigin, HEAD_TYPE_WORD * 4 + 2);
    storeStamp(target, HEAD_CLEARED_WORD * 4, this.clearedAt);
    storeStamp(target, HEAD_EXPIRY_STAMP_WORD * 4, this.expiryStamp);
  }

  /** Clears at a stamp: what was set at or before it is gone. True if that changed anything. */
  raiseClearedAt(stamp: number): boolean {
    if (stamp <= this.clearedAt) return false;
    this.clearedAt = stamp;
    this.forgetClearedExpiry();
    return true;
  }

  forgetClearedExpiry(): void {
    if (this.expiryStamp > this.clearedAt) return;
    this.expiryStamp = 0;
    this.expiryOrigin = 0;
    this.expiryMs = 0;
  }
}

/** Visible elements of a head's sub tree; 0 of any other entry. */
export function elementCount(tree: Tree, leaf: Leaf): number {
  const { leaves, nodes } = tree.space;
  if (tree.kind(leaf) !== KIND_HEAD) return 0;
  return liveBelow(nodes, leaves, headWord(leaves, leaf, HEAD_ROOT_WORD), false);
}

/** The type's number of the head at hand. */
export function headTypeNumber(leaves: Arena, head: Leaf): number {
  return headWord(leaves, head, HEAD_TYPE_WORD) & TYPE_NUMBER_MASK;
}

function stampAtWord(i32: Int32Array, word: number): number {
  return i32[word + 1]! * TWO_32 + (i32[word]! >>> 0);
}

function storeStamp(target: Buffer, at: number, stamp: number): void {
  target.writeUInt32LE(stamp % TWO_32, at);
  target.writeUInt32LE(Math.floor(stamp / TWO_32), at + 4);
}
