/**
 * What a script sees: Lua's own libraries without those that reach outside, Redis's, and globals
 * that cannot be changed.
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
import { baseLibrary } from './libraries/base.js';
import { bitLibrary } from './libraries/bit.js';
import { cjsonLibrary } from './libraries/cjson.js';
import { cmsgpackLibrary } from './libraries/cmsgpack.js';
import { mathLibrary } from './libraries/math.js';
import { stringLibrary } from './libraries/string.js';
import { structLibrary } from './libraries/struct.js';
import { FUNCTION, GLOBALS, type Library, Lua, REGISTRY, STRING, TABLE } from './lua.js';
import { PRELUDE } from './prelude.js';
import type { LuaModule } from './web-assembly.js';

export const READONLY = 'Attempt to modify a readonly table';

const STANDARD = ['string', 'table', 'math', 'coroutine'];
/** Of stock Lua's globals, those that reach outside or undo the locks. */
const REMOVED = ['dofile', 'loadfile', 'print', 'newproxy', 'getfenv', 'setfenv'];
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
  readonly #locked = new Map<number, number>();
  /** Registry references: what a script looks its globals up with, and what raises for others. */
  #lookup = 0;
  #missing = 0;
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
    this.#guardFirstArguments();
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
    this.globals = this.#lock([...STANDARD, ...Object.keys(ours)]);
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

  /** Until `showAll`, code sees one global: a table of the environment, by its reference. */
  showOnly(name: string, ref: number): void {
    const { lua } = this;
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
    const { lua } = this;
    const { c, main } = lua;
    const top = c.lua_gettop(main);
    c.lua_rawgeti(main, REGISTRY, this.#lookup);
    c.lua_rawgeti(main, REGISTRY, this.globals);
    lua.setField(main, top + 1, '__index');
    c.lua_settop(main, top);
  }

  /** Makes a table of the environment, by its reference, raise for fields that it lacks. */
  raiseForMissing(ref: number): void {
    const { c, main } = this.lua;
    const top = c.lua_gettop(main);
    c.lua_rawgeti(main, REGISTRY, ref);
    c.lua_rawgeti(main, REGISTRY, this.#locked.get(c.lua_topointer(main, top + 1))!);
    c.lua_rawgeti(main, REGISTRY, this.#missing);
    c.lua_setmetatable(main, top + 2);
    c.lua_settop(main, top);
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

  #guardFirstArguments(): void {
    const { lua } = this;
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

  #refuse(L: number): never {
    this.lua.pushText(L, READONLY);
    return this.lua.raiseTop(L);
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

  /** Puts the locks in front of the libraries and the globals; returns a reference to the latter. */
  #lock(libraries: readonly string[]): number {
    const { lua } = this;
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
    return c.luaL_ref(main, REGISTRY);
  }

  /** Pushes a lock for the table on top of the stack, which stays. */
  #pushLocked(readonly: LuaFunction, index?: LuaFunction): void {
    const { lua } = this;
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
    const { lua } = this;
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
