/**
 * Hashes: field -> value. An element's sub key is its field, its value the field's. One that is
 * mirrored keeps its fields in the order of their values too.
 */
import { Mirror } from '../../radix/mirror.js';
import type { Collection } from '../store/collection.js';
import { HASH_WAS_TIMED, OUTGREW_FIRST } from './encodings.js';

/**
 * Writes a field of the hash that a collection is turned to, with its expiry or none (0); true if
 * it is new.
 */
export function putField(
  hash: Collection,
  field: Buffer,
  ffrom: number,
  fto: number,
  value: Buffer,
  vfrom: number,
  vto: number,
  expiryMs = 0,
): boolean {
  const isNew = hash.put(field, ffrom, fto, value, vfrom, vto, expiryMs);
  if (expiryMs !== 0) markTimed(hash);
  if (!isSmall(hash)) return isNew;
  const { hashMaxListpackEntries, hashMaxListpackValue } = hash.database.store.settings;
  const isLong = fto - ffrom > hashMaxListpackValue || vto - vfrom > hashMaxListpackValue;
  if (isLong || hash.size > hashMaxListpackEntries) hash.addHints(OUTGREW_FIRST);
  return isNew;
}

/** Remembers that Redis would keep it in the form which has expiries. */
export function markTimed(hash: Collection): void {
  hash.addHints(HASH_WAS_TIMED);
}

/** Whether Redis would keep it in one piece, which HSCAN tells whole. */
export function isSmall(hash: Collection): boolean {
  return (hash.hints & OUTGREW_FIRST) === 0;
}

/** Whether a field of so many bytes may have this value: a mirror holds both in one key. */
export function fitsMirror(
  { sub }: Collection,
  fieldBytes: number,
  value: Buffer,
  vfrom: number,
  vto: number,
): boolean {
  return !sub.isMirrored || Mirror.fits(value, vfrom, vto, fieldBytes);
}
