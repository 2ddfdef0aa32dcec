/**
 * A collection in the making, at the side: elements are copied to it in slices, and nobody sees any
 * of them until `Database.adopt` links the whole in at once.
 */
import { KEY_BYTES_MAX, type Leaf } from '../../radix/leaf.js';
import { SubTree } from '../../radix/subtree.js';
import { Tree } from '../../radix/tree.js';
import type { Store } from '../store/store.js';

/** Longer values are copied through a buffer of their own. */
const SCRATCH_BYTES = 16 * 1024;

const subKey = Buffer.allocUnsafeSlow(KEY_BYTES_MAX);
const scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);

/** Changes the value of an element that is about to be copied: of this stamp, with the sub key subKey[0, bytes). */
export type ValueEdit = (stamp: number, subKey: Buffer, bytes: number, value: Buffer) => void;

export class SideCopy {
  readonly sub: SubTree;
  readonly #store: Store;
  readonly #tree: Tree;

  constructor(store: Store) {
    this.#store = store;
    this.#tree = new Tree(store.space, { expiries: false });
    this.sub = new SubTree(this.#tree);
  }

  /**
   * Copies an element of `source` to the collection at a key, the same for all, its value as `edit`
   * leaves it. Returns the bytes of its value. Throws, everything given back, if there is no memory.
   */
  add(
    source: SubTree,
    element: Leaf,
    key: Buffer,
    from: number,
    to: number,
    edit?: ValueEdit,
  ): number {
    const { elements, parts } = source;
    const subKeyBytes = elements.copyKey(element, subKey, 0);
    const valueBytes = elements.valueBytes(element);
    const value = valueBytes <= SCRATCH_BYTES ? scratch : Buffer.allocUnsafeSlow(valueBytes);
    elements.copyValue(element, value, 0);
    edit?.(elements.stamp(element), subKey, subKeyBytes, value);
    const store = this.#store;
    const { origin } = store;
    const stamp = store.stamp();
    const { type } = parts;
    try {
      const at = [key, from, to, type, subKey, 0, subKeyBytes] as const;
      const expiryMs = elements.expiryMs(element);
      this.sub.put(...at, stamp, origin, 0, value, 0, valueBytes, expiryMs);
    } catch (error) {
      this.clear();
      throw error;
    }
    return valueBytes;
  }

  clear(): void {
    this.#tree.clear();
    this.sub.openHead(0);
  }
}
