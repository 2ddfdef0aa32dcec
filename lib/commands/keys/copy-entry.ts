/**
 * Copies or moves a string to another key: bytes, expiry, access bits and hints.
 */
import { exchangeBigValues } from '../../../radix/exchange.js';
import { HINT_FLAGS, INLINE_VALUE_BYTES_MAX, type Leaf } from '../../../radix/leaf.js';
import type { Database } from '../../store/database.js';

/** Values up to here are copied through `scratch`. */
const SCRATCH_BYTES = 64 * 1024;
const scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);

/** The shortest value that lies outside of its leaf: what a key gets before a big value moves in. */
const PLACEHOLDER = Buffer.alloc(INLINE_VALUE_BYTES_MAX + 1);

/**
 * Moves what key[keyFrom, keyTo) of `source` holds to buf[from, to) of `target`, whatever its size;
 * the key is to be removed next.
 */
export function moveEntry(
  source: Database,
  key: Buffer,
  keyFrom: number,
  keyTo: number,
  target: Database,
  buf: Buffer,
  from: number,
  to: number,
): void {
  const { tree } = source;
  const leaf = source.peek(key, keyFrom, keyTo);
  if (tree.valueBytes(leaf) <= INLINE_VALUE_BYTES_MAX) {
    copyEntry(source, leaf, target, buf, from, to);
    return;
  }
  const hints = tree.flags(leaf) & HINT_FLAGS;
  const access = tree.access(leaf);
  const expiryMs = tree.expiryMs(leaf);
  const moved = target.set(buf, from, to, PLACEHOLDER, 0, PLACEHOLDER.length, expiryMs, hints);
  target.tree.setAccess(moved, access);
  exchangeBigValues(
    { tree, key, from: keyFrom, to: keyTo },
    { tree: target.tree, key: buf, from, to },
  );
}

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
