/**
 * The grammar of commands on places. Searches go to keys of their own, so that GEOHASH meets no
 * score that is off the map, for which Redis tells what happens to lie in memory.
 */
import { choice, key, lit, type Make, opt, pick, type Row, rep, row, seq } from './makers.js';

const places: Make = pick('geo', 'geo', 'geo', 'geo2');
const member: Make = pick('a', 'b', 'c', 'Palermo', 'Catania', 'pole', 'x');

const degrees: Make = ({ random }) => [
  Buffer.from(((random.float() - 0.5) * (random.chance(0.5) ? 2 : 360)).toFixed(random.below(15))),
];
const longitude: Make = choice(
  degrees,
  degrees,
  pick('0', '180', '-180', '13.361389', '15.087269', '180.1', '-1e9', 'x', 'inf', '179.999'),
);
const latitude: Make = choice(
  ({ random }) => [
    Buffer.from(
      ((random.float() - 0.5) * (random.chance(0.5) ? 2 : 170)).toFixed(random.below(15)),
    ),
  ],
  pick('0', '85.05112878', '-85.05112878', '38.115556', '37.502669', '85.06', 'x', '-91', '84.9'),
);

const unit: Make = pick('m', 'km', 'km', 'km', 'mi', 'ft', 'KM', 'yd', '');
const length: Make = choice(
  pick('0', '1', '10', '100', '200', '1000', '5000', '20000', '-1', 'x', '1e7', '0.5', 'inf'),
  ({ random }) => [Buffer.from((random.float() * 10 ** random.below(8)).toFixed(3))],
);

const from: Make = choice(
  seq(lit('FROMLONLAT'), longitude, latitude),
  seq(lit('FROMMEMBER'), member),
);
const by: Make = choice(
  seq(lit('BYRADIUS'), length, unit),
  seq(lit('BYBOX'), length, length, unit),
);

const order: Make = choice(
  lit(),
  pick('ASC', 'DESC', 'asc'),
  seq(lit('COUNT'), pick('1', '2', '3', '100', '0', '-1', 'x')),
  seq(lit('COUNT'), pick('1', '2', '100'), lit('ANY')),
  seq(pick('ASC', 'DESC'), lit('COUNT'), pick('1', '2', '3')),
  lit('ANY'),
);
const withs: Make = rep(0, 2, pick('WITHDIST', 'WITHCOORD', 'WITHHASH'));
const odd: Make = opt(
  choice(pick('STORE', 'STOREDIST', 'ANY', 'foo'), seq(lit('FROMMEMBER', 'a')), by, from),
  0.05,
);
const store: Make = choice(lit(), seq(lit('STORE'), pick('geo2', 'geo3')));

export const geoRows: readonly Row[] = [
  row(
    'GEOADD',
    50,
    places,
    rep(0, 1, pick('NX', 'XX', 'CH')),
    rep(1, 3, seq(longitude, latitude, member)),
  ),
  row('GEOADD', 30, places, rep(1, 3, seq(degrees, pick('0.1', '45', '-80'), member))),
  row('GEOPOS', 12, choice(places, places, key), rep(0, 3, member)),
  row('GEODIST', 14, places, member, member, opt(unit), opt(lit('foo'), 0.04)),
  row('GEOHASH', 10, places, rep(0, 3, member)),
  row('GEOSEARCH', 50, places, from, by, order, withs, odd),
  row('GEOSEARCH', 5, key, from, by, order, withs),
  row('GEOSEARCHSTORE', 10, pick('geo2', 'geo3'), places, from, by, order, odd),
  row('GEORADIUS', 14, places, longitude, latitude, length, unit, order, withs, store, odd),
  row('GEORADIUS_RO', 6, places, longitude, latitude, length, unit, order, withs, odd),
  row('GEORADIUSBYMEMBER', 14, places, member, length, unit, order, withs, store, odd),
  row('GEORADIUSBYMEMBER_RO', 6, places, member, length, unit, order, withs, odd),
];
