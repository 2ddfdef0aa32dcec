/**
 * What OBJECT ENCODING says of a collection: the name of what Redis would keep it in. dhash keeps
 * all alike; but tools and tests look at the name, so each collection remembers what it has
 * outgrown, in the hints of its head, as Redis converts a value and never converts it back.
 */
import { FLAG_RAW, FLAG_TEXT, HINT_FLAGS, type Leaf } from '../../radix/leaf.js';
import type { Tree } from '../../radix/tree.js';
import { TYPE_HASH, TYPE_SET, TYPE_STREAM, TYPE_ZSET, typeOf } from './types.js';

/** Hints of a head: it has outgrown the first encoding of its type, or the second too. */
export const OUTGREW_FIRST = FLAG_RAW;
export const OUTGREW_SECOND = FLAG_TEXT;
/** A hash has none to outgrow after the first; it remembers that fields of it had an expiry. */
export const HASH_WAS_TIMED = FLAG_TEXT;

/** From the smallest to the last. */
const ENCODINGS: Readonly<Record<number, readonly string[]>> = {
  [TYPE_SET]: ['intset', 'listpack', 'hashtable'],
  [TYPE_ZSET]: ['listpack', 'skiplist'],
  [TYPE_STREAM]: ['stream'],
};

/** What OBJECT ENCODING says of the head of a collection that is no list (list-encoding.ts). */
export function collectionEncoding(tree: Tree, head: Leaf): string {
  const hints = tree.flags(head) & HINT_FLAGS;
  const type = typeOf(tree, head);
  if (type === TYPE_HASH) return hashEncoding(hints);
  const encodings = ENCODINGS[type]!;
  const grade = (hints & OUTGREW_SECOND) !== 0 ? 2 : (hints & OUTGREW_FIRST) !== 0 ? 1 : 0;
  return encodings[Math.min(grade, encodings.length - 1)]!;
}

function hashEncoding(hints: number): string {
  if ((hints & OUTGREW_FIRST) !== 0) return 'hashtable';
  return (hints & HASH_WAS_TIMED) !== 0 ? 'listpackex' : 'listpack';
}
