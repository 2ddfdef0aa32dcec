/**
 * The part of WebAssembly's interface that a Lua machine needs. The types of Node leave it out;
 * declaring it for everybody would clash with those of the DOM in the programs of users.
 */

interface WasmInstance {
  readonly exports: Record<string, unknown>;
}

export interface WasmMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

export interface WasmTable {
  get(index: number): unknown;
  set(index: number, value: unknown): void;
  grow(by: number): number;
}

/** What `dist/liblua5.1.wasm` of the package `wasmoon-lua5.1` holds, compiled. */
export type LuaModule = object;

interface WasmClasses {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: Record<string, Record<string, unknown>>,
  ) => WasmInstance;
}

/** Node's own, typed for this file alone. */
declare const WebAssembly: WasmClasses;

export const wasm = WebAssembly;
