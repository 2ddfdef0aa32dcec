/**
 * The tree beside a JavaScript Map of strings to Buffers.
 *
 * Both do what a server would do: the key comes as bytes in a buffer, a value read is copied out
 * into an output buffer, a value written is copied in. So the Map pays for making its string and
 * its Buffer, and the tree for its descent. Keys are 16 random bytes, values 64 bytes.
 *
 * Keys to get and overwrite lie one behind the other, as what clients send lies in the cache when a
 * server looks at it. The rows about order are held against gets of keys that lie all over memory.
 */

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { inlineMore } from '../cmd/inlining.js';
import { beginWithTunedAllocator } from '../cmd/memory-allocator.js';
import { Space } from '../radix/space.js';
import { Tree } from '../radix/tree.js';
import { latin1 } from '../resp/bytes.js';
import { seededRandom } from '../test/support/random.js';
import { type BenchOptions, interleave, median, Report, rate } from './support/harness.js';

const KEY_BYTES = 16;
const VALUE_BYTES = 64;
/** Compiled code and the collector's pages differ by some MB from run to run. */
const MEMORY_RUNS = 3;
const hashKey = Buffer.alloc(16, 7);
const target = Buffer.alloc(VALUE_BYTES);
const value = Buffer.alloc(VALUE_BYTES, 'v');
/** What a connection reads into: the value that the tree is given lies at its start. */
const input = Buffer.alloc(64 * 1024, value);
let stamp = 1_000_000;
/** Keeps what was computed from being optimised away. */
let sink = 0;

/** Keys in one buffer, and orders in which to visit them. */
class Keys {
  readonly count: number;
  readonly bytes: Buffer;
  readonly #random = seededRandom(42);

  constructor(count: number) {
    this.count = count;
    this.bytes = Buffer.alloc(count * KEY_BYTES);
    for (let at = 0; at < this.bytes.length; at += 4) {
      this.bytes.writeUInt32LE(this.#random.below(2 ** 32), at);
    }
  }

  /** Offsets of all keys, in the order in which they were made. */
  inRandomOrder(): Uint32Array {
    return Uint32Array.from({ length: this.count }, (_, i) => i * KEY_BYTES);
  }

  /** Offsets of so many keys, picked at random. */
  picks(count: number): Uint32Array {
    const picks = new Uint32Array(count);
    for (let i = 0; i < count; i++) picks[i] = this.#random.below(this.count) * KEY_BYTES;
    return picks;
  }

  /** So many keys, picked at random, in a buffer of their own. */
  requests(count: number): Buffer {
    const requests = Buffer.alloc(count * KEY_BYTES);
    for (const [i, at] of this.picks(count).entries()) {
      this.bytes.copy(requests, i * KEY_BYTES, at, at + KEY_BYTES);
    }
    return requests;
  }

  /** The keys from the smallest to the greatest, in a buffer of their own. */
  sorted(): Buffer {
    const order = this.inRandomOrder();
    const key = (at: number): number => this.bytes.readUInt32BE(at);
    order.sort((a, b) => {
      const byStart = key(a) - key(b);
      if (byStart !== 0) return byStart;
      return this.bytes.compare(this.bytes, b, b + KEY_BYTES, a, a + KEY_BYTES);
    });
    const sorted = Buffer.alloc(this.bytes.length);
    for (const [i, at] of order.entries()) {
      this.bytes.copy(sorted, i * KEY_BYTES, at, at + KEY_BYTES);
    }
    return sorted;
  }
}

type Store = Map<string, Buffer>;

function treePut(tree: Tree, keys: Buffer, at: number): void {
  tree.put(keys, at, at + KEY_BYTES, stamp++, 1, 0, 0, input, 0, VALUE_BYTES);
}

function mapPut(map: Store, keys: Buffer, at: number): void {
  map.set(latin1(keys, at, at + KEY_BYTES), Buffer.from(value));
}

function treeGet(tree: Tree, keys: Buffer, at: number): void {
  const leaf = tree.find(keys, at, at + KEY_BYTES);
  tree.copyValue(leaf, target, 0);
  sink += target[0]!;
}

function mapGet(map: Store, keys: Buffer, at: number): number {
  map.get(latin1(keys, at, at + KEY_BYTES))!.copy(target, 0);
  return target[0]!;
}

/** A new tree with these keys, in the order in which they lie in the buffer. */
function loadTree(keys: Buffer): Tree {
  const tree = new Tree(new Space({ hashKey }));
  for (let at = 0; at < keys.length; at += KEY_BYTES) treePut(tree, keys, at);
  return tree;
}

async function insertRows(report: Report, keys: Keys, rounds: number): Promise<void> {
  const { bytes, count } = keys;
  const tree = {
    name: 'tree',
    run: () => rate(count, () => (sink += loadTree(bytes).liveCount)),
  };
  const map = {
    name: 'Map',
    run: () => {
      const store: Store = new Map();
      return rate(count, () => {
        for (let at = 0; at < bytes.length; at += KEY_BYTES) mapPut(store, bytes, at);
      });
    },
  };
  const figures = await interleave([tree, map], rounds);
  report.compare('insert, random', 'op/s', 'Map', figures, 1.0);
  const sorted = keys.sorted();
  const ordered = [];
  for (let i = 0; i < rounds; i++) {
    ordered.push(rate(count, () => (sink += loadTree(sorted).liveCount)));
  }
  report.add({ name: 'insert, in order', ours: median(ordered), unit: 'op/s' });
}

async function accessRows(
  report: Report,
  keys: Keys,
  tree: Tree,
  map: Store,
  rounds: number,
): Promise<void> {
  const opCount = Math.min(keys.count, 500_000);
  const each = (work: (requests: Buffer, at: number) => void) => (): number => {
    const requests = keys.requests(opCount);
    return rate(opCount, () => {
      for (let at = 0; at < requests.length; at += KEY_BYTES) work(requests, at);
    });
  };
  const gets = await interleave(
    [
      { name: 'tree', run: each((requests, at) => treeGet(tree, requests, at)) },
      { name: 'Map', run: each((requests, at) => (sink += mapGet(map, requests, at))) },
    ],
    rounds,
  );
  report.compare('get, random', 'op/s', 'Map', gets, 1.7);
  const puts = await interleave(
    [
      { name: 'tree', run: each((requests, at) => treePut(tree, requests, at)) },
      { name: 'Map', run: each((requests, at) => mapPut(map, requests, at)) },
    ],
    rounds,
  );
  report.compare('overwrite, random', 'op/s', 'Map', puts, 1.7);
}

/** Held against the Map's gets, in turns with these: the targets are for 0.7 M of them. */
async function orderRows(
  report: Report,
  keys: Keys,
  tree: Tree,
  map: Store,
  rounds: number,
): Promise<void> {
  const bytes = keys.bytes;
  const opCount = Math.min(keys.count, 200_000);
  const over = (work: (at: number) => number) => (): number => {
    const picks = keys.picks(opCount);
    return rate(opCount, () => {
      for (const at of picks) sink += work(at);
    });
  };
  const contestants = [
    { name: 'scan', run: () => scan(tree, keys.count) },
    { name: 'rank', run: over((at) => tree.rank(bytes, at, at + KEY_BYTES)) },
    { name: 'nth', run: over((at) => tree.nth(at >>> 4)) },
    { name: 'next', run: over((at) => tree.next(bytes, at, at + KEY_BYTES)) },
    { name: 'count', run: countHalf(keys, tree) },
    { name: 'get', run: over((at) => tree.find(bytes, at, at + KEY_BYTES)) },
    { name: 'Map', run: over((at) => mapGet(map, bytes, at)) },
  ];
  const figures = (await interleave(contestants, rounds)) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const [scanned, rank, nth, next, count, get, mapGets] = figures;
  const perMapGet = (name: string, ours: number, targetRate: number): void => {
    const ratio = ours / mapGets;
    const target = Number((targetRate / 0.7e6).toFixed(2));
    report.add({ name, ours, unit: 'op/s', peer: 'Map get', theirs: mapGets, ratio, target });
  };
  perMapGet('scan, in order, values copied', scanned, 3.5e6);
  perMapGet('rank', rank, 1e6);
  perMapGet('n-th', nth, 2.5e6);
  report.add({ name: 'next', ours: next, unit: 'op/s' });
  report.add({
    name: 'count between half of the keys, in gets',
    ours: get / count,
    unit: 'gets',
    target: 5,
    atMost: true,
  });
}

function scan(tree: Tree, count: number): number {
  const cursor = tree.cursor();
  cursor.seekFirst();
  let seen = 0;
  const figure = rate(count, () => {
    for (let leaf = cursor.next(); leaf !== 0; leaf = cursor.next()) {
      tree.copyValue(leaf, target, 0);
      seen++;
    }
  });
  if (seen !== count) throw new Error(`scanned ${seen} of ${count}`);
  return figure;
}

/** Counts between keys that lie half a tree apart. */
function countHalf(keys: Keys, tree: Tree): () => number {
  const pairs: [Buffer, Buffer][] = [];
  for (let i = 0; i < 5000; i++) {
    const low = tree.key(tree.nth(i * Math.floor(keys.count / 20_000)));
    const rank = tree.rank(low, 0, KEY_BYTES);
    pairs.push([low, tree.key(tree.nth(rank + (keys.count >>> 1)))]);
  }
  return () =>
    rate(pairs.length, () => {
      for (const [low, high] of pairs) sink += tree.rangeCount(low, true, high, true);
    });
}

async function deleteRow(report: Report, keys: Keys, rounds: number): Promise<void> {
  const figures = [];
  const order = keys.inRandomOrder();
  for (let i = 0; i < rounds; i++) {
    const tree = loadTree(keys.bytes);
    figures.push(
      rate(keys.count, () => {
        for (const at of order) tree.drop(keys.bytes, at, at + KEY_BYTES);
      }),
    );
  }
  report.add({ name: 'drop, random', ours: median(figures), unit: 'op/s' });
}

/** Runs a task of tree-child.ts in a process of its own. */
function child(...args: string[]): Record<string, number> {
  const file = fileURLToPath(new URL('./support/tree-child.js', import.meta.url));
  const flags = ['--expose-gc', file, ...args];
  return JSON.parse(execFileSync(process.execPath, flags, { encoding: 'utf8' }));
}

function memoryRows(report: Report, count: number, quick: boolean): void {
  const ofTree = [];
  for (let i = 0; i < MEMORY_RUNS; i++) ofTree.push(child('memory', String(count), 'tree'));
  const map = child('memory', String(count), 'map');
  report.add({
    name: 'resident memory per entry',
    ours: median(ofTree.map((run) => run['bytesPerEntry']!)),
    unit: 'B',
    target: 115,
    atMost: true,
  });
  const used = ofTree[0]!['usedPerEntry']!;
  report.add({ name: 'memory in records per entry', ours: used, unit: 'B' });
  const mapBytes = map['bytesPerEntry']!;
  report.add({ name: 'resident memory per entry of a Map', ours: mapBytes, unit: 'B' });
  const pauses = child('pauses', String(count * 5));
  const most = { unit: 'ms', atMost: true };
  const loading = `loading ${(count * 5) / 1e6} M:`;
  report.add({ name: `${loading} longest GC`, ours: pauses['gcMs']!, target: 5, ...most });
  const turn = `${loading} longest turn of the loop`;
  report.add({ name: `${turn}, CPU time`, ours: pauses['turnCpuMs']!, target: 10, ...most });
  // On a shared machine this one shows the neighbours, too.
  report.add({ name: `${turn}, by the clock`, ours: pauses['turnMs']!, unit: 'ms' });
  const churnCount = quick ? 300_000 : 5_000_000;
  const churn = child('churn', String(churnCount));
  report.add({
    name: `resident memory grown by ${churnCount / 1e6} M SET and DEL`,
    ours: churn['grownBytes']! / 2 ** 20,
    unit: 'MiB',
    target: 16,
    atMost: true,
  });
}

export async function run(options: BenchOptions): Promise<void> {
  // The tree lies in this process, and gets memory as it does in a node.
  beginWithTunedAllocator();
  inlineMore();
  const quick = options.quick === true;
  const rounds = options.rounds ?? (quick ? 1 : 5);
  const count = quick ? 100_000 : 1_000_000;
  const report = new Report('tree', options);
  const keys = new Keys(count);
  memoryRows(report, count, quick);
  await insertRows(report, keys, Math.ceil(rounds / 2));
  const tree = loadTree(keys.bytes);
  const map: Store = new Map();
  for (let at = 0; at < keys.bytes.length; at += KEY_BYTES) mapPut(map, keys.bytes, at);
  await accessRows(report, keys, tree, map, rounds);
  await orderRows(report, keys, tree, map, rounds);
  await deleteRow(report, keys, Math.ceil(rounds / 2));
  report.finish();
}
