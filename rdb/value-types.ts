/** The types of values in RDB (rdb.h, `RDB_TYPE_*`), up to version 12. */

export const RDB_STRING = 0;
export const RDB_LIST = 1;
export const RDB_SET = 2;
export const RDB_ZSET = 3;
export const RDB_HASH = 4;
export const RDB_ZSET_2 = 5;
export const RDB_MODULE = 6;
export const RDB_MODULE_2 = 7;
export const RDB_HASH_ZIPMAP = 9;
export const RDB_LIST_ZIPLIST = 10;
export const RDB_SET_INTSET = 11;
export const RDB_ZSET_ZIPLIST = 12;
export const RDB_HASH_ZIPLIST = 13;
export const RDB_LIST_QUICKLIST = 14;
export const RDB_STREAM = 15;
export const RDB_HASH_LISTPACK = 16;
const RDB_ZSET_LISTPACK = 17;
export const RDB_LIST_QUICKLIST_2 = 18;
export const RDB_STREAM_2 = 19;
export const RDB_SET_LISTPACK = 20;
export const RDB_STREAM_3 = 21;
export const RDB_HASH_METADATA_EARLY = 22;
const RDB_HASH_LISTPACK_EX_EARLY = 23;
export const RDB_HASH_METADATA = 24;
export const RDB_HASH_LISTPACK_EX = 25;

/** What users call it. */
export type ValueTypeName = 'string' | 'list' | 'set' | 'zset' | 'hash' | 'stream' | 'module';

const NAMES: Readonly<Record<number, ValueTypeName>> = {
  [RDB_STRING]: 'string',
  [RDB_LIST]: 'list',
  [RDB_SET]: 'set',
  [RDB_ZSET]: 'zset',
  [RDB_HASH]: 'hash',
  [RDB_ZSET_2]: 'zset',
  [RDB_MODULE]: 'module',
  [RDB_MODULE_2]: 'module',
  [RDB_HASH_ZIPMAP]: 'hash',
  [RDB_LIST_ZIPLIST]: 'list',
  [RDB_SET_INTSET]: 'set',
  [RDB_ZSET_ZIPLIST]: 'zset',
  [RDB_HASH_ZIPLIST]: 'hash',
  [RDB_LIST_QUICKLIST]: 'list',
  [RDB_STREAM]: 'stream',
  [RDB_HASH_LISTPACK]: 'hash',
  [RDB_ZSET_LISTPACK]: 'zset',
  [RDB_LIST_QUICKLIST_2]: 'list',
  [RDB_STREAM_2]: 'stream',
  [RDB_SET_LISTPACK]: 'set',
  [RDB_STREAM_3]: 'stream',
  [RDB_HASH_METADATA_EARLY]: 'hash',
  [RDB_HASH_LISTPACK_EX_EARLY]: 'hash',
  [RDB_HASH_METADATA]: 'hash',
  [RDB_HASH_LISTPACK_EX]: 'hash',
};

/** Undefined for what is no type of values. */
export function valueTypeName(type: number): ValueTypeName | undefined {
  return NAMES[type];
}
