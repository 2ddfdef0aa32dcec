/**
 * How Redis 7.2 keeps a list: in one listpack up to `list-max-listpack-size`, else in a quicklist.
 * Told by what the list holds when it is asked for, since Redis converts lists back, too, once they
 * have shrunk to half of the limit; the limit is that of its last write (list-limits.ts).
 *
 * Sizes are those of a listpack: header and end 7 bytes; an element is its encoding (1 to 9 bytes
 * for an integer, 1, 2 or 5 bytes and the text for others) and its own length, in 7-bit groups.
 * Source: Redis listpack.c, quicklist.c (`quicklistNodeLimit`).
 */
import type { Leaf } from '../../radix/leaf.js';
import type { Tree } from '../../radix/tree.js';
import { parseInt64 } from '../../resp/numbers.js';
import type { Collection } from '../store/collection.js';

const LISTPACK_BYTES = 7;
const ELEMENT_BYTES_MIN = 2;
/** By `list-max-listpack-size` from -1 to -5. */
const BYTES_MAX = [4096, 8192, 16384, 32768, 65536] as const;
/** For a limit of elements, too. */
const SAFE_BYTES_MAX = 8192;
const INTEGER_TEXT_MAX = 20;

const text = Buffer.allocUnsafeSlow(INTEGER_TEXT_MAX);
const run = new Int32Array(16);

/** Whether a list is no larger than what Redis keeps in one listpack. */
export function fitsListpack(list: Collection): boolean {
  const { cursor, database, elements, size, sub } = list;
  const limit = database.store.listLimits.at(database.tree.stamp(sub.head));
  if (limit >= 0 && size > Math.max(1, limit)) return false;
  const bytesMax = limit >= 0 ? SAFE_BYTES_MAX : BYTES_MAX[Math.min(-limit, BYTES_MAX.length) - 1]!;
  if (LISTPACK_BYTES + size * ELEMENT_BYTES_MIN > bytesMax) return false;
  let bytes = LISTPACK_BYTES;
  run[0] = cursor.stepTo(0);
  for (let left = size, found = 1; ; found = cursor.stepRun(run, left)) {
    for (let i = 0; i < found; i += 1) bytes += listpackBytes(elements, run[i]!);
    if (bytes > bytesMax) return false;
    left -= found;
    if (left === 0) return true;
  }
}

function listpackBytes(elements: Tree, element: Leaf): number {
  const bytes = elements.valueBytes(element);
  if (bytes > 0 && bytes <= INTEGER_TEXT_MAX) {
    elements.copyValue(element, text, 0);
    const integer = parseInt64(text, 0, bytes);
    if (!Number.isNaN(integer)) return integerBytes(integer) + 1;
  }
  const encoded = bytes + (bytes < 64 ? 1 : bytes < 4096 ? 2 : 5);
  return encoded + (encoded < 128 ? 1 : encoded < 16384 ? 2 : 3);
}

function integerBytes(value: number): number {
  if (value >= 0 && value < 128) return 1;
  const magnitude = value < 0 ? -1 - value : value;
  if (magnitude < 2 ** 12) return 2;
  if (magnitude < 2 ** 15) return 3;
  if (magnitude < 2 ** 23) return 4;
  return magnitude < 2 ** 31 ? 5 : 9;
}
