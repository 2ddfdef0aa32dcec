/** Lua's basic functions that C does with 32 bits where Redis's has 64. */
import { type Library, type Lua, NUMBER } from '../lua.js';

const WORD = /^[ \f\n\r\t\v]*([+-]?)(?:0[xX])?([0-9a-zA-Z]+)[ \f\n\r\t\v]*$/;
const UINT64_MAX = 2n ** 64n - 1n;

/** `tonumber`; `raw` is C's, which does base 10. */
export function baseLibrary(lua: Lua, raw: (L: number) => number): Library {
  const { c } = lua;
  return {
    tonumber: (L) => {
      const base = lua.isNil(L, 2) ? 10 : lua.checkInteger(L, 2);
      if (base === 10 || base < 2 || base > 36) return raw(L);
      const text = c.lua_type(L, 1) === NUMBER ? lua.text(L, 1) : lua.checkText(L, 1);
      const value = toUnsigned(text, base);
      if (value === undefined) c.lua_pushnil(L);
      else c.lua_pushnumber(L, Number(value));
      return 1;
    },
  };
}

/** As C's `strtoul` of 64 bits. */
function toUnsigned(text: string, base: number): bigint | undefined {
  const found = WORD.exec(text);
  if (found === null) return undefined;
  const [, sign, digits = ''] = found;
  let value = 0n;
  for (const digit of digits) {
    const weight = Number.parseInt(digit, 36);
    if (weight >= base) return undefined;
    value = value * BigInt(base) + BigInt(weight);
  }
  if (value > UINT64_MAX) return UINT64_MAX;
  return sign === '-' ? BigInt.asUintN(64, -value) : value;
}
