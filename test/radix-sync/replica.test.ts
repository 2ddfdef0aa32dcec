import t, { type Test } from 'tap';
import { ByteReader, ByteWriter } from '../../radix/sync/bytes.js';
import {
  comparePlaces,
  decodePlaces,
  encodePlaces,
  FIRST_PLACE,
  type Place,
  separator,
} from '../../radix/sync/place.js';
import { Ranges, writeBalancedBounds } from '../../radix/sync/ranges.js';
import { Replica } from '../../radix/sync/replica.js';
import type { Item } from '../../radix/sync/takers.js';
import type { KeyRange } from '../../radix/sync/view.js';
import { anyKey, KEY_SHAPES } from '../radix/shapes.js';
import { type SeededRandom, seededRandom, seedOfRun } from '../support/random.js';
import { checkStore, dropStore, newStore, putElements, putKeys, randomPair } from './stores.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);

interface Seen {
  place: Place;
  low: number;
  high: number;
}

/** All items, by one scan: the slow and obvious way to what prefixes and places say. */
function allItems(replica: Replica, range: KeyRange): Seen[] {
  const items: Seen[] = [];
  const visit = (item: Item): boolean => {
    const { tree } = replica.databases[item.db]!;
    const { elements } = replica.elementsOf(item);
    const key = item.leaf === 0 ? null : tree.key(item.leaf);
    const sub = item.element === 0 ? null : elements.key(item.element);
    items.push({ place: { db: item.db, key, sub }, low: item.low, high: item.high });
    return true;
  };
  replica.scan(FIRST_PLACE, null, Number.MAX_SAFE_INTEGER, visit);
  return items.filter(({ place }) => place.key === null || isIn(range, place.key));
}

function isIn({ from, to }: KeyRange, key: Buffer): boolean {
  const isAbove = from === null || from.compare(key) < 0;
  const isUpTo = to === null || to.compare(key) >= 0;
  if (from !== null && to !== null && from.compare(to) >= 0) return isAbove || isUpTo;
  return isAbove && isUpTo;
}

function randomRange(random: SeededRandom): KeyRange {
  const bound = (): Buffer | null => (random.chance(0.3) ? null : anyKey(random));
  return { from: bound(), to: bound() };
}

function randomPlace(random: SeededRandom, items: Seen[]): Place {
  if (items.length > 0 && random.chance(0.6)) return random.pick(items).place;
  const key = random.chance(0.1) ? null : anyKey(random);
  const sub = key === null || random.chance(0.5) ? null : anyKey(random);
  return { db: random.below(4), key, sub };
}

function sumOf(items: Seen[]): { count: number; low: number; high: number } {
  let low = 0;
  let high = 0;
  for (const item of items) {
    low = (low + item.low) | 0;
    high = (high + item.high) | 0;
  }
  return { count: items.length, low, high };
}

for (const [name, shape] of Object.entries(KEY_SHAPES)) {
  t.test(`prefixes, places and scans agree: ${name}`, (t) => {
    const random = seededRandom(seed);
    const [store, other] = randomPair(random, shape, 300, [200, 0]);
    checkStore(store);
    const whole = new Replica(store, { from: null, to: null });
    for (let round = 0; round < 12; round++) {
      const range = round === 0 ? { from: null, to: null } : randomRange(random);
      const replica = new Replica(store, range);
      const items = allItems(replica, range);
      const trees = store.reduce((sum, { tree }) => sum + tree.allCount, 0);
      const clears = store.filter((database) => database.clearedAt > 0).length;
      if (round === 0) t.equal(items.length, trees + clears, 'the scan sees everything');
      t.strictSame(
        items.map(({ place }) => place),
        allItems(whole, range).map(({ place }) => place),
        'a range is what of the whole lies in it',
      );
      checkItems(t, random, replica, items);
    }
    dropStore(store);
    dropStore(other);
    t.end();
  });
}

function checkItems(t: Test, random: SeededRandom, replica: Replica, items: Seen[]): void {
  const same = (a: unknown, b: unknown, what: string): void => {
    if (JSON.stringify(a) !== JSON.stringify(b)) t.strictSame(a, b, what);
  };
  same(replica.prefix(null), sumOf(items), 'the whole');
  for (const [index, item] of items.entries()) {
    same(replica.placeOf(index), item.place, `place of ${index}`);
    if (index > 0 && comparePlaces(items[index - 1]!.place, item.place) >= 0) t.fail('ascend');
  }
  t.equal(replica.placeOf(items.length), null);
  for (let i = 0; i < 20; i++) {
    const from = randomPlace(random, items);
    const to = random.chance(0.2) ? null : randomPlace(random, items);
    const before = items.filter(({ place }) => comparePlaces(place, from) < 0);
    same(replica.prefix(from), sumOf(before), `prefix ${JSON.stringify(from)}`);
    const expected = items.filter(
      ({ place }) =>
        comparePlaces(place, from) >= 0 && (to === null || comparePlaces(place, to) < 0),
    );
    const hashes: string[] = [];
    let at: Place | null = from;
    while (at !== null) {
      at = replica.scan(at, to, 7, (item) => {
        hashes.push(`${item.low} ${item.high}`);
        return true;
      });
    }
    same(
      hashes,
      expected.map((item) => `${item.low} ${item.high}`),
      'scan in blocks',
    );
  }
}

t.test('separators are between, places come back from the wire', (t) => {
  const random = seededRandom(seed);
  for (let round = 0; round < 60; round++) {
    const shape = random.pick(Object.values(KEY_SHAPES));
    const places: Place[] = [];
    for (let i = random.below(40); i > 0; i--) {
      const key = random.chance(0.05) ? null : shape(random);
      const sub = key === null || random.chance(0.7) ? null : anyKey(random);
      places.push({ db: random.below(3), key, sub });
    }
    places.sort(comparePlaces);
    const ascending = places.filter(
      (place, i) => comparePlaces(places[i - 1] ?? FIRST_PLACE, place) < 0,
    );
    for (const [i, high] of ascending.entries()) {
      const low = ascending[i - 1] ?? FIRST_PLACE;
      const middle = separator(low, high);
      if (comparePlaces(low, middle) >= 0 || comparePlaces(middle, high) > 0) {
        t.fail(JSON.stringify([low, middle, high]));
      }
    }
    const writer = new ByteWriter();
    const written = encodePlaces(writer, ascending, 2 ** 20);
    if (written.length !== ascending.length) t.fail('all are written');
    const reader = new ByteReader(writer.view());
    const read = decodePlaces(reader, ascending.length, 3);
    reader.end();
    if (JSON.stringify(read) !== JSON.stringify(ascending)) t.strictSame(read, ascending);
    const bytesMax = random.below(200);
    writer.clear();
    const fewer = encodePlaces(writer, ascending, bytesMax);
    t.ok(writer.length <= bytesMax, 'a limit is kept');
    const again = decodePlaces(new ByteReader(writer.view()), fewer.length, 3);
    if (JSON.stringify(again) !== JSON.stringify(fewer)) t.strictSame(again, fewer);
  }
  t.end();
});

const BAD_PLACES = [
  ['an unknown code', [7]],
  ['an empty run', [0, 0]],
  ['a run from nothing', [0, 1]],
  ['a run over 255', [2, 0, 1, 255, 0, 1]],
  ['a sub key without a key', [3, 0, 1, 97]],
  ['more shared than there is', [2, 1, 1, 97]],
  ['not ascending', [2, 0, 1, 98, 2, 0, 1, 97]],
  ['in no database', [1, 3]],
  ['dropping more than there is', [2, 0, 1, 97, 0xa1, 98]],
  ['cut off', [2, 0, 5, 97]],
] as const;

t.test('what is no list of places is refused', (t) => {
  for (const [name, bytes] of BAD_PLACES) {
    const reader = new ByteReader(Buffer.from(bytes));
    t.throws(() => decodePlaces(reader, 2, 3), { code: 'SYNC_BAD_FRAME' }, name);
  }
  t.end();
});

const DISTRIBUTIONS: [string, number, (random: SeededRandom, i: number) => Buffer][] = [
  ['uniform', 150, (random) => random.bytes(16)],
  ['ordered', 900, (_random, i) => Buffer.from(`user:${String(i).padStart(6, '0')}`)],
  ['skewed', 1300, (random, i) => Buffer.from(`user:${Math.floor(i * random.float() ** 4)}:${i}`)],
];

t.test('sub ranges are balanced, and short to describe', (t) => {
  for (const [name, bytesMax, key] of DISTRIBUTIONS) {
    const random = seededRandom(seed);
    const store = newStore(0);
    putKeys(
      store,
      Array.from({ length: 30_000 }, (_, i) => key(random, i)),
      5,
    );
    checkBalance(t, new Replica(store, { from: null, to: null }), name, bytesMax);
    dropStore(store);
  }
  const store = newStore(0);
  const members = Array.from({ length: 30_000 }, (_, i) => Buffer.from(`${i}`.padStart(5, '0')));
  putElements(store, Buffer.from('one big set'), members, 5);
  checkBalance(t, new Replica(store, { from: null, to: null }), 'one sub tree', 900);
  dropStore(store);
  t.end();
});

function finish<T>(task: Generator<unknown, T, void>): T {
  for (;;) {
    const step = task.next();
    if (step.done === true) return step.value;
  }
}

function checkBalance(t: Test, replica: Replica, name: string, bytesMax: number): void {
  const writer = new ByteWriter();
  const bounds = finish(writeBalancedBounds(replica, writer));
  const ranges = finish(Ranges.of(replica, bounds));
  const mean = replica.prefix(null).count / ranges.length;
  t.comment(`${name}: ${ranges.length} ranges, bounds take ${writer.length} bytes`);
  t.ok([192, 256].includes(ranges.length), name);
  t.ok(Math.max(...ranges.counts) <= 1.8 * mean, `${name}: the largest`);
  t.ok(Math.min(...ranges.counts) >= 0.25 * mean, `${name}: the smallest`);
  t.ok(writer.length <= bytesMax, `${name}: ${writer.length} bytes`);
}
