/**
 * Dumps of hashes: a listpack while Redis would keep it in one, else field after field. If fields
 * expire, the forms of Redis 7.4 that have their times; else those of 7.0, which everybody reads.
 */

import { TIMED_SUB_KEY_BYTES_MAX } from '../../radix/element-expiries.js';
import { VERSION_MAX } from '../../rdb/footer.js';
import { ListpackWriter } from '../../rdb/listpack-writer.js';
import { corrupt } from '../../rdb/rdb-error.js';
import type { HashSink, ValueSinks } from '../../rdb/sinks.js';
import {
  RDB_HASH,
  RDB_HASH_LISTPACK,
  RDB_HASH_LISTPACK_EX,
  RDB_HASH_METADATA,
} from '../../rdb/value-types.js';
import type { RdbWriter } from '../../rdb/writer.js';
import type { Collection } from '../store/collection.js';
import type { DumpType } from './dump-type.js';
import { ElementBytes, refuseLongSubKey } from './element-bytes.js';
import { OUTGREW_FIRST } from './encodings.js';
import { isSmall, markTimed, putField } from './hashes.js';
import { noteOutgrown } from './outgrown.js';
import { TYPE_HASH } from './types.js';

type Writing = Generator<void, void, void>;

function write(writer: RdbWriter, hash: Collection): Writing {
  noteOutgrown(hash);
  return isSmall(hash) ? writePacked(writer, hash) : writeFields(writer, hash);
}

function* writePacked(writer: RdbWriter, hash: Collection): Writing {
  const packed = new ListpackWriter();
  const element = new ElementBytes();
  if (hash.sub.expiries.size === 0) {
    writer.byte(RDB_HASH_LISTPACK);
    for (const leaf of leavesOf(hash)) {
      element.load(hash.elements, leaf);
      addTo(packed, element);
      if (element.isTired()) yield;
    }
  } else {
    writer.version = VERSION_MAX;
    writer.byte(RDB_HASH_LISTPACK_EX);
    writer.uint64(hash.sub.expiries.firstMs);
    addTimed(packed, hash, element);
  }
  const blob = packed.finish();
  if (!writer.string(blob, 0, blob.length)) while (!writer.more()) yield;
}

/** In the order in which they expire, and then those that do not: as Redis keeps them. */
function addTimed(packed: ListpackWriter, hash: Collection, element: ElementBytes): void {
  const { elements } = hash;
  const leaves = [...leavesOf(hash)];
  const timeOf = (leaf: number): number => elements.expiryMs(leaf) || Number.POSITIVE_INFINITY;
  leaves.sort((a, b) => {
    const [timeA, timeB] = [timeOf(a), timeOf(b)];
    return timeA === timeB ? 0 : timeA - timeB;
  });
  for (const leaf of leaves) {
    element.load(elements, leaf);
    addTo(packed, element);
    const time = Buffer.from(String(elements.expiryMs(leaf)), 'latin1');
    packed.add(time, 0, time.length);
  }
}

function addTo(packed: ListpackWriter, { key, keyBytes, value, valueBytes }: ElementBytes): void {
  packed.add(key, 0, keyBytes);
  packed.add(value, 0, valueBytes);
}

function* writeFields(writer: RdbWriter, hash: Collection): Writing {
  const element = new ElementBytes();
  const isTimed = hash.sub.expiries.size > 0;
  const { firstMs } = hash.sub.expiries;
  if (isTimed) writer.version = VERSION_MAX;
  writer.byte(isTimed ? RDB_HASH_METADATA : RDB_HASH);
  if (isTimed) writer.uint64(firstMs);
  writer.length(hash.size);
  for (const leaf of leavesOf(hash)) {
    element.load(hash.elements, leaf);
    const { key, keyBytes, value, valueBytes } = element;
    const expiryMs = isTimed ? hash.elements.expiryMs(leaf) : 0;
    if (isTimed) writer.length(expiryMs === 0 ? 0 : expiryMs - firstMs + 1);
    if (!writer.string(key, 0, keyBytes)) while (!writer.more()) yield;
    if (!writer.string(value, 0, valueBytes)) while (!writer.more()) yield;
    if (element.isTired()) yield;
  }
}

/** Each is valid until others run. */
function* leavesOf({ cursor }: Collection): Generator<number, void, void> {
  cursor.seekFirst();
  for (let leaf = cursor.next(); leaf !== 0; leaf = cursor.next()) yield leaf;
}

class HashLoad implements HashSink {
  readonly #hash: Collection;
  #isPacked = false;

  constructor(hash: Collection) {
    this.#hash = hash;
  }

  begin(isPacked: boolean): void {
    this.#isPacked = isPacked;
  }

  field(
    field: Buffer,
    ffrom: number,
    fto: number,
    value: Buffer,
    vfrom: number,
    vto: number,
    expiryMs: number,
  ): void {
    refuseLongSubKey(fto - ffrom);
    if (expiryMs > 0) refuseLongSubKey(fto - ffrom, TIMED_SUB_KEY_BYTES_MAX);
    const hash = this.#hash;
    if (hash.find(field, ffrom, fto) !== 0) throw corrupt('a field twice');
    if (!this.#isPacked) {
      putField(hash, field, ffrom, fto, value, vfrom, vto, expiryMs);
      return;
    }
    // Redis goes by the number of fields alone where it finds a listpack.
    hash.put(field, ffrom, fto, value, vfrom, vto, expiryMs);
    if (expiryMs > 0) markTimed(hash);
    const { hashMaxListpackEntries } = hash.database.store.settings;
    if (hash.size > hashMaxListpackEntries) hash.addHints(OUTGREW_FIRST);
  }
}

export const hashDump: DumpType = {
  type: TYPE_HASH,
  write,
  sinks: (hash): ValueSinks => ({ hash: new HashLoad(hash) }),
};
