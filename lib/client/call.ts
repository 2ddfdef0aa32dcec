/** One call of a client, from when it is made to its reply. */
import type { PeerReply } from '../../discord/peer/pipeline.js';
import type { Timer } from '../../world/world.js';
import { ClientError } from './client-error.js';
import type { Plan } from './routes.js';

/** A reply in plain values; bulk strings as UTF-8, or as Buffers from `callBytes`. */
export type Reply = string | number | null | Buffer | ClientError | Reply[];

/** Pause before a call that was not applied is tried again, ms. */
const PAUSE_MIN_MS = 10;
const PAUSE_MAX_MS = 500;

export class Call {
  readonly words: readonly Buffer[];
  readonly plan: Plan;
  readonly dueMs: number;
  /** While nothing is on its way: until there is a connection, or until it is tried again. */
  timer: Timer | undefined;
  #pauseMs = PAUSE_MIN_MS;
  readonly #settle: (error: ClientError | null, reply: PeerReply) => void;

  constructor(
    words: readonly Buffer[],
    plan: Plan,
    dueMs: number,
    settle: (error: ClientError | null, reply: PeerReply) => void,
  ) {
    this.words = words;
    this.plan = plan;
    this.dueMs = dueMs;
    this.#settle = settle;
  }

  nextPauseMs(): number {
    const pauseMs = this.#pauseMs;
    this.#pauseMs = Math.min(2 * pauseMs, PAUSE_MAX_MS);
    return pauseMs;
  }

  finish(reply: PeerReply): void {
    this.timer?.cancel();
    this.#settle(null, reply);
  }

  fail(code: string, message: string, isInDoubt = false): void {
    this.timer?.cancel();
    const applied = isInDoubt ? 'it may have been applied' : 'not applied';
    this.#settle(new ClientError(code, `${message}; ${applied}`, isInDoubt), null);
  }
}
