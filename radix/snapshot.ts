/**
 * Snapshot: reads a tree as it was when the snapshot was opened, while writers go on.
 *
 *              passed |  still to come
 *   tree     a  b  c  |  d'   f   g'  h       the present: d changed, e deleted, g new
 *   side              |  d  e     g-          what was there before: d, e, and that g was absent
 *   reader             -> d  e  f  h
 *
 * Before a key that the reader has not passed changes for the first time, its entry is copied to a
 * tree at the side; the reader overlays the tree with that and drops what it passes. So a snapshot
 * costs what is written while it is open, and writers pay nothing when none is. Copying the whole
 * at the start, or keeping all old versions of nodes, would cost the size of the tree.
 *
 * Of a sub tree the side holds the head, and below it the old elements of those that changed, to be
 * overlaid likewise. Where all goes at once, a database or a sub tree, the snapshots take over the
 * nodes that the reclaimer would have got.
 *
 * Invariant: side and present together show every key between the reader and its end as it was.
 */
import { OutOfMemoryError } from './arena.js';
import {
  FLAG_EXTERNAL,
  HEAD_MIRROR_WORD,
  HEAD_ROOT_WORD,
  HEAD_VALUE_BYTES,
  headWord,
  KIND_HEAD,
  KIND_MASK,
  type Leaf,
  setHeadWord,
} from './leaf.js';
import { KIND_ABSENT, Overlay, type OverlayOptions } from './overlay.js';
import { locate, Path } from './path.js';
import { addAlong, addLeaf, Sum } from './totals.js';
import { Tree, type TreeObserver } from './tree.js';
import { putShared } from './write.js';

const NOTHING = Buffer.alloc(0);
/** Memory for so many records is left to writers. */
export const RECORDS_LEFT = 32;

/** Bounds (both included) and direction. */
export type SnapshotOptions = Pick<OverlayOptions, 'low' | 'high' | 'backward'>;

/** Thrown by `next` when memory ended and a writer had to go on without keeping the past. */
export class SnapshotLostError extends Error {
  readonly code = 'SNAPSHOT_LOST';
  constructor() {
    super('memory ended: the snapshot could not be kept');
    this.name = 'SnapshotLostError';
  }
}

/** What a reader needs of a head that is about to go. */
export const KEEP_NOTHING = 0;
export const KEEP_ELEMENTS = 1;
export const KEEP_MIRROR = 2;

/** A snapshot, of whatever part of a tree, as the tree's writers see it. */
export interface SnapshotReader {
  /** An entry is about to change or go. Answers KEEP_...: what `takePart` must be given first. */
  keep(key: Buffer, from: number, to: number): number;
  /** The part of the head at a key that `keep` has asked for is here from now on. */
  takePart(key: Buffer, from: number, to: number, detached: Detached): void;
  /** An element, or with null only what its head says, is about to change. */
  keepElement(
    key: Buffer,
    from: number,
    to: number,
    subKey: Buffer | null,
    sfrom: number,
    sto: number,
  ): void;
  /** All entries are here from now on. */
  takeAll(detached: Detached): void;
}

/** What tells a tree's snapshots of changes, in front of whoever else observes the tree. */
export class Snapshots implements TreeObserver {
  readonly open = new Set<SnapshotReader>();
  #behind: TreeObserver | null;

  constructor(behind: TreeObserver | null) {
    this.#behind = behind;
  }

  static of(tree: Tree): Snapshots {
    tree.settle();
    if (!(tree.observer instanceof Snapshots)) tree.observer = new Snapshots(tree.observer);
    return tree.observer as Snapshots;
  }

  /** Makes `observer` the one that hears of changes, behind snapshots if some are open. */
  static observe(tree: Tree, observer: TreeObserver): void {
    tree.settle();
    if (tree.observer instanceof Snapshots) tree.observer.#behind = observer;
    else tree.observer = observer;
  }

  beforeChange(tree: Tree, key: Buffer, from: number, to: number): void {
    let elements: Detached | null = null;
    let mirror: Detached | null = null;
    for (const snapshot of this.open) {
      const part = snapshot.keep(key, from, to);
      if (part === KEEP_ELEMENTS) {
        elements ??= new Detached(tree, detachElements(tree, key, from, to));
        snapshot.takePart(key, from, to, elements);
      } else if (part === KEEP_MIRROR) {
        mirror ??= new Detached(tree, detachMirror(tree, key, from, to));
        snapshot.takePart(key, from, to, mirror);
      }
    }
    this.#behind?.beforeChange(tree, key, from, to);
  }

  beforeElement(
    tree: Tree,
    key: Buffer,
    from: number,
    to: number,
    subKey: Buffer | null,
    sfrom: number,
    sto: number,
  ): void {
    for (const snapshot of this.open) snapshot.keepElement(key, from, to, subKey, sfrom, sto);
    const behind = this.#behind;
    if (behind?.beforeElement === undefined) behind?.beforeChange(tree, key, from, to);
    else behind.beforeElement(tree, key, from, to, subKey, sfrom, sto);
  }

  beforeClear(tree: Tree): void {
    const detached = new Detached(tree, tree.root);
    tree.root = 0;
    tree.version++;
    for (const snapshot of this.open) snapshot.takeAll(detached);
    this.open.clear();
    tree.observer = this.#behind;
    this.#behind?.beforeClear(tree);
  }

  close(tree: Tree, snapshot: SnapshotReader): void {
    this.open.delete(snapshot);
    if (this.open.size === 0 && tree.observer === this) tree.observer = this.#behind;
  }
}

/** Nodes that no tree holds any more, until the last snapshot that needs them is closed. */
export class Detached {
  readonly tree: Tree;
  #holderCount = 0;

  constructor(tree: Tree, root: number) {
    this.tree = sideTree(tree);
    this.tree.root = root;
  }

  hold(): void {
    this.#holderCount++;
  }

  release(): void {
    if (--this.#holderCount === 0) this.tree.clear();
  }
}

/** A tree in the same Space, of what a snapshot keeps. */
export function sideTree(tree: Tree, path = new Path()): Tree {
  return new Tree(tree.space, { expiries: false, digests: false, path });
}

/** Takes the elements from the head at a key, which is about to go. Returns their root. */
function detachElements(tree: Tree, key: Buffer, from: number, to: number): number {
  const root = headWord(tree.space.leaves, tree.find(key, from, to), HEAD_ROOT_WORD);
  changeRoot(tree, key, from, to, () => 0);
  return root;
}

/** The same of the mirror, which nodes above do not count. */
function detachMirror(tree: Tree, key: Buffer, from: number, to: number): number {
  const { leaves } = tree.space;
  const head = tree.find(key, from, to);
  const root = headWord(leaves, head, HEAD_MIRROR_WORD);
  setHeadWord(leaves, head, HEAD_MIRROR_WORD, 0);
  tree.version++;
  return root;
}

/** Gives the head at a key another root, and the nodes above it the difference. */
function changeRoot(
  tree: Tree,
  key: Buffer,
  from: number,
  to: number,
  makeRoot: () => number,
): void {
  const { leaves, nodes } = tree.space;
  const sum = new Sum();
  locate(tree.path, nodes, leaves, tree.root, key, from, to);
  const head = tree.path.leaf;
  tree.version++;
  addLeaf(sum, tree, head, -1);
  setHeadWord(leaves, head, HEAD_ROOT_WORD, makeRoot());
  addLeaf(sum, tree, head, 1);
  addAlong(tree, tree.path, tree.path.length, sum);
}

export class Snapshot implements SnapshotReader {
  readonly #live: Tree;
  readonly #entries: Overlay;
  readonly #side: Tree;
  /** The elements of the head that the reader stands on; null: it stands on none. */
  #elements: Overlay | null = null;
  /** Whether these elements have changed since they were last looked at. */
  #isStale = false;
  #version = 0;
  /** Where the elements of the heads at these keys are, which have lost them. */
  readonly #taken = new Map<string, Detached>();
  /** What the tree held when it was cleared. */
  #detached: Detached | null = null;
  readonly #oldElements: Tree;
  readonly #liveElements: Tree;
  #isClosed = false;
  #isLost = false;

  /** Opens a snapshot of a tree as it is now. It must be closed. */
  constructor(tree: Tree, options: SnapshotOptions = {}) {
    this.#live = tree;
    this.#side = sideTree(tree);
    this.#entries = new Overlay(tree, this.#side, { ...options, dropsPassed: true });
    this.#oldElements = sideTree(tree);
    this.#liveElements = sideTree(tree);
    Snapshots.of(tree).open.add(this);
  }

  /** Where the entry that `next` moved to lies: read it by this tree's methods. */
  get tree(): Tree {
    return this.#entries.tree;
  }

  /** That entry, tombstones and hidden heads among them; 0 before the first and after the last. */
  get leaf(): Leaf {
    return this.#entries.leaf;
  }

  /** Where the element that `nextElement` moved to lies. */
  get elementTree(): Tree {
    return this.#elements!.tree;
  }

  /** That element, tombstones among them; 0 before the first and after the last. */
  get element(): Leaf {
    return this.#elements?.leaf ?? 0;
  }

  /**
   * The elements of the head that `next` moved to, not as they were but as they are now; once the
   * head has gone, as it left them. Valid until the next write.
   */
  get presentElements(): Tree {
    if (this.#isLost) throw new SnapshotLostError();
    this.#refreshElements();
    return this.#elements!.base;
  }

  /** How many entries and elements are kept at the side. */
  get keptCount(): number {
    return this.#side.allCount;
  }

  /** Moves to the next entry; false at the end. What it moved to is valid until the next write. */
  next(): boolean {
    if (this.#isLost) throw new SnapshotLostError();
    const entries = this.#entries;
    if (this.#elements !== null) this.#release(entries.position!.toString('latin1'));
    this.#elements = null;
    if (!entries.next()) return false;
    if (entries.tree.kind(entries.leaf) === KIND_HEAD) this.#enterHead();
    return true;
  }

  /** Moves to the next element of the head that `next` moved to; false at the end. */
  nextElement(): boolean {
    if (this.#isLost) throw new SnapshotLostError();
    const elements = this.#elements;
    if (elements === null) return false;
    this.#refreshElements();
    return elements.next();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#detached === null) Snapshots.of(this.#live).close(this.#live, this);
    else this.#detached.release();
    for (const detached of this.#taken.values()) detached.release();
    this.#taken.clear();
    this.#elements = null;
    this.#entries.leaf = 0;
    this.#side.clear();
  }

  // What the tree's observer calls.

  /** Before an entry changes or goes: keeps what is there now, if the reader will come to it. */
  keep(key: Buffer, from: number, to: number): number {
    const kept = this.#keepEntry(key, from, to);
    if (kept === 0 || this.#side.kind(kept) !== KIND_HEAD) return KEEP_NOTHING;
    if (this.#taken.has(key.toString('latin1', from, to))) return KEEP_NOTHING;
    return headAt(this.#live, key, from, to) === 0 ? KEEP_NOTHING : KEEP_ELEMENTS;
  }

  takePart(key: Buffer, from: number, to: number, detached: Detached): void {
    detached.hold();
    this.#taken.set(key.toString('latin1', from, to), detached);
    if (this.#isIn(key, from, to)) this.#elements!.rebase(detached.tree);
  }

  keepElement(
    key: Buffer,
    from: number,
    to: number,
    subKey: Buffer | null,
    sfrom: number,
    sto: number,
  ): void {
    const kept = this.#keepEntry(key, from, to);
    if (kept === 0 || subKey === null || this.#side.kind(kept) !== KIND_HEAD) return;
    if (this.#taken.has(key.toString('latin1', from, to))) return;
    const head = headAt(this.#live, key, from, to);
    if (head === 0) return;
    const isIn = this.#isIn(key, from, to);
    if (isIn) this.#isStale = true;
    if (isIn && !this.#elements!.isAhead(subKey, sfrom, sto)) return;
    const { leaves } = this.#side.space;
    const old = this.#oldElements;
    const live = this.#liveElements;
    old.root = headWord(leaves, kept, HEAD_ROOT_WORD);
    live.root = headWord(leaves, head, HEAD_ROOT_WORD);
    if (old.find(subKey, sfrom, sto) !== 0) return;
    this.#attempt(() => {
      changeRoot(this.#side, key, from, to, () => {
        copyEntry(live, old, subKey, sfrom, sto);
        return old.root;
      });
    });
    if (isIn && !this.#isLost) this.#showOldElements(kept);
  }

  takeAll(detached: Detached): void {
    detached.hold();
    this.#detached = detached;
    this.#entries.rebase(detached.tree);
  }

  /** Keeps an entry, of a head no elements, if the reader will come to it. 0: it will not. */
  #keepEntry(key: Buffer, from: number, to: number): Leaf {
    if (this.#isLost) return 0;
    const entries = this.#entries;
    const isIn = this.#isIn(key, from, to);
    if (!isIn && !entries.isAhead(key, from, to)) return 0;
    const kept = this.#side.find(key, from, to);
    if (kept !== 0) return kept;
    this.#attempt(() => copyEntry(entries.base, this.#side, key, from, to));
    if (this.#isLost) return 0;
    if (isIn) entries.moveToSide();
    return this.#side.find(key, from, to);
  }

  /** Without memory for the past the writer goes on, and the snapshot is lost. */
  #attempt(work: () => void): void {
    const { leaves, nodes } = this.#side.space;
    try {
      nodes.reserve(RECORDS_LEFT);
      leaves.reserve(RECORDS_LEFT);
      work();
    } catch (error) {
      if (!(error instanceof OutOfMemoryError)) throw error;
      this.#isLost = true;
      this.#elements = null;
      this.#entries.leaf = 0;
      this.#side.clear();
    }
  }

  /** Whether the reader is at this key, among its elements. */
  #isIn(key: Buffer, from: number, to: number): boolean {
    return this.#elements !== null && this.#entries.isAt(key, from, to);
  }

  /** The reader stands on a head: prepares to read its elements. */
  #enterHead(): void {
    const { base, position, tree, leaf } = this.#entries;
    const key = position!;
    const taken = this.#taken.get(key.toString('latin1'));
    this.#elements = new Overlay(taken?.tree ?? sideTree(base), sideTree(base));
    this.#reloadElements();
    if (tree === this.#side) this.#showOldElements(leaf);
  }

  #refreshElements(): void {
    const { version } = this.#entries.base;
    if (this.#isStale || version !== this.#version) this.#reloadElements();
    this.#version = version;
  }

  /** Looks up anew where the elements of the head are, unless they are taken. */
  #reloadElements(): void {
    this.#isStale = false;
    const { base, position } = this.#entries;
    const key = position!;
    if (this.#taken.has(key.toString('latin1'))) return;
    const elements = this.#elements!.base;
    const head = headAt(base, key, 0, key.length);
    elements.root = head === 0 ? 0 : headWord(base.space.leaves, head, HEAD_ROOT_WORD);
    elements.version++;
  }

  /** The old elements below the head kept at the side have become more. */
  #showOldElements(head: Leaf): void {
    const { side } = this.#elements!;
    side.root = headWord(side.space.leaves, head, HEAD_ROOT_WORD);
    side.version++;
  }

  #release(key: string): void {
    this.#taken.get(key)?.release();
    this.#taken.delete(key);
  }
}

/** The head of the sub tree at a key; 0: there is none. */
export function headAt(tree: Tree, key: Buffer, from: number, to: number): Leaf {
  const leaf = tree.find(key, from, to);
  return leaf !== 0 && tree.kind(leaf) === KIND_HEAD ? leaf : 0;
}

/** Copies the entry at a key, of a head without its elements, or that there is none. */
function copyEntry(source: Tree, target: Tree, key: Buffer, from: number, to: number): void {
  const leaf = source.find(key, from, to);
  if (leaf === 0) {
    target.putEntry(key, from, to, 0, 0, KIND_ABSENT, 0, NOTHING, 0, 0);
    return;
  }
  const flags = source.flags(leaf);
  if ((flags & FLAG_EXTERNAL) !== 0) {
    putShared(target, key, from, to, source, leaf);
    return;
  }
  const value = source.value(leaf);
  const isHead = (flags & KIND_MASK) === KIND_HEAD;
  if (isHead) {
    value.writeInt32LE(0, HEAD_ROOT_WORD * 4);
    value.writeInt32LE(0, HEAD_MIRROR_WORD * 4);
  }
  const bytes = isHead ? Math.min(value.length, HEAD_VALUE_BYTES) : value.length;
  const at = [source.stamp(leaf), source.origin(leaf), flags, source.expiryMs(leaf)] as const;
  target.putEntry(key, from, to, ...at, value, 0, bytes);
}
