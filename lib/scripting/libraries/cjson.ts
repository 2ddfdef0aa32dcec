/** `cjson`: JSON as lua-cjson 2.1.0 reads and writes it; its settings last, as in Redis. */
import type { RedisTable } from '../environment.js';
import { BOOLEAN, type Lua } from '../lua.js';
import { JsonReader } from './cjson-decode.js';
import { JsonWriter } from './cjson-encode.js';
import { CjsonSettings, type InvalidNumbers } from './cjson-settings.js';

const INT32_MAX = 0x7fff_ffff;
const PRECISION_MAX = 16;

export function cjsonLibrary(lua: Lua): RedisTable {
  const { c } = lua;
  const settings = new CjsonSettings();
  const writer = new JsonWriter(lua, settings);
  const reader = new JsonReader(lua, settings);
  const isGiven = (L: number, arg: number) => c.lua_type(L, arg) > 0;
  /** Reads an argument, if given, as a whole number within bounds. */
  const whole = (L: number, arg: number, least: number, most: number, now: number) => {
    if (!isGiven(L, arg)) return now;
    const value = lua.checkInteger(L, arg);
    if (value < least || value > most) {
      lua.badArgument(L, arg, `expected integer between ${least} and ${most}`);
    }
    return value;
  };
  /** Reads an argument, if given, as one of the texts or a boolean for the first and second. */
  const choice = (L: number, arg: number, now: InvalidNumbers, hasNull: boolean) => {
    if (!isGiven(L, arg)) return now;
    if (c.lua_type(L, arg) === BOOLEAN) return c.lua_toboolean(L, arg) === 0 ? 'off' : 'on';
    const text = lua.checkText(L, arg);
    if (text === 'on' || text === 'off' || (hasNull && text === 'null')) return text;
    return lua.badArgument(L, arg, `invalid option '${text}'`);
  };
  const most = (L: number, count: number) => {
    if (c.lua_gettop(L) > count) lua.badArgument(L, count + 1, 'found too many arguments');
  };
  const giveNumber = (L: number, value: number) => {
    c.lua_pushnumber(L, value);
    return 1;
  };
  const giveBoolean = (L: number, value: boolean) => {
    c.lua_pushboolean(L, value ? 1 : 0);
    return 1;
  };
  return {
    functions: {
      encode: (L) => writer.encode(L),
      decode: (L) => reader.decode(L),
      encode_sparse_array: (L) => {
        most(L, 3);
        settings.sparseConvert =
          choice(L, 1, settings.sparseConvert ? 'on' : 'off', false) === 'on';
        settings.sparseRatio = whole(L, 2, 0, INT32_MAX, settings.sparseRatio);
        settings.sparseSafe = whole(L, 3, 0, INT32_MAX, settings.sparseSafe);
        giveBoolean(L, settings.sparseConvert);
        giveNumber(L, settings.sparseRatio);
        giveNumber(L, settings.sparseSafe);
        return 3;
      },
      encode_max_depth: (L) => {
        most(L, 1);
        settings.encodeDepthMax = whole(L, 1, 1, INT32_MAX, settings.encodeDepthMax);
        return giveNumber(L, settings.encodeDepthMax);
      },
      decode_max_depth: (L) => {
        most(L, 1);
        settings.decodeDepthMax = whole(L, 1, 1, INT32_MAX, settings.decodeDepthMax);
        return giveNumber(L, settings.decodeDepthMax);
      },
      encode_number_precision: (L) => {
        most(L, 1);
        settings.precision = whole(L, 1, 1, PRECISION_MAX, settings.precision);
        return giveNumber(L, settings.precision);
      },
      encode_keep_buffer: (L) => {
        most(L, 1);
        settings.keepBuffer = choice(L, 1, settings.keepBuffer ? 'on' : 'off', false) === 'on';
        return giveBoolean(L, settings.keepBuffer);
      },
      encode_invalid_numbers: (L) => {
        most(L, 1);
        settings.encodeInvalidNumbers = choice(L, 1, settings.encodeInvalidNumbers, true);
        if (settings.encodeInvalidNumbers !== 'null') {
          return giveBoolean(L, settings.encodeInvalidNumbers === 'on');
        }
        lua.pushText(L, 'null');
        return 1;
      },
      decode_invalid_numbers: (L) => {
        most(L, 1);
        const now = settings.decodeInvalidNumbers ? 'on' : 'off';
        settings.decodeInvalidNumbers = choice(L, 1, now, false) === 'on';
        return giveBoolean(L, settings.decodeInvalidNumbers);
      },
    },
    constants: { _NAME: 'cjson', _VERSION: '2.1.0' },
  };
}
