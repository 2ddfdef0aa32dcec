/**
 * What a script sees: Lua's own libraries without those that reach outside, Redis's, and globals
 * that cannot be changed (locks.ts).
 */
import type { LuaFunction } from './host-functions.js';
import { baseLibrary } from './libraries/base.js';
import { bitLibrary } from './libraries/bit.js';
import { cjsonLibrary } from './libraries/cjson.js';
import { cmsgpackLibrary } from './libraries/cmsgpack.js';
import { mathLibrary } from './libraries/math.js';
import { stringLibrary } from './libraries/string.js';
import { structLibrary } from './libraries/struct.js';
import { Locks } from './locks.js';
import { FUNCTION, GLOBALS, type Library, Lua, REGISTRY } from './lua.js';
import { PRELUDE } from './prelude.js';
import type { LuaModule } from './web-assembly.js';

const STANDARD = ['string', 'table', 'math', 'coroutine'];
/** Of stock Lua's globals, those that reach outside or undo the locks. */
const REMOVED = ['dofile', 'loadfile', 'print', 'newproxy', 'getfenv', 'setfenv'];
/** Functions of C whose time goes with the length of the string that they make. */
const METERED = [
  ['string', 'upper'],
  ['string', 'lower'],
  ['string', 'reverse'],
  ['table', 'concat'],
] as const;

/** Redis's API, as a table for scripts. */
export interface RedisTable {
  readonly functions: Library;
  readonly constants: Readonly<Record<string, number | string>>;
}

export class Environment {
  readonly lua: Lua;
  /** Registry reference of the globals' real table. */
  readonly globals: number;
  readonly locks: Locks;
  #reset = 0;

  /**
   * `interrupted` is true while a yield of the hook travels up to whoever runs the script.
   * `tables` are further tables by the name of their global variable.
   */
  constructor(
    components: { module: LuaModule; interrupted: () => boolean },
    tables: (lua: Lua) => Readonly<Record<string, RedisTable>>,
    options: { memoryBytesMax: number },
  ) {
    this.lua = new Lua(components.module, options.memoryBytesMax);
    const { lua } = this;
    const { c, main } = lua;
    for (const open of [c.luaopen_base, c.luaopen_table, c.luaopen_string, c.luaopen_math]) {
      open(main);
    }
    for (const name of REMOVED) this.#remove(name);
    this.#replace('math', mathLibrary(lua));
    this.#replace('string', stringLibrary(lua));
    lua.getField(main, GLOBALS, 'tonumber');
    this.#replace('_G', {
      ...baseLibrary(lua, lua.nativeFunction(main, -1)),
      loadstring: (L) => this.#loadString(L),
    });
    this.locks = new Locks(lua);
    this.locks.guardFirstArguments();
    for (const [library, name] of METERED) this.#meter(library, name);
    this.#runPrelude(components.interrupted);
    const ours: Record<string, RedisTable> = {
      bit: { functions: bitLibrary(lua), constants: {} },
      struct: { functions: structLibrary(lua), constants: {} },
      cmsgpack: cmsgpackLibrary(lua),
      cjson: cjsonLibrary(lua),
      ...tables(lua),
    };
    for (const [name, table] of Object.entries(ours)) this.#open(name, table);
    this.globals = this.locks.lock([...STANDARD, ...Object.keys(ours)]);
    c.lua_settop(main, 0);
  }

  /** The script at hand will not be resumed. */
  reset(): void {
    const { c, main } = this.lua;
    c.lua_rawgeti(main, REGISTRY, this.#reset);
    c.lua_pcall(main, 0, 0, 0);
  }

  /** Sets a real global to the value on top of the stack of L, which is popped. */
  setGlobal(L: number, name: string): void {
    const { c } = this.lua;
    c.lua_rawgeti(L, REGISTRY, this.globals);
    c.lua_insert(L, -2);
    this.lua.setField(L, c.lua_gettop(L) - 1, name);
    c.lua_settop(L, -2);
  }

  #remove(name: string): void {
    const { c, main } = this.lua;
    c.lua_pushnil(main);
    this.lua.setField(main, GLOBALS, name);
  }

  /** Puts functions into a library of Lua's own. */
  #replace(library: string, functions: Library): void {
    const { lua } = this;
    const { c, main } = lua;
    lua.register(Object.values(functions));
    lua.getField(main, GLOBALS, library);
    const table = c.lua_gettop(main);
    for (const [name, fn] of Object.entries(functions)) {
      lua.pushFunction(main, fn);
      lua.setField(main, table, name);
    }
    c.lua_settop(main, table - 1);
  }

  #open(name: string, { functions, constants }: RedisTable): void {
    const { lua } = this;
    const { c, main } = lua;
    lua.pushLibrary(main, functions);
    const table = c.lua_gettop(main);
    for (const [key, value] of Object.entries(constants)) {
      if (typeof value === 'number') lua.setNumber(main, table, key, value);
      else lua.setText(main, table, key, value);
    }
    if (name === 'cjson') {
      c.lua_pushlightuserdata(main, 0);
      lua.setField(main, table, 'null');
    }
    lua.setField(main, GLOBALS, name);
  }

  #meter(library: string, name: string): void {
    const { lua } = this;
    const { c, main } = lua;
    lua.getField(main, GLOBALS, library);
    lua.getField(main, c.lua_gettop(main), name);
    const raw = lua.nativeFunction(main, -1);
    c.lua_settop(main, 0);
    const metered: LuaFunction = (L) => {
      const results = raw(L);
      lua.work(L, c.lua_objlen(L, -1));
      return results;
    };
    this.#replace(library, { [name]: metered });
  }

  /** `loadstring` without compiled code, which could do anything to the machine. */
  #loadString(L: number): number {
    const { lua } = this;
    const text = lua.checkText(L, 1);
    lua.work(L, text.length);
    const name = lua.isNil(L, 2) ? text : lua.checkText(L, 2);
    if (lua.load(L, text, name.replace(/\0.*/s, ''))) return 1;
    lua.c.lua_pushnil(L);
    lua.c.lua_insert(L, -2);
    return 2;
  }

  #runPrelude(interrupted: () => boolean): void {
    const { lua } = this;
    const { c, main } = lua;
    const wasInterrupted: LuaFunction = (L) => {
      c.lua_pushboolean(L, interrupted() ? 1 : 0);
      return 1;
    };
    const isNative: LuaFunction = (L) => {
      const isLua = c.lua_type(L, 1) === FUNCTION && c.lua_iscfunction(L, 1) === 0;
      c.lua_pushboolean(L, isLua ? 0 : 1);
      return 1;
    };
    lua.register([wasInterrupted, isNative]);
    if (!lua.load(main, PRELUDE, '=prelude')) throw new Error(lua.text(main, -1));
    lua.pushFunction(main, wasInterrupted);
    lua.pushFunction(main, isNative);
    if (c.lua_pcall(main, 2, 1, 0) !== 0) throw new Error(lua.text(main, -1));
    this.#reset = c.luaL_ref(main, REGISTRY);
  }
}
