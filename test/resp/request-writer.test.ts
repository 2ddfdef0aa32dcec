/** Requests, against the obvious way to write them. */
import t from 'tap';
import { encodeRequest } from '../../resp/request-writer.js';
import { seededRandom, seedOfRun } from '../support/random.js';

const seed = seedOfRun();

function obvious(words: readonly (string | Buffer)[]): Buffer {
  const parts = [Buffer.from(`*${words.length}\r\n`)];
  for (const word of words) {
    const bytes = Buffer.from(word as string);
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'));
  }
  return Buffer.concat(parts);
}

void t.test(`SEED=${seed}`, (t) => {
  const random = seededRandom(seed);
  const lengths = [0, 1, 9, 10, 11, 99, 100, 101, 999, 1000, 65_535, 100_000];
  for (let round = 0; round < 500; round += 1) {
    const words = Array.from({ length: random.below(round < 400 ? 12 : 1200) }, () => {
      const length = random.chance(0.1) ? random.pick(lengths) : random.below(12);
      return random.chance(0.5) ? random.bytes(length) : 'aé€😀'.repeat(length % 40);
    });
    if (!encodeRequest(words).equals(obvious(words))) t.fail(`round ${round}`);
  }
  t.pass('500 requests');
  t.end();
});
