/**
 * A reply as it stood on the wire, and a parser that cuts replies out of bytes.
 *
 * Nothing is lost: `+OK` and `$2 OK`, a null bulk and a null array, a set and an array stay
 * different, because tests compare replies with a real server's down to their types. That, and
 * independence from the code under test, is why tests do not use the product's own parser.
 */

import { createHash } from 'node:crypto';

export interface Reply {
  /** The first byte on the wire: + - : $ * _ # , ( = ! ~ % > | */
  readonly mark: string;
  /** What a scalar holds; null for nulls and for collections. */
  readonly bytes: Buffer | null;
  /** What a collection holds (a map's keys and values in turn); null for scalars and nulls. */
  readonly items: Reply[] | null;
}

/** What a reply means, for assertions that do not care for its type on the wire. */
export type Plain = string | number | null | Error | Plain[];

/** Replies nest in practice four deep; more means that the stream is out of step. */
const depthMax = 64;

/** Longer strings are shown by their start and hash. */
const shownBytesMax = 1024;
const carriageReturn = 0x0d;
const collections = '*~%>|';
const blobs = '$=!';
const lines = '+-:_#,(';

/** A collection that has not come whole. */
interface Open {
  readonly mark: string;
  readonly items: Reply[];
  readonly itemCount: number;
}

export class ReplyParser {
  /** #buffer[#position, ...) and the chunks are not part of any reply or item yet. */
  #buffer: Buffer = Buffer.alloc(0);
  #position = 0;
  #chunks: Buffer[] = [];
  #heldBytes = 0;
  /** Nothing can be cut before this many bytes are held: spares joining chunks in vain. */
  #neededBytes = 1;
  readonly #open: Open[] = [];

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#heldBytes += chunk.length;
  }

  /** The next whole reply, or null as long as it has not come whole. Throws on what is no reply. */
  next(): Reply | null {
    if (this.#heldBytes < this.#neededBytes) return null;
    if (this.#chunks.length > 0) {
      this.#buffer = Buffer.concat([this.#buffer.subarray(this.#position), ...this.#chunks]);
      this.#position = 0;
      this.#chunks = [];
    }
    this.#neededBytes = 1;
    let whole: Reply | null = null;
    while (whole === null) {
      const from = this.#position;
      const item = this.#item();
      if (item === null) {
        this.#position = from;
        break;
      }
      if (item !== 'opened') whole = this.#put(item);
    }
    this.#heldBytes = this.#buffer.length - this.#position;
    return whole;
  }

  /** Puts an item where it belongs; the outermost collection if it is whole then, else null. */
  #put(item: Reply): Reply | null {
    let reply = item;
    for (let open = this.#open.at(-1); open !== undefined; open = this.#open.at(-1)) {
      open.items.push(reply);
      if (open.items.length < open.itemCount) return null;
      this.#open.pop();
      reply = { mark: open.mark, bytes: null, items: open.items };
    }
    return reply;
  }

  /** The next item, or null: it has not come whole. */
  #item(): Reply | 'opened' | null {
    const line = this.#line();
    if (line === null) return null;
    const mark = String.fromCharCode(line[0] ?? 0);
    const rest = line.subarray(1);
    if (lines.includes(mark)) return { mark, bytes: Buffer.from(rest), items: null };
    const size = Number(rest.toString('latin1'));
    if (!Number.isInteger(size) || size < -1) throw notAReply(line);
    if (blobs.includes(mark)) return this.#blob(mark, size, line.length);
    if (!collections.includes(mark)) throw notAReply(line);
    if (size <= 0) return { mark, bytes: null, items: size < 0 ? null : [] };
    if (this.#open.length >= depthMax) throw new Error('reply nests too deep');
    this.#open.push({ mark, items: [], itemCount: mark === '%' || mark === '|' ? size * 2 : size });
    return 'opened';
  }

  #blob(mark: string, size: number, lineBytes: number): Reply | null {
    if (size < 0) return { mark, bytes: null, items: null };
    const end = this.#position + size;
    if (this.#buffer.length < end + 2) {
      this.#neededBytes = lineBytes + size + 4;
      return null;
    }
    const bytes = Buffer.from(this.#buffer.subarray(this.#position, end));
    if (this.#buffer[end] !== carriageReturn) throw notAReply(bytes);
    this.#position = end + 2;
    return { mark, bytes, items: null };
  }

  #line(): Buffer | null {
    const end = this.#buffer.indexOf('\r\n', this.#position, 'latin1');
    if (end < 0) {
      this.#neededBytes = this.#buffer.length - this.#position + 1;
      return null;
    }
    const line = this.#buffer.subarray(this.#position, end);
    this.#position = end + 2;
    return line;
  }
}

function notAReply(bytes: Buffer): Error {
  return new Error(`not a reply: ${quote(bytes.subarray(0, 80))}`);
}

/** A reply on one line, for people: `*2 [$"a" :1]`. Equal text means equal replies. */
export function show(reply: Reply): string {
  if (reply.items !== null) return `${reply.mark}[${reply.items.map(show).join(' ')}]`;
  if (reply.bytes === null) return `${reply.mark}nil`;
  if (reply.bytes.length > shownBytesMax) return `${reply.mark}${digest(reply.bytes)}`;
  return `${reply.mark}${quote(reply.bytes)}`;
}

/** Start, length and hash of what is too long to read. */
function digest(bytes: Buffer): string {
  const hash = createHash('sha1').update(bytes).digest('hex').slice(0, 12);
  return `${quote(bytes.subarray(0, 40))}...(${bytes.length} bytes, sha1 ${hash})`;
}

export function quote(bytes: Buffer): string {
  return JSON.stringify(bytes.toString('latin1')).replace(
    /[\u007f-\u00ff]/g,
    (c) => `\\x${c.charCodeAt(0).toString(16)}`,
  );
}

export function plain(reply: Reply): Plain {
  if (reply.items !== null) return reply.items.map(plain);
  if (reply.bytes === null || reply.mark === '_') return null;
  const text = reply.bytes.toString('latin1');
  if (reply.mark === ':' || reply.mark === ',') return Number(text);
  return reply.mark === '-' || reply.mark === '!' ? new Error(text) : text;
}
