/**
 * Libraries of functions: FUNCTION LOAD runs their code once, which registers functions with
 * `redis.register_function`; FCALL calls those. Source: Redis functions.c, function_lua.c.
 *
 * Invariant: a function has one library and a name that no other library uses; a library that
 * fails to load changes nothing.
 */
import type { Engine } from './engine.js';
import { LIBRARIES_BYTES_MAX } from './limits.js';
import { FUNCTION, type Lua, NIL, NUMBER, REGISTRY, STRING, TABLE } from './lua.js';
import { isFunctionName, readLibrary, scriptFlag, WRONG_LIBRARY_NAME } from './shebang.js';

export interface LibraryFunction {
  readonly name: string;
  readonly description: string | undefined;
  /** Flags of shebang.ts. */
  readonly flags: number;
  /** Registry reference of the callback. */
  readonly ref: number;
}

export interface FunctionLibrary {
  readonly name: string;
  /** One character per byte. */
  readonly code: string;
  readonly functions: ReadonlyMap<string, LibraryFunction>;
}

/** Runs the code of a library that stands on the engine's thread; a text is what went wrong. */
type RunCode = () => string | undefined;

/** What happens to libraries whose names are taken when others are restored. */
export type RestorePolicy = 'FLUSH' | 'APPEND' | 'REPLACE';

export class FunctionLibraries {
  #libraries = new Map<string, FunctionLibrary>();
  #functions = new Map<string, LibraryFunction>();
  /** What the code at hand has registered so far. */
  #registering: Map<string, LibraryFunction> | undefined;

  get libraries(): Iterable<FunctionLibrary> {
    return this.#libraries.values();
  }

  get size(): number {
    return this.#libraries.size;
  }

  get functionCount(): number {
    return this.#functions.size;
  }

  /** Bytes of all code. */
  get bytes(): number {
    let sum = 0;
    for (const { code } of this.#libraries.values()) sum += code.length;
    return sum;
  }

  function(name: string): LibraryFunction | undefined {
    return this.#functions.get(name);
  }

  /** Loads one library: its name, or what is wrong. Nothing has changed then. */
  load(engine: Engine, code: string, replaces: boolean, run: RunCode): { name: string } | string {
    const retired: FunctionLibrary[] = [];
    const loaded = this.#loadOne(engine, code, replaces, run, retired);
    for (const { functions } of retired) release(engine, functions);
    return loaded;
  }

  /** Loads libraries, all or none; a text is what is wrong. */
  restore(
    engine: Engine,
    codes: readonly string[],
    policy: RestorePolicy,
    run: RunCode,
  ): string | undefined {
    const before = { libraries: this.#libraries, functions: this.#functions };
    const retired: FunctionLibrary[] = [];
    if (policy === 'FLUSH') retired.push(...before.libraries.values());
    this.#libraries = new Map(policy === 'FLUSH' ? [] : before.libraries);
    this.#functions = new Map(policy === 'FLUSH' ? [] : before.functions);
    for (const code of codes) {
      const loaded = this.#loadOne(engine, code, policy === 'REPLACE', run, retired);
      if (typeof loaded !== 'string') continue;
      const known = new Set(before.libraries.values());
      for (const library of this.#libraries.values()) {
        if (!known.has(library)) release(engine, library.functions);
      }
      this.#libraries = before.libraries;
      this.#functions = before.functions;
      return loaded;
    }
    for (const { functions } of retired) release(engine, functions);
    return undefined;
  }

  /** Loads all libraries into a new engine; returns the names of those that failed. */
  reload(engine: Engine, run: RunCode): string[] {
    const failed: string[] = [];
    const codes = [...this.#libraries.values()];
    this.#libraries = new Map();
    this.#functions = new Map();
    for (const { name, code } of codes) {
      if (typeof this.load(engine, code, false, run) === 'string') failed.push(name);
    }
    return failed;
  }

  /** True if there was such a library. */
  delete(engine: Engine | undefined, name: string): boolean {
    const library = this.#libraries.get(name);
    if (library === undefined) return false;
    this.#remove(library);
    if (engine !== undefined) release(engine, library.functions);
    return true;
  }

  flush(): void {
    this.#libraries = new Map();
    this.#functions = new Map();
  }

  /** `redis.register_function` of the code at hand. */
  registerFunction(lua: Lua, L: number, fail: (text: string) => never): number {
    const { c } = lua;
    const registering = this.#registering;
    if (registering === undefined) {
      return fail('redis.register_function can only be called on FUNCTION LOAD command');
    }
    const count = c.lua_gettop(L);
    if (count < 1 || count > 2) fail('wrong number of arguments to redis.register_function');
    const isNamed = count === 1;
    if (isNamed && c.lua_type(L, 1) !== TABLE) {
      fail(
        'calling redis.register_function with a single argument is only applicable to Lua table (representing named arguments).',
      );
    }
    const wanted = isNamed ? readNamed(lua, L, fail) : readPositions(lua, L, fail);
    if (!isFunctionName(wanted.name)) fail(WRONG_LIBRARY_NAME.slice('ERR '.length));
    if (registering.has(wanted.name)) fail('Function already exists in the library');
    c.lua_pushvalue(L, wanted.callback);
    registering.set(wanted.name, {
      name: wanted.name,
      description: wanted.description,
      flags: wanted.flags,
      ref: c.luaL_ref(L, REGISTRY),
    });
    return 0;
  }

  #loadOne(
    engine: Engine,
    code: string,
    replaces: boolean,
    run: RunCode,
    retired: FunctionLibrary[],
  ): { name: string } | string {
    const read = readLibrary(code);
    if (typeof read === 'string') return read;
    const { name } = read;
    const old = this.#libraries.get(name);
    if (old !== undefined && !replaces) return `ERR Library '${name}' already exists`;
    if (this.bytes - (old?.code.length ?? 0) + code.length > LIBRARIES_BYTES_MAX) {
      return 'ERR the code of all libraries is too large, not applied';
    }
    const functions = this.#register(engine, read.body, run);
    if (typeof functions === 'string') return functions;
    for (const fn of functions.keys()) {
      if (!this.#functions.has(fn) || old?.functions.has(fn) === true) continue;
      release(engine, functions);
      return `ERR Function ${fn} already exists`;
    }
    if (old !== undefined) {
      this.#remove(old);
      retired.push(old);
    }
    this.#add({ name, code, functions });
    return { name };
  }

  #register(engine: Engine, body: string, run: RunCode): Map<string, LibraryFunction> | string {
    const { c } = engine.lua;
    const ref = engine.compile(body, '@user_function');
    if (typeof ref === 'string') return `ERR Error compiling function: ${ref}`;
    c.lua_rawgeti(engine.thread, REGISTRY, ref);
    c.luaL_unref(engine.lua.main, REGISTRY, ref);
    const functions = new Map<string, LibraryFunction>();
    this.#registering = functions;
    let error: string | undefined;
    try {
      error = run();
    } finally {
      this.#registering = undefined;
    }
    if (error !== undefined) {
      release(engine, functions);
      return `ERR Error registering functions: ${error}`;
    }
    return functions.size === 0 ? 'ERR No functions registered' : functions;
  }

  #add(library: FunctionLibrary): void {
    this.#libraries.set(library.name, library);
    for (const fn of library.functions.values()) this.#functions.set(fn.name, fn);
  }

  #remove(library: FunctionLibrary): void {
    this.#libraries.delete(library.name);
    for (const name of library.functions.keys()) this.#functions.delete(name);
  }
}

function release(engine: Engine, functions: ReadonlyMap<string, LibraryFunction>): void {
  const { lua } = engine;
  if (lua.machine.broken) return;
  for (const { ref } of functions.values()) lua.c.luaL_unref(lua.main, REGISTRY, ref);
}

interface Wanted {
  name: string;
  description: string | undefined;
  flags: number;
  /** Index on the stack. */
  callback: number;
}

/** C takes a number for a text, too. */
function isText(type: number): boolean {
  return type === STRING || type === NUMBER;
}

function readPositions(lua: Lua, L: number, fail: (text: string) => never): Wanted {
  const { c } = lua;
  if (!isText(c.lua_type(L, 1))) {
    fail('first argument to redis.register_function must be a string');
  }
  if (c.lua_type(L, 2) !== FUNCTION) {
    fail('second argument to redis.register_function must be a function');
  }
  return { name: lua.text(L, 1), description: undefined, flags: 0, callback: 2 };
}

function readNamed(lua: Lua, L: number, fail: (text: string) => never): Wanted {
  const { c } = lua;
  const wanted: Wanted = { name: '', description: undefined, flags: 0, callback: 0 };
  let isNamed = false;
  c.lua_settop(L, 1);
  // The callback stays on the stack below the walk over the table.
  c.lua_pushnil(L);
  c.lua_pushnil(L);
  while (c.lua_next(L, 1) !== 0) {
    const keyType = c.lua_type(L, 3);
    if (!isText(keyType)) {
      fail('named argument key given to redis.register_function is not a string');
    }
    // To make a text of a number in place would end the walk.
    const key = keyType === STRING ? lua.text(L, 3) : '';
    const type = c.lua_type(L, 4);
    if (key === 'function_name') {
      if (!isText(type)) {
        fail('function_name argument given to redis.register_function must be a string');
      }
      wanted.name = lua.text(L, 4);
      isNamed = true;
    } else if (key === 'description') {
      if (!isText(type)) {
        fail('description argument given to redis.register_function must be a string');
      }
      wanted.description = lua.text(L, 4);
    } else if (key === 'callback') {
      if (type !== FUNCTION) {
        fail('callback argument given to redis.register_function must be a function');
      }
      c.lua_pushvalue(L, 4);
      c.lua_replace(L, 2);
      wanted.callback = 2;
    } else if (key === 'flags') {
      if (type !== TABLE) {
        fail(
          'flags argument to redis.register_function must be a table representing function flags',
        );
      }
      wanted.flags = readFlags(lua, L, 4, fail);
    } else {
      fail('unknown argument given to redis.register_function');
    }
    c.lua_settop(L, 3);
  }
  if (!isNamed) fail('redis.register_function must get a function name argument');
  if (wanted.callback === 0) fail('redis.register_function must get a callback argument');
  return wanted;
}

function readFlags(lua: Lua, L: number, index: number, fail: (text: string) => never): number {
  const { c } = lua;
  let flags = 0;
  for (let n = 1; ; n += 1) {
    c.lua_rawgeti(L, index, n);
    const type = c.lua_type(L, index + 1);
    if (type === NIL) break;
    const flag = isText(type) ? scriptFlag(lua.text(L, index + 1)) : undefined;
    if (flag === undefined) fail('unknown flag given');
    flags |= flag;
    c.lua_settop(L, index);
  }
  return flags;
}
