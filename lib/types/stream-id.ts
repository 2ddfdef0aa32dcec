/**
 * The id of a stream's entry: two unsigned integers of 64 bits, `milliseconds-sequence`. Kept as
 * four words, since neither a double nor two hold it and a BigInt would be made for each entry.
 *
 *   16 bytes, big-endian:  | ms high | ms low | seq high | seq low |     so bytes sort as ids do
 *
 * Objects of this class are loaded again and again; commands make none per entry.
 */
import { digitsAt } from '../../resp/numbers.js';

export const ID_BYTES = 16;
/** Longest text: twice 20 digits and a hyphen. */
export const ID_TEXT_MAX = 41;
/** As in Redis, longer texts are no ids. */
const TEXT_BYTES_MAX = 127;
/** Digits of a number that is exact in a double. */
const SAFE_DIGITS = 15;
const TWO_32 = 2 ** 32;
const WORD_MAX = TWO_32 - 1;
/** Numbers below it have at most 15 digits, and their high word this many at most. */
const SAFE_HIGH_END = 2 ** 17;
const SPLIT = 1e7;
const SPLIT_DIGITS = 7;

const ZERO = 48;
const HYPHEN = 45;

/** What an id may look like besides `ms` and `ms-seq`. */
export const ALLOW_EDGES = 1 << 0;
/** `ms-*`. */
export const ALLOW_STAR = 1 << 1;

export class StreamId {
  msHigh = 0;
  msLow = 0;
  seqHigh = 0;
  seqLow = 0;
  /** The last `parse` found `ms-*`. */
  isSeqOpen = false;

  get isZero(): boolean {
    return this.msHigh === 0 && this.msLow === 0 && this.seqHigh === 0 && this.seqLow === 0;
  }

  get isMax(): boolean {
    return this.isSeqMax && this.msHigh === WORD_MAX && this.msLow === WORD_MAX;
  }

  get isSeqMax(): boolean {
    return this.seqHigh === WORD_MAX && this.seqLow === WORD_MAX;
  }

  set(msHigh: number, msLow: number, seqHigh: number, seqLow: number): void {
    this.msHigh = msHigh;
    this.msLow = msLow;
    this.seqHigh = seqHigh;
    this.seqLow = seqLow;
  }

  setZero(): void {
    this.set(0, 0, 0, 0);
  }

  setMax(): void {
    this.set(WORD_MAX, WORD_MAX, WORD_MAX, WORD_MAX);
  }

  copy(other: StreamId): void {
    this.set(other.msHigh, other.msLow, other.seqHigh, other.seqLow);
  }

  setBig(ms: bigint, seq: bigint): void {
    this.msHigh = Number(ms >> 32n);
    this.msLow = Number(ms & 0xffff_ffffn);
    this.seqHigh = Number(seq >> 32n);
    this.seqLow = Number(seq & 0xffff_ffffn);
  }

  get ms(): bigint {
    return (BigInt(this.msHigh) << 32n) | BigInt(this.msLow);
  }

  get seq(): bigint {
    return (BigInt(this.seqHigh) << 32n) | BigInt(this.seqLow);
  }

  /** Negative if it is below `other`, 0 if equal. */
  compare(other: StreamId): number {
    return (
      this.msHigh - other.msHigh ||
      this.msLow - other.msLow ||
      this.seqHigh - other.seqHigh ||
      this.seqLow - other.seqLow
    );
  }

  hasMsOf(other: StreamId): boolean {
    return this.msHigh === other.msHigh && this.msLow === other.msLow;
  }

  /** The next id; false, and 0-0, behind the last. */
  increment(): boolean {
    if (this.seqLow < WORD_MAX) this.seqLow += 1;
    else if (this.seqHigh < WORD_MAX) this.set(this.msHigh, this.msLow, this.seqHigh + 1, 0);
    else if (this.msLow < WORD_MAX) this.set(this.msHigh, this.msLow + 1, 0, 0);
    else if (this.msHigh < WORD_MAX) this.set(this.msHigh + 1, 0, 0, 0);
    else {
      this.setZero();
      return false;
    }
    return true;
  }

  /** The one before; false, and the last of all, before 0-0. */
  decrement(): boolean {
    if (this.seqLow > 0) this.seqLow -= 1;
    else if (this.seqHigh > 0) this.set(this.msHigh, this.msLow, this.seqHigh - 1, WORD_MAX);
    else if (this.msLow > 0) this.set(this.msHigh, this.msLow - 1, WORD_MAX, WORD_MAX);
    else if (this.msHigh > 0) this.set(this.msHigh - 1, WORD_MAX, WORD_MAX, WORD_MAX);
    else {
      this.setMax();
      return false;
    }
    return true;
  }

  /** The id behind `last` for an entry that comes now: time goes on, and never back. */
  setNext(last: StreamId, nowMs: number): void {
    const high = Math.floor(nowMs / TWO_32);
    const low = nowMs % TWO_32;
    if (high > last.msHigh || (high === last.msHigh && low > last.msLow)) {
      this.set(high, low, 0, 0);
    } else {
      this.copy(last);
      this.increment();
    }
  }

  // Bytes.

  load(buf: Buffer, at: number): void {
    this.msHigh = readWord(buf, at);
    this.msLow = readWord(buf, at + 4);
    this.seqHigh = readWord(buf, at + 8);
    this.seqLow = readWord(buf, at + 12);
  }

  /** Returns the index behind it. */
  store(buf: Buffer, at: number): number {
    writeWord(buf, at, this.msHigh);
    writeWord(buf, at + 4, this.msLow);
    writeWord(buf, at + 8, this.seqHigh);
    writeWord(buf, at + 12, this.seqLow);
    return at + ID_BYTES;
  }

  // Text.

  /** Writes `ms-seq`, at most ID_TEXT_MAX bytes; returns the index behind it. */
  write(buf: Buffer, at: number): number {
    const end = writeNumber(buf, at, this.msHigh, this.msLow);
    buf[end] = HYPHEN;
    return writeNumber(buf, end + 1, this.seqHigh, this.seqLow);
  }

  /** Reads an id. Without a sequence it is the least or, with `missingIsMax`, the highest one. */
  parse(buf: Buffer, from: number, to: number, missingIsMax: boolean, allow: number): boolean {
    this.isSeqOpen = false;
    if (to - from > TEXT_BYTES_MAX) return false;
    const end = this.#parseShort(buf, from, to, true);
    if (end === to && end > from) {
      this.seqHigh = this.seqLow = missingIsMax ? WORD_MAX : 0;
      return true;
    }
    if (end > from && end + 1 < to && buf[end] === HYPHEN) {
      if (this.#parseShort(buf, end + 1, to, false) === to) return true;
    }
    return this.#parseAny(buf.toString('latin1', from, to), missingIsMax, allow);
  }

  /** Reads few digits into one half; returns where they end, `from` if it is not that simple. */
  #parseShort(buf: Buffer, from: number, to: number, isMs: boolean): number {
    let value = 0;
    let at = from;
    for (; at < to; at += 1) {
      const digit = buf[at]! - ZERO;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    const digits = at - from;
    if (digits === 0 || digits > SAFE_DIGITS) return from;
    if (isMs) {
      this.msHigh = Math.floor(value / TWO_32);
      this.msLow = value % TWO_32;
    } else {
      this.seqHigh = Math.floor(value / TWO_32);
      this.seqLow = value % TWO_32;
    }
    return at;
  }

  #parseAny(bytes: string, missingIsMax: boolean, allow: number): boolean {
    const text = bytes.split('\0', 1)[0]!;
    if (text === '-' || text === '+') {
      if ((allow & ALLOW_EDGES) === 0) return false;
      if (text === '-') this.setZero();
      else this.setMax();
      return true;
    }
    const hyphen = text.indexOf('-');
    const ms = parseUint64(hyphen === -1 ? text : text.slice(0, hyphen));
    if (ms === undefined) return false;
    let seq: bigint | undefined = missingIsMax ? (1n << 64n) - 1n : 0n;
    if (hyphen !== -1) {
      const rest = text.slice(hyphen + 1);
      this.isSeqOpen = (allow & ALLOW_STAR) !== 0 && rest === '*';
      seq = this.isSeqOpen ? 0n : parseUint64(rest);
    }
    if (seq === undefined) return false;
    this.setBig(ms, seq);
    return true;
  }
}

/** As Redis's `string2ull`: what `string2ll` refuses, `strtoull` may take. */
function parseUint64(text: string): bigint | undefined {
  if (/^-[1-9]\d*$/.test(text)) return undefined;
  const parts = /^[ \t-\r]*([+-]?)(\d+)$/.exec(text);
  if (parts === null) return undefined;
  const value = BigInt(parts[2]!);
  if (value >> 64n !== 0n) return undefined;
  return parts[1] === '-' ? BigInt.asUintN(64, -value) : value;
}

function readWord(buf: Buffer, at: number): number {
  const bytes = (buf[at + 1]! << 16) | (buf[at + 2]! << 8) | buf[at + 3]!;
  return ((buf[at]! << 24) | bytes) >>> 0;
}

function writeWord(buf: Buffer, at: number, word: number): void {
  buf[at] = word >>> 24;
  buf[at + 1] = word >>> 16;
  buf[at + 2] = word >>> 8;
  buf[at + 3] = word;
}

function writeNumber(buf: Buffer, at: number, high: number, low: number): number {
  if (high === 0 && low < TWO_32 / 2) return digitsAt(buf, at, low);
  if (high >= SAFE_HIGH_END) {
    return at + buf.write(String((BigInt(high) << 32n) | BigInt(low)), at, 'latin1');
  }
  // Of milliseconds: in two parts, each of which needs no text in between.
  const value = high * TWO_32 + low;
  const top = Math.floor(value / SPLIT);
  const middle = digitsAt(buf, at, top);
  let rest = value - top * SPLIT;
  const end = middle + SPLIT_DIGITS;
  for (let i = end - 1; i >= middle; i -= 1) {
    const next = (rest / 10) | 0;
    buf[i] = ZERO + (rest - next * 10);
    rest = next;
  }
  return end;
}
