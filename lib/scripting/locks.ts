/**
 * Tables that scripts can read and not change: globals and libraries.
 *
 *   globals (empty) --__index--> the real globals --__index--> raises: nonexistent variable
 *        |__newindex raises: readonly
 *   string, cjson, ... likewise: an empty table in front of the real one
 *
 * Stock Lua 5.1 has no readonly tables, which Redis's has; the empty tables stand in for them, and
 * what looks into or writes to a table without metamethods (`pairs`, `rawset`, `table.insert`,
 * ...) is told of them here.
 */
import type { LuaFunction } from './host-functions.js';
import { GLOBALS, type Lua, REGISTRY, STRING, TABLE } from './lua.js';

const READONLY = 'Attempt to modify a readonly table';

/** Functions whose first argument may be a locked table: whether they look into it or write to it. */
const FIRST_ARGUMENTS: readonly (readonly [library: string, name: string, writes: boolean])[] = [
  ['_G', 'pairs', false],
  ['_G', 'next', false],
  ['_G', 'rawget', false],
  ['_G', 'rawset', true],
  ['_G', 'setmetatable', true],
  ['table', 'foreach', false],
  ['table', 'insert', true],
  ['table', 'remove', true],
  ['table', 'sort', true],
];

export class Locks {
  readonly #lua: Lua;
  /** Registry references of real tables, by the address of the empty one in front. */
  readonly #locked = new Map<number, number>();
  /** Registry references: what a script looks its globals up with, what raises for others, all. */
  #lookup = 0;
  #missing = 0;
  #globals = 0;

  constructor(lua: Lua) {
    this.#lua = lua;
  }

  /** Until `showAll`, code sees one global: a table of the environment, by its reference. */
  showOnly(name: string, ref: number): void {
    const lua = this.#lua;
    const { c, main } = lua;
    const top = c.lua_gettop(main);
    c.lua_rawgeti(main, REGISTRY, this.#lookup);
    c.lua_createtable(main, 0, 1);
    c.lua_rawgeti(main, REGISTRY, ref);
    lua.setField(main, top + 2, name);
    c.lua_rawgeti(main, REGISTRY, this.#missing);
    c.lua_setmetatable(main, top + 2);
    lua.setField(main, top + 1, '__index');
    c.lua_settop(main, top);
  }

  showAll(): void {
    const lua = this.#lua;
    const { c, main } = lua;
    const top = c.lua_gettop(main);
    c.lua_rawgeti(main, REGISTRY, this.#lookup);
    c.lua_rawgeti(main, REGISTRY, this.#globals);
    lua.setField(main, top + 1, '__index');
    c.lua_settop(main, top);
  }

  /** Makes a table of the environment, by its reference, raise for fields that it lacks. */
  raiseForMissing(ref: number): void {
    const { c, main } = this.#lua;
    const top = c.lua_gettop(main);
    c.lua_rawgeti(main, REGISTRY, ref);
    c.lua_rawgeti(main, REGISTRY, this.#locked.get(c.lua_topointer(main, top + 1))!);
    c.lua_rawgeti(main, REGISTRY, this.#missing);
    c.lua_setmetatable(main, top + 2);
    c.lua_settop(main, top);
  }

  guardFirstArguments(): void {
    const lua = this.#lua;
    const { c, main } = lua;
    for (const [library, name, writes] of FIRST_ARGUMENTS) {
      lua.getField(main, GLOBALS, library);
      const table = c.lua_gettop(main);
      lua.getField(main, table, name);
      const raw = lua.nativeFunction(main, -1);
      const guarded: LuaFunction = (L) => {
        if (c.lua_type(L, 1) === TABLE) {
          const ref = this.#locked.get(c.lua_topointer(L, 1));
          if (ref !== undefined && writes) return this.#refuse(L);
          if (ref !== undefined) {
            c.lua_rawgeti(L, REGISTRY, ref);
            c.lua_replace(L, 1);
          }
        }
        return raw(L);
      };
      lua.register([guarded]);
      // `pairs` keeps `next` beside itself, where C looks for it.
      if (name === 'pairs') lua.getField(main, GLOBALS, 'next');
      lua.pushFunction(main, guarded, name === 'pairs' ? 1 : 0);
      lua.setField(main, table, name);
      c.lua_settop(main, table - 1);
    }
  }

  #refuse(L: number): never {
    this.#lua.pushText(L, READONLY);
    return this.#lua.raiseTop(L);
  }

  /** Puts the locks in front of the libraries and the globals; returns a reference to the latter. */
  lock(libraries: readonly string[]): number {
    const lua = this.#lua;
    const { c, main } = lua;
    const readonly: LuaFunction = (L) => lua.raise(L, READONLY);
    const missing: LuaFunction = (L) => {
      const type = c.lua_type(L, 2);
      const name = type === STRING || type === 3 ? lua.text(L, 2) : '?';
      return lua.raise(L, `Script attempted to access nonexistent global variable '${name}'`);
    };
    lua.register([readonly, missing]);
    for (const library of libraries) {
      lua.getField(main, GLOBALS, library);
      this.#pushLocked(readonly);
      if (library === 'string') this.#lockStrings();
      lua.setField(main, GLOBALS, library);
      c.lua_settop(main, 0);
    }
    // The real globals, whose own metatable knows what is missing.
    c.lua_pushvalue(main, GLOBALS);
    c.lua_createtable(main, 0, 1);
    lua.pushFunction(main, missing);
    lua.setField(main, 2, '__index');
    c.lua_pushvalue(main, 2);
    this.#missing = c.luaL_ref(main, REGISTRY);
    c.lua_setmetatable(main, 1);
    this.#pushLocked(readonly, missing);
    c.lua_getmetatable(main, -1);
    this.#lookup = c.luaL_ref(main, REGISTRY);
    c.lua_pushvalue(main, -1);
    lua.setField(main, 1, '_G');
    c.lua_replace(main, GLOBALS);
    this.#globals = c.luaL_ref(main, REGISTRY);
    return this.#globals;
  }

  /** Pushes a lock for the table on top of the stack, which stays. */
  #pushLocked(readonly: LuaFunction, index?: LuaFunction): void {
    const lua = this.#lua;
    const { c, main } = lua;
    const real = c.lua_gettop(main);
    c.lua_createtable(main, 0, 0);
    c.lua_createtable(main, 0, 3);
    c.lua_pushvalue(main, real);
    lua.setField(main, real + 2, '__index');
    lua.pushFunction(main, readonly);
    lua.setField(main, real + 2, '__newindex');
    // What getmetatable answers: a table of its own, that changes nothing.
    c.lua_createtable(main, 0, 1);
    if (index !== undefined) {
      lua.pushFunction(main, index);
      lua.setField(main, real + 3, '__index');
    }
    lua.setField(main, real + 2, '__metatable');
    c.lua_setmetatable(main, real + 1);
    c.lua_pushvalue(main, real);
    this.#locked.set(c.lua_topointer(main, real + 1), c.luaL_ref(main, REGISTRY));
  }

  /** `getmetatable('')` shows the lock of `string`, on top of the stack, and cannot be changed. */
  #lockStrings(): void {
    const lua = this.#lua;
    const { c, main } = lua;
    const lock = c.lua_gettop(main);
    lua.pushText(main, '');
    c.lua_getmetatable(main, lock + 1);
    c.lua_createtable(main, 0, 1);
    c.lua_pushvalue(main, lock);
    lua.setField(main, lock + 3, '__index');
    const readonly: LuaFunction = (L) => lua.raise(L, READONLY);
    lua.register([readonly]);
    this.#pushLocked(readonly);
    lua.setField(main, lock + 2, '__metatable');
    c.lua_settop(main, lock);
  }
}
