/**
 * What a collection has outgrown by what it holds. Writers note it as they write (hints of the head); what
 * other members have sent was put in by nobody who did. So whoever tells of it looks first: at no more
 * elements than Redis keeps in one piece, and by the highest limits there were (highest-limits.ts).
 */
import { parseInt64 } from '../../resp/numbers.js';
import type { Collection } from '../store/collection.js';
import { ElementBytes } from './element-bytes.js';
import { HASH_WAS_TIMED, OUTGREW_FIRST } from './encodings.js';
import { grownBy, HASHTABLE } from './sets.js';
import { TYPE_HASH, TYPE_SET, TYPE_ZSET, typeOf } from './types.js';

const element = new ElementBytes();

/** Notes in the head of a collection what it has outgrown; of any type, and of none. Moves its cursor. */
export function noteOutgrown(collection: Collection): void {
  if (!collection.exists) return;
  const { database, hints, sub } = collection;
  const type = typeOf(database.tree, sub.head);
  let known = hints;
  if (type === TYPE_SET) known = outgrownBySet(collection);
  else if (type === TYPE_HASH || type === TYPE_ZSET) {
    if (hasOutgrown(collection, type)) known |= OUTGREW_FIRST;
    if (type === TYPE_HASH && sub.expiries.size > 0) known |= HASH_WAS_TIMED;
  }
  if (known !== hints) collection.addHints(known);
}

function outgrownBySet(set: Collection): number {
  const { cursor, database, elements, size } = set;
  const { highestLimits: limits } = database.store;
  const most = Math.max(limits.setMaxIntsetEntries, limits.setMaxListpackEntries);
  let { hints } = set;
  cursor.seekFirst();
  // One more than may be kept in one piece tells of all.
  for (let left = most + 1; left > 0; left -= 1) {
    const leaf = cursor.next();
    if (leaf === 0 || hints === HASHTABLE) break;
    element.load(elements, leaf);
    const { key, keyBytes } = element;
    // An intset that becomes a listpack does so whatever its integers are.
    if (hints !== 0 && !Number.isNaN(parseInt64(key, 0, keyBytes))) continue;
    hints = grownBy(hints, size, limits, key, 0, keyBytes);
  }
  return hints;
}

function hasOutgrown(collection: Collection, type: number): boolean {
  const { cursor, database, elements, hints, size } = collection;
  if ((hints & OUTGREW_FIRST) !== 0) return true;
  const { highestLimits: limits } = database.store;
  const isHash = type === TYPE_HASH;
  if (size > (isHash ? limits.hashMaxListpackEntries : limits.zsetMaxListpackEntries)) return true;
  const bytesMax = isHash ? limits.hashMaxListpackValue : limits.zsetMaxListpackValue;
  cursor.seekFirst();
  for (let leaf = cursor.next(); leaf !== 0; leaf = cursor.next()) {
    if (elements.keyBytes(leaf) > bytesMax) return true;
    if (isHash && elements.valueBytes(leaf) > bytesMax) return true;
  }
  return false;
}
