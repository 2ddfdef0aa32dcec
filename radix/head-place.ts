/**
 * Head place: the way to an entry of a database, kept for as long as the database does not change.
 *
 *   open       seek(key)      descends, unless the way to this key is known
 *   write      seek(key)      known: nothing has been written between the two
 *   finish     written()      what this write has done to the tree is what it knows itself
 *   the next   seek(key)      of the same key: known
 *
 * A pipeline of writes to one collection so descends to its head once, and hashes it once a write
 * and not twice. Why not a table of many heads: whatever is kept must be found and kept true;
 * this is one comparison of numbers, and of one key with the leaf's own.
 *
 * Invariant: the hash is that of the leaf as it was at the version of the tree that stands beside
 * it, which changes with every write, whoever writes, and with every record moved.
 */
import assert from 'node:assert';
import type { Leaf } from './leaf.js';
import { Path } from './path.js';
import { checkLed, known, leadsTo, seekAnew } from './seek.js';
import { hashLeaf } from './totals.js';
import type { Tree } from './tree.js';

export class HeadPlace {
  readonly path = new Path();
  readonly #tree: Tree;
  /** The version of the tree for which the hash of the leaf is known; -1: for none. */
  #hashVersion = -1;
  #hashedLeaf: Leaf = 0;
  #hashLow = 0;
  #hashHigh = 0;

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  /** The entry at a key, of whatever kind; 0: there is none. The path then leads to it. */
  seek(key: Buffer, from: number, to: number): Leaf {
    const tree = this.#tree;
    const leaf = known(tree, this.path, key, from, to);
    if (leaf !== 0) return leaf;
    // Who is to settle may need the path as it is.
    tree.settle();
    return seekAnew(tree, this.path, key, from, to);
  }

  /** Whether the path leads to this leaf, in the tree as it is. */
  leadsTo(leaf: Leaf): boolean {
    return leadsTo(this.#tree, this.path, leaf);
  }

  /** Hashes the leaf that the path leads to: the result stands in `space.hash`. */
  hash(): void {
    const tree = this.#tree;
    const { hash } = tree.space;
    const { leaf } = this.path;
    if (this.#hashVersion === tree.version && this.#hashedLeaf === leaf) {
      hash.low = this.#hashLow;
      hash.high = this.#hashHigh;
      return;
    }
    hashLeaf(tree, leaf);
    this.#hashVersion = tree.version;
    this.#hashedLeaf = leaf;
    this.#hashLow = hash.low;
    this.#hashHigh = hash.high;
  }

  /** Throws if what it would answer for this key is not what the tree holds. */
  check(key: Buffer, from: number, to: number): void {
    const tree = this.#tree;
    const { hash } = tree.space;
    const found = this.seek(key, from, to);
    assert.equal(found, tree.find(key, from, to), 'the way leads to the entry');
    if (found === 0) return;
    checkLed(tree, this.path);
    this.hash();
    const { high, low } = hash;
    hashLeaf(tree, found);
    assert(hash.low === low && hash.high === high, 'the hash is the hash of the leaf');
  }

  /**
   * Tells that the holder has written to the leaf that the path leads to, which may lie elsewhere
   * now, and to nothing else in the tree.
   */
  written(leaf: Leaf): void {
    const { path } = this;
    const tree = this.#tree;
    // No `assert` on the way of each write: it makes an array of its arguments.
    if (path.tree !== tree || path.version !== tree.version)
      assert.fail('somebody else has written');
    path.leaf = leaf;
    path.version = ++tree.version;
  }
}
