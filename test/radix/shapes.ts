/** Keys that are hard on a radix tree, each kind as a generator of random ones. */
import type { SeededRandom } from '../support/random.js';

export type KeyShape = (random: SeededRandom) => Buffer;

function text(prefix: string, n: number): Buffer {
  return Buffer.from(prefix + n);
}

export const KEY_SHAPES: Record<string, KeyShape> = {
  'random bytes': (random) => random.bytes(random.below(6)),
  'two bytes': (random) => random.bytes(2),
  'one-byte alphabet': (random) => Buffer.alloc(random.below(60), 97),
  'two-byte alphabet': (random) => {
    return Buffer.from(Array.from({ length: random.below(9) }, () => random.below(2) * 255));
  },
  'long shared prefixes': (random) => {
    const prefix = Buffer.alloc(random.pick([7, 255, 256, 1000]), 120);
    return Buffer.concat([prefix, random.bytes(random.below(3))]);
  },
  'runs of 0xff': (random) => {
    return Buffer.concat([Buffer.alloc(random.below(20), 255), random.bytes(random.below(2))]);
  },
  'runs of zeros': (random) => Buffer.alloc(random.below(20)),
  numbers: (random) => text('user:', random.below(3000)),
  'nested names': (random) => {
    const parts = Array.from({ length: random.below(6) }, () => random.pick(['a', 'ab', 'b', '']));
    return Buffer.from(parts.join('/'));
  },
};

/** A key of any shape. */
export function anyKey(random: SeededRandom): Buffer {
  return random.pick(Object.values(KEY_SHAPES))(random);
}
