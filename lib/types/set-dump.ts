/** Dumps of sets: an intset while Redis would keep it in one, else member after member. */
import { corrupt } from '../../rdb/rdb-error.js';
import type { ElementSink, ValueSinks } from '../../rdb/sinks.js';
import { RDB_SET, RDB_SET_INTSET } from '../../rdb/value-types.js';
import type { RdbWriter } from '../../rdb/writer.js';
import { parseBigInt64 } from '../../resp/numbers.js';
import type { Collection } from '../store/collection.js';
import type { DumpType } from './dump-type.js';
import { ElementBytes, refuseLongSubKey } from './element-bytes.js';
import { noteOutgrown } from './outgrown.js';
import { addMember } from './sets.js';
import { TYPE_SET } from './types.js';

const INTSET_HEADER_BYTES = 8;

function* write(writer: RdbWriter, set: Collection): Generator<void, void, void> {
  const member = new ElementBytes();
  noteOutgrown(set);
  const integers: bigint[] | undefined = set.hints === 0 ? [] : undefined;
  writer.byte(integers === undefined ? RDB_SET : RDB_SET_INTSET);
  if (integers === undefined) writer.length(set.size);
  set.cursor.seekFirst();
  for (let leaf = set.cursor.next(); leaf !== 0; leaf = set.cursor.next()) {
    member.load(set.elements, leaf);
    if (integers !== undefined) {
      integers.push(parseBigInt64(member.key, 0, member.keyBytes)!);
    } else if (!writer.string(member.key, 0, member.keyBytes)) {
      while (!writer.more()) yield;
    }
    if (member.isTired()) yield;
  }
  if (integers === undefined) return;
  const blob = intsetOf(integers);
  if (!writer.string(blob, 0, blob.length)) while (!writer.more()) yield;
}

/** As drawn in rdb/packed.ts. */
function intsetOf(integers: bigint[]): Buffer {
  integers.sort((a, b) => (a < b ? -1 : 1));
  const bits = Math.max(bitsOf(integers[0]!), bitsOf(integers.at(-1)!));
  const bytes = bits / 8;
  const blob = Buffer.allocUnsafe(INTSET_HEADER_BYTES + bytes * integers.length);
  blob.writeUInt32LE(bytes, 0);
  blob.writeUInt32LE(integers.length, 4);
  for (const [index, value] of integers.entries()) {
    const at = INTSET_HEADER_BYTES + index * bytes;
    if (bits === 64) blob.writeBigInt64LE(value, at);
    else blob.writeIntLE(Number(value), at, bytes);
  }
  return blob;
}

function bitsOf(value: bigint): 16 | 32 | 64 {
  if (BigInt.asIntN(16, value) === value) return 16;
  return BigInt.asIntN(32, value) === value ? 32 : 64;
}

class SetLoad implements ElementSink {
  readonly #set: Collection;

  constructor(set: Collection) {
    this.#set = set;
  }

  begin(): void {}

  element(buf: Buffer, from: number, to: number): void {
    refuseLongSubKey(to - from);
    if (!addMember(this.#set, buf, from, to)) throw corrupt('a member twice');
  }
}

export const setDump: DumpType = {
  type: TYPE_SET,
  write,
  sinks: (set): ValueSinks => ({ set: new SetLoad(set) }),
};
