/** MurmurHash64A against a slow oracle with 64-bit numbers. */
import t from 'tap';
import { murmur64A } from '../../murmur/murmur2.js';
import { seededRandom, seedOfRun } from '../support/random.js';

const MASK = (1n << 64n) - 1n;
const M = 0xc6a4a7935bd1e995n;

/** The algorithm as published. */
function oracle(bytes: Buffer, seed: number): bigint {
  let hash = BigInt(seed) ^ ((BigInt(bytes.length) * M) & MASK);
  let at = 0;
  for (; at + 8 <= bytes.length; at += 8) {
    let k = (bytes.readBigUInt64LE(at) * M) & MASK;
    k = ((k ^ (k >> 47n)) * M) & MASK;
    hash = ((hash ^ k) * M) & MASK;
  }
  if (at < bytes.length) {
    const rest = Buffer.alloc(8);
    bytes.copy(rest, 0, at);
    hash = ((hash ^ rest.readBigUInt64LE()) * M) & MASK;
  }
  hash = ((hash ^ (hash >> 47n)) * M) & MASK;
  return hash ^ (hash >> 47n);
}

t.test('as published', async (t) => {
  const random = seededRandom(seedOfRun());
  const result = new Uint32Array(2);
  for (let round = 0; round < 3000; round += 1) {
    const bytes = random.bytes(random.below(40));
    if (random.chance(0.2)) bytes.fill(random.pick([0, 0xff]));
    const seed = random.pick([0, 0xadc83b19, 0xffffffff]);
    const buf = Buffer.concat([random.bytes(3), bytes, random.bytes(3)]);
    murmur64A(buf, 3, buf.length - 3, seed, result);
    const found = (BigInt(result[0]!) << 32n) | BigInt(result[1]!);
    if (found !== oracle(bytes, seed)) t.fail(`${bytes.toString('hex')}, seed ${random.seed}`);
  }
});
