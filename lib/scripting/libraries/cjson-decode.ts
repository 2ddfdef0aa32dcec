/** JSON to values of Lua. Source: lua_cjson.c 2.1.0 (`json_next_token`, `json_process_value`). */
import { VALUE_WORK_BYTES } from '../limits.js';
import type { Lua } from '../lua.js';
import { ByteSink } from './byte-sink.js';
import type { CjsonSettings } from './cjson-settings.js';

/** Deeper than this C's own stack would not hold it either, whatever the setting says. */
const STACK_DEPTH_MAX = 5000;

/** Tokens, as errors name them. `T_ERROR` is told by its text instead. */
type Token =
  | 'T_OBJ_BEGIN'
  | 'T_OBJ_END'
  | 'T_ARR_BEGIN'
  | 'T_ARR_END'
  | 'T_STRING'
  | 'T_NUMBER'
  | 'T_BOOLEAN'
  | 'T_NULL'
  | 'T_COLON'
  | 'T_COMMA'
  | 'T_END'
  | 'T_ERROR';

const PUNCTUATION: Readonly<Record<string, Token>> = {
  '{': 'T_OBJ_BEGIN',
  '}': 'T_OBJ_END',
  '[': 'T_ARR_BEGIN',
  ']': 'T_ARR_END',
  ':': 'T_COLON',
  ',': 'T_COMMA',
};
const ESCAPED: Readonly<Record<string, number>> = {
  ...{ '"': 34, '\\': 92, '/': 47, b: 8, t: 9, n: 10, f: 12, r: 13 },
};
/** What C's `strtod` reads. */
const C_NUMBER =
  /[+-]?(?:0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)(?:[pP][+-]?\d+)?|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[iI][nN][fF](?:[iI][nN][iI][tT][yY])?|[nN][aA][nN](?:\(\w*\))?)/y;
/** Numbers that JSON does not know: of base 16, with a leading zero, not finite. */
const INVALID_NUMBER = /[+]|-?(?:0[xX0-9]|[iI][nN][fF]|[nN][aA][nN])/y;

const QUOTE = 34;
const BACKSLASH = 92;

export class JsonReader {
  readonly #lua: Lua;
  readonly #settings: CjsonSettings;
  readonly #sink: ByteSink;
  #L = 0;
  /** The input, one character per byte. */
  #text = '';
  #at = 0;
  #depth = 0;
  /** Of the last token: where it starts, and its value. */
  #start = 0;
  #number = 0;
  #boolean = false;
  #error = '';

  constructor(lua: Lua, settings: CjsonSettings) {
    this.#lua = lua;
    this.#settings = settings;
    this.#sink = new ByteSink(lua);
  }

  decode(L: number): number {
    if (this.#lua.c.lua_gettop(L) !== 1) this.#lua.badArgument(L, 1, 'expected 1 argument');
    this.#L = L;
    this.#text = this.#lua.checkText(L, 1);
    this.#at = 0;
    this.#depth = 0;
    if (this.#text.length >= 2 && (this.#text[0] === '\0' || this.#text[1] === '\0')) {
      this.#lua.raise(L, 'JSON parser does not support UTF-16 or UTF-32');
    }
    this.#value(this.#next());
    const token = this.#next();
    if (token !== 'T_END') this.#fail('the end', token);
    this.#text = '';
    return 1;
  }

  #fail(expected: string, token: Token): never {
    const found = token === 'T_ERROR' ? this.#error : token;
    const place = this.#start + 1;
    return this.#lua.raise(
      this.#L,
      `Expected ${expected} but found ${found} at character ${place}`,
    );
  }

  /** Pushes the value that begins with `token`. */
  #value(token: Token): void {
    const { c } = this.#lua;
    if (token === 'T_STRING') this.#sink.push();
    else if (token === 'T_NUMBER') c.lua_pushnumber(this.#L, this.#number);
    else if (token === 'T_BOOLEAN') c.lua_pushboolean(this.#L, this.#boolean ? 1 : 0);
    else if (token === 'T_NULL') c.lua_pushlightuserdata(this.#L, 0);
    else if (token === 'T_OBJ_BEGIN') this.#object();
    else if (token === 'T_ARR_BEGIN') this.#array();
    else this.#fail('value', token);
  }

  #descend(): number {
    const { c } = this.#lua;
    this.#depth += 1;
    const isShallow = this.#depth <= Math.min(this.#settings.decodeDepthMax, STACK_DEPTH_MAX);
    if (!isShallow || c.lua_checkstack(this.#L, 3) === 0) {
      this.#lua.raise(
        this.#L,
        `Found too many nested data structures (${this.#depth}) at character ${this.#at}`,
      );
    }
    c.lua_createtable(this.#L, 0, 0);
    return c.lua_gettop(this.#L);
  }

  #object(): void {
    const table = this.#descend();
    let token = this.#next();
    if (token === 'T_OBJ_END') {
      this.#depth -= 1;
      return;
    }
    for (;;) {
      if (token !== 'T_STRING') this.#fail('object key string', token);
      this.#sink.push();
      token = this.#next();
      if (token !== 'T_COLON') this.#fail('colon', token);
      this.#value(this.#next());
      this.#lua.c.lua_rawset(this.#L, table);
      token = this.#next();
      if (token === 'T_OBJ_END') break;
      if (token !== 'T_COMMA') this.#fail('comma or object end', token);
      token = this.#next();
    }
    this.#depth -= 1;
  }

  #array(): void {
    const table = this.#descend();
    let token = this.#next();
    for (let n = 1; token !== 'T_ARR_END'; n += 1) {
      this.#value(token);
      this.#lua.c.lua_rawseti(this.#L, table, n);
      token = this.#next();
      if (token === 'T_ARR_END') break;
      if (token !== 'T_COMMA') this.#fail('comma or array end', token);
      token = this.#next();
      // A comma promises another value.
      if (token === 'T_ARR_END') this.#fail('value', token);
    }
    this.#depth -= 1;
  }

  #next(): Token {
    const text = this.#text;
    this.#lua.work(this.#L, VALUE_WORK_BYTES);
    while (' \t\n\r'.includes(text[this.#at] ?? 'x')) this.#at += 1;
    this.#start = this.#at;
    const char = text[this.#at];
    if (char === undefined) return 'T_END';
    const punctuation = PUNCTUATION[char];
    if (punctuation !== undefined) {
      this.#at += 1;
      return punctuation;
    }
    if (char === '"') return this.#string();
    if (char === '-' || (char >= '0' && char <= '9')) {
      if (!this.#settings.decodeInvalidNumbers && this.#isInvalid()) {
        return this.#wrong('invalid number');
      }
      return this.#readNumber();
    }
    for (const word of ['true', 'false', 'null'] as const) {
      if (!text.startsWith(word, this.#at)) continue;
      this.#at += word.length;
      this.#boolean = word === 'true';
      return word === 'null' ? 'T_NULL' : 'T_BOOLEAN';
    }
    const isNumber = '+iInN'.includes(char) && this.#isInvalid();
    if (isNumber && this.#settings.decodeInvalidNumbers) return this.#readNumber();
    return this.#wrong('invalid token');
  }

  #wrong(error: string, start = this.#at): Token {
    this.#error = error;
    this.#start = start;
    return 'T_ERROR';
  }

  #isInvalid(): boolean {
    INVALID_NUMBER.lastIndex = this.#at;
    return INVALID_NUMBER.test(this.#text);
  }

  #readNumber(): Token {
    C_NUMBER.lastIndex = this.#at;
    const digits = C_NUMBER.exec(this.#text)?.[0];
    if (digits === undefined) return this.#wrong('invalid number');
    this.#at += digits.length;
    this.#number = cNumber(digits);
    return 'T_NUMBER';
  }

  /** Reads a string into the sink. */
  #string(): Token {
    const text = this.#text;
    const sink = this.#sink;
    sink.begin(this.#L);
    let at = this.#at + 1;
    for (;;) {
      const from = at;
      let code = text.charCodeAt(at);
      while (code !== QUOTE && code !== BACKSLASH && at < text.length) {
        at += 1;
        code = text.charCodeAt(at);
      }
      sink.text(text.slice(from, at));
      if (at >= text.length) return this.#wrong('unexpected end of string', at);
      if (code === QUOTE) break;
      const escape = text[at + 1] ?? '';
      const plain = ESCAPED[escape];
      if (plain !== undefined) {
        sink.byte(plain);
        at += 2;
      } else if (escape === 'u') {
        const taken = this.#unicode(at);
        if (taken === 0) return this.#wrong('invalid unicode escape code', at);
        at += taken;
      } else {
        return this.#wrong('invalid escape code', at);
      }
    }
    this.#at = at + 1;
    return 'T_STRING';
  }

  /** Writes what `\uXXXX`, or two of them, stand for as UTF-8; returns the characters taken. */
  #unicode(at: number): number {
    let code = hex4(this.#text, at + 2);
    if (Number.isNaN(code)) return 0;
    let taken = 6;
    if ((code & 0xf800) === 0xd800) {
      if ((code & 0x400) !== 0 || this.#text.slice(at + 6, at + 8) !== '\\u') return 0;
      const low = hex4(this.#text, at + 8);
      if (Number.isNaN(low) || (low & 0xfc00) !== 0xdc00) return 0;
      code = 0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff);
      taken = 12;
    }
    const utf8 = Buffer.from(String.fromCodePoint(code));
    this.#sink.bytes(utf8, 0, utf8.length);
    return taken;
  }
}

function hex4(text: string, at: number): number {
  const digits = text.slice(at, at + 4);
  return /^[0-9a-fA-F]{4}$/.test(digits) ? Number.parseInt(digits, 16) : Number.NaN;
}

/** The value of what `C_NUMBER` has matched. */
function cNumber(digits: string): number {
  const sign = digits.startsWith('-') ? -1 : 1;
  const rest = digits.replace(/^[+-]/, '').toLowerCase();
  if (rest.startsWith('inf')) return sign * Number.POSITIVE_INFINITY;
  if (rest.startsWith('nan')) return Number.NaN;
  if (!rest.startsWith('0x')) return sign * Number(rest);
  const [mantissa = '', exponent = '0'] = rest.slice(2).split('p');
  const [whole = '', fraction = ''] = mantissa.split('.');
  let value = 0;
  for (const digit of whole + fraction) value = value * 16 + Number.parseInt(digit, 16);
  return sign * value * 2 ** (Number(exponent) - 4 * fraction.length);
}
