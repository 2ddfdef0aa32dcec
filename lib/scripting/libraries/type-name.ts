import { STRING } from '../lua.js';

/** The name of a type of Lua, as errors show it. */
export function typeName(type: number): string {
  const names = ['nil', 'boolean', 'userdata', 'number', 'string', 'table', 'function'];
  return type > STRING + 2 ? (['userdata', 'thread'][type - 7] ?? 'no value') : (names[type] ?? '');
}
