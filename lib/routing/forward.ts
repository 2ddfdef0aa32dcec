/** A command whose keys have one owner: it is run there, and its reply passed on as it is. */
import type { Args } from '../../resp/args.js';
import { afterWaiting } from '../commands/block-again.js';
import type { Command } from '../commands/command.js';
import type { Session } from '../server/session.js';
import { ACTING, TRACK } from './call-header.js';
import { type Call, type CallOptions, isRefusal, NOT_AGREED } from './calls.js';
import { crossRange } from './cross-range.js';
import type { Lane } from './lane.js';
import { mayWrite } from './may-write.js';
import { type Begun, Operation } from './operation.js';
import { ownerOfKeys, SEVERAL } from './owned-keys.js';
import type { Router } from './router.js';

export class Forward extends Operation implements CallOptions {
  readonly verb = 'CALL';
  readonly name: string;
  readonly isWrite: boolean;
  readonly isBlocking: boolean;
  flags = 0;
  readonly #command: Command;
  #args: Args;
  #sinceMs: number;
  #call: Call | undefined;

  constructor(
    router: Router,
    session: Session,
    lane: Lane,
    { args, begun, command }: { args: Args; command: Command; begun?: Begun },
  ) {
    super(router, session, lane, begun);
    this.#command = command;
    this.#sinceMs = router.world.clock.monotonicMs();
    this.isBlocking = command.route.isBlocking;
    this.#args = this.isBlocking ? args.clone() : args.cloneBriefly();
    this.name = command.fullName;
    this.isWrite = mayWrite(router.server, command, args);
    if (!this.isBlocking) return;
    lane.isClosed = true;
    this.slot.unblock = (withError) => {
      if (this.#call !== undefined) router.calls.unblock(this.#call, withError);
    };
  }

  override start(): void {
    const { router } = this;
    const args = this.#args;
    const owner = ownerOfKeys(router.server, router.ring, this.#command, args);
    if (owner === SEVERAL) {
      this.fail(crossRange(router, this.#command, args));
      return;
    }
    const actor = owner < 0 ? router.selfIndex : router.calls.actorFor(owner);
    if (actor < 0) {
      this.down(owner);
      return;
    }
    this.flags = (actor === owner ? 0 : ACTING) | (this.isTracked ? TRACK : 0);
    if (actor === router.selfIndex) {
      this.#keep(router.calls.runHere(args, this));
      return;
    }
    const words: Buffer[] = [];
    for (let i = 0; i < args.count; i += 1) {
      words.push(args.buf.subarray(args.starts[i]!, args.ends[i]!));
    }
    this.#keep(router.calls.call(router.ring.members[actor]!.id, words, this));
  }

  done(reply: Buffer): void {
    this.closed(this.#call);
    if (this.isBlocking && isRefusal(reply)) this.#moveOn(reply, this.#call!.memberId);
    else this.finish(reply);
  }

  isMoved(): boolean {
    if (!this.isBlocking || this.#call === undefined) return false;
    const { calls, ring, server } = this.router;
    const owner = ownerOfKeys(server, ring, this.#command, this.#args);
    const actor = owner < 0 ? -1 : calls.actorFor(owner);
    return actor >= 0 && ring.members[actor]!.id !== this.#call.memberId;
  }

  /** The member where it waited does not act for its keys any more; see `Blocking.moveOn`. */
  #moveOn(refusal: Buffer, memberId: string): void {
    let [, ...ids] = refusal.toString('latin1').trimEnd().split(' ');
    if (ids[0] === 'AWAY') {
      ids = ids.slice(1);
      this.router.calls.wentAway(memberId);
    }
    const nowMs = this.router.world.clock.monotonicMs();
    this.#args = afterWaiting(this.#args, nowMs - this.#sinceMs, ids);
    this.#sinceMs = nowMs;
    this.beginAnew();
    this.again(NOT_AGREED);
  }

  #keep(call: Call): void {
    this.#call = call;
    this.opened(call);
  }
}
