/**
 * `struct`: C structures to and from strings, as Roberto Ierusalimschy's struct 0.2 with Redis's
 * checks (lua_struct.c), on a little-endian machine of 64 bits.
 *
 *   > < endianness, !n alignment, x one zero byte, b B h H l L T i[n] I[n] integers,
 *   f d floats, s a string up to a zero byte, c[n] n bytes (c0: as many as the number before says)
 */
import type { Library, Lua } from '../lua.js';
import { ByteSink } from './byte-sink.js';

const INTEGER_BYTES_MAX = 32;
const ALIGNMENT_MAX = 8;
const INT32_MAX = 0x7fff_ffff;
const SIZES: Readonly<Record<string, number>> = { b: 1, h: 2, l: 8, t: 8, x: 1 };

/** A format, read option by option. */
class Format {
  readonly #lua: Lua;
  readonly #L: number;
  readonly #text: string;
  #at = 0;
  isLittle = true;
  #alignment = 1;

  constructor(lua: Lua, L: number) {
    this.#lua = lua;
    this.#L = L;
    // C sees the format up to its first zero byte.
    this.#text = lua.checkText(L, 1).replace(/\0.*/s, '');
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  /** The next option and its size in bytes. */
  next(): { option: string; size: number } {
    const option = this.#text[this.#at]!;
    this.#at += 1;
    return { option, size: this.#size(option) };
  }

  /** Bytes to fill up before a value of `size` bytes that would start at `at`. */
  padding(at: number, option: string, size: number): number {
    if (size === 0 || option === 'c') return 0;
    const unit = Math.min(size, this.#alignment);
    return (unit - (at & (unit - 1))) & (unit - 1);
  }

  /** An option that stands for no value. */
  control(option: string): void {
    if (option === '>') this.isLittle = false;
    else if (option === '<') this.isLittle = true;
    else if (option === '!') {
      const alignment = this.#number(ALIGNMENT_MAX);
      if (alignment <= 0 || (alignment & (alignment - 1)) !== 0) {
        this.#lua.raise(this.#L, `alignment ${alignment} is not a power of 2`);
      }
      this.#alignment = alignment;
    } else if (option !== ' ') {
      this.#lua.badArgument(this.#L, 1, `invalid format option '${option}'`);
    }
  }

  #size(option: string): number {
    if (option === 'f') return 4;
    if (option === 'd') return 8;
    if (option === 'c') return this.#number(1);
    if (option !== 'i' && option !== 'I') {
      const isSized = 'bBhHlLTx'.includes(option);
      return isSized ? SIZES[option.toLowerCase()]! : 0;
    }
    const size = this.#number(4);
    if (size > INTEGER_BYTES_MAX) {
      const limit = INTEGER_BYTES_MAX;
      this.#lua.raise(this.#L, `integral size ${size} is larger than limit of ${limit}`);
    }
    return size;
  }

  #number(otherwise: number): number {
    const digits = /^\d*/.exec(this.#text.slice(this.#at))![0];
    if (digits === '') return otherwise;
    this.#at += digits.length;
    const value = Number(digits);
    if (value > INT32_MAX) this.#lua.raise(this.#L, 'integral size overflow');
    return value;
  }
}

export function structLibrary(lua: Lua): Library {
  const sink = new ByteSink(lua);
  return {
    pack: (L) => pack(lua, sink, L),
    unpack: (L) => unpack(lua, L),
    size: (L) => size(lua, L),
  };
}

function pack(lua: Lua, sink: ByteSink, L: number): number {
  const { c } = lua;
  const format = new Format(lua, L);
  sink.begin(L);
  let arg = 2;
  while (!format.isAtEnd) {
    const { option, size } = format.next();
    for (let n = format.padding(sink.at, option, size); n > 0; n -= 1) sink.byte(0);
    if ('bBhHlLTiI'.includes(option)) {
      putInteger(sink, c.luaL_checknumber(L, arg), size, format.isLittle);
      arg += 1;
    } else if (option === 'x') {
      sink.byte(0);
    } else if (option === 'f' || option === 'd') {
      sink.room(size);
      putFloat(sink, c.luaL_checknumber(L, arg), size, format.isLittle);
      arg += 1;
    } else if (option === 'c' || option === 's') {
      const at = lua.checkString(L, arg);
      const { length } = lua;
      arg += 1;
      const taken = size === 0 ? length : size;
      if (length < taken) lua.badArgument(L, arg, 'string too short');
      sink.bytes(lua.machine.bytes, at, at + taken);
      if (option === 's') sink.byte(0);
    } else {
      format.control(option);
    }
  }
  sink.push();
  return 1;
}

function putInteger(sink: ByteSink, n: number, size: number, isLittle: boolean): void {
  sink.room(size);
  let rest = BigInt.asUintN(64, toInt64(n));
  for (let i = 0; i < size; i += 1) {
    sink.buf[sink.at + (isLittle ? i : size - 1 - i)] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  sink.at += size;
}

/** As C casts: towards zero; what is no number or too large is the smallest. */
function toInt64(n: number): bigint {
  if (!Number.isFinite(n) || Math.abs(n) >= 2 ** 64 || n < -(2 ** 63)) return -(2n ** 63n);
  return BigInt(Math.trunc(n));
}

function putFloat(sink: ByteSink, n: number, size: number, isLittle: boolean): void {
  const { buf, at } = sink;
  if (size === 4) {
    if (isLittle) buf.writeFloatLE(n, at);
    else buf.writeFloatBE(n, at);
  } else if (isLittle) {
    buf.writeDoubleLE(n, at);
  } else {
    buf.writeDoubleBE(n, at);
  }
  sink.at += size;
}

function unpack(lua: Lua, L: number): number {
  const { c } = lua;
  const format = new Format(lua, L);
  const from = lua.checkString(L, 2);
  const { length } = lua;
  const start = lua.isNil(L, 3) ? 1 : lua.checkInteger(L, 3);
  if (start <= 0) lua.badArgument(L, 3, 'offset must be 1 or greater');
  let at = start - 1;
  let count = 0;
  const check = (bytes: number) => {
    if (at + bytes > length) lua.badArgument(L, 2, 'data string too short');
  };
  while (!format.isAtEnd) {
    const { option, size } = format.next();
    let bytes = size;
    at += format.padding(at, option, size);
    check(bytes);
    if (c.lua_checkstack(L, 2) === 0) lua.raise(L, 'stack overflow (too many results)');
    if ('bBhHlLTiI'.includes(option)) {
      const isSigned = option !== option.toUpperCase();
      const { bytes: memory } = lua.machine;
      c.lua_pushnumber(L, getInteger(memory, from + at, size, format.isLittle, isSigned));
      count += 1;
    } else if (option === 'f' || option === 'd') {
      c.lua_pushnumber(L, getFloat(lua.machine.bytes, from + at, size, format.isLittle));
      count += 1;
    } else if (option === 'c') {
      if (bytes === 0) {
        if (count === 0 || c.lua_isnumber(L, -1) === 0) {
          lua.raise(L, "format 'c0' needs a previous size");
        }
        bytes = Math.trunc(c.lua_tonumber(L, -1));
        c.lua_settop(L, -2);
        count -= 1;
        if (bytes < 0) lua.badArgument(L, 2, 'data string too short');
        check(bytes);
      }
      c.lua_pushlstring(L, from + at, bytes);
      count += 1;
    } else if (option === 's') {
      const size = lua.machine.bytes.subarray(from + at, from + length).indexOf(0);
      if (size === -1) lua.raise(L, 'unfinished string in data');
      c.lua_pushlstring(L, from + at, size);
      bytes = size + 1;
      count += 1;
    } else if (option !== 'x') {
      format.control(option);
    }
    at += bytes;
  }
  c.lua_pushnumber(L, at + 1);
  return count + 1;
}

function getInteger(
  data: Buffer,
  at: number,
  size: number,
  isLittle: boolean,
  isSigned: boolean,
): number {
  let value = 0n;
  for (let i = 0; i < size; i += 1) {
    const byte = data[isLittle ? at + size - 1 - i : at + i]!;
    value = BigInt.asUintN(64, (value << 8n) | BigInt(byte));
  }
  if (!isSigned) return Number(value);
  return Number(BigInt.asIntN(Math.min(64, size * 8), value));
}

function getFloat(data: Buffer, at: number, size: number, isLittle: boolean): number {
  if (size === 4) return isLittle ? data.readFloatLE(at) : data.readFloatBE(at);
  return isLittle ? data.readDoubleLE(at) : data.readDoubleBE(at);
}

function size(lua: Lua, L: number): number {
  const format = new Format(lua, L);
  let at = 0;
  while (!format.isAtEnd) {
    const { option, size } = format.next();
    at += format.padding(at, option, size);
    if (option === 's') lua.badArgument(L, 1, "option 's' has no fixed length");
    if (option === 'c' && size === 0) lua.badArgument(L, 1, "option 'c0' has no fixed length");
    if (!/[A-Za-z0-9]/.test(option)) format.control(option);
    at += size;
  }
  lua.c.lua_pushnumber(L, at);
  return 1;
}
