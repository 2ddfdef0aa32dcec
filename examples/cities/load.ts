/** Loads places through an ordinary client library, in pipelines. */

import type { Redis } from 'ioredis';
import { keyOfCity } from './keys.js';
import { type City, valueOfCity } from './places.js';

/** Commands on their way at a time: enough to fill the line, little enough to show progress. */
const PIPELINE_COUNT = 1000;

/** Sets one key per place; `progress` hears how many there are so far. */
export async function loadCities(
  redis: Redis,
  cities: readonly City[],
  progress: (loadedCount: number) => void,
): Promise<void> {
  for (let from = 0; from < cities.length; from += PIPELINE_COUNT) {
    const pipeline = redis.pipeline();
    const batch = cities.slice(from, from + PIPELINE_COUNT);
    for (const city of batch) pipeline.set(keyOfCity(city), valueOfCity(city));
    for (const [error] of (await pipeline.exec()) ?? []) if (error !== null) throw error;
    progress(from + batch.length);
  }
}
