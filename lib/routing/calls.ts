/**
 * Calls: commands that this node has run by the members that own their keys.
 *
 *   call --> CALL  ---bulk-------------> done(reply)
 *                  ---an integer-------> parked: it blocks, or runs in slices there
 *                                          `-- ANSWER id reply, from there --> done(reply)
 *                                          `-- ANSWER id --------------------> long(...): PORTION
 *                  ---NOTMINE----------> again(): whose it is must be found out anew
 *                  ---no answer--------> done(-INDOUBT ...), or again() if it only reads
 *                  ---was not sent-----> again()
 *
 * Order: of two commands for one key that a client pipelines, the second must not be let in by a
 * member that has just refused the first, because its view changed in between. So each call carries
 * the generation of its member: who refuses one call refuses all of that generation, and the next
 * begins when the refusal is heard.
 *
 * Lateness: a call that is given up may still lie in a buffer, or wait with its member. So it carries
 * the time after which it must not be begun (`dueMs`), which comes before this node gives it up; what is
 * parked gets another one as long as it is waited for (docs/decisions/0022).
 */
import { clockWords } from '../../discord/peer/greeting.js';
import { PeerError } from '../../discord/peer/peer-error.js';
import type { Done, PeerReply, PeerRequest } from '../../discord/peer/pipeline.js';
import { Args } from '../../resp/args.js';
import type { Timer } from '../../world/world.js';
import { LOADING } from '../commands/replies.js';
import type { RingLinks } from '../ring/ring-links.js';
import type { Server } from '../server/server.js';
import type { QueuedCommand } from '../server/session.js';
import { encodeHeader, WHOLE } from './call-header.js';
import type { Answered, Guest, GuestLimits, GuestOptions, Guests } from './guests.js';
import type { Handover } from './handover.js';
import { LocalSource, type LongSource, RemoteReply } from './long-replies.js';
import { Portions } from './portions.js';
import { errorReply } from './raw-reply.js';

/** Time that a member has to answer, or to say that it will later, ms. */
export const CALL_TIMEOUT_MS = 5000;
/** How often members are asked whether they still know what is parked with them, ms. */
const PARKED_CHECK_MS = 2000;
const PARKED_TIMEOUT_MS = 1500;
/** What is parked and not asked for in this time is not begun, or ends where it waits, ms. */
const PARKED_KEPT_MS = 8000;
/** So much before it is given up a call may not be begun any more: clocks of members may differ, ms. */
const DUE_MARGIN_MS = 500;
/** How often members that were sent calls are told what time it is here, ms. */
const CLOCK_EVERY_MS = 15_000;
/** They are told sooner if they refuse, but not more often than this, ms. */
const CLOCK_PAUSE_MS = 250;
/** Who cannot be reached for so long is taken for dead here, though nobody has said so yet, ms. */
const UNREACHABLE_MS = 1000;
/** Who says that it stops, or is loading, is sent nothing for so long, ms. */
const AWAY_MS = 250;
/** Ids begin anywhere, so that those of an earlier run of this node are not taken for its own. */
const FIRST_ID_MAX = 2 ** 40;

export const NOT_MINE = 'NOTMINE';
/** Followed by ids, if what waited for streams is refused: this member stops, or is loading. */
export const AWAY = `${NOT_MINE} AWAY`;
export const NOT_AGREED = 'TRYAGAIN the members do not agree yet on who owns what';
export const NONSENSE = 'ERR a member answered nonsense';
const REFUSAL = Buffer.from(`-${NOT_MINE}`);
export const EXEC_WORDS = Args.of('EXEC');

export interface CallOptions {
  readonly verb: 'CALL' | 'EXEC';
  /** As in the header; epoch, generation and id are filled in. */
  readonly laneId: number;
  readonly database: number;
  readonly protocol: 2 | 3;
  readonly flags: number;
  readonly readLevel: number;
  readonly writeLevel: number;
  readonly isWrite: boolean;
  /** For errors and the log. */
  readonly name: string;
  /** It may wait for long, and does nothing until then. */
  readonly isBlocking?: boolean;
  done(reply: Buffer): void;
  /** Called in place of `done` for a reply that comes in portions; without it none does. */
  long?(source: LongSource): void;
  /** Of what may wait for long: whether it would be sent to another member now. */
  isMoved?(): boolean;
  /** It was certainly not run. `reason` is what to tell the client if that is given up. */
  again(reason: string): void;
}

/** What Calls needs of the batches that go over the same links. */
export interface Gathered {
  /** What comes next to this member must not overtake what is gathered. */
  seal(memberId: string): void;
  /** An ANSWER, ANSWERS; false: nobody waits for it. */
  answeredEarly(id: number, memberId: string, reply: Buffer | undefined): boolean;
  answered(firstId: number, memberId: string, answers: Buffer): boolean;
  memberDied(memberId: string): void;
  /** First ids of batches of which some commands are held, with the member. */
  held(): Iterable<readonly [memberId: string, firstId: number]>;
  /** The member knows nothing of the batch any more; false: it is none. */
  forgotten(firstId: number): boolean;
}

export class Call {
  readonly id: number;
  readonly memberId: string;
  readonly options: CallOptions;
  request: PeerRequest | undefined;
  guest: Guest | undefined;
  isParked = false;
  /** Its reply, while the client is given it in portions. */
  long: RemoteReply | undefined;

  constructor(id: number, memberId: string, options: CallOptions) {
    this.id = id;
    this.memberId = memberId;
    this.options = options;
  }
}

function guestOf(options: CallOptions, limits: GuestLimits): GuestOptions {
  const { database, protocol, readLevel, writeLevel } = options;
  const isWhole = options.long === undefined;
  return { database, protocol, readLevel, writeLevel, remote: 'ring', isWhole, ...limits };
}

export interface CallsParts {
  readonly server: Server;
  readonly links: RingLinks;
  readonly guests: Guests;
  readonly handover: Handover;
}

export class Calls {
  readonly guests: Guests;
  readonly #handover: Handover;
  /** Must be there before the first call. */
  batches!: Gathered;
  readonly #server: Server;
  readonly #links: RingLinks;
  readonly #calls = new Map<number, Call>();
  readonly #portions: Portions;
  readonly #generations = new Map<string, number>();
  /** When a member was last told what time it is here, monotonic ms. */
  readonly #toldTime = new Map<string, number>();
  /** Since when a member cannot be reached, monotonic ms. */
  readonly #unreachable = new Map<string, number>();
  /** Who has said that it is away: since when, and until when that is believed, monotonic ms. */
  readonly #away = new Map<string, { readonly sinceMs: number; readonly untilMs: number }>();
  #nextId: number;
  #parkedCount = 0;
  #check: Timer | undefined;
  #clock: Timer | undefined;

  constructor(components: CallsParts) {
    this.#server = components.server;
    this.#links = components.links;
    this.guests = components.guests;
    this.#handover = components.handover;
    const { world } = this.#server.store;
    this.#portions = new Portions({ world, links: this.#links }, { timeoutMs: CALL_TIMEOUT_MS });
    this.#nextId = 1 + world.random.below(FIRST_ID_MAX);
  }

  get size(): number {
    return this.#calls.size;
  }

  /**
   * The member that acts for what the member at `owner` owns: itself, or the first of the other
   * replicas that can be reached. -1: there is none.
   */
  actorFor(owner: number): number {
    const { current } = this.#links.responsibility;
    for (let n = 0; n < current.replicaCount; n += 1) {
      const index = current.replicaOf(owner, n);
      if (this.#canReach(current.members[index]!.id)) return index;
    }
    return -1;
  }

  /** The first of so many ids in a row. */
  takeIds(count: number): number {
    const first = this.#nextId;
    this.#nextId += count;
    return first;
  }

  generationOf(memberId: string): number {
    return this.#generations.get(memberId) ?? 0;
  }

  /** Until when what is sent to a member now may be begun there, by the clock of this node, ms. */
  dueMs(memberId: string): number {
    // The greeting has told it.
    if (!this.#toldTime.has(memberId)) this.#toldTime.set(memberId, this.#nowMs);
    this.#clock ??= this.#server.store.world.timers.every(
      CLOCK_EVERY_MS,
      () => {
        for (const id of this.#toldTime.keys()) this.#tellTime(id);
      },
      true,
    );
    return this.#nowMs + CALL_TIMEOUT_MS - DUE_MARGIN_MS;
  }

  /** A member has refused a call of that generation. */
  refused(memberId: string, generation: number): void {
    // It may take calls for older than they are.
    this.#tellTime(memberId);
    if (this.generationOf(memberId) === generation) {
      this.#generations.set(memberId, generation + 1);
    }
  }

  /** Has a member run `words`. */
  call(memberId: string, words: readonly (string | Buffer)[], options: CallOptions): Call {
    this.batches.seal(memberId);
    const call = new Call(this.takeIds(1), memberId, options);
    const generation = this.generationOf(memberId);
    const header = encodeHeader({
      epoch: this.#links.responsibility.view.epoch,
      generation,
      id: call.id,
      lane: options.laneId,
      database: options.database,
      protocol: options.protocol,
      flags: options.long === undefined ? options.flags | WHOLE : options.flags,
      readLevel: options.readLevel,
      writeLevel: options.writeLevel,
      dueMs: this.dueMs(memberId),
    });
    this.#calls.set(call.id, call);
    const done: Done = (error, reply) => {
      if (error !== null) this.#failed(call, error);
      else this.#replied(call, generation, reply);
    };
    const all = [options.verb, header, ...words];
    // What is sent to one that stops might be in doubt.
    const sent = this.#isAway(memberId)
      ? new PeerError('PEER_BUSY', 'it stops, or is loading')
      : this.#links.request(memberId, 'data', all, CALL_TIMEOUT_MS, done);
    if ('done' in sent) call.request = sent;
    // Not at once: who calls is not ready to hear.
    else this.#server.store.world.timers.soon(() => this.#failed(call, sent));
    return call;
  }

  /** Runs a command here. */
  runHere(args: Args, options: CallOptions, limits: GuestLimits = {}): Call {
    return this.#begin(options, (done) => this.guests.run(guestOf(options, limits), args, done));
  }

  /** What a guest has begun, and not finished. */
  waitHere(guest: Guest, options: CallOptions): Call {
    return this.#here(options, (done) => guest.wait(done));
  }

  /** Runs a transaction here; nothing that it watched has changed. */
  runTransactionHere(queue: QueuedCommand[], options: CallOptions): Call {
    return this.#begin(options, (done) =>
      this.guests.runTransaction(guestOf(options, {}), queue, false, EXEC_WORDS, done),
    );
  }

  /** Tried again later, if some of this node's keys are not handed over. */
  #begin(options: CallOptions, run: (done: Answered) => Guest | undefined): Call {
    if (!this.#handover.isAwaited) return this.#here(options, run);
    this.#server.store.world.timers.soon(() => options.again(NOT_AGREED));
    return new Call(this.takeIds(1), this.#links.selfId, options);
  }

  #here(options: CallOptions, run: (done: Answered) => Guest | undefined): Call {
    const call = new Call(this.takeIds(1), this.#links.selfId, options);
    call.guest = run((reply, long) => {
      call.guest = undefined;
      if (long === undefined || options.long === undefined) options.done(reply);
      else options.long(new LocalSource(this.#server.store.world, long));
    });
    return call;
  }

  /** Nobody waits for it any more. */
  cancel(call: Call): void {
    call.guest?.cancel();
    call.request?.cancel();
    if (!this.#forget(call)) return;
    if (call.isParked || call.options.isBlocking === true) this.#tell(call, 'gone');
  }

  /** CLIENT UNBLOCK. */
  unblock(call: Call, withError: boolean): void {
    const { blocking } = this.#server;
    if (call.guest !== undefined) blocking.unblock(call.guest.session, withError);
    else if (this.#calls.has(call.id)) this.#tell(call, withError ? 'error' : 'timeout');
  }

  /**
   * ANSWER: what was parked has its reply; undefined: it is to be fetched. False if nobody waits for
   * it, or will fetch it.
   */
  answered(id: number, memberId: string, reply: Buffer | undefined): boolean {
    const call = this.#calls.get(id);
    if (call === undefined) return this.batches.answeredEarly(id, memberId, reply);
    if (call.memberId !== memberId) return false;
    call.request?.cancel();
    if (reply === undefined) return this.#fetch(call);
    this.#forget(call);
    if (call.options.isBlocking !== true && isRefusal(reply)) call.options.again(NOT_AGREED);
    else call.options.done(reply);
    return true;
  }

  /** It stays parked until the client has got all. */
  #fetch(call: Call): boolean {
    // ANSWER came twice.
    if (call.long !== undefined) return true;
    if (call.options.long === undefined) return false;
    if (!call.isParked) this.park(call);
    const { world } = this.#server.store;
    call.long = new RemoteReply({
      world,
      ask: (offset, done) => this.#portions.ask(call.memberId, call.id, offset, done),
      yielded: () => this.#tell(call, 'yields'),
      ended: () => this.cancel(call),
    });
    call.options.long(call.long);
    return true;
  }

  /** A member was found dead: what is under way there will not be answered. */
  memberDied(memberId: string): void {
    this.batches.memberDied(memberId);
    for (const call of [...this.#calls.values()]) {
      if (call.memberId !== memberId) continue;
      const { options, request } = call;
      request?.cancel();
      if (call.isParked || request?.wasSent === true) {
        this.#lost(call);
      } else {
        this.#forget(call);
        options.again(`TRYAGAIN ${this.nameOf(memberId)} was found dead`);
      }
    }
  }

  memberAlive(memberId: string): void {
    this.heard(memberId);
    this.#away.delete(memberId);
    this.#handBack();
  }

  /** What waits with a replica, since the owner could not be reached, waits with the owner again. */
  #handBack(): void {
    if (this.#parkedCount === 0) return;
    for (const call of this.#calls.values()) {
      if (call.isParked && call.options.isMoved?.() === true) this.#tell(call, 'moved');
    }
  }

  /** A member has refused a call with AWAY; others act for it, unless it is soon back. */
  wentAway(memberId: string): void {
    const nowMs = this.#nowMs;
    const before = this.#away.get(memberId);
    const isStill = before !== undefined && nowMs - before.untilMs < UNREACHABLE_MS;
    this.#away.set(memberId, {
      sinceMs: isStill ? before.sinceMs : nowMs,
      untilMs: nowMs + AWAY_MS,
    });
  }

  #isAway(memberId: string): boolean {
    if (this.#away.size === 0) return false;
    return this.#nowMs < (this.#away.get(memberId)?.untilMs ?? 0);
  }

  /** A member has answered. */
  heard(memberId: string): void {
    this.#unreachable.delete(memberId);
  }

  /** A request to it has failed. */
  unheard(memberId: string, error: PeerError): void {
    if (error.code === 'PEER_DOWN' && !this.#unreachable.has(memberId)) {
      this.#unreachable.set(memberId, this.#nowMs);
    }
  }

  /** Its member has let it in, and will send an ANSWER. */
  park(call: Call): void {
    this.#calls.set(call.id, call);
    call.isParked = true;
    this.#parkedCount += 1;
    this.watchParked();
  }

  /** From time to time members are asked whether they still know what they are to answer. */
  watchParked(): void {
    this.#check ??= this.#server.store.world.timers.every(
      PARKED_CHECK_MS,
      () => this.#checkParked(),
      true,
    );
  }

  stop(): void {
    this.#check?.cancel();
    this.#clock?.cancel();
  }

  #canReach(memberId: string): boolean {
    if (memberId === this.#links.selfId) return true;
    if (!this.#links.isAlive(memberId)) return false;
    if (this.#isAway(memberId)) {
      return this.#nowMs - this.#away.get(memberId)!.sinceMs < UNREACHABLE_MS;
    }
    const sinceMs = this.#unreachable.size === 0 ? undefined : this.#unreachable.get(memberId);
    if (sinceMs === undefined) return true;
    return this.#nowMs - sinceMs < UNREACHABLE_MS;
  }

  get #nowMs(): number {
    return this.#server.store.world.clock.monotonicMs();
  }

  #tellTime(memberId: string): void {
    const nowMs = this.#nowMs;
    if (nowMs - (this.#toldTime.get(memberId) ?? 0) < CLOCK_PAUSE_MS) return;
    this.#toldTime.set(memberId, nowMs);
    if (!this.#sayTime(memberId, 2)) this.#toldTime.delete(memberId);
  }

  /** False: it cannot be told, and will be by the greeting. */
  #sayTime(memberId: string, times: number): boolean {
    const words = clockWords(this.#nowMs);
    const done: Done = (error) => {
      if (error === null && times > 1) this.#sayTime(memberId, times - 1);
    };
    return 'done' in this.#links.request(memberId, 'data', words, CALL_TIMEOUT_MS, done);
  }

  #replied(call: Call, generation: number, reply: PeerReply): void {
    this.heard(call.memberId);
    if (!this.#calls.has(call.id)) return;
    if (Buffer.isBuffer(reply)) {
      this.#forget(call);
      call.options.done(reply);
    } else if (typeof reply === 'number') {
      this.park(call);
    } else if (reply instanceof Error && reply.message.startsWith(NOT_MINE)) {
      this.#forget(call);
      if (reply.message.startsWith(AWAY)) this.wentAway(call.memberId);
      this.refused(call.memberId, generation);
      call.options.again(NOT_AGREED);
    } else if (isLoading(reply) && call.options.isBlocking === true) {
      // It has waited elsewhere, and nothing is behind it that could be let in before it.
      this.#forget(call);
      this.wentAway(call.memberId);
      call.options.again(LOADING);
    } else {
      this.#forget(call);
      const text = reply instanceof Error ? reply.message : NONSENSE;
      call.options.done(errorReply(text));
    }
  }

  #failed(call: Call, error: PeerError): void {
    if (!this.#calls.has(call.id)) return;
    const { memberId, options } = call;
    this.unheard(memberId, error);
    if (error.wasSent && options.isWrite) {
      this.#lost(call, error.message);
      return;
    }
    this.#forget(call);
    if (error.wasSent && options.isBlocking === true) this.#tell(call, 'gone');
    options.again(`TRYAGAIN ${this.nameOf(memberId)} cannot be reached (${error.message})`);
  }

  #lost(call: Call, reason = 'it was found dead'): void {
    this.#forget(call);
    if (call.long !== undefined) return call.long.breakOff();
    const { options } = call;
    const { isBlocking, isWrite, name } = options;
    const who = this.nameOf(call.memberId);
    if (isBlocking === true) {
      options.done(errorReply(`UNBLOCKED ${who}, where '${name}' waited, is gone; in doubt`));
      return;
    }
    const said = this.unanswered(call.memberId, name, isWrite, reason);
    if (isWrite) options.done(errorReply(said));
    else options.again(said);
  }

  /** What is said of a command that was sent and may have been run. */
  unanswered(memberId: string, name: string, isWrite: boolean, reason: string): string {
    const said = `${this.nameOf(memberId)} has not answered '${name}': ${reason}`;
    return isWrite ? `INDOUBT ${said}; applied or not` : `TRYAGAIN ${said}`;
  }

  /** For errors. */
  nameOf(memberId: string): string {
    const { members } = this.#links.responsibility.current;
    const address = members.find(({ id }) => id === memberId)?.address ?? 'a former member';
    return `the owner (${address})`;
  }

  #forget(call: Call): boolean {
    if (!this.#calls.delete(call.id)) return false;
    if (call.isParked) this.#parkedCount -= 1;
    return true;
  }

  #tell(call: Call, mode: string): void {
    const words = ['CANCEL', String(call.id), mode];
    this.#links.request(call.memberId, 'data', words, CALL_TIMEOUT_MS, () => {});
  }

  /** A member that was started again, or was not asked in time, knows nothing of what was parked with it. */
  #checkParked(): void {
    this.#handBack();
    const byMember = new Map<string, number[]>();
    const note = (memberId: string, id: number): void => {
      const ids = byMember.get(memberId);
      if (ids === undefined) byMember.set(memberId, [id]);
      else ids.push(id);
    };
    for (const [memberId, firstId] of this.batches.held()) note(memberId, firstId);
    if (this.#parkedCount > 0) {
      for (const call of this.#calls.values()) {
        if (call.isParked) note(call.memberId, call.id);
        // It may not have been heard.
        if (call.long?.isYielding === true) this.#tell(call, 'yields');
      }
    }
    if (byMember.size === 0) {
      this.#check?.cancel();
      this.#check = undefined;
    }
    for (const [memberId, ids] of byMember) this.#askParked(memberId, ids);
  }

  #askParked(memberId: string, ids: readonly number[]): void {
    const dueMs = Math.floor(this.#nowMs + PARKED_KEPT_MS);
    const words = ['PARKED', String(dueMs), ...ids.map(String)];
    const done: Done = (error, reply) => {
      if (error !== null || !Array.isArray(reply)) return;
      for (const [at, isKnown] of reply.entries()) {
        if (isKnown === 0 && ids[at] !== undefined) this.#forgotten(ids[at]);
      }
    };
    const sent = this.#links.request(memberId, 'data', words, PARKED_TIMEOUT_MS, done);
    const { current, next } = this.#links.responsibility;
    const isMember = [current, next].some((ring) => (ring?.indexOf(memberId) ?? -1) >= 0);
    if ('done' in sent || isMember) return;
    // It has left the ring, and its process is gone.
    for (const id of ids) this.#forgotten(id);
  }

  /** A member knows nothing any more of what it was to answer. */
  #forgotten(id: number): void {
    if (this.batches.forgotten(id)) return;
    const call = this.#calls.get(id);
    if (call !== undefined) this.#lost(call, 'it knows nothing of it any more');
  }
}

function isLoading(reply: PeerReply): boolean {
  return reply instanceof Error && reply.message === LOADING;
}

/** Not run: the member does not act for its keys, or not any more. */
export function isRefusal(reply: Buffer): boolean {
  return reply.subarray(0, REFUSAL.length).equals(REFUSAL);
}
