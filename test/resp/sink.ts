/**
 * A link for tests: takes replies, and now and then keeps a buffer until `drain`. It copies late,
 * so that a buffer reused too early shows as wrong bytes.
 */
import type { ReplySink, ReplyWriter } from '../../resp/reply-writer.js';
import type { SeededRandom } from '../support/random.js';

export class TestSink implements ReplySink {
  readonly #random: SeededRandom | undefined;
  readonly #sent: Buffer[] = [];
  #held: Buffer[] = [];
  /** What `write` returns without a random source. */
  open = true;
  writes = 0;

  constructor(random?: SeededRandom) {
    this.#random = random;
  }

  get heldBuffers(): number {
    return this.#held.length;
  }

  write(buf: Buffer, from: number, to: number): boolean {
    this.writes++;
    const keeps = this.#held.length > 0 || !(this.#random?.chance(0.7) ?? this.open);
    if (keeps) this.#held.push(buf.subarray(from, to));
    else this.#sent.push(Buffer.from(buf.subarray(from, to)));
    return !keeps;
  }

  /** Sends what it kept. */
  drain(writer: ReplyWriter): void {
    for (const buf of this.#held) this.#sent.push(Buffer.from(buf));
    this.#held = [];
    writer.drained();
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#sent);
  }
}
