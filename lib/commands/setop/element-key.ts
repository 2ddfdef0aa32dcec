/** The element that a stream stands on: bytes that stay where they are while it moves on. */
import type { Leaf } from '../../../radix/leaf.js';
import type { Tree } from '../../../radix/tree.js';

const BYTES_MIN = 32;
const NOTHING: Buffer = Buffer.alloc(0);
/** Up to here a loop over bytes beats the call into the runtime. */
const LOOP_BYTES_MAX = 32;

export class ElementKey {
  buf: Buffer = NOTHING;
  bytes = 0;

  static of(key: Buffer): ElementKey {
    const made = new ElementKey();
    made.buf = key;
    made.bytes = key.length;
    return made;
  }

  copy(other: ElementKey): void {
    this.#reserve(other.bytes);
    other.buf.copy(this.buf, 0, 0, other.bytes);
    this.bytes = other.bytes;
  }

  load(tree: Tree, leaf: Leaf): void {
    this.#reserve(tree.keyBytes(leaf));
    this.bytes = tree.copyKey(leaf, this.buf, 0);
  }

  #reserve(bytes: number): void {
    if (bytes <= this.buf.length) return;
    this.buf = Buffer.allocUnsafe(2 ** Math.ceil(Math.log2(Math.max(bytes, BYTES_MIN))));
  }
}

/** Negative if `a` comes before `b` in the order of their bytes, 0 if they are the same. */
export function compareKeys(a: ElementKey, b: ElementKey): number {
  const [left, right] = [a.buf, b.buf];
  const common = Math.min(a.bytes, b.bytes);
  const looped = Math.min(common, LOOP_BYTES_MAX);
  for (let at = 0; at < looped; at += 1) {
    const order = left[at]! - right[at]!;
    if (order !== 0) return order;
  }
  if (looped === common) return a.bytes - b.bytes;
  return left.compare(right, looped, b.bytes, looped, a.bytes);
}
