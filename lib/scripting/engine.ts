/**
 * A Lua machine with the environment of scripts or of functions, and the thread that runs them.
 *
 * Why two machines and not two environments in one: a library may keep values between calls, and
 * what a script does to its machine (memory, a trap) must not take them along.
 */
import type { Server } from '../server/server.js';
import type { Session } from '../server/session.js';
import { Environment, type RedisTable } from './environment.js';
import type { LuaHook } from './host-functions.js';
import {
  HOOK_INSTRUCTION_BYTES_MAX,
  HOOK_INSTRUCTIONS_MAX,
  HOOK_INSTRUCTIONS_MIN,
  LUA_MEMORY_BYTES_MAX,
  LUA_MEMORY_KEPT_BYTES_MAX,
} from './limits.js';
import { type Lua, REGISTRY } from './lua.js';
import { redisTable } from './redis-table.js';
import { ScriptCaller } from './script-call.js';
import type { LuaModule } from './web-assembly.js';

const MASK_COUNT = 8;

export interface EngineHooks {
  /** Called every so many instructions. */
  readonly hook: LuaHook;
  readonly interrupted: () => boolean;
  readonly looksAtClock: (L: number) => void;
  /** Called now and then by functions of libraries that take long; raises if they take too long. */
  readonly onWork: (L: number) => void;
}

export class Engine {
  readonly environment: Environment;
  readonly lua: Lua;
  readonly caller: ScriptCaller;
  /** Runs scripts, one after the other; replaced when one has failed. */
  thread = 0;
  #threadRef = 0;
  readonly #hook: number;

  /** `library` is what code of libraries sees as `redis` while it is loaded, if there is such. */
  constructor(
    components: { server: Server; module: LuaModule; session: Session; hooks: EngineHooks },
    library?: (lua: Lua, redis: RedisTable) => RedisTable,
  ) {
    const { server, module, session, hooks } = components;
    this.environment = new Environment(
      { module, interrupted: hooks.interrupted },
      (lua) => {
        const own = { lua, log: server.log, caller: () => this.caller };
        const redis = redisTable(own, library !== undefined);
        return library === undefined ? { redis } : { redis, [LOADING]: library(lua, redis) };
      },
      { memoryBytesMax: LUA_MEMORY_BYTES_MAX },
    );
    this.lua = this.environment.lua;
    this.lua.onWork = hooks.onWork;
    // From now on instructions may take longer. (A hook may be set at any time, says Lua.)
    this.lua.machine.onGrow = () => this.setHook(this.thread, 1);
    this.caller = new ScriptCaller({ server, lua: this.lua, session }, hooks.looksAtClock);
    this.#hook = this.lua.registerHook(hooks.hook);
    this.freshThread();
  }

  /** A script has made the machine's memory grow, which never shrinks. */
  get isGrown(): boolean {
    return this.lua.machine.memoryBytes > LUA_MEMORY_KEPT_BYTES_MAX;
  }

  /** The thread at hand has failed or was given up. */
  freshThread(): void {
    const { c, main } = this.lua;
    if (this.#threadRef !== 0) c.luaL_unref(main, REGISTRY, this.#threadRef);
    // What the failed one held may be all that there is.
    if (this.isGrown) this.lua.collect();
    this.thread = c.lua_newthread(main);
    this.#threadRef = c.luaL_ref(main, REGISTRY);
    this.setHook(this.thread, this.hookInstructionsMax);
    this.environment.reset();
  }

  /** Instructions after which to look at the clock, if none has been slow. */
  get hookInstructionsMax(): number {
    const byMemory = Math.floor(HOOK_INSTRUCTION_BYTES_MAX / this.lua.machine.memoryBytes);
    return Math.max(HOOK_INSTRUCTIONS_MIN, Math.min(HOOK_INSTRUCTIONS_MAX, byMemory));
  }

  setHook(L: number, instructions: number): void {
    this.lua.c.lua_sethook(L, this.#hook, MASK_COUNT, instructions);
  }

  /** Compiles a text: a registry reference, or why it cannot be compiled. */
  compile(text: string, chunkName: string): number | string {
    const { lua } = this;
    const { c, main } = lua;
    const isCompiled = lua.load(main, text, chunkName);
    if (isCompiled) return c.luaL_ref(main, REGISTRY);
    const error = lua.text(main, -1);
    c.lua_settop(main, 0);
    return error;
  }

  /** Pushes a table of the arguments [from, to). */
  pushArguments(
    args: { buf: Buffer; starts: Int32Array; ends: Int32Array },
    from: number,
    to: number,
  ): void {
    const { lua, thread } = this;
    const { c } = lua;
    c.lua_createtable(thread, to - from, 0);
    const table = c.lua_gettop(thread);
    for (let i = from; i < to; i += 1) {
      lua.pushBytes(thread, args.buf, args.starts[i]!, args.ends[i]!);
      c.lua_rawseti(thread, table, i - from + 1);
    }
  }
}

/** Name under which the environment keeps the `redis` of libraries. */
export const LOADING = 'redis_of_libraries';
