/**
 * JavaScript functions as entries of a WebAssembly function table, where C finds its pointers to
 * functions. A table takes only functions of WebAssembly, so a module is made by hand that imports
 * each and exports it again, all at once:
 *
 *   "\0asm" 1 | types: (i32) -> i32, (i32 i32) -> () | imports "h" "0", "h" "1", ... | exports
 *
 * Source: WebAssembly Core Specification 1.0, section 5.5 (binary modules).
 */
import { type WasmTable, wasm } from './web-assembly.js';

/** `int f(lua_State *L)`: returns the number of results on top of the stack. */
export type LuaFunction = (L: number) => number;
/** `void f(lua_State *L, lua_Debug *ar)`. */
export type LuaHook = (L: number, ar: number) => void;

const I32 = 0x7f;
const SECTION_TYPES = 1;
const SECTION_IMPORTS = 2;
const SECTION_EXPORTS = 7;

/** Appends functions to the table; returns the index of the first. */
export function addFunctions(table: WasmTable, functions: readonly LuaFunction[]): number {
  return addToTable(table, functions, [1, 0x60, 1, I32, 1, I32]);
}

/** Appends a hook to the table; returns its index. */
export function addHook(table: WasmTable, hook: LuaHook): number {
  return addToTable(table, [hook], [1, 0x60, 2, I32, I32, 0]);
}

function addToTable(
  table: WasmTable,
  functions: readonly unknown[],
  type: readonly number[],
): number {
  const imports: number[] = leb128(functions.length);
  const exports: number[] = leb128(functions.length);
  const given: Record<string, unknown> = {};
  for (const [index, fn] of functions.entries()) {
    const name = nameOf(String(index));
    imports.push(1, 0x68, ...name, 0, 0);
    exports.push(...name, 0, ...leb128(index));
    given[String(index)] = fn;
  }
  const bytes = Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(SECTION_TYPES, type),
    ...section(SECTION_IMPORTS, imports),
    ...section(SECTION_EXPORTS, exports),
  ]);
  const instance = new wasm.Instance(new wasm.Module(bytes), { h: given });
  const first = table.grow(functions.length);
  for (let index = 0; index < functions.length; index += 1) {
    table.set(first + index, instance.exports[String(index)]);
  }
  return first;
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...leb128(content.length), ...content];
}

function nameOf(text: string): number[] {
  return [text.length, ...Buffer.from(text, 'latin1')];
}

function leb128(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  bytes.push(rest);
  return bytes;
}
