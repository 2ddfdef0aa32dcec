/** SORT in slices, with writers in between; and its sorting alone, against obvious oracles. */
import t, { type Test } from 'tap';
import { type Comparison, mergeSort } from '../../lib/commands/sort/merge-sort.js';
import { partialSort } from '../../lib/commands/sort/partial-sort.js';
import { localClient } from '../support/local.js';
import { seededRandom, seedOfRun } from '../support/random.js';
import { Scene } from '../support/scene.js';

const COUNT = 6000;
const seed = seedOfRun();

function numbers(count: number): string[] {
  const random = seededRandom(7);
  return Array.from({ length: count }, () => `${random.below(count)}`);
}

function inOrder(texts: readonly string[]): string[] {
  return texts.toSorted((a, b) => Number(a) - Number(b) || (a < b ? -1 : 1));
}

/** A list, a set and a sorted set of numbers, and a weight for each number. */
function filled(): Promise<Scene> {
  return Scene.filled((writer) => {
    const all = numbers(COUNT);
    writer.send('RPUSH', 'l', ...all);
    writer.send('SADD', 's', ...all);
    writer.send('ZADD', 'z', ...all.flatMap((text, i) => [`${i}`, text]));
    const weights = Array.from({ length: COUNT }, (_, i) => [`w_${i}`, `${COUNT - i}`]);
    writer.send('MSET', ...weights.flat());
  });
}

function checkEmpty(t: Test, scene: Scene): void {
  const { store } = scene.local.node;
  t.equal(store.watches.size, 0, 'nobody listens');
  scene.checkStore(t);
  scene.checkMemory(t);
}

t.test('what a sorted set is kept in afterwards, and other replies', async (t) => {
  const client = await localClient();
  client.send('ZADD', 'z', '1', 'b', '2', 'a');
  t.same(client.send('SORT_RO', 'z', 'ALPHA'), ['a', 'b']);
  t.equal(client.send('OBJECT', 'ENCODING', 'z'), 'skiplist', 'as in Redis');
  client.send('RPUSH', 'l', '3', '', '1', ' 2', '0x10', '-inf');
  t.same(client.send('SORT', 'l'), ['-inf', '', '1', ' 2', '3', '0x10']);
  t.equal(client.send('SORT', 'l', 'STORE', 'd'), 6);
  t.equal(client.send('RPUSH', 'l', 'x'), 7);
  const wrong = "-ERR One or more scores can't be converted into double";
  t.equal(client.send('SORT', 'l', 'STORE', 'd'), wrong);
  t.equal(client.send('SORT', 'l', 'LIMIT', '0', '0'), wrong);
  t.equal(client.send('LLEN', 'd'), 6, 'what was there stays');
  t.match(client.send('SORT', 'l', 'STORE', 'k'.repeat(70_000)), /^-ERR key is too long/);
  t.same(client.send('SORT', 'd', 'BY', `${'k'.repeat(70_000)}*`, 'GET', '#', 'LIMIT', '0', '1'), [
    '',
  ]);
  t.equal(client.send('SORT', 'nothing', 'STORE', 'd'), 0);
  t.equal(client.send('EXISTS', 'd'), 0);
});

t.test('SORT in slices tells of one moment, whatever is written to the key', async (t) => {
  for (const key of ['l', 's', 'z']) {
    const scene = await filled();
    const { reader, writer } = scene;
    const all = key === 'l' ? numbers(COUNT) : [...new Set(numbers(COUNT))];
    reader.post('SORT', key);
    let written = 0;
    const { reply, turns } = scene.awaitReply(() => {
      written += 1;
      if (key === 'l') writer.send('LPUSH', key, `-${written}`);
      else if (key === 's') writer.send('SREM', key, all[written]!);
      else writer.send('ZADD', key, '0.5', `-${written}`, '-1', all[written]!);
      if (written === 20) writer.send('DEL', key);
    });
    t.ok(turns > 20, `${key}: ${turns} turns`);
    t.same(reply, inOrder(all), key);
    checkEmpty(t, scene);
  }
});

t.test('BY and GET begin again when a key that they read changes', async (t) => {
  const scene = await filled();
  const { reader, writer } = scene;
  reader.post('SORT', 's', 'BY', 'w_*', 'GET', '#', 'GET', 'w_*', 'DESC');
  const set = [...new Set(numbers(COUNT))];
  const changed = [set[3]!, set[40]!];
  const { reply, turns } = scene.awaitReply((turn) => {
    // A key of no interest in each turn, and a transaction once.
    writer.send('SET', 'other', `${turn}`);
    if (turn !== 30) return;
    writer.send('MULTI');
    for (const one of changed) writer.send('SET', `w_${one}`, `${1_000_000 + Number(one)}`);
    writer.send('EXEC');
  });
  t.ok(turns > 50, `${turns} turns`);
  const weight = (text: string): number =>
    changed.includes(text) ? 1_000_000 + Number(text) : COUNT - Number(text);
  const expected = set.toSorted((a, b) => weight(b) - weight(a));
  t.same(
    reply,
    expected.flatMap((text) => [text, `${weight(text)}`]),
  );
  checkEmpty(t, scene);
});

t.test('BY ends although its keys change all the time', async (t) => {
  const scene = await filled();
  const { reader, writer } = scene;
  reader.post('SORT', 'l', 'BY', 'w_*', 'STORE', 'd');
  const { reply } = scene.awaitReply((turn) => {
    writer.send('SET', 'w_1', `${turn}`);
  });
  t.equal(reply, COUNT);
  t.equal(writer.send('LLEN', 'd'), COUNT);
  checkEmpty(t, scene);
});

t.test('STORE in slices, onto a key that others write', async (t) => {
  const scene = await filled();
  const { reader, writer } = scene;
  reader.post('SORT', 'l', 'STORE', 'd');
  const waiting = scene.local.client();
  waiting.post('BLPOP', 'd', '0');
  const { reply } = scene.awaitReply((turn) => {
    if (turn === 5) writer.send('SET', 'd', 'text');
    if (turn === 9) writer.send('DEL', 'd');
  });
  t.equal(reply, COUNT);
  scene.local.world.settle();
  const sorted = inOrder(numbers(COUNT));
  t.same(waiting.received(), [['d', sorted[0]]], 'who waits is given the first');
  t.same(writer.send('LRANGE', 'd', '0', '1'), sorted.slice(1, 3));
  t.equal(writer.send('LLEN', 'd'), COUNT - 1);
  checkEmpty(t, scene);
});

t.test('whose client goes leaves nothing behind', async (t) => {
  for (const command of [
    ['SORT', 'l'],
    ['SORT', 'l', 'STORE', 'd'],
    ['SORT', 'z', 'BY', 'w_*', 'GET', 'w_*'],
    ['SORT', 'z', 'BY', 'nosort', 'DESC', 'LIMIT', '10', '5000'],
  ]) {
    for (const turnCount of [1, 10, 40]) {
      const scene = await filled();
      scene.reader.post(...command);
      for (let i = 0; i < turnCount; i += 1) scene.local.world.turn();
      scene.reader.link.destroy();
      scene.local.world.turn();
      checkEmpty(t, scene);
    }
  }
});

t.test('in a transaction it runs through', async (t) => {
  const scene = await filled();
  const { writer } = scene;
  for (const line of [['MULTI'], ['SORT', 'z', 'BY', 'w_*'], ['SORT', 'z', 'BY', 'nosort']]) {
    writer.send(...line);
  }
  const [sorted, unsorted] = writer.send('EXEC') as [string[], string[]];
  t.same(sorted, inOrder([...new Set(numbers(COUNT))]).toReversed());
  t.equal(unsorted.length, sorted.length);
  checkEmpty(t, scene);
});

/** Compares weights, and counts how often it did. */
class Weights implements Comparison {
  readonly #weights: readonly number[];
  count = 0;

  constructor(weights: readonly number[]) {
    this.#weights = weights;
  }

  compare(a: number, b: number): number {
    this.count += 1;
    return this.#weights[a]! - this.#weights[b]!;
  }

  isTired(): boolean {
    return this.count % 7 === 0;
  }
}

function sorted(weights: readonly number[]): number[] {
  return [...weights.keys()].sort((a, b) => weights[a]! - weights[b]!);
}

t.test(`merge sort is stable (seed ${seed})`, async (t) => {
  const random = seededRandom(seed);
  for (let round = 0; round < 300; round += 1) {
    const count = random.below(200);
    const weights = Array.from({ length: count }, () => random.below(1 + random.below(200)));
    const order = Int32Array.from(weights.keys());
    for (const _ of mergeSort(order, 0, count, new Weights(weights)));
    if (order.join() !== sorted(weights).join()) t.fail(`round ${round}`);
  }
});

t.test(`partial sort has the right ones at the places asked for (seed ${seed})`, async (t) => {
  const random = seededRandom(seed);
  for (let round = 0; round < 300; round += 1) {
    const count = 1 + random.below(300);
    const most = 1 + random.below(count);
    const weights = Array.from({ length: count }, () => random.below(most));
    const first = random.below(count);
    const last = Math.min(count - 1, first + random.below(20));
    const order = Int32Array.from(weights.keys());
    for (const _ of partialSort(order, first, last, new Weights(weights)));
    const at = (list: ArrayLike<number>) =>
      Array.from(list, (i) => weights[i]).slice(first, last + 1);
    const isPermutation = new Set(order).size === count;
    if (!isPermutation || at(order).join() !== at(sorted(weights)).join()) t.fail(`round ${round}`);
  }
});

t.test('a partial sort that is led astray takes n log n all the same', async (t) => {
  const count = 20_000;
  const weights = new Array<number>(count).fill(Number.NaN);
  // McIlroy 1999, "A Killer Adversary for Quicksort": weights are made up while it compares.
  let solid = 0;
  let candidate = 0;
  let comparisons = 0;
  const adversary: Comparison = {
    compare(a, b) {
      comparisons += 1;
      const isGas = (i: number): boolean => Number.isNaN(weights[i]!);
      if (isGas(a) && isGas(b)) {
        weights[a === candidate ? a : b] = solid;
        solid += 1;
      }
      if (isGas(a)) candidate = a;
      else if (isGas(b)) candidate = b;
      return (isGas(a) ? count : weights[a]!) - (isGas(b) ? count : weights[b]!);
    },
    isTired: () => false,
  };
  const order = Int32Array.from({ length: count }, (_, i) => i);
  for (const _ of partialSort(order, 0, count - 2, adversary));
  t.ok(comparisons < count * 15 * 12, `${comparisons} comparisons`);
  t.same(
    Array.from(order.subarray(0, 100), (i) => weights[i]),
    sorted(weights.map((weight) => (Number.isNaN(weight) ? count : weight)))
      .slice(0, 100)
      .map((i) => weights[i]),
  );
});
