/** The functions of `string` that are not left to C: see each file for why. */
import type { Library, Lua } from '../lua.js';
import { stringFormat } from './string-format.js';
import { patternLibrary } from './string-patterns.js';

export function stringLibrary(lua: Lua): Library {
  return {
    ...patternLibrary(lua),
    format: stringFormat(lua),
    rep: (L) => rep(lua, L),
  };
}

/** C adds byte after byte; this knows how much it will be. */
function rep(lua: Lua, L: number): number {
  const { c, machine } = lua;
  const from = lua.checkString(L, 1);
  const { length } = lua;
  const times = Math.max(0, lua.checkInteger(L, 2));
  const bytes = length * times;
  if (bytes > machine.memoryBytesMax) lua.raise(L, 'not enough memory');
  lua.work(L, bytes);
  const at = lua.stage(L, bytes);
  if (bytes > 0) machine.bytes.fill(machine.bytes.subarray(from, from + length), at, at + bytes);
  c.lua_pushlstring(L, at, bytes);
  return 1;
}
