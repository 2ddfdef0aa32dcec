/**
 * `string.format`. Source: `str_format` in lstrlib.c of Lua 5.1.5.
 *
 * Why not C's own: its `long` has 32 bits on this machine, and 64 in Redis's, so that `%d` of a
 * time in milliseconds would be wrong.
 */
import { latin1 } from '../../../resp/bytes.js';
import { type Lua, TABLE } from '../lua.js';
import { ByteSink } from './byte-sink.js';
import { exponential, exponentText, fixed, formatG } from './format-number.js';

/** `%`, flags, width, precision, conversion. */
const SPEC = /([-+ #0]*)(\d{0,2})(?:(\.)(\d{0,2}))?([\s\S]?)/y;
const FLAGS_MAX = 5;
/** Strings from here on, without a precision, are added as they are. */
const LONG_STRING = 100;
/** What %q writes for a byte. */
const QUOTED: ReadonlyMap<number, string> = new Map([
  ...([
    [0, '\\000'],
    [10, '\\\n'],
    [13, '\\r'],
    [34, '\\"'],
    [92, '\\\\'],
  ] as const),
]);
const INT64_MIN = -(2n ** 63n);

interface Spec {
  readonly isLeft: boolean;
  readonly hasPlus: boolean;
  readonly hasSpace: boolean;
  readonly isAlternate: boolean;
  readonly isZeroPadded: boolean;
  readonly width: number;
  /** -1 = none. */
  readonly precision: number;
  readonly conversion: string;
}

export function stringFormat(lua: Lua): (L: number) => number {
  const sink = new ByteSink(lua);
  return (L) => {
    const { c } = lua;
    const top = c.lua_gettop(L);
    const format = lua.checkText(L, 1);
    sink.begin(L);
    let arg = 1;
    let at = 0;
    while (at < format.length) {
      const percent = format.indexOf('%', at);
      sink.text(format.slice(at, percent === -1 ? format.length : percent));
      if (percent === -1) break;
      at = percent + 1;
      if (format[at] === '%') {
        sink.text('%');
        at += 1;
        continue;
      }
      arg += 1;
      if (arg > top) lua.badArgument(L, arg, 'no value');
      const { spec, end } = readSpec(lua, L, format, at);
      at = end;
      addItem(lua, L, sink, spec, arg);
    }
    sink.push();
    return 1;
  };
}

function readSpec(lua: Lua, L: number, format: string, at: number): { spec: Spec; end: number } {
  SPEC.lastIndex = at;
  const [all = '', flags = '', width = '', dot = '', precision = '', conversion = ''] =
    SPEC.exec(format)!;
  if (flags.length > FLAGS_MAX) lua.raise(L, 'invalid format (repeated flags)');
  if (conversion >= '0' && conversion <= '9') {
    lua.raise(L, 'invalid format (width or precision too long)');
  }
  const spec: Spec = {
    isLeft: flags.includes('-'),
    hasPlus: flags.includes('+'),
    hasSpace: flags.includes(' '),
    isAlternate: flags.includes('#'),
    isZeroPadded: flags.includes('0'),
    width: Number(width),
    precision: dot === '' ? -1 : Number(precision),
    conversion,
  };
  return { spec, end: at + all.length };
}

function addItem(lua: Lua, L: number, sink: ByteSink, spec: Spec, arg: number): void {
  const { c } = lua;
  switch (spec.conversion) {
    case 'c':
      // C measures what it has printed up to the first zero byte.
      sink.text(
        padded(spec, String.fromCharCode(lua.checkInteger(L, arg) & 0xff)).replace(/\0[\s\S]*/, ''),
      );
      return;
    case 'd':
    case 'i':
    case 'o':
    case 'u':
    case 'x':
    case 'X':
      sink.text(integerText(spec, c.luaL_checknumber(L, arg)));
      return;
    case 'e':
    case 'E':
    case 'f':
    case 'g':
    case 'G':
      sink.text(floatText(spec, c.luaL_checknumber(L, arg)));
      return;
    case 'q':
      addQuoted(lua, L, sink, arg);
      return;
    case 's': {
      const at = lua.checkString(L, arg);
      const { length } = lua;
      if (spec.precision === -1 && length >= LONG_STRING) {
        sink.bytes(lua.machine.bytes, at, at + length);
        return;
      }
      // C prints up to the first zero byte.
      const text = latin1(lua.machine.bytes, at, at + length).replace(/\0[\s\S]*/, '');
      sink.text(padded(spec, spec.precision === -1 ? text : text.slice(0, spec.precision)));
      return;
    }
    default: {
      if (c.lua_type(L, arg) === TABLE) c.lua_settop(L, arg);
      lua.raise(L, `invalid option '%${spec.conversion}' to 'format'`);
    }
  }
}

function padded(spec: Spec, text: string): string {
  return spec.isLeft ? text.padEnd(spec.width) : text.padStart(spec.width);
}

/** Sign and digits, filled up to the width with zeros between them if that is asked for. */
function paddedNumber(spec: Spec, sign: string, digits: string, fillsWithZeros: boolean): string {
  if (!fillsWithZeros || spec.isLeft) return padded(spec, sign + digits);
  return sign + digits.padStart(spec.width - sign.length, '0');
}

function signOf(spec: Spec, isNegative: boolean): string {
  if (isNegative) return '-';
  if (spec.hasPlus) return '+';
  return spec.hasSpace ? ' ' : '';
}

function toInt64(x: number): bigint {
  if (!Number.isFinite(x) || Math.abs(x) >= 2 ** 63) return INT64_MIN;
  return BigInt(Math.trunc(x));
}

function integerText(spec: Spec, x: number): string {
  const { conversion, precision } = spec;
  const isSigned = conversion === 'd' || conversion === 'i';
  const value = isSigned || x < 2 ** 63 ? toInt64(x) : BigInt(Math.trunc(Math.min(x, 2 ** 64)));
  const shown = isSigned ? (value < 0n ? -value : value) : BigInt.asUintN(64, value);
  const base = conversion === 'o' ? 8 : conversion === 'x' || conversion === 'X' ? 16 : 10;
  let digits = precision === 0 && shown === 0n ? '' : shown.toString(base);
  if (conversion === 'X') digits = digits.toUpperCase();
  digits = digits.padStart(precision, '0');
  let sign = isSigned ? signOf(spec, value < 0n) : '';
  if (spec.isAlternate && base === 16 && shown !== 0n) sign = `0${conversion}`;
  if (spec.isAlternate && base === 8 && !digits.startsWith('0')) digits = `0${digits}`;
  return paddedNumber(spec, sign, digits, spec.isZeroPadded && precision === -1);
}

function floatText(spec: Spec, x: number): string {
  const isNegative = x < 0 || Object.is(x, -0);
  const sign = signOf(spec, isNegative);
  const isUpper = spec.conversion !== spec.conversion.toLowerCase();
  if (!Number.isFinite(x)) {
    const name = Number.isNaN(x) ? 'nan' : 'inf';
    return padded(spec, sign + (isUpper ? name.toUpperCase() : name));
  }
  const precision = spec.precision === -1 ? 6 : spec.precision;
  const digits = floatDigits(spec, Math.abs(x), precision);
  return paddedNumber(spec, sign, isUpper ? digits.toUpperCase() : digits, spec.isZeroPadded);
}

function floatDigits(spec: Spec, x: number, precision: number): string {
  const kind = spec.conversion.toLowerCase();
  const point = spec.isAlternate && precision === 0 ? '.' : '';
  if (kind === 'f') return fixed(x, precision) + point;
  if (kind === 'g') return formatG(x, Math.max(1, precision), spec.isAlternate);
  const { digits, exponent } = exponential(x, precision);
  const rest = precision === 0 ? point : `.${digits.slice(1)}`;
  return digits.charAt(0) + rest + exponentText(exponent);
}

function addQuoted(lua: Lua, L: number, sink: ByteSink, arg: number): void {
  const at = lua.checkString(L, arg);
  const end = at + lua.length;
  sink.text('"');
  for (let i = at; i < end; i += 1) {
    const byte = lua.machine.bytes[i]!;
    const quoted = QUOTED.get(byte);
    if (quoted === undefined) sink.byte(byte);
    else sink.text(quoted);
  }
  sink.text('"');
}
