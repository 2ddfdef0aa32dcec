/**
 * Snapshot: reads a tree as it was when the snapshot was opened, while writers go on.
 *
 *              passed |  still to come
 *   tree     a  b  c  |  d'   f   g'  h       the present: d changed, e deleted, g new
 *   side              |  d  e     g-          what was there before: d, e, and that g was absent
 *   reader             -> d  e  f  h
 *
 * Before a key that the reader has not passed changes for the first time, its entry is copied to a
 * tree at the side; the reader merges both and drops from the side what it passes. So a snapshot
 * costs what is written while it is open, and writers pay nothing when none is. Copying the whole
 * at the start, or keeping all old versions of nodes, would cost the size of the tree.
 *
 * When all goes at once (FLUSHDB), the snapshots take over the nodes that the reclaimer would have
 * got. A sub tree is copied whole before its first change.
 *
 * Invariant: side and present together show every key between the reader and its end as it was.
 */
import { OutOfMemoryError } from './arena.js';
import type { Cursor } from './cursor.js';
import { HEAD_MIRROR_WORD, HEAD_ROOT_WORD, KIND_HEAD, KIND_MASK, type Leaf } from './leaf.js';
import { Path } from './path.js';
import { SubTree } from './subtree.js';
import { Tree, type TreeObserver } from './tree.js';

/** The kind of what stands at the side for "nothing was here". */
const KIND_ABSENT = 3;
const NOTHING = Buffer.alloc(0);

export interface SnapshotOptions {
  /** The first and the last key of interest, both included; null or missing: without bound. */
  low?: Buffer | null;
  high?: Buffer | null;
  /** From high to low. Default: false. */
  backward?: boolean;
}

/** Thrown by `next` when memory ended and a writer had to go on without keeping the past. */
export class SnapshotLostError extends Error {
  readonly code = 'SNAPSHOT_LOST';
  constructor() {
    super('memory ended: the snapshot could not be kept');
    this.name = 'SnapshotLostError';
  }
}

/** What tells a tree's snapshots of changes, in front of whoever else observes the tree. */
class Snapshots implements TreeObserver {
  readonly open = new Set<Snapshot>();
  readonly #behind: TreeObserver | null;

  constructor(behind: TreeObserver | null) {
    this.#behind = behind;
  }

  static of(tree: Tree): Snapshots {
    if (!(tree.observer instanceof Snapshots)) tree.observer = new Snapshots(tree.observer);
    return tree.observer as Snapshots;
  }

  beforeChange(tree: Tree, key: Buffer, from: number, to: number): void {
    for (const snapshot of this.open) snapshot.keep(key, from, to);
    this.#behind?.beforeChange(tree, key, from, to);
  }

  beforeClear(tree: Tree): void {
    const detached = new Detached(tree);
    for (const snapshot of this.open) snapshot.detach(detached);
    this.open.clear();
    tree.observer = this.#behind;
    this.#behind?.beforeClear(tree);
  }

  close(tree: Tree, snapshot: Snapshot): void {
    this.open.delete(snapshot);
    if (this.open.size === 0 && tree.observer === this) tree.observer = this.#behind;
  }
}

/** What a tree held when it was cleared, until the last snapshot that needs it is closed. */
class Detached {
  readonly tree: Tree;
  #holderCount = 0;

  constructor(tree: Tree) {
    this.tree = sideTree(tree);
    this.tree.root = tree.root;
    tree.root = 0;
    tree.version++;
  }

  hold(): void {
    this.#holderCount++;
  }

  release(): void {
    if (--this.#holderCount === 0) this.tree.clear();
  }
}

function sideTree(tree: Tree): Tree {
  return new Tree(tree.space, { expiries: false, digests: false, path: new Path() });
}

export class Snapshot {
  /** Where the entry that `next` moved to lies: read it by this tree's methods. */
  tree: Tree;
  /** That entry, tombstones and hidden heads among them; 0 before the first and after the last. */
  leaf: Leaf = 0;
  /** The element that `nextElement` moved to, in `elements`; 0 before the first, after the last. */
  element: Leaf = 0;

  readonly #live: Tree;
  readonly #low: Buffer | null;
  readonly #high: Buffer | null;
  readonly #backward: boolean;
  #base: Tree;
  #baseCursor: Cursor;
  readonly #side: Tree;
  readonly #sideCursor: Cursor;
  #detached: Detached | null = null;
  /** Whether an entry at the side waits to be dropped once the reader moves on. */
  #isOnSide = false;
  /** The key that the reader stands on; null: it has not begun. */
  #position: Buffer | null = null;
  #isClosed = false;
  #isLost = false;

  /** The sub tree that the reader is in, if it stands on a head; one of the two below. */
  #sub: SubTree | null = null;
  #elementCursor: Cursor | null = null;
  #baseSub: SubTree | null = null;
  #sideSub: SubTree | null = null;

  /** Opens a snapshot of a tree as it is now. It must be closed. */
  constructor(tree: Tree, options: SnapshotOptions = {}) {
    this.tree = tree;
    this.#live = tree;
    this.#base = tree;
    this.#low = options.low ?? null;
    this.#high = options.high ?? null;
    this.#backward = options.backward ?? false;
    this.#side = sideTree(tree);
    this.#sideCursor = this.#side.cursor({ all: true });
    this.#baseCursor = this.#newBaseCursor();
    Snapshots.of(tree).open.add(this);
  }

  /** Bytes that it holds besides the tree are in the space's usage; how many entries these are. */
  get keptCount(): number {
    return this.#side.allCount;
  }

  /** Moves to the next entry; false at the end. `tree` and `leaf` are valid until the next write. */
  next(): boolean {
    if (this.#isLost) throw new SnapshotLostError();
    this.#leaveEntry();
    for (;;) {
      const base = this.#stepBase();
      const side = this.#firstOnSide();
      if (base === 0 && side === 0) return false;
      const order = base === 0 ? -1 : side === 0 ? 1 : this.#compareLeaves(side, base);
      if (order > 0) {
        this.#stand(this.#base, base);
        return true;
      }
      // The side knows better; what has the same key in the base is passed over with it.
      if (order < 0 && base !== 0) this.#stepBaseBack(base);
      if (this.#side.kind(side) !== KIND_ABSENT) {
        this.#stand(this.#side, side);
        return true;
      }
      this.#position = this.#side.key(side);
      this.#dropPosition();
    }
  }

  /**
   * Moves to the next element, tombstones among them, of the head that `next` moved to; false at
   * the end. Then `elements` and `element` show it.
   */
  nextElement(): boolean {
    if (this.#isLost) throw new SnapshotLostError();
    if (this.#elementCursor === null) return false;
    this.element = this.#elementCursor.next();
    return this.element !== 0;
  }

  /** The tree of the elements of the head that `next` moved to. */
  get elements(): Tree {
    return this.#sub!.elements;
  }

  /** What the head that `next` moved to says. */
  get head(): SubTree {
    return this.#sub!;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#detached === null) Snapshots.of(this.#live).close(this.#live, this);
    else this.#detached.release();
    this.#side.clear();
    this.leaf = 0;
  }

  /** Called before an entry changes: keeps what is there now, if the reader will come to it. */
  keep(key: Buffer, from: number, to: number): void {
    if (this.#isLost || !this.#isAhead(key, from, to)) return;
    const side = this.#side;
    if (side.find(key, from, to) !== 0) return;
    const isUnderReader = this.#sub !== null && this.#isPosition(key, from, to);
    try {
      this.#copyEntry(key, from, to);
    } catch (error) {
      if (!(error instanceof OutOfMemoryError)) throw error;
      this.#isLost = true;
      return;
    }
    if (isUnderReader) this.#moveToSide(key, from, to);
  }

  /** Called before all entries go: goes on reading in what is left of them. */
  detach(detached: Detached): void {
    detached.hold();
    this.#detached = detached;
    const isInBase = this.tree === this.#base;
    this.#base = detached.tree;
    this.#baseSub = null;
    this.#baseCursor = this.#newBaseCursor();
    if (!isInBase) return;
    this.tree = detached.tree;
    if (this.#sub !== null) this.#openElements(this.#lastSubKey());
  }

  /** Whether the reader will come to a key, or is among its elements. */
  #isAhead(key: Buffer, from: number, to: number): boolean {
    const low = this.#low;
    const high = this.#high;
    if (low !== null && low.compare(key, from, to) > 0) return false;
    if (high !== null && high.compare(key, from, to) < 0) return false;
    if (this.#position === null) return true;
    const order = this.#position.compare(key, from, to);
    if (order === 0) return this.#sub !== null && !this.#isOnSide;
    return this.#backward ? order > 0 : order < 0;
  }

  #isPosition(key: Buffer, from: number, to: number): boolean {
    return this.#position !== null && this.#position.compare(key, from, to) === 0;
  }

  #copyEntry(key: Buffer, from: number, to: number): void {
    const base = this.#base;
    const side = this.#side;
    const leaf = base.find(key, from, to);
    if (leaf === 0) {
      side.putEntry(key, from, to, 0, 0, KIND_ABSENT, 0, NOTHING, 0, 0);
      return;
    }
    const flags = base.flags(leaf);
    const value = base.value(leaf);
    if ((flags & KIND_MASK) === KIND_HEAD) {
      value.writeInt32LE(this.#copyElements(key, from, to), HEAD_ROOT_WORD * 4);
      value.writeInt32LE(0, HEAD_MIRROR_WORD * 4);
    }
    const expiryMs = base.expiryMs(leaf);
    const { length } = value;
    const at = [base.stamp(leaf), base.origin(leaf), flags, expiryMs] as const;
    side.putEntry(key, from, to, ...at, value, 0, length);
  }

  /** Copies the elements below a head to a tree of their own; returns its root. */
  #copyElements(key: Buffer, from: number, to: number): number {
    const sub = new SubTree(this.#base);
    const copy = sideTree(this.#base);
    sub.open(key, from, to);
    const { elements } = sub;
    const cursor = elements.cursor({ all: true });
    try {
      for (let leaf = cursor.next(); leaf !== 0; leaf = cursor.next()) {
        const subKey = elements.key(leaf);
        const value = elements.value(leaf);
        const at = [elements.stamp(leaf), elements.origin(leaf), elements.flags(leaf)] as const;
        copy.putEntry(subKey, 0, subKey.length, ...at, 0, value, 0, value.length);
      }
    } catch (error) {
      copy.clear();
      throw error;
    }
    return copy.root;
  }

  /** The head that the reader stands on is about to change: it goes on in the copy. */
  #moveToSide(key: Buffer, from: number, to: number): void {
    this.#isOnSide = true;
    this.tree = this.#side;
    this.leaf = this.#side.find(key, from, to);
    this.#openElements(this.#lastSubKey());
  }

  #lastSubKey(): Buffer | null {
    return this.element === 0 ? null : this.#sub!.elements.key(this.element);
  }

  /** Turns to the elements of the head that the reader stands on, behind a sub key if given. */
  #openElements(last: Buffer | null): void {
    const position = this.#position!;
    if (this.tree === this.#side) this.#sub = this.#sideSub ??= new SubTree(this.#side);
    else this.#sub = this.#baseSub ??= new SubTree(this.#base);
    this.#sub.open(position, 0, position.length);
    this.#elementCursor = this.#sub.elements.cursor({ all: true });
    this.element = 0;
    if (last === null) return;
    this.#elementCursor.seek(last, 0, last.length);
    this.element = this.#elementCursor.next();
  }

  #leaveEntry(): void {
    this.#sub = null;
    this.#elementCursor = null;
    this.element = 0;
    if (this.#isOnSide) this.#dropPosition();
    this.#isOnSide = false;
    this.leaf = 0;
  }

  #dropPosition(): void {
    const position = this.#position!;
    this.#side.drop(position, 0, position.length);
  }

  #stand(tree: Tree, leaf: Leaf): void {
    this.tree = tree;
    this.leaf = leaf;
    this.#position = tree.key(leaf);
    this.#isOnSide = tree === this.#side;
    if (tree.kind(leaf) === KIND_HEAD) this.#openElements(null);
  }

  /** The next entry of the base within the bounds; 0 at the end. */
  #stepBase(): Leaf {
    const base = this.#base;
    const cursor = this.#baseCursor;
    const leaf = this.#backward ? cursor.prev() : cursor.next();
    if (leaf === 0) return 0;
    const bound = this.#backward ? this.#low : this.#high;
    if (bound === null) return leaf;
    const order = bound.compare(base.key(leaf));
    return (this.#backward ? order > 0 : order < 0) ? 0 : leaf;
  }

  /** Makes `leaf`, which the base's cursor has just reached, the next one again. */
  #stepBaseBack(leaf: Leaf): void {
    this.#seekBase(this.#base.key(leaf), true);
  }

  #firstOnSide(): Leaf {
    if (this.#side.root === 0) return 0;
    const cursor = this.#sideCursor;
    if (this.#backward) {
      cursor.seekLast();
      return cursor.prev();
    }
    cursor.seekFirst();
    return cursor.next();
  }

  /** Negative if the first, on the side, comes before the second, in the base. */
  #compareLeaves(side: Leaf, base: Leaf): number {
    const order = this.#side.key(side).compare(this.#base.key(base));
    return this.#backward ? -order : order;
  }

  /** A cursor over the base at the place where the reader is. */
  #newBaseCursor(): Cursor {
    this.#baseCursor = this.#base.cursor({ all: true });
    if (this.#position !== null) this.#seekBase(this.#position, false);
    else if (this.#backward && this.#high !== null) this.#seekBase(this.#high, true);
    else if (this.#backward) this.#baseCursor.seekLast();
    else if (this.#low !== null) this.#seekBase(this.#low, true);
    else this.#baseCursor.seekFirst();
    return this.#baseCursor;
  }

  /** Places the base's cursor so that its next step leads to this key, or with false, past it. */
  #seekBase(key: Buffer, isIncluded: boolean): void {
    if (this.#backward !== isIncluded) {
      this.#baseCursor.seek(key, 0, key.length);
      return;
    }
    // Between this key and the next one that there could be.
    const behind = Buffer.concat([key, Buffer.of(0)]);
    this.#baseCursor.seek(behind, 0, behind.length);
  }
}
