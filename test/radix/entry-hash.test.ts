import t from 'tap';
import { BLOCK_BYTES, EntryHash } from '../../radix/entry-hash.js';
import {
  FLAG_EXPIRY,
  FLAG_EXTERNAL,
  FLAG_HIDDEN,
  FLAG_LED,
  FLAG_RAW,
  FLAG_SLIM,
  FLAG_WIDE,
  FLAGS_SHIFT,
  HEAD_VALUE_BYTES,
  KIND_HEAD,
  KIND_MASK,
  KIND_TOMBSTONE,
  TIMED_HEAD_VALUE_BYTES,
} from '../../radix/leaf.js';
import { seededRandom, seedOfRun } from '../support/random.js';
import { halfSipHash, SlowHalfSipHash, wordsOf } from './halfsiphash.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);

/** HalfSipHash-2-4 of 64 bits, published with the reference code: key 0..7, message 0..n-1. */
const PUBLISHED = [
  '218d1f59b9b83cc8',
  'be552412f8387315',
  '064f39ef7c50eb57',
  'ce0f1a45f7060679',
  'd5e78a175be52ea1',
  'cb9d7c3f2f3db580',
  'ce3e91358aa2bc25',
  'ff202728b07bc684',
  'edfee820bce4858c',
  '5b51cccc13888307',
  '95b0469f06a6f2ee',
  'ae26333994ddcd48',
  '7bc71f9faef5c799',
  '5a2352d75a0c3744',
  '3bb1a870eae8e658',
  '217d0bcb4e81c902',
];

/** A head's value, of which what stands behind the first of these is its node's own. */
const HEAD_BYTES = [HEAD_VALUE_BYTES, TIMED_HEAD_VALUE_BYTES];

/** What a leaf says, before it is laid out. */
interface Entry {
  stamp: number;
  origin: number;
  flags: number;
  expiryMs: number;
  key: Buffer;
  value: Buffer;
  valueHash: [number, number];
  access: number;
  heapSlot: number;
}

/** Lays the entry out as leaf.ts draws it, `word` words into an array. */
function layOut(entry: Entry, word: number): Int32Array {
  const isWide = (entry.flags & FLAG_WIDE) !== 0;
  const words = new Array<number>(word).fill(0x5a5a5a5a);
  const stampHigh = Math.floor(entry.stamp / 2 ** 32);
  words.push(entry.stamp % 2 ** 32, stampHigh | (entry.flags << FLAGS_SHIFT));
  if ((entry.flags & FLAG_SLIM) !== 0) {
    words.push(entry.origin | (entry.value.length << 16) | (entry.key.length << 24));
    words.push(...wordsOf(entry.key), ...wordsOf(entry.value));
    return Int32Array.from(words);
  }
  words.push(entry.access | ((isWide ? 0 : entry.key.length) << 24));
  words.push((isWide ? 0 : entry.value.length) | (entry.origin << 16));
  if ((entry.flags & FLAG_EXPIRY) !== 0) {
    words.push(entry.expiryMs % 2 ** 32, Math.floor(entry.expiryMs / 2 ** 32), entry.heapSlot);
  }
  if (isWide) words.push(entry.key.length, entry.value.length, ...entry.valueHash);
  words.push(...wordsOf(entry.key), ...wordsOf(entry.value));
  return Int32Array.from(words);
}

/** The message of entry-hash.ts's drawing, word by word. */
function absorbEntry(hash: SlowHalfSipHash, entry: Entry): [number, number] {
  const isWide = (entry.flags & FLAG_WIDE) !== 0;
  const covered = entry.flags & (KIND_MASK | FLAG_LED);
  const isHead = (entry.flags & KIND_MASK) === KIND_HEAD;
  const keyBytes = isWide ? 0 : entry.key.length;
  const valueBytes = isHead ? HEAD_VALUE_BYTES : entry.value.length;
  hash.absorb((entry.stamp % 2 ** 32) | 0);
  hash.absorb(Math.floor(entry.stamp / 2 ** 32) | (covered << FLAGS_SHIFT) | (keyBytes << 24));
  hash.absorb((isWide ? 0 : valueBytes) | (entry.origin << 16));
  if ((entry.flags & FLAG_EXPIRY) !== 0) {
    hash.absorb((entry.expiryMs % 2 ** 32) | 0, Math.floor(entry.expiryMs / 2 ** 32));
  }
  if (isWide) hash.absorb(entry.key.length, valueBytes);
  hash.absorb(...wordsOf(entry.key));
  if (isHead) hash.absorb(...wordsOf(entry.value).slice(2, HEAD_VALUE_BYTES / 4));
  else if (isWide) hash.absorb(...entry.valueHash);
  else hash.absorb(...wordsOf(entry.value));
  return hash.finish();
}

/** The same with what comes before: the domain, of an element its head's key, the shape. */
function slowHash(key: Buffer, entry: Entry, headKey: Buffer | null): [number, number] {
  const domain = headKey === null ? 0xee : 0x1ee;
  const hash = new SlowHalfSipHash(wordsOf(key), domain, 1, 3);
  if (headKey !== null) hash.absorb(headKey.length, ...wordsOf(headKey));
  if ((entry.flags & FLAG_EXPIRY) !== 0) hash.mark(0x400);
  if ((entry.flags & FLAG_WIDE) !== 0) hash.mark(0x800);
  return absorbEntry(hash, entry);
}

function randomEntry(random: ReturnType<typeof seededRandom>): Entry {
  const kind = random.pick([0, 0, 0, KIND_HEAD, KIND_TOMBSTONE]);
  const isWide = random.chance(0.3);
  const hasExpiry = random.chance(0.3);
  const local = random.pick([0, FLAG_RAW, FLAG_HIDDEN, FLAG_EXTERNAL]);
  const flags = kind | (random.chance(0.5) ? FLAG_LED : 0) | local;
  const valueBytes =
    kind === KIND_TOMBSTONE ? 0 : kind === KIND_HEAD ? random.pick(HEAD_BYTES) : random.below(200);
  const isSlim = !isWide && !hasExpiry && kind !== KIND_HEAD && random.chance(0.5);
  const layout = (isWide ? FLAG_WIDE : 0) | (hasExpiry ? FLAG_EXPIRY : 0);
  return {
    stamp: random.below(2 ** 53),
    origin: random.below(2 ** 16),
    flags: flags | layout | (isSlim ? FLAG_SLIM : 0),
    expiryMs: hasExpiry ? random.below(2 ** 53) : 0,
    key: random.bytes(random.below(isWide ? 400 : 60)),
    value: random.bytes(valueBytes),
    valueHash: [random.below(2 ** 32) | 0, random.below(2 ** 32) | 0],
    access: random.below(2 ** 24),
    heapSlot: random.below(2 ** 31),
  };
}

t.test('the slow hash agrees with the published vectors', async (t) => {
  const key = Buffer.from([0, 1, 2, 3, 4, 5, 6, 7]);
  for (const [bytes, expected] of PUBLISHED.entries()) {
    const message = Buffer.from(Array.from({ length: bytes }, (_, i) => i));
    t.equal(halfSipHash(key, message, [2, 4]).toString('hex'), expected, `${bytes} bytes`);
  }
});

t.test('the hash of a leaf is that of the slow hash', async (t) => {
  const random = seededRandom(seed);
  for (let round = 0; round < 3000; round++) {
    const key = random.bytes(16);
    const fast = new EntryHash(key);
    const entry = randomEntry(random);
    const word = random.below(5);
    fast.hashLeaf(layOut(entry, word), word);
    const slow = slowHash(key, entry, null);
    if (fast.low !== slow[0] || fast.high !== slow[1]) t.fail('differs', { seed, round, entry });
  }
});

t.test("the hash of an element has the head's key in front", async (t) => {
  const random = seededRandom(seed + 1);
  const state = new Int32Array(4);
  for (let round = 0; round < 1000; round++) {
    const key = random.bytes(16);
    const fast = new EntryHash(key);
    const entry = randomEntry(random);
    const headKey = random.bytes(random.below(40));
    const head = Int32Array.from([7, ...wordsOf(headKey)]);
    fast.beginElements(state, head, 1, headKey.length);
    fast.hashElement(state, layOut(entry, 0), 0);
    const slow = slowHash(key, entry, headKey);
    if (fast.low !== slow[0] || fast.high !== slow[1]) t.fail('differs', { seed, round, entry });
  }
});

t.test('what is local to a node does not count, all else does', async (t) => {
  const random = seededRandom(seed + 2);
  const fast = new EntryHash(random.bytes(16));
  const hashOf = (entry: Entry): string => {
    fast.hashLeaf(layOut(entry, 0), 0);
    return `${fast.low} ${fast.high}`;
  };
  const key = Buffer.from('a key');
  const value = Buffer.from('a value');
  const entry: Entry = {
    stamp: 12345,
    origin: 6,
    flags: FLAG_EXPIRY,
    expiryMs: 1e12,
    key,
    value,
    valueHash: [0, 0],
    access: 0,
    heapSlot: 0,
  };
  const same: Record<string, Partial<Entry>> = {
    'access bits': { access: 0xffffff },
    'heap slot': { heapSlot: 99 },
    'raw hint': { flags: FLAG_EXPIRY | FLAG_RAW },
    'hidden hint': { flags: FLAG_EXPIRY | FLAG_HIDDEN },
  };
  const different: Record<string, Partial<Entry>> = {
    'stamp, low': { stamp: 12346 },
    'stamp, high': { stamp: 12345 + 2 ** 32 },
    origin: { origin: 7 },
    led: { flags: FLAG_EXPIRY | FLAG_LED },
    kind: { flags: FLAG_EXPIRY | KIND_TOMBSTONE },
    expiry: { expiryMs: 1e12 + 1 },
    'expiry, high': { expiryMs: 1e12 + 2 ** 32 },
    'no expiry': { flags: 0, expiryMs: 0 },
    key: { key: Buffer.from('b key') },
    'key with a zero': { key: Buffer.from('a key\0') },
    value: { value: Buffer.from('a valu3') },
    'value with a zero': { value: Buffer.from('a value\0') },
    'a byte from value to key': { key: Buffer.from('a keya'), value: Buffer.from(' value') },
  };
  const expected = hashOf(entry);
  for (const [name, change] of Object.entries(same)) {
    t.equal(hashOf({ ...entry, ...change }), expected, name);
  }
  for (const [name, change] of Object.entries(different)) {
    t.not(hashOf({ ...entry, ...change }), expected, name);
  }
});

t.test('the value hash is a sum over blocks, and zeros add nothing', async (t) => {
  const random = seededRandom(seed + 3);
  const fast = new EntryHash(random.bytes(16));
  const value = random.bytes(5 * BLOCK_BYTES + 77);
  value.fill(0, BLOCK_BYTES, 2 * BLOCK_BYTES);
  const words = Int32Array.from(wordsOf(value));
  fast.hashBlocks(words, 0, value.length, 3);
  const whole = [fast.low, fast.high];
  let low = 0;
  let high = 0;
  for (let from = 0, block = 3; from < value.length; from += BLOCK_BYTES, block++) {
    const bytes = Math.min(BLOCK_BYTES, value.length - from);
    fast.hashBlocks(words, from >>> 2, bytes, block);
    if (block === 4) t.same([fast.low, fast.high], [0, 0], 'a block of zeros is 0');
    low = (low + fast.low) | 0;
    high = (high + fast.high) | 0;
  }
  t.same([low, high], whole, 'block by block');
  const longer = new Int32Array(words.length + 200);
  longer.set(words);
  fast.hashBlocks(longer, 0, longer.length * 4, 3);
  t.same([fast.low, fast.high], whole, 'grown by zeros');
  fast.hashBlocks(words, 0, value.length, 4);
  t.not(fast.low, whole[0], 'the place of a block counts');
  const block = wordsOf(value.subarray(0, BLOCK_BYTES));
  const key = Buffer.alloc(16, 9);
  const other = new EntryHash(key);
  other.hashBlocks(words, 0, BLOCK_BYTES, 8);
  const slow = new SlowHalfSipHash(wordsOf(key), 0x2ee, 1, 3).absorb(8, block.length, ...block);
  t.same([other.low, other.high], slow.finish(), 'as the slow hash says');
});

t.test('hashes are spread', async (t) => {
  const random = seededRandom(seed + 4);
  const fast = new EntryHash(random.bytes(16));
  const bits = new Int32Array(64);
  const seen = new Set<string>();
  const rounds = 20_000;
  for (let i = 0; i < rounds; i++) {
    fast.hashLeaf(Int32Array.from([i, 0, 4 << 24, 0, 0x61626364]), 0);
    seen.add(`${fast.low} ${fast.high}`);
    for (let bit = 0; bit < 32; bit++) {
      bits[bit]! += (fast.low >>> bit) & 1;
      bits[32 + bit]! += (fast.high >>> bit) & 1;
    }
  }
  t.equal(seen.size, rounds, 'no two are equal');
  const worst = Math.max(...bits.map((ones) => Math.abs(ones - rounds / 2)));
  t.ok(worst < 6 * Math.sqrt(rounds / 4), 'every bit is a coin');
});
