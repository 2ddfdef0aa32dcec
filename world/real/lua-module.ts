/** The Lua machine's WebAssembly, from its package. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** The class, which the types of Node leave out. */
interface Compiler {
  readonly WebAssembly: { Module: new (bytes: Uint8Array) => object };
}

/** Reads and compiles it: about two milliseconds, so at the first script and not at the start. */
export function loadLuaModule(): object {
  const path = createRequire(import.meta.url).resolve('wasmoon-lua5.1/dist/liblua5.1.wasm');
  const { WebAssembly } = globalThis as unknown as Compiler;
  return new WebAssembly.Module(readFileSync(path));
}
