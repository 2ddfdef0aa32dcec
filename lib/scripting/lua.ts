/**
 * Lua's C interface for JavaScript: bytes in and out, errors, functions.
 *
 * Strings are bytes. A text in JavaScript stands for bytes as latin1, one character each.
 * Functions called by Lua raise with `raise`, which never returns: the exception it throws unwinds
 * through JavaScript and C up to the protected call.
 */
import { latin1 } from '../../resp/bytes.js';
import { addFunctions, addHook, type LuaFunction, type LuaHook } from './host-functions.js';
import { CODE_BYTES_MAX, WORK_BYTES } from './limits.js';
import { type LuaExports, LuaMachine } from './lua-machine.js';
import type { LuaModule } from './web-assembly.js';

export const REGISTRY = -10_000;
export const GLOBALS = -10_002;

export const NIL = 0;
export const BOOLEAN = 1;
export const LIGHT_USERDATA = 2;
export const NUMBER = 3;
export const STRING = 4;
export const TABLE = 5;
export const FUNCTION = 6;

/** Results of `lua_resume` and `lua_pcall`. */
export const FINISHED = 0;
export const YIELDED = 1;
export const OUT_OF_MEMORY = 4;

const GC_COUNT_KIB = 3;
const GC_COUNT_BYTES = 4;
const GC_COLLECT = 2;

/** Bytes of C's memory that are always at hand to hand strings over. */
const STAGE_BYTES = 64 * 1024;
/** sizeof(lua_Debug) is 100. */
const DEBUG_BYTES = 128;
/** Offsets in `lua_Debug` (lua.h): what, source, currentline. */
const DEBUG_WHAT = 12;
const DEBUG_SOURCE = 16;
const DEBUG_LINE = 20;
/** Functions of the prelude and of C that may stand above the script's own. */
const PRELUDE_LEVELS_MAX = 50;
/** Offset of `nCcalls` in lua_State (lstate.h). */
const STATE_C_CALLS = 52;

/** A named function of a library. */
export type Library = Readonly<Record<string, LuaFunction>>;

export class Lua {
  readonly machine: LuaMachine;
  readonly c: LuaExports;
  /** The main thread. */
  readonly main: number;
  readonly #functions = new Map<LuaFunction, number>();
  readonly #lengthAt: number;
  readonly #debugAt: number;
  /** Called after each `WORK_BYTES` of work; raises if the call has taken too long. */
  onWork: (L: number) => void = () => {};
  #stageAt: number;
  #stageBytes = STAGE_BYTES;
  #workBytes = 0;

  constructor(module: LuaModule, memoryBytesMax: number) {
    this.machine = new LuaMachine(module, memoryBytesMax);
    this.c = this.machine.exports;
    this.#lengthAt = this.c.malloc(8);
    this.#debugAt = this.c.malloc(DEBUG_BYTES);
    this.#stageAt = this.c.malloc(STAGE_BYTES);
    this.main = this.c.luaL_newstate();
  }

  /** Makes JavaScript functions known to C, so that they can be pushed. */
  register(functions: readonly LuaFunction[]): void {
    const first = addFunctions(this.c.__indirect_function_table, functions);
    for (const [index, fn] of functions.entries()) this.#functions.set(fn, first + index);
  }

  /** Makes a hook known to C; returns what `lua_sethook` takes. */
  registerHook(hook: LuaHook): number {
    return addHook(this.c.__indirect_function_table, hook);
  }

  /**
   * Whether a thread can yield from a hook: no function of C stands between it and its resume.
   * Reads `nCcalls` and `baseCcalls` of lua_State (lstate.h), two half words.
   */
  canYield(L: number): boolean {
    const word = this.machine.words[(L + STATE_C_CALLS) >> 2]!;
    return (word & 0xffff) <= word >>> 16;
  }

  /** A function of C that stands at `index` of the stack, to call it from JavaScript. */
  nativeFunction(L: number, index: number): LuaFunction {
    const pointer = this.c.lua_tocfunction(L, index);
    return this.c.__indirect_function_table.get(pointer) as LuaFunction;
  }

  /** Bytes that Lua's values take. */
  usedBytes(): number {
    const { c, main } = this;
    return c.lua_gc(main, GC_COUNT_KIB, 0) * 1024 + c.lua_gc(main, GC_COUNT_BYTES, 0);
  }

  /**
   * A function of a library has handled so many bytes. Lua's own hook counts instructions, and to
   * it a call is one, however long it takes.
   */
  work(L: number, bytes: number): void {
    this.#workBytes += bytes;
    if (this.#workBytes < WORK_BYTES) return;
    this.#workBytes = 0;
    this.onWork(L);
  }

  collect(): void {
    this.c.lua_gc(this.main, GC_COLLECT, 0);
  }

  // Pushing.

  pushBytes(L: number, buf: Uint8Array, from: number, to: number): void {
    const bytes = to - from;
    const at = this.stage(L, bytes);
    const memory = this.machine.bytes;
    if (bytes <= 32) {
      for (let i = 0; i < bytes; i += 1) memory[at + i] = buf[from + i]!;
    } else {
      memory.set(buf.subarray(from, to), at);
    }
    this.c.lua_pushlstring(L, at, bytes);
  }

  /** A text, one byte per character. */
  pushText(L: number, text: string): void {
    const at = this.stage(L, text.length);
    this.machine.bytes.write(text, at, 'latin1');
    this.c.lua_pushlstring(L, at, text.length);
  }

  pushFunction(L: number, fn: LuaFunction, upvalues = 0): void {
    this.c.lua_pushcclosure(L, this.#functions.get(fn)!, upvalues);
  }

  /** table[name] = the value on top, which is popped. `index` is of the table, absolute. */
  setField(L: number, index: number, name: string): void {
    this.pushText(L, name);
    this.c.lua_insert(L, -2);
    this.c.lua_rawset(L, index);
  }

  /** Pushes table[name], without metamethods. `index` is absolute. */
  getField(L: number, index: number, name: string): void {
    this.pushText(L, name);
    this.c.lua_rawget(L, index);
  }

  setText(L: number, index: number, name: string, text: string): void {
    this.pushText(L, text);
    this.setField(L, index, name);
  }

  setNumber(L: number, index: number, name: string, value: number): void {
    this.c.lua_pushnumber(L, value);
    this.setField(L, index, name);
  }

  /** Pushes a new table with the functions of a library, which become known to C. */
  pushLibrary(L: number, library: Library): void {
    this.register(Object.values(library));
    this.c.lua_createtable(L, 0, 16);
    const table = this.c.lua_gettop(L);
    for (const [name, fn] of Object.entries(library)) {
      this.pushFunction(L, fn);
      this.setField(L, table, name);
    }
  }

  /**
   * Room for so many bytes in C's memory, until the next call; raises if there is none. What is
   * written there must be handed over before anything else is pushed.
   */
  stage(L: number, bytes: number): number {
    if (bytes < this.#stageBytes) return this.#stageAt;
    const at = this.c.malloc(bytes + 1);
    if (at === 0) this.raise(L, 'not enough memory');
    this.c.free(this.#stageAt);
    this.#stageAt = at;
    this.#stageBytes = bytes + 1;
    return at;
  }

  /** Gives back what a large string needed. */
  shrinkStage(): void {
    if (this.#stageBytes === STAGE_BYTES) return;
    this.c.free(this.#stageAt);
    this.#stageAt = this.c.malloc(STAGE_BYTES);
    this.#stageBytes = STAGE_BYTES;
  }

  // Reading.

  /**
   * Where the bytes of the string at `index` are; their number is `length`. 0 = not a string. A
   * number becomes a string in place, as in C.
   */
  stringAt(L: number, index: number): number {
    return this.c.lua_tolstring(L, index, this.#lengthAt);
  }

  /** Length of the string that `stringAt` or `checkString` found last, bytes. */
  get length(): number {
    return this.machine.words[this.#lengthAt >> 2]!;
  }

  /** The string at `index`, one character per byte; empty if it is none. */
  text(L: number, index: number): string {
    const at = this.stringAt(L, index);
    return at === 0 ? '' : latin1(this.machine.bytes, at, at + this.length);
  }

  /** `stringAt` of an argument; raises if it is none. */
  checkString(L: number, arg: number): number {
    return this.c.luaL_checklstring(L, arg, this.#lengthAt);
  }

  checkText(L: number, arg: number): string {
    const at = this.checkString(L, arg);
    return latin1(this.machine.bytes, at, at + this.length);
  }

  /** The number of an argument, cut off as C casts it to `int`. */
  checkInteger(L: number, arg: number): number {
    return Math.trunc(this.c.luaL_checknumber(L, arg));
  }

  isNil(L: number, index: number): boolean {
    return this.c.lua_type(L, index) <= NIL;
  }

  // Errors.

  /** Raises with the place of the Lua code that has called: `luaL_error`. */
  raise(L: number, text: string): never {
    this.c.luaL_where(L, 1);
    this.pushText(L, text.length < STAGE_BYTES ? text : text.slice(0, STAGE_BYTES - 1));
    this.c.lua_concat(L, 2);
    this.raiseTop(L);
  }

  /** Raises `bad argument #n to 'f' (text)`. */
  badArgument(L: number, arg: number, text: string): never {
    const at = this.stage(L, text.length + 1);
    this.machine.bytes.write(text, at, 'latin1');
    this.machine.bytes[at + text.length] = 0;
    this.c.luaL_argerror(L, arg, at);
    throw new Error('luaL_argerror has returned');
  }

  /** Raises the value on top. */
  raiseTop(L: number): never {
    this.c.lua_error(L);
    throw new Error('lua_error has returned');
  }

  /** Compiles a text and pushes the function, or an error; true if it could. */
  load(L: number, text: string, chunkName: string): boolean {
    if (text.charCodeAt(0) === 27) {
      this.pushText(L, `${chunkName.slice(1)}: bad header in precompiled chunk`);
      return false;
    }
    if (text.length > CODE_BYTES_MAX) {
      this.pushText(L, `code of more than ${CODE_BYTES_MAX} bytes`);
      return false;
    }
    const at = this.c.malloc(text.length + chunkName.length + 2);
    if (at === 0) {
      this.pushText(L, 'not enough memory');
      return false;
    }
    const name = at + text.length + 1;
    const { bytes } = this.machine;
    bytes.write(text, at, 'latin1');
    bytes.write(chunkName, name, 'latin1');
    bytes[name + chunkName.length] = 0;
    const status = this.c.luaL_loadbuffer(L, at, text.length, name);
    this.c.free(at);
    return status === 0;
  }

  /**
   * Source and line of the Lua code that a thread runs, or was running when it failed. Undefined
   * if it runs none.
   */
  where(L: number): { source: string; line: number } | undefined {
    const { c } = this;
    const ar = this.#debugAt;
    for (let level = 0; level < PRELUDE_LEVELS_MAX; level += 1) {
      if (c.lua_getstack(L, level, ar) === 0) return undefined;
      const what = this.stage(L, 4);
      this.machine.bytes.write('Sl\0', what, 'latin1');
      c.lua_getinfo(L, what, ar);
      const { words } = this.machine;
      if (this.#cText(words[(ar + DEBUG_WHAT) >> 2]!) === 'C') continue;
      const source = this.#cText(words[(ar + DEBUG_SOURCE) >> 2]!);
      if (source === '=prelude' || source === '=(tail call)') continue;
      return { source, line: words[(ar + DEBUG_LINE) >> 2]! };
    }
    return undefined;
  }

  #cText(at: number): string {
    const end = this.machine.bytes.indexOf(0, at);
    return latin1(this.machine.bytes, at, end);
  }
}
