/**
 * The data types that users see. A type's number is Redis's (server.h, `OBJ_*`) and the low byte of
 * the type in a head (radix/head.ts); strings are entries of bytes and have none there.
 */
import { headTypeNumber } from '../../radix/head.js';
import { KIND_HEAD, KIND_MASK, type Leaf } from '../../radix/leaf.js';
import type { Tree } from '../../radix/tree.js';

export const TYPE_STRING = 0;
export const TYPE_LIST = 1;
export const TYPE_SET = 2;
export const TYPE_ZSET = 3;
export const TYPE_HASH = 4;
export const TYPE_STREAM = 6;

/** As TYPE answers. */
const TYPE_NAMES: Readonly<Record<number, string>> = {
  [TYPE_STRING]: 'string',
  [TYPE_LIST]: 'list',
  [TYPE_SET]: 'set',
  [TYPE_ZSET]: 'zset',
  [TYPE_HASH]: 'hash',
  [TYPE_STREAM]: 'stream',
};

/** The number of the type of what a leaf of a database holds. */
export function typeOf(tree: Tree, leaf: Leaf): number {
  const isHead = (tree.flags(leaf) & KIND_MASK) === KIND_HEAD;
  return isHead ? headTypeNumber(tree.space.leaves, leaf) : TYPE_STRING;
}

export function typeName(tree: Tree, leaf: Leaf): string {
  return TYPE_NAMES[typeOf(tree, leaf)]!;
}
