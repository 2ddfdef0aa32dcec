/** Places. Replies are those of redis-server 7.0.15. */
import t from 'tap';
import { ReplyDouble } from '../../resp/reply-parser.js';
import { localClient } from '../support/local.js';
import { Scene } from '../support/scene.js';
import { NOT_FLOAT, NOT_INTEGER, OK, type Step, SYNTAX, testRows } from './rows.js';

const WRONG_TYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value';
const BAD_UNIT = '-ERR unsupported unit provided. please use M, KM, FT, MI';
const NO_MEMBER = '-ERR could not decode requested zset member';

const SICILY: Step = ['GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania', 2];
const PALERMO = ['13.36138933897018433', '38.11555639549629859'];
const CATANIA = ['15.08726745843887329', '37.50266842333162032'];

testRows('places', [
  [
    'GEOADD, GEOPOS, GEOHASH, GEODIST',
    SICILY,
    ['ZSCORE g Palermo', '3479099956230698'],
    ['GEOPOS g Palermo x Catania', [PALERMO, null, CATANIA]],
    ['GEOPOS x a', [null]],
    ['GEOPOS g', []],
    ['GEOHASH g Palermo Catania x', ['sqc8b49rny0', 'sqdtr74hyu0', null]],
    ['GEODIST g Palermo Catania', '166274.1516'],
    ['GEODIST g Palermo Catania km', '166.2742'],
    ['GEODIST g Palermo Catania MI', '103.3182'],
    ['GEODIST g Palermo Palermo ft', '0.0000'],
    ['GEODIST g Palermo x', null],
    ['GEODIST x a b', null],
    ['GEODIST g Palermo Catania yd', BAD_UNIT],
    ['GEODIST g a b m x', SYNTAX],
  ],
  [
    'options of GEOADD',
    ['GEOADD g NX 1 1 a', 1],
    ['GEOADD g NX 2 2 a', 0],
    ['GEOADD g XX CH 2 2 a 3 3 b', 1],
    ['GEOADD g CH 2 2 a 3 3 b', 1],
    ['ZCARD g', 2],
    ['GEOADD g NX XX 1 1 a', SYNTAX],
    ['GEOADD g 1 1', "-ERR wrong number of arguments for 'geoadd' command"],
    ['GEOADD g 1 1 a 2', SYNTAX],
    ['GEOADD g x 1 a', NOT_FLOAT],
    ['GEOADD g 181 1 a', '-ERR invalid longitude,latitude pair 181.000000,1.000000'],
    ['GEOADD g 1 1 c -0 86 a', '-ERR invalid longitude,latitude pair -0.000000,86.000000'],
    ['ZCARD g', 2],
  ],
  [
    'the edge of the map',
    ['GEOADD g 180 85.05112878 a -180 -85.05112878 b', 2],
    ['GEOPOS g a', [['180', '85.0511287799999991']]],
    ['GEOPOS g b', [['-179.99999731779098511', '-85.05112751263942528']]],
  ],
  [
    'wrong types',
    ['SET s 1', OK],
    ['GEOADD s 1 1 a', WRONG_TYPE],
    ['GEOPOS s a', WRONG_TYPE],
    ['GEOSEARCH s FROMLONLAT 1 1 BYRADIUS 1 m', WRONG_TYPE],
    ['GEOSEARCHSTORE d s FROMLONLAT 1 1 BYRADIUS 1 m', WRONG_TYPE],
  ],
]);

testRows('searches', [
  [
    'GEOSEARCH',
    SICILY,
    ['GEOADD g 12.758489 38.788135 edge1 17.241510 38.788135 edge2', 2],
    ['GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km ASC', ['Catania', 'Palermo']],
    ['GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km DESC', ['Palermo', 'Catania']],
    ['GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km COUNT 1', ['Catania']],
    [
      'GEOSEARCH g FROMLONLAT 15 37 BYBOX 400 400 km ASC WITHCOORD WITHDIST WITHHASH COUNT 2',
      [
        ['Catania', '56.4413', 3479447370796909, CATANIA],
        ['Palermo', '190.4424', 3479099956230698, PALERMO],
      ],
    ],
    ['GEOSEARCH g FROMMEMBER Palermo BYRADIUS 0 m', ['Palermo']],
    [
      'GEOSEARCH g FROMMEMBER Palermo BYRADIUS 100 mi WITHDIST',
      [
        ['Palermo', '0.0000'],
        ['edge1', '56.7939'],
      ],
    ],
    ['GEOSEARCH g FROMMEMBER x BYRADIUS 1 m', NO_MEMBER],
    ['GEOSEARCH x FROMMEMBER x BYRADIUS 1 m', []],
    ['GEOSEARCH g FROMLONLAT 0 0 BYRADIUS 20000 km ASC COUNT 1 ANY', ['Palermo']],
  ],
  [
    'wrong arguments of GEOSEARCH',
    SICILY,
    [
      'GEOSEARCH g BYRADIUS 1 m ASC WITHDIST',
      '-ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for GEOSEARCH',
    ],
    [
      'GEOSEARCH g FROMLONLAT 1 1 ASC WITHDIST',
      '-ERR exactly one of BYRADIUS and BYBOX can be specified for GEOSEARCH',
    ],
    ['GEOSEARCH g FROMLONLAT 1 1 BYRADIUS 1 m BYBOX 1 1 m', SYNTAX],
    ['GEOSEARCH g FROMLONLAT 1 1 FROMMEMBER Palermo BYRADIUS 1 m', SYNTAX],
    ['GEOSEARCH g FROMLONLAT 1 1 BYRADIUS x m', '-ERR need numeric radius'],
    ['GEOSEARCH g FROMLONLAT 1 1 BYRADIUS -1 m', '-ERR radius cannot be negative'],
    ['GEOSEARCH g FROMLONLAT 1 1 BYRADIUS 1 yd', BAD_UNIT],
    ['GEOSEARCH g FROMLONLAT 1 1 BYBOX x 1 m', '-ERR need numeric width'],
    ['GEOSEARCH g FROMLONLAT 1 1 BYBOX 1 x m', '-ERR need numeric height'],
    ['GEOSEARCH g FROMLONLAT 1 1 BYBOX 1 -1 m', '-ERR height or width cannot be negative'],
    ['GEOSEARCH g FROMLONLAT 1 1 BYRADIUS 1 m COUNT 0', '-ERR COUNT must be > 0'],
    ['GEOSEARCH g FROMLONLAT 1 1 BYRADIUS 1 m COUNT x', NOT_INTEGER],
    [
      'GEOSEARCH g FROMLONLAT 1 1 BYRADIUS 1 m ANY',
      '-ERR the ANY argument requires COUNT argument',
    ],
    ['GEOSEARCH g FROMLONLAT 1 1 BYRADIUS 1 m STORE d', SYNTAX],
  ],
  [
    'GEOSEARCHSTORE',
    SICILY,
    ['GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 200 km ASC COUNT 1', 1],
    ['ZRANGE d 0 -1 WITHSCORES', ['Catania', '3479447370796909']],
    ['GEOSEARCHSTORE d g FROMLONLAT 15 37 BYBOX 400 400 km STOREDIST', 2],
    [
      'ZRANGE d 0 -1 WITHSCORES',
      ['Catania', '56.441257870158204', 'Palermo', '190.44242984775784'],
    ],
    [
      'GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 1 km WITHDIST',
      '-ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options',
    ],
    ['GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 1 m', 0],
    ['EXISTS d', 0],
  ],
  [
    'GEORADIUS and GEORADIUSBYMEMBER',
    SICILY,
    ['GEORADIUS g 15 37 200 km ASC', ['Catania', 'Palermo']],
    ['GEORADIUS g 15 37 100 km WITHDIST', [['Catania', '56.4413']]],
    ['GEORADIUS g 15 37 200 km STORE d', 2],
    ['ZCARD d', 2],
    ['GEORADIUS g 15 37 100 km STOREDIST d', 1],
    ['ZRANGE d 0 -1 WITHSCORES', ['Catania', '56.441257870158204']],
    ['GEORADIUSBYMEMBER g Palermo 200 km ASC', ['Palermo', 'Catania']],
    ['GEORADIUSBYMEMBER g x 200 km', NO_MEMBER],
    ['GEORADIUSBYMEMBER x x 200 km', []],
    ['GEORADIUSBYMEMBER x x 200 km STORE d', 0],
    ['EXISTS d', 0],
    ['GEORADIUS_RO g 15 37 100 km', ['Catania']],
    ['GEORADIUS_RO g 15 37 200 km STORE d', SYNTAX],
    ['GEORADIUSBYMEMBER_RO g Catania 1 km', ['Catania']],
    [
      'GEORADIUS g 15 37 200 km STORE d WITHDIST',
      '-ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options',
    ],
  ],
]);

t.test('RESP3: degrees are doubles', async (t) => {
  const client = await localClient();
  client.send('HELLO', '3');
  client.send('GEOADD', 'g', '13.361389', '38.115556', 'Palermo');
  const degrees = PALERMO.map((text) => new ReplyDouble(Number(text)));
  t.same(client.send('GEOPOS', 'g', 'Palermo'), [degrees]);
});

t.test('searches of many places, in slices', async (t) => {
  const count = 4000;
  const scene = await Scene.filled((writer) => {
    for (let i = 0; i < count; i += 1) {
      writer.send('GEOADD', 'g', `${(i % 100) / 100}`, `${Math.floor(i / 100) / 100}`, `p${i}`);
    }
  });
  const { reader, writer } = scene;
  reader.post(
    'GEOSEARCH',
    'g',
    'FROMLONLAT',
    '0',
    '0',
    'BYBOX',
    '1000',
    '1000',
    'km',
    'ASC',
    'WITHDIST',
  );
  const { reply, turns } = scene.awaitReply((turn) => {
    if (turn === 3) writer.send('ZREM', 'g', 'p0');
  });
  t.ok(turns > 5, `${turns} turns`);
  const found = reply as [string, string][];
  t.equal(found.length, count - 1, 'it has begun again');
  const distances = found.map(([, distance]) => Number(distance));
  t.ok(
    distances.every((distance, i) => i === 0 || distances[i - 1]! <= distance),
    'nearest first',
  );

  reader.post('GEOSEARCHSTORE', 'd', 'g', 'FROMLONLAT', '0', '0', 'BYRADIUS', '1000', 'km');
  t.equal(scene.awaitReply().reply, count - 1);
  t.equal(writer.send('ZCARD', 'd'), count - 1);

  reader.post('GEOSEARCH', 'g', 'FROMLONLAT', '0', '0', 'BYRADIUS', '1000', 'km');
  scene.local.world.turn();
  reader.link.destroy();
  scene.local.world.turn();
  scene.checkStore(t);
  scene.checkMemory(t);
});
