/**
 * What a sub tree shows while it is turned to a key: its elements, their other orders, its head.
 *
 * Turning costs little if nothing has been written since it was turned to the same key: the place of
 * the head knows whether it still leads there, and `loadedAt` whether what was read of it holds.
 * Invariant: if `isLoaded(head)`, then parts and roots are those that stand in the head
 * (subtree-check.ts).
 */
import { ElementExpiries } from './element-expiries.js';
import { HeadParts, TYPE_MIRRORED, TYPE_NUMBER_MASK } from './head.js';
import { HeadPlace } from './head-place.js';
import {
  FLAG_SLIM,
  FLAG_WIDE,
  HEAD_EXPIRIES_WORD,
  HEAD_MIRROR_WORD,
  HEAD_ROOT_WORD,
  headWord,
  isTimedHead,
  KIND_HEAD,
  type Leaf,
  leafGranules,
  SHORT_KEY_BYTES_MAX,
} from './leaf.js';
import { Mirror } from './mirror.js';
import { checkSubTree } from './subtree-check.js';
import { NODE_BYTES_SHARE, Tree } from './tree.js';

const GRANULE_BYTES = 8;
const EXPIRY_BYTES = 8;

export class SubTreeView {
  readonly tree: Tree;
  readonly elements: Tree;
  readonly mirror: Mirror;
  readonly expiries: ElementExpiries;
  readonly parts = new HeadParts();
  /** The head that it is turned to; 0: none. */
  head: Leaf = 0;
  /** The way to the key that it is turned to, or to the last one sought. */
  readonly place: HeadPlace;
  /** The tree's version for which head, elements, mirror and parts are as loaded; -1: for none. */
  protected loadedAt = -1;

  constructor(tree: Tree) {
    this.tree = tree;
    const path = tree.space.elementPath;
    this.elements = new Tree(tree.space, { expiries: false, digests: tree.digests, path });
    this.mirror = new Mirror(tree.space);
    this.expiries = new ElementExpiries(tree.space);
    this.place = new HeadPlace(tree);
  }

  /** Turns to the sub tree at a key; false, and empty, if there is none. */
  open(key: Buffer, from: number, to: number): boolean {
    const leaf = this.place.seek(key, from, to);
    const isHead = leaf !== 0 && this.tree.kind(leaf) === KIND_HEAD;
    this.openHead(isHead ? leaf : 0);
    return isHead;
  }

  /** Turns to the sub tree of a head at hand; 0: to an empty one. */
  openHead(head: Leaf): void {
    if (!this.isLoaded(head)) this.load(head);
  }

  /**
   * The entry at a key, of whatever kind; 0: there is none. If it is a head, `openHead` may follow,
   * and what is written then need not look for it again.
   */
  seek(key: Buffer, from: number, to: number): Leaf {
    return this.place.seek(key, from, to);
  }

  /** Whether elements of it expire, or did. */
  get isTimed(): boolean {
    return this.head !== 0 && isTimedHead(this.tree.space.leaves, this.head);
  }

  get isMirrored(): boolean {
    return this.head !== 0 && (this.parts.type & TYPE_MIRRORED) !== 0;
  }

  /** Whether what it is turned to is a list, and this the type of a hash, or the like. */
  isOfAnotherType(type: number): boolean {
    return ((this.parts.type ^ type) & TYPE_NUMBER_MASK) !== 0;
  }

  isInMirror(subKey: Buffer, sfrom: number, sto: number): boolean {
    return this.isMirrored && this.mirror.holds(subKey, sfrom, sto);
  }

  /** Bytes that an element takes: its leaf, big value, share of the nodes; in other orders too. */
  memoryOf(element: Leaf): number {
    const { elements } = this;
    const keyBytes = elements.keyBytes(element);
    let bytes = elements.memoryOf(element);
    if (this.isMirrored && this.#isElementMirrored(element)) {
      bytes += orderBytes(keyBytes + elements.valueBytes(element));
    }
    if (elements.expiryMs(element) !== 0) bytes += orderBytes(keyBytes + EXPIRY_BYTES);
    return bytes;
  }

  /** Throws if an invariant of the sub tree that it is turned to does not hold. */
  check(): void {
    if (this.head !== 0) checkSubTree(this);
  }

  /** Whether it is turned to this head and knows it as it is. */
  isLoaded(head: Leaf): boolean {
    if (head !== this.head || this.loadedAt !== this.tree.version) return false;
    // The place knows that it lies in this tree: another's may go unnoticed.
    return head === 0 || this.place.leadsTo(head);
  }

  protected load(leaf: Leaf): void {
    const { elements, expiries, mirror, parts, tree } = this;
    const leaves = tree.space.leaves;
    this.head = leaf;
    this.loadedAt = tree.version;
    elements.head = leaf;
    elements.version++;
    if (leaf === 0) {
      elements.root = 0;
      parts.reset(0, 0);
      mirror.open(0, 0);
      expiries.open(0);
      return;
    }
    elements.root = headWord(leaves, leaf, HEAD_ROOT_WORD);
    parts.load(leaves, leaf);
    const mirrorRoot = headWord(leaves, leaf, HEAD_MIRROR_WORD);
    mirror.open(mirrorRoot, parts.type);
    expiries.open(this.isTimed ? headWord(leaves, leaf, HEAD_EXPIRIES_WORD) : 0);
  }

  #isElementMirrored(element: Leaf): boolean {
    const { keyScratch } = this.elements.space;
    return this.mirror.holds(keyScratch, 0, this.elements.copyKey(element, keyScratch, 0));
  }
}

/** What an element takes in another order, by a key of so many bytes. */
function orderBytes(keyBytes: number): number {
  const flags = keyBytes <= SHORT_KEY_BYTES_MAX ? FLAG_SLIM : FLAG_WIDE;
  return leafGranules(flags, keyBytes, 0) * GRANULE_BYTES + NODE_BYTES_SHARE;
}
