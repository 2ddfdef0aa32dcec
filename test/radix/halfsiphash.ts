/**
 * HalfSipHash as published, slow and plain, with any number of rounds: the oracle of the fast one.
 * State and message are in 32-bit words; `init` lets the caller key all four words.
 */

export class SlowHalfSipHash {
  #v: [number, number, number, number];
  readonly #absorbRounds: number;
  readonly #finishRounds: number;

  /** `key`: four words. HalfSipHash's own key of two words is (k0, k1, k0, k1). */
  constructor(key: readonly number[], domain: number, absorbRounds: number, finishRounds: number) {
    const [k0, k1, k2, k3] = key as [number, number, number, number];
    this.#v = [k0, k1 ^ domain, k2 ^ 0x6c796765, k3 ^ 0x74656462];
    this.#absorbRounds = absorbRounds;
    this.#finishRounds = finishRounds;
  }

  absorb(...words: number[]): this {
    for (const word of words) {
      this.#v[3] ^= word;
      this.#rounds(this.#absorbRounds);
      this.#v[0] ^= word;
    }
    return this;
  }

  /** Sets bits of the state that tell what follows. */
  mark(bits: number): this {
    this.#v[1] ^= bits;
    return this;
  }

  /** [low, high], signed. */
  finish(): [number, number] {
    const v = this.#v;
    v[2] ^= 0xee;
    this.#rounds(this.#finishRounds);
    const low = v[1] ^ v[3];
    v[1] ^= 0xdd;
    this.#rounds(this.#finishRounds);
    return [low, v[1] ^ v[3]];
  }

  #rounds(count: number): void {
    const v = this.#v;
    const rotate = (x: number, by: number): number => (x << by) | (x >>> (32 - by));
    for (let i = 0; i < count; i++) {
      v[0] = (v[0] + v[1]) | 0;
      v[1] = rotate(v[1], 5) ^ v[0];
      v[0] = rotate(v[0], 16);
      v[2] = (v[2] + v[3]) | 0;
      v[3] = rotate(v[3], 8) ^ v[2];
      v[0] = (v[0] + v[3]) | 0;
      v[3] = rotate(v[3], 7) ^ v[0];
      v[2] = (v[2] + v[1]) | 0;
      v[1] = rotate(v[1], 13) ^ v[2];
      v[2] = rotate(v[2], 16);
    }
  }
}

/** Words of some bytes, the last padded with zeros. */
export function wordsOf(bytes: Uint8Array): number[] {
  const padded = Buffer.alloc(Math.ceil(bytes.length / 4) * 4);
  padded.set(bytes);
  const words = [];
  for (let at = 0; at < padded.length; at += 4) words.push(padded.readInt32LE(at));
  return words;
}

/** The published function: bytes in, 8 bytes out. */
export function halfSipHash(
  key: Uint8Array,
  message: Uint8Array,
  rounds: [number, number],
): Buffer {
  const [k0, k1] = wordsOf(key) as [number, number];
  const hash = new SlowHalfSipHash([k0, k1, k0, k1], 0xee, ...rounds);
  const whole = message.length - (message.length % 4);
  hash.absorb(...wordsOf(message.subarray(0, whole)));
  const tail = wordsOf(message.subarray(whole))[0] ?? 0;
  const [low, high] = hash.absorb(tail | (message.length << 24)).finish();
  const result = Buffer.alloc(8);
  result.writeInt32LE(low, 0);
  result.writeInt32LE(high, 4);
  return result;
}
