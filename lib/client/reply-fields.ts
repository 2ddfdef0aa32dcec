/** Maps of RESP2 in what DHASH RING, STATUS and VERIFY reply, with bulk strings as Buffers. */
import { ClientError } from './client-error.js';

export type FieldValue = Buffer | number | readonly FieldValue[];
export type Fields = ReadonlyMap<string, FieldValue>;

/** Throws a ClientError if it is no map. */
export function fieldsOf(reply: unknown): Fields {
  if (!Array.isArray(reply)) {
    throw new ClientError('PROTOCOL', 'the server is no dhash node of this version');
  }
  const values = reply as readonly FieldValue[];
  const fields = new Map<string, FieldValue>();
  for (let at = 0; at + 1 < values.length; at += 2) {
    fields.set(String(values[at] as Buffer), values[at + 1]!);
  }
  return fields;
}

export function listOf(fields: Fields, name: string): readonly FieldValue[] {
  const list = fields.get(name);
  return Array.isArray(list) ? (list as readonly FieldValue[]) : [];
}

export function textOf(fields: Fields, name: string): string {
  const value = fields.get(name);
  return Buffer.isBuffer(value) ? value.toString() : '';
}

export function numberOf(fields: Fields, name: string): number | null {
  const value = fields.get(name);
  return typeof value === 'number' ? value : null;
}

export function bytesOf(fields: Fields, name: string): Buffer {
  const value = fields.get(name);
  return Buffer.isBuffer(value) ? value : Buffer.alloc(0);
}
