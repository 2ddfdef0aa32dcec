/**
 * Overlay: reads a tree in order as it once was, out of the tree as it is and a smaller tree at
 * its side that holds what has changed since: old entries, and marks for "nothing was here".
 *
 *   base     a  b  c'    e  f        side     c  d  f-
 *   reader   a  b  c  d  e
 *
 * Both may change between steps, as long as the side gets the old entry before the base's changes.
 */
import type { Cursor } from './cursor.js';
import type { Leaf } from './leaf.js';
import type { Tree } from './tree.js';

/** The kind of what stands at the side for "nothing was here". */
export const KIND_ABSENT = 3;

export interface OverlayOptions {
  /** The first and the last key of interest, both included; null or missing: without bound. */
  low?: Buffer | null;
  high?: Buffer | null;
  /** From high to low. Default: false. */
  backward?: boolean;
  /** Whether what has been passed is dropped from the side. Default: false. */
  dropsPassed?: boolean;
}

export class Overlay {
  readonly side: Tree;
  /** Where the entry that `next` moved to lies: base or side. */
  tree: Tree;
  /** That entry; 0 before the first and after the last. Valid until the next write. */
  leaf: Leaf = 0;
  /** Its key; null before the first. */
  position: Buffer | null = null;

  #base: Tree;
  #baseCursor: Cursor;
  readonly #sideCursor: Cursor;
  readonly #low: Buffer | null;
  readonly #high: Buffer | null;
  readonly #backward: boolean;
  readonly #dropsPassed: boolean;

  constructor(base: Tree, side: Tree, options: OverlayOptions = {}) {
    this.tree = base;
    this.side = side;
    this.#low = options.low ?? null;
    this.#high = options.high ?? null;
    this.#backward = options.backward ?? false;
    this.#dropsPassed = options.dropsPassed ?? false;
    this.#base = base;
    this.#baseCursor = base.cursor({ all: true });
    this.#sideCursor = side.cursor({ all: true });
    this.#seek(this.#baseCursor);
  }

  get base(): Tree {
    return this.#base;
  }

  /** Moves to the next entry; false at the end. */
  next(): boolean {
    this.#leave();
    for (;;) {
      const base = this.#step(this.#baseCursor, this.#base);
      const side = this.#stepSide();
      if (base === 0 && side === 0) return false;
      const order = base === 0 ? -1 : side === 0 ? 1 : this.#compareLeaves(side, base);
      if (order > 0) {
        this.#stand(this.#base, base);
        return true;
      }
      // The side knows better; what has the same key in the base is passed over with it.
      if (order < 0 && base !== 0)
        this.#baseCursor.seekBeside(this.#base.key(base), this.#backward, true);
      this.#stand(this.side, side);
      if (this.side.kind(side) !== KIND_ABSENT) return true;
      this.#leave();
    }
  }

  /** Whether a key lies within the bounds and ahead of the position. */
  isAhead(key: Buffer, from: number, to: number): boolean {
    if (this.#low !== null && this.#low.compare(key, from, to) > 0) return false;
    if (this.#high !== null && this.#high.compare(key, from, to) < 0) return false;
    if (this.position === null) return true;
    const order = this.position.compare(key, from, to);
    return this.#backward ? order > 0 : order < 0;
  }

  isAt(key: Buffer, from: number, to: number): boolean {
    return this.leaf !== 0 && this.position!.compare(key, from, to) === 0;
  }

  /** Goes on in another base that holds what the first one held. */
  rebase(base: Tree): void {
    if (this.tree === this.#base) this.tree = base;
    this.#base = base;
    this.#baseCursor = base.cursor({ all: true });
    this.#seek(this.#baseCursor);
  }

  /** The entry that it stands on has been copied to the side and will change in the base. */
  moveToSide(): void {
    this.tree = this.side;
    this.leaf = this.side.find(this.position!, 0, this.position!.length);
  }

  #leave(): void {
    const position = this.position;
    if (this.leaf !== 0 && this.tree === this.side && this.#dropsPassed) {
      this.side.drop(position!, 0, position!.length);
    }
    this.leaf = 0;
  }

  #stand(tree: Tree, leaf: Leaf): void {
    this.tree = tree;
    this.leaf = leaf;
    this.position = tree.key(leaf);
  }

  #stepSide(): Leaf {
    if (this.side.root === 0) return 0;
    this.#seek(this.#sideCursor);
    return this.#step(this.#sideCursor, this.side);
  }

  /** The next entry within the bounds; 0 at the end. */
  #step(cursor: Cursor, tree: Tree): Leaf {
    const leaf = this.#backward ? cursor.prev() : cursor.next();
    if (leaf === 0) return 0;
    const bound = this.#backward ? this.#low : this.#high;
    if (bound === null) return leaf;
    const order = bound.compare(tree.key(leaf));
    return (this.#backward ? order > 0 : order < 0) ? 0 : leaf;
  }

  /** Negative if the first, on the side, comes before the second, in the base. */
  #compareLeaves(side: Leaf, base: Leaf): number {
    const order = this.side.key(side).compare(this.#base.key(base));
    return this.#backward ? -order : order;
  }

  /** Places a cursor where the reader is. */
  #seek(cursor: Cursor): void {
    const start = this.#backward ? this.#high : this.#low;
    if (this.position !== null) cursor.seekBeside(this.position, this.#backward, false);
    else if (start !== null) cursor.seekBeside(start, this.#backward, true);
    else if (this.#backward) cursor.seekLast();
    else cursor.seekFirst();
  }
}
