import t from 'tap';
import { BigValues } from '../../radix/big-values.js';
import { EntryHash } from '../../radix/entry-hash.js';
import { seededRandom, seedOfRun } from '../support/random.js';
import { wordsOf } from './halfsiphash.js';

const MIB = 1 << 20;
const seed = seedOfRun();
t.comment(`SEED=${seed}`);

function contents(values: BigValues, index: number): Buffer {
  const target = Buffer.alloc(values.bytes(index));
  values.read(index, 0, target, 0, target.length);
  return target;
}

function hashOf(hash: EntryHash, bytes: Buffer): [number, number] {
  hash.hashBlocks(Int32Array.from(wordsOf(bytes)), 0, bytes.length, 0);
  return [hash.low, hash.high];
}

t.test('random programs equal buffers, hashes included', async (t) => {
  const random = seededRandom(seed);
  const hash = new EntryHash(random.bytes(16));
  const values = new BigValues();
  const oracle = new Map<number, Buffer>();
  const noise = random.bytes(3 * MIB);
  const sizes = [0, 1, 255, 256, 4096, 17_000, MIB - 1, MIB, MIB + 1, 2 * MIB + 300_000];
  for (let step = 0; step < 120; step++) {
    const index = oracle.size > 0 ? random.pick([...oracle.keys()]) : -1;
    const action = index < 0 ? 0 : random.below(10);
    if (action === 0 && oracle.size < 8) {
      const bytes = random.pick(sizes);
      oracle.set(values.create(bytes), Buffer.alloc(bytes));
    } else if (action === 1 && index >= 0) {
      values.free(index);
      oracle.delete(index);
    } else if (action <= 3 && index >= 0) {
      const bytes = random.pick(sizes) + random.below(3);
      values.resize(index, bytes);
      const old = oracle.get(index)!;
      oracle.set(index, Buffer.concat([old.subarray(0, bytes)], bytes));
    } else if (index >= 0) {
      const old = oracle.get(index)!;
      const offset = action < 6 ? old.length : random.below(Math.min(old.length + 5000, 3 * MIB));
      const bytes = random.chance(0.2) ? random.below(MIB + 5000) : random.below(600);
      const from = random.below(noise.length - bytes);
      const grown = Buffer.alloc(Math.max(old.length, offset + bytes));
      old.copy(grown);
      noise.copy(grown, offset, from, from + bytes);
      values.hash(index, hash, offset, offset + bytes);
      const before = [hash.low, hash.high];
      const [wholeLow, wholeHigh] = hashOf(hash, old);
      values.write(index, offset, noise, from, from + bytes);
      values.hash(index, hash, offset, offset + bytes);
      const patched = [
        (wholeLow - before[0]! + hash.low) | 0,
        (wholeHigh - before[1]! + hash.high) | 0,
      ];
      t.same(patched, hashOf(hash, grown), `patched hash, step ${step}`);
      oracle.set(index, grown);
    }
    if (index >= 0 && oracle.has(index)) {
      const expected = oracle.get(index)!;
      if (!contents(values, index).equals(expected)) t.fail('contents', { seed, step });
      values.hash(index, hash, 0, values.bytes(index));
      t.same([hash.low, hash.high], hashOf(hash, expected), `hash, step ${step}`);
      const other = Buffer.from(expected.subarray(0, random.below(expected.length + 1)));
      if (other.length > 0 && random.chance(0.5)) other[random.below(other.length)]! ^= 1;
      const order = values.compare(index, other, 0, other.length);
      if (Math.sign(order) !== Buffer.compare(expected, other)) t.fail('order', { seed, step });
    }
    const used = [...oracle.values()].reduce((sum, buffer) => sum + buffer.length, 0);
    if (values.usedBytes !== used) t.fail('used bytes', { seed, step });
  }
  for (const index of oracle.keys()) values.free(index);
  t.equal(values.usedBytes, 0);
  t.equal(values.count, 0);
  t.ok(values.reservedBytes <= 16 * MIB, 'only spare segments stay');
});

t.test('what is held stays as it was, and is let go', async (t) => {
  const random = seededRandom(seed);
  const values = new BigValues();
  const noise = random.bytes(2 * MIB);
  const sizes = [20_000, MIB - 5, MIB, 2 * MIB + 7, 3 * MIB];
  const indexes = sizes.map((bytes) => {
    const index = values.create(bytes);
    values.write(index, random.below(1000), noise, 0, random.below(Math.min(bytes - 1000, MIB)));
    return index;
  });
  const held: { at: number; bytes: Buffer; hold: ReturnType<BigValues['hold']> }[] = [];
  for (let step = 0; step < 300; step++) {
    const at = random.below(indexes.length);
    const index = indexes[at]!;
    const before = contents(values, index);
    const action = random.below(8);
    if (action <= 1) held.push({ at, bytes: before, hold: values.hold(index) });
    else if (action === 2 && held.length > 0) {
      values.release(held.splice(random.below(held.length), 1)[0]!.hold);
    } else if (action === 3) values.resize(index, random.below(3 * MIB));
    else if (action === 4) {
      const other = random.pick(indexes);
      const expected = contents(values, other);
      values.become(index, other);
      if (!contents(values, index).equals(expected)) t.fail('become', { seed, step });
    } else if (action === 5) {
      values.free(index);
      indexes[at] = values.create(random.pick(sizes));
    } else {
      const bytes = random.pick([1, 300, MIB + 3]);
      const offset = random.below(before.length + 10);
      const grown = Buffer.alloc(Math.max(before.length, offset + bytes));
      before.copy(grown);
      noise.copy(grown, offset, 0, bytes);
      values.write(index, offset, noise, 0, bytes);
      if (!contents(values, index).equals(grown)) t.fail('written', { seed, step });
    }
    for (const { bytes, hold } of held) {
      const now = Buffer.alloc(hold.bytes);
      values.readHeld(hold, 0, now, 0, hold.bytes);
      if (!now.equals(bytes)) t.fail('held', { seed, step });
    }
  }
  const used = indexes.reduce((sum, index) => sum + values.bytes(index), 0);
  t.equal(values.usedBytes, used, 'holds are not counted');
  for (const { hold } of held) values.release(hold);
  for (const index of indexes) values.free(index);
  t.equal(values.usedBytes, 0);
  t.ok(values.reservedBytes <= 16 * MIB, 'only spare segments stay');
});

t.test('zeros far out take no memory', async (t) => {
  const values = new BigValues();
  const index = values.create(0);
  values.write(index, 512 * MIB - 1, Buffer.from([1]), 0, 1);
  t.equal(values.bytes(index), 512 * MIB);
  t.equal(values.usedBytes, 512 * MIB);
  t.ok(values.reservedBytes <= 2 * MIB);
  t.equal(values.byteAt(index, 512 * MIB - 1), 1);
  t.equal(values.byteAt(index, 77 * MIB), 0);
  values.free(index);
});

t.test('the longest value', async (t) => {
  const values = new BigValues();
  const index = values.create(2 ** 32 - 1);
  values.write(index, 2 ** 32 - 3, Buffer.from([1, 2]), 0, 2);
  t.equal(values.byteAt(index, 2 ** 32 - 2), 2);
  const target = Buffer.alloc(2);
  t.equal(values.read(index, 2 ** 32 - 3, target, 0, 2), 2);
  t.same([...target], [1, 2]);
  const hash = new EntryHash(Buffer.alloc(16));
  values.hash(index, hash, 0, 2 ** 32 - 1);
  t.not(hash.low, 0);
  t.throws(() => values.resize(index, 2 ** 32));
  values.free(index);
  t.throws(() => values.bytes(index));
});

t.test('appending is amortised: memory is copied a few times at most', async (t) => {
  const values = new BigValues();
  const index = values.create(20_000);
  const piece = Buffer.alloc(100, 7);
  for (let i = 0; i < 30_000; i++) values.write(index, values.bytes(index), piece, 0, 100);
  t.equal(values.bytes(index), 3_020_000);
  t.equal(values.byteAt(index, 19_999), 0);
  t.equal(values.byteAt(index, 20_000), 7);
  t.equal(values.byteAt(index, 3_019_999), 7);
  t.ok(values.memoryOf(index) <= 4 * MIB);
  t.equal(values.reservedBytes, values.memoryOf(index));
});
