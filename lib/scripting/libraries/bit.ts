/** `bit`: operations on 32 bits, as LuaJIT's BitOp (bitop.luajit.org): results are signed. */
import type { Library, Lua } from '../lua.js';

export function bitLibrary(lua: Lua): Library {
  const { c } = lua;
  const bits = (L: number, arg: number) => toBits(c.luaL_checknumber(L, arg));
  const give = (L: number, value: number) => {
    c.lua_pushnumber(L, value | 0);
    return 1;
  };
  const fold = (L: number, combine: (a: number, b: number) => number) => {
    let value = bits(L, 1);
    for (let arg = c.lua_gettop(L); arg > 1; arg -= 1) value = combine(value, bits(L, arg));
    return give(L, value);
  };
  return {
    tobit: (L) => give(L, bits(L, 1)),
    bnot: (L) => give(L, ~bits(L, 1)),
    band: (L) => fold(L, (a, b) => a & b),
    bor: (L) => fold(L, (a, b) => a | b),
    bxor: (L) => fold(L, (a, b) => a ^ b),
    lshift: (L) => give(L, bits(L, 1) << (bits(L, 2) & 31)),
    rshift: (L) => give(L, bits(L, 1) >>> (bits(L, 2) & 31)),
    arshift: (L) => give(L, bits(L, 1) >> (bits(L, 2) & 31)),
    rol: (L) => give(L, rotatedLeft(bits(L, 1), bits(L, 2) & 31)),
    ror: (L) => give(L, rotatedLeft(bits(L, 1), -bits(L, 2) & 31)),
    bswap: (L) => {
      const b = bits(L, 1);
      return give(L, (b >>> 24) | ((b >> 8) & 0xff00) | ((b & 0xff00) << 8) | (b << 24));
    },
    tohex: (L) => {
      const value = bits(L, 1);
      const wanted = c.lua_type(L, 2) <= 0 ? 8 : bits(L, 2);
      const digits = Math.min(8, wanted < 0 ? -wanted : wanted);
      const hex = (value >>> 0)
        .toString(16)
        .padStart(8, '0')
        .slice(8 - digits);
      lua.pushText(L, wanted < 0 ? hex.toUpperCase() : hex);
      return 1;
    },
  };
}

const double = new Float64Array(1);
const words = new Int32Array(double.buffer);
/** 2^52 + 2^51: added to a number, it brings its whole part to the end of the mantissa. */
const SHIFT = 6755399441055744;

/** The number to the nearest whole one, ties to the even one, modulo 2^32. Little-endian. */
function toBits(x: number): number {
  double[0] = x + SHIFT;
  return words[0]!;
}

function rotatedLeft(bits: number, by: number): number {
  return (bits << by) | (bits >>> (-by & 31));
}
