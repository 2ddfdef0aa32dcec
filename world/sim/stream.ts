/**
 * One direction of a simulated TCP connection.
 *
 *   app --write--> queue --> window (sent, not yet consumed) --> early --> inbox --data--> app
 *                  caller's  copied; segments are lost, late,    out of    in order
 *                  buffers   doubled and reordered               order
 *
 * The model: a stream stays ordered and intact whatever the network does to its segments. Loss
 * means sending again, later; reordering means waiting for the gap; a duplicate is dropped. What
 * shows above is delay, a stall, and in the end a cut: when a segment has not been acknowledged
 * for `cutAfterMs` the sender gives up with ETIMEDOUT. Acknowledgements take the way back, so a
 * one-way partition cuts both directions.
 *
 * The window is one bound for the send and receive buffers of two real kernels. It opens when the
 * receiving application has consumed, so a reader that stands still stops the writer, and keeps
 * the connection.
 *
 * Invariant: segments enter the inbox in the order of their numbers, each once.
 */

import type { Conditions } from './conditions.js';
import type { Machine } from './machine.js';
import type { SimRandom } from './random.js';
import type { Scheduler } from './scheduler.js';

export interface StreamOptions {
  /** Bytes that may be under way or unread. */
  readonly windowBytes: number;
  readonly segmentBytesMax: number;
  /** Chance that a segment is split at a random place. */
  readonly splitChance: number;
  /** First wait before a lost segment is sent again; doubles up to `resendMaxMs`. */
  readonly resendMinMs: number;
  readonly resendMaxMs: number;
  /** How long a segment may stay unacknowledged before the connection is cut. */
  readonly cutAfterMs: number;
}

export interface StreamParts {
  readonly scheduler: Scheduler;
  readonly random: SimRandom;
  readonly conditions: Conditions;
  readonly from: Machine;
  readonly to: Machine;
}

/** What a stream tells its two ends. */
export interface StreamEnds {
  /** The caller's queued buffers have all been taken over. */
  onDrained(): void;
  /** The sender gives up. */
  onCut(): void;
  /** The inbox has something new. */
  onInbox(): void;
  /** False: the receiving end does not know the connection (any more) and answers with a reset. */
  isKnown(): boolean;
  onUnknown(): void;
}

interface Segment {
  readonly sequence: number;
  readonly bytes: Buffer;
  readonly isFin: boolean;
  readonly firstSentMs: number;
  isAcknowledged: boolean;
}

interface Queued {
  readonly buf: Buffer;
  from: number;
  readonly to: number;
}

export class SimStream {
  /** In order, ready for the receiving application. */
  readonly inbox: Buffer[] = [];
  inboxBytes = 0;
  /** The sender's end of stream has arrived, after all bytes. */
  isFinArrived = false;
  queuedBytes = 0;

  readonly #parts: StreamParts;
  readonly #options: StreamOptions;
  readonly #ends: StreamEnds;
  readonly #queue: Queued[] = [];
  readonly #early = new Map<number, Segment>();
  #windowUsedBytes = 0;
  #nextSequence = 0;
  #expectedSequence = 0;
  #isFinAsked = false;
  #isFinSent = false;
  #isStopped = false;

  constructor(parts: StreamParts, options: StreamOptions, ends: StreamEnds) {
    this.#parts = parts;
    this.#options = options;
    this.#ends = ends;
  }

  /** True: copied. False: part of `buf` is kept, uncopied, until `onDrained`. */
  write(buf: Buffer, from: number, to: number): boolean {
    if (from === to || this.#isFinAsked || this.#isStopped) return true;
    this.#queue.push({ buf, from, to });
    this.queuedBytes += to - from;
    this.#fillWindow();
    return this.queuedBytes === 0;
  }

  /** After everything queued, the end of the stream. */
  finish(): void {
    this.#isFinAsked = true;
    this.#fillWindow();
  }

  /** The application's queue is lost; what the kernel took over still goes out. */
  dropQueue(): void {
    this.#queue.length = 0;
    this.queuedBytes = 0;
  }

  /** Nothing goes out any more. */
  stop(): void {
    this.#isStopped = true;
    this.dropQueue();
  }

  /** Takes up to `target.length` bytes out of the inbox. */
  consume(target: Buffer): number {
    let bytes = 0;
    while (bytes < target.length) {
      const chunk = this.inbox[0];
      if (chunk === undefined) break;
      const taken = chunk.copy(target, bytes);
      bytes += taken;
      if (taken === chunk.length) this.inbox.shift();
      else this.inbox[0] = chunk.subarray(taken);
    }
    this.inboxBytes -= bytes;
    this.#reportConsumed(bytes);
    return bytes;
  }

  #fillWindow(): void {
    while (this.#queue.length > 0) {
      const room = this.#options.windowBytes - this.#windowUsedBytes;
      if (room <= 0) return;
      const queued = this.#queue[0]!;
      const bytes = Math.min(room, queued.to - queued.from, this.#segmentBytes());
      const copy = Buffer.from(queued.buf.subarray(queued.from, queued.from + bytes));
      queued.from += bytes;
      if (queued.from === queued.to) this.#queue.shift();
      this.queuedBytes -= bytes;
      this.#windowUsedBytes += bytes;
      this.#sendFirst(copy, false);
    }
    if (this.#isFinAsked && !this.#isFinSent && !this.#isStopped) {
      this.#isFinSent = true;
      this.#sendFirst(Buffer.alloc(0), true);
    }
  }

  #segmentBytes(): number {
    const { segmentBytesMax, splitChance } = this.#options;
    const { random } = this.#parts;
    return random.chance(splitChance) ? 1 + random.below(segmentBytesMax) : segmentBytesMax;
  }

  #sendFirst(bytes: Buffer, isFin: boolean): void {
    const segment: Segment = {
      sequence: this.#nextSequence++,
      bytes,
      isFin,
      firstSentMs: this.#parts.scheduler.nowMs,
      isAcknowledged: false,
    };
    this.#send(segment, this.#options.resendMinMs);
  }

  #send(segment: Segment, resendAfterMs: number): void {
    const { conditions, from, to, random } = this.#parts;
    const path = conditions.of(from, to);
    if (random.chance(path.lossChance)) {
      this.#sendAgain(segment, resendAfterMs);
      return;
    }
    this.#travel(segment, resendAfterMs);
    if (random.chance(path.duplicateChance)) this.#travel(segment, resendAfterMs);
  }

  #travel(segment: Segment, resendAfterMs: number): void {
    const { scheduler, conditions, from, to, random } = this.#parts;
    const delayMs = conditions.delayMs(from, to, random);
    scheduler.after(delayMs, () => this.#arrive(segment, resendAfterMs));
  }

  #sendAgain(segment: Segment, resendAfterMs: number): void {
    const { scheduler } = this.#parts;
    const { resendMaxMs, cutAfterMs } = this.#options;
    scheduler.after(resendAfterMs, () => {
      if (segment.isAcknowledged || this.#isStopped) return;
      if (scheduler.nowMs - segment.firstSentMs >= cutAfterMs) this.#ends.onCut();
      else this.#send(segment, Math.min(2 * resendAfterMs, resendMaxMs));
    });
  }

  #arrive(segment: Segment, resendAfterMs: number): void {
    if (segment.isAcknowledged) return;
    const { conditions, from, to } = this.#parts;
    if (!from.isUp || !to.isUp || conditions.of(from, to).isBlocked) {
      this.#sendAgain(segment, resendAfterMs);
      return;
    }
    const isAckBlocked = conditions.of(to, from).isBlocked;
    if (!this.#ends.isKnown()) {
      if (isAckBlocked) this.#sendAgain(segment, resendAfterMs);
      else this.#ends.onUnknown();
      return;
    }
    if (isAckBlocked) this.#sendAgain(segment, resendAfterMs);
    else segment.isAcknowledged = true;
    this.#receive(segment);
  }

  #receive(segment: Segment): void {
    if (segment.sequence < this.#expectedSequence) return;
    this.#early.set(segment.sequence, segment);
    let next = this.#early.get(this.#expectedSequence);
    if (next === undefined) return;
    while (next !== undefined) {
      this.#early.delete(next.sequence);
      this.#expectedSequence += 1;
      if (next.isFin) this.isFinArrived = true;
      else this.inbox.push(next.bytes);
      this.inboxBytes += next.bytes.length;
      next = this.#early.get(this.#expectedSequence);
    }
    this.#ends.onInbox();
  }

  /** The window opens at the sender once the news has travelled back. */
  #reportConsumed(bytes: number): void {
    if (bytes === 0 || this.#isStopped) return;
    const { scheduler, conditions, from, to, random } = this.#parts;
    const sinceMs = scheduler.nowMs;
    scheduler.after(conditions.delayMs(to, from, random), () => this.#open(bytes, sinceMs));
  }

  #open(bytes: number, sinceMs: number): void {
    if (this.#isStopped) return;
    const { scheduler, conditions, from, to } = this.#parts;
    const { resendMaxMs, cutAfterMs } = this.#options;
    if (conditions.of(to, from).isBlocked) {
      if (scheduler.nowMs - sinceMs >= cutAfterMs && this.queuedBytes > 0) this.#ends.onCut();
      else scheduler.after(resendMaxMs, () => this.#open(bytes, sinceMs));
      return;
    }
    const wasQueued = this.queuedBytes > 0;
    this.#windowUsedBytes -= bytes;
    this.#fillWindow();
    if (wasQueued && this.queuedBytes === 0) this.#ends.onDrained();
  }
}
