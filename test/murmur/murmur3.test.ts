/** MurmurHash3 against published values, the reference's own check, and a slow oracle. */

import t from 'tap';

import { hashHex, hexOf, murmur3, newHash128 } from '../../murmur/murmur3.js';
import { seededRandom, seedOfRun } from '../support/random.js';

function hashOf(bytes: Uint8Array, seed: number, from = 0, to = bytes.length): string {
  const hash = newHash128();
  murmur3(bytes, from, to, seed, hash);
  return hexOf(hash);
}

const MASK = (1n << 64n) - 1n;
const C1 = 0x87c37b91114253d5n;
const C2 = 0x4cf5ad432745937fn;

function rotl(x: bigint, bits: bigint): bigint {
  return ((x << bits) | (x >> (64n - bits))) & MASK;
}

function fmix(x: bigint): bigint {
  x = ((x ^ (x >> 33n)) * 0xff51afd7ed558ccdn) & MASK;
  x = ((x ^ (x >> 33n)) * 0xc4ceb9fe1a85ec53n) & MASK;
  return x ^ (x >> 33n);
}

/** The algorithm as published, with 64-bit numbers. */
function oracle(bytes: Buffer, seed: number): string {
  let h1 = BigInt(seed);
  let h2 = BigInt(seed);
  const padded = Buffer.alloc(Math.ceil(bytes.length / 16) * 16);
  bytes.copy(padded);
  for (let at = 0; at < padded.length; at += 16) {
    const k1 = (rotl((padded.readBigUInt64LE(at) * C1) & MASK, 31n) * C2) & MASK;
    const k2 = (rotl((padded.readBigUInt64LE(at + 8) * C2) & MASK, 33n) * C1) & MASK;
    h1 ^= k1;
    if (at + 16 > bytes.length) {
      h2 ^= k2;
      break;
    }
    h1 = ((rotl(h1, 27n) + h2) * 5n + 0x52dce729n) & MASK;
    h2 = ((rotl(h2 ^ k2, 31n) + h1) * 5n + 0x38495ab5n) & MASK;
  }
  h1 ^= BigInt(bytes.length);
  h2 ^= BigInt(bytes.length);
  h1 = (h1 + h2) & MASK;
  h2 = (h2 + h1) & MASK;
  h1 = fmix(h1);
  h2 = fmix(h2);
  h1 = (h1 + h2) & MASK;
  h2 = (h2 + h1) & MASK;
  return h1.toString(16).padStart(16, '0') + h2.toString(16).padStart(16, '0');
}

void t.test('published values', (t) => {
  const rows: [text: string, hex: string][] = [
    ['', '00000000000000000000000000000000'],
    ['hello', 'cbd8a7b341bd9b025b1e906a48ae1d19'],
    ['hello, world', '342fac623a5ebc8e4cdcbc079642414d'],
    ['19 Jan 2038 at 3:14:07 AM', 'b89e5988b737affc664fc2950231b2cb'],
    ['The quick brown fox jumps over the lazy dog.', 'cd99481f9ee902c9695da1a38987b6e7'],
  ];
  for (const [text, hex] of rows) t.equal(hashHex(Buffer.from(text)), hex, JSON.stringify(text));
  t.end();
});

void t.test('the verification value of SMHasher', (t) => {
  // Keys {0}, {0, 1}, ..., with seeds 256, 255, ...; their hashes hashed; the first word.
  const hashes = Buffer.alloc(256 * 16);
  const key = Buffer.alloc(256);
  for (let bytes = 0; bytes < 256; bytes++) {
    key[bytes] = bytes;
    const hash = newHash128();
    murmur3(key, 0, bytes, 256 - bytes, hash);
    for (const [at, half] of [1, 0, 3, 2].entries()) {
      hashes.writeUInt32LE(hash[half]!, bytes * 16 + 4 * at);
    }
  }
  const whole = newHash128();
  murmur3(hashes, 0, hashes.length, 0, whole);
  t.equal(whole[1]!.toString(16), '6384ba69');
  t.end();
});

void t.test('the oracle agrees at every length and seed', (t) => {
  const seedOfTest = seedOfRun();
  const random = seededRandom(seedOfTest);
  for (let round = 0; round < 20_000; round++) {
    const bytes = random.bytes(round < 200 ? round : random.below(100));
    if (random.chance(0.2)) bytes.fill(random.pick([0, 0x80, 0xff]));
    const seed = random.pick([0, 1, 0xffff_ffff, random.below(2 ** 32)]);
    const expected = oracle(bytes, seed);
    if (hashOf(bytes, seed) !== expected) {
      t.equal(hashOf(bytes, seed), expected, `SEED=${seedOfTest} ${bytes.toString('hex')} ${seed}`);
    }
  }
  t.pass('20000 inputs');
  t.end();
});

void t.test('a slice hashes as by itself', (t) => {
  const bytes = Buffer.from('before hello after');
  t.equal(hashOf(bytes, 0, 7, 12), hashHex(Buffer.from('hello')));
  t.equal(hashOf(bytes, 0, 7, 7), hashHex(Buffer.alloc(0)));
  t.end();
});
