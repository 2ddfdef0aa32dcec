/** Bytes that a library writes one after the other before they become a string of Lua. */
import { latin1 } from '../../../resp/bytes.js';
import type { Lua } from '../lua.js';

const START_BYTES = 1024;
/** Beyond this the room is given back after use. */
const KEPT_BYTES_MAX = 1024 * 1024;

export class ByteSink {
  buf: Buffer = Buffer.allocUnsafeSlow(START_BYTES);
  at = 0;
  /** The thread of Lua at work, which hears of errors. */
  thread = 0;
  readonly #lua: Lua;

  constructor(lua: Lua) {
    this.#lua = lua;
  }

  /** Starts anew, for a call of the thread `L`. */
  begin(L: number): void {
    this.at = 0;
    this.thread = L;
    if (this.buf.length > KEPT_BYTES_MAX) this.buf = Buffer.allocUnsafeSlow(START_BYTES);
  }

  /** Makes room for so many bytes; raises if the machine could not take them. */
  room(bytes: number): void {
    this.#lua.work(this.thread, bytes);
    const needed = this.at + bytes;
    if (needed <= this.buf.length) return;
    if (needed > this.#lua.machine.memoryBytesMax)
      this.#lua.raise(this.thread, 'not enough memory');
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.buf.length * 2));
    this.buf.copy(larger, 0, 0, this.at);
    this.buf = larger;
  }

  byte(value: number): void {
    this.room(1);
    this.buf[this.at] = value;
    this.at += 1;
  }

  /** One byte per character. */
  text(text: string): void {
    this.room(text.length);
    this.at += this.buf.write(text, this.at, 'latin1');
  }

  bytes(source: Uint8Array, from: number, to: number): void {
    this.room(to - from);
    this.buf.set(source.subarray(from, to), this.at);
    this.at += to - from;
  }

  /** Pushes all as a string. */
  push(): void {
    this.#lua.pushBytes(this.thread, this.buf, 0, this.at);
  }

  toString(): string {
    return latin1(this.buf, 0, this.at);
  }
}
