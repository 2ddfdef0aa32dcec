/** The part of WebAssembly's interface that a Lua machine needs; the types of Node leave it out. */

declare global {
  namespace WebAssembly {
    class Module {
      constructor(bytes: Uint8Array);
    }
    class Instance {
      readonly exports: Record<string, unknown>;
      constructor(module: object, imports: Record<string, Record<string, unknown>>);
    }
    interface Memory {
      readonly buffer: ArrayBuffer;
      grow(pages: number): number;
    }
    interface Table {
      get(index: number): unknown;
      set(index: number, value: unknown): void;
      grow(by: number): number;
    }
  }
}

/** What `dist/liblua5.1.wasm` of the package `wasmoon-lua5.1` holds, compiled. */
export type LuaModule = object;
