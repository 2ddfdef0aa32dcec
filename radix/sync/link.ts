/**
 * Link: one side's end of the line. Frames out with backpressure, frames in, and the waiting for
 * both, for a session that is written as a coroutine.
 *
 *   session  --send-->  outbox (a few frames)  --take-->   transport
 *            <-next---  reader (one window)    <-receive-
 *
 * Flow control: each side has at most `WINDOW_BYTES` on the way that the other has not consumed.
 * Every frame counts but CREDIT, which gives bytes back. A side speaks until it has nothing more
 * to say and then listens; so a side that waits for credit can only be sent CREDIT, and two sides
 * never wait for each other.
 *
 * Invariant: what a peer can make this side hold is one window and the outbox, whatever it sends
 * and however slowly it reads: credit is written when the transport takes it, as one frame.
 */
import { ByteReader, ByteWriter } from './bytes.js';
import {
  encodeFrame,
  FRAME_BYTES_MAX,
  type Frame,
  FrameReader,
  frameBytes,
  PAYLOAD_BYTES_MAX,
} from './frame.js';
import { FRAME_CREDIT } from './messages.js';
import { SyncError } from './sync-error.js';

/** Bytes on the way that the other side has not consumed. */
export const WINDOW_BYTES = 256 * 1024;
/** Consumed bytes are given back in pieces of this. */
const CREDIT_BYTES_MIN = WINDOW_BYTES / 4;
/** CREDIT frames that may lie about beside a full window. */
const HELD_BYTES_MAX = WINDOW_BYTES + FRAME_BYTES_MAX;
const OUTBOX_FRAMES_MAX = 8;

/**
 * Why a coroutine pauses: it has worked for a while ('slice'), needs bytes from the other side
 * ('input'), or needs its outbox to be taken from ('room').
 */
export type Pause = 'slice' | 'input' | 'room';
export type Task<T> = Generator<Pause, T, void>;

export class Link {
  sentBytes = 0;
  receivedBytes = 0;
  /** Whole frames. A peer that sends bytes, but never a whole frame, says nothing. */
  receivedFrames = 0;
  /** How often this side has spoken, and then had to wait for an answer. */
  waitCount = 0;

  readonly #reader = new FrameReader(HELD_BYTES_MAX);
  readonly #outbox: Buffer[] = [];
  /** What may be sent before credit must come. */
  #room = WINDOW_BYTES;
  /** What the other side may send before it gets credit. */
  #granted = WINDOW_BYTES;
  /** What has been consumed and not been given back. */
  #consumedBytes = 0;
  #hasSpoken = false;

  /** Takes bytes from the transport, cut in any way. */
  receive(bytes: Buffer): void {
    this.receivedBytes += bytes.length;
    this.#reader.push(bytes);
  }

  /**
   * Sends numbers that take so many bytes each, behind what is in the payload, in as few frames of
   * one type as may be; nothing if there is nothing.
   */
  *sendEach(
    type: number,
    payload: ByteWriter,
    numbers: Iterable<number>,
    bytes: number,
    encode: (payload: ByteWriter, number: number) => void,
  ): Task<void> {
    for (const number of numbers) {
      encode(payload, number);
      if (payload.length + bytes > PAYLOAD_BYTES_MAX) yield* this.send(type, payload);
    }
    if (payload.length > 0) yield* this.send(type, payload);
  }

  /** The next bytes for the transport; null: none now. */
  take(): Buffer | null {
    const frame = this.#consumedBytes >= CREDIT_BYTES_MIN ? this.#credit() : this.#outbox.shift();
    if (frame === undefined) return null;
    this.sentBytes += frame.length;
    return frame;
  }

  *send(type: number, payload: ByteWriter | null): Task<void> {
    const frame = encodeFrame(type, payload === null ? Buffer.alloc(0) : payload.view());
    payload?.clear();
    while (this.#room < frame.length) {
      const credit = this.#read();
      if (credit === null) yield 'input';
      else if (!this.#takeCredit(credit)) {
        throw new SyncError('SYNC_PROTOCOL', 'a frame out of turn');
      }
    }
    while (this.#outbox.length >= OUTBOX_FRAMES_MAX) yield 'room';
    this.#room -= frame.length;
    this.#outbox.push(frame);
    this.#hasSpoken = true;
  }

  /** The next frame. Its payload is valid until the coroutine pauses. */
  *next(): Task<Frame> {
    for (;;) {
      const frame = this.#read();
      if (frame === null) {
        if (this.#hasSpoken) this.waitCount++;
        this.#hasSpoken = false;
        yield 'input';
      } else if (!this.#takeCredit(frame)) {
        this.#hasSpoken = false;
        this.#consume(frame);
        return frame;
      }
    }
  }

  /** The next frame, which must be one of these. */
  *expect(...types: number[]): Task<Frame> {
    const frame = yield* this.next();
    if (types.includes(frame.type)) return frame;
    throw new SyncError('SYNC_PROTOCOL', `frame ${frame.type} where ${types.join()} may come`);
  }

  #read(): Frame | null {
    const frame = this.#reader.next();
    if (frame !== null) this.receivedFrames++;
    return frame;
  }

  #takeCredit(frame: Frame): boolean {
    if (frame.type !== FRAME_CREDIT) return false;
    const reader = new ByteReader(frame.payload);
    const bytes = reader.varint(WINDOW_BYTES);
    reader.end();
    this.#room += bytes;
    // Credit of nothing, again and again, would keep a session alive for ever.
    if (bytes === 0 || this.#room > WINDOW_BYTES) {
      throw new SyncError('SYNC_PROTOCOL', 'credit for nothing');
    }
    return true;
  }

  #consume(frame: Frame): void {
    const bytes = frameBytes(frame);
    this.#granted -= bytes;
    this.#consumedBytes += bytes;
    if (this.#granted < 0) throw new SyncError('SYNC_LIMIT', 'more bytes than there was credit');
  }

  #credit(): Buffer {
    const writer = new ByteWriter();
    writer.varint(this.#consumedBytes);
    this.#granted += this.#consumedBytes;
    this.#consumedBytes = 0;
    return encodeFrame(FRAME_CREDIT, writer.view());
  }
}
