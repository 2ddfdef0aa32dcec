/**
 * What CALLS and ANSWERS carry: many commands, or many replies, in one bulk. Numbers are little-endian.
 *
 *   CALLS    command command ...        in the order in which they are to be run
 *     command    [lane: f64][words: u32]{ [bytes: u32] ... }{ byte ... }     all lengths, then all words
 *   its reply  outcome outcome ... answer answer ...
 *     outcome    [REPLY: u8][bytes: u32][reply]  |  [PARKED: u8]  |  [HELD: u8]  |  [NOTMINE: u8]
 *   ANSWERS  answer answer ...
 *     answer     [index: u32][bytes: u32][reply]     of what was HELD, by its place in the CALLS
 */
import type { Args } from '../../resp/args.js';
import { copyBytes } from '../../resp/bytes.js';
import type { Chunk } from '../../resp/chunk-pool.js';

/** What became of a command. */
export const REPLY = 0;
/** Its reply follows as an ANSWER of its own. */
export const PARKED = 1;
/** It was run, and waits for replicas with the others of its CALLS: see ANSWERS. */
export const HELD = 2;
/** It was not run. */
export const NOTMINE = 3;

/** Bytes before the lengths of a command. */
const HEAD_BYTES = 12;
const LENGTH_BYTES = 4;
/** Bytes before a reply, of an outcome and of an answer. */
export const OUTCOME_BYTES = 5;
export const ANSWER_BYTES = 8;
const GROWN_BYTES_MIN = 1024;

/** Bytes that a command takes in a CALLS. */
export function commandBytes({ count, ends, starts }: Args): number {
  let bytes = HEAD_BYTES + count * LENGTH_BYTES;
  for (let i = 0; i < count; i += 1) bytes += ends[i]! - starts[i]!;
  return bytes;
}

/** Writes a command, for which there is room; returns where it ends. */
export function putCommand({ buf, view }: Chunk, from: number, lane: number, args: Args): number {
  const { count, ends, starts } = args;
  view.setFloat64(from, lane, true);
  view.setUint32(from + 8, count, true);
  let length = from + HEAD_BYTES;
  let at = length + count * LENGTH_BYTES;
  for (let i = 0; i < count; i += 1) {
    const start = starts[i]!;
    const end = ends[i]!;
    view.setUint32(length, end - start, true);
    length += LENGTH_BYTES;
    copyBytes(args.buf, start, end, buf, at);
    at += end - start;
  }
  return at;
}

/** Reads the commands of a CALLS one after the other, without copying. */
export class CommandReader {
  readonly words: { args: Args; lane: number };
  buf: Buffer;
  at: number;
  end: number;

  constructor(buf: Buffer, from: number, to: number, args: Args) {
    this.buf = buf;
    this.at = from;
    this.end = to;
    this.words = { args, lane: 0 };
  }

  /** The next command, whose words point into `buf`; null: there is none, or it cannot be read. */
  next(): { readonly args: Args; readonly lane: number } | null {
    const { buf, end, words } = this;
    if (this.at + HEAD_BYTES > end) return null;
    words.lane = buf.readDoubleLE(this.at);
    const count = buf.readUInt32LE(this.at + 8);
    let length = this.at + HEAD_BYTES;
    let word = length + count * LENGTH_BYTES;
    if (count === 0 || word > end) return null;
    const { args } = words;
    args.reserve(count);
    args.buf = buf;
    args.count = count;
    for (let i = 0; i < count; i += 1) {
      args.starts[i] = word;
      word += buf.readUInt32LE(length);
      if (word > end) return null;
      args.ends[i] = word;
      length += LENGTH_BYTES;
    }
    this.at = word;
    return words;
  }

  /** Whether all that is left are whole commands; how many; -1: no. Reads nothing. */
  count(): number {
    const { at } = this;
    let count = 0;
    while (this.at < this.end) {
      const read = this.next();
      if (read === null || !Number.isSafeInteger(read.lane) || read.lane < 0) return -1;
      count += 1;
    }
    this.at = at;
    return count;
  }

  /** What is left becomes its own: the buffer is somebody else's. */
  keep(): void {
    this.buf = Buffer.from(this.buf.subarray(this.at, this.end));
    this.end -= this.at;
    this.at = 0;
  }
}

/** Bytes that grow: what a CALLS or its answers are made in. */
export class Bytes {
  buf = Buffer.allocUnsafe(0);
  at = 0;

  /** Makes room for so many more. */
  room(bytes: number): void {
    if (this.at + bytes <= this.buf.length) return;
    const size = Math.max(GROWN_BYTES_MIN, 2 * this.buf.length, this.at + bytes);
    const grown = Buffer.allocUnsafe(size);
    this.buf.copy(grown, 0, 0, this.at);
    this.buf = grown;
  }

  /** A reply buf[from, to), as the outcome of a command. */
  outcome(buf: Buffer, from: number, to: number): void {
    this.room(OUTCOME_BYTES + to - from);
    this.buf[this.at] = REPLY;
    this.buf.writeUInt32LE(to - from, this.at + 1);
    copyBytes(buf, from, to, this.buf, this.at + OUTCOME_BYTES);
    this.at += OUTCOME_BYTES + to - from;
  }

  /** The outcome of a command that has no reply yet. */
  mark(outcome: number): void {
    this.room(1);
    this.buf[this.at] = outcome;
    this.at += 1;
  }

  answer(index: number, buf: Buffer, from: number, to: number): void {
    this.room(ANSWER_BYTES + to - from);
    this.buf.writeUInt32LE(index, this.at);
    this.buf.writeUInt32LE(to - from, this.at + 4);
    copyBytes(buf, from, to, this.buf, this.at + ANSWER_BYTES);
    this.at += ANSWER_BYTES + to - from;
  }

  append(other: Bytes): void {
    this.room(other.at);
    other.buf.copy(this.buf, this.at, 0, other.at);
    this.at += other.at;
  }

  get written(): Buffer {
    return this.buf.subarray(0, this.at);
  }
}
