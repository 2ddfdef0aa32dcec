/**
 * Sets. An element's sub key is its member; it has no value.
 *
 * As in Redis 7.2 a set begins as an intset, becomes a listpack with its first member that is no
 * integer, and a hashtable when it outgrows either.
 */
import { parseInt64 } from '../../resp/numbers.js';
import type { Collection } from '../store/collection.js';
import { OUTGREW_FIRST, OUTGREW_SECOND } from './encodings.js';
import type { EncodingLimits } from './highest-limits.js';

const NOTHING: Buffer = Buffer.alloc(0);
/** It is neither an intset nor a listpack any more. */
export const HASHTABLE = OUTGREW_FIRST | OUTGREW_SECOND;

/** Writes a member of the set that a collection is turned to; true if it is new. */
export function addMember(set: Collection, member: Buffer, from: number, to: number): boolean {
  if (!set.add(member, from, to, NOTHING, 0, 0)) return false;
  const { hints } = set;
  const grown = grownBy(hints, set.size, set.database.store.settings, member, from, to);
  if (grown !== hints) set.addHints(grown);
  return true;
}

/** The hints of a set that has just got a member and so has `size`. */
export function grownBy(
  hints: number,
  size: number,
  limits: Readonly<EncodingLimits>,
  member: Buffer,
  from: number,
  to: number,
): number {
  if (hints === HASHTABLE) return hints;
  if (hints === 0 && !Number.isNaN(parseInt64(member, from, to))) {
    return size > limits.setMaxIntsetEntries ? HASHTABLE : 0;
  }
  const { setMaxListpackEntries, setMaxListpackValue } = limits;
  const fits = size <= setMaxListpackEntries && to - from <= setMaxListpackValue;
  return fits ? OUTGREW_FIRST : HASHTABLE;
}

/** SADD tells how many members may come: Redis converts for that many at once. */
export function expectMembers(set: Collection, count: number, isNew: boolean): void {
  const { setMaxIntsetEntries, setMaxListpackEntries } = set.database.store.settings;
  if ((set.hints & OUTGREW_FIRST) !== 0) {
    if (count > setMaxListpackEntries) set.addHints(HASHTABLE);
  } else if (count > setMaxIntsetEntries) {
    set.addHints(isNew && count <= setMaxListpackEntries ? OUTGREW_FIRST : HASHTABLE);
  }
}

/** Whether Redis would keep it in one piece, which SSCAN tells whole. */
export function isSmallSet(set: Collection): boolean {
  return set.hints !== HASHTABLE;
}
