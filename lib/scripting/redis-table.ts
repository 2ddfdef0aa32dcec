/** The table `redis` of scripts and of libraries. Source: Redis script_lua.c. */
import { createHash } from 'node:crypto';
import type { Log } from '../server/log.js';
import { REDIS_VERSION } from '../version.js';
import type { RedisTable } from './environment.js';
import type { LuaFunction } from './host-functions.js';
import { type Lua, STRING } from './lua.js';
import type { ScriptCaller } from './script-call.js';

const DEBUG = 0;
const WARNING = 3;
const REPLICATION_ALL = 3;

/** What a library may use while it is loaded, too. */
export const LOADING_CONSTANTS = {
  LOG_DEBUG: DEBUG,
  LOG_VERBOSE: 1,
  LOG_NOTICE: 2,
  LOG_WARNING: WARNING,
  REDIS_VERSION,
  REDIS_VERSION_NUM: versionNumber(REDIS_VERSION),
};

const CONSTANTS = {
  ...LOADING_CONSTANTS,
  REPL_NONE: 0,
  REPL_AOF: 1,
  REPL_SLAVE: 2,
  REPL_REPLICA: 2,
  REPL_ALL: REPLICATION_ALL,
};

function versionNumber(version: string): number {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  return (major << 16) | (minor << 8) | patch;
}

export function redisTable(
  components: { lua: Lua; log: Log; caller: () => ScriptCaller },
  isOfFunctions: boolean,
): RedisTable {
  const { lua, caller } = components;
  const { c } = lua;
  const fail = (L: number, text: string): never => {
    caller().pushError(L, `ERR ${text}`);
    return lua.raiseTop(L);
  };
  const functions: Record<string, LuaFunction> = {
    call: (L) => caller().call(L, true),
    pcall: (L) => caller().call(L, false),
    log: (L) => {
      logLine(components, L, fail);
      return 0;
    },
    sha1hex: (L) => {
      if (c.lua_gettop(L) !== 1) fail(L, 'wrong number of arguments');
      const at = lua.stringAt(L, 1);
      const bytes = lua.machine.bytes.subarray(at, at === 0 ? 0 : at + lua.length);
      lua.work(L, bytes.length);
      lua.pushText(L, createHash('sha1').update(bytes).digest('hex'));
      return 1;
    },
    error_reply: (L) => {
      if (c.lua_gettop(L) !== 1 || c.lua_type(L, 1) !== STRING) return wrongField(L);
      caller().pushError(L, errorOf(lua.text(L, 1)));
      return 1;
    },
    status_reply: (L) => {
      if (c.lua_gettop(L) !== 1 || c.lua_type(L, 1) !== STRING) return wrongField(L);
      c.lua_createtable(L, 0, 1);
      lua.setText(L, 2, 'ok', lua.text(L, 1));
      return 1;
    },
    setresp: (L) => {
      if (c.lua_gettop(L) !== 1) fail(L, 'redis.setresp() requires one argument.');
      const version = c.lua_tonumber(L, 1);
      if (version !== 2 && version !== 3) fail(L, 'RESP version must be 2 or 3.');
      caller().session.reply.protocol = version === 3 ? 3 : 2;
      return 0;
    },
    set_repl: (L) => {
      if (c.lua_gettop(L) !== 1) fail(L, 'redis.set_repl() requires two arguments.');
      const flags = c.lua_tonumber(L, 1);
      if ((flags & ~REPLICATION_ALL) !== 0) {
        const known = 'REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE';
        fail(L, `Invalid replication flags. Use ${known}.`);
      }
      return 0;
    },
    acl_check_cmd: (L) => {
      const answer = caller().isAllowed(L);
      if (typeof answer === 'string') fail(L, answer.slice('ERR '.length));
      if (answer === undefined) fail(L, 'Invalid command passed to redis.acl_check_cmd()');
      c.lua_pushboolean(L, 1);
      return 1;
    },
  };
  function wrongField(L: number): number {
    caller().pushError(L, 'ERR wrong number or type of arguments');
    return 1;
  }
  if (!isOfFunctions) Object.assign(functions, onlyOfScripts(lua));
  return { functions, constants: CONSTANTS };
}

/** What EVAL has and functions have not: the debugger, which is never there, and history. */
function onlyOfScripts(lua: Lua): Record<string, LuaFunction> {
  const { c } = lua;
  return {
    breakpoint: (L) => {
      c.lua_pushboolean(L, 0);
      return 1;
    },
    debug: () => 0,
    replicate_commands: (L) => {
      c.lua_pushboolean(L, 1);
      return 1;
    },
  };
}

/** `-CODE text` and `CODE text` as they are; a text of one word is an ERR. */
function errorOf(text: string): string {
  const bare = text.startsWith('-') ? text.slice(1) : text;
  return bare.includes(' ') ? bare : `ERR ${bare}`;
}

function logLine(
  { lua, log }: { lua: Lua; log: Log },
  L: number,
  fail: (L: number, text: string) => never,
): void {
  const { c } = lua;
  const count = c.lua_gettop(L);
  if (count < 2) fail(L, 'redis.log() requires two arguments or more.');
  if (c.lua_isnumber(L, 1) === 0) fail(L, 'First argument must be a number (log level).');
  const level = c.lua_tonumber(L, 1);
  if (level < DEBUG || level > WARNING) fail(L, 'Invalid debug level.');
  const words: string[] = [];
  for (let i = 2; i <= count; i += 1) words.push(lua.text(L, i));
  const message = words.join(' ');
  if (level >= WARNING) log.warn({ script: true }, message);
  else if (level >= 2) log.info({ script: true }, message);
  else log.debug({ script: true }, message);
}
