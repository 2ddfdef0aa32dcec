/**
 * Seeded random numbers for tests and benchmarks (mulberry32), so that a run
 * that fails can be repeated: the seed comes from the environment variable
 * SEED, and whoever uses it prints it with what went wrong.
 *
 * Not for anything secret, and not for the product: there random numbers come
 * in through World.
 */

export interface SeededRandom {
  readonly seed: number;
  /** A number in [0, 1). */
  float(): number;
  /** An integer in [0, n). */
  below(n: number): number;
  /** An integer in [low, high]. */
  between(low: number, high: number): number;
  /** True with this probability. */
  chance(probability: number): boolean;
  pick<T>(list: readonly T[]): T;
  bytes(n: number): Buffer;
  shuffle<T>(list: T[]): T[];
}

export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return (x ^ (x >>> 14)) >>> 0;
  };
  const float = (): number => next() / 0x1_0000_0000;
  const below = (n: number): number => Math.floor(float() * n);
  return {
    seed,
    float,
    below,
    between: (low, high) => low + below(high - low + 1),
    chance: (probability) => float() < probability,
    pick: (list) => {
      const picked = list[below(list.length)];
      if (picked === undefined) throw new Error('pick from an empty list');
      return picked;
    },
    bytes: (n) => {
      const target = Buffer.allocUnsafe(n);
      for (let i = 0; i < n; i++) target[i] = next() >>> 24;
      return target;
    },
    shuffle: (list) => {
      for (let i = list.length - 1; i > 0; i--) {
        const j = below(i + 1);
        [list[i], list[j]] = [list[j]!, list[i]!];
      }
      return list;
    },
  };
}

/** The seed of this run: SEED of the environment, else `usual`, by default another in each run. */
export function seedOfRun(usual = Math.floor(Math.random() * 0x7fff_ffff)): number {
  const given = process.env['SEED'];
  return given === undefined ? usual : Number(given) >>> 0;
}
