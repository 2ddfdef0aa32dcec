/** The cities example against a real node: all places load, and each answer equals a plain sort. */

import { Redis } from 'ioredis';
import t from 'tap';
import { allCities, beforeCountry, country, keyOfCity } from '../../examples/cities/keys.js';
import { loadCities } from '../../examples/cities/load.js';
import { type City, cities } from '../../examples/cities/places.js';
import {
  countBetween,
  countOf,
  firstAfter,
  nthOfCountry,
  placesOfCountry,
} from '../../examples/cities/questions.js';
import { startDhash } from '../support/server-process.js';

interface Sorted {
  readonly key: string;
  readonly city: City;
}

/** The order of the bytes, which is not that of JavaScript's strings. */
function byBytes(a: Sorted, b: Sorted): number {
  return Buffer.compare(Buffer.from(a.key), Buffer.from(b.key));
}

t.test('cities', async (t) => {
  const node = await startDhash();
  t.teardown(() => node.stop());
  const redis = new Redis({ host: node.host, port: node.port });
  t.teardown(() => redis.disconnect());
  const sorted = cities.map((city) => ({ key: keyOfCity(city), city })).sort(byBytes);
  const keysOf = (code: string): string[] =>
    sorted.filter(({ city }) => city.country === code).map(({ key }) => key);

  const progress: number[] = [];
  await loadCities(redis, cities, (loadedCount) => progress.push(loadedCount));
  t.equal(progress.at(-1), cities.length);
  t.equal(await redis.dbsize(), cities.length);
  t.equal(await countOf(redis, allCities), cities.length);

  for (const code of ['SE', 'DE', 'US', 'AQ', 'VA']) {
    const keys = keysOf(code);
    t.equal(await countOf(redis, country(code)), keys.length, `${code}: count`);
    const all = await placesOfCountry(redis, code, 0, cities.length);
    t.strictSame(
      all.map((place) => place.key),
      keys,
      `${code}: all places, in order`,
    );
    const page = await placesOfCountry(redis, code, 2, 3);
    t.strictSame(
      page.map((place) => place.key),
      keys.slice(2, 5),
      `${code}: a page`,
    );
    t.equal(
      await countOf(redis, beforeCountry(code)),
      sorted.findIndex(({ key }) => key === keys[0]),
      `${code}: what lies before`,
    );
    for (const n of [1, 2, keys.length]) {
      t.equal((await nthOfCountry(redis, code, n))?.key, keys[n - 1], `${code}: number ${n}`);
    }
    t.equal(await nthOfCountry(redis, code, keys.length + 1), undefined, `${code}: none beyond`);
  }

  const swedish = keysOf('SE');
  const names = swedish.map((key) => key.split(':')[2] ?? '');
  const expected = swedish.filter((key) => {
    const bytes = Buffer.from(key);
    return (
      Buffer.compare(bytes, Buffer.from('city:SE:Malmö:')) >= 0 &&
      Buffer.compare(bytes, Buffer.from('city:SE:Uppsala;')) < 0
    );
  });
  t.equal(await countBetween(redis, 'SE', 'Malmö', 'Uppsala'), expected.length);
  t.ok(expected.length > 100 && expected.length < swedish.length);
  const after = await firstAfter(redis, 'SE', 'Stockholm');
  t.equal(after?.key, swedish[names.lastIndexOf('Stockholm') + 1]);
  t.equal(after?.country, 'SE');
  t.equal(await firstAfter(redis, 'ZZ', 'x'), undefined, 'nothing follows the last place');
});
