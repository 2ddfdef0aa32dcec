/**
 * Packed collections as Redis before 7.0 wrote them, for servers and readers that still take them.
 * Written from the descriptions in ziplist.c, zipmap.c and intset.c.
 */

export function ziplist(elements: readonly (string | number)[]): Buffer {
  const entries: Buffer[] = [];
  let previous = 0;
  for (const element of elements) {
    const back = previous < 254 ? Buffer.from([previous]) : Buffer.alloc(5, 0xfe);
    if (previous >= 254) back.writeUInt32LE(previous, 1);
    const entry = Buffer.concat([back, ziplistBody(element)]);
    previous = entry.length;
    entries.push(entry);
  }
  const header = Buffer.alloc(10);
  const body = Buffer.concat(entries);
  header.writeUInt32LE(10 + body.length + 1, 0);
  header.writeUInt32LE(10 + body.length - previous, 4);
  header.writeUInt16LE(elements.length, 8);
  return Buffer.concat([header, body, Buffer.from([0xff])]);
}

function ziplistBody(element: string | number): Buffer {
  if (typeof element === 'number') return ziplistInteger(element);
  const bytes = Buffer.from(element, 'latin1');
  if (bytes.length < 64) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  if (bytes.length < 16_384) {
    return Buffer.concat([Buffer.from([0x40 | (bytes.length >> 8), bytes.length & 255]), bytes]);
  }
  const header = Buffer.alloc(5, 0x80);
  header.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([header, bytes]);
}

function ziplistInteger(value: number): Buffer {
  if (value >= 0 && value <= 12) return Buffer.from([0xf1 + value]);
  const sizes = [
    [0xfe, 1],
    [0xc0, 2],
    [0xf0, 3],
    [0xd0, 4],
  ] as const;
  for (const [mark, bytes] of sizes) {
    if (value < -(2 ** (bytes * 8 - 1)) || value >= 2 ** (bytes * 8 - 1)) continue;
    const body = Buffer.alloc(1 + bytes, mark);
    body.writeIntLE(value, 1, bytes);
    return body;
  }
  const body = Buffer.alloc(9, 0xe0);
  body.writeBigInt64LE(BigInt(value), 1);
  return body;
}

/** `unused`: bytes behind each value that mean nothing. */
export function zipmap(pairs: readonly (readonly [string, string])[], unused = 0): Buffer {
  const parts = pairs.flatMap(([key, value]) => [
    zipmapLength(key.length),
    Buffer.from(key, 'latin1'),
    zipmapLength(value.length),
    Buffer.from([unused]),
    Buffer.from(value, 'latin1'),
    Buffer.alloc(unused, 0x55),
  ]);
  const count = Buffer.from([Math.min(pairs.length, 254)]);
  return Buffer.concat([count, ...parts, Buffer.from([0xff])]);
}

function zipmapLength(bytes: number): Buffer {
  if (bytes < 254) return Buffer.from([bytes]);
  const length = Buffer.alloc(5, 0xfe);
  length.writeUInt32LE(bytes, 1);
  return length;
}

export function intset(bytes: 2 | 4 | 8, values: readonly bigint[]): Buffer {
  const set = Buffer.alloc(8 + bytes * values.length);
  set.writeUInt32LE(bytes, 0);
  set.writeUInt32LE(values.length, 4);
  for (const [index, value] of values.entries()) {
    const at = 8 + index * bytes;
    if (bytes === 8) set.writeBigInt64LE(value, at);
    else set.writeIntLE(Number(value), at, bytes);
  }
  return set;
}

/** A string as RDB has it, without compression. */
export function rdbString(bytes: Buffer): Buffer {
  return Buffer.concat([rdbLength(bytes.length), bytes]);
}

export function rdbLength(length: number): Buffer {
  if (length < 64) return Buffer.from([length]);
  const header = Buffer.alloc(5, 0x80);
  header.writeUInt32BE(length, 1);
  return header;
}
