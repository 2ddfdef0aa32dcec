/**
 * The places that a search has found, nearest first, farthest first, or as they came; outside the
 * JavaScript heap, since there may be millions, and sorted as they come, so that no turn sorts them.
 *
 *   key     distance, or 0, or its negative (8, as in types/zsets.ts) | number of its coming (4)
 *   value   distance (8, a double) | score (8, as in types/zsets.ts) | member
 */
import type { Cursor } from '../../../radix/cursor.js';
import { KEY_BYTES_MAX, type Leaf } from '../../../radix/leaf.js';
import type { Space } from '../../../radix/space.js';
import { Tree } from '../../../radix/tree.js';
import { SCORE_BYTES, writeScore } from '../../types/zsets.js';

export type PointOrder = 'asc' | 'desc' | 'none';

const DISTANCE_BYTES = 8;
/** Where the score is in a value, and the member. */
export const SCORE_AT = DISTANCE_BYTES;
export const MEMBER_AT = SCORE_AT + SCORE_BYTES;

const key = Buffer.allocUnsafeSlow(SCORE_BYTES + 4);
const value = Buffer.allocUnsafeSlow(DISTANCE_BYTES + KEY_BYTES_MAX);

export class GeoPoints {
  readonly #tree: Tree;
  readonly #cursor: Cursor;
  #order: PointOrder = 'none';
  #limit = 0;
  #coming = 0;
  /** Of the point that `next` has moved to: its value, and its bytes. */
  readonly value = value;
  valueBytes = 0;

  constructor(space: Space) {
    this.#tree = new Tree(space, { expiries: false, digests: false });
    this.#cursor = this.#tree.cursor();
  }

  get size(): number {
    return this.#tree.liveCount;
  }

  /** Begins, or begins again, with none. `limit`: keeps the first so many; 0: all. */
  begin(order: PointOrder, limit: number): void {
    this.release();
    this.#order = order;
    this.#limit = limit;
    this.#coming = 0;
    this.#cursor.seekFirst();
  }

  /** Adds what a leaf of the mirror of a sorted set stands for. */
  add(mirror: Tree, leaf: Leaf, distance: number): void {
    const tree = this.#tree;
    const nearness = this.#order === 'none' ? 0 : this.#order === 'asc' ? distance : -distance;
    writeScore(nearness, key, 0);
    key.writeUInt32BE(this.#coming, SCORE_BYTES);
    this.#coming += 1;
    value.writeDoubleLE(distance, 0);
    const bytes = mirror.copyKey(leaf, value, SCORE_AT);
    tree.put(key, 0, key.length, 0, 0, 0, 0, value, 0, bytes);
    if (this.#limit > 0 && tree.liveCount > this.#limit) tree.dropLeaf(tree.last());
  }

  /** Moves to the next point; false at the end. */
  next(): boolean {
    const leaf = this.#cursor.next();
    if (leaf === 0) return false;
    this.valueBytes = this.#tree.copyValue(leaf, value, 0);
    return true;
  }

  /** Meters. */
  get distance(): number {
    return value.readDoubleLE(0);
  }

  /** Frees what is held. */
  release(): void {
    this.#tree.clear();
  }
}
