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
import { ByteWriter } from './bytes.js';
import { SyncError } from './sync-error.js';

export const FRAME_BYTES_MAX = 64 * 1024;
const HEADER_BYTES_MAX = 4;
export const PAYLOAD_BYTES_MAX = FRAME_BYTES_MAX - HEADER_BYTES_MAX;
const LENGTH_BYTES_MAX = 3;

export interface Frame {
  readonly type: number;
  /** A view, valid until the reader is pushed to. */
  readonly payload: Buffer;
}

/** A frame with this payload. */
export function encodeFrame(type: number, payload: Buffer): Buffer {
  const writer = new ByteWriter();
  writer.u8(type);
  writer.blob(payload);
  return writer.view();
}

export class FrameReader {
  readonly #heldBytesMax: number;
  #held = Buffer.alloc(0);
  #at = 0;

  constructor(heldBytesMax: number) {
    this.#heldBytesMax = heldBytesMax;
  }

  /** Bytes that no frame has been made of yet. */
  get heldBytes(): number {
    return this.#held.length - this.#at;
  }

  push(bytes: Buffer): void {
    if (this.heldBytes + bytes.length > this.#heldBytesMax) {
      throw new SyncError('SYNC_LIMIT', 'more bytes than were asked for');
    }
    this.#held = Buffer.concat([this.#held.subarray(this.#at), bytes]);
    this.#at = 0;
  }

  /** The next frame; null until it is complete. */
  next(): Frame | null {
    const held = this.#held;
    let at = this.#at + 1;
    let payloadBytes = 0;
    for (let i = 0; ; i++) {
      if (at >= held.length) return null;
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
    if (held.length - at < payloadBytes) return null;
    const type = held[this.#at]!;
    this.#at = at + payloadBytes;
    return { type, payload: held.subarray(at, this.#at) };
  }
}
