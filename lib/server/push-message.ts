/**
 * Messages that are no replies, encoded once however many get them. RESP2 and RESP3 differ in the
 * first byte alone:
 *
 *   RESP2   *3\r\n $7\r\nmessage\r\n $2\r\nch\r\n $2\r\nhi\r\n
 *   RESP3   >3\r\n ...
 */
import { digitsAt } from '../../resp/numbers.js';

/** A text of one byte per character, bytes, a whole number, or elements of its own. */
export type PushPart = string | Uint8Array | number | null | readonly PushPart[];

const STAR = 42;
const GREATER = 62;
const DOLLAR = 36;
const COLON = 58;
const CR = 13;
const LF = 10;
/** Prefix, digits, CR LF; rounded up. */
const HEADER_BYTES_MAX = 24;
/** Messages up to here are encoded in place. */
const SCRATCH_BYTES = 64 * 1024;
const scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);

export class PushMessage {
  /** Valid until the next message is made. */
  readonly bytes: Buffer;
  readonly #nullPart: Buffer;

  /** `protocol` is that of the null in it, if there is one. */
  constructor(parts: readonly PushPart[], protocol: 2 | 3 = 2) {
    this.#nullPart = Buffer.from(protocol === 2 ? '$-1\r\n' : '_\r\n');
    const most = bytesMax(parts);
    const target = most <= SCRATCH_BYTES ? scratch : Buffer.allocUnsafeSlow(most);
    this.bytes = target.subarray(0, this.#write(target, 0, parts));
  }

  /** The message as a client of that protocol gets it; valid until the next call. */
  as(protocol: 2 | 3): Buffer {
    this.bytes[0] = protocol === 2 ? STAR : GREATER;
    return this.bytes;
  }

  #write(target: Buffer, at: number, part: PushPart): number {
    if (part === null) return at + this.#nullPart.copy(target, at);
    if (typeof part === 'number') return header(target, at, COLON, part);
    if (Array.isArray(part)) {
      let end = header(target, at, STAR, part.length);
      for (const each of part as readonly PushPart[]) end = this.#write(target, end, each);
      return end;
    }
    let end = header(target, at, DOLLAR, (part as string | Uint8Array).length);
    if (typeof part === 'string') {
      end += target.write(part, end, 'latin1');
    } else {
      target.set(part as Uint8Array, end);
      end += (part as Uint8Array).length;
    }
    target[end] = CR;
    target[end + 1] = LF;
    return end + 2;
  }
}

function header(target: Buffer, at: number, prefix: number, n: number): number {
  target[at] = prefix;
  const end = digitsAt(target, at + 1, n);
  target[end] = CR;
  target[end + 1] = LF;
  return end + 2;
}

function bytesMax(part: PushPart): number {
  if (part === null || typeof part === 'number') return HEADER_BYTES_MAX;
  if (!Array.isArray(part)) return HEADER_BYTES_MAX + (part as string | Uint8Array).length;
  let bytes = HEADER_BYTES_MAX;
  for (const each of part as readonly PushPart[]) bytes += bytesMax(each);
  return bytes;
}
