/**
 * What GEOSEARCH looks in, a circle or a box, and the cells of the grid that cover it: the one that
 * its middle is in and those around it, without the ones that it does not reach.
 *
 *   6 1 5
 *   4 0 3      in this order
 *   8 2 7
 *
 * Source: Redis, geohash_helper.c, whose order results without ASC or DESC come in.
 */
import {
  type Cell,
  cellOf,
  degreesOf,
  distanceBetween,
  latitudeAt,
  latitudeDistance,
  longitudeAt,
  type Place,
  parallelRatio,
  STEP_MAX,
} from './geohash.js';

/** Half of the equator on the map, meters. */
const MERCATOR_MAX = 20037726.37;
/** Beyond these latitudes, degrees, cells are so narrow that larger ones are taken. */
const HIGH_LATITUDE = 66;
const HIGHER_LATITUDE = 80;

/** Where the cells around one lie, east and north of it, in their order. */
const AROUND: readonly (readonly [dx: number, dy: number])[] = [
  [0, 0],
  [0, 1],
  [0, -1],
  [1, 0],
  [-1, 0],
  [1, 1],
  [-1, 1],
  [1, -1],
  [-1, -1],
];

/** Lengths are in meters. */
export interface GeoShape {
  readonly middle: Place;
  /** Of a circle; NaN: it is a box. */
  radius: number;
  width: number;
  height: number;
}

interface Bounds {
  readonly west: number;
  readonly east: number;
  readonly south: number;
  readonly north: number;
}

/** How far a place in the shape is from its middle; NaN if it is not in it. */
export function distanceInShape(shape: GeoShape, place: Place): number {
  const { middle, radius, width, height } = shape;
  if (!Number.isNaN(radius)) {
    const distance = distanceBetween(middle, place);
    return distance > radius ? Number.NaN : distance;
  }
  if (latitudeDistance(place.latitude, middle.latitude) > height / 2) return Number.NaN;
  const across = { longitude: middle.longitude, latitude: place.latitude };
  if (distanceBetween(place, across) > width / 2) return Number.NaN;
  return distanceBetween(middle, place);
}

/** The cells to look in, no two the same. */
export function cellsAround(shape: GeoShape): Cell[] {
  const bounds = boundsOf(shape);
  let step = firstStep(shape);
  if (step > 1 && isTooFine(shape.middle, step, bounds)) step -= 1;
  const middle = cellOf(shape.middle, step);
  const cells: Cell[] = [];
  for (const [dx, dy] of AROUND) {
    if (step >= 2 && isOutOfReach(middle, dx, dy, bounds)) continue;
    const cell = neighbour(middle, dx, dy);
    const last = cells.at(-1);
    // On a coarse grid the neighbours on both sides are one.
    if (cells.length > 1 && last?.x === cell.x && last.y === cell.y) continue;
    cells.push(cell);
  }
  return cells;
}

function boundsOf({ middle, radius, width, height }: GeoShape): Bounds {
  const isCircle = !Number.isNaN(radius);
  const { latitude, longitude } = middle;
  const high = degreesOf(isCircle ? radius : height / 2);
  const wide = degreesOf(isCircle ? radius : width / 2);
  // Towards the pole the same width has more degrees.
  const widest = wide / parallelRatio(latitude < 0 ? latitude - high : latitude + high);
  return {
    west: longitude - widest,
    east: longitude + widest,
    south: latitude - high,
    north: latitude + high,
  };
}

/** The finest grid of which nine cells should cover the shape. */
function firstStep({ middle, radius, width, height }: GeoShape): number {
  let reach = Number.isNaN(radius) ? Math.sqrt((width / 2) ** 2 + (height / 2) ** 2) : radius;
  if (reach === 0) return STEP_MAX;
  let step = 1;
  for (; reach < MERCATOR_MAX; reach *= 2) step += 1;
  step -= 2;
  const latitude = Math.abs(middle.latitude);
  if (latitude > HIGH_LATITUDE) step -= 1;
  if (latitude > HIGHER_LATITUDE) step -= 1;
  return Math.min(STEP_MAX, Math.max(1, step));
}

/** Whether the cells around do not reach as far as the shape does. */
function isTooFine(place: Place, step: number, bounds: Bounds): boolean {
  const middle = cellOf(place, step);
  return (
    latitudeAt(neighbour(middle, 0, 1).y + 1, step) < bounds.north ||
    latitudeAt(neighbour(middle, 0, -1).y, step) > bounds.south ||
    longitudeAt(neighbour(middle, 1, 0).x + 1, step) < bounds.east ||
    longitudeAt(neighbour(middle, -1, 0).x, step) > bounds.west
  );
}

/** Whether the shape ends within the middle cell on a side that this neighbour lies on. */
function isOutOfReach(middle: Cell, dx: number, dy: number, bounds: Bounds): boolean {
  const { x, y, step } = middle;
  return (
    (dy < 0 && latitudeAt(y, step) < bounds.south) ||
    (dy > 0 && latitudeAt(y + 1, step) > bounds.north) ||
    (dx < 0 && longitudeAt(x, step) < bounds.west) ||
    (dx > 0 && longitudeAt(x + 1, step) > bounds.east)
  );
}

/** The map is round: behind its last column comes its first. */
function neighbour({ x, y, step }: Cell, dx: number, dy: number): Cell {
  const mask = 2 ** step - 1;
  return { x: dx === 0 ? x : (x + dx) & mask, y: dy === 0 ? y : (y + dy) & mask, step };
}
