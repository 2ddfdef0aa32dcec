/** BigSource: reads a value piece by piece, as long as it is the one that its record told of. */
import type { Tree } from '../tree.js';
import type { BigValue } from './entry-codec.js';
import type { Replica } from './replica.js';

export class BigSource {
  readonly #replica: Replica;
  readonly #big: BigValue;

  constructor(replica: Replica, big: BigValue) {
    this.#replica = replica;
    this.#big = big;
  }

  /** Copies value[from, to) to the target; false if the value is no longer there. */
  copy(target: Buffer, from: number, to: number): boolean {
    const { db, key, subKey } = this.#big;
    const { tree } = this.#replica.databases[db]!;
    if (subKey === null) return this.#copyOf(tree, key, target, from, to);
    const sub = this.#replica.subOf(db);
    if (!sub.open(key, 0, key.length)) return false;
    return this.#copyOf(sub.elements, subKey, target, from, to);
  }

  #copyOf(tree: Tree, key: Buffer, target: Buffer, from: number, to: number): boolean {
    const { bytes, origin, stamp } = this.#big;
    const leaf = tree.find(key, 0, key.length);
    if (leaf === 0 || tree.stamp(leaf) !== stamp || tree.origin(leaf) !== origin) return false;
    if (tree.valueBytes(leaf) !== bytes) return false;
    tree.copyValue(leaf, target, 0, from, to);
    return true;
  }
}
