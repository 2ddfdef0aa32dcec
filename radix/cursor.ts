/**
 * Cursor: iteration over a tree, forward and backward, that survives writes between its steps.
 */
import type { Leaf } from './leaf.js';
import type { Tree } from './tree.js';

export interface CursorOptions {
  /** Tombstones and hidden heads too; default false: what users see. */
  all?: boolean;
}

/**
 * A cursor stands on an entry or between two. `next` returns the entry after its place and moves
 * there, `prev` the one before; 0 at the end, and then it stands behind the end.
 */
export class Cursor {
  constructor(tree: Tree, options: CursorOptions = {}) {
    throw new Error(`not yet ${tree} ${options}`);
  }
  /** Stands before the first entry with a key >= this one: `next` returns it, `prev` the one below. */
  seek(_key: Buffer, _from: number, _to: number): void { throw new Error('not yet'); }
  seekFirst(): void { throw new Error('not yet'); }
  /** Stands behind the last entry. */
  seekLast(): void { throw new Error('not yet'); }
  /** Stands before the visible entry with this index. */
  seekIndex(_index: number): void { throw new Error('not yet'); }
  next(): Leaf { throw new Error('not yet'); }
  prev(): Leaf { throw new Error('not yet'); }
}
