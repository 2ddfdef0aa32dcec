/**
 * The requests of one connection: those that wait to be sent, and those in flight.
 *
 *   add --> waiting --takeBatch--> in flight --answer--> done(null, reply)
 *             |                       |
 *             +---- expire, fail -----+----------------> done(error)
 *
 * Replies come in the order of the requests, so one that timed out or was cancelled while in
 * flight keeps its place until its reply has come; nobody hears of that. If the oldest waits for
 * too long the connection is stuck, whatever the deadlines of the others.
 *
 * Invariants: `done` is called once at most, never from within `add`; what waits and what is in
 * flight is bounded in number and in bytes. Pure: times come in.
 */
import Denque from 'denque';
import { encodeRequest } from '../../resp/request-writer.js';
import { PeerError, type PeerErrorCode } from './peer-error.js';

/** What redis-parser makes of a reply; an error reply is an Error. */
export type PeerReply = Buffer | number | null | Error | PeerReply[];

export type Done = (error: PeerError | null, reply: PeerReply) => void;

export interface PipelineLimits {
  readonly waitingMax: number;
  readonly waitingBytesMax: number;
  readonly inFlightMax: number;
  readonly inFlightBytesMax: number;
  /** How long the oldest request may be in flight before the connection counts as stuck, ms. */
  readonly stallMaxMs: number;
}

/** What one write may take, and one request more. */
const BATCH_BYTES_MAX = 64 * 1024;

export class PeerRequest {
  readonly bytes: Buffer;
  readonly dueMs: number;
  sentMs = -1;
  /** Undefined once nobody waits for it any more. */
  done: Done | undefined;

  constructor(bytes: Buffer, dueMs: number, done: Done) {
    this.bytes = bytes;
    this.dueMs = dueMs;
    this.done = done;
  }

  /** True if it may have been executed. */
  get wasSent(): boolean {
    return this.sentMs >= 0;
  }

  /** Nobody is told any more. What has not been sent never will be. */
  cancel(): void {
    this.done = undefined;
  }
}

export class Pipeline {
  readonly #limits: PipelineLimits;
  readonly #waiting = new Denque<PeerRequest>();
  readonly #inFlight = new Denque<PeerRequest>();
  #waitingBytes = 0;
  #inFlightBytes = 0;

  constructor(limits: PipelineLimits) {
    this.#limits = limits;
  }

  get waitingCount(): number {
    return this.#waiting.length;
  }

  get inFlightCount(): number {
    return this.#inFlight.length;
  }

  /** Whether a request of so many bytes would be taken. */
  hasRoom(bytes = 0): boolean {
    const { waitingMax, waitingBytesMax } = this.#limits;
    // One that is alone may be of any size: it could never be sent otherwise.
    if (this.#waiting.length === 0) return true;
    return this.#waiting.length < waitingMax && this.#waitingBytes + bytes <= waitingBytesMax;
  }

  /** Less than half of what may wait does: who was refused may come again. */
  get isRelaxed(): boolean {
    const { waitingMax, waitingBytesMax } = this.#limits;
    const isShort = this.#waiting.length * 2 <= waitingMax;
    return isShort && this.#waitingBytes * 2 <= waitingBytesMax;
  }

  /** A PeerError if there is no room; `done` is not called then. */
  add(words: readonly (string | Buffer)[], dueMs: number, done: Done): PeerRequest | PeerError {
    const bytes = encodeRequest(words);
    if (!this.hasRoom(bytes.length)) return new PeerError('PEER_BUSY', 'too many requests wait');
    const request = new PeerRequest(bytes, dueMs, done);
    this.#waiting.push(request);
    this.#waitingBytes += bytes.length;
    return request;
  }

  /** The bytes to write next, which are in flight from now on; null if there are none. */
  takeBatch(nowMs: number): Buffer | null {
    const { inFlightMax, inFlightBytesMax } = this.#limits;
    const batch: Buffer[] = [];
    let batchBytes = 0;
    while (batchBytes < BATCH_BYTES_MAX) {
      const request = this.#waiting.peekFront();
      if (request === undefined) break;
      if (request.done !== undefined) {
        const isFull = this.#inFlightBytes + request.bytes.length > inFlightBytesMax;
        if (this.#inFlight.length >= inFlightMax) break;
        if (isFull && this.#inFlight.length > 0) break;
        request.sentMs = nowMs;
        this.#inFlight.push(request);
        this.#inFlightBytes += request.bytes.length;
        batch.push(request.bytes);
        batchBytes += request.bytes.length;
      }
      this.#waiting.shift();
      this.#waitingBytes -= request.bytes.length;
    }
    if (batch.length === 0) return null;
    return batch.length === 1 ? batch[0]! : Buffer.concat(batch, batchBytes);
  }

  /** The reply to the oldest request in flight. False: nobody has asked for it. */
  answer(reply: PeerReply): boolean {
    const request = this.#inFlight.shift();
    if (request === undefined) return false;
    this.#inFlightBytes -= request.bytes.length;
    finish(request, null, reply);
    return true;
  }

  /** Tells those whose time is over. True: the connection is stuck. */
  expire(nowMs: number): boolean {
    for (const queue of [this.#inFlight, this.#waiting]) {
      for (let at = 0; at < queue.length; at += 1) {
        const request = queue.peekAt(at)!;
        if (request.dueMs <= nowMs) fail(request, 'PEER_TIMEOUT', 'no reply in time');
      }
    }
    return this.stallDueMs <= nowMs;
  }

  /** When the connection counts as stuck, unless replies come; Infinity if nothing is in flight. */
  get stallDueMs(): number {
    const oldest = this.#inFlight.peekFront();
    return oldest === undefined ? Infinity : oldest.sentMs + this.#limits.stallMaxMs;
  }

  /** When `expire` has something to do, Infinity if never. */
  get nextDueMs(): number {
    let nextMs = this.stallDueMs;
    for (const queue of [this.#inFlight, this.#waiting]) {
      for (let at = 0; at < queue.length; at += 1) {
        const request = queue.peekAt(at)!;
        if (request.done !== undefined) nextMs = Math.min(nextMs, request.dueMs);
      }
    }
    return nextMs;
  }

  /** The connection is gone: nothing comes any more, and what waits is not sent. */
  failAll(code: PeerErrorCode, message: string): void {
    // Those who are told may add requests, which belong to the next connection.
    const all = [...this.#inFlight.toArray(), ...this.#waiting.toArray()];
    this.#inFlight.clear();
    this.#waiting.clear();
    this.#waitingBytes = 0;
    this.#inFlightBytes = 0;
    for (const request of all) fail(request, request.wasSent ? 'PEER_LOST' : code, message);
  }
}

function fail(request: PeerRequest, code: PeerErrorCode, message: string): void {
  const { wasSent } = request;
  finish(request, new PeerError(code, message, { wasSent }), null);
}

function finish(request: PeerRequest, error: PeerError | null, reply: PeerReply): void {
  const { done } = request;
  request.done = undefined;
  done?.(error, reply);
}
