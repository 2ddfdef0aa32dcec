/**
 * MurmurHash3 over keys of several lengths, beside the same algorithm with 64-bit BigInts, which
 * is how it would be written without thinking of speed.
 */

import { type Hash128, murmur3, newHash128 } from '../murmur/murmur3.js';
import { seededRandom } from '../test/support/random.js';
import { type BenchOptions, interleave, Report, rate } from './support/harness.js';

const LENGTHS_BYTES = [8, 16, 24, 64, 1024];
const KEYS_BYTES = 1 << 20;
const ROUNDS = 5;
/** Bytes hashed per contestant and round. */
const OURS_BYTES = 64 << 20;
const PEER_BYTES = 2 << 20;

/** Keeps the hashes from being optimised away. */
let sink = 0;

export async function run(options: BenchOptions): Promise<boolean> {
  const report = new Report('murmur', options);
  const keys = seededRandom(1).bytes(KEYS_BYTES);
  const hash = newHash128();
  const scale = options.quick === true ? 0.1 : 1;
  for (const bytes of LENGTHS_BYTES) {
    const hashMany = (budgetBytes: number, hashOne: HashOne) => (): number => {
      // Half of the cost of a short key is the call, so the budget counts calls as 16 bytes.
      const count = Math.ceil((budgetBytes * scale) / (bytes + 16));
      return rate(count, () => hashKeys(keys, bytes, count, hash, hashOne)) / 1e6;
    };
    const figures = await interleave(
      [
        { name: 'ours', run: hashMany(OURS_BYTES, murmur3) },
        { name: 'BigInt', run: hashMany(PEER_BYTES, murmur3OfBigInts) },
      ],
      options.rounds ?? ROUNDS,
    );
    report.compare(`hash of ${bytes} B`, 'M/s', 'BigInt', figures);
  }
  report.finish();
  if (sink === 0.5) process.stderr.write('\n');
  return report.isGood;
}

type HashOne = (buf: Buffer, from: number, to: number, seed: number, result: Hash128) => void;

function hashKeys(
  keys: Buffer,
  bytes: number,
  count: number,
  hash: Hash128,
  hashOne: HashOne,
): void {
  let from = 0;
  for (let i = 0; i < count; i++) {
    hashOne(keys, from, from + bytes, 0, hash);
    sink = (sink + hash[1]!) | 0;
    from += bytes;
    if (from + bytes > keys.length) from = 0;
  }
}

const MASK = (1n << 64n) - 1n;
const C1 = 0x87c37b91114253d5n;
const C2 = 0x4cf5ad432745937fn;

function rotl(x: bigint, bits: bigint): bigint {
  return BigInt.asUintN(64, x << bits) | (x >> (64n - bits));
}

function mix(x: bigint): bigint {
  x = BigInt.asUintN(64, (x ^ (x >> 33n)) * 0xff51afd7ed558ccdn);
  x = BigInt.asUintN(64, (x ^ (x >> 33n)) * 0xc4ceb9fe1a85ec53n);
  return x ^ (x >> 33n);
}

function murmur3OfBigInts(
  buf: Buffer,
  from: number,
  to: number,
  seed: number,
  result: Hash128,
): void {
  let h1 = BigInt(seed);
  let h2 = BigInt(seed);
  let at = from;
  for (; at < to; at += 16) {
    const isWhole = at + 16 <= to;
    const block = isWhole ? buf.subarray(at, at + 16) : Buffer.alloc(16);
    if (!isWhole) buf.copy(block, 0, at, to);
    const k1 = BigInt.asUintN(64, block.readBigUInt64LE(0) * C1);
    const k2 = BigInt.asUintN(64, block.readBigUInt64LE(8) * C2);
    h1 ^= BigInt.asUintN(64, rotl(k1, 31n) * C2);
    if (isWhole) h1 = BigInt.asUintN(64, (rotl(h1, 27n) + h2) * 5n + 0x52dce729n);
    h2 ^= BigInt.asUintN(64, rotl(k2, 33n) * C1);
    if (isWhole) h2 = BigInt.asUintN(64, (rotl(h2, 31n) + h1) * 5n + 0x38495ab5n);
  }
  h1 = (h1 ^ BigInt(to - from)) & MASK;
  h2 = (h2 ^ BigInt(to - from)) & MASK;
  h1 = (h1 + h2) & MASK;
  h2 = mix((h2 + h1) & MASK);
  h1 = (mix(h1) + h2) & MASK;
  h2 = (h2 + h1) & MASK;
  result[1] = Number(h1 & 0xffff_ffffn);
  result[3] = Number(h2 & 0xffff_ffffn);
}
