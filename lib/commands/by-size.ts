/** Operands in the order of their sizes. */

/** More than a request has arguments. */
const PLACES_MAX = 2 ** 20;
const SIZE_MAX = 2 ** 31;

/**
 * Places in the order of their sizes; those of one size by their number. Sorts numbers, without a function to
 * compare by, and in plain loops: there may be a hundred thousand.
 */
export function bySize(
  places: readonly number[],
  sizes: Int32Array,
  isDescending = false,
): number[] {
  const count = places.length;
  const packed = new Float64Array(count);
  for (let i = 0; i < count; i += 1) {
    const place = places[i]!;
    const size = isDescending ? SIZE_MAX - sizes[place]! : sizes[place]!;
    packed[i] = size * PLACES_MAX + place;
  }
  packed.sort();
  const sorted: number[] = [];
  for (let i = 0; i < count; i += 1) sorted.push(packed[i]! % PLACES_MAX);
  return sorted;
}
