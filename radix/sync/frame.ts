/**
 * Frame: the unit in which two sides of a session talk.
 *
 *   0        1                  2 to 4
 *   +--------+------------------+----------------------------------+
 *   | type 8 | payload bytes,   | payload, at most 65,532 bytes    |
 *   |        | varint, 1 to 3 B |                                  |
 *   +--------+------------------+----------------------------------+
 *
 * A frame has at most 64 KiB with its header, so that none delays others on a link for long. No
 * checksum: the link has its own, and what sync decides is verified by digests. The payloads are
 * drawn in messages.ts.
 *
 * Invariant: however the bytes were cut on their way, a FrameReader yields the frames that were
 * sent, and holds at most `heldBytesMax` bytes.
 */
import { SyncError } from './sync-error.js';

export const FRAME_BYTES_MAX = 64 * 1024;
export const HEADER_BYTES_MAX = 4;
export const PAYLOAD_BYTES_MAX = FRAME_BYTES_MAX - HEADER_BYTES_MAX;
const LENGTH_BYTES_MAX = 3;
const BYTES_FIRST = 1024;

export interface Frame {
  readonly type: number;
  /** A view, valid until the reader is pushed to. */
  readonly payload: Buffer;
}

/** A frame with this payload. */
export function encodeFrame(type: number, payload: Buffer): Buffer {
  const { length } = payload;
  const frame = Buffer.allocUnsafe(1 + varintBytes(length) + length);
  payload.copy(frame, putFrameHeader(frame, 0, type, length));
  return frame;
}

/** Writes what stands before a payload of so many bytes; returns where it ends. */
export function putFrameHeader(
  target: Buffer,
  at: number,
  type: number,
  payloadBytes: number,
): number {
  const lengthBytes = varintBytes(payloadBytes);
  target[at] = type;
  for (let i = 0; i < lengthBytes; i++) {
    target[at + 1 + i] = ((payloadBytes >>> (7 * i)) & 127) | (i < lengthBytes - 1 ? 128 : 0);
  }
  return at + 1 + lengthBytes;
}

/** Bytes of a frame with its header. */
export function frameBytes(frame: Frame): number {
  const { length } = frame.payload;
  return 1 + varintBytes(length) + length;
}

function varintBytes(value: number): number {
  return value < 2 ** 7 ? 1 : value < 2 ** 14 ? 2 : 3;
}

export class FrameReader {
  readonly #heldBytesMax: number;
  #buffer = Buffer.allocUnsafeSlow(BYTES_FIRST);
  /** What is held is buffer[at, end). */
  #at = 0;
  #end = 0;

  constructor(heldBytesMax: number) {
    this.#heldBytesMax = heldBytesMax;
  }

  /** Bytes that no frame has been made of yet. */
  get heldBytes(): number {
    return this.#end - this.#at;
  }

  push(bytes: Buffer): void {
    const wanted = this.heldBytes + bytes.length;
    if (wanted > this.#heldBytesMax) {
      throw new SyncError('SYNC_LIMIT', 'more bytes than were asked for');
    }
    if (this.#end + bytes.length > this.#buffer.length) {
      const isLong = wanted > this.#buffer.length / 2;
      const target = isLong ? Buffer.allocUnsafeSlow(wanted * 2) : this.#buffer;
      this.#end = this.#buffer.copy(target, 0, this.#at, this.#end);
      this.#at = 0;
      this.#buffer = target;
    }
    this.#end += bytes.copy(this.#buffer, this.#end);
  }

  /** The next frame; null until it is complete. */
  next(): Frame | null {
    const held = this.#buffer;
    let at = this.#at + 1;
    let payloadBytes = 0;
    for (let i = 0; ; i++) {
      if (at >= this.#end) return null;
      const byte = held[at++]!;
      payloadBytes += (byte & 127) << (7 * i);
      const isLast = byte < 128;
      if ((isLast && byte === 0 && i > 0) || (!isLast && i === LENGTH_BYTES_MAX - 1)) {
        throw new SyncError('SYNC_BAD_FRAME', 'the length of a frame is no varint of 1 to 3 B');
      }
      if (isLast) break;
    }
    if (payloadBytes > PAYLOAD_BYTES_MAX) {
      throw new SyncError('SYNC_BAD_FRAME', `a payload of ${payloadBytes} bytes`);
    }
    if (this.#end - at < payloadBytes) return null;
    const type = held[this.#at]!;
    this.#at = at + payloadBytes;
    return { type, payload: held.subarray(at, this.#at) };
  }
}
