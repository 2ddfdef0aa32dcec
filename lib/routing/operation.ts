/** One command of a client that is answered elsewhere, from its first try to its reply. */
import type { Session } from '../server/session.js';
import type { Call } from './calls.js';
import type { Lane, Slot } from './lane.js';
import type { LongSource } from './long-replies.js';
import { pour } from './pour.js';
import { errorReply } from './raw-reply.js';
import type { Router } from './router.js';

/** How often a command is tried again before the client is told to. */
const ATTEMPTS_MAX = 64;
/** And for how long, ms: since it was sent, or since one before it was answered. */
const TRYING_MAX_MS = 4000;
/** Pause before the first and before the last tries, ms. */
const PAUSE_MIN_MS = 10;
const PAUSE_MAX_MS = 200;

/** A command that has a slot already, and the client's state as it was when it got it. */
export interface Begun {
  readonly slot: Slot;
  readonly database: number;
  readonly protocol: 2 | 3;
  readonly readLevel: number;
  readonly writeLevel: number;
}

export abstract class Operation {
  protected readonly router: Router;
  protected readonly session: Session;
  protected readonly lane: Lane;
  protected readonly slot: Slot;
  readonly database: number;
  readonly protocol: 2 | 3;
  /** LEVEL_... of the client, as of now: AT changes them for one command. */
  readonly readLevel: number;
  readonly writeLevel: number;
  /** Names the client to other members. */
  readonly laneId: number;
  /** The client keeps what it reads. */
  isTracked = false;
  #startedMs: number;
  #attempts = 0;
  #isOver = false;
  #open = new Set<Call>();

  constructor(router: Router, session: Session, lane: Lane, begun?: Begun) {
    this.router = router;
    this.session = session;
    this.lane = lane;
    this.slot = begun?.slot ?? lane.add(router.epoch);
    this.slot.cancel = () => this.#cancel();
    this.database = begun?.database ?? session.databaseIndex;
    this.protocol = begun?.protocol ?? session.reply.protocol;
    this.readLevel = begun?.readLevel ?? session.readLevel;
    this.writeLevel = begun?.writeLevel ?? session.writeLevel;
    this.laneId = router.laneIdOf(session);
    this.#startedMs = this.#nowMs;
  }

  /** Decides whom to ask, and asks; again, if the ring has changed meanwhile. */
  abstract start(): void;

  get isOver(): boolean {
    return this.#isOver;
  }

  protected finish(reply: Buffer): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.slot.unblock = undefined;
    this.lane.finish(this.slot, reply);
  }

  /** The reply is too long for a message: the client gets it in portions. */
  long(source: LongSource): void {
    if (this.#isOver) return source.end();
    this.#isOver = true;
    this.slot.unblock = undefined;
    pour(source, this.session, this.lane, this.slot);
  }

  protected fail(text: string): void {
    this.finish(errorReply(text));
  }

  /** Keeps a call that ends with the client. */
  protected opened(call: Call): void {
    if (!this.#isOver) this.#open.add(call);
  }

  protected closed(call: Call | undefined): void {
    if (call !== undefined) this.#open.delete(call);
  }

  /** It has waited where its keys were: what is tried from now on has its own time. */
  protected beginAnew(): void {
    this.#startedMs = this.#nowMs;
    this.#attempts = 0;
  }

  /**
   * Starts anew once all commands before it are answered: so the order stays. Pauses before, unless
   * one that was tried before it has just found its owner. Gives up after a while.
   */
  again(reason: string): void {
    if (this.#isOver) return;
    this.lane.isClosed = true;
    this.lane.asksAnew();
    this.#attempts += 1;
    const refusedMs = this.#nowMs;
    const tryOr = (next: () => void): void => {
      if (this.#isOver) return;
      if (this.#isTooLate || this.#attempts >= ATTEMPTS_MAX) this.#giveUp(this.givenUp(reason));
      else next();
    };
    this.lane.whenHead(this.slot, () => {
      if (this.#attempts === 1 && this.lane.progressMs > refusedMs)
        return tryOr(() => this.start());
      const pauseMs = Math.min(PAUSE_MAX_MS, PAUSE_MIN_MS * 2 ** Math.min(this.#attempts, 8));
      // This node may not have run for long when the pause is over.
      tryOr(() => this.router.world.timers.after(pauseMs, () => tryOr(() => this.start())));
    });
  }

  get #isTooLate(): boolean {
    const sinceMs = Math.max(this.#startedMs, this.lane.progressMs);
    return this.#nowMs - sinceMs > TRYING_MAX_MS;
  }

  get #nowMs(): number {
    return this.router.world.clock.monotonicMs();
  }

  /** Nobody acts for what the member at `owner` owns. */
  protected down(owner: number): void {
    this.#giveUp(this.givenUp(this.router.clusterDown(owner)));
  }

  #giveUp(reply: Buffer): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.slot.unblock = undefined;
    this.lane.giveUp(this.slot, reply);
  }

  /** The reply once it is tried no more. */
  protected givenUp(reason: string): Buffer {
    return errorReply(`${reason}; not applied`);
  }

  #cancel(): void {
    this.#isOver = true;
    for (const call of this.#open) this.router.calls.cancel(call);
    this.#open.clear();
    this.cancelled();
  }

  /** The client is gone. */
  protected cancelled(): void {}
}

/** A command that is refused in a ring. */
export class Refused extends Operation {
  readonly #text: string;

  constructor(router: Router, session: Session, lane: Lane, text: string) {
    super(router, session, lane);
    this.#text = text;
  }

  override start(): void {
    this.fail(this.#text);
  }
}
