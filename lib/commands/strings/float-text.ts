/** The value of a leaf as the text of a long double. */
import type { Leaf } from '../../../radix/leaf.js';
import type { Tree } from '../../../radix/tree.js';
import { latin1 } from '../../../resp/bytes.js';

/** Longer texts are no numbers for Redis either. */
const FLOAT_TEXT_MAX = 5 * 1024;

const scratch = Buffer.allocUnsafeSlow(64);

/** The value as latin1; the empty text, which is no number, if it is too long for one. */
export function floatText(tree: Tree, leaf: Leaf): string {
  const bytes = tree.valueBytes(leaf);
  if (bytes <= scratch.length) return latin1(scratch, 0, tree.copyValue(leaf, scratch, 0));
  return bytes > FLOAT_TEXT_MAX ? '' : tree.value(leaf).toString('latin1');
}
