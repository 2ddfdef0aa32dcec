/** Replies as bytes: what members answer is passed on, cut and joined without being understood. */

const CR = 13;
const code = (character: string): number => character.charCodeAt(0);
const MINUS = code('-');
const DOLLAR = code('$');
const BANG = code('!');
const EQUALS = code('=');
const STAR = code('*');
const TILDE = code('~');
const GREATER = code('>');
const PERCENT = code('%');
const BAR = code('|');
const UNDERSCORE = code('_');

export const OK = Buffer.from('+OK\r\n');

export function isError(reply: Buffer): boolean {
  return reply[0] === MINUS;
}

/** A null, in RESP2 or RESP3. */
export function isNull(reply: Buffer): boolean {
  return reply[0] === UNDERSCORE || (reply[0] === DOLLAR && reply[1] === MINUS);
}

export function errorReply(text: string): Buffer {
  return Buffer.from(`-${text.replace(/[\r\n]/g, ' ')}\r\n`, 'latin1');
}

export function integerReply(n: number): Buffer {
  return Buffer.from(`:${n}\r\n`);
}

/** The number that an integer reply is. */
export function integerOf(reply: Buffer): number {
  return Number(reply.toString('latin1', 1, reply.length - 2));
}

export function nullReply(protocol: 2 | 3, isArray = false): Buffer {
  if (protocol === 3) return Buffer.from('_\r\n');
  return Buffer.from(isArray ? '*-1\r\n' : '$-1\r\n');
}

export function bulkReply(value: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`$${value.length}\r\n`), value, Buffer.from('\r\n')]);
}

export function arrayReply(elements: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.from(`*${elements.length}\r\n`), ...elements]);
}

/** The elements of an array, each as it is on the wire. */
export function elementsOf(reply: Buffer): Buffer[] {
  const bodyAt = lineEnd(reply, 0);
  const count = Math.max(0, lineNumber(reply, 0));
  const elements: Buffer[] = [];
  let at = bodyAt;
  for (let i = 0; i < count; i += 1) {
    const end = valueEnd(reply, at);
    elements.push(reply.subarray(at, end));
    at = end;
  }
  return elements;
}

/** How many elements an array says that it has, and where the first begins. */
export function headOf(reply: Buffer): { count: number; bodyAt: number } {
  return { count: lineNumber(reply, 0), bodyAt: lineEnd(reply, 0) };
}

/** The bytes of a bulk. */
export function bulkOf(reply: Buffer): Buffer {
  return reply.subarray(lineEnd(reply, 0), reply.length - 2);
}

/** Where the value that begins at `at` ends. */
function valueEnd(reply: Buffer, start: number): number {
  let at = start;
  for (let left = 1; left > 0; left -= 1) {
    const type = reply[at]!;
    const end = lineEnd(reply, at);
    if (type === DOLLAR || type === BANG || type === EQUALS) {
      const bytes = lineNumber(reply, at);
      at = bytes < 0 ? end : end + bytes + 2;
      continue;
    }
    if (type === STAR || type === TILDE || type === GREATER) {
      left += Math.max(0, lineNumber(reply, at));
    } else if (type === PERCENT) {
      left += 2 * lineNumber(reply, at);
    } else if (type === BAR) {
      // The value that an attribute is about follows it.
      left += 2 * lineNumber(reply, at) + 1;
    }
    at = end;
  }
  return at;
}

function lineEnd(reply: Buffer, at: number): number {
  return reply.indexOf(CR, at) + 2;
}

function lineNumber(reply: Buffer, at: number): number {
  return Number(reply.toString('latin1', at + 1, reply.indexOf(CR, at)));
}
