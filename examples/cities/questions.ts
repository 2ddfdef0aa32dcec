/**
 * Questions that are answered by ranges of keys. Each is one or two commands, and takes
 * logarithmic time whatever lies between: the tree counts what is below each of its nodes.
 */

import type { Redis } from 'ioredis';
import { afterName, beforeCountry, betweenNames, country, type Interval } from './keys.js';

export interface Place {
  readonly key: string;
  readonly name: string;
  readonly country: string;
  readonly population: number;
}

function placeOf(key: string, value: string): Place {
  const { name, country: code, population } = JSON.parse(value) as Place;
  return { key, name, country: code, population };
}

export async function countOf(redis: Redis, interval: Interval): Promise<number> {
  return Number(await redis.call('KCOUNT', interval.min, interval.max));
}

/** The places of a country in the order of their names, from `offset` on. */
export async function placesOfCountry(
  redis: Redis,
  code: string,
  offset: number,
  count: number,
): Promise<Place[]> {
  const { min, max } = country(code);
  const limit = ['LIMIT', String(offset), String(count)];
  const reply = await redis.call('KRANGE', min, max, ...limit, 'WITHVALUES');
  // A client that speaks RESP3 gets pairs, one that speaks RESP2 keys and values by turns.
  const flat = (reply as (string | string[])[]).flat();
  return flat.flatMap((key, index) =>
    index % 2 === 0 ? [placeOf(key, flat[index + 1] ?? '{}')] : [],
  );
}

/** The first place, of whatever country, whose key follows all those of this name. */
export async function firstAfter(
  redis: Redis,
  code: string,
  name: string,
): Promise<Place | undefined> {
  const key = (await redis.call('KNEXT', afterName(code, name))) as string | null;
  if (key === null) return undefined;
  return placeOf(key, (await redis.get(key)) ?? '{}');
}

/** How many places of a country have names from `from` to `to`, both included. */
export function countBetween(
  redis: Redis,
  code: string,
  from: string,
  to: string,
): Promise<number> {
  return countOf(redis, betweenNames(code, from, to));
}

/** The n-th place of a country, counted from 1. */
export async function nthOfCountry(
  redis: Redis,
  code: string,
  n: number,
): Promise<Place | undefined> {
  if (n < 1 || n > (await countOf(redis, country(code)))) return undefined;
  const before = await countOf(redis, beforeCountry(code));
  const found = await redis.call('KNTH', String(before + n - 1), 'WITHVALUES');
  const [key, value] = (found ?? []) as string[];
  return key === undefined || value === undefined ? undefined : placeOf(key, value);
}
