/**
 * Requests of one connection, found in what arrives.
 *
 *   *2 CR LF  $3 CR LF  GET CR LF  $3 CR LF  key CR LF       arguments with their lengths
 *   GET key LF                                               or inline, see inline.ts
 *
 * The fast path takes requests that lie whole in the chunk that was fed and only notes offsets.
 * Whatever is out of the ordinary takes the slow path: it holds the arguments of a request that
 * arrives in pieces, one behind the other, in a buffer of its own, remembers where it stopped, and
 * never looks at a byte again; so a request costs time linear in its bytes, however it is cut.
 *
 *   own   | SET | key | first part of the val|        |      and the offsets, in #partial
 *                                            ^ #ownBytes (an unfinished header line follows it)
 *
 * Nothing is reserved for what a header merely promises: buffers grow with what has arrived, at
 * most sixteenfold, and end at the exact size if the last argument is the big one. An idle connection holds none.
 *
 * The details are those of Redis 7: errors, their order, bytes that it never looks at (the LF of a
 * header, the CR LF behind an argument), the line that never ends because it has a NUL.
 */
import assert from 'node:assert';
import { Args } from './args.js';
import { latin1 } from './bytes.js';
import { splitInline } from './inline.js';
import { parseInt64 } from './numbers.js';

/** `next` filled the arguments of one whole request. */
export const REQUEST = 0;
/** `next` has used up what was fed; what is needed of it is kept. */
export const NEED_MORE = 1;
/** The stream cannot be followed any further: reply `error` unless it is empty, then close. */
export const PROTOCOL_ERROR = 2;

/** Limits of a request; one object may be shared by all connections and change at run time. */
export interface RequestLimits {
  /** `proto-max-bulk-len`. */
  bulkBytesMax: number;
  argumentsMax: number;
  /** An inline command, and the line of a header. */
  inlineBytesMax: number;
  /** `client-query-buffer-limit`: beyond it the connection is closed without a reply. */
  queryBufferBytesMax: number;
}

export const requestLimitsDefault: Readonly<RequestLimits> = {
  bulkBytesMax: 512 * 1024 * 1024,
  argumentsMax: 0x7fff_ffff,
  inlineBytesMax: 64 * 1024,
  queryBufferBytesMax: 1024 * 1024 * 1024,
};

/** What a client may send before it has authenticated, as in Redis. */
const ANONYMOUS_ARGUMENTS_MAX = 10;
const ANONYMOUS_BULK_BYTES_MAX = 16 * 1024;
const ANONYMOUS_QUERY_BUFFER_BYTES_MAX = 1024 * 1024;

/** Offsets are 32-bit: no request is larger, whatever is configured. */
const OFFSET_MAX = 0x7fff_0000;
/** The shortest argument: $0 CR LF CR LF. */
const ARGUMENT_BYTES_MIN = 6;
/** Digits that the fast path reads; more take the slow one. */
const FAST_DIGITS_MAX = 9;
/** Offset arrays up to here stay with the arguments object for the next request. */
const ARGUMENTS_KEPT_MAX = 4096;
const OWN_BYTES_MIN = 256;
/** Once this part of what is promised has come, the rest is reserved (not touched: no memory yet). */
const END_FACTOR = 16;

const EMPTY = Buffer.alloc(0);

const CR = 13;
const LF = 10;
const ZERO = 48;
const STAR = 42;
const DOLLAR = 36;

export class RequestReader {
  /**
   * False until the client has proved who it is, where that is asked: smaller limits hold then.
   * The server sets it at once where no password is needed.
   */
  authenticated = false;
  /** After PROTOCOL_ERROR: the error reply without `-` and CR LF; empty: close without a reply. */
  error = '';
  /** Bytes that were looked at more than once or moved, so far: linear in what was fed. */
  workBytes = 0;

  readonly #limits: Readonly<RequestLimits>;
  /** What was fed: #chunk[#at, #end) is unread. */
  #chunk: Buffer = EMPTY;
  #at = 0;
  #end = 0;
  /** True if #chunk is a copy made by `keep`. */
  #kept = false;
  #failed = false;

  /** The request that arrives in pieces: undefined while there is none. */
  #partial: Args | undefined = undefined;
  #own: Buffer = EMPTY;
  /** Bytes of arguments in #own. */
  #ownBytes = 0;
  /** Bytes of an unfinished line, behind them. */
  #lineBytes = 0;
  /** The line in #own is whole but for the byte behind its CR. */
  #lineEnded = false;
  /** The line holds a NUL before its end: Redis never finds that end. */
  #lineEndless = false;
  /** Arguments still to come; 0 before the count is known. */
  #argumentsLeft = 0;
  /** Bytes of the argument to come; -1 before its header. */
  #bulkBytes = -1;
  /** Bytes of it, and of its CR LF, that have come. */
  #bulkBytesRead = 0;
  /** The line found by #findLine. */
  #line: Buffer = EMPTY;
  #lineFrom = 0;
  #lineTo = 0;

  constructor(limits: Readonly<RequestLimits>) {
    this.#limits = limits;
  }

  /** Memory held between two feeds. */
  get bufferedBytes(): number {
    const offsets = this.#partial === undefined ? 0 : this.#partial.starts.length * 8;
    return (this.#kept ? this.#chunk.length : 0) + this.#own.length + offsets;
  }

  /** Bytes of what was fed that `next` has not come to. */
  get unreadBytes(): number {
    return this.#end - this.#at;
  }

  /** Attaches buf[from, to), which stays the caller's; valid until `keep` or NEED_MORE. */
  feed(buf: Buffer, from: number, to: number): void {
    if (this.#at < this.#end) {
      this.#append(buf, from, to);
      return;
    }
    this.#chunk = buf;
    this.#at = from;
    this.#end = to;
    this.#kept = false;
  }

  /** The next request: REQUEST, NEED_MORE or PROTOCOL_ERROR. */
  next(args: Args): number {
    if (this.#failed) return PROTOCOL_ERROR;
    if (args.starts.length > ARGUMENTS_KEPT_MAX) {
      args.starts = new Int32Array(16);
      args.ends = new Int32Array(16);
    }
    if (this.#partial === undefined && this.#parse(args)) return REQUEST;
    const result = this.#resume(args);
    if (result !== REQUEST) {
      // All of the chunk is used up, and the arguments must not keep a big buffer alive.
      args.buf = EMPTY;
      args.count = 0;
      this.#chunk = EMPTY;
      this.#at = this.#end = 0;
      this.#kept = false;
    }
    return result;
  }

  /** Copies what is unread; to be called before the chunk that was fed is reused. */
  keep(): void {
    if (this.#kept) return;
    const unread = this.#end - this.#at;
    const chunk = this.#chunk;
    this.#chunk = EMPTY;
    if (unread > 0) {
      this.#chunk = Buffer.allocUnsafe(unread);
      chunk.copy(this.#chunk, 0, this.#at, this.#end);
      this.#kept = true;
      this.workBytes += unread;
    }
    this.#at = 0;
    this.#end = unread;
  }

  /** The fast path: true if a whole, ordinary request begins at #at. */
  #parse(args: Args): boolean {
    const buf = this.#chunk;
    const end = this.#end;
    let at = this.#at;
    if (at + 3 >= end || buf[at] !== STAR) return false;

    let first = ++at;
    let digit = buf[at]! - ZERO;
    let count = 0;
    while (digit >= 0 && digit <= 9 && at < end) {
      count = count * 10 + digit;
      digit = buf[++at]! - ZERO;
    }
    if (buf[at] !== CR || at + 1 >= end || !isPlain(buf, first, at)) return false;
    if (count * ARGUMENT_BYTES_MIN > end - at || count > this.#argumentsMax()) return false;
    if (count === 0) return false;
    at += 2;

    if (count > args.starts.length) args.reserve(count);
    const { starts, ends } = args;
    const bulkBytesMax = this.#bulkBytesMax();
    for (let i = 0; i < count; i++) {
      if (at + 3 >= end || buf[at] !== DOLLAR) return this.#leave(at);
      first = ++at;
      digit = buf[at]! - ZERO;
      let bytes = 0;
      while (digit >= 0 && digit <= 9 && at < end) {
        bytes = bytes * 10 + digit;
        digit = buf[++at]! - ZERO;
      }
      if (buf[at] !== CR || !isPlain(buf, first, at)) return this.#leave(at);
      at += 2;
      if (at + bytes + 2 > end || bytes > bulkBytesMax) return this.#leave(at);
      starts[i] = at;
      at += bytes;
      ends[i] = at;
      at += 2;
    }
    args.buf = buf;
    args.count = count;
    this.#at = at;
    return true;
  }

  /** The fast path gives up: the slow one begins the request again. */
  #leave(at: number): false {
    this.workBytes += at - this.#at;
    return false;
  }

  /** The slow path: goes on where it stopped. */
  #resume(args: Args): number {
    for (;;) {
      if (this.#bulkBytes >= 0) {
        if (!this.#readBulk()) return this.#failed ? PROTOCOL_ERROR : NEED_MORE;
        if (this.#argumentsLeft > 0) continue;
        this.#finish(args);
        return REQUEST;
      }
      if (!this.#findLine()) return this.#failed ? PROTOCOL_ERROR : NEED_MORE;
      if (this.#argumentsLeft > 0) {
        this.#readBulkHeader();
      } else if (this.#line[this.#lineFrom] === STAR && this.#lineFrom < this.#lineTo) {
        this.#readCount();
      } else if (!splitInline(this.#line, this.#lineFrom, this.#lineTo, args)) {
        this.#fail('unbalanced quotes in request');
      } else {
        this.#reset();
        if (args.count > 0) return REQUEST;
      }
      if (this.#failed) return PROTOCOL_ERROR;
      // A count of nothing was skipped: what follows may be ordinary.
      if (this.#partial === undefined && this.#parse(args)) return REQUEST;
    }
  }

  /** Finds the end of the line that begins at #at or goes on there; false if it is not there. */
  #findLine(): boolean {
    if (this.#at === this.#end) return false;
    if (this.#lineEnded) {
      this.#at++;
      this.#takeOwnLine();
      return true;
    }
    const buf = this.#chunk;
    const held = this.#lineBytes;
    const first = held > 0 ? this.#own[this.#ownBytes] : buf[this.#at];
    const inline = this.#argumentsLeft === 0 && first !== STAR;
    const last = inline ? LF : CR;
    const lineMax = this.#limits.inlineBytesMax;
    const stop = Math.min(this.#end, this.#at + lineMax + 1 - held);
    let at = this.#at;
    if (this.#lineEndless) at = stop;
    while (at < stop && buf[at] !== last) {
      if (buf[at] === 0) {
        this.#lineEndless = true;
        at = stop;
      } else {
        at++;
      }
    }

    this.workBytes += at - this.#at;
    const found = at < stop;
    if (!found || (!inline && at + 1 === this.#end)) {
      if (!this.#hold(at)) return false;
      this.#lineEnded = found;
      this.#at = found ? at + 1 : at;
      if (this.#lineBytes > lineMax) this.#failLine(inline);
      return false;
    }
    if (held > 0) {
      if (!this.#hold(at)) return false;
      this.#takeOwnLine();
    } else {
      this.#line = buf;
      this.#lineFrom = this.#at;
      this.#lineTo = at;
    }
    this.#at = inline ? at + 1 : at + 2;
    return true;
  }

  /** Adds #chunk[#at, to) to the unfinished line; false if that is too much. */
  #hold(to: number): boolean {
    const held = this.#ownBytes + this.#lineBytes;
    const bytes = to - this.#at;
    if (!this.#grow(held + bytes, 0, false)) return false;
    this.#partial ??= new Args();
    this.#chunk.copy(this.#own, held, this.#at, to);
    this.#lineBytes += bytes;
    return true;
  }

  #takeOwnLine(): void {
    this.#line = this.#own;
    this.#lineFrom = this.#ownBytes;
    this.#lineTo = this.#ownBytes + this.#lineBytes;
    this.#lineBytes = 0;
    this.#lineEnded = false;
  }

  /** The line is *count. */
  #readCount(): void {
    const count = parseInt64(this.#line, this.#lineFrom + 1, this.#lineTo);
    if (!(count <= this.#limits.argumentsMax)) {
      this.#fail('invalid multibulk length');
    } else if (!this.authenticated && count > ANONYMOUS_ARGUMENTS_MAX) {
      this.#fail('unauthenticated multibulk length');
    } else if (count <= 0) {
      this.#reset();
    } else {
      this.#partial ??= new Args();
      this.#argumentsLeft = count;
    }
  }

  /** The line should be $bytes. */
  #readBulkHeader(): void {
    const line = this.#line;
    const from = this.#lineFrom;
    if (from === this.#lineTo || line[from] !== DOLLAR) {
      const got = from === this.#lineTo ? ' ' : latin1(line, from, from + 1);
      this.#fail(`expected '$', got '${got === '\n' ? ' ' : got}'`);
      return;
    }
    const bytes = parseInt64(line, from + 1, this.#lineTo);
    if (!(bytes >= 0 && bytes <= this.#limits.bulkBytesMax)) {
      this.#fail('invalid bulk length');
    } else if (!this.authenticated && bytes > ANONYMOUS_BULK_BYTES_MAX) {
      this.#fail('unauthenticated bulk length');
    } else {
      this.#bulkBytes = bytes;
      this.#bulkBytesRead = 0;
    }
  }

  /** Takes what there is of an argument and its CR LF; true if it is whole. */
  #readBulk(): boolean {
    const wanted = this.#bulkBytes - this.#bulkBytesRead;
    const there = this.#end - this.#at;
    const bytes = Math.min(there, Math.max(0, wanted));
    if (bytes > 0) {
      const end = this.#ownBytes + wanted;
      if (!this.#grow(this.#ownBytes + bytes, end, this.#argumentsLeft === 1)) return false;
      this.#chunk.copy(this.#own, this.#ownBytes, this.#at, this.#at + bytes);
      this.#ownBytes += bytes;
      this.workBytes += bytes;
    }
    const read = Math.min(there, wanted + 2);
    this.#at += read;
    this.#bulkBytesRead += read;
    if (this.#bulkBytesRead < this.#bulkBytes + 2) return false;

    const args = this.#partial!;
    if (args.count === args.starts.length) {
      this.workBytes += args.count * 8;
      args.reserve(args.count + 1);
    }
    args.starts[args.count] = this.#ownBytes - this.#bulkBytes;
    args.ends[args.count] = this.#ownBytes;
    args.count++;
    this.#argumentsLeft--;
    this.#bulkBytes = -1;
    return true;
  }

  /**
   * Makes #own at least `bytes` long. `end` is where the argument that comes will end, the request
   * too if it is the last one; 0 for a line. Doubling to the end instead would copy half of a big
   * argument in one turn, and leave the buffer up to twice as large as it must be.
   */
  #grow(bytes: number, end: number, isLast: boolean): boolean {
    const offsets = this.#partial === undefined ? 0 : this.#partial.count * 8;
    const bytesMax = this.#queryBufferBytesMax();
    if (bytes + offsets > bytesMax) {
      this.#failed = true;
      this.#reset();
      return false;
    }
    if (bytes <= this.#own.length) return true;
    const doubled = Math.max(bytes, OWN_BYTES_MIN, this.#own.length * 2);
    let capacity = Math.min(end, doubled);
    if (bytes * END_FACTOR >= end) capacity = isLast ? end : Math.max(end, doubled);
    const grown = allocate(Math.min(capacity, bytesMax)) ?? allocate(bytes);
    if (grown === undefined) {
      this.#failed = true;
      this.#reset();
      return false;
    }
    const held = this.#ownBytes + this.#lineBytes;
    this.#own.copy(grown, 0, 0, held);
    this.workBytes += held;
    this.#own = grown;
    return true;
  }

  /** Hands the request over, buffer and offsets, without copying. */
  #finish(args: Args): void {
    const partial = this.#partial!;
    args.buf = this.#own;
    args.starts = partial.starts;
    args.ends = partial.ends;
    args.count = partial.count;
    this.#reset();
  }

  #reset(): void {
    this.#partial = undefined;
    this.#own = EMPTY;
    this.#line = EMPTY;
    this.#ownBytes = 0;
    this.#lineBytes = 0;
    this.#lineEnded = false;
    this.#lineEndless = false;
    this.#argumentsLeft = 0;
    this.#bulkBytes = -1;
  }

  #failLine(inline: boolean): void {
    if (inline) this.#fail('too big inline request');
    else if (this.#argumentsLeft === 0) this.#fail('too big mbulk count string');
    else this.#fail('too big bulk count string');
  }

  #fail(what: string): void {
    this.error = `ERR Protocol error: ${what}`;
    this.#failed = true;
    this.#reset();
  }

  /** More arrived while the caller had stopped: adds it to the copy of what is unread. */
  #append(buf: Buffer, from: number, to: number): void {
    assert(this.#kept, 'what was fed before was neither read nor kept');
    const unread = this.#end - this.#at;
    const bytes = to - from;
    if (unread + bytes > this.#queryBufferBytesMax()) {
      this.#failed = true;
      return;
    }
    if (this.#chunk.length - this.#end < bytes) {
      const grown = Buffer.allocUnsafe(unread * 2 + bytes);
      this.#chunk.copy(grown, 0, this.#at, this.#end);
      this.#chunk = grown;
      this.#at = 0;
      this.#end = unread;
      this.workBytes += unread;
    }
    buf.copy(this.#chunk, this.#end, from, to);
    this.#end += bytes;
    this.workBytes += bytes;
  }

  #argumentsMax(): number {
    const max = this.#limits.argumentsMax;
    return this.authenticated ? max : Math.min(max, ANONYMOUS_ARGUMENTS_MAX);
  }

  #bulkBytesMax(): number {
    const max = this.#limits.bulkBytesMax;
    return this.authenticated ? max : Math.min(max, ANONYMOUS_BULK_BYTES_MAX);
  }

  #queryBufferBytesMax(): number {
    const max = Math.min(this.#limits.queryBufferBytesMax, OFFSET_MAX);
    return this.authenticated ? max : Math.min(max, ANONYMOUS_QUERY_BUFFER_BYTES_MAX);
  }
}

/** An uninitialised buffer; undefined if the system has no memory for it. */
function allocate(bytes: number): Buffer | undefined {
  try {
    return Buffer.allocUnsafe(bytes);
  } catch {
    return undefined;
  }
}

/** True if buf[from, to) is one to nine digits without a leading zero, or a single zero. */
function isPlain(buf: Buffer, from: number, to: number): boolean {
  const digits = to - from;
  return digits > 0 && digits <= FAST_DIGITS_MAX && (digits === 1 || buf[from] !== ZERO);
}
