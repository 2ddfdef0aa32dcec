/**
 * Decoder of RESP2 and RESP3 replies, for tests and tools.
 *
 * Strict where a client library is lenient: a lone CR or LF, a length with a sign or a leading
 * zero, or an unknown type is an error, so that tests see what the writer really wrote. Aggregates
 * are kept on a stack of our own, not the caller's: depth is limited, not fatal. Nothing is
 * reserved for what a length promises. Streamed strings and aggregates, which no server sends, are
 * refused.
 */
import { latin1 } from './bytes.js';
import { parseBigInt64, parseInt64 } from './numbers.js';

/** What `next` throws on bytes that are no reply; the parser is of no use afterwards. */
export class ReplyProtocolError extends Error {
  readonly code = 'ERR_REPLY_PROTOCOL';
}

/** An error reply. No `Error`: it is a value here, and a stack costs more than parsing. */
export class ReplyError {
  /** With its code, as in `ERR syntax error`. */
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

/** Apart from integers, so that `,1` and `:1` differ. */
export class ReplyDouble {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

export class ReplyVerbatim {
  readonly format: string;
  readonly text: Buffer;

  constructor(format: string, text: Buffer) {
    this.format = format;
    this.text = text;
  }
}

export class ReplyBigNumber {
  readonly value: bigint;

  constructor(value: bigint) {
    this.value = value;
  }
}

export class ReplyMap {
  readonly pairs: [Reply, Reply][] = [];
}

export class ReplySet {
  readonly items: Reply[] = [];
}

export class ReplyPush {
  readonly items: Reply[] = [];
}

/** A reply that an attribute came before. */
export class ReplyAttributed {
  readonly attributes: ReplyMap;
  readonly value: Reply;

  constructor(attributes: ReplyMap, value: Reply) {
    this.attributes = attributes;
    this.value = value;
  }
}

/**
 * Simple strings are `string` (one character per byte), bulks `Buffer`, integers `number` or,
 * where that is not exact, `bigint`, all nulls `null`, arrays `Reply[]`.
 */
export type Reply =
  | string
  | Buffer
  | number
  | bigint
  | boolean
  | null
  | Reply[]
  | ReplyError
  | ReplyDouble
  | ReplyVerbatim
  | ReplyBigNumber
  | ReplyMap
  | ReplySet
  | ReplyPush
  | ReplyAttributed;

export interface ReplyParserOptions {
  /** Aggregates inside aggregates. Default 64. */
  depthMax?: number;
  /** Bytes of one bulk. Default 512 MiB. */
  bulkBytesMax?: number;
  /** Elements of one aggregate. Default 2^31 - 1. */
  elementsMax?: number;
  /** Bytes of a line: a simple string, an error, a length. Default 1 MiB. */
  lineBytesMax?: number;
}

/** An aggregate that is not complete. */
interface Frame {
  readonly type: number;
  /** Elements to come; of a map keys and values. */
  left: number;
  readonly items: Reply[];
  /** The attributes that the one element to come shall carry. */
  readonly attributes: ReplyMap | undefined;
}

/** The reply is not there as a whole. Not a Reply: those include null and false. */
const MORE = Symbol('more');
/** An aggregate was opened: its elements follow. */
const OPENED = Symbol('opened');

const EMPTY = Buffer.alloc(0);
const CR = 13;
const LF = 10;
const code = (character: string): number => character.charCodeAt(0);
const SIMPLE = code('+');
const ERROR = code('-');
const INTEGER = code(':');
const BULK = code('$');
const ARRAY = code('*');
const NULL = code('_');
const BOOLEAN = code('#');
const DOUBLE = code(',');
const BIG_NUMBER = code('(');
const BULK_ERROR = code('!');
const VERBATIM = code('=');
const MAP = code('%');
const SET = code('~');
const PUSH = code('>');
const ATTRIBUTE = code('|');
/** A frame that waits for the reply behind an attribute. */
const ATTRIBUTED = 0;

export class ReplyParser {
  readonly #depthMax: number;
  readonly #bulkBytesMax: number;
  readonly #elementsMax: number;
  readonly #lineBytesMax: number;
  #buf: Buffer = EMPTY;
  #at = 0;
  #end = 0;
  /** Nothing up to here ends the line at #at. */
  #scanned = 0;
  #stack: Frame[] = [];
  /** Type and length of the bulk whose body is awaited; -1 if none is. */
  #bulkType = 0;
  #bulkBytes = -1;
  #failed: ReplyProtocolError | undefined = undefined;

  constructor(options: ReplyParserOptions = {}) {
    this.#depthMax = options.depthMax ?? 64;
    this.#bulkBytesMax = options.bulkBytesMax ?? 512 * 1024 * 1024;
    this.#elementsMax = options.elementsMax ?? 0x7fff_ffff;
    this.#lineBytesMax = options.lineBytesMax ?? 1024 * 1024;
  }

  /** Bytes that were fed and are not yet part of a value. */
  get bufferedBytes(): number {
    return this.#end - this.#at;
  }

  /** Adds a copy of the bytes. */
  feed(bytes: Uint8Array): void {
    const unread = this.#end - this.#at;
    if (this.#buf.length - this.#end < bytes.length) {
      const fits = this.#buf.length - unread >= bytes.length && this.#at >= unread;
      const capacity = Math.max(256, unread * 2, unread + bytes.length);
      const target = fits ? this.#buf : Buffer.allocUnsafe(capacity);
      this.#buf.copy(target, 0, this.#at, this.#end);
      this.#buf = target;
      this.#scanned -= this.#at;
      this.#at = 0;
      this.#end = unread;
    }
    this.#buf.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /** The next whole reply, or undefined when more bytes are needed. Throws ReplyProtocolError. */
  next(): Reply | undefined {
    if (this.#failed !== undefined) throw this.#failed;
    for (;;) {
      const item = this.#bulkBytes >= 0 ? this.#readBody() : this.#readItem();
      if (item === MORE) return undefined;
      if (item === OPENED) continue;
      const whole = this.#deliver(item);
      if (whole !== OPENED) return whole;
    }
  }

  /** All whole replies there are. */
  all(): Reply[] {
    const replies: Reply[] = [];
    for (let reply = this.next(); reply !== undefined; reply = this.next()) replies.push(reply);
    return replies;
  }

  /** Puts a value into the aggregates that wait for it; OPENED while the outermost waits. */
  #deliver(item: Reply): Reply | typeof OPENED {
    let value = item;
    for (;;) {
      const frame = this.#stack.at(-1);
      if (frame === undefined) return value;
      frame.items.push(value);
      if (--frame.left > 0) return OPENED;
      this.#stack.pop();
      const closed = this.#close(frame);
      if (closed === OPENED) return OPENED;
      value = closed;
    }
  }

  /** A frame is complete: its value. Attributes become a frame that waits for their reply. */
  #close(frame: Frame): Reply | typeof OPENED {
    if (frame.attributes !== undefined) {
      return new ReplyAttributed(frame.attributes, frame.items[0]!);
    }
    if (frame.type === ARRAY) return frame.items;
    if (frame.type === SET || frame.type === PUSH) {
      const list = frame.type === SET ? new ReplySet() : new ReplyPush();
      for (const item of frame.items) list.items.push(item);
      return list;
    }
    const map = new ReplyMap();
    for (let i = 0; i < frame.items.length; i += 2) {
      map.pairs.push([frame.items[i]!, frame.items[i + 1]!]);
    }
    if (frame.type === MAP) return map;
    this.#stack.push({ type: ATTRIBUTED, left: 1, items: [], attributes: map });
    return OPENED;
  }

  #readItem(): Reply | typeof MORE | typeof OPENED {
    const lineEnd = this.#lineEnd();
    if (lineEnd < 0) return MORE;
    const type = this.#buf[this.#at]!;
    const from = this.#at + 1;
    this.#at = this.#scanned = lineEnd + 2;
    switch (type) {
      case SIMPLE:
        return latin1(this.#buf, from, lineEnd);
      case ERROR:
        return new ReplyError(latin1(this.#buf, from, lineEnd));
      case INTEGER:
        return this.#integer(from, lineEnd);
      case BULK:
      case BULK_ERROR:
      case VERBATIM:
        return this.#openBulk(type, from, lineEnd);
      case ARRAY:
      case MAP:
      case SET:
      case PUSH:
      case ATTRIBUTE:
        return this.#openAggregate(type, from, lineEnd);
      default:
        return this.#scalar(type, latin1(this.#buf, from, lineEnd));
    }
  }

  /** Where the CR of the line at #at is; -1 if it has not come. */
  #lineEnd(): number {
    const buf = this.#buf;
    let at = this.#scanned;
    while (at < this.#end && buf[at] !== CR && buf[at] !== LF) at++;
    this.#scanned = at;
    if (at - this.#at > this.#lineBytesMax) this.#fail('a line is too long');
    if (at < this.#end && buf[at] === LF) this.#fail('a line feed inside a line');
    if (at + 1 >= this.#end) return -1;
    if (buf[at + 1] !== LF) this.#fail('a carriage return inside a line');
    if (at === this.#at) this.#fail('an empty line');
    return at;
  }

  #integer(from: number, to: number): number | bigint {
    const value = parseInt64(this.#buf, from, to);
    if (Number.isSafeInteger(value)) return value;
    const exact = parseBigInt64(this.#buf, from, to);
    return exact ?? this.#fail('not an integer');
  }

  #scalar(type: number, text: string): Reply {
    if (type === NULL && text === '') return null;
    if (type === BOOLEAN && (text === 't' || text === 'f')) return text === 't';
    if (type === BIG_NUMBER && /^-?\d+$/.test(text)) return new ReplyBigNumber(BigInt(text));
    if (type === DOUBLE) {
      if (text === 'inf' || text === '-inf') {
        return new ReplyDouble(text === 'inf' ? Infinity : -Infinity);
      }
      if (text === 'nan') return new ReplyDouble(NaN);
      if (/^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text)) return new ReplyDouble(Number(text));
    }
    return this.#fail(`type byte ${type} with ${JSON.stringify(text.slice(0, 32))}`);
  }

  /** A length of a bulk or an aggregate; -1 for RESP2's nulls. */
  #length(type: number, from: number, to: number, max: number): number {
    const value = parseInt64(this.#buf, from, to);
    const nullable = type === BULK || type === ARRAY;
    if (value === -1 && nullable) return -1;
    return value >= 0 && value <= max ? value : this.#fail('not a length');
  }

  #openBulk(type: number, from: number, to: number): Reply | typeof MORE {
    const bytes = this.#length(type, from, to, this.#bulkBytesMax);
    if (bytes === -1) return null;
    this.#bulkType = type;
    this.#bulkBytes = bytes;
    return this.#readBody();
  }

  #readBody(): Reply | typeof MORE {
    const from = this.#at;
    const to = from + this.#bulkBytes;
    if (to + 2 > this.#end) return MORE;
    if (this.#buf[to] !== CR || this.#buf[to + 1] !== LF) this.#fail('a bulk without its end');
    this.#at = this.#scanned = to + 2;
    this.#bulkBytes = -1;
    const type = this.#bulkType;
    if (type === BULK_ERROR) return new ReplyError(latin1(this.#buf, from, to));
    if (type === BULK) return Buffer.from(this.#buf.subarray(from, to));
    if (to - from < 4 || this.#buf[from + 3] !== INTEGER) this.#fail('a verbatim without format');
    const format = latin1(this.#buf, from, from + 3);
    return new ReplyVerbatim(format, Buffer.from(this.#buf.subarray(from + 4, to)));
  }

  #openAggregate(type: number, from: number, to: number): Reply | typeof OPENED {
    const count = this.#length(type, from, to, this.#elementsMax);
    if (count === -1) return null;
    if (this.#stack.length >= this.#depthMax) this.#fail('aggregates too deep');
    const pairs = type === MAP || type === ATTRIBUTE;
    const left = pairs ? count * 2 : count;
    const frame = { type, left, items: [], attributes: undefined };
    if (left === 0) return this.#close(frame);
    this.#stack.push(frame);
    return OPENED;
  }

  #fail(what: string): never {
    this.#failed = new ReplyProtocolError(`not a reply: ${what}`);
    throw this.#failed;
  }
}
