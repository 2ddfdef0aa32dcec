/**
 * Tree: an adaptive radix tree (Leis, Kemper, Neumann 2013) of entries, outside
 * the JavaScript heap. This class is the face; the files beside it do the work:
 *
 *   path     the descent and what it remembers     order     neighbours, rank, n-th
 *   insert   a new leaf, splitting                  range     counts and digests of ranges
 *   remove   a leaf less, joining                   cursor    iteration that survives writes
 *   write    put, expiry, tombstones                check, describe, reclaimer, compaction
 *   relayout a leaf moves to another record         value     where it lies; its hash
 *   patch    a piece of a value                     totals    what nodes carry: counts, digests
 *
 * A Tree is a flyweight: a root pointer, a version and an expiry heap. Databases
 * keep theirs; a sub tree's is loaded with the root out of its head.
 *
 * Keys come as (buffer, from, to) and nothing on the hot paths allocates. A `Leaf`
 * handle (0: absent) is valid until the next write to the Space.
 * Invariant: `version` changes with every write, to a sub tree too, and with every record moved: as
 * long as it is the same, what somebody remembers of the tree is true, a path for instance.
 */
import { CHUNK_SHIFT, GRANULE_MASK } from './arena.js';
import { checkTree } from './check.js';
import { Cursor, type CursorOptions } from './cursor.js';
import { describe } from './describe.js';
import { ExpiryHeap } from './expiry-heap.js';
import {
  addLeafHints,
  copyLeafKey,
  FLAG_EXTERNAL,
  FLAG_SLIM,
  KIND_BYTES,
  KIND_MASK,
  KIND_TOMBSTONE,
  keyBytesAt,
  keyEqualsAt,
  keyWordAt,
  type Leaf,
  leafAccess,
  leafExpiryMs,
  leafFlags,
  leafKeyBytes,
  leafOrigin,
  leafStamp,
  leafValueBytes,
  leafVisible,
  setLeafAccess,
  valueWordAt,
} from './leaf.js';
import { ALL, childSlot, fetchNode, HINT_TOMBSTONE, LIVE, nodeDepth, TERMINAL } from './node.js';
import { above, below, first, last, nth, rank } from './order.js';
import { patch } from './patch.js';
import { locate, type Path } from './path.js';
import { rangeCount, rangeDigest } from './range.js';
import { removeFound } from './remove.js';
import { lead, leadBeyond, leadsNowhere, leadsTo, seek } from './seek.js';
import type { Space } from './space.js';
import { addAlong, addPointer, hintAlong, hintsOf, Sum } from './totals.js';
import { compareValue, copyValue, valueByte } from './value.js';
import { putEntry, setExpiry } from './write.js';

/** Asked before a key's entry changes: a snapshot keeps what was there. */
export interface TreeObserver {
  /** The entry of key[from, to) in `tree` is about to change, appear or go, with its sub tree. */
  beforeChange(tree: Tree, key: Buffer, from: number, to: number): void;
  /**
   * One element of the sub tree of key[from, to), and what its head says, is about to change; with
   * null only what the head says. Without this method `beforeChange` is called.
   */
  beforeElement?(
    tree: Tree,
    key: Buffer,
    from: number,
    to: number,
    subKey: Buffer | null,
    sfrom: number,
    sto: number,
  ): void;
  /** All entries are about to go at once. */
  beforeClear(tree: Tree): void;
}

/** A sub tree that has put off telling the nodes above its head what it has written. */
export interface Unsettled {
  settleHead(): void;
}

export interface Totals {
  /** Visible entries. */
  live: number;
  /** All entries: tombstones, heads and elements of sub trees too. */
  all: number;
  digestLow: number;
  digestHigh: number;
}

export interface TreeOptions {
  /**
   * Whether leaves with an expiry are kept in a heap, and leaves have access bits; default true. Sub
   * trees: false.
   */
  expiries?: boolean;
  /** Whether digests are kept; default true. Mirrors: false. */
  digests?: boolean;
  /** Scratch of descents; default `space.path`. Sub trees: `space.elementPath`. */
  path?: Path;
}

const NO_VALUE = Buffer.alloc(0);
/** What an entry takes of the nodes above it, on average over random keys. */
export const NODE_BYTES_SHARE = 14;

export class Tree {
  readonly space: Space;
  readonly path: Path;
  readonly digests: boolean;
  /** 0: empty; positive: a node; negative: a leaf. */
  root = 0;
  version = 0;
  #head: Leaf = 0;
  readonly #ownerState = new Int32Array(4);
  #knowsOwner = false;
  observer: TreeObserver | null = null;
  /** Whose head has changed without the nodes above it knowing; null: they know all (`settle`). */
  unsettled: Unsettled | null = null;
  /** Leaves with an expiry, soonest first; `clear` makes a new one. */
  readonly expiries: ExpiryHeap;
  /** Heads with elements that expire, by their first. */
  readonly heads: ExpiryHeap;
  /** Whether leaves with an expiry go to the heap, and heads; only then leaves have access bits. */
  readonly timed: boolean;

  constructor(space: Space, options: TreeOptions = {}) {
    this.space = space;
    this.path = options.path ?? space.path;
    this.digests = options.digests ?? true;
    this.expiries = new ExpiryHeap(space);
    this.heads = new ExpiryHeap(space.headSlots);
    this.timed = options.expiries ?? true;
  }

  /** Of a sub tree: its head, whose key the digests of elements cover. 0: a database. */
  get head(): Leaf {
    return this.#head;
  }

  set head(head: Leaf) {
    this.#head = head;
    this.#knowsOwner = false;
  }

  /** Where the hashes of all elements begin: what they have of the head is hashed once. */
  ownerState(): Int32Array {
    if (!this.#knowsOwner) this.#hashOwner();
    return this.#ownerState;
  }

  #hashOwner(): void {
    const { hash, leaves } = this.space;
    const head = this.#head;
    const i32 = leaves.i32[head >>> CHUNK_SHIFT]!;
    const word = (head & GRANULE_MASK) << 1;
    hash.beginElements(this.#ownerState, i32, keyWordAt(i32, word), keyBytesAt(i32, word));
    this.#knowsOwner = true;
  }

  /** Visible entries. */
  get liveCount(): number {
    const root = this.root;
    if (root > 0) {
      return this.space.nodes.i32[root >>> CHUNK_SHIFT]![((root & GRANULE_MASK) << 1) + LIVE]!;
    }
    return root < 0 && leafVisible(this.space.leaves, 0 - root) ? 1 : 0;
  }

  /** Whether there is nothing that users do not see, told at once; false: there may be. */
  get isAllVisible(): boolean {
    const { root, space } = this;
    if (root <= 0) return false;
    const i32 = space.nodes.i32[root >>> CHUNK_SHIFT]!;
    const word = (root & GRANULE_MASK) << 1;
    return i32[word + LIVE]! === i32[word + ALL]!;
  }

  /** All entries, tombstones, heads and elements of sub trees too. */
  get allCount(): number {
    return this.#totals().all;
  }

  /** False: there is certainly no tombstone, neither of a key nor of an element. */
  get mayHoldTombstones(): boolean {
    return (hintsOf(this, this.root) & HINT_TOMBSTONE) !== 0;
  }

  get digestLow(): number {
    return this.#totals().low;
  }

  get digestHigh(): number {
    return this.#totals().high;
  }

  /** Any kind, tombstones and hidden heads too. */
  find(key: Buffer, from: number, to: number): Leaf {
    const chunks = this.space.nodes.i32;
    const bytes = to - from;
    let pointer = this.root;
    let fetched = 0;
    while (pointer > 0) {
      const i32 = chunks[pointer >>> CHUNK_SHIFT]!;
      const word = (pointer & GRANULE_MASK) << 1;
      const header = i32[word]!;
      fetched ^= fetchNode(i32, word);
      const depth = nodeDepth(header);
      if (depth >= bytes) {
        if (depth > bytes) return 0;
        pointer = i32[word + TERMINAL]!;
        break;
      }
      const slot = childSlot(i32, word, header, key[from + depth]!);
      if (slot === 0) return 0;
      pointer = i32[slot]!;
    }
    this.path.fetched = fetched;
    if (pointer === 0) return 0;
    const leaf = 0 - pointer;
    const i32 = this.space.leaves.i32[leaf >>> CHUNK_SHIFT]!;
    return keyEqualsAt(i32, (leaf & GRANULE_MASK) << 1, key, from, to) ? leaf : 0;
  }

  /** Like `find`, for who is about to write there: a `drop` of this key need not descend again. */
  seek(key: Buffer, from: number, to: number): Leaf {
    return seek(this, this.path, key, from, to);
  }

  /** Like `find`, but 0 for what users do not see. */
  findVisible(key: Buffer, from: number, to: number): Leaf {
    const leaf = this.find(key, from, to);
    return leaf !== 0 && leafVisible(this.space.leaves, leaf) ? leaf : 0;
  }

  /**
   * Writes an entry of bytes whatever is there (the sub tree of a head goes to the reclaimer).
   * `flags`: FLAG_LED, FLAG_RAW; `expiryMs` 0: none. Keeps the access bits. Returns the leaf.
   * `isAbsent`: `seek` has just not found this key, so that it need not be looked for again.
   */
  put(
    key: Buffer,
    from: number,
    to: number,
    stamp: number,
    origin: number,
    flags: number,
    expiryMs: number,
    value: Buffer,
    vfrom: number,
    vto: number,
    isAbsent = false,
  ): Leaf {
    const kind = KIND_BYTES | (flags & ~KIND_MASK);
    const isSought = isAbsent && leadsNowhere(this, this.path);
    return putEntry(
      this,
      key,
      from,
      to,
      stamp,
      origin,
      kind,
      expiryMs,
      value,
      vfrom,
      vto,
      isSought,
    );
  }

  /** `put` of any kind (KIND_... in `flags`); a head put over a head frees no sub tree. */
  putEntry(
    key: Buffer,
    from: number,
    to: number,
    stamp: number,
    origin: number,
    flags: number,
    expiryMs: number,
    value: Buffer,
    vfrom: number,
    vto: number,
  ): Leaf {
    return putEntry(this, key, from, to, stamp, origin, flags, expiryMs, value, vfrom, vto);
  }

  /**
   * Overwrites bytes [offset, offset + vto - vfrom) of a value, first growing it with zeros if
   * it is shorter. Creates what is absent. Keeps expiry and access bits. The leaf may move.
   */
  patch(
    key: Buffer,
    from: number,
    to: number,
    stamp: number,
    origin: number,
    flags: number,
    offset: number,
    value: Buffer,
    vfrom: number,
    vto: number,
  ): Leaf {
    return patch(this, key, from, to, stamp, origin, flags, offset, value, vfrom, vto);
  }

  /** 0 removes the expiry. Returns the leaf, 0 if there is no entry or a tombstone. */
  setExpiry(
    key: Buffer,
    from: number,
    to: number,
    stamp: number,
    origin: number,
    expiryMs: number,
  ): Leaf {
    return setExpiry(this, key, from, to, stamp, origin, expiryMs);
  }

  /** Writes a tombstone, also where nothing is; true if something visible was there. */
  delete(key: Buffer, from: number, to: number, stamp: number, origin: number, flags = 0): boolean {
    const kind = KIND_TOMBSTONE | (flags & ~KIND_MASK);
    putEntry(this, key, from, to, stamp, origin, kind, 0, NO_VALUE, 0, 0);
    return this.path.wasVisible;
  }

  /** Removes the entry without a tombstone; true if there was one. */
  drop(key: Buffer, from: number, to: number): boolean {
    this.settle();
    if (this.observer !== null) this.observer.beforeChange(this, key, from, to);
    if (this.seek(key, from, to) === 0) return false;
    removeFound(this, this.path);
    return true;
  }

  /** `drop` of a leaf at hand. */
  dropLeaf(leaf: Leaf): void {
    const key = this.space.keyScratch;
    this.drop(key, 0, copyLeafKey(this.space.leaves, leaf, key, 0));
  }

  /** Tells that what first, last or nth has just found is about to be dropped. */
  lead(leaf: Leaf): void {
    if (!leadsTo(this, this.path, leaf)) lead(this, this.path, leaf);
  }

  /**
   * Tells that this key, which is about to be put, stands before `firstEntry` or behind `lastEntry`,
   * whichever has just been found: `leaf`. True: `put` need not look for it.
   */
  leadBeyond(leaf: Leaf, key: Buffer, from: number, to: number): boolean {
    return leadBeyond(this, this.path, leaf, key, from, to);
  }

  /** Removes the entry if it still has this stamp and origin. */
  dropAt(key: Buffer, from: number, to: number, stamp: number, origin: number): boolean {
    const leaf = this.find(key, from, to);
    if (leaf === 0) return false;
    const leaves = this.space.leaves;
    if (leafStamp(leaves, leaf) !== stamp || leafOrigin(leaves, leaf) !== origin) return false;
    return this.drop(key, from, to);
  }

  /**
   * Writes an entry of bytes or a tombstone if it beats what is there: the higher stamp, then
   * origin, kind and value. Returns the leaf written; 0 if what is there stays. `old`: what `seek`
   * has just found at the key.
   */
  merge(
    key: Buffer,
    from: number,
    to: number,
    stamp: number,
    origin: number,
    flags: number,
    expiryMs: number,
    value: Buffer,
    vfrom: number,
    vto: number,
    old = this.seek(key, from, to),
  ): Leaf {
    if (old !== 0) {
      const order =
        stamp - this.stamp(old) ||
        origin - this.origin(old) ||
        (flags & KIND_MASK) - this.kind(old) ||
        -compareValue(this.space, old, value, vfrom, vto);
      if (order <= 0) return 0;
    }
    return putEntry(this, key, from, to, stamp, origin, flags, expiryMs, value, vfrom, vto, true);
  }

  /** Empties the tree at once; its memory is taken back by `space.reclaimStep`. */
  clear(): void {
    this.settle();
    if (this.observer !== null) this.observer.beforeClear(this);
    this.space.reclaim(this.root);
    this.root = 0;
    this.version++;
    this.expiries.clear();
    this.heads.clear();
  }

  // What a leaf says.

  kind(leaf: Leaf): number {
    return leafFlags(this.space.leaves, leaf) & KIND_MASK;
  }

  /** FLAG_LED, FLAG_RAW and so on, with the kind in the low two bits; not SLIM, which is the tree's matter. */
  flags(leaf: Leaf): number {
    return leafFlags(this.space.leaves, leaf) & ~FLAG_SLIM;
  }

  visible(leaf: Leaf): boolean {
    return leafVisible(this.space.leaves, leaf);
  }

  stamp(leaf: Leaf): number {
    return leafStamp(this.space.leaves, leaf);
  }

  origin(leaf: Leaf): number {
    return leafOrigin(this.space.leaves, leaf);
  }

  /** 0: it does not expire. */
  expiryMs(leaf: Leaf): number {
    return leafExpiryMs(this.space.leaves, leaf);
  }

  /** Of a key of a database, or a head. */
  access(leaf: Leaf): number {
    return leafAccess(this.space.leaves, leaf);
  }

  /** Sets the 24 access bits; this is no write. */
  setAccess(leaf: Leaf, bits: number): void {
    setLeafAccess(this.space.leaves, leaf, bits);
  }

  /** Sets hint bits (FLAG_RAW); this is no write. */
  addHints(leaf: Leaf, hints: number): void {
    addLeafHints(this.space.leaves, leaf, hints);
  }

  keyBytes(leaf: Leaf): number {
    return leafKeyBytes(this.space.leaves, leaf);
  }

  valueBytes(leaf: Leaf): number {
    return leafValueBytes(this.space.leaves, leaf);
  }

  copyKey(leaf: Leaf, target: Buffer, at: number): number {
    return copyLeafKey(this.space.leaves, leaf, target, at);
  }

  /** Copies value[from, to) to target[at...]; returns the index after the last byte copied. */
  copyValue(
    leaf: Leaf,
    target: Buffer,
    at: number,
    from = 0,
    to = leafValueBytes(this.space.leaves, leaf),
  ): number {
    return copyValue(this.space, leaf, target, at, from, to);
  }

  /** One byte; the index lies within the value. */
  valueByte(leaf: Leaf, index: number): number {
    return valueByte(this.space, leaf, index);
  }

  /** Like memcmp: negative, 0 or positive. */
  compareValue(leaf: Leaf, value: Buffer, vfrom: number, vto: number): number {
    return compareValue(this.space, leaf, value, vfrom, vto);
  }

  /** A copy of the key: for cold paths. */
  key(leaf: Leaf): Buffer {
    const key = Buffer.allocUnsafe(this.keyBytes(leaf));
    this.copyKey(leaf, key, 0);
    return key;
  }

  /** A copy of the value: for cold paths. */
  value(leaf: Leaf): Buffer {
    const value = Buffer.allocUnsafe(this.valueBytes(leaf));
    this.copyValue(leaf, value, 0);
    return value;
  }

  /** Bytes that the entry takes: leaf, big value, and a share of the nodes above. */
  memoryOf(leaf: Leaf): number {
    const { bigValues, leaves } = this.space;
    const bytes = leaves.recordBytes(leaf) + NODE_BYTES_SHARE;
    if ((leafFlags(leaves, leaf) & FLAG_EXTERNAL) === 0) return bytes;
    const i32 = leaves.i32[leaf >>> CHUNK_SHIFT]!;
    return bytes + bigValues.memoryOf(i32[valueWordAt(i32, (leaf & GRANULE_MASK) << 1)]!);
  }

  // Order, among visible entries. 0: there is none.

  first(): Leaf {
    return first(this);
  }

  last(): Leaf {
    return last(this);
  }

  /** The first entry with a key >= this one. */
  ceiling(key: Buffer, from: number, to: number): Leaf {
    return above(this, key, from, to, true);
  }

  /** The last entry with a key <= this one. */
  floor(key: Buffer, from: number, to: number): Leaf {
    return below(this, key, from, to, true);
  }

  /** The first entry with a key > this one. */
  next(key: Buffer, from: number, to: number): Leaf {
    return above(this, key, from, to, false);
  }

  /** The last entry with a key < this one. */
  prev(key: Buffer, from: number, to: number): Leaf {
    return below(this, key, from, to, false);
  }

  // The same among all entries, tombstones too: for who must not take the key of one.

  firstEntry(): Leaf {
    return first(this, true);
  }

  lastEntry(): Leaf {
    return last(this, true);
  }

  nextEntry(key: Buffer, from: number, to: number): Leaf {
    return above(this, key, from, to, false, true);
  }

  prevEntry(key: Buffer, from: number, to: number): Leaf {
    return below(this, key, from, to, false, true);
  }

  /** How many visible keys are below this one, or with `inclusive` not above it. */
  rank(key: Buffer, from: number, to: number, inclusive = false): number {
    return rank(this, key, from, to, inclusive);
  }

  /** The entry with this many visible ones before it; 0 if out of range. */
  nth(index: number): Leaf {
    return nth(this, this.path, index);
  }

  /** Visible entries between two keys; null: without bound. */
  rangeCount(
    low: Buffer | null,
    lowInclusive: boolean,
    high: Buffer | null,
    highInclusive: boolean,
  ): number {
    return rangeCount(this, low, lowInclusive, high, highInclusive);
  }

  /** Totals of the keys in (from, to], round the circle if to <= from; null: without bound. */
  rangeDigest(from: Buffer | null, to: Buffer | null): Totals {
    this.settle();
    return rangeDigest(this, from, to);
  }

  cursor(options?: CursorOptions): Cursor {
    return new Cursor(this, options);
  }

  // For sub trees, snapshots and tests.

  /** `who` has written to a sub tree, and tells the nodes above its head with `settle`. */
  putOff(who: Unsettled): void {
    const { space } = this;
    if (space.unsettledTree !== this) {
      space.settle();
      space.unsettledTree = this;
    }
    this.unsettled = who;
  }

  /**
   * The nodes above the head of the sub tree written to last hear what has changed there. Who writes
   * otherwise, or reads what nodes sum up, calls it first.
   */
  settle(): void {
    const { unsettled } = this;
    if (unsettled === null) return;
    this.unsettled = null;
    this.space.unsettledTree = null;
    unsettled.settleHead();
  }

  /**
   * Adds to the totals of all nodes above this leaf: a head whose sub tree has
   * changed. `tombstone`: a tombstone has been written there.
   */
  addAbove(
    leaf: Leaf,
    live: number,
    all: number,
    low: number,
    high: number,
    tombstone = false,
  ): void {
    this.settle();
    const { path, space } = this;
    const key = space.keyScratch;
    const bytes = copyLeafKey(space.leaves, leaf, key, 0);
    locate(path, space.nodes, space.leaves, this.root, key, 0, bytes);
    const sum = space.sum;
    sum.live = live;
    sum.all = all;
    sum.low = low;
    sum.high = high;
    addAlong(this, path, path.length, sum);
    if (tombstone) hintAlong(this, path, path.length, HINT_TOMBSTONE);
  }

  /** The tree as text. */
  describe(): string {
    this.settle();
    return describe(this);
  }

  /** Throws if an invariant does not hold. */
  checkTree(): void {
    this.settle();
    checkTree(this);
  }

  #totals(): Sum {
    this.settle();
    const sum = new Sum();
    addPointer(sum, this, this.root, 1);
    return sum;
  }
}
