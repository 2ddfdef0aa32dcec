/**
 * The key of entries' hashes. All members of a ring must hash alike, and no client may know how, or it
 * could make entries that look equal: so the key follows from the secret that members share. A ring
 * without a secret is on one machine, and its key is no secret either.
 */
import { createHmac } from 'node:crypto';

const KEY_BYTES = 16;
const LABEL = 'dhash digest key 1';

/** 16 bytes, the same for the same secret. */
export function digestKey(secret: string): Buffer {
  return createHmac('sha256', secret).update(LABEL).digest().subarray(0, KEY_BYTES);
}
