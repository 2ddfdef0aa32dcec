/**
 * `cmsgpack`: MessagePack, as lua-cmsgpack 0.4.0 in Redis (lua_cmsgpack.c). Tables with the keys
 * 1 to n are arrays, all others maps; beyond 16 levels there is nil.
 *
 * Source of the format: github.com/msgpack/msgpack/blob/master/spec.md.
 */
import type { RedisTable } from '../environment.js';
import { VALUE_WORK_BYTES } from '../limits.js';
import { BOOLEAN, type Lua, NUMBER, STRING, TABLE } from '../lua.js';
import { ByteSink } from './byte-sink.js';

const NESTING_MAX = 16;
const INT32_MAX = 0x7fff_ffff;
/** Nested data that unpack follows, so that it does not run out of C's stack. */
const UNPACK_NESTING_MAX = 1000;

export function cmsgpackLibrary(lua: Lua): RedisTable {
  const packer = new Packer(lua);
  const { c } = lua;
  const unpackFrom = (L: number, limit: number, offset: number, isAll: boolean) => {
    lua.checkString(L, 1);
    c.lua_settop(L, 1);
    return new Unpacker(lua, L).unpack(limit, offset, isAll);
  };
  return {
    functions: {
      pack: (L) => packer.pack(L),
      unpack: (L) => unpackFrom(L, INT32_MAX, 0, true),
      unpack_one: (L) => {
        const offset = lua.isNil(L, 2) ? 0 : lua.checkInteger(L, 2);
        return unpackFrom(L, 1, offset, false);
      },
      unpack_limit: (L) => {
        const limit = lua.checkInteger(L, 2);
        const offset = lua.isNil(L, 3) ? 0 : lua.checkInteger(L, 3);
        const isAll = limit === 0 && offset === 0;
        return unpackFrom(L, isAll ? INT32_MAX : limit, offset, isAll);
      },
    },
    constants: {
      _NAME: 'cmsgpack',
      _VERSION: 'lua-cmsgpack 0.4.0',
      _COPYRIGHT: 'Copyright (C) 2012, Salvatore Sanfilippo',
      _DESCRIPTION: 'MessagePack C implementation for Lua',
    },
  };
}

class Packer {
  readonly #lua: Lua;
  readonly #sink: ByteSink;

  constructor(lua: Lua) {
    this.#lua = lua;
    this.#sink = new ByteSink(lua);
  }

  pack(L: number): number {
    const { c } = this.#lua;
    const count = c.lua_gettop(L);
    if (count === 0) this.#lua.badArgument(L, 0, 'MessagePack pack needs input.');
    if (c.lua_checkstack(L, NESTING_MAX * 4) === 0) {
      this.#lua.badArgument(L, 0, 'Too many arguments for MessagePack pack.');
    }
    this.#sink.begin(L);
    for (let arg = 1; arg <= count; arg += 1) this.#value(L, arg, 0);
    this.#sink.push();
    return 1;
  }

  #value(L: number, index: number, level: number): void {
    const { c } = this.#lua;
    const sink = this.#sink;
    this.#lua.work(L, VALUE_WORK_BYTES);
    const type = c.lua_type(L, index);
    if (type === STRING) {
      const at = this.#lua.stringAt(L, index);
      const { length } = this.#lua;
      this.#head(length, 0xa0, 32, [0xd9, 0xda, 0xdb]);
      sink.bytes(this.#lua.machine.bytes, at, at + length);
    } else if (type === BOOLEAN) {
      sink.byte(c.lua_toboolean(L, index) === 0 ? 0xc2 : 0xc3);
    } else if (type === NUMBER) {
      this.#number(c.lua_tonumber(L, index));
    } else if (type === TABLE && level < NESTING_MAX) {
      this.#table(L, index, level);
    } else {
      sink.byte(0xc0);
    }
  }

  #table(L: number, index: number, level: number): void {
    const { c } = this.#lua;
    const top = c.lua_gettop(L);
    const { pairs, isArray } = this.#measure(L, index);
    if (isArray) {
      this.#head(pairs, 0x90, 16, [0, 0xdc, 0xdd]);
      for (let n = 1; n <= pairs; n += 1) {
        c.lua_rawgeti(L, index, n);
        this.#value(L, top + 1, level + 1);
        c.lua_settop(L, top);
      }
      return;
    }
    this.#head(pairs, 0x80, 16, [0, 0xde, 0xdf]);
    c.lua_pushnil(L);
    while (c.lua_next(L, index) !== 0) {
      this.#value(L, top + 1, level + 1);
      this.#value(L, top + 2, level + 1);
      c.lua_settop(L, top + 1);
    }
  }

  #measure(L: number, index: number): { pairs: number; isArray: boolean } {
    const { c } = this.#lua;
    const top = c.lua_gettop(L);
    let pairs = 0;
    let max = 0;
    let isArray = true;
    c.lua_pushnil(L);
    while (c.lua_next(L, index) !== 0) {
      pairs += 1;
      this.#lua.work(L, VALUE_WORK_BYTES);
      const key = c.lua_type(L, top + 1) === NUMBER ? c.lua_tonumber(L, top + 1) : 0;
      if (key > 0 && Number.isInteger(key)) max = Math.max(max, key);
      else isArray = false;
      c.lua_settop(L, top + 1);
    }
    return { pairs, isArray: isArray && max === pairs };
  }

  /** Type and length: within the first byte if it is small, else in 1 (if there is such), 2 or 4. */
  #head(n: number, fix: number, fixMax: number, wide: readonly number[]): void {
    const sink = this.#sink;
    const [one, two, four] = wide as [number, number, number];
    if (n < fixMax) sink.byte(fix | n);
    else if (one !== 0 && n <= 0xff) this.#sized(one, n, 1);
    else if (n <= 0xffff) this.#sized(two, n, 2);
    else this.#sized(four, n, 4);
  }

  #sized(type: number, n: number, bytes: number): void {
    const sink = this.#sink;
    sink.byte(type);
    sink.room(bytes);
    sink.at = sink.buf.writeUIntBE(n, sink.at, bytes);
  }

  #number(x: number): void {
    const sink = this.#sink;
    if (!Number.isInteger(x) || x < -(2 ** 63) || x >= 2 ** 63) {
      const isFloat = Math.fround(x) === x;
      sink.byte(isFloat ? 0xca : 0xcb);
      sink.room(8);
      sink.at = isFloat ? sink.buf.writeFloatBE(x, sink.at) : sink.buf.writeDoubleBE(x, sink.at);
    } else if (x >= 0) {
      if (x <= 0x7f) sink.byte(x);
      else if (x <= 0xff) this.#sized(0xcc, x, 1);
      else if (x <= 0xffff) this.#sized(0xcd, x, 2);
      else if (x <= 0xffff_ffff) this.#sized(0xce, x, 4);
      else this.#wide(0xcf, x);
    } else if (x >= -32) sink.byte(x & 0xff);
    else if (x >= -0x80) this.#sized(0xd0, x & 0xff, 1);
    else if (x >= -0x8000) this.#sized(0xd1, x & 0xffff, 2);
    else if (x >= -0x8000_0000) this.#sized(0xd2, x >>> 0, 4);
    else this.#wide(0xd3, x);
  }

  #wide(type: number, x: number): void {
    const sink = this.#sink;
    sink.byte(type);
    sink.room(8);
    sink.at = sink.buf.writeBigUInt64BE(BigInt.asUintN(64, BigInt(x)), sink.at);
  }
}

class Unpacker {
  readonly #lua: Lua;
  readonly #L: number;
  /** Address and length of the string, which stays on the stack. */
  readonly #from: number;
  readonly #length: number;
  #at = 0;

  constructor(lua: Lua, L: number) {
    this.#lua = lua;
    this.#L = L;
    this.#from = lua.checkString(L, 1);
    this.#length = lua.length;
  }

  unpack(limit: number, offset: number, isAll: boolean): number {
    const lua = this.#lua;
    const L = this.#L;
    const length = this.#length;
    if (offset < 0 || limit < 0) {
      lua.raise(L, `Invalid request to unpack with offset of ${offset} and limit of ${length}.`);
    }
    if (offset > length) {
      lua.raise(L, `Start offset ${offset} greater than input length ${length}.`);
    }
    this.#at = offset;
    let count = 0;
    while (this.#at < length && count < limit) {
      this.#value(0);
      count += 1;
    }
    if (isAll) return count;
    lua.c.lua_pushnumber(L, this.#at >= length ? -1 : this.#at);
    lua.c.lua_insert(L, 2);
    return count + 1;
  }

  /** Address of the next `bytes` bytes, which are taken. */
  #take(bytes: number): number {
    const at = this.#at;
    if (bytes > this.#length - at) this.#lua.raise(this.#L, 'Missing bytes in input.');
    this.#at += bytes;
    return this.#from + at;
  }

  #unsigned(bytes: number): number {
    return this.#lua.machine.bytes.readUIntBE(this.#take(bytes), bytes);
  }

  #value(level: number): void {
    const { c } = this.#lua;
    const L = this.#L;
    if (level > UNPACK_NESTING_MAX || c.lua_checkstack(L, 4) === 0) {
      this.#lua.raise(L, 'Bad data format in input.');
    }
    this.#lua.work(L, VALUE_WORK_BYTES);
    const type = this.#unsigned(1);
    if (type <= 0x7f) c.lua_pushnumber(L, type);
    else if (type >= 0xe0) c.lua_pushnumber(L, type - 0x100);
    else if (type <= 0x8f) this.#map(type & 0xf, level);
    else if (type <= 0x9f) this.#array(type & 0xf, level);
    else if (type <= 0xbf) this.#string(type & 0x1f);
    else this.#wide(type, level);
  }

  #wide(type: number, level: number): void {
    const { c } = this.#lua;
    const L = this.#L;
    const data = this.#lua.machine.bytes;
    switch (type) {
      case 0xc0:
        return c.lua_pushnil(L);
      case 0xc2:
      case 0xc3:
        return c.lua_pushboolean(L, type & 1);
      case 0xca:
        return c.lua_pushnumber(L, data.readFloatBE(this.#take(4)));
      case 0xcb:
        return c.lua_pushnumber(L, data.readDoubleBE(this.#take(8)));
      case 0xcc:
      case 0xcd:
      case 0xce:
        return c.lua_pushnumber(L, this.#unsigned(1 << (type & 3)));
      case 0xd0:
      case 0xd1:
      case 0xd2: {
        const bytes = 1 << (type & 3);
        return c.lua_pushnumber(L, data.readIntBE(this.#take(bytes), bytes));
      }
      case 0xcf: // As in Redis, where it is pushed as a signed number.
      case 0xd3:
        return c.lua_pushnumber(L, Number(data.readBigInt64BE(this.#take(8))));
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#string(this.#unsigned(1 << ((type - 0xd9) & 3)));
      case 0xdc:
      case 0xdd:
        return this.#array(this.#unsigned(type === 0xdc ? 2 : 4), level);
      case 0xde:
      case 0xdf:
        return this.#map(this.#unsigned(type === 0xde ? 2 : 4), level);
      default:
        return this.#lua.raise(L, 'Bad data format in input.');
    }
  }

  #string(bytes: number): void {
    const at = this.#take(bytes);
    this.#lua.work(this.#L, bytes);
    this.#lua.c.lua_pushlstring(this.#L, at, bytes);
  }

  #array(count: number, level: number): void {
    const { c } = this.#lua;
    c.lua_createtable(this.#L, 0, 0);
    const table = c.lua_gettop(this.#L);
    for (let n = 1; n <= count; n += 1) {
      this.#value(level + 1);
      c.lua_rawseti(this.#L, table, n);
    }
  }

  #map(count: number, level: number): void {
    const { c } = this.#lua;
    c.lua_createtable(this.#L, 0, 0);
    const table = c.lua_gettop(this.#L);
    for (let n = 0; n < count; n += 1) {
      this.#value(level + 1);
      this.#value(level + 1);
      c.lua_rawset(this.#L, table);
    }
  }
}
