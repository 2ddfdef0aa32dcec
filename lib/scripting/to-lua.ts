/**
 * Replies of commands as values of Lua, straight from the bytes of RESP2 and RESP3.
 * Source: Redis script_lua.c (`redisProtocolToLuaType`).
 *
 *   integer -> number   bulk -> string   array -> table   +status -> {ok}   -error -> {err}
 *   nil -> false (RESP2), nil (RESP3)   boolean, double -> {double}, map -> {map}, set -> {set},
 *   big number -> {big_number}, verbatim -> {verbatim_string = {format, string}}
 */
import { latin1 } from '../../resp/bytes.js';
import type { Lua } from './lua.js';

const LF = 10;

export class ReplyToLua {
  readonly #lua: Lua;
  #buf: Buffer = Buffer.alloc(0);
  #at = 0;
  #L = 0;

  constructor(lua: Lua) {
    this.#lua = lua;
  }

  /** Pushes the reply that starts at `from`. True if it is an error. */
  push(L: number, buf: Buffer, from: number): boolean {
    this.#L = L;
    this.#buf = buf;
    this.#at = from;
    const isError = buf[from] === 0x2d;
    this.#value();
    return isError;
  }

  #value(): void {
    const { c } = this.#lua;
    const L = this.#L;
    const type = this.#buf[this.#at]!;
    this.#at += 1;
    switch (type) {
      case 0x2b: // +
        return this.#field('ok', this.#line());
      case 0x2d: // -
        return this.#error();
      case 0x3a: // :
        return c.lua_pushnumber(L, this.#integer());
      case 0x24: // $
        return this.#bulk();
      case 0x2a: // *
      case 0x3e: // >
        return this.#array();
      case 0x5f: // _
        this.#line();
        return c.lua_pushnil(L);
      case 0x23: // #
        return c.lua_pushboolean(L, this.#line() === 't' ? 1 : 0);
      case 0x2c: // ,
        return this.#double();
      case 0x28: // (
        return this.#field('big_number', this.#line());
      case 0x25: // %
        return this.#map();
      case 0x7e: // ~
        return this.#set();
      case 0x3d: // =
        return this.#verbatim();
      default:
        throw new Error(`a reply of type ${type} has no value in Lua`);
    }
  }

  #line(): string {
    const end = this.#buf.indexOf(LF, this.#at);
    const text = latin1(this.#buf, this.#at, end - 1);
    this.#at = end + 1;
    return text;
  }

  #integer(): number {
    const buf = this.#buf;
    let at = this.#at;
    const isNegative = buf[at] === 0x2d;
    if (isNegative) at += 1;
    let value = 0;
    for (let digit = buf[at]! - 0x30; digit >= 0; digit = buf[at]! - 0x30) {
      value = value * 10 + digit;
      at += 1;
    }
    if (value > Number.MAX_SAFE_INTEGER) return Number(this.#line());
    this.#at = at + 2;
    return isNegative ? -value : value;
  }

  #table(pairs: number): number {
    const { c } = this.#lua;
    if (c.lua_checkstack(this.#L, 6) === 0) this.#lua.raise(this.#L, 'reached lua stack limit');
    c.lua_createtable(this.#L, 0, pairs);
    return c.lua_gettop(this.#L);
  }

  /** A table with one field of text. */
  #field(name: string, text: string): void {
    this.#lua.setText(this.#L, this.#table(1), name, text);
  }

  #error(): void {
    const { c } = this.#lua;
    const table = this.#table(2);
    this.#lua.setText(this.#L, table, 'err', this.#line());
    c.lua_pushboolean(this.#L, 1);
    this.#lua.setField(this.#L, table, 'ignore_error_stats_update');
  }

  #bulk(): void {
    const bytes = this.#integer();
    if (bytes === -1) {
      this.#lua.c.lua_pushboolean(this.#L, 0);
      return;
    }
    this.#lua.pushBytes(this.#L, this.#buf, this.#at, this.#at + bytes);
    this.#at += bytes + 2;
  }

  #array(): void {
    const { c } = this.#lua;
    const count = this.#integer();
    if (count === -1) {
      c.lua_pushboolean(this.#L, 0);
      return;
    }
    const table = this.#table(0);
    for (let n = 1; n <= count; n += 1) {
      this.#value();
      c.lua_rawseti(this.#L, table, n);
    }
  }

  #double(): void {
    const text = this.#line();
    const value = text === 'inf' ? Infinity : text === '-inf' ? -Infinity : Number(text);
    this.#lua.setNumber(this.#L, this.#table(1), 'double', value);
  }

  #map(): void {
    const { c } = this.#lua;
    const pairs = this.#integer();
    const outer = this.#table(1);
    const table = this.#table(0);
    for (let n = 0; n < pairs; n += 1) {
      this.#value();
      this.#value();
      c.lua_rawset(this.#L, table);
    }
    this.#lua.setField(this.#L, outer, 'map');
  }

  #set(): void {
    const { c } = this.#lua;
    const count = this.#integer();
    const outer = this.#table(1);
    const table = this.#table(0);
    for (let n = 0; n < count; n += 1) {
      this.#value();
      c.lua_pushboolean(this.#L, 1);
      c.lua_rawset(this.#L, table);
    }
    this.#lua.setField(this.#L, outer, 'set');
  }

  #verbatim(): void {
    const bytes = this.#integer();
    const outer = this.#table(1);
    const table = this.#table(2);
    const from = this.#at;
    this.#lua.pushBytes(this.#L, this.#buf, from + 4, from + bytes);
    this.#lua.setField(this.#L, table, 'string');
    this.#lua.setText(this.#L, table, 'format', latin1(this.#buf, from, from + 3));
    this.#lua.setField(this.#L, outer, 'verbatim_string');
    this.#at += bytes + 2;
  }
}
