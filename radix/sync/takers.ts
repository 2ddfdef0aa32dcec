/**
 * Takers: what a scan gives its items to. One shows each to a visitor, with its hash as the tree's
 * digests sum it; the other adds symbols to a list, thousands at a time.
 */
import type { Leaf } from '../leaf.js';
import type { SubTree } from '../subtree.js';
import { hashLeaf } from '../totals.js';
import { symbolOf } from './cell-span.js';
import type { Replica } from './replica.js';
import type { Batch, Taker } from './scan.js';
import type { View } from './view.js';

const SYMBOLS_FIRST = 1024;

/** What a visitor sees. One object, over and over again. */
export class Item {
  db = 0;
  /** 0: the clear of the database. */
  leaf: Leaf = 0;
  /** Not 0: an element of the head `leaf`, to be read in `elements`. */
  element: Leaf = 0;
  /** Hash, both halves. */
  low = 0;
  high = 0;
}

/** False: enough for now, the scan ends before the next item. */
export type Visitor = (item: Item) => boolean;

export class VisitingTaker implements Taker {
  room: number;
  readonly #replica: Replica;
  readonly #visit: Visitor;
  readonly #item = new Item();
  /** The sub tree that elements are of, opened. */
  #head: Leaf = 0;
  #sub: SubTree | null = null;

  constructor(replica: Replica, itemsMax: number, visit: Visitor) {
    this.#replica = replica;
    this.room = itemsMax;
    this.#visit = visit;
  }

  clear(view: View): void {
    this.#replica.hashClear(view);
    this.#show(view, 0, 0);
  }

  entries(view: View, { count, leaves }: Batch, from: number): number {
    const { tree } = view;
    for (let at = from; at < count; ) {
      const leaf = leaves[at++]!;
      hashLeaf(tree, leaf);
      this.#show(view, leaf, 0);
      if (this.room <= 0) return at;
    }
    return count;
  }

  elements(view: View, head: Leaf, { count, leaves }: Batch, from: number): number {
    if (head !== this.#head || this.#sub !== view.sub) this.#open(view, head);
    const { elements } = view.sub;
    for (let at = from; at < count; ) {
      const leaf = leaves[at++]!;
      hashLeaf(elements, leaf);
      this.#show(view, head, leaf);
      if (this.room <= 0) return at;
    }
    return count;
  }

  #open(view: View, head: Leaf): void {
    const key = view.tree.key(head);
    this.#head = head;
    this.#sub = view.sub;
    view.sub.open(key, 0, key.length);
  }

  /** Shows the item whose hash has just been computed. */
  #show(view: View, leaf: Leaf, element: Leaf): void {
    const item = this.#item;
    const hash = view.tree.space.hash;
    item.db = view.db;
    item.leaf = leaf;
    item.element = element;
    item.low = Math.imul(hash.low, view.factorLow);
    item.high = Math.imul(hash.high, view.factorHigh);
    this.room--;
    if (!this.#visit(item)) this.room = 0;
  }
}

/** Symbols, in the order of their items. */
export class SymbolList {
  symbols = new Int32Array(SYMBOLS_FIRST);
  count = 0;

  reserve(more: number): void {
    const wanted = this.count + more;
    if (wanted <= this.symbols.length) return;
    const longer = new Int32Array(Math.max(wanted, this.symbols.length * 2));
    longer.set(this.symbols);
    this.symbols = longer;
  }

  add(symbol: number): void {
    this.reserve(1);
    this.symbols[this.count++] = symbol;
  }
}

export class SymbolTaker implements Taker {
  room: number;
  readonly #replica: Replica;
  readonly #salt: number;
  readonly #into: SymbolList;

  /** `salt`: of the attempt. */
  constructor(replica: Replica, salt: number, itemsMax: number, into: SymbolList) {
    this.#replica = replica;
    this.#salt = salt;
    this.room = itemsMax;
    this.#into = into;
  }

  clear(view: View): void {
    this.#replica.hashClear(view);
    const low = Math.imul(view.tree.space.hash.low, view.factorLow);
    this.#into.add(symbolOf(low, this.#salt));
    this.room--;
  }

  entries(view: View, batch: Batch, from: number): number {
    return this.#take(view, batch, from);
  }

  elements(view: View, _head: Leaf, batch: Batch, from: number): number {
    return this.#take(view, batch, from);
  }

  #take({ factorLow }: View, { count, lows }: Batch, from: number): number {
    const into = this.#into;
    const salt = this.#salt;
    into.reserve(count - from);
    const { symbols } = into;
    let index = into.count;
    for (let at = from; at < count; at++) {
      symbols[index++] = symbolOf(Math.imul(lows[at]!, factorLow), salt);
    }
    into.count = index;
    this.room -= count - from;
    return count;
  }
}
