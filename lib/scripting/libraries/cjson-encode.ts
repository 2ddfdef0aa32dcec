/** Values of Lua to JSON. Source: lua_cjson.c 2.1.0 (`json_append_data`). */
import { VALUE_WORK_BYTES } from '../limits.js';
import { BOOLEAN, LIGHT_USERDATA, type Lua, NIL, NUMBER, STRING, TABLE } from '../lua.js';
import { ByteSink } from './byte-sink.js';
import type { CjsonSettings } from './cjson-settings.js';
import { formatNumber } from './format-number.js';
import { typeName } from './type-name.js';

/** Deeper than this C's own stack would not hold it either, whatever the setting says. */
const STACK_DEPTH_MAX = 5000;

const QUOTE = 34;
const COMMA = 44;
const COLON = 58;

/** What stands for a byte within a string; empty: the byte itself. */
const ESCAPES = makeEscapes();

function makeEscapes(): readonly string[] {
  const escapes = new Array<string>(256).fill('');
  for (let byte = 0; byte < 32; byte += 1) {
    escapes[byte] = `\\u${byte.toString(16).padStart(4, '0')}`;
  }
  escapes[0x7f] = '\\u007f';
  const named: readonly (readonly [number, string])[] = [
    ...([
      [8, '\\b'],
      [9, '\\t'],
      [10, '\\n'],
      [12, '\\f'],
      [13, '\\r'],
    ] as const),
    ...([
      [34, '\\"'],
      [47, '\\/'],
      [92, '\\\\'],
    ] as const),
  ];
  for (const [byte, text] of named) escapes[byte] = text;
  return escapes;
}

export class JsonWriter {
  readonly #lua: Lua;
  readonly #sink: ByteSink;
  readonly #settings: CjsonSettings;

  constructor(lua: Lua, settings: CjsonSettings) {
    this.#lua = lua;
    this.#sink = new ByteSink(lua);
    this.#settings = settings;
  }

  encode(L: number): number {
    if (this.#lua.c.lua_gettop(L) !== 1) this.#lua.badArgument(L, 1, 'expected 1 argument');
    this.#sink.begin(L);
    this.#value(L, 1, 0);
    this.#sink.push();
    return 1;
  }

  #value(L: number, index: number, depth: number): void {
    const { c } = this.#lua;
    const sink = this.#sink;
    this.#lua.work(L, VALUE_WORK_BYTES);
    const type = c.lua_type(L, index);
    if (type === STRING) this.#string(L, index);
    else if (type === NUMBER) this.#number(c.lua_tonumber(L, index));
    else if (type === BOOLEAN) sink.text(c.lua_toboolean(L, index) === 0 ? 'false' : 'true');
    else if (type === TABLE) this.#table(L, index, depth + 1);
    else if (type === NIL) sink.text('null');
    else if (type === LIGHT_USERDATA && c.lua_touserdata(L, index) === 0) sink.text('null');
    else this.#refuse(L, type, 'type not supported');
  }

  #refuse(L: number, type: number, reason: string): never {
    return this.#lua.raise(L, `Cannot serialise ${typeName(type)}: ${reason}`);
  }

  #table(L: number, index: number, depth: number): void {
    const { c } = this.#lua;
    const isTooDeep = depth > this.#settings.encodeDepthMax || depth > STACK_DEPTH_MAX;
    if (isTooDeep || c.lua_checkstack(L, 3) === 0) {
      this.#lua.raise(L, `Cannot serialise, excessive depth (${depth})`);
    }
    const items = this.#arrayLength(L, index);
    if (items > 0) this.#array(L, index, items, depth);
    else this.#object(L, index, depth);
  }

  /** The largest index if all keys are positive whole numbers, else -1. */
  #arrayLength(L: number, index: number): number {
    const { c } = this.#lua;
    const top = c.lua_gettop(L);
    let max = 0;
    let items = 0;
    c.lua_pushnil(L);
    while (c.lua_next(L, index) !== 0) {
      this.#lua.work(L, VALUE_WORK_BYTES);
      const key = c.lua_type(L, top + 1) === NUMBER ? c.lua_tonumber(L, top + 1) : 0;
      if (key < 1 || Math.floor(key) !== key) {
        c.lua_settop(L, top);
        return -1;
      }
      if (key > max) max = key;
      items += 1;
      c.lua_settop(L, top + 1);
    }
    const { sparseRatio, sparseSafe, sparseConvert } = this.#settings;
    if (sparseRatio > 0 && max > items * sparseRatio && max > sparseSafe) {
      if (!sparseConvert) this.#refuse(L, TABLE, 'excessively sparse array');
      return -1;
    }
    return max;
  }

  #array(L: number, index: number, items: number, depth: number): void {
    const { c } = this.#lua;
    const sink = this.#sink;
    const top = c.lua_gettop(L);
    sink.text('[');
    for (let n = 1; n <= items; n += 1) {
      if (n > 1) sink.byte(COMMA);
      c.lua_rawgeti(L, index, n);
      this.#value(L, top + 1, depth);
      c.lua_settop(L, top);
    }
    sink.text(']');
  }

  #object(L: number, index: number, depth: number): void {
    const { c } = this.#lua;
    const sink = this.#sink;
    const top = c.lua_gettop(L);
    let isFirst = true;
    sink.text('{');
    c.lua_pushnil(L);
    while (c.lua_next(L, index) !== 0) {
      if (!isFirst) sink.byte(COMMA);
      isFirst = false;
      const type = c.lua_type(L, top + 1);
      if (type === NUMBER) {
        sink.byte(QUOTE);
        this.#number(c.lua_tonumber(L, top + 1));
        sink.byte(QUOTE);
      } else if (type === STRING) {
        this.#string(L, top + 1);
      } else {
        this.#refuse(L, type, 'table key must be a number or string');
      }
      sink.byte(COLON);
      this.#value(L, top + 2, depth);
      c.lua_settop(L, top + 1);
    }
    sink.text('}');
  }

  #number(x: number): void {
    const { encodeInvalidNumbers, precision } = this.#settings;
    if (!Number.isFinite(x)) {
      if (encodeInvalidNumbers === 'off') {
        this.#lua.raise(this.#thread, 'Cannot serialise number: must not be NaN or Inf');
      }
      if (encodeInvalidNumbers === 'null') {
        this.#sink.text('null');
        return;
      }
    }
    this.#sink.text(formatNumber(x, precision));
  }

  get #thread(): number {
    return this.#sink.thread;
  }

  #string(L: number, index: number): void {
    const at = this.#lua.stringAt(L, index);
    const { length } = this.#lua;
    const { bytes } = this.#lua.machine;
    const sink = this.#sink;
    // At worst each byte takes six.
    sink.room(length * 6 + 2);
    const { buf } = sink;
    let write = sink.at;
    buf[write++] = QUOTE;
    for (let read = at; read < at + length; read += 1) {
      const byte = bytes[read]!;
      const escape = ESCAPES[byte]!;
      if (escape === '') buf[write++] = byte;
      else write += buf.write(escape, write, 'latin1');
    }
    buf[write++] = QUOTE;
    sink.at = write;
  }
}
