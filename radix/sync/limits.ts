/** Limits of a session, and how many cells it takes: what both sides reckon by. */
import type { Ranges } from './ranges.js';

/** How often a session compares before it gives up, the last verification not counted. */
export const ATTEMPTS_MAX = 3;
/** Cells of a group; beyond it items are listed. About 90,000 differences. */
export const CELLS_MAX = 2 ** 17;
/** Items of a group: their symbols are kept, 4 bytes each. */
export const GROUP_ITEMS_MAX = 4 * 2 ** 20;
/** How often a responder may ask for more cells of a group. */
export const NEEDS_MAX = 6;
/** Items of a group that is listed; a group has at least one sub range all the same. */
export const LIST_ITEMS_MAX = 2 ** 16;
/** Items that a peer may list at once. */
export const LISTED_MAX = 2 ** 20;
/** Entries that fill an empty side: no space, of 2^31 units of 8 bytes, holds more. */
export const ENTRIES_MAX = 2 ** 28;
/** Items that a side that follows may be told to keep: those of ambiguous symbols, some hundreds. */
export const KEPT_MAX = 2 ** 16;
/** Standard deviations of the estimate that the first cells allow for. */
export const DEVIATIONS = 1;
/** Cells a difference needs at most, but for small numbers. */
const CELLS_PER_DIFFERENCE = 1.34;
const CELLS_MIN = 2.3;
const CELLS_SPREAD = 4;

/** How many cells, cell 0 included, very likely tell so many differences. */
export function cellsFor(differences: number): number {
  const spread = CELLS_SPREAD * Math.sqrt(differences);
  return Math.ceil(CELLS_MIN + CELLS_PER_DIFFERENCE * differences + spread);
}

/** Cuts a list of sub ranges so that no part has more items, unless it is one sub range. */
export function groupsOf(ranges: Ranges, indexes: readonly number[], itemsMax: number): number[][] {
  const groups: number[][] = [];
  let items = 0;
  for (const index of indexes) {
    const count = ranges.counts[index]!;
    const last = groups.at(-1);
    if (last !== undefined && items + count <= itemsMax) {
      last.push(index);
      items += count;
    } else {
      groups.push([index]);
      items = count;
    }
  }
  return groups;
}
