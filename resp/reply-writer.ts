/**
 * Replies of one connection, in RESP2 or RESP3, appended to chunks from a shared pool.
 *
 *   full chunks, oldest first            current chunk
 *   +----------------+ +--------------+  +-------------------------+
 *   |################| |############..|  |########..................|
 *   +----------------+ +--------------+  +-------------------------+
 *                        ^ ends[i]               ^ at     ^ buf.length
 *
 * A connection that has nothing to say holds no chunk. Chunks that the link could not send at once
 * stay with it ("in flight") until it has drained; meanwhile nothing but full chunks follow, and
 * no more than `inFlightBytesMax`, so that a client that does not read costs about what it was
 * sent and not a chunk for each turn. How much may be pending is the caller's to decide.
 *
 * Why not strings or an array of Buffers handed to `writev`: a reply is a few bytes, and an object
 * for each costs more than the bytes (measured: one chunk is half as dear).
 *
 * Invariant: `before` is the absolute position of buf[0] in the stream of replies; positions from
 * `mark` and `defer` are such absolute positions and die with the next `flush`.
 */
import assert from 'node:assert';
import { copyBytes, copyWords } from './bytes.js';
import { Chunk, type ChunkPool } from './chunk-pool.js';
import { digitsAt, formatDouble } from './numbers.js';
import {
  putShortBulk,
  putShortHead,
  putShortPair,
  SHORT_BULK_END,
  SHORT_PAIR_BYTES_MAX,
} from './short-bulks.js';

export interface ReplyWriterOptions {
  /** Bytes handed to a link that has not yet said `drained`, at most. Default 1 MiB. */
  inFlightBytesMax?: number;
  /**
   * Bytes pending beyond which writing throws a `ReplyTooLong`; a `rewind` makes it good again.
   * Default: no limit.
   */
  pendingBytesMax?: number;
}

export class ReplyTooLong extends Error {
  readonly code = 'REPLY_TOO_LONG';
}

/** Where replies go: a link. True: sent, the buffer is free. False: kept until `drained`. */
export interface ReplySink {
  write(buf: Buffer, from: number, to: number): boolean;
}

const NOTHING = new Chunk(0);

/** Prefix byte, sign, digits of an int64, CR LF; rounded up. */
const HEADER_BYTES_MAX = 24;
/** Replies up to here are kept in one chunk; longer ones fill the rest of a chunk first. */
const CONTIGUOUS_BYTES_MAX = 4 * 1024;
/** What is left of a reply beyond this gets a buffer of its own, written in one call. */
const OWN_CHUNK_BYTES_MIN = 256 * 1024;
/** Errors quote what the client has sent, however long; V8 ends on too many replacements. */
const ERROR_BYTES_MAX = 64 * 1024;
/** Texts up to here are written by a loop. */
const LOOP_TEXT_MAX = 32;

const CR = 13;
const LF = 10;
/** The two bytes as a little-endian half word. */
const CR_LF = 0x0a0d;
const PLUS = 43;
const COMMA = 44;
const MINUS = 45;
const COLON = 58;
const DOLLAR = 36;
const STAR = 42;
const PERCENT = 37;
const TILDE = 126;
const GREATER = 62;
const BAR = 124;

/** A short reply that never changes, as words, because those are written fastest. */
class Constant {
  readonly bytes: number;
  readonly words: Int32Array;

  constructor(text: string) {
    this.bytes = text.length;
    this.words = new Int32Array((text.length + 3) >>> 2);
    Buffer.from(this.words.buffer).write(text, 'latin1');
  }
}

const OK = new Constant('+OK\r\n');
const PONG = new Constant('+PONG\r\n');
const QUEUED = new Constant('+QUEUED\r\n');
const NIL2 = new Constant('$-1\r\n');
const NIL_ARRAY2 = new Constant('*-1\r\n');
const NIL3 = new Constant('_\r\n');
const EMPTY_ARRAY = new Constant('*0\r\n');
const TRUE3 = new Constant('#t\r\n');
const FALSE3 = new Constant('#f\r\n');

export class ReplyWriter {
  /** The protocol that the client has chosen with HELLO. */
  protocol: 2 | 3 = 2;
  /** The current chunk: write into it directly after `room(n)`, and advance `at`. */
  buf: Buffer = NOTHING.buf;
  /** Words at any offset of the current chunk. */
  view: DataView = NOTHING.view;
  at = 0;
  /** Error replies written so far, those rewound included. */
  errorCount = 0;
  /** Text of the last of them. */
  lastError = '';
  /** A reply was longer than `pendingBytesMax`; until `rewind`. */
  isTooLong = false;

  readonly #pool: ChunkPool;
  readonly #inFlightBytesMax: number;
  readonly #pendingBytesMax: number;
  #chunk: Chunk = NOTHING;
  #before = 0;
  #full: Chunk[] = [];
  #ends: number[] = [];
  #inFlight: Chunk[] = [];
  #inFlightBytes = 0;
  /** Absolute position up to which the system has taken everything. */
  #gone = 0;
  #heldBytes = 0;

  constructor(pool: ChunkPool, options: ReplyWriterOptions = {}) {
    this.#pool = pool;
    this.#inFlightBytesMax = options.inFlightBytesMax ?? 1024 * 1024;
    this.#pendingBytesMax = options.pendingBytesMax ?? Number.POSITIVE_INFINITY;
  }

  /** Bytes written and not yet taken by the system, those in flight included. */
  get pendingBytes(): number {
    return this.#before + this.at - this.#gone;
  }

  /** Memory of all chunks held, in flight included. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Makes at least `bytes` contiguous free bytes at `at`. */
  room(bytes: number): void {
    if (this.buf.length - this.at < bytes) this.#roll(bytes);
  }

  // Replies without or with a short text.

  ok(): void {
    this.#constant(OK);
  }

  pong(): void {
    this.#constant(PONG);
  }

  queued(): void {
    this.#constant(QUEUED);
  }

  /** A status. Latin1: one character per byte, no CR or LF. */
  simple(text: string): void {
    this.#line(PLUS, text);
  }

  /** With its code, as in `ERR syntax error`; CR and LF become spaces. Latin1. */
  error(text: string): void {
    const shown = text.length > ERROR_BYTES_MAX ? text.slice(0, ERROR_BYTES_MAX) : text;
    this.errorCount += 1;
    this.lastError = shown;
    this.#line(MINUS, /[\r\n]/.test(shown) ? onOneLine(shown) : shown);
  }

  nil(): void {
    this.#constant(this.protocol === 2 ? NIL2 : NIL3);
  }

  nilArray(): void {
    this.#constant(this.protocol === 2 ? NIL_ARRAY2 : NIL3);
  }

  emptyArray(): void {
    this.#constant(EMPTY_ARRAY);
  }

  /** RESP2 has no booleans: 1 or 0. */
  boolean(value: boolean): void {
    if (this.protocol === 2) this.integer(value ? 1 : 0);
    else this.#constant(value ? TRUE3 : FALSE3);
  }

  // Numbers.

  /** A whole number. Beyond 2^53 the digits are those of the double. */
  integer(n: number): void {
    this.#header(COLON, n);
  }

  bigInteger(n: bigint): void {
    this.#line(COLON, String(n));
  }

  /** RESP2: a bulk. As Redis 7.0 formats it. */
  double(x: number): void {
    if (x >= 0 && x <= 0x7fff_ffff && (x | 0) === x && !(x === 0 && 1 / x < 0)) {
      this.#wholeDouble(x);
      return;
    }
    this.doubleText(formatDouble(x));
  }

  /** `double` of one whose text is at hand. */
  doubleText(text: string): void {
    if (this.protocol === 2) this.bulkLatin1(text);
    else this.#line(COMMA, text);
  }

  /** RESP2: a bulk. Decimal digits with an optional minus. */
  bigNumber(text: string): void {
    if (this.protocol === 2) this.bulkLatin1(text);
    else this.#line(0x28, text);
  }

  // Aggregates.

  array(n: number): void {
    this.#header(STAR, n);
  }

  /** RESP2: an array of twice as many elements. */
  map(pairs: number): void {
    if (this.protocol === 2) this.#header(STAR, pairs * 2);
    else this.#header(PERCENT, pairs);
  }

  set(n: number): void {
    this.#header(this.protocol === 2 ? STAR : TILDE, n);
  }

  push(n: number): void {
    this.#header(this.protocol === 2 ? STAR : GREATER, n);
  }

  /** RESP3 only; the reply that it belongs to follows. */
  attribute(pairs: number): void {
    assert(this.protocol === 3, 'attributes need RESP3');
    this.#header(BAR, pairs);
  }

  // Bulks.

  bulk(buf: Uint8Array, from: number, to: number): void {
    const bytes = to - from;
    if (bytes > CONTIGUOUS_BYTES_MAX) {
      this.#header(DOLLAR, bytes);
      this.raw(buf, from, to);
      this.crlf();
      return;
    }
    this.room(bytes + HEADER_BYTES_MAX + 2);
    this.#header(DOLLAR, bytes);
    copyBytes(buf, from, to, this.buf, this.at);
    this.at += bytes;
    this.buf[this.at++] = CR;
    this.buf[this.at++] = LF;
  }

  /**
   * A bulk of the `bytes` bytes that start at words[word], four times as fast as `bulk` for short
   * ones. Up to three bytes behind them are read, never sent.
   */
  bulkWords(words: Int32Array, word: number, bytes: number): void {
    if (bytes > CONTIGUOUS_BYTES_MAX) {
      this.bulk(new Uint8Array(words.buffer, words.byteOffset + word * 4, bytes), 0, bytes);
      return;
    }
    this.room(bytes + HEADER_BYTES_MAX + 5);
    if (bytes < SHORT_BULK_END) {
      this.at = putShortBulk(this.view, this.at, words, word, bytes);
      return;
    }
    this.#header(DOLLAR, bytes);
    const { at, view } = this;
    copyWords(words, word, bytes, this.buf, view, at);
    view.setInt16(at + bytes, CR_LF, true);
    this.at = at + bytes + 2;
  }

  /** Two bulks: the bytes at words[word], and those at the next whole word behind them. */
  pairWords(words: Int32Array, word: number, firstBytes: number, secondBytes: number): void {
    const second = word + ((firstBytes + 3) >>> 2);
    if (firstBytes >= SHORT_BULK_END || secondBytes >= SHORT_BULK_END) {
      this.bulkWords(words, word, firstBytes);
      this.bulkWords(words, second, secondBytes);
      return;
    }
    this.room(SHORT_PAIR_BYTES_MAX);
    this.at = putShortPair(this.view, this.at, words, word, firstBytes, secondBytes);
  }

  /** A text as UTF-8. */
  bulkString(text: string): void {
    if (text.length <= LOOP_TEXT_MAX && isAscii(text)) {
      this.bulkLatin1(text);
      return;
    }
    const bytes = Buffer.byteLength(text);
    if (bytes > CONTIGUOUS_BYTES_MAX) {
      this.bulk(Buffer.from(text), 0, bytes);
      return;
    }
    this.room(bytes + HEADER_BYTES_MAX + 2);
    this.#header(DOLLAR, bytes);
    this.at += this.buf.write(text, this.at, 'utf8');
    this.crlf();
  }

  /** A text of one byte per character. */
  bulkLatin1(text: string): void {
    this.#header(DOLLAR, text.length);
    this.#text(text);
    this.crlf();
  }

  /** Head of a bulk whose `bytes` bytes and `crlf` the caller writes. */
  bulkHeader(bytes: number): void {
    this.#header(DOLLAR, bytes);
  }

  crlf(): void {
    this.room(2);
    this.buf[this.at++] = CR;
    this.buf[this.at++] = LF;
  }

  /** RESP2: a bulk. `format` has three characters, as in `txt`; `text` is UTF-8. */
  verbatim(format: string, text: string): void {
    if (this.protocol === 2) {
      this.bulkString(text);
      return;
    }
    assert(format.length === 3, 'a verbatim format has three characters');
    const body = Buffer.from(`${format}:${text}`);
    this.#header(0x3d, body.length);
    this.raw(body, 0, body.length);
    this.crlf();
  }

  /** Bytes as they are. */
  raw(buf: Uint8Array, from: number, to: number): void {
    let read = from;
    while (read < to) {
      const left = to - read;
      if (this.at === this.buf.length) this.#roll(left > OWN_CHUNK_BYTES_MIN ? left : 1);
      const bytes = Math.min(left, this.buf.length - this.at);
      copyBytes(buf, read, read + bytes, this.buf, this.at);
      this.at += bytes;
      read += bytes;
    }
  }

  // Going back.

  /**
   * Leaves a gap for the head of an aggregate whose length is known later:
   * `const later = defer(); ...elements...; resolveArray(later, n)`. Inner ones resolve first.
   */
  defer(): number {
    this.room(HEADER_BYTES_MAX);
    const later = this.mark();
    this.at += HEADER_BYTES_MAX;
    return later;
  }

  resolveArray(later: number, n: number): void {
    this.#resolve(later, STAR, n);
  }

  resolveMap(later: number, pairs: number): void {
    if (this.protocol === 2) this.#resolve(later, STAR, pairs * 2);
    else this.#resolve(later, PERCENT, pairs);
  }

  resolveSet(later: number, n: number): void {
    this.#resolve(later, this.protocol === 2 ? STAR : TILDE, n);
  }

  /** The place to which `rewind` can go back, until the next `flush`. */
  mark(): number {
    return this.#before + this.at;
  }

  /** Forgets what was written since. */
  rewind(mark: number): void {
    this.isTooLong = false;
    while (mark < this.#before) {
      assert(this.#full.length > 0, 'a mark does not survive a flush');
      this.#giveBack(this.#chunk);
      this.#use(this.#full.pop()!);
      this.#before -= this.#ends.pop()!;
    }
    this.at = mark - this.#before;
  }

  // Sending.

  /** Hands what is pending to the link, as far as the bytes in flight allow. */
  flush(sink: ReplySink): void {
    const full = this.#full;
    let sent = 0;
    while (sent < full.length && this.#inFlightBytes < this.#inFlightBytesMax) {
      this.#send(sink, full[sent]!, this.#ends[sent]!);
      sent++;
    }
    if (sent > 0) {
      full.splice(0, sent);
      this.#ends.splice(0, sent);
    }
    if (full.length > 0) return;
    if (this.at === 0) {
      this.#giveBack(this.#chunk);
    } else if (this.#inFlight.length === 0) {
      this.#send(sink, this.#chunk, this.at);
      this.#before += this.at;
      this.at = 0;
    } else {
      return;
    }
    this.#use(NOTHING);
  }

  /** The link has sent all that it held: its chunks return to the pool. Call `flush` next. */
  drained(): void {
    this.#gone += this.#inFlightBytes;
    this.#inFlightBytes = 0;
    for (const chunk of this.#inFlight) this.#giveBack(chunk);
    this.#inFlight.length = 0;
  }

  /** The link is gone: every chunk returns to the pool, and what was pending is forgotten. */
  release(): void {
    this.drained();
    for (const chunk of this.#full) this.#giveBack(chunk);
    this.#full.length = 0;
    this.#ends.length = 0;
    this.#giveBack(this.#chunk);
    this.#use(NOTHING);
    this.#before += this.at;
    this.#gone = this.#before;
    this.at = 0;
  }

  // Helpers.

  #send(sink: ReplySink, chunk: Chunk, end: number): void {
    if (sink.write(chunk.head(end), 0, end)) {
      this.#gone += end;
      this.#giveBack(chunk);
    } else {
      this.#inFlightBytes += end;
      this.#inFlight.push(chunk);
    }
  }

  #use(chunk: Chunk): void {
    this.#chunk = chunk;
    this.buf = chunk.buf;
    this.view = chunk.view;
  }

  #giveBack(chunk: Chunk): void {
    if (chunk === NOTHING) return;
    this.#heldBytes -= chunk.buf.length;
    this.#pool.give(chunk);
  }

  /** Closes the current chunk and starts one with at least `bytes` bytes. */
  #roll(bytes: number): void {
    if (this.pendingBytes + bytes > this.#pendingBytesMax) {
      this.isTooLong = true;
      throw new ReplyTooLong(`a reply of more than ${this.#pendingBytesMax} bytes`);
    }
    if (this.at > 0) {
      this.#full.push(this.#chunk);
      this.#ends.push(this.at);
      this.#before += this.at;
      this.at = 0;
    } else {
      this.#giveBack(this.#chunk);
    }
    this.#use(bytes > this.#pool.chunkBytes ? new Chunk(bytes) : this.#pool.take());
    this.#heldBytes += this.buf.length;
  }

  /** Prefix, whole number, CR LF. */
  #header(prefix: number, n: number): void {
    if (this.buf.length - this.at < HEADER_BYTES_MAX) this.#roll(HEADER_BYTES_MAX);
    this.at = headerAt(this.buf, this.at, prefix, n);
  }

  /** A double that is a whole number of at most ten digits. */
  #wholeDouble(n: number): void {
    this.room(HEADER_BYTES_MAX);
    const { at, buf } = this;
    if (this.protocol === 3) {
      this.at = headerAt(buf, at, COMMA, n);
      return;
    }
    let digits = 1;
    for (let bound = 10; n >= bound; bound *= 10) digits += 1;
    const body = putShortHead(this.view, at, digits);
    const end = digitsAt(buf, body, n);
    this.view.setInt16(end, CR_LF, true);
    this.at = end + 2;
  }

  #line(prefix: number, text: string): void {
    this.room(1);
    this.buf[this.at++] = prefix;
    this.#text(text);
    this.crlf();
  }

  #text(text: string): void {
    if (text.length > CONTIGUOUS_BYTES_MAX) {
      this.raw(Buffer.from(text, 'latin1'), 0, text.length);
      return;
    }
    this.room(text.length);
    if (text.length <= LOOP_TEXT_MAX) {
      for (let i = 0; i < text.length; i++) this.buf[this.at++] = text.charCodeAt(i);
    } else {
      this.at += this.buf.write(text, this.at, 'latin1');
    }
  }

  #constant(constant: Constant): void {
    this.room(constant.bytes + 3);
    const { words, bytes } = constant;
    copyWords(words, 0, bytes, this.buf, this.view, this.at);
    this.at += bytes;
  }

  #resolve(later: number, prefix: number, n: number): void {
    let from = this.#before;
    let index = this.#full.length;
    while (later < from) from -= this.#ends[--index]!;
    assert(index >= 0, 'a deferred length does not survive a flush');
    const gap = later - from;
    const current = index === this.#full.length;
    const buf = current ? this.buf : this.#full[index]!.buf;
    const end = current ? this.at : this.#ends[index]!;
    const body = headerAt(buf, gap, prefix, n);
    buf.copyWithin(body, gap + HEADER_BYTES_MAX, end);
    const unused = gap + HEADER_BYTES_MAX - body;
    if (current) {
      this.at -= unused;
    } else {
      this.#ends[index] = end - unused;
      this.#before -= unused;
    }
  }
}

/** Writes prefix, whole number and CR LF; returns the end. */
function headerAt(buf: Buffer, at: number, prefix: number, n: number): number {
  buf[at] = prefix;
  const end = digitsAt(buf, at + 1, n);
  buf[end] = CR;
  buf[end + 1] = LF;
  return end + 2;
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 127) return false;
  }
  return true;
}

/** Errors are lines: ends of lines in what a client sent go at both ends, and are spaces within. */
function onOneLine(text: string): string {
  return text.replace(/^[\r\n]+|[\r\n]+$/g, '').replace(/[\r\n]/g, ' ');
}
