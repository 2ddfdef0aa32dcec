/**
 * Ambiguity: symbols that only one side has an item more of, and that an item of both has, too.
 *
 *              item   X    Y    symbols of both: s
 *   initiator         x    y    cells tell the responder: s, once more there
 *   responder              y    so X is lacking, or Y: it cannot know
 *
 * So all items of such a symbol are exchanged, and on both sides none of them is among what both
 * have in common. A side that follows would drop what is wanted of it: it is told what to keep.
 */
import type { ItemList } from './items.js';
import type { Task } from './link.js';
import { isFollowing, listedHash, type SyncMode } from './messages.js';

/** What the responder makes of the symbols that only one side has. */
export interface Differing {
  /** Symbols of items that are wanted of the initiator. */
  readonly wanted: Set<number>;
  /** Symbols of items that the responder has and the initiator may lack. */
  readonly offered: Set<number>;
  /** Of wanted ones, by listedHash: what a side that follows is to keep. */
  readonly kept: Set<number>;
}

/** `list`: the responder's items; `theirs`, `mine`: symbols found on that side alone, each once. */
export function* differing(
  list: ItemList,
  theirs: readonly number[],
  mine: readonly number[],
  mode: SyncMode,
): Task<Differing> {
  const found: Differing = { wanted: new Set(theirs), offered: new Set(mine), kept: new Set() };
  // Here all is merged; what comes in vain does no harm.
  if (mode === 'two-way') return found;
  const ambiguous = yield* ambiguousSymbols(list, found);
  if (ambiguous.size === 0) return found;
  for (const symbol of ambiguous.keys()) {
    found.wanted.add(symbol);
    found.offered.add(symbol);
  }
  if (isFollowing(mode)) yield* keepAmbiguous(list, ambiguous, found);
  return found;
}

/** How many items have each of the symbols that more items have here than are here alone. */
function* ambiguousSymbols(
  list: ItemList,
  { offered, wanted }: Differing,
): Task<Map<number, number>> {
  const counts = yield* list.tally(wanted, offered);
  for (const [symbol, count] of counts) {
    if (count === 1 && offered.has(symbol)) counts.delete(symbol);
  }
  return counts;
}

/** What a writer has changed since is not found: then nothing is wanted, and the next attempt tells. */
function* keepAmbiguous(
  list: ItemList,
  ambiguous: Map<number, number>,
  { kept, wanted }: Differing,
): Task<void> {
  yield* list.find(new Set(ambiguous.keys()), (item) => {
    const symbol = list.symbolOf(item);
    ambiguous.set(symbol, ambiguous.get(symbol)! - 1);
    kept.add(listedHash(item.low, item.high));
    return true;
  });
  for (const [symbol, missing] of ambiguous) {
    if (missing > 0) wanted.delete(symbol);
  }
}
