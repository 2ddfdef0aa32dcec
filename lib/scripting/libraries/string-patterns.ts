/** `string.find`, `match`, `gmatch` and `gsub`. Source: lstrlib.c of Lua 5.1.5. */
import { FUNCTION, GLOBALS, type Library, type Lua, NUMBER, STRING, TABLE } from '../lua.js';
import { ByteSink } from './byte-sink.js';
import { isDigit, Matcher, NO_MATCH } from './pattern.js';
import { typeName } from './type-name.js';

const CARET = 94;
const ESCAPE = 37;
const SPECIALS = new Set(Buffer.from('^$*+?.([%-', 'latin1'));

interface Subject {
  /** Addresses. */
  readonly at: number;
  readonly end: number;
  readonly pattern: number;
  readonly patternBytes: number;
}

export function patternLibrary(lua: Lua): Library {
  const iterate = (L: number) => nextMatch(lua, L);
  const gmatch = (L: number) => {
    lua.checkString(L, 1);
    lua.checkString(L, 2);
    lua.c.lua_settop(L, 2);
    lua.c.lua_pushnumber(L, 0);
    lua.pushFunction(L, iterate, 3);
    return 1;
  };
  lua.register([iterate]);
  const sinks: ByteSink[] = [];
  return {
    find: (L) => find(lua, L, true),
    match: (L) => find(lua, L, false),
    gmatch,
    gsub: (L) => {
      // A replacement may call gsub in its turn; a sink that an error has left behind is lost.
      const sink = sinks.pop() ?? new ByteSink(lua);
      const results = gsub(lua, L, sink);
      sinks.push(sink);
      return results;
    },
    // As luaconf.h says, an older name of the same.
    gfind: (L) => gmatch(L),
  };
}

function subjectOf(lua: Lua, L: number, first: number, second: number): Subject {
  const at = lua.checkString(L, first);
  const end = at + lua.length;
  const pattern = lua.checkString(L, second);
  return { at, end, pattern, patternBytes: lua.length };
}

function find(lua: Lua, L: number, isFind: boolean): number {
  const { c } = lua;
  const { at, end, pattern, patternBytes } = subjectOf(lua, L, 1, 2);
  const length = end - at;
  const given = lua.isNil(L, 3) ? 1 : lua.checkInteger(L, 3);
  const init = Math.min(length, Math.max(0, (given < 0 ? given + length + 1 : given) - 1));
  const { bytes } = lua.machine;
  if (isFind && (c.lua_toboolean(L, 4) !== 0 || isPlain(bytes, pattern))) {
    const found = plainFind(bytes, at + init, end, pattern, patternBytes);
    if (found === -1) {
      c.lua_pushnil(L);
      return 1;
    }
    c.lua_pushnumber(L, found - at + 1);
    c.lua_pushnumber(L, found - at + patternBytes);
    return 2;
  }
  const isAnchored = bytes[pattern] === CARET;
  const p = isAnchored ? pattern + 1 : pattern;
  const matcher = new Matcher(lua, L, at, end);
  for (let s = at + init; s <= end; s += 1) {
    matcher.begin();
    const e = matcher.match(s, p);
    if (e !== NO_MATCH) {
      if (!isFind) return matcher.pushCaptures(s, e);
      c.lua_pushnumber(L, s - at + 1);
      c.lua_pushnumber(L, e - at);
      return matcher.pushCaptures(NO_MATCH, e) + 2;
    }
    if (isAnchored) break;
  }
  c.lua_pushnil(L);
  return 1;
}

/** As C's `strpbrk`: up to the first zero byte. */
function isPlain(bytes: Buffer, pattern: number): boolean {
  for (let p = pattern; bytes[p] !== 0; p += 1) {
    if (SPECIALS.has(bytes[p]!)) return false;
  }
  return true;
}

function plainFind(bytes: Buffer, from: number, end: number, p: number, length: number): number {
  if (length === 0) return from;
  const found = bytes.subarray(from, end).indexOf(bytes.subarray(p, p + length));
  return found === -1 ? -1 : from + found;
}

/** The iterator of gmatch, whose subject, pattern and place are its upvalues. */
function nextMatch(lua: Lua, L: number): number {
  const { c } = lua;
  const { at, end, pattern } = subjectOf(lua, L, GLOBALS - 1, GLOBALS - 2);
  const matcher = new Matcher(lua, L, at, end);
  for (let s = at + c.lua_tonumber(L, GLOBALS - 3); s <= end; s += 1) {
    matcher.begin();
    const e = matcher.match(s, pattern);
    if (e === NO_MATCH) continue;
    c.lua_pushnumber(L, e === s ? e - at + 1 : e - at);
    c.lua_replace(L, GLOBALS - 3);
    return matcher.pushCaptures(s, e);
  }
  return 0;
}

function gsub(lua: Lua, L: number, sink: ByteSink): number {
  const { c } = lua;
  const { at, end, pattern } = subjectOf(lua, L, 1, 2);
  const type = c.lua_type(L, 3);
  const most = lua.isNil(L, 4) ? end - at + 1 : lua.checkInteger(L, 4);
  if (type !== NUMBER && type !== STRING && type !== TABLE && type !== FUNCTION) {
    lua.badArgument(L, 3, 'string/function/table expected');
  }
  const isAnchored = lua.machine.bytes[pattern] === CARET;
  const p = isAnchored ? pattern + 1 : pattern;
  const matcher = new Matcher(lua, L, at, end);
  sink.begin(L);
  let count = 0;
  let s = at;
  while (count < most) {
    matcher.begin();
    const e = matcher.match(s, p);
    if (e !== NO_MATCH) {
      count += 1;
      if (type === NUMBER || type === STRING) addTemplate(lua, L, sink, matcher, s, e);
      else addResult(lua, L, sink, matcher, s, e);
    }
    if (e > s) s = e;
    else if (s < end) {
      sink.byte(lua.machine.bytes[s]!);
      s += 1;
    } else break;
    if (isAnchored) break;
  }
  sink.bytes(lua.machine.bytes, s, end);
  sink.push();
  c.lua_pushnumber(L, count);
  return 2;
}

/** Adds the string on top of the stack, and pops it. */
function addTop(lua: Lua, L: number, sink: ByteSink): void {
  const at = lua.stringAt(L, -1);
  sink.bytes(lua.machine.bytes, at, at + lua.length);
  lua.c.lua_settop(L, -2);
}

function addTemplate(
  lua: Lua,
  L: number,
  sink: ByteSink,
  matcher: Matcher,
  s: number,
  e: number,
): void {
  const at = lua.stringAt(L, 3);
  const end = at + lua.length;
  for (let i = at; i < end; i += 1) {
    const byte = lua.machine.bytes[i]!;
    if (byte !== ESCAPE) {
      sink.byte(byte);
      continue;
    }
    i += 1;
    const next = lua.machine.bytes[i]!;
    if (!isDigit(next)) sink.byte(next);
    else if (next === 48) sink.bytes(lua.machine.bytes, s, e);
    else {
      matcher.pushCapture(next - 49, s, e);
      addTop(lua, L, sink);
    }
  }
}

function addResult(
  lua: Lua,
  L: number,
  sink: ByteSink,
  matcher: Matcher,
  s: number,
  e: number,
): void {
  const { c } = lua;
  if (c.lua_type(L, 3) === FUNCTION) {
    c.lua_pushvalue(L, 3);
    c.lua_call(L, matcher.pushCaptures(s, e), 1);
  } else {
    matcher.pushCapture(0, s, e);
    c.lua_gettable(L, 3);
  }
  const type = c.lua_type(L, -1);
  if (c.lua_toboolean(L, -1) === 0) {
    c.lua_settop(L, -2);
    sink.bytes(lua.machine.bytes, s, e);
  } else if (type !== STRING && type !== NUMBER) {
    lua.raise(L, `invalid replacement value (a ${typeName(type)})`);
  } else {
    addTop(lua, L, sink);
  }
}
