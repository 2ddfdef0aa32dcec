/**
 * One instance of the Lua 5.1 machine: its memory, and what C expects of the system around it.
 *
 * Nothing of the system is there: each call for files, environment or processes answers that it
 * is not supported. Memory grows up to `memoryBytesMax`; beyond it `malloc` returns NULL and Lua
 * raises "not enough memory". C's `longjmp` is a JavaScript exception, caught where C said
 * `setjmp` (`invoke_vii`, as Emscripten compiles it).
 *
 * Invariant: after any other exception went through C (a trap, an overflow of the system's stack)
 * the machine is `broken`, and nobody uses it any more.
 */
import { type LuaModule, type WasmMemory, type WasmTable, wasm } from './web-assembly.js';

/** The exports that are used, named as in Lua's manual; pointers and lengths are numbers. */
export interface LuaExports {
  readonly memory: WasmMemory;
  readonly __indirect_function_table: WasmTable;
  __wasm_call_ctors(): void;
  emscripten_stack_init(): void;
  stackSave(): number;
  stackRestore(sp: number): void;
  setThrew(threw: number, value: number): void;
  malloc(bytes: number): number;
  free(at: number): void;
  luaL_newstate(): number;
  luaopen_base(L: number): number;
  luaopen_table(L: number): number;
  luaopen_string(L: number): number;
  luaopen_math(L: number): number;
  lua_newthread(L: number): number;
  lua_resume(L: number, args: number): number;
  lua_yield(L: number, results: number): number;
  lua_sethook(L: number, hook: number, mask: number, count: number): number;
  lua_gc(L: number, what: number, data: number): number;
  lua_error(L: number): number;
  lua_pcall(L: number, args: number, results: number, handler: number): number;
  lua_call(L: number, args: number, results: number): void;
  lua_gettop(L: number): number;
  lua_settop(L: number, index: number): void;
  lua_checkstack(L: number, extra: number): number;
  lua_pushvalue(L: number, index: number): void;
  lua_remove(L: number, index: number): void;
  lua_insert(L: number, index: number): void;
  lua_replace(L: number, index: number): void;
  lua_xmove(from: number, to: number, count: number): void;
  lua_type(L: number, index: number): number;
  lua_toboolean(L: number, index: number): number;
  lua_tonumber(L: number, index: number): number;
  lua_tolstring(L: number, index: number, length: number): number;
  lua_touserdata(L: number, index: number): number;
  lua_tocfunction(L: number, index: number): number;
  lua_topointer(L: number, index: number): number;
  lua_setmetatable(L: number, index: number): number;
  lua_getmetatable(L: number, index: number): number;
  lua_iscfunction(L: number, index: number): number;
  lua_isnumber(L: number, index: number): number;
  lua_objlen(L: number, index: number): number;
  lua_pushnil(L: number): void;
  lua_pushboolean(L: number, value: number): void;
  lua_pushnumber(L: number, value: number): void;
  lua_pushlstring(L: number, at: number, bytes: number): void;
  lua_pushlightuserdata(L: number, at: number): void;
  lua_pushcclosure(L: number, index: number, upvalues: number): void;
  lua_createtable(L: number, array: number, hash: number): void;
  lua_gettable(L: number, index: number): void;
  lua_rawget(L: number, index: number): void;
  lua_rawgeti(L: number, index: number, n: number): void;
  lua_rawset(L: number, index: number): void;
  lua_rawseti(L: number, index: number, n: number): void;
  lua_next(L: number, index: number): number;
  lua_setfenv(L: number, index: number): number;
  lua_getstack(L: number, level: number, ar: number): number;
  lua_getinfo(L: number, what: number, ar: number): number;
  luaL_ref(L: number, table: number): number;
  luaL_unref(L: number, table: number, ref: number): void;
  luaL_loadbuffer(L: number, at: number, bytes: number, name: number): number;
  luaL_where(L: number, level: number): void;
  luaL_checklstring(L: number, arg: number, length: number): number;
  luaL_checknumber(L: number, arg: number): number;
  luaL_checktype(L: number, arg: number, type: number): void;
  luaL_checkany(L: number, arg: number): void;
  luaL_argerror(L: number, arg: number, text: number): number;
  luaL_checkstack(L: number, extra: number, text: number): void;
  lua_concat(L: number, count: number): void;
}

const PAGE_BYTES = 65_536;
/** What Emscripten's system calls return for "not implemented" (ENOSYS). */
const NOT_SUPPORTED = -52;

/** What C's `longjmp` throws; never seen outside of `invoke_vii`. */
const LONG_JUMP = new Error('longjmp outside of setjmp');

export class LuaMachine {
  readonly exports: LuaExports;
  readonly memoryBytesMax: number;
  /** Views of the whole memory, renewed when it grows. */
  bytes: Buffer = Buffer.alloc(0);
  words: Int32Array = new Int32Array(0);
  broken = false;
  /** Called when the memory has grown, from within any call into C. */
  onGrow: () => void = () => {};

  constructor(module: LuaModule, memoryBytesMax: number) {
    this.memoryBytesMax = memoryBytesMax;
    const imports = { env: this.#environment(), wasi_snapshot_preview1: refusing(WASI_CALLS) };
    const instance = new wasm.Instance(module, imports);
    this.exports = instance.exports as unknown as LuaExports;
    this.#look();
    this.exports.__wasm_call_ctors();
    this.exports.emscripten_stack_init();
  }

  get memoryBytes(): number {
    return this.bytes.length;
  }

  /** Runs what may fail in ways that leave the machine in an unknown state. */
  guard<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      this.broken = true;
      throw error;
    }
  }

  #look(): void {
    const { buffer } = this.exports.memory;
    this.bytes = Buffer.from(buffer);
    this.words = new Int32Array(buffer);
  }

  #environment(): Record<string, unknown> {
    return {
      ...refusing(ENVIRONMENT_CALLS),
      invoke_vii: (index: number, first: number, second: number) => {
        const { exports } = this;
        const sp = exports.stackSave();
        try {
          const call = exports.__indirect_function_table.get(index) as (
            first: number,
            second: number,
          ) => void;
          call(first, second);
        } catch (error) {
          if (error !== LONG_JUMP) throw error;
          exports.stackRestore(sp);
          exports.setThrew(1, 0);
        }
      },
      _emscripten_throw_longjmp: () => {
        throw LONG_JUMP;
      },
      // An error outside of any protected call; what remains there is the lack of memory.
      exit: () => {
        throw new Error('not enough memory');
      },
      emscripten_memcpy_js: (to: number, from: number, bytes: number) => {
        this.bytes.copyWithin(to, from, from + bytes);
      },
      emscripten_resize_heap: (bytes: number) => this.#grow(bytes >>> 0),
      emscripten_date_now: () => 0,
      _emscripten_get_now_is_monotonic: () => 0,
    };
  }

  /** 1 = there are that many bytes now; 0 = there are not. */
  #grow(wantedBytes: number): number {
    if (wantedBytes > this.memoryBytesMax) return 0;
    // Some more than asked for, or many small steps would each copy the views.
    const bytes = Math.min(this.memoryBytesMax, Math.max(wantedBytes, this.memoryBytes * 1.25));
    try {
      this.exports.memory.grow(Math.ceil((bytes - this.memoryBytes) / PAGE_BYTES));
    } catch {
      return 0;
    }
    this.#look();
    this.onGrow();
    return 1;
  }
}

const ENVIRONMENT_CALLS = [
  ...['strftime', '_tzset_js', '_mktime_js', '_localtime_js', '_gmtime_js', '_emscripten_system'],
  ...['__syscall_openat', '__syscall_fcntl64', '__syscall_ioctl', '__syscall_dup3'],
  ...['__syscall_unlinkat', '__syscall_rmdir', '__syscall_renameat', '__syscall_readlinkat'],
];
const WASI_CALLS = [
  ...['fd_write', 'fd_read', 'fd_close', 'fd_seek', 'environ_sizes_get', 'environ_get'],
];

function refusing(names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, () => NOT_SUPPORTED]));
}
