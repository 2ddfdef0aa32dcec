/** The collections that DUMP writes and RESTORE reads: one row each. */

import { TYPE_NUMBER_MASK } from '../../radix/head.js';
import type { ValueSinks } from '../../rdb/sinks.js';
import type { ValueTypeName } from '../../rdb/value-types.js';
import type { DumpType } from './dump-type.js';
import { hashDump } from './hash-dump.js';
import { listDump } from './list-dump.js';
import { setDump } from './set-dump.js';
import { streamDump } from './stream-dump.js';
import { zsetDump } from './zset-dump.js';

/** By the name that RDB's types have (rdb/value-types.ts). */
const dumpTypes: Readonly<Partial<Record<ValueTypeName & keyof ValueSinks, DumpType>>> = {
  hash: hashDump,
  list: listDump,
  set: setDump,
  stream: streamDump,
  zset: zsetDump,
};

/** The row of a type's name; undefined if there is none. */
export function dumpTypeNamed(name: ValueTypeName): DumpType | undefined {
  return name in dumpTypes ? dumpTypes[name as keyof typeof dumpTypes] : undefined;
}

/** The row of a TYPE_... number; undefined if there is none. */
export function dumpTypeOf(type: number): DumpType | undefined {
  return Object.values(dumpTypes).find((row) => (row.type & TYPE_NUMBER_MASK) === type);
}
