/**
 * Dumps of sorted sets, in the order of scores: a listpack while Redis would keep it in one, else
 * member after member.
 */
import { ListpackWriter } from '../../rdb/listpack-writer.js';
import { corrupt } from '../../rdb/rdb-error.js';
import type { ValueSinks, ZsetSink } from '../../rdb/sinks.js';
import { RDB_ZSET_2, RDB_ZSET_LISTPACK } from '../../rdb/value-types.js';
import type { RdbWriter } from '../../rdb/writer.js';
import { formatDouble } from '../../resp/numbers.js';
import type { Collection } from '../store/collection.js';
import type { DumpType } from './dump-type.js';
import { ElementBytes, refuseLongSubKey } from './element-bytes.js';
import { OUTGREW_FIRST } from './encodings.js';
import { noteOutgrown } from './outgrown.js';
import {
  isSmallSortedSet,
  MEMBER_BYTES_MAX,
  mirroredScore,
  putScore,
  SCORE_BYTES,
  SORTED_SET,
  writeScore,
} from './zsets.js';

function* write(writer: RdbWriter, zset: Collection): Generator<void, void, void> {
  const element = new ElementBytes();
  noteOutgrown(zset);
  const packed = isSmallSortedSet(zset) ? new ListpackWriter() : undefined;
  writer.byte(packed === undefined ? RDB_ZSET_2 : RDB_ZSET_LISTPACK);
  if (packed === undefined) writer.length(zset.size);
  const { mirrorCursor } = zset;
  const { tree } = zset.mirror;
  mirrorCursor.seekFirst();
  for (let leaf = mirrorCursor.next(); leaf !== 0; leaf = mirrorCursor.next()) {
    const score = mirroredScore(tree, leaf);
    // The member stands behind its score.
    element.load(tree, leaf);
    const { key, keyBytes } = element;
    if (packed !== undefined) {
      packed.add(key, SCORE_BYTES, keyBytes);
      const text = Buffer.from(formatDouble(score), 'latin1');
      packed.add(text, 0, text.length);
    } else {
      if (!writer.string(key, SCORE_BYTES, keyBytes)) while (!writer.more()) yield;
      writer.double(score);
    }
    if (element.isTired()) yield;
  }
  if (packed === undefined) return;
  const blob = packed.finish();
  if (!writer.string(blob, 0, blob.length)) while (!writer.more()) yield;
}

class ZsetLoad implements ZsetSink {
  readonly #zset: Collection;
  readonly #score = Buffer.alloc(SCORE_BYTES);
  #isPacked = false;

  constructor(zset: Collection) {
    this.#zset = zset;
  }

  begin(isPacked: boolean): void {
    this.#isPacked = isPacked;
  }

  member(member: Buffer, from: number, to: number, score: number): void {
    refuseLongSubKey(to - from, MEMBER_BYTES_MAX);
    const zset = this.#zset;
    if (zset.find(member, from, to) !== 0) throw corrupt('a member twice');
    if (!this.#isPacked) {
      putScore(zset, member, from, to, score);
      return;
    }
    // Redis goes by the number of members alone where it finds a listpack.
    writeScore(score, this.#score, 0);
    zset.put(member, from, to, this.#score, 0, SCORE_BYTES);
    const { zsetMaxListpackEntries } = zset.database.store.settings;
    if (zset.size > zsetMaxListpackEntries) zset.addHints(OUTGREW_FIRST);
  }
}

export const zsetDump: DumpType = {
  type: SORTED_SET,
  write,
  sinks: (zset): ValueSinks => ({ zset: new ZsetLoad(zset) }),
};
