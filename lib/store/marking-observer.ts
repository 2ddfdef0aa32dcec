/**
 * What all who follow a database have in common: of a string they hear when it is written, of
 * everything else they note before it changes which key or element that is, to look later how it is.
 */
import type { Leaf } from '../../radix/leaf.js';
import type { Tree } from '../../radix/tree.js';
import type { DatabaseObserver } from './database-observer.js';
import { MARK_ALL, MARK_ELEMENT, MARK_HEAD, MARK_KEY } from './marks.js';

export abstract class MarkingObserver implements DatabaseObserver {
  /** The write under way is told of when it is done. */
  #isTold = false;

  abstract written(leaf: Leaf): void;
  abstract patched(leaf: Leaf, offset: number, end: number): void;
  abstract hidden(stamp: number): void;
  abstract beforeClear(): void;

  /** As `Marks.add`, of this database. */
  protected abstract mark(
    kind: number,
    key: Buffer,
    from: number,
    to: number,
    subKey: Buffer | null,
    sfrom: number,
    sto: number,
  ): void;

  begin(): void {
    this.#isTold = true;
  }

  adopted(key: Buffer, from: number, to: number): void {
    this.mark(MARK_ALL, key, from, to, null, 0, 0);
  }

  beforeChange(_tree: Tree, key: Buffer, from: number, to: number): void {
    if (!this.#isTold) this.mark(MARK_KEY, key, from, to, null, 0, 0);
    this.#isTold = false;
  }

  beforeElement(
    _tree: Tree,
    key: Buffer,
    from: number,
    to: number,
    subKey: Buffer | null,
    sfrom: number,
    sto: number,
  ): void {
    this.mark(subKey === null ? MARK_HEAD : MARK_ELEMENT, key, from, to, subKey, sfrom, sto);
  }
}
