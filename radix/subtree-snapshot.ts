/**
 * SubTreeSnapshot: reads the elements of one sub tree as they were when it was opened, in the order
 * of sub keys or, through the mirror, of values; from a place on, in either direction.
 *
 *   base      the elements, or the mirror, as they are now     a3  c1  d9  e5
 *   changed   sub keys of what has changed since               c  d
 *   old       what stood in the base for them then             c4  d2
 *   reader                                                     d2  a3  c4  e5
 *
 * Why not the overlay of snapshot.ts: there one key stands for one entry. Here an element that gets
 * another value moves in the mirror, to a place that nobody knows before it is written; so what the
 * base has of an element that is in `changed` is passed over, wherever it lies.
 *
 * Invariant: base without `changed`, and `old`, together show what there was ahead of the reader.
 */
import assert from 'node:assert';
import { OutOfMemoryError } from './arena.js';
import type { Cursor } from './cursor.js';
import { HEAD_TYPE_WORD, TYPE_NUMBER_MASK } from './head.js';
import { HEAD_MIRROR_WORD, HEAD_ROOT_WORD, headWord, KEY_BYTES_MAX, type Leaf } from './leaf.js';
import { Mirror } from './mirror.js';
import { Path } from './path.js';
import {
  type Detached,
  headAt,
  KEEP_ELEMENTS,
  KEEP_MIRROR,
  KEEP_NOTHING,
  RECORDS_LEFT,
  SnapshotLostError,
  type SnapshotReader,
  Snapshots,
  sideTree,
} from './snapshot.js';
import type { Tree } from './tree.js';

export interface SubTreeSnapshotOptions {
  /** Through the mirror, in the order of values. Default: false. */
  byValue?: boolean;
  /** From high to low. Default: false. */
  backward?: boolean;
  /** Begins behind this key of the elements or of the mirror. Default: at the first of all. */
  after?: Buffer;
  /** May be sought to any place, also one behind it: keeps what was passed too. Default: false. */
  seeks?: boolean;
}

const NOTHING = Buffer.alloc(0);
const TYPE_MASK = 0xffff;
/** The sub key at hand. */
const subKeyScratch = Buffer.allocUnsafeSlow(KEY_BYTES_MAX);

export class SubTreeSnapshot implements SnapshotReader {
  /** Where the entry that `next` moved to lies, of the elements or of the mirror. */
  tree: Tree;
  /** That entry; 0 before the first and after the last. Valid until the next write. */
  leaf: Leaf = 0;

  /** The database's tree; once that was cleared, what it held. */
  #live: Tree;
  readonly #key: Buffer;
  readonly #type: number;
  readonly #byValue: boolean;
  readonly #backward: boolean;
  readonly #seeks: boolean;
  /** Elements or mirror; their root is looked up anew when they may have changed. */
  readonly #base: Tree;
  readonly #baseCursor: Cursor;
  readonly #elements: Tree;
  readonly #mirror: Mirror;
  readonly #changed: Tree;
  readonly #old: Tree;
  readonly #oldCursor: Cursor;
  /** The key that it has come to; null: it stands before all. */
  #position: Buffer | null;
  /** It stands before that key, and not on it. */
  #isBeforePosition = false;
  #isStale = true;
  #version = -1;
  /** Holds the base, which the head has lost. */
  #taken: Detached | null = null;
  /** Holds what the database held. */
  #cleared: Detached | null = null;
  #isLost = false;
  #isClosed = false;

  /** Opens a snapshot of the sub tree at a key, which is there. It must be closed. */
  constructor(tree: Tree, key: Buffer, options: SubTreeSnapshotOptions = {}) {
    this.#live = tree;
    this.#key = key;
    this.#type = typeOf(tree, headAt(tree, key, 0, key.length));
    this.#byValue = options.byValue ?? false;
    this.#backward = options.backward ?? false;
    this.#seeks = options.seeks ?? false;
    this.#position = options.after ?? null;
    // Descents in them follow each other.
    const path = new Path();
    this.#elements = sideTree(tree, path);
    this.#mirror = new Mirror(tree.space);
    this.#base = this.#byValue ? this.#mirror.tree : sideTree(tree, path);
    this.#changed = sideTree(tree, path);
    this.#old = sideTree(tree, path);
    this.tree = this.#base;
    this.#baseCursor = this.#base.cursor();
    this.#oldCursor = this.#old.cursor();
    this.#seek(this.#baseCursor);
    this.#refresh();
    Snapshots.of(tree).open.add(this);
  }

  /** Moves to the next entry; false at the end. What it moved to is valid until the next write. */
  next(): boolean {
    if (this.#isLost) throw new SnapshotLostError();
    this.#refresh();
    let leaf = this.#stepBase();
    this.tree = this.#base;
    const kept = this.#stepOld();
    if (kept !== 0 && (leaf === 0 || this.#isBefore(kept, leaf))) {
      if (leaf !== 0) this.#stepBaseBack(leaf);
      leaf = kept;
      this.tree = this.#old;
    }
    this.leaf = leaf;
    if (leaf === 0) return false;
    this.#position = this.tree.key(leaf);
    this.#isBeforePosition = false;
    return true;
  }

  /**
   * Stands so that `next` leads to key[0, bytes) or, if that is not included or not there, to what
   * comes after it in the direction of the walk. null: to the first of all. Needs option `seeks`.
   */
  seek(key: Buffer | null, bytes: number, isIncluded: boolean): void {
    assert(this.#seeks, 'what was passed is kept');
    this.#position = key === null ? null : Buffer.from(key.subarray(0, bytes));
    this.#isBeforePosition = isIncluded;
    this.#seek(this.#baseCursor);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.leaf = 0;
    if (this.#cleared === null) Snapshots.of(this.#live).close(this.#live, this);
    else this.#cleared.release();
    this.#taken?.release();
    this.#changed.clear();
    this.#old.clear();
  }

  // What the tree's observer calls.

  keep(key: Buffer, from: number, to: number): number {
    if (this.#taken !== null || !this.#isKey(key, from, to)) return KEEP_NOTHING;
    if (headAt(this.#live, key, from, to) === 0) return KEEP_NOTHING;
    return this.#byValue ? KEEP_MIRROR : KEEP_ELEMENTS;
  }

  takePart(_key: Buffer, _from: number, _to: number, detached: Detached): void {
    detached.hold();
    this.#taken = detached;
    this.#turnBase(detached.tree.root);
  }

  keepElement(
    key: Buffer,
    from: number,
    to: number,
    subKey: Buffer | null,
    sfrom: number,
    sto: number,
  ): void {
    if (this.#taken !== null || this.#isLost || !this.#isKey(key, from, to)) return;
    this.#isStale = true;
    if (subKey === null || this.#changed.find(subKey, sfrom, sto) !== 0) return;
    const head = headAt(this.#live, key, from, to);
    if (head === 0) return;
    const { leaves, nodes } = this.#live.space;
    try {
      nodes.reserve(RECORDS_LEFT);
      leaves.reserve(RECORDS_LEFT);
      this.#keepOld(head, subKey, sfrom, sto);
    } catch (error) {
      // Without memory for the past the writer goes on, and the snapshot is lost.
      if (!(error instanceof OutOfMemoryError)) throw error;
      this.#lose();
    }
  }

  takeAll(detached: Detached): void {
    detached.hold();
    this.#cleared = detached;
    this.#live = detached.tree;
    this.#isStale = true;
  }

  #keepOld(head: Leaf, subKey: Buffer, sfrom: number, sto: number): void {
    const elements = this.#elements;
    elements.root = headWord(elements.space.leaves, head, HEAD_ROOT_WORD);
    const leaf = elements.findVisible(subKey, sfrom, sto);
    if (leaf !== 0) {
      const value = elements.value(leaf);
      const mirror = this.#mirror;
      if (!this.#byValue) {
        this.#putOld(subKey, sfrom, sto, value);
      } else if (mirror.holds(subKey, sfrom, sto)) {
        mirror.makeKey(value, 0, value.length, subKey, sfrom, sto);
        this.#putOld(mirror.key, 0, mirror.keyBytes, NOTHING);
      }
    }
    this.#changed.put(subKey, sfrom, sto, 0, 0, 0, 0, NOTHING, 0, 0);
  }

  #putOld(key: Buffer, from: number, to: number, value: Buffer): void {
    if (this.#position !== null && !this.#seeks) {
      const order = this.#position.compare(key, from, to);
      if (this.#backward ? order <= 0 : order >= 0) return;
    }
    this.#old.put(key, from, to, 0, 0, 0, 0, value, 0, value.length);
  }

  #isKey(key: Buffer, from: number, to: number): boolean {
    return this.#key.compare(key, from, to) === 0;
  }

  #lose(): void {
    this.#isLost = true;
    this.leaf = 0;
    this.#changed.clear();
    this.#old.clear();
  }

  /** Looks up where the base is, if that may have changed. */
  #refresh(): void {
    const live = this.#live;
    if (this.#taken !== null) return;
    if (!this.#isStale && live.version === this.#version) return;
    this.#isStale = false;
    this.#version = live.version;
    const head = headAt(live, this.#key, 0, this.#key.length);
    if (head === 0 || !this.#isSameType(typeOf(live, head))) {
      this.#lose();
      throw new SnapshotLostError();
    }
    const word = this.#byValue ? HEAD_MIRROR_WORD : HEAD_ROOT_WORD;
    this.#turnBase(headWord(live.space.leaves, head, word));
  }

  /** Another type may have other elements; through the mirror, another mirror or none. */
  #isSameType(type: number): boolean {
    const mask = this.#byValue ? TYPE_MASK : TYPE_NUMBER_MASK;
    return (type & mask) === (this.#type & mask);
  }

  #turnBase(root: number): void {
    if (this.#byValue) {
      this.#mirror.open(root, this.#type);
    } else {
      this.#base.root = root;
      this.#base.version++;
    }
  }

  /** The next entry of the base that has not changed since. */
  #stepBase(): Leaf {
    const cursor = this.#baseCursor;
    const changed = this.#changed;
    for (;;) {
      const leaf = this.#backward ? cursor.prev() : cursor.next();
      if (leaf === 0 || changed.root === 0) return leaf;
      const bytes = this.#byValue
        ? this.#mirror.copySubKey(leaf, subKeyScratch, 0)
        : this.#base.copyKey(leaf, subKeyScratch, 0);
      if (changed.find(subKeyScratch, 0, bytes) === 0) return leaf;
    }
  }

  /** The next `stepBase` shall lead to this entry again. */
  #stepBaseBack(leaf: Leaf): void {
    this.#baseCursor.seekBeside(this.#base.key(leaf), this.#backward, true);
  }

  #stepOld(): Leaf {
    if (this.#old.root === 0) return 0;
    this.#seek(this.#oldCursor);
    return this.#backward ? this.#oldCursor.prev() : this.#oldCursor.next();
  }

  #isBefore(kept: Leaf, leaf: Leaf): boolean {
    const order = this.#old.key(kept).compare(this.#base.key(leaf));
    return this.#backward ? order > 0 : order < 0;
  }

  /** Places a cursor where the reader is. */
  #seek(cursor: Cursor): void {
    const position = this.#position;
    if (position !== null) cursor.seekBeside(position, this.#backward, this.#isBeforePosition);
    else if (this.#backward) cursor.seekLast();
    else cursor.seekFirst();
  }
}

/** The type in a head, with its flags. */
function typeOf(tree: Tree, head: Leaf): number {
  return headWord(tree.space.leaves, head, HEAD_TYPE_WORD) & TYPE_MASK;
}
