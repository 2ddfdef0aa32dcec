/**
 * The keys of the example, and the intervals between them.
 *
 *   city:SE:Stockholm:2673730
 *        |  |         GeoNames id, since names repeat
 *        |  name, as it is written there
 *        country, two letters
 *
 * Keys are ordered byte by byte, so all places of a country lie side by side, by name, and every
 * question about a country or a name is a question about one interval. `;` is the character after
 * `:`, which makes `city:SE;` the end of everything that begins with `city:SE:`.
 */

import type { City } from './places.js';

const BEFORE_ALL = 'city:';

export interface Interval {
  readonly min: string;
  readonly max: string;
}

export function keyOfCity(city: City): string {
  return `${BEFORE_ALL}${city.country}:${city.name}:${city.cityId}`;
}

export const allCities: Interval = { min: '[city:', max: '(city;' };

export function country(code: string): Interval {
  return { min: `[${BEFORE_ALL}${code}:`, max: `(${BEFORE_ALL}${code};` };
}

/** The key after which the names that follow `name` begin. */
export function afterName(code: string, name: string): string {
  return `${BEFORE_ALL}${code}:${name};`;
}

/** From the first place called `from` to the last one called `to`. */
export function betweenNames(code: string, from: string, to: string): Interval {
  return { min: `[${BEFORE_ALL}${code}:${from}:`, max: `(${afterName(code, to)}` };
}

/** Everything in front of a country. */
export function beforeCountry(code: string): Interval {
  return { min: '-', max: `(${BEFORE_ALL}${code}:` };
}
