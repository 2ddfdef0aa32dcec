/**
 * Hashes: field -> value. An element's sub key is its field, its value the field's. One that is
 * mirrored keeps its fields in the order of their values too.
 */
import { Mirror } from '../../radix/mirror.js';
import type { Collection } from '../store/collection.js';
import { OUTGREW_FIRST } from './encodings.js';

/** Writes a field of the hash that a collection is turned to; true if it is new. */
export function putField(
  hash: Collection,
  field: Buffer,
  ffrom: number,
  fto: number,
  value: Buffer,
  vfrom: number,
  vto: number,
): boolean {
  const isNew = hash.put(field, ffrom, fto, value, vfrom, vto);
  const { hashMaxListpackEntries, hashMaxListpackValue } = hash.database.store.settings;
  const isLong = fto - ffrom > hashMaxListpackValue || vto - vfrom > hashMaxListpackValue;
  if (isLong || hash.size > hashMaxListpackEntries) hash.addHints(OUTGREW_FIRST);
  return isNew;
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
