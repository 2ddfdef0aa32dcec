/**
 * Node: an inner node of the tree, in the arena of nodes.
 *
 *   word
 *    0   type (4 bits) | children << 4 (9) | depth << 13 (17) | hints << 30 (2)
 *    1   live: visible entries below
 *    2   all: every entry below, tombstones, heads and elements of sub trees too
 *    3   digest, low 32 bits: sum of the hashes of all entries below
 *    4   digest, high 32 bits: likewise, each half modulo 2^32
 *    5   terminal: the leaf whose key ends at this depth, 0 if there is none
 *        sorted, up to 32 children:       direct, up to 256:       bitmap, between:
 *    6   child bytes in order, 4 a word   32 groups                32 groups
 *   38   pointers in the same order       pointers, by byte        8 words of bits
 *   46                                                             2 words of ranks
 *   48                                                             pointers
 *        lows in the same order, at +capacity: of what each pointer leads to
 *
 *   capacity     3   5   6   8   10   16   20   24   32 |  48   64   96  128  192 | 256
 *   bytes       56  72  80  96  120  168  208  240  312 | 576  704  960 1216 1728 | 2200
 *
 * A *low* is the low half of the digest of all that a pointer leads to. Sync finds out by it which
 * entries differ, without going to the leaves: each would cost a cache miss and a hash, and there
 * are a hundred thousands. The terminal's is what the others leave of the node's own.
 *
 * Group g is the live count of the children for bytes 8g to 8g + 7, so that rank and n-th read
 * a few of a big node's children and not all: each would cost a cache miss. A rank is the number of
 * children before a word of bits, 8 bits each.
 *
 * `depth` is absolute: the index of the key byte that tells the children
 * apart. Bytes between a node's depth and its child's are the same in all keys below and stand
 * only in the leaves (optimistic path compression): a search compares once, at the leaf.
 * Pointers: positive is a node, negative a leaf. A *slot* is the index of the word that holds
 * a pointer; slots of a node ascend with their keys, the terminal's first.
 *
 * Invariants: a node has two or more children, or one and a terminal; its
 * words 1 to 4 are the sums over terminal and children, and a child's low is its digest's. Which nodes there are depends
 * only on the keys; capacities also on the past, since shrinking lags behind.
 */
import { type Arena, CHUNK_BYTES, CHUNK_SHIFT, copyWords, GRANULE_MASK } from './arena.js';
import { visibleAt } from './leaf.js';

export const LIVE = 1;
export const ALL = 2;
export const LOW = 3;
export const HIGH = 4;
export const TERMINAL = 5;
/** Hint: a tombstone may lie below. */
export const HINT_TOMBSTONE = 1 << 30;
/** Hint: a head may lie below. */
export const HINT_HEAD = 1 << 31;
export const HINTS = HINT_TOMBSTONE | HINT_HEAD;

const BYTES = 6;
const GROUPS = 6;
const GROUPS_MAX = 32;
const GROUP_SHIFT = 3;
const BITS = 38;
const RANKS = 46;
/** Of a bitmap node. */
const BITMAP_POINTERS = 48;
/** Of a direct node. */
const DIRECT_POINTERS = 38;
const DEPTH_SHIFT = 13;
const DEPTH_MASK = 0x1ffff;
const COUNT_SHIFT = 4;
const COUNT_MASK = 0x1ff;
const COUNT_ONE = 1 << COUNT_SHIFT;
const TYPE_MASK = 15;
const TYPE_SORTED_LAST = 8;
const TYPE_BITMAP = 9;
const TYPE_DIRECT = 14;
/** Few fields have a node of their own; digits have ten. */
const CAPACITY = Int32Array.of(3, 5, 6, 8, 10, 16, 20, 24, 32, 48, 64, 96, 128, 192, 256);
/** Word of the first pointer. */
const POINTERS = Int32Array.of(7, 8, 8, 8, 9, 10, 11, 12, 14, 48, 48, 48, 48, 48, 38);
/** Children of the largest sorted node. */
const RUN_MIN = 32;
/** Of a cache line. */
const LINE_WORDS = 16;
const CHUNK_WORDS_MASK = CHUNK_BYTES / 4 - 1;
const GRANULES = CAPACITY.map((capacity, type) => (POINTERS[type]! + 2 * capacity + 1) >>> 1);

export function nodeCount(header: number): number {
  return (header >>> COUNT_SHIFT) & COUNT_MASK;
}

export function nodeDepth(header: number): number {
  return (header >>> DEPTH_SHIFT) & DEPTH_MASK;
}

export function nodeCapacity(header: number): number {
  return CAPACITY[header & TYPE_MASK]!;
}

/**
 * Reads what a node of usual size has in its second and third cache line, while the first is still
 * on its way: a search would ask for them one after the other. The caller keeps the result, else
 * the compiler drops the reads.
 */
export function fetchNode(i32: Int32Array, word: number): number {
  const second = i32[(word + LINE_WORDS) & CHUNK_WORDS_MASK]!;
  return second ^ i32[(word + 2 * LINE_WORDS) & CHUNK_WORDS_MASK]!;
}

/** The slot of the first pointer after the terminal's. */
export function pointersBegin(word: number, header: number): number {
  return word + POINTERS[header & TYPE_MASK]!;
}

/** The slot behind the last pointer. Only in direct nodes some slots before it are empty. */
export function pointersEnd(word: number, header: number): number {
  const type = header & TYPE_MASK;
  return word + POINTERS[type]! + (type === TYPE_DIRECT ? 256 : nodeCount(header));
}

/** The word of the low of the child at a slot, which is not the terminal's. */
export function lowWord(header: number, slot: number): number {
  return slot + CAPACITY[header & TYPE_MASK]!;
}

/** The slot of the child for this byte; 0 if there is none. */
export function childSlot(i32: Int32Array, word: number, header: number, byte: number): number {
  const type = header & TYPE_MASK;
  if (type < TYPE_BITMAP) {
    const count = (header >>> COUNT_SHIFT) & COUNT_MASK;
    const pattern = Math.imul(byte, 0x01010101);
    let at = word + BYTES;
    for (let i = 0; i < count; i += 4) {
      // The lowest zero byte of `x` is the first that equals; those above may be false.
      const x = i32[at++]! ^ pattern;
      const zeros = ((x - 0x01010101) | 0) & ~x & 0x80808080;
      if (zeros !== 0) {
        const index = i + ((31 - Math.clz32(zeros & -zeros)) >>> 3);
        return index < count ? word + POINTERS[type]! + index : 0;
      }
    }
    return 0;
  }
  if (type === TYPE_DIRECT) {
    const slot = word + DIRECT_POINTERS + byte;
    return i32[slot]! === 0 ? 0 : slot;
  }
  const bits = i32[word + BITS + (byte >>> 5)]!;
  const bit = 1 << (byte & 31);
  if ((bits & bit) === 0) return 0;
  return word + BITMAP_POINTERS + rankBefore(i32, word, byte >>> 5) + popcount(bits & (bit - 1));
}

/** Children in the words of the bitmap before this one. */
function rankBefore(i32: Int32Array, word: number, index: number): number {
  return (i32[word + RANKS + (index >>> 2)]! >>> ((index & 3) << 3)) & 255;
}

function popcount(bits: number): number {
  let x = bits - ((bits >>> 1) & 0x55555555);
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** The slot of the first child, past the terminal. */
export function firstChildSlot(i32: Int32Array, word: number, header: number): number {
  const type = header & TYPE_MASK;
  if (type !== TYPE_DIRECT) return word + POINTERS[type]!;
  return directSlotFrom(i32, word, 0);
}

/** The slot of the first child or terminal. */
export function firstSlot(i32: Int32Array, word: number, header: number): number {
  if (i32[word + TERMINAL]! !== 0) return word + TERMINAL;
  return firstChildSlot(i32, word, header);
}

export function lastSlot(i32: Int32Array, word: number, header: number): number {
  const type = header & TYPE_MASK;
  if (type === TYPE_DIRECT) return directSlotDownFrom(i32, word, 255);
  return word + POINTERS[type]! + nodeCount(header) - 1;
}

/** The next slot in use; 0 if there is none. */
export function slotAfter(i32: Int32Array, word: number, header: number, slot: number): number {
  if (slot === word + TERMINAL) return firstChildSlot(i32, word, header);
  const type = header & TYPE_MASK;
  if (type === TYPE_DIRECT) return directSlotFrom(i32, word, slot - word - DIRECT_POINTERS + 1);
  return slot + 1 < word + POINTERS[type]! + nodeCount(header) ? slot + 1 : 0;
}

/** The slot in use before this one; 0 if there is none. */
export function slotBefore(i32: Int32Array, word: number, header: number, slot: number): number {
  const type = header & TYPE_MASK;
  if (slot > word + POINTERS[type]!) {
    if (type !== TYPE_DIRECT) return slot - 1;
    const before = directSlotDownFrom(i32, word, slot - word - DIRECT_POINTERS - 1);
    if (before !== 0) return before;
  } else if (slot === word + TERMINAL) {
    return 0;
  }
  return i32[word + TERMINAL]! !== 0 ? word + TERMINAL : 0;
}

/** The slot of the last child with a byte below this one; the terminal's if there is none. */
export function slotBelow(i32: Int32Array, word: number, header: number, byte: number): number {
  const type = header & TYPE_MASK;
  if (type === TYPE_DIRECT) {
    const slot = directSlotDownFrom(i32, word, byte - 1);
    return slot === 0 ? word + TERMINAL : slot;
  }
  const below = childrenBelow(i32, word, header, byte);
  return below === 0 ? word + TERMINAL : word + POINTERS[type]! + below - 1;
}

/** How many children have a byte below this one; sorted and bitmap nodes only. */
function childrenBelow(i32: Int32Array, word: number, header: number, byte: number): number {
  if ((header & TYPE_MASK) >= TYPE_BITMAP) {
    const bits = i32[word + BITS + (byte >>> 5)]!;
    return rankBefore(i32, word, byte >>> 5) + popcount(bits & ((1 << (byte & 31)) - 1));
  }
  const count = nodeCount(header);
  let index = 0;
  while (index < count && sortedByte(i32, word, index) < byte) index++;
  return index;
}

function sortedByte(i32: Int32Array, word: number, index: number): number {
  return (i32[word + BYTES + (index >>> 2)]! >>> ((index & 3) << 3)) & 255;
}

function directSlotFrom(i32: Int32Array, word: number, byte: number): number {
  const end = word + DIRECT_POINTERS + 256;
  for (let slot = word + DIRECT_POINTERS + byte; slot < end; slot++) {
    if (i32[slot]! !== 0) return slot;
  }
  return 0;
}

function directSlotDownFrom(i32: Int32Array, word: number, byte: number): number {
  const first = word + DIRECT_POINTERS;
  for (let slot = first + byte; slot >= first; slot--) if (i32[slot]! !== 0) return slot;
  return 0;
}

/** The key byte that leads to a child's slot; -1 for the terminal's. For cold paths. */
export function byteOfSlot(i32: Int32Array, word: number, header: number, slot: number): number {
  if (slot === word + TERMINAL) return -1;
  const type = header & TYPE_MASK;
  const index = slot - word - POINTERS[type]!;
  if (type === TYPE_DIRECT) return index;
  if (type < TYPE_BITMAP) return sortedByte(i32, word, index);
  let byte = 0;
  let left = index;
  for (;;) {
    if (((i32[word + BITS + (byte >>> 5)]! >>> (byte & 31)) & 1) !== 0 && left-- === 0) break;
    byte++;
  }
  return byte;
}

/** A new node without children, of the smallest capacity, with totals 0. */
export function createNode(nodes: Arena, depth: number): number {
  const pointer = nodes.alloc(GRANULES[0]!);
  const i32 = nodes.i32[pointer >>> CHUNK_SHIFT]!;
  const word = (pointer & GRANULE_MASK) << 1;
  i32[word] = depth << DEPTH_SHIFT;
  for (let i = LIVE; i <= TERMINAL; i++) i32[word + i] = 0;
  return pointer;
}

/**
 * Adds a child, with its low, for a byte that has none. Returns the node, which moves when it is
 * full. Totals and groups are the caller's to change.
 */
export function addChild(
  nodes: Arena,
  leaves: Arena,
  node: number,
  byte: number,
  child: number,
  low: number,
): number {
  let pointer = node;
  let i32 = nodes.i32[pointer >>> CHUNK_SHIFT]!;
  let word = (pointer & GRANULE_MASK) << 1;
  let header = i32[word]!;
  const count = nodeCount(header);
  if (count === CAPACITY[header & TYPE_MASK]!) {
    const isRun = (header & TYPE_MASK) === TYPE_SORTED_LAST && goesOn(i32, word, byte);
    pointer = resizeNode(nodes, leaves, node, isRun ? TYPE_DIRECT : (header & TYPE_MASK) + 1);
    i32 = nodes.i32[pointer >>> CHUNK_SHIFT]!;
    word = (pointer & GRANULE_MASK) << 1;
    header = i32[word]!;
  }
  const type = header & TYPE_MASK;
  i32[word] = header + COUNT_ONE;
  if (type === TYPE_DIRECT) {
    i32[word + DIRECT_POINTERS + byte] = child;
    i32[word + DIRECT_POINTERS + 256 + byte] = low;
    return pointer;
  }
  const index = childrenBelow(i32, word, header, byte);
  const first = word + POINTERS[type]!;
  const firstLow = first + CAPACITY[type]!;
  for (let i = count; i > index; i--) {
    i32[first + i] = i32[first + i - 1]!;
    i32[firstLow + i] = i32[firstLow + i - 1]!;
  }
  i32[first + index] = child;
  i32[firstLow + index] = low;
  if (type < TYPE_BITMAP) {
    const u8 = nodes.u8[pointer >>> CHUNK_SHIFT]!;
    const bytes = (word + BYTES) << 2;
    for (let at = bytes + count; at > bytes + index; at--) u8[at] = u8[at - 1]!;
    u8[bytes + index] = byte;
  } else {
    i32[word + BITS + (byte >>> 5)]! |= 1 << (byte & 31);
    addRanks(i32, word, byte >>> 5, 1);
  }
  return pointer;
}

/** Removes a child. Returns the node, which moves when it shrinks. */
export function removeChild(nodes: Arena, leaves: Arena, node: number, byte: number): number {
  const i32 = nodes.i32[node >>> CHUNK_SHIFT]!;
  const word = (node & GRANULE_MASK) << 1;
  const header = i32[word]! - COUNT_ONE;
  const type = header & TYPE_MASK;
  const count = nodeCount(header);
  const slot = childSlot(i32, word, i32[word]!, byte);
  i32[word] = header;
  if (type === TYPE_DIRECT) {
    i32[slot] = 0;
  } else {
    const first = word + POINTERS[type]!;
    const capacity = CAPACITY[type]!;
    for (let at = slot; at < first + count; at++) {
      i32[at] = i32[at + 1]!;
      i32[at + capacity] = i32[at + capacity + 1]!;
    }
    if (type < TYPE_BITMAP) {
      const u8 = nodes.u8[node >>> CHUNK_SHIFT]!;
      const bytes = (word + BYTES) << 2;
      for (let at = bytes + slot - first; at < bytes + count; at++) u8[at] = u8[at + 1]!;
    } else {
      i32[word + BITS + (byte >>> 5)]! &= ~(1 << (byte & 31));
      addRanks(i32, word, byte >>> 5, -1);
    }
  }
  if (type === 0) return node;
  if (type === TYPE_DIRECT && count > RUN_MIN && isAtEnd(i32, slot)) return node;
  // A quarter of the next smaller capacity stays free, else a program at the
  // edge would move the node with every insert and every delete.
  const smaller = CAPACITY[type - 1]!;
  if (count > smaller - ((smaller + 3) >>> 2) || !nodes.hasRoom(GRANULES[type - 1]!)) return node;
  return resizeNode(nodes, leaves, node, type - 1);
}

/**
 * Whether the bytes of a full node are a run from one end of all bytes, and this one goes on with
 * it: keys that count up or down. So many more are to come, as a rule, and each would be put in
 * front of the others.
 */
function goesOn(i32: Int32Array, word: number, byte: number): boolean {
  const first = sortedByte(i32, word, 0);
  const last = sortedByte(i32, word, RUN_MIN - 1);
  if (first === 0) return last === RUN_MIN - 1 && byte === RUN_MIN;
  return last === 255 && first === 256 - RUN_MIN && byte === first - 1;
}

/** Whether the child that was at this slot of a direct node seems to have been the first or last. */
function isAtEnd(i32: Int32Array, slot: number): boolean {
  return (i32[slot - 1] === 0) !== (i32[slot + 1] === 0);
}

/** Adds to the numbers of children before all words of the bitmap after this one. */
function addRanks(i32: Int32Array, word: number, index: number, delta: number): void {
  for (let i = index + 1; i < 8; i++) {
    // No rank leaves 0 to 192, hence none carries into its neighbour.
    i32[word + RANKS + (i >>> 2)]! += delta << ((i & 3) << 3);
  }
}

/** Sets the groups of a node just filled from the gathered children. */
function countGroups(
  nodes: Arena,
  leaves: Arena,
  i32: Int32Array,
  word: number,
  count: number,
): void {
  for (let group = 0; group < GROUPS_MAX; group++) i32[word + GROUPS + group] = 0;
  const sure = i32[word + LIVE] === i32[word + ALL];
  for (let i = 0; i < count; i++) {
    i32[groupWord(word, gatheredBytes[i]! >>> GROUP_SHIFT)]! += liveBelow(
      nodes,
      leaves,
      gatheredPointers[i]!,
      sure,
    );
  }
}

/** Live entries below a pointer; `sure`: all entries there are known to be visible. */
export function liveBelow(nodes: Arena, leaves: Arena, pointer: number, sure: boolean): number {
  if (pointer > 0) {
    return nodes.i32[pointer >>> CHUNK_SHIFT]![((pointer & GRANULE_MASK) << 1) + LIVE]!;
  }
  if (pointer === 0) return 0;
  if (sure) return 1;
  const leaf = 0 - pointer;
  return visibleAt(leaves.i32[leaf >>> CHUNK_SHIFT]!, (leaf & GRANULE_MASK) << 1) ? 1 : 0;
}

/** Whether a node has a slot for each byte. */
export function isDirect(header: number): boolean {
  return (header & TYPE_MASK) === TYPE_DIRECT;
}

/** Whether a node keeps live counts of groups of its children. */
export function hasGroups(header: number): boolean {
  return (header & TYPE_MASK) >= TYPE_BITMAP;
}

/** The group of the child for a byte. */
export function groupOfByte(byte: number): number {
  return byte >>> GROUP_SHIFT;
}

/** The group of the child at a slot. */
export function groupOfSlot(i32: Int32Array, word: number, header: number, slot: number): number {
  if ((header & TYPE_MASK) === TYPE_DIRECT) return (slot - word - DIRECT_POINTERS) >>> GROUP_SHIFT;
  let group = 0;
  while (slot >= groupBegin(i32, word, header, group + 1)) group++;
  return group;
}

/** The word that counts a group. */
export function groupWord(word: number, group: number): number {
  return word + GROUPS + group;
}

/** The slot of the first child in a group or after it; behind all children after the last. */
export function groupBegin(i32: Int32Array, word: number, header: number, group: number): number {
  if ((header & TYPE_MASK) === TYPE_DIRECT) return word + DIRECT_POINTERS + (group << GROUP_SHIFT);
  if (group === GROUPS_MAX) return word + BITMAP_POINTERS + nodeCount(header);
  const bits = i32[word + BITS + (group >>> 2)]! & ((1 << ((group & 3) << GROUP_SHIFT)) - 1);
  return word + BITMAP_POINTERS + rankBefore(i32, word, group >>> 2) + popcount(bits);
}

const gatheredBytes = new Uint8Array(256);
const gatheredPointers = new Int32Array(256);
const gatheredLows = new Int32Array(256);

/** Moves a node to another type, which must have room. */
function resizeNode(nodes: Arena, leaves: Arena, node: number, type: number): number {
  const pointer = nodes.alloc(GRANULES[type]!);
  const from = nodes.i32[node >>> CHUNK_SHIFT]!;
  const fromWord = (node & GRANULE_MASK) << 1;
  const to = nodes.i32[pointer >>> CHUNK_SHIFT]!;
  const toWord = (pointer & GRANULE_MASK) << 1;
  const header = from[fromWord]!;
  const oldType = header & TYPE_MASK;
  const count = nodeCount(header);
  to[toWord] = (header & ~TYPE_MASK) | type;
  for (let i = LIVE; i <= TERMINAL; i++) to[toWord + i] = from[fromWord + i]!;
  if (type < TYPE_BITMAP && oldType < TYPE_BITMAP) {
    copyWords(from, fromWord + BYTES, to, toWord + BYTES, (count + 3) >>> 2);
    copyWords(from, fromWord + POINTERS[oldType]!, to, toWord + POINTERS[type]!, count);
    copyLows(from, fromWord, oldType, to, toWord, type, count);
  } else if (inBitmaps(type) && inBitmaps(oldType)) {
    const words = BITMAP_POINTERS - GROUPS + count;
    copyWords(from, fromWord + GROUPS, to, toWord + GROUPS, words);
    copyLows(from, fromWord, oldType, to, toWord, type, count);
  } else {
    gather(from, fromWord, header);
    scatter(to, toWord, type, count);
    if (type >= TYPE_BITMAP) countGroups(nodes, leaves, to, toWord, count);
  }
  nodes.free(node);
  return pointer;
}

function inBitmaps(type: number): boolean {
  return type >= TYPE_BITMAP && type < TYPE_DIRECT;
}

function copyLows(
  from: Int32Array,
  fromWord: number,
  oldType: number,
  to: Int32Array,
  toWord: number,
  type: number,
  count: number,
): void {
  const first = fromWord + POINTERS[oldType]! + CAPACITY[oldType]!;
  copyWords(from, first, to, toWord + POINTERS[type]! + CAPACITY[type]!, count);
}

function gather(i32: Int32Array, word: number, header: number): void {
  const type = header & TYPE_MASK;
  const first = word + POINTERS[type]!;
  const firstLow = first + CAPACITY[type]!;
  let index = 0;
  if (type < TYPE_BITMAP) {
    for (; index < nodeCount(header); index++) {
      gatheredBytes[index] = sortedByte(i32, word, index);
      gatheredPointers[index] = i32[first + index]!;
      gatheredLows[index] = i32[firstLow + index]!;
    }
    return;
  }
  for (let byte = 0; byte < 256; byte++) {
    let at = byte;
    if (type === TYPE_DIRECT) {
      if (i32[first + byte]! === 0) continue;
    } else {
      if (((i32[word + BITS + (byte >>> 5)]! >>> (byte & 31)) & 1) === 0) continue;
      at = index;
    }
    gatheredPointers[index] = i32[first + at]!;
    gatheredLows[index] = i32[firstLow + at]!;
    gatheredBytes[index++] = byte;
  }
}

function scatter(i32: Int32Array, word: number, type: number, count: number): void {
  const first = word + POINTERS[type]!;
  const firstLow = first + CAPACITY[type]!;
  if (type === TYPE_DIRECT) {
    for (let byte = 0; byte < 256; byte++) i32[first + byte] = 0;
    for (let i = 0; i < count; i++) {
      i32[first + gatheredBytes[i]!] = gatheredPointers[i]!;
      i32[firstLow + gatheredBytes[i]!] = gatheredLows[i]!;
    }
    return;
  }
  for (let i = word + BYTES; i < first; i++) i32[i] = 0;
  for (let i = 0; i < count; i++) {
    const byte = gatheredBytes[i]!;
    i32[first + i] = gatheredPointers[i]!;
    i32[firstLow + i] = gatheredLows[i]!;
    if (type < TYPE_BITMAP) {
      i32[word + BYTES + (i >>> 2)]! |= byte << ((i & 3) << 3);
    } else {
      i32[word + BITS + (byte >>> 5)]! |= 1 << (byte & 31);
      addRanks(i32, word, byte >>> 5, 1);
    }
  }
}
