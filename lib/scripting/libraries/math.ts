/**
 * `math.random` and `math.randomseed` as Redis has them: the 48 bits of drand48, from a fixed
 * start, so that every node draws the same numbers. Source: Redis rand.c.
 *
 *   x = x * 0x5DEECE66D + 0xB   modulo 2^48, in two halves of 24 bits
 */
import type { Library, Lua } from '../lua.js';

const HALF = 0x100_0000;
const FACTOR_HIGH = 0x5de;
const FACTOR_LOW = 0xece66d;
const ADDEND = 0xb;
const START_HIGH = 0x1234ab;
const START_LOW = 0xcd330e;
const INT32_MAX = 0x7fff_ffff;

class Rand48 {
  #high = START_HIGH;
  #low = START_LOW;

  seed(seed: number): void {
    const bits = seed | 0;
    this.#high = (bits >>> 8) & 0xffffff;
    this.#low = ((bits & 0xff) << 16) | 0x330e;
  }

  /** 31 bits, the upper ones of the state. */
  next(): number {
    const low = this.#low * FACTOR_LOW + ADDEND;
    const carry = Math.floor(low / HALF);
    const cross = (this.#high * FACTOR_LOW) % HALF;
    const high = cross + this.#low * FACTOR_HIGH + carry;
    this.#low = low % HALF;
    this.#high = high % HALF;
    return this.#high * 128 + (this.#low >>> 17);
  }
}

export function mathLibrary(lua: Lua): Library {
  const { c } = lua;
  const rand = new Rand48();
  return {
    random: (L) => {
      const r = (rand.next() % INT32_MAX) / INT32_MAX;
      const count = c.lua_gettop(L);
      if (count > 2) lua.raise(L, 'wrong number of arguments');
      const low = count === 2 ? lua.checkInteger(L, 1) : 1;
      const high = count === 0 ? 1 : lua.checkInteger(L, count);
      if (low > high) lua.badArgument(L, count, 'interval is empty');
      c.lua_pushnumber(L, count === 0 ? r : Math.floor(r * (high - low + 1)) + low);
      return 1;
    },
    randomseed: (L) => {
      rand.seed(lua.checkInteger(L, 1));
      return 0;
    },
  };
}
