/** Cutting ranges, where members may stand, and who moves: against obvious oracles. */
import t from 'tap';
import { comparePositions, isInRange, type RingRange } from '../../discord/ring/position.js';
import { Settings } from '../../lib/config/settings.js';
import { cutOf } from '../../lib/loops/cut.js';
import { movesOf } from '../../lib/loops/move-plan.js';
import { allowedPositions, tagPrefixBytes } from '../../lib/loops/position-rule.js';
import { Store } from '../../lib/store/store.js';
import { ManualWorld } from '../support/manual-world.js';
import { type SeededRandom, seededRandom, seedOfRun } from '../support/random.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);

const ROUNDS = 60;

/** As Redis finds it, the slow way. */
function tagPrefix(key: string): string {
  return /^[^{]*\{[^}]+\}/.exec(key)?.[0] ?? '';
}

function randomKey(random: SeededRandom): string {
  const letters = random.pick(['{}', '{a}', '{a}b~', 'ab', '\u0000{a}\u00ff']);
  return Array.from({ length: random.below(8) }, () => random.pick([...letters])).join('');
}

t.test('tags', (t) => {
  const rows: [string, number][] = [
    ['', 0],
    ['{}', 0],
    ['{a}', 3],
    ['x{a}b{c}', 4],
    ['{}{a}', 0],
    ['{a', 0],
    ['a}{b}', 5],
    ['{{a}}', 4],
  ];
  for (const [key, bytes] of rows) t.equal(tagPrefixBytes(Buffer.from(key)), bytes, key);
  for (let round = 0; round < 2000; round += 1) {
    const key = randomKey(seededRandom(seed + round));
    const bytes = tagPrefixBytes(Buffer.from(key, 'latin1'));
    if (bytes !== tagPrefix(key).length) t.fail(`seed ${seed + round}: ${JSON.stringify(key)}`);
  }
  t.end();
});

t.test('no allowed position lies between keys of one tag', (t) => {
  for (let round = 0; round < 300; round += 1) {
    const random = seededRandom(seed + round);
    const keys = Array.from({ length: 60 }, () => randomKey(random));
    for (const key of keys.slice(0, 10)) {
      for (const position of allowedPositions(Buffer.from(key, 'latin1'))) {
        if (tagPrefixBytes(position) > 0) t.fail(`seed ${seed + round}: holds a whole tag`);
        const sides = new Map<string, boolean>();
        for (const other of keys) {
          const tag = tagPrefix(other);
          if (tag === '') continue;
          const isAbove = comparePositions(Buffer.from(other, 'latin1'), position) > 0;
          const known = sides.get(tag) ?? isAbove;
          if (known !== isAbove) t.fail(`seed ${seed + round}: ${tag} on both sides`);
          sides.set(tag, isAbove);
        }
      }
    }
  }
  t.end();
});

function filledStore(random: SeededRandom): { store: Store; keys: Buffer[] } {
  const store = new Store({ world: new ManualWorld() }, new Settings());
  const keys: Buffer[] = [];
  for (let n = 0; n < random.below(200); n += 1) {
    const key = Buffer.from(
      random.chance(0.5) ? `k${random.below(500)}` : randomKey(random),
      'latin1',
    );
    const { tree } = store.databases[random.pick([0, 0, 0, 5])]!;
    const isNew = tree.find(key, 0, key.length) === 0;
    tree.put(key, 0, key.length, n + 1, 1, 0, 0, key, 0, key.length);
    if (isNew) keys.push(key);
  }
  return { store, keys };
}

/** The best that any allowed position between two keys achieves. */
function bestCut(keys: readonly Buffer[], range: RingRange, above: number): number | undefined {
  const inside = keys.filter((key) => isInRange(range, key));
  let best: number | undefined;
  for (const key of inside) {
    for (const position of allowedPositions(key)) {
      if (comparePositions(position, range.to) === 0 || !isInRange(range, position)) continue;
      const tail = { from: position, to: range.to };
      const count = inside.filter((other) => isInRange(tail, other)).length;
      if (count === 0 || count === inside.length) continue;
      if (best === undefined || Math.abs(count - above) < Math.abs(best - above)) best = count;
    }
  }
  return best;
}

t.test('a cut leaves as many entries above it as it says, about as many as wanted', (t) => {
  let found = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const random = seededRandom(seed + round);
    const { store, keys } = filledStore(random);
    const bounds = [Buffer.from(randomKey(random)), Buffer.from(`k${random.below(500)}`)];
    const range = { from: bounds[0]!, to: random.chance(0.2) ? bounds[0]! : bounds[1]! };
    const inside = keys.filter((key) => isInRange(range, key));
    const above = random.below(Math.max(1, inside.length));
    const cut = cutOf(store, range, above);
    const best = bestCut(keys, range, above);
    if (cut === null) {
      // Where a tag is in the way there may be a place that the search does not look at.
      const isPlain = keys.every((key) => !key.includes('{'));
      if (best !== undefined && isPlain && above > 0) t.fail(`seed ${seed + round}: no cut found`);
      continue;
    }
    found += 1;
    const tail = { from: cut.position, to: range.to };
    const count = inside.filter((key) => isInRange(tail, key)).length;
    t.equal(cut.above, count, `seed ${seed + round}: counted right`);
    t.ok(isInRange(range, cut.position), `seed ${seed + round}: inside`);
    t.equal(tagPrefixBytes(cut.position), 0, `seed ${seed + round}: allowed`);
    t.ok(count > 0 && count < inside.length, `seed ${seed + round}: something on both sides`);
  }
  t.ok(found > ROUNDS / 3, `${found} of ${ROUNDS} were cut`);
  t.end();
});

t.test('a key of another database before the next key of the same is no reason not to cut', (t) => {
  const store = new Store({ world: new ManualWorld() }, new Settings());
  for (const [index, name] of [
    [0, 'abab'],
    [5, 'bab'],
    [0, 'k2'],
  ] as const) {
    const key = Buffer.from(name);
    store.databases[index]!.tree.put(key, 0, key.length, 1, 1, 0, 0, key, 0, key.length);
  }
  const cut = cutOf(store, { from: Buffer.from('x'), to: Buffer.from('k1') }, 1);
  t.match(cut, { position: Buffer.from('abab'), above: 1 });
  t.end();
});

t.test('of keys without tags the cut is where it was wanted, or two keys beside it', (t) => {
  const random = seededRandom(seed);
  const store = new Store({ world: new ManualWorld() }, new Settings());
  const range = { from: Buffer.from('k0499'), to: Buffer.from('k0099') };
  for (let n = 0; n < 600; n += 1) {
    const key = Buffer.from(`k${String(n).padStart(4, '0')}`);
    const { tree } = store.databases[n % 3]!;
    tree.put(key, 0, key.length, n + 1, 1, 0, 0, key, 0, key.length);
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    // Round the end: 500 to 599, then 0 to 99.
    const above = 1 + random.below(199);
    const cut = cutOf(store, range, above);
    t.ok(Math.abs(cut!.above - above) <= 2, `${above} wanted, ${cut!.above} given`);
  }
  t.end();
});

t.test('moves come to an end, the largest share only shrinks, and in the end it is small', (t) => {
  for (let round = 0; round < 400; round += 1) {
    const random = seededRandom(seed + round);
    const count = 2 + random.below(19);
    const owned = Array.from({ length: count }, () =>
      random.chance(0.3) ? 0 : Math.floor(100_000 * random.float() ** 4),
    );
    owned[0]! += 10_000;
    const mean = owned.reduce((sum, each) => sum + each, 0) / count;
    let steps = 0;
    for (;;) {
      const [move] = movesOf(owned, 16);
      if (move === undefined) break;
      const largest = Math.max(...owned);
      owned[move.index]! -= move.amount;
      owned[(move.index + 1) % count]! += move.amount;
      if (Math.max(...owned) > largest) t.fail(`seed ${seed + round}: the largest has grown`);
      if (Math.min(...owned) < 0) t.fail(`seed ${seed + round}: less than nothing`);
      steps += 1;
      if (steps > 20 * count) break;
    }
    if (steps > 20 * count) t.fail(`seed ${seed + round}: no end`);
    const share = Math.max(...owned) / mean;
    if (share > 1.3) t.fail(`seed ${seed + round}: ${share} of the mean`);
  }
  t.end();
});
