/** Bytes into words: from buffers of any size, at any offset, of any length, by turns. */
import t from 'tap';
import { storeBytes } from '../../radix/leaf.js';
import { seededRandom, seedOfRun } from '../support/random.js';

const seed = seedOfRun();
t.comment(`SEED=${seed}`);
const WORDS = 256;

t.test('what is stored are the bytes, and zeros up to the end of the word', (t) => {
  const random = seededRandom(seed);
  const i32 = new Int32Array(WORDS);
  const u8 = Buffer.from(i32.buffer);
  // Too small for a view, with one, within a larger memory, and too large.
  const slab = random.bytes(8192);
  const sources = [
    random.bytes(1023),
    random.bytes(1024),
    slab.subarray(3, 5000),
    slab.subarray(1),
    Buffer.alloc(1024 * 1024 + 1, 'x'),
  ];
  let wrong = 0;
  for (let round = 0; round < 20_000; round++) {
    const source = random.pick(sources);
    // It is read anew each time: a view shows what is there now.
    source[random.below(1000)] = random.below(256);
    const from = random.below(300);
    const bytes = random.below(random.chance(0.5) ? 24 : 400);
    const word = random.below(WORDS - 110);
    i32.fill(-1);
    storeBytes(i32, u8, word, source, from, from + bytes);
    const expected = Buffer.alloc(WORDS * 4, 0xff);
    expected.fill(0, word * 4, (word + ((bytes + 3) >>> 2)) * 4);
    source.copy(expected, word * 4, from, from + bytes);
    if (!u8.equals(expected)) wrong++;
  }
  t.equal(wrong, 0);
  t.end();
});
