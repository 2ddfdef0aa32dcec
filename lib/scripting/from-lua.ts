/**
 * Values of Lua as replies. Source: Redis script_lua.c (`luaReplyToRedisReply`).
 *
 *   string -> bulk   number -> integer, cut off   true -> 1   false, nil, others -> nil
 *   table: {err} {ok} {double} {map} {set} {big_number} {verbatim_string}, else an array up to
 *   the first nil
 *
 * Reads tables without metamethods, so that no code of the script runs here.
 */
import type { ReplyWriter } from '../../resp/reply-writer.js';
import { VALUE_WORK_BYTES } from './limits.js';
import { BOOLEAN, type Lua, NIL, NUMBER, STRING, TABLE } from './lua.js';

const INT64_MIN = -(2n ** 63n);
/** Room on the stack for the element at hand and what is looked up of it. */
const SLOTS = 8;
/** Nesting, about: one slot of the stack for each level. */
const DEPTH_MAX = 1000;
const TOO_DEEP = 'ERR reached lua stack limit';

/** Replies with the value on top of the stack, which stays. `protocol` is the script's own. */
export function replyFromLua(lua: Lua, L: number, reply: ReplyWriter, protocol: 2 | 3): void {
  const { c } = lua;
  const index = c.lua_gettop(L);
  if (index > DEPTH_MAX || c.lua_checkstack(L, SLOTS) === 0) {
    reply.error(TOO_DEEP);
    return;
  }
  lua.work(L, VALUE_WORK_BYTES);
  switch (c.lua_type(L, index)) {
    case STRING: {
      const at = lua.stringAt(L, index);
      lua.work(L, lua.length);
      reply.bulk(lua.machine.bytes, at, at + lua.length);
      return;
    }
    case NUMBER:
      replyNumber(reply, c.lua_tonumber(L, index));
      return;
    case BOOLEAN:
      replyBoolean(reply, c.lua_toboolean(L, index) !== 0, protocol);
      return;
    case TABLE:
      replyTable(lua, L, index, reply, protocol);
      c.lua_settop(L, index);
      return;
    default:
      reply.nil();
  }
}

function replyNumber(reply: ReplyWriter, x: number): void {
  const whole = Math.trunc(x);
  if (Number.isSafeInteger(whole)) reply.integer(whole);
  else if (Math.abs(x) < 2 ** 63) reply.bigInteger(BigInt(whole));
  else reply.bigInteger(INT64_MIN);
}

function replyBoolean(reply: ReplyWriter, value: boolean, protocol: 2 | 3): void {
  if (protocol === 3) reply.boolean(value);
  else if (value) reply.integer(1);
  else reply.nil();
}

function replyTable(lua: Lua, L: number, index: number, reply: ReplyWriter, protocol: 2 | 3): void {
  const { c } = lua;
  /** Pushes a field; true if it is of the type. */
  const has = (name: string, type: number) => {
    c.lua_settop(L, index);
    lua.getField(L, index, name);
    const found = c.lua_type(L, index + 1);
    return found === type;
  };
  if (has('err', STRING)) reply.error(lua.text(L, index + 1));
  else if (has('ok', STRING)) reply.simple(lua.text(L, index + 1).replace(/[\r\n]/g, ' '));
  else if (has('double', NUMBER)) reply.double(c.lua_tonumber(L, index + 1));
  else if (has('map', TABLE)) replyMap(lua, L, index + 1, reply, protocol);
  else if (has('set', TABLE)) replySet(lua, L, index + 1, reply, protocol);
  else if (has('big_number', STRING)) {
    reply.bigNumber(lua.text(L, index + 1).replace(/[\r\n]/g, ' '));
  } else if (has('verbatim_string', TABLE)) replyVerbatim(lua, L, index + 1, reply);
  else replyArray(lua, L, index, reply, protocol);
}

function replyArray(lua: Lua, L: number, index: number, reply: ReplyWriter, protocol: 2 | 3): void {
  const { c } = lua;
  c.lua_settop(L, index);
  let count = 0;
  for (;;) {
    c.lua_rawgeti(L, index, count + 1);
    const isEnd = c.lua_type(L, index + 1) === NIL;
    c.lua_settop(L, index);
    if (isEnd) break;
    count += 1;
  }
  reply.array(count);
  for (let n = 1; n <= count; n += 1) {
    c.lua_rawgeti(L, index, n);
    replyFromLua(lua, L, reply, protocol);
    c.lua_settop(L, index);
  }
}

function countPairs(lua: Lua, L: number, index: number): number {
  const { c } = lua;
  let pairs = 0;
  c.lua_pushnil(L);
  while (c.lua_next(L, index) !== 0) {
    pairs += 1;
    c.lua_settop(L, index + 1);
  }
  return pairs;
}

function replyMap(lua: Lua, L: number, index: number, reply: ReplyWriter, protocol: 2 | 3): void {
  const { c } = lua;
  reply.map(countPairs(lua, L, index));
  c.lua_pushnil(L);
  while (c.lua_next(L, index) !== 0) {
    // The key is replied from a copy: making a string of a number in place would end the walk.
    c.lua_pushvalue(L, index + 1);
    replyFromLua(lua, L, reply, protocol);
    c.lua_settop(L, index + 2);
    replyFromLua(lua, L, reply, protocol);
    c.lua_settop(L, index + 1);
  }
}

function replySet(lua: Lua, L: number, index: number, reply: ReplyWriter, protocol: 2 | 3): void {
  const { c } = lua;
  reply.set(countPairs(lua, L, index));
  c.lua_pushnil(L);
  while (c.lua_next(L, index) !== 0) {
    c.lua_settop(L, index + 1);
    c.lua_pushvalue(L, index + 1);
    replyFromLua(lua, L, reply, protocol);
    c.lua_settop(L, index + 1);
  }
}

function replyVerbatim(lua: Lua, L: number, index: number, reply: ReplyWriter): void {
  lua.getField(L, index, 'format');
  lua.getField(L, index, 'string');
  const format = lua
    .text(L, index + 1)
    .padEnd(3)
    .slice(0, 3);
  const text = lua.text(L, index + 2);
  if (reply.protocol === 2) {
    reply.bulkLatin1(text);
    return;
  }
  const body = Buffer.from(`${format}:${text}`, 'latin1');
  reply.raw(Buffer.from(`=${body.length}\r\n`, 'latin1'), 0, String(body.length).length + 3);
  reply.raw(body, 0, body.length);
  reply.crlf();
}
