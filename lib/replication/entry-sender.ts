/**
 * EntrySender: entries as they are now -> records -> batches of their group.
 *
 *   record, record, record ...   up to BATCH_BYTES_MAX: a batch
 *   record + piece, ...          a value that is longer than a record, piece by piece, each with
 *                                the record that says what it belongs to
 */

import type { Leaf } from '../../radix/leaf.js';
import type { SubTree } from '../../radix/subtree.js';
import { ByteWriter } from '../../radix/sync/bytes.js';
import { INLINE_BYTES_MAX, RecordEncoder } from '../../radix/sync/entry-codec.js';
import type { Tree } from '../../radix/tree.js';
import type { Group } from './groups.js';
import { BATCH_BYTES_MAX, PIECE_BYTES } from './limits.js';
import type { Content } from './replica-stream.js';

export interface SenderEvents {
  /** The turn at hand changes something of the group. */
  touched(group: Group): void;
  /** A batch is complete. */
  send(group: Group, content: Content): void;
}

export class EntrySender {
  readonly #events: SenderEvents;
  readonly #encoder = new RecordEncoder();
  readonly #record = new ByteWriter();

  constructor(events: SenderEvents) {
    this.#events = events;
  }

  clear(group: Group, number: number, stamp: number): void {
    this.#events.touched(group);
    this.#encoder.clear(number, stamp, group.records);
  }

  /** An entry of any kind; of a head what it says itself. */
  entry(group: Group, number: number, tree: Tree, leaf: Leaf): void {
    this.#events.touched(group);
    if (tree.valueBytes(leaf) <= INLINE_BYTES_MAX) {
      this.#encoder.entry(number, tree, leaf, group.records);
      this.#cutIfLong(group);
      return;
    }
    const record = this.entryRecord(number, tree, leaf);
    this.pieces(group, record, tree, leaf, 0, tree.valueBytes(leaf));
  }

  /** An element of the sub tree opened, which has this key. */
  element(group: Group, number: number, key: Buffer, sub: SubTree, element: Leaf): void {
    this.#events.touched(group);
    const { elements, parts } = sub;
    if (elements.valueBytes(element) <= INLINE_BYTES_MAX) {
      this.#encoder.element(number, key, parts, elements, element, group.records);
      this.#cutIfLong(group);
      return;
    }
    this.#record.clear();
    this.#encoder.element(number, key, parts, elements, element, this.#record);
    const record = Buffer.from(this.#record.view());
    this.pieces(group, record, elements, element, 0, elements.valueBytes(element));
  }

  /** The record of an entry whose value follows in pieces. */
  entryRecord(number: number, tree: Tree, leaf: Leaf): Buffer {
    this.#record.clear();
    this.#encoder.entry(number, tree, leaf, this.#record);
    return Buffer.from(this.#record.view());
  }

  /** Bytes [from, to) of a value in pieces. */
  pieces(group: Group, records: Buffer, tree: Tree, leaf: Leaf, from: number, to: number): void {
    this.#events.touched(group);
    for (let offset = from; offset < to; offset += PIECE_BYTES) {
      const end = Math.min(to, offset + PIECE_BYTES);
      const bytes = Buffer.allocUnsafeSlow(end - offset);
      tree.copyValue(leaf, bytes, 0, offset, end);
      this.#events.send(group, { records, piece: { offset, bytes } });
    }
  }

  /** Makes a batch of what is in none. */
  cut(group: Group): void {
    const { records } = group;
    if (records.length === 0) return;
    this.#events.send(group, { records: Buffer.from(records.view()) });
    records.clear();
  }

  #cutIfLong(group: Group): void {
    if (group.records.length >= BATCH_BYTES_MAX) this.cut(group);
  }
}
