/**
 * Places on the earth as scores of a sorted set. Longitude and latitude become numbers of `step`
 * bits, a cell of a grid, whose bits are interleaved: what is near is mostly near in the order too.
 *
 *   score (52 bits)    x y x y x y ... x y        x: longitude, y: latitude, 26 bits each
 *
 * A cell of fewer bits is an interval of scores. Source: Redis, geohash.c, geohash_helper.c.
 */

export const LONGITUDE_MAX = 180;
/** The map is a square (EPSG:3857), and so ends before the poles. */
export const LATITUDE_MAX = 85.05112878;
export const STEP_MAX = 26;

const TWO_32 = 4294967296;
const SCORE_BITS = 2 * STEP_MAX;
/** Scores below it have no bits but those of a place. */
const PLAIN_SCORES_END = 2 ** 52;
const DEGREE = Math.PI / 180;
/** Mean radius, meters (WGS 84). */
const EARTH_RADIUS = 6372797.560856;
const GEOHASH_ALPHABET = '0123456789bcdefghjkmnpqrstuvwxyz';
const GEOHASH_LATITUDE_MAX = 90;
const GEOHASH_CHARS = 11;

/** Longitude and latitude, degrees. */
export interface Place {
  longitude: number;
  latitude: number;
}

/** A cell of the grid that has 2^step of them each way. */
export interface Cell {
  readonly x: number;
  readonly y: number;
  readonly step: number;
}

/** The cell of a place, which may be one behind the last at the map's upper and right edge. */
export function cellOf(place: Place, step: number, latitudeMax = LATITUDE_MAX): Cell {
  const cells = 2 ** step;
  return {
    x: Math.floor(((place.longitude + LONGITUDE_MAX) / (2 * LONGITUDE_MAX)) * cells),
    y: Math.floor(((place.latitude + latitudeMax) / (2 * latitudeMax)) * cells),
    step,
  };
}

/** Degrees at which a column or row of a grid begins. */
export function longitudeAt(x: number, step: number): number {
  return -LONGITUDE_MAX + (x / 2 ** step) * (2 * LONGITUDE_MAX);
}

export function latitudeAt(y: number, step: number): number {
  return -LATITUDE_MAX + (y / 2 ** step) * (2 * LATITUDE_MAX);
}

/** The lowest score in a cell; the next cell begins `scoresOf(step)` above it. */
export function lowestScore({ x, y, step }: Cell): number {
  return interleaved(x, y) * 2 ** (SCORE_BITS - 2 * step);
}

export function scoresOf(step: number): number {
  return 2 ** (SCORE_BITS - 2 * step);
}

export function encodePlace(place: Place): number {
  return lowestScore(cellOf(place, STEP_MAX));
}

/** The middle of the cell that a score stands for; of one off the map, the nearest place on it. */
export function decodePlace(score: number, place: Place): void {
  let high = Math.floor(score / TWO_32);
  let low = score % TWO_32;
  if (!(score >= 0 && score < PLAIN_SCORES_END)) {
    const bits = bitsOf(score);
    high = Number(bits >> 32n);
    low = Number(bits & 0xffff_ffffn);
  }
  const x = joined(high >>> 1, low >>> 1);
  const y = joined(high, low);
  const longitude = (longitudeAt(x, STEP_MAX) + longitudeAt(x + 1, STEP_MAX)) / 2;
  const latitude = (latitudeAt(y, STEP_MAX) + latitudeAt(y + 1, STEP_MAX)) / 2;
  place.longitude = Math.min(LONGITUDE_MAX, longitude);
  place.latitude = Math.min(LATITUDE_MAX, latitude);
}

/** A score that is no place as C casts it to an unsigned integer of 64 bits. */
function bitsOf(score: number): bigint {
  if (!(score < 2 ** 64)) return 0n;
  if (score < -(2 ** 63)) return 1n << 63n;
  return BigInt.asUintN(64, BigInt(Math.trunc(score)));
}

/** The geohash that others know, of 11 characters, the last of which tells nothing. */
export function geohashText(place: Place): string {
  const { x, y } = cellOf(place, STEP_MAX, GEOHASH_LATITUDE_MAX);
  const bits = interleaved(x, y);
  let text = '';
  for (let i = 1; i < GEOHASH_CHARS; i += 1) {
    text += GEOHASH_ALPHABET[Math.floor(bits / 2 ** (SCORE_BITS - 5 * i)) % 32];
  }
  return `${text}0`;
}

/** Meters between two places along the earth's surface (haversine). */
export function distanceBetween(a: Place, b: Place): number {
  const v = Math.sin((b.longitude * DEGREE - a.longitude * DEGREE) / 2);
  if (v === 0) return latitudeDistance(a.latitude, b.latitude);
  const from = a.latitude * DEGREE;
  const to = b.latitude * DEGREE;
  const u = Math.sin((to - from) / 2);
  const root = Math.sqrt(u * u + Math.cos(from) * Math.cos(to) * v * v);
  return 2 * EARTH_RADIUS * Math.asin(root);
}

/** Meters between two parallels. */
export function latitudeDistance(a: number, b: number): number {
  return EARTH_RADIUS * Math.abs(b * DEGREE - a * DEGREE);
}

/** Degrees of a great circle in so many meters. */
export function degreesOf(meters: number): number {
  return meters / EARTH_RADIUS / DEGREE;
}

/** How much shorter a degree of longitude is at this latitude than at the equator. */
export function parallelRatio(latitude: number): number {
  return Math.cos(latitude * DEGREE);
}

/** The bits of y at even places and those of x at odd ones. */
function interleaved(x: number, y: number): number {
  const low = spread(y & 0xffff) | (spread(x & 0xffff) << 1);
  const high = spread(y >>> 16) | (spread(x >>> 16) << 1);
  return (high >>> 0) * TWO_32 + (low >>> 0);
}

/** Puts a zero before each of 16 bits. */
function spread(bits: number): number {
  let spreading = (bits | (bits << 8)) & 0x00ff00ff;
  spreading = (spreading | (spreading << 4)) & 0x0f0f0f0f;
  spreading = (spreading | (spreading << 2)) & 0x33333333;
  return (spreading | (spreading << 1)) & 0x55555555;
}

/** The even bits of a number of 64. */
function joined(high: number, low: number): number {
  return ((gathered(high) << 16) | gathered(low)) >>> 0;
}

/** The even bits of a number of 32. */
function gathered(bits: number): number {
  let gathering = bits & 0x55555555;
  gathering = (gathering | (gathering >>> 1)) & 0x33333333;
  gathering = (gathering | (gathering >>> 2)) & 0x0f0f0f0f;
  gathering = (gathering | (gathering >>> 4)) & 0x00ff00ff;
  return (gathering | (gathering >>> 8)) & 0xffff;
}
