/**
 * A command that is asked of several members: a plan, which is a generator, says what to ask of
 * whom, gets the replies in the same order, and returns the reply to the client.
 *
 *   plan   yield [ask A, ask B]  -->  replies [a, b]  -->  yield [ask C]  -->  return reply
 *
 * If a member refuses, because the ring has changed, or does not answer, the plan begins anew once
 * the others have answered. A plan that writes keeps what is done outside of its generator: `got`
 * of a part is called for each reply that has come.
 */
import { Args } from '../../resp/args.js';
import type { Session } from '../server/session.js';
import type { Database } from '../store/database.js';
import { ACTING, SPAN_PART, TRACK } from './call-header.js';
import type { Call } from './calls.js';
import type { Lane } from './lane.js';
import { Operation } from './operation.js';
import { errorReply, isError, OK } from './raw-reply.js';
import type { Router } from './router.js';

export interface Part {
  /** Index in the ring of whose keys it is about. */
  readonly owner: number;
  readonly words: readonly (string | Buffer)[];
  /** About a part of the ring, and no keys: `[low, high]` in the syntax of KRANGE. */
  readonly bounds?: readonly [low: Buffer, high: Buffer];
  /** Only this very member will do, and no replica in its place. */
  readonly isExact?: boolean;
  /** Here, on this database and not on the client's. */
  readonly side?: Database;
  /** An error is a reply like any other, if it says so. */
  readonly tolerates?: () => boolean;
  /** Hears of a reply that is no error as soon as it has come. */
  readonly got?: (reply: Buffer) => void;
}

export type Plan = Generator<readonly Part[], Buffer, Buffer[]>;

export interface PlanOptions {
  readonly name: string;
  readonly isWrite: boolean;
  /** Makes the reply of the first that failed; by default it is passed on. */
  readonly failed?: (reply: Buffer) => Buffer;
}

export class Parts extends Operation {
  readonly #begin: () => Plan;
  readonly #options: PlanOptions;
  /** A member has done its part of what writes. */
  #hasBegun = false;
  #plan: Plan | undefined;
  #epoch = 0;

  constructor(
    router: Router,
    session: Session,
    queue: Lane,
    begin: () => Plan,
    options: PlanOptions,
  ) {
    super(router, session, queue);
    this.#begin = begin;
    this.#options = options;
  }

  override start(): void {
    this.#end();
    this.#plan = this.#begin();
    this.#epoch = this.router.epoch;
    this.#goOn([]);
  }

  protected override givenUp(reason: string): Buffer {
    this.#end();
    const reply = super.givenUp(reason);
    if (!this.#hasBegun) return reply;
    const { failed, name } = this.#options;
    const [, text = reason] = /^[A-Z]+ (.*)$/.exec(reason) ?? [];
    const partial = errorReply(
      `INDOUBT ${text}; '${name}' was done by some members and not by all`,
    );
    return failed?.(partial) ?? partial;
  }

  protected override cancelled(): void {
    this.#end();
  }

  /** What a plan holds is given back. */
  #end(): void {
    this.#plan?.return(OK);
    this.#plan = undefined;
  }

  #goOn(replies: Buffer[]): void {
    if (this.#epoch !== this.router.epoch) {
      this.again('TRYAGAIN the ring is changing');
      return;
    }
    // What is behind it may have overtaken what it asks next.
    if (replies.length > 0) this.lane.asksAnew();
    const next = this.#plan!.next(replies);
    if (next.done === true) this.finish(next.value);
    else if (next.value.length === 0) this.#goOn([]);
    else this.#ask(next.value);
  }

  #ask(parts: readonly Part[]): void {
    const replies: Buffer[] = [];
    for (const { isExact, owner } of parts) {
      if (isExact === true || this.router.calls.actorFor(owner) >= 0) continue;
      this.down(owner);
      return;
    }
    let left = parts.length;
    let reason: string | undefined;
    const over = (): void => {
      left -= 1;
      if (left > 0 || this.isOver) return;
      if (reason !== undefined) this.again(reason);
      else this.#answered(parts, replies);
    };
    for (const [at, part] of parts.entries()) {
      this.#send(
        part,
        (reply) => {
          replies[at] = reply;
          if (!isError(reply)) {
            part.got?.(reply);
            this.#hasBegun ||= this.#options.isWrite;
          }
          over();
        },
        (why) => {
          reason ??= why;
          over();
        },
      );
      if (this.isOver) return;
    }
  }

  #answered(parts: readonly Part[], replies: Buffer[]): void {
    const error = replies.find((reply, at) => isError(reply) && parts[at]!.tolerates?.() !== true);
    if (error === undefined) this.#goOn(replies);
    else this.#fail(this.#options.failed?.(error) ?? error);
  }

  #fail(reply: Buffer): void {
    this.#end();
    this.finish(reply);
  }

  #send(part: Part, done: (reply: Buffer) => void, again: (reason: string) => void): void {
    const { router } = this;
    const { bounds, isExact, owner, side, words } = part;
    const actor = isExact === true ? owner : router.calls.actorFor(owner);
    let flags = actor === owner ? 0 : ACTING;
    if (bounds !== undefined) flags |= SPAN_PART;
    if (this.isTracked) flags |= TRACK;
    let call: Call | undefined;
    const { database, laneId, protocol, readLevel, writeLevel } = this;
    const { isWrite, name } = this.#options;
    const options = {
      verb: 'CALL' as const,
      laneId,
      database,
      protocol,
      flags,
      readLevel,
      writeLevel,
      isWrite,
      name,
      done: (reply: Buffer) => {
        this.closed(call);
        done(reply);
      },
      again: (reason: string) => {
        this.closed(call);
        again(reason);
      },
    };
    if (actor === router.selfIndex) {
      const limits = bounds && { low: bounds[0], high: bounds[1] };
      call = router.calls.runHere(Args.of(...words), options, { part: limits, side });
    } else {
      const all = bounds === undefined ? words : [...bounds, ...words];
      call = router.calls.call(router.ring.members[actor]!.id, all, options);
    }
    this.opened(call);
  }
}
