/**
 * Cutting a range in two: the position with about so many entries between it and the range's end,
 * entries of all databases, tombstones and elements of sub trees among them.
 *
 *   range     from ]------------------------------------] to
 *   entries          . . . . . . . . . . . . . . . . . .
 *   cut                                ]<-  above     ->]
 *
 * In each database the key is found by binary search over the ranks of its entries, which takes
 * O(log n) looks into each tree; of the keys found the best is taken. Positions are short: a prefix
 * of the next key that still lies above this one, where there is one.
 */
import { comparePositions, isInRange, type RingRange } from '../../discord/ring/position.js';
import { entryAt } from '../../radix/sync/item-order.js';
import type { Tree } from '../../radix/tree.js';
import type { Store } from '../store/store.js';
import { allowedPositions } from './position-rule.js';
import { entriesIn } from './replica.js';

export interface Cut {
  readonly position: Buffer;
  /** Entries between it and the end of the range. */
  readonly above: number;
}

/** The best position with between 1 and `all` - 1 entries above; null: there is none. */
export function cutOf(store: Store, range: RingRange, above: number): Cut | null {
  const distance = (cut: Cut): number => Math.abs(cut.above - above);
  const below = (position: Buffer) => entriesIn(store, { from: range.from, to: position });
  let best: Cut | null = null;
  for (const { tree } of store.databases) {
    if (tree.root === 0) continue;
    for (const position of candidates(store, tree, range, above)) {
      const cut = { position, above: entriesIn(store, { from: position, to: range.to }) };
      const isBetter = best === null || distance(cut) < distance(best);
      if (isBetter && cut.above > 0 && below(position) > 0) best = cut;
    }
  }
  return best;
}

function candidates(store: Store, tree: Tree, range: RingRange, above: number): Buffer[] {
  const count = tree.rangeDigest(range.from, range.to).all;
  const before = tree.rangeDigest(null, range.from).all;
  const keyAt = (rank: number): Buffer => {
    return tree.key(entryAt(tree, (before + rank) % tree.allCount).leaf);
  };
  // The first rank whose key has no more above it than there should be.
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (aboveOf(store, keyAt(middle), range) <= above) high = middle;
    else low = middle + 1;
  }
  const ranks = [low - 1, low].filter((rank) => rank >= 0 && rank < count);
  // What is short may lie behind keys of other databases.
  return ranks
    .map(keyAt)
    .flatMap((key) => [shortened(tree, key), key])
    .flatMap(allowedPositions)
    .filter((position) => isStrictlyInside(range, position));
}

/** Entries behind a key of the range. */
function aboveOf(store: Store, key: Buffer, range: RingRange): number {
  if (comparePositions(key, range.to) === 0) return 0;
  return entriesIn(store, { from: key, to: range.to });
}

function isStrictlyInside(range: RingRange, position: Buffer): boolean {
  const isBound = [range.from, range.to].some((bound) => comparePositions(bound, position) === 0);
  return !isBound && isInRange(range, position);
}

/** Of what lies between this key and the next: the shortest prefix of the next, or the key. */
function shortened(tree: Tree, key: Buffer): Buffer {
  const nextLeaf = tree.nextEntry(key, 0, key.length);
  if (nextLeaf === 0) return Buffer.from(key);
  const next = tree.key(nextLeaf);
  let shared = 0;
  while (shared < key.length && key[shared] === next[shared]) shared += 1;
  const prefix = next.subarray(0, shared + 1);
  return Buffer.from(prefix.length < next.length && prefix.length < key.length ? prefix : key);
}
