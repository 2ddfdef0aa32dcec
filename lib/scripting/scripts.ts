/** Everything of a node that runs Lua: machines made when needed, the cache, the libraries. */

import { ReplyWriter } from '../../resp/reply-writer.js';
import type { World } from '../../world/world.js';
import type { Server } from '../server/server.js';
import { type Carrier, SCRIPTS_ID, Session } from '../server/session.js';
import { Engine, LOADING } from './engine.js';
import { FunctionLibraries, type RestorePolicy } from './function-libraries.js';
import { REPLY_BYTES_MAX } from './limits.js';
import { REGISTRY } from './lua.js';
import { LOADING_CONSTANTS } from './redis-table.js';
import { ScriptCache } from './script-cache.js';
import { ScriptRunner } from './script-runner.js';
import type { LuaModule } from './web-assembly.js';

/** Commands of scripts come from nowhere, and are shown as "lua" (MONITOR). */
const NOWHERE: Carrier = {
  remote: 'lua',
  local: 'lua',
  remoteHost: '',
  isUnix: false,
  queryBytes: 0,
  replyMark: 0,
  flush: () => {},
  flushSoon: () => {},
  resume: () => {},
  setAuthenticated: () => {},
  isAwaiting: false,
  closeSoon: () => {},
  destroy: () => {},
};

/** Of libraries that come from the disk: later than nothing, and before all that somebody knows of. */
const KEPT_STAMP = 1;

export class Scripts {
  readonly cache = new ScriptCache();
  readonly libraries = new FunctionLibraries();
  readonly runner: ScriptRunner;
  /** Stamps of the last change of what SCRIPT LOAD brought, and of the libraries; 0: none is known. */
  readonly code = { scripts: 0, libraries: 0 };
  readonly #server: Server;
  readonly #world: World;
  /** Compiles the machine's code, once for both machines. */
  readonly #compile: () => LuaModule;
  #module: LuaModule | undefined;
  #scripts: Engine | undefined;
  #functions: Engine | undefined;
  /** The one global, `redis`, that code of libraries sees while it is loaded. */
  #redisWhenLoading = 0;

  constructor(components: { server: Server; world: World; luaModule: () => LuaModule }) {
    this.#server = components.server;
    this.#world = components.world;
    this.#compile = components.luaModule;
    this.runner = new ScriptRunner(components, (engine) => this.#drop(engine));
  }

  /** The machine of EVAL. One that a script has made grow is replaced. */
  get scriptEngine(): Engine {
    const engine = this.#scripts;
    if (engine !== undefined && !engine.isGrown) return engine;
    this.#scripts = this.#build();
    return this.#scripts;
  }

  /** The machine of FCALL, with all libraries loaded. */
  get functionEngine(): Engine {
    if (this.#functions !== undefined) return this.#functions;
    const engine = this.#build(true);
    this.#functions = engine;
    this.#redisWhenLoading = takeGlobal(engine, LOADING);
    engine.environment.locks.raiseForMissing(this.#redisWhenLoading);
    const failed = this.libraries.reload(engine, () => this.#runLoading(engine));
    if (failed.length > 0) {
      this.#server.log.error({ libraries: failed }, 'libraries could not be loaded again');
    }
    return engine;
  }

  /** Bytes that the values of scripts, and of functions, take. */
  get memory(): { scripts: number; functions: number } {
    return {
      scripts: this.#scripts?.lua.usedBytes() ?? 0,
      functions: this.#functions?.lua.usedBytes() ?? 0,
    };
  }

  /** A command has changed them. */
  codeChanged(kind: 'scripts' | 'libraries'): void {
    this.code[kind] = this.#server.store.clock.next();
  }

  flushScripts(): void {
    this.cache.flush();
    this.#scripts = undefined;
  }

  loadLibrary(code: string, replaces: boolean): { name: string } | string {
    const engine = this.functionEngine;
    return this.libraries.load(engine, code, replaces, () => this.#runLoading(engine));
  }

  /** Loads libraries that were kept on disk; one that fails is told of in the log, and left out. */
  loadKept(codes: readonly Buffer[]): void {
    if (codes.length > 0) this.code.libraries = KEPT_STAMP;
    for (const code of codes) {
      const loaded = this.loadLibrary(code.toString('latin1'), true);
      if (typeof loaded !== 'string') continue;
      this.#server.log.error({ reason: loaded }, 'a library of functions could not be loaded');
    }
  }

  /** The code of all libraries. */
  codes(): Buffer[] {
    return Array.from(this.libraries.libraries, ({ code }) => Buffer.from(code, 'latin1'));
  }

  restoreLibraries(codes: readonly string[], policy: RestorePolicy): string | undefined {
    const engine = this.functionEngine;
    return this.libraries.restore(engine, codes, policy, () => this.#runLoading(engine));
  }

  deleteLibrary(name: string): boolean {
    return this.libraries.delete(this.#functions, name);
  }

  flushLibraries(): void {
    this.libraries.flush();
    this.#functions = undefined;
  }

  #runLoading(engine: Engine): string | undefined {
    engine.environment.locks.showOnly('redis', this.#redisWhenLoading);
    const error = this.runner.load(engine);
    if (!engine.lua.machine.broken) engine.environment.locks.showAll();
    return error;
  }

  #build(isOfFunctions = false): Engine {
    this.#module ??= this.#compile();
    const session = new Session({
      id: SCRIPTS_ID,
      server: this.#server,
      reply: new ReplyWriter(this.#server.pool, { pendingBytesMax: REPLY_BYTES_MAX }),
      carrier: NOWHERE,
      nowMs: this.#world.clock.wallMs(),
    });
    session.isScript = true;
    const { libraries } = this;
    const { clock } = this.runner;
    const hooks = {
      hook: clock.hook,
      interrupted: () => clock.interrupted,
      looksAtClock: clock.looksAtClock,
      onWork: clock.onWork,
    };
    const components = { server: this.#server, module: this.#module, session, hooks };
    if (!isOfFunctions) return new Engine(components);
    return new Engine(components, (lua, redis) => {
      const register = (L: number) =>
        libraries.registerFunction(lua, L, (text) => this.#raise(L, text));
      return {
        functions: { log: redis.functions['log']!, register_function: register },
        constants: LOADING_CONSTANTS,
      };
    });
  }

  #raise(L: number, text: string): never {
    const engine = this.#functions!;
    engine.caller.pushError(L, `ERR ${text}`);
    return engine.lua.raiseTop(L);
  }

  #drop(engine: Engine): void {
    if (this.#scripts === engine) this.#scripts = undefined;
    if (this.#functions === engine) this.#functions = undefined;
  }
}

/** A registry reference of a global, which no code sees any more. */
function takeGlobal(engine: Engine, name: string): number {
  const { lua, environment } = engine;
  const { c, main } = lua;
  c.lua_rawgeti(main, REGISTRY, environment.globals);
  lua.getField(main, c.lua_gettop(main), name);
  const ref = c.luaL_ref(main, REGISTRY);
  c.lua_settop(main, 0);
  c.lua_pushnil(main);
  environment.setGlobal(main, name);
  return ref;
}
