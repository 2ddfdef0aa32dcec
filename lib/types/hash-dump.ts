/** Dumps of hashes: a listpack while Redis would keep it in one, else field after field. */
import { ListpackWriter } from '../../rdb/listpack-writer.js';
import { corrupt } from '../../rdb/rdb-error.js';
import type { HashSink, ValueSinks } from '../../rdb/sinks.js';
import { RDB_HASH, RDB_HASH_LISTPACK } from '../../rdb/value-types.js';
import type { RdbWriter } from '../../rdb/writer.js';
import type { Collection } from '../store/collection.js';
import type { DumpType } from './dump-type.js';
import { ElementBytes, refuseLongSubKey } from './element-bytes.js';
import { OUTGREW_FIRST } from './encodings.js';
import { isSmall, putField } from './hashes.js';
import { TYPE_HASH } from './types.js';

function* write(writer: RdbWriter, hash: Collection): Generator<void, void, void> {
  const element = new ElementBytes();
  const packed = isSmall(hash) ? new ListpackWriter() : undefined;
  writer.byte(packed === undefined ? RDB_HASH : RDB_HASH_LISTPACK);
  if (packed === undefined) writer.length(hash.size);
  hash.cursor.seekFirst();
  for (let leaf = hash.cursor.next(); leaf !== 0; leaf = hash.cursor.next()) {
    element.load(hash.elements, leaf);
    const { key, keyBytes, value, valueBytes } = element;
    if (packed !== undefined) {
      packed.add(key, 0, keyBytes);
      packed.add(value, 0, valueBytes);
    } else {
      if (!writer.string(key, 0, keyBytes)) while (!writer.more()) yield;
      if (!writer.string(value, 0, valueBytes)) while (!writer.more()) yield;
    }
    if (element.isTired()) yield;
  }
  if (packed === undefined) return;
  const blob = packed.finish();
  if (!writer.string(blob, 0, blob.length)) while (!writer.more()) yield;
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
  ): void {
    refuseLongSubKey(fto - ffrom);
    const hash = this.#hash;
    if (hash.find(field, ffrom, fto) !== 0) throw corrupt('a field twice');
    if (!this.#isPacked) {
      putField(hash, field, ffrom, fto, value, vfrom, vto);
      return;
    }
    // Redis goes by the number of fields alone where it finds a listpack.
    hash.put(field, ffrom, fto, value, vfrom, vto);
    const { hashMaxListpackEntries } = hash.database.store.settings;
    if (hash.size > hashMaxListpackEntries) hash.addHints(OUTGREW_FIRST);
  }
}

export const hashDump: DumpType = {
  type: TYPE_HASH,
  write,
  sinks: (hash): ValueSinks => ({ hash: new HashLoad(hash) }),
};
