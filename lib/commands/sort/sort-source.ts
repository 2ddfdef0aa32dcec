/**
 * The elements that SORT sorts, copied out: those of a range of a list, set or sorted set as they
 * were at one moment. A few are copied at once; many in slices, from a snapshot, while others write.
 */
import { OutOfMemoryError } from '../../../radix/arena.js';
import { KEY_BYTES_MAX, type Leaf } from '../../../radix/leaf.js';
import { SnapshotLostError } from '../../../radix/snapshot.js';
import { SubTreeSnapshot } from '../../../radix/subtree-snapshot.js';
import type { Tree } from '../../../radix/tree.js';
import type { Collection } from '../../store/collection.js';
import { TYPE_LIST } from '../../types/types.js';
import { copyMember } from '../../types/zsets.js';
import type { ElementRange } from '../element-range.js';
import { ByteRecords } from './byte-records.js';

/** So many are copied at once. */
const AT_ONCE_MAX = 2048;
const PIECE_ELEMENTS = 256;
/** A piece has no more bytes, but for its last element. */
const PIECE_BYTES = 256 * 1024;

const member = Buffer.allocUnsafeSlow(KEY_BYTES_MAX);

export class SortSource {
  readonly records: ByteRecords;
  /** How many there are in all. */
  readonly size: number;
  readonly #type: number;
  readonly #byValue: boolean;
  #left: number;
  #copiedBytes = 0;
  #snapshot: SubTreeSnapshot | undefined;

  /** Of the collection of a type that is open, whose key this is. */
  constructor(collection: Collection, key: Buffer, type: number, range: ElementRange) {
    const { byValue, count, reverse } = range;
    this.#type = type;
    this.#byValue = byValue;
    this.#left = count;
    this.size = count;
    this.records = new ByteRecords(count);
    const last = count === 0 ? 0 : this.#copyFirst(collection, range);
    if (this.#left === 0) return;
    const base = byValue ? collection.mirror.tree : collection.elements;
    const options = { byValue, backward: reverse, after: base.key(last) };
    this.#snapshot = new SubTreeSnapshot(collection.database.tree, key, options);
  }

  /** What all of them have in bytes, going by those that are copied. */
  get bytes(): number {
    const copied = this.size - this.#left;
    return copied === 0 ? 0 : (this.#copiedBytes / copied) * this.size;
  }

  /** Copies some; true once all are copied. */
  step(): boolean {
    const snapshot = this.#snapshot;
    if (snapshot === undefined) return true;
    const enough = this.#copiedBytes + PIECE_BYTES;
    for (let i = 0; i < PIECE_ELEMENTS && this.#left > 0 && this.#copiedBytes < enough; i += 1) {
      if (!this.#next(snapshot)) throw new Error('a snapshot has fewer elements than were counted');
      this.#copy(snapshot.tree, snapshot.leaf);
    }
    if (this.#left === 0) this.close();
    return this.#left === 0;
  }

  close(): void {
    this.#snapshot?.close();
    this.#snapshot = undefined;
  }

  /** Copies what is copied at once; returns the last of it. */
  #copyFirst(collection: Collection, range: ElementRange): Leaf {
    const base = range.byValue ? collection.mirror.tree : collection.elements;
    const cursor = range.byValue ? collection.mirrorCursor : collection.cursor;
    let leaf = cursor.stepTo(range.index);
    for (let i = 1; ; i += 1) {
      this.#copy(base, leaf);
      const isEnough = i === AT_ONCE_MAX || this.#copiedBytes >= PIECE_BYTES;
      if (isEnough || this.#left === 0) return leaf;
      leaf = range.reverse ? cursor.stepBack() : cursor.next();
    }
  }

  #next(snapshot: SubTreeSnapshot): boolean {
    try {
      return snapshot.next();
    } catch (error) {
      if (!(error instanceof SnapshotLostError)) throw error;
      throw new OutOfMemoryError('no memory for what was there before');
    }
  }

  #copy(tree: Tree, leaf: Leaf): void {
    const { records } = this;
    const isList = this.#type === TYPE_LIST;
    let bytes = isList ? tree.valueBytes(leaf) : tree.keyBytes(leaf);
    if (this.#byValue && !isList) bytes = copyMember(tree, leaf, member);
    records.reserve(bytes);
    if (isList) tree.copyValue(leaf, records.buf, records.at);
    else if (this.#byValue) member.copy(records.buf, records.at, 0, bytes);
    else tree.copyKey(leaf, records.buf, records.at);
    this.#copiedBytes += bytes;
    this.#left -= 1;
  }
}
