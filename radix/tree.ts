/**
 * Tree: an adaptive radix tree (Leis, Kemper, Neumann 2013) of entries, outside
 * the JavaScript heap. This class is the face; the files beside it do the work:
 *
 *   path     the descent and what it remembers     order     first, next, rank, n-th
 *   insert   a new leaf, splitting                  cursor    iteration that survives writes
 *   remove   a leaf less, joining                   range     counts and digests of ranges
 *   write    put, patch, expiry, tombstones         check, describe, reclaimer, compaction
 *
 * A Tree is a flyweight: a root pointer, a version and an expiry heap. Databases
 * keep theirs; a sub tree's is loaded with the root out of its head.
 *
 * Keys come as (buffer, from, to) and nothing on the hot paths allocates. A `Leaf`
 * handle (0: absent) is valid until the next write to the Space.
 * Invariant: `version` changes whenever a path that somebody remembers might lead astray.
 */
import type { Cursor, CursorOptions } from './cursor.js';
import type { ExpiryHeap } from './expiry-heap.js';
import type { Leaf } from './leaf.js';
import type { Space } from './space.js';

/** Asked before a key's entry changes: a snapshot keeps what was there. */
export interface TreeObserver {
  /** The entry of key[from, to) in `tree` is about to change, appear or go. */
  beforeChange(tree: Tree, key: Buffer, from: number, to: number): void;
  /** All entries are about to go at once. */
  beforeClear(tree: Tree): void;
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
  /** Whether leaves with an expiry are kept in a heap; default true. Sub trees: false. */
  expiries?: boolean;
  /** Whether digests are kept; default true. Mirrors: false. */
  digests?: boolean;
}

export class Tree {
  readonly space: Space;
  /** 0: empty; positive: a node; negative: a leaf. */
  root = 0;
  version = 0;
  /** Of a sub tree: its head, whose key the digests of elements cover. 0: a database. */
  head: Leaf = 0;
  observer: TreeObserver | null = null;
  /** Leaves with an expiry, soonest first. */
  readonly expiries: ExpiryHeap;

  constructor(space: Space, options: TreeOptions = {}) {
    throw new Error(`not yet ${space} ${options}`);
  }

  get liveCount(): number { return todo(); }
  get allCount(): number { return todo(); }
  get digestLow(): number { return todo(); }
  get digestHigh(): number { return todo(); }

  /** Any kind, tombstones and hidden heads too. */
  find(_key: Buffer, _from: number, _to: number): Leaf { return todo(); }
  /** Like `find`, but 0 for what users do not see. */
  findVisible(_key: Buffer, _from: number, _to: number): Leaf { return todo(); }

  /**
   * Writes an entry of bytes whatever is there (the sub tree of a head goes to the reclaimer).
   * `flags`: FLAG_LED, FLAG_RAW; `expiryMs` 0: none. Keeps the access bits. Returns the leaf.
   */
  put(_key: Buffer, _from: number, _to: number, _stamp: number, _origin: number, _flags: number,
    _expiryMs: number, _value: Buffer, _vfrom: number, _vto: number): Leaf { return todo(); }

  /** `put` of any kind (KIND_... in `flags`); a head put over a head frees no sub tree. */
  putEntry(_key: Buffer, _from: number, _to: number, _stamp: number, _origin: number,
    _flags: number, _expiryMs: number, _value: Buffer, _vfrom: number, _vto: number): Leaf {
    return todo();
  }

  /**
   * Overwrites bytes [offset, offset + vto - vfrom) of a value, first growing it with zeros if
   * it is shorter. Creates what is absent. Keeps expiry and access bits. The leaf may move.
   */
  patch(_key: Buffer, _from: number, _to: number, _stamp: number, _origin: number, _flags: number,
    _offset: number, _value: Buffer, _vfrom: number, _vto: number): Leaf { return todo(); }

  /** 0 removes the expiry. Returns the leaf, 0 if there is no entry or a tombstone. */
  setExpiry(_key: Buffer, _from: number, _to: number, _stamp: number, _origin: number,
    _expiryMs: number): Leaf { return todo(); }

  /** Writes a tombstone (`flags`: FLAG_LED); true if something visible was there. */
  delete(_key: Buffer, _from: number, _to: number, _stamp: number, _origin: number,
    _flags = 0): boolean { return todo(); }

  /** Removes the entry without a tombstone; true if there was one. */
  drop(_key: Buffer, _from: number, _to: number): boolean { return todo(); }
  /** `drop` of a leaf at hand. */
  dropLeaf(_leaf: Leaf): void { todo(); }
  /** Removes the entry if it still has this stamp and origin. */
  dropAt(_key: Buffer, _from: number, _to: number, _stamp: number, _origin: number): boolean {
    return todo();
  }

  /** The merge rule for bytes and tombstones: false if what is there wins. */
  merge(_key: Buffer, _from: number, _to: number, _stamp: number, _origin: number, _flags: number,
    _expiryMs: number, _value: Buffer, _vfrom: number, _vto: number): boolean { return todo(); }

  /** Empties the tree at once; its memory is taken back by `space.reclaimStep`. */
  clear(): void { todo(); }

  // What a leaf says.

  kind(_leaf: Leaf): number { return todo(); }
  /** FLAG_LED, FLAG_RAW and so on, with the kind in the low two bits. */
  flags(_leaf: Leaf): number { return todo(); }
  visible(_leaf: Leaf): boolean { return todo(); }
  stamp(_leaf: Leaf): number { return todo(); }
  origin(_leaf: Leaf): number { return todo(); }
  expiryMs(_leaf: Leaf): number { return todo(); }
  access(_leaf: Leaf): number { return todo(); }
  setAccess(_leaf: Leaf, _bits: number): void { todo(); }
  keyBytes(_leaf: Leaf): number { return todo(); }
  valueBytes(_leaf: Leaf): number { return todo(); }
  copyKey(_leaf: Leaf, _target: Buffer, _at: number): number { return todo(); }
  /** Copies value[from, to) to target[at...]; returns the index after the last byte copied. */
  copyValue(_leaf: Leaf, _target: Buffer, _at: number, _from?: number, _to?: number): number {
    return todo();
  }
  valueByte(_leaf: Leaf, _index: number): number { return todo(); }
  /** Like memcmp: negative, 0 or positive. */
  compareValue(_leaf: Leaf, _value: Buffer, _vfrom: number, _vto: number): number {
    return todo();
  }
  /** A copy of the key: for cold paths. */
  key(_leaf: Leaf): Buffer { return todo(); }
  /** A copy of the value: for cold paths. */
  value(_leaf: Leaf): Buffer { return todo(); }
  /** Bytes that the entry takes: leaf, big value, and a share for the nodes above. */
  memoryOf(_leaf: Leaf): number { return todo(); }

  // Order, among visible entries. 0: there is none.

  first(): Leaf { return todo(); }
  last(): Leaf { return todo(); }
  /** The first entry with a key >= this one. */
  ceiling(_key: Buffer, _from: number, _to: number): Leaf { return todo(); }
  /** The last entry with a key <= this one. */
  floor(_key: Buffer, _from: number, _to: number): Leaf { return todo(); }
  next(_key: Buffer, _from: number, _to: number): Leaf { return todo(); }
  prev(_key: Buffer, _from: number, _to: number): Leaf { return todo(); }
  /** How many visible keys are below this one. */
  rank(_key: Buffer, _from: number, _to: number): number { return todo(); }
  /** The entry with this many visible ones before it; 0 if out of range. */
  nth(_index: number): Leaf { return todo(); }

  /** Visible entries between two keys; null: without bound. */
  rangeCount(_low: Buffer | null, _lowInclusive: boolean, _high: Buffer | null,
    _highInclusive: boolean): number { return todo(); }
  /** Totals of the keys in (from, to], round the circle if to <= from; null: the whole tree. */
  rangeDigest(_from: Buffer | null, _to: Buffer | null): Totals { return todo(); }

  cursor(_options?: CursorOptions): Cursor { return todo(); }

  // For sub trees, snapshots and tests.

  /** Adds to the totals of all nodes above this leaf: a head whose sub tree has changed. */
  addAbove(_leaf: Leaf, _live: number, _all: number, _low: number, _high: number): void { todo(); }
  describe(): string { return todo(); }
  /** Throws if an invariant does not hold. */
  checkTree(): void { todo(); }
}

function todo(): never {
  throw new Error('not yet');
}
