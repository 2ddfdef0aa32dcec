/** Key and value of an element, copied out, for what is written element by element. */
import { KEY_BYTES_MAX, type Leaf } from '../../radix/leaf.js';
import type { Tree } from '../../radix/tree.js';
import { RdbError } from '../../rdb/rdb-error.js';

const BYTES_FIRST = 256;
/** Work between two yields, in bytes; and what an element costs besides its own. */
const WORK_BYTES = 64 * 1024;
const ELEMENT_BYTES = 128;

export class ElementBytes {
  key = Buffer.allocUnsafe(BYTES_FIRST);
  keyBytes = 0;
  value = Buffer.allocUnsafe(BYTES_FIRST);
  valueBytes = 0;
  #work = 0;

  load(elements: Tree, leaf: Leaf): void {
    this.keyBytes = elements.keyBytes(leaf);
    this.valueBytes = elements.valueBytes(leaf);
    if (this.keyBytes > this.key.length) this.key = Buffer.allocUnsafe(this.keyBytes * 2);
    if (this.valueBytes > this.value.length) this.value = Buffer.allocUnsafe(this.valueBytes * 2);
    elements.copyKey(leaf, this.key, 0);
    elements.copyValue(leaf, this.value, 0);
    this.#work += ELEMENT_BYTES + this.keyBytes + this.valueBytes;
  }

  /** True if it is time to yield. */
  isTired(): boolean {
    if (this.#work < WORK_BYTES) return false;
    this.#work = 0;
    return true;
  }
}

/** Throws for an element whose sub key is longer than any here. */
export function refuseLongSubKey(bytes: number): void {
  if (bytes <= KEY_BYTES_MAX) return;
  throw new RdbError('unsupported', `a field or member of more than ${KEY_BYTES_MAX} bytes`);
}
