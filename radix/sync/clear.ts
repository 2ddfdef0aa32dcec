/**
 * Clear: takes out of a database's tree what its clear hides, in slices.
 *
 * What is at or below the stamp goes: entries, elements, expiries of heads, and what heads remember
 * of earlier clears, since the database's covers those. So every replica that knows the same clear
 * and the same entries has the same tree, in whatever order it heard of them.
 *
 * Invariant: once `step` has returned false, nothing at or below `clearedAt` is in the tree, given
 * that every writer refuses it from `setClearedAt` on.
 */
import type { Cursor } from '../cursor.js';
import { KIND_HEAD } from '../leaf.js';
import { SubTree } from '../subtree.js';
import type { Tree } from '../tree.js';

export class ClearPurge {
  readonly #tree: Tree;
  readonly #sub: SubTree;
  readonly #cursor: Cursor;
  #clearedAt = 0;
  #isDone = true;
  /** The head whose elements are being looked at; null: none is. */
  #head: Buffer | null = null;
  /** The last of its elements looked at. */
  #subKey = Buffer.alloc(0);
  readonly #elementCursor: Cursor;

  constructor(tree: Tree) {
    this.#tree = tree;
    this.#sub = new SubTree(tree);
    this.#cursor = tree.cursor({ all: true });
    this.#elementCursor = this.#sub.elements.cursor({ all: true });
  }

  get clearedAt(): number {
    return this.#clearedAt;
  }

  setClearedAt(stamp: number): void {
    if (stamp > this.#clearedAt && this.#tree.root !== 0) {
      this.#isDone = false;
      this.#head = null;
      this.#cursor.seekFirst();
    }
    this.#clearedAt = stamp;
  }

  /** Looks at up to so many entries and elements; true: there are more. */
  step(entriesMax: number): boolean {
    for (let left = entriesMax; !this.#isDone; left--) {
      if (left <= 0) return true;
      if (this.#head === null) this.#nextEntry();
      else this.#nextElement(this.#head);
    }
    return false;
  }

  #nextEntry(): void {
    const tree = this.#tree;
    const leaf = this.#cursor.next();
    if (leaf === 0) {
      this.#isDone = true;
    } else if (tree.stamp(leaf) <= this.#clearedAt) {
      tree.dropLeaf(leaf);
    } else if (tree.kind(leaf) === KIND_HEAD) {
      this.#head = tree.key(leaf);
      this.#subKey = Buffer.alloc(0);
      this.#purgeParts(this.#head);
    }
  }

  #purgeParts(key: Buffer): void {
    const sub = this.#sub;
    const { parts } = sub;
    const stamp = this.#clearedAt;
    sub.open(key, 0, key.length);
    const isExpiryCleared = parts.expiryStamp > 0 && parts.expiryStamp <= stamp;
    const isClearCovered = parts.clearedAt > 0 && parts.clearedAt <= stamp;
    if (!isExpiryCleared && !isClearCovered) return;
    if (isExpiryCleared) {
      parts.expiryStamp = 0;
      parts.expiryOrigin = 0;
      parts.expiryMs = 0;
    }
    if (isClearCovered) parts.clearedAt = 0;
    sub.rewriteHead(key, 0, key.length, 0, 0, 0);
  }

  #nextElement(key: Buffer): void {
    const sub = this.#sub;
    const cursor = this.#elementCursor;
    if (!sub.open(key, 0, key.length)) {
      this.#head = null;
      return;
    }
    const { elements } = sub;
    cursor.seek(this.#subKey, 0, this.#subKey.length);
    const leaf = cursor.next();
    if (leaf === 0) {
      this.#head = null;
      return;
    }
    const subKey = elements.key(leaf);
    // The least key behind this one.
    this.#subKey = Buffer.concat([subKey, ZERO]);
    if (elements.stamp(leaf) > this.#clearedAt) return;
    sub.drop(key, 0, key.length, subKey, 0, subKey.length);
  }
}

const ZERO = Buffer.alloc(1);
