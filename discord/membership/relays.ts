/** Pings on behalf of others: who asked, and until when an answer is of use. */
import { RELAYS_MAX } from './options.js';

export interface Relay {
  readonly to: string;
  readonly seq: number;
  readonly dueMs: number;
}

export class Relays {
  /** By the number of the ping that was sent; in the order in which they are due. */
  readonly #all = new Map<number, Relay>();

  /** False: too many are under way. */
  add(pingSeq: number, relay: Relay): boolean {
    if (this.#all.size >= RELAYS_MAX) return false;
    this.#all.set(pingSeq, relay);
    return true;
  }

  /** Whom an answer to this ping is for, once. */
  take(pingSeq: number): Relay | undefined {
    const relay = this.#all.get(pingSeq);
    this.#all.delete(pingSeq);
    return relay;
  }

  get nextDueMs(): number {
    let nextMs = Infinity;
    for (const { dueMs } of this.#all.values()) nextMs = Math.min(nextMs, dueMs);
    return nextMs;
  }

  /** Those that got no answer in time. */
  takeDue(nowMs: number): Relay[] {
    const due = [...this.#all].filter(([, relay]) => relay.dueMs <= nowMs);
    for (const [seq] of due) this.#all.delete(seq);
    return due.map(([, relay]) => relay);
  }

  clear(): void {
    this.#all.clear();
  }
}
