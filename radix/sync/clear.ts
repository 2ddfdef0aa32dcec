/**
 * Clear: takes out of a database's tree what its clear hides, in slices.
 *
 * What is at or below the stamp goes: entries, elements, expiries of heads, and what heads remember
 * of earlier clears, since the database's covers those. So every replica that knows the same clear
 * and the same entries has the same tree, in whatever order it heard of them.
 *
 * Until then whoever looks at a key calls `purgeKey` first, so that nothing hidden is seen there.
 *
 * Invariant: once `step` has returned false, nothing at or below `clearedAt` is in the tree, given
 * that every writer refuses it from `setClearedAt` on.
 */
import type { Cursor } from '../cursor.js';
import { KIND_HEAD } from '../leaf.js';
import { SubTree } from '../subtree.js';
import type { Tree } from '../tree.js';

/** Heads remembered as purged ahead of the walk; more are looked through again at each access. */
const PURGED_HEADS_MAX = 4096;

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
  /** Heads purged since the clear, because somebody looked at them. */
  readonly #purgedHeads = new Set<string>();

  constructor(tree: Tree) {
    this.#tree = tree;
    this.#sub = new SubTree(tree);
    this.#cursor = tree.cursor({ all: true });
    this.#elementCursor = this.#sub.elements.cursor({ all: true });
  }

  get clearedAt(): number {
    return this.#clearedAt;
  }

  /** Whether there may be anything left that the clear hides. */
  get isPending(): boolean {
    return !this.#isDone;
  }

  setClearedAt(stamp: number): void {
    this.#purgedHeads.clear();
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

  /** Takes out what is hidden at one key, at once. */
  purgeKey(buf: Buffer, from: number, to: number): void {
    const tree = this.#tree;
    const leaf = tree.find(buf, from, to);
    if (this.#isDone || leaf === 0) return;
    if (tree.stamp(leaf) <= this.#clearedAt) {
      tree.dropLeaf(leaf);
      return;
    }
    if (tree.kind(leaf) !== KIND_HEAD) return;
    const key = Buffer.from(buf.subarray(from, to));
    const name = key.toString('latin1');
    if (this.#purgedHeads.has(name)) return;
    if (this.#purgedHeads.size < PURGED_HEADS_MAX) this.#purgedHeads.add(name);
    this.#purgeParts(key);
    this.#sub.beginExisting(key, 0, key.length);
    this.#sub.purge(key, 0, key.length, this.#clearedAt);
  }

  #nextEntry(): void {
    const tree = this.#tree;
    const leaf = this.#cursor.next();
    if (leaf === 0) {
      this.#isDone = true;
      this.#purgedHeads.clear();
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
