/**
 * Dumps of streams, as Redis 7.0 writes them: entries in listpacks (rdb/streams.ts), the state, the
 * groups with what is pending, and by consumer the ids of that.
 */
import { ListpackWriter } from '../../rdb/listpack-writer.js';
import { RDB_STREAM_2 } from '../../rdb/value-types.js';
import type { RdbWriter } from '../../rdb/writer.js';
import type { Collection } from '../store/collection.js';
import type { DumpType } from './dump-type.js';
import { EntryReader } from './stream-entry.js';
import { Group, loadOwnedId } from './stream-group.js';
import { ID_BYTES, StreamId } from './stream-id.js';
import { StreamLoad } from './stream-load.js';
import { groupCount, loadEntryId, STREAM, StreamState } from './streams.js';

const FLAG_SAME_FIELDS = 2;
/** What is written between two yields, entries or others. */
const PIECE_ITEMS = 64;
/** What an element takes besides its bytes, at most. */
const ELEMENT_BYTES = 10;
/** The elements of an entry besides its strings: flags, two differences, their number. */
const ENTRY_ELEMENTS = 4;
const NODE_BYTES_MAX = 4096;
const NODE_ENTRIES_MAX = 100;

interface Entry {
  readonly ms: bigint;
  readonly seq: bigint;
  readonly items: readonly Buffer[];
}

const idBytes = Buffer.alloc(ID_BYTES);

type Writing = Generator<void, void, void>;

function* write(writer: RdbWriter, stream: Collection): Writing {
  const state = new StreamState();
  state.load(stream);
  writer.byte(RDB_STREAM_2);
  yield* writeEntries(writer, stream, state.length);
  writer.length(state.length);
  writeId(writer, state.lastId);
  writeId(writer, state.firstId);
  writeId(writer, state.maxDeletedId);
  writer.length(state.entriesAdded);
  const groups = groupCount(stream);
  writer.length(groups);
  for (let i = 0; i < groups; i += 1) yield* writeGroup(writer, stream, i);
}

function* writeEntries(writer: RdbWriter, stream: Collection, count: number): Writing {
  // Their number comes first.
  const nodes: Entry[][] = [];
  let bytes = 0;
  for (let i = 0; i < count; i += 1) {
    const entry = entryAt(stream, i);
    let entryBytes = (entry.items.length + ENTRY_ELEMENTS) * ELEMENT_BYTES;
    for (const item of entry.items) entryBytes += item.length;
    const node = nodes.at(-1);
    const isFull = bytes + entryBytes > NODE_BYTES_MAX || node?.length === NODE_ENTRIES_MAX;
    if (node === undefined || isFull) {
      nodes.push([entry]);
      bytes = 0;
    } else {
      node.push(entry);
    }
    bytes += entryBytes;
    if (i % PIECE_ITEMS === PIECE_ITEMS - 1) yield;
  }
  writer.length(nodes.length);
  const id = new StreamId();
  for (const node of nodes) {
    id.setBig(node[0]!.ms, node[0]!.seq);
    id.store(idBytes, 0);
    writer.length(ID_BYTES);
    writer.raw(idBytes, 0, ID_BYTES);
    const blob = packNode(node);
    if (!writer.string(blob, 0, blob.length)) while (!writer.more()) yield;
    yield;
  }
}

const reader = new EntryReader();

function entryAt(stream: Collection, index: number): Entry {
  const { elements } = stream;
  const leaf = elements.nth(index);
  const id = new StreamId();
  loadEntryId(elements, leaf, id);
  reader.load(elements, leaf);
  const items: Buffer[] = [];
  while (reader.next()) items.push(Buffer.from(reader.bytes.subarray(reader.from, reader.to)));
  return { ms: id.ms, seq: id.seq, items };
}

function packNode(node: readonly Entry[]): Buffer {
  const packed = new ListpackWriter();
  const first = node[0]!;
  const fields = first.items.filter((_, i) => i % 2 === 0);
  packed.addInteger(node.length);
  packed.addInteger(0);
  packed.addInteger(fields.length);
  for (const field of fields) packed.add(field, 0, field.length);
  packed.addInteger(0);
  for (const entry of node) {
    const { items } = entry;
    const isSame =
      items.length === fields.length * 2 && fields.every((field, i) => field.equals(items[i * 2]!));
    packed.addInteger(isSame ? FLAG_SAME_FIELDS : 0);
    addDifference(packed, entry.ms - first.ms);
    addDifference(packed, entry.seq - first.seq);
    if (!isSame) packed.addInteger(items.length / 2);
    for (const [i, item] of items.entries()) {
      if (!isSame || i % 2 === 1) packed.add(item, 0, item.length);
    }
    packed.addInteger(isSame ? 3 + fields.length : 4 + items.length);
  }
  return packed.finish();
}

/** A difference of two numbers of 64 bits, modulo 2^64. */
function addDifference(packed: ListpackWriter, difference: bigint): void {
  const value = BigInt.asIntN(64, difference);
  const small = Number(value);
  packed.addInteger(Number.isSafeInteger(small) ? small : value);
}

function writeId(writer: RdbWriter, id: StreamId): void {
  writer.bigLength(id.ms);
  writer.bigLength(id.seq);
}

function writeRawId(writer: RdbWriter, id: StreamId): void {
  id.store(idBytes, 0);
  writer.raw(idBytes, 0, ID_BYTES);
}

function writeTime(writer: RdbWriter, ms: number): void {
  writer.int64(BigInt(Math.trunc(ms)));
}

function* writeGroup(writer: RdbWriter, stream: Collection, index: number): Writing {
  const group = new Group();
  const id = new StreamId();
  group.openNth(stream, index);
  const name = Buffer.from(group.name);
  if (!writer.string(name, 0, name.length)) while (!writer.more()) yield;
  writeId(writer, group.lastId);
  writer.bigLength(BigInt.asUintN(64, BigInt(group.entriesRead)));
  const pending = group.pendingCount;
  writer.length(pending);
  for (let i = 0; i < pending; i += 1) {
    const leaf = group.nthPending(i);
    group.loadPending(leaf);
    group.loadPendingId(leaf, id);
    writeRawId(writer, id);
    writeTime(writer, group.deliveredMs);
    writer.length(group.deliveries);
    if (i % PIECE_ITEMS === PIECE_ITEMS - 1) yield;
  }
  const consumers = group.consumerCount;
  writer.length(consumers);
  for (let i = 0; i < consumers; i += 1) {
    group.turnToNth(i);
    yield* writeConsumer(writer, group);
  }
}

function* writeConsumer(writer: RdbWriter, group: Group): Writing {
  const id = new StreamId();
  const name = Buffer.from(group.consumerName);
  if (!writer.string(name, 0, name.length)) while (!writer.more()) yield;
  group.loadConsumer();
  writeTime(writer, group.seenMs);
  const owned = group.ownedCount;
  writer.length(owned);
  for (let i = 0; i < owned; i += 1) {
    loadOwnedId(group.stream.mirror.tree, group.nthOwned(i), id);
    writeRawId(writer, id);
    if (i % PIECE_ITEMS === PIECE_ITEMS - 1) yield;
  }
  yield;
}

export const streamDump: DumpType = {
  type: STREAM,
  write,
  sinks: (stream) => ({ stream: new StreamLoad(stream) }),
};
