/**
 * Copies what a key holds to another key: bytes, expiry, access bits and hints. Strings are
 * all that there is today; a sub tree will go the same way.
 */
import { HINT_FLAGS, type Leaf } from '../../../radix/leaf.js';
import type { Database } from '../../store/database.js';

/** Values up to here are copied through `scratch`. */
const SCRATCH_BYTES = 64 * 1024;
const scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);

/** Writes a copy of `leaf` of `source` at `target`'s key buf[from, to). */
export function copyEntry(
  source: Database,
  leaf: Leaf,
  target: Database,
  buf: Buffer,
  from: number,
  to: number,
): void {
  const tree = source.tree;
  const bytes = tree.valueBytes(leaf);
  // Not a view of the arena: a write may move what it holds.
  const value = bytes <= SCRATCH_BYTES ? scratch : Buffer.allocUnsafeSlow(bytes);
  tree.copyValue(leaf, value, 0);
  const hints = tree.flags(leaf) & HINT_FLAGS;
  const access = tree.access(leaf);
  const expiryMs = tree.expiryMs(leaf);
  const copy = target.set(buf, from, to, value, 0, bytes, expiryMs, hints);
  target.tree.setAccess(copy, access);
}
