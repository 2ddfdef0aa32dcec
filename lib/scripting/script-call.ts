/**
 * `redis.call` and `redis.pcall`: a command that a script runs, on a session of its own whose
 * replies never leave. It passes the same table and the same checks as a client's, in Redis's
 * order. Source: Redis script.c (`scriptCall`), script_lua.c (`luaRedisGenericCommand`).
 */
import { Args } from '../../resp/args.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';
import {
  COUNTS,
  type Command,
  DENY_OOM,
  FAST,
  MAY_REPLICATE,
  NO_SCRIPT,
  REFUSED,
  WRITE,
} from '../commands/command.js';
import { SERVER_DISK_FAILED, SERVER_MEMORY_LIMIT, SERVER_RING } from '../server/gates.js';
import type { Server } from '../server/server.js';
import type { Session } from '../server/session.js';
import { formatG } from './libraries/format-number.js';
import { HOOK_CALLS, REPLY_BYTES_MAX } from './limits.js';
import { type Lua, NUMBER, STRING, TABLE } from './lua.js';
import { ReplyToLua } from './to-lua.js';

/** What the script at hand may do, and has done. */
export interface ScriptRights {
  readonly isReadOnly: boolean;
  readonly allowsOom: boolean;
  hasWritten: boolean;
}

const OUTSIDE = 'redis.call/pcall can only be called inside a script invocation';

export class ScriptCaller {
  readonly session: Session;
  /** The script at hand; undefined = none, or a library is being loaded. */
  rights: ScriptRights | undefined;
  readonly #server: Server;
  readonly #lua: Lua;
  readonly #reply: ReplyWriter;
  readonly #toLua: ReplyToLua;
  readonly #args = new Args();
  /** Called now and then: looks whether the script has used up its slice. */
  readonly #looksAtClock: (L: number) => void;
  #start = 0;
  #calls = 0;

  constructor(
    components: { server: Server; lua: Lua; session: Session },
    looksAtClock: (L: number) => void,
  ) {
    this.#server = components.server;
    this.#lua = components.lua;
    this.session = components.session;
    this.#reply = components.session.reply;
    this.#toLua = new ReplyToLua(components.lua);
    this.#looksAtClock = looksAtClock;
    this.#start = this.#reply.mark();
  }

  /** The function of Lua. An error is raised, or for pcall returned. */
  call(L: number, raises: boolean): number {
    const { rights } = this;
    if (rights === undefined) return this.#lua.raise(L, OUTSIDE);
    const error = this.#readArguments(L) ?? this.#run(rights);
    let isError = true;
    if (error === undefined) isError = this.#pushReply(L);
    else this.pushError(L, error);
    if (isError && raises) this.#lua.raiseTop(L);
    return 1;
  }

  /** Whether the script could run a command; undefined = there is no such command. */
  isAllowed(L: number): boolean | undefined | string {
    return this.#readArguments(L) ?? (this.#find() === undefined ? undefined : true);
  }

  /** Pushes the table that stands for an error; a text without a code is an ERR. */
  pushError(L: number, text: string): void {
    const { c } = this.#lua;
    c.lua_createtable(L, 0, 2);
    const table = c.lua_gettop(L);
    this.#lua.setText(L, table, 'err', text);
    c.lua_pushboolean(L, 1);
    this.#lua.setField(L, table, 'ignore_error_stats_update');
  }

  /** Points the arguments at the bytes of Lua's own strings; a text is what is wrong. */
  #readArguments(L: number): string | undefined {
    const lua = this.#lua;
    const { c } = lua;
    const args = this.#args;
    const count = c.lua_gettop(L);
    if (count === 0) return 'ERR Please specify at least one argument for this redis lib call';
    args.reserve(count);
    for (let i = 0; i < count; i += 1) {
      const type = c.lua_type(L, i + 1);
      if (type === NUMBER) {
        lua.pushText(L, numberText(c.lua_tonumber(L, i + 1)));
        c.lua_replace(L, i + 1);
      } else if (type !== STRING) {
        return 'ERR Lua redis lib command arguments must be strings or integers';
      }
      const at = lua.stringAt(L, i + 1);
      args.starts[i] = at;
      args.ends[i] = at + lua.length;
    }
    args.buf = lua.machine.bytes;
    args.count = count;
    return undefined;
  }

  #find(): Command | undefined {
    const command = this.#server.dispatcher.lookup(this.#args);
    if (command === undefined || (command.flags & REFUSED) !== 0) return command;
    return command.children !== undefined && this.#args.count > 1 ? undefined : command;
  }

  /** Checks and runs the command; a text is why it was not run. */
  #run(rights: ScriptRights): string | undefined {
    const { dispatcher, store } = this.#server;
    const args = this.#args;
    const command = this.#find();
    if (command === undefined) return 'ERR Unknown Redis command called from script';
    const { arity, flags } = command;
    if (arity > 0 ? args.count !== arity : args.count < -arity) {
      return 'ERR Wrong number of args calling Redis command from script';
    }
    if ((flags & NO_SCRIPT) !== 0) return 'ERR This Redis command is not allowed from script';
    const writes = (flags & WRITE) !== 0;
    if (rights.isReadOnly && (writes || MAY_REPLICATE.has(command.name))) {
      return 'ERR Write commands are not allowed from read-only scripts.';
    }
    if ((dispatcher.gate & SERVER_RING) !== 0) {
      const refusal = this.#server.router!.refusesHere(command, args);
      if (refusal !== undefined) return refusal;
    }
    if (writes && (dispatcher.gate & SERVER_DISK_FAILED) !== 0) return this.#server.diskError();
    if ((dispatcher.gate & SERVER_MEMORY_LIMIT) !== 0 && (flags & DENY_OOM) !== 0) {
      const isFree = rights.allowsOom || rights.hasWritten;
      if (!isFree && !store.eviction.makeRoom()) {
        return "OOM command not allowed when used memory > 'maxmemory'.";
      }
    }
    if (writes) rights.hasWritten = true;
    this.#reply.rewind(this.#start);
    if ((flags & COUNTS) !== 0) store.expireDue(Number.POSITIVE_INFINITY);
    try {
      dispatcher.call(this.session, command, args);
    } catch (error) {
      if (!this.#reply.isTooLong) {
        this.#reply.rewind(this.#start);
        this.#server.failed(this.session, error);
      }
    }
    this.session.suspended = false;
    if (!this.#reply.isTooLong) return undefined;
    this.#reply.rewind(this.#start);
    return `ERR The reply of a command called from script is longer than ${REPLY_BYTES_MAX} bytes`;
  }

  /** Pushes the reply at hand; true if it is an error. */
  #pushReply(L: number): boolean {
    const reply = this.#reply;
    this.#calls += 1;
    const isSlow = ((this.session.lastCommand?.flags ?? 0) & FAST) === 0;
    if (isSlow || this.#calls % HOOK_CALLS === 0) this.#looksAtClock(L);
    if (reply.pendingBytes === reply.at) {
      const isError = this.#toLua.push(L, reply.buf, 0);
      reply.rewind(this.#start);
      return isError;
    }
    const pieces: Buffer[] = [];
    reply.flush({
      write: (buf, from, to) => {
        pieces.push(Buffer.from(buf.subarray(from, to)));
        return true;
      },
    });
    this.#start = reply.mark();
    return this.#toLua.push(L, Buffer.concat(pieces), 0);
  }
}

/** A number as an argument of a command: whole if it is, else with all its digits. */
function numberText(x: number): string {
  if (Number.isSafeInteger(x)) return String(x === 0 ? 0 : x);
  if (Number.isNaN(x)) return 'nan';
  if (!Number.isFinite(x)) return x > 0 ? 'inf' : '-inf';
  return formatG(x, 17);
}

/** The text of an error that is the value at `index`: a table's `err`, or what it is as a text. */
export function errorText(lua: Lua, L: number, index: number): string {
  const { c } = lua;
  const type = c.lua_type(L, index);
  if (type === STRING || type === NUMBER) return `ERR ${lua.text(L, index)}`;
  if (type === TABLE) {
    lua.getField(L, index < 0 ? c.lua_gettop(L) + index + 1 : index, 'err');
    const isText = c.lua_type(L, -1) === STRING || c.lua_type(L, -1) === NUMBER;
    const text = isText ? lua.text(L, -1) : 'ERR unknown error';
    c.lua_settop(L, -2);
    return text;
  }
  if (type === 1) return `ERR ${c.lua_toboolean(L, index) !== 0}`;
  return type <= 0 ? 'ERR nil' : 'ERR unknown error';
}
