/** Dumps of lists: a quicklist of listpacks, as Redis 7.0 writes every list. */
import { ListpackWriter } from '../../rdb/listpack-writer.js';
import type { ElementSink, ValueSinks } from '../../rdb/sinks.js';
import { RDB_LIST_QUICKLIST_2 } from '../../rdb/value-types.js';
import type { RdbWriter } from '../../rdb/writer.js';
import type { Collection } from '../store/collection.js';
import type { DumpType } from './dump-type.js';
import { ElementBytes } from './element-bytes.js';
import { pushLast } from './lists.js';
import { TYPE_LIST } from './types.js';

const NODE_PACKED = 2;
/** A listpack is full beyond this, as by `list-max-listpack-size` -2; one element always fits. */
const NODE_BYTES_MAX = 8192;
/** What an element takes besides its bytes, at most. */
const ELEMENT_BYTES = 10;

function* write(writer: RdbWriter, list: Collection): Generator<void, void, void> {
  // Their number comes first.
  const nodes: Buffer[] = [];
  const element = new ElementBytes();
  let node = new ListpackWriter();
  list.cursor.seekFirst();
  for (let leaf = list.cursor.next(); leaf !== 0; leaf = list.cursor.next()) {
    element.load(list.elements, leaf);
    const { value, valueBytes } = element;
    if (node.count > 0 && node.bytes + valueBytes + ELEMENT_BYTES > NODE_BYTES_MAX) {
      nodes.push(node.finish());
      node = new ListpackWriter();
    }
    node.add(value, 0, valueBytes);
    if (element.isTired()) yield;
  }
  nodes.push(node.finish());
  writer.byte(RDB_LIST_QUICKLIST_2);
  writer.length(nodes.length);
  for (const blob of nodes) {
    writer.length(NODE_PACKED);
    if (!writer.string(blob, 0, blob.length)) while (!writer.more()) yield;
    yield;
  }
}

class ListLoad implements ElementSink {
  readonly #list: Collection;

  constructor(list: Collection) {
    this.#list = list;
  }

  begin(): void {}

  element(buf: Buffer, from: number, to: number): void {
    pushLast(this.#list, buf, from, to);
  }
}

export const listDump: DumpType = {
  type: TYPE_LIST,
  write,
  sinks: (list): ValueSinks => ({ list: new ListLoad(list) }),
};
