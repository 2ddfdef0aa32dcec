/**
 * Batches: plain commands that are forwarded, those of one turn and member in one CALLS.
 *
 *   add --> open batch --(end of the turn, or full)--> CALLS ---> outcomes
 *                                                                  REPLY     to its slot
 *                                                                  HELD      ANSWERS brings it
 *                                                                  PARKED    a Call from now on
 *                                                                  NOTMINE   a Forward: tried again
 *
 * A command is copied once, into the batch, and found there again should it have to be sent anew. No
 * promise, closure or Buffer is made for it. What is unusual about a command takes the long way
 * (forward.ts); both go over one link, in the order in which they came, and under one generation
 * (calls.ts).
 */
import type { PeerError } from '../../discord/peer/peer-error.js';
import type { Done, PeerReply, PeerRequest } from '../../discord/peer/pipeline.js';
import { Args } from '../../resp/args.js';
import { Chunk } from '../../resp/chunk-pool.js';
import { type Command, MAY_WRITE } from '../commands/command.js';
import type { RingLinks } from '../ring/ring-links.js';
import type { Server } from '../server/server.js';
import type { Session } from '../server/session.js';
import {
  ANSWER_BYTES,
  CommandReader,
  commandBytes,
  HELD,
  NOTMINE,
  OUTCOME_BYTES,
  PARKED,
  putCommand,
  REPLY,
} from './batch-codec.js';
import { encodeHeader } from './call-header.js';
import {
  CALL_TIMEOUT_MS,
  Call,
  type CallOptions,
  type Calls,
  type Gathered,
  NONSENSE,
} from './calls.js';
import { type Lane, Slot } from './lane.js';
import type { LongSource } from './long-replies.js';
import { pour } from './pour.js';
import { errorReply } from './raw-reply.js';

/** Commands in one batch, and their bytes. A longer command takes the long way. */
const COMMANDS_MAX = 1024;
const BATCH_BYTES = 64 * 1024;
const COMMAND_BYTES_MAX = 16 * 1024;
/** The last word of a request is followed by so much. */
const CRLF_BYTES = 2;

/** What commands have in common that travel in one batch. */
interface Context {
  readonly database: number;
  readonly protocol: 2 | 3;
  readonly flags: number;
  readonly readLevel: number;
  readonly writeLevel: number;
}

/** A command on its way. */
export class Forwarded extends Slot {
  readonly session: Session;
  readonly lane: Lane;
  readonly command: Command;
  readonly batch: Batch;
  /** Where it begins in the batch. */
  readonly at: number;
  isAnswered = false;
  isGone = false;
  isHeld = false;
  /** Once it is parked. */
  call: Call | undefined;
  /** Its reply is to be fetched: the ANSWER that says so has overtaken the outcome. */
  isLong = false;

  constructor(session: Session, lane: Lane, command: Command, batch: Batch) {
    super();
    this.session = session;
    this.lane = lane;
    this.command = command;
    this.batch = batch;
    this.at = batch.bytes;
  }

  override cancel(): void {
    this.isGone = true;
    if (this.call !== undefined) this.batch.owner.calls.cancel(this.call);
  }

  get isWrite(): boolean {
    return (this.command.flags & MAY_WRITE) !== 0;
  }

  finish(reply: Buffer, from: number, to: number): void {
    if (this.isAnswered) return;
    this.isAnswered = true;
    if (!this.isGone) this.lane.finishWith(this, reply, from, to);
  }

  /** The reply comes in portions. */
  pour(source: LongSource): void {
    if (this.isAnswered) return;
    this.isAnswered = true;
    if (this.isGone) source.end();
    else pour(source, this.session, this.lane, this);
  }

  fail(text: string): void {
    const reply = errorReply(text);
    this.finish(reply, 0, reply.length);
  }
}

export class Batch implements Context {
  readonly owner: Batches;
  readonly memberId: string;
  readonly generation: number;
  readonly database: number;
  readonly protocol: 2 | 3;
  readonly flags: number;
  readonly readLevel: number;
  readonly writeLevel: number;
  readonly slots: Forwarded[] = [];
  bytes = 0;
  /** Id of the first of its commands; those of the others follow. 0 while it is open. */
  firstId = 0;
  request: PeerRequest | undefined;
  /** Where the commands are once it is sent. */
  sent: Buffer | undefined;
  /** The member has told what became of its commands; some may be held. */
  hasOutcome = false;

  constructor(owner: Batches, memberId: string, generation: number, context: Context) {
    this.owner = owner;
    this.memberId = memberId;
    this.generation = generation;
    this.database = context.database;
    this.protocol = context.protocol;
    this.flags = context.flags;
    this.readLevel = context.readLevel;
    this.writeLevel = context.writeLevel;
  }

  isFor(session: Session, flags: number, generation: number): boolean {
    return (
      this.generation === generation &&
      this.database === session.databaseIndex &&
      this.protocol === session.reply.protocol &&
      this.flags === flags &&
      this.readLevel === session.readLevel &&
      this.writeLevel === session.writeLevel
    );
  }

  argsOf({ at }: Forwarded): Args {
    const sent = this.sent!;
    const reader = new CommandReader(sent, at, sent.length, new Args());
    return reader.next()!.args;
  }

  get isOver(): boolean {
    return this.slots.every(({ isAnswered, isHeld }) => isAnswered || !isHeld);
  }
}

/** One member, as far as batches go. */
class Outlet {
  open: Batch | undefined;
  /** Why the last could not be sent; whatever follows must not overtake it, until all have heard. */
  failure: PeerError | undefined;
  failedCount = 0;
  /** The commands of the open batch. */
  readonly staging = new Chunk(BATCH_BYTES);
}

export interface BatchesParts {
  readonly server: Server;
  readonly links: RingLinks;
  readonly calls: Calls;
  /** Takes the long way from now on: as if a Forward had been told `reason` by its first try. */
  readonly again: (slot: Forwarded, args: Args, reason: string) => void;
}

export class Batches implements Gathered {
  readonly calls: Calls;
  readonly #server: Server;
  readonly #links: RingLinks;
  readonly #again: BatchesParts['again'];
  readonly #outlets = new Map<string, Outlet>();
  /** Batches that are sent and not over, by their first id. */
  readonly #sent = new Map<number, Batch>();
  #isPlanned = false;
  readonly #endOfTurn = (): void => {
    this.#isPlanned = false;
    for (const [memberId, outlet] of this.#outlets) {
      if (outlet.open !== undefined) this.#seal(memberId, outlet);
    }
  };

  constructor({ again, calls, links, server }: BatchesParts) {
    this.calls = calls;
    this.#server = server;
    this.#links = links;
    this.#again = again;
  }

  /** False: the command is too long. True: `lane` has a slot for it, which will be filled. */
  add(
    memberId: string,
    flags: number,
    {
      args,
      command,
      lane,
      laneId,
      session,
    }: {
      args: Args;
      command: Command;
      lane: Lane;
      laneId: number;
      session: Session;
    },
    epoch: number,
  ): boolean {
    const bytes = commandBytes(args);
    if (bytes > COMMAND_BYTES_MAX) return false;
    const outlet = this.#outlets.get(memberId) ?? this.#newOutlet(memberId);
    const generation = this.calls.generationOf(memberId);
    let batch = outlet.open;
    if (
      batch !== undefined &&
      (batch.bytes + bytes > BATCH_BYTES ||
        batch.slots.length >= COMMANDS_MAX ||
        !batch.isFor(session, flags, generation))
    ) {
      this.#seal(memberId, outlet);
      batch = undefined;
    }
    if (batch === undefined) {
      const { databaseIndex: database, readLevel, reply, writeLevel } = session;
      const { protocol } = reply;
      const context = { database, protocol, flags, readLevel, writeLevel };
      batch = new Batch(this, memberId, generation, context);
      outlet.open = batch;
      if (!this.#isPlanned) {
        this.#isPlanned = true;
        this.#server.store.world.timers.soon(this.#endOfTurn);
      }
    }
    const slot = new Forwarded(session, lane, command, batch);
    batch.bytes = putCommand(outlet.staging, batch.bytes, laneId, args);
    batch.slots.push(slot);
    lane.addSlot(slot, epoch);
    return true;
  }

  /** What comes next to this member must not overtake what is gathered. */
  seal(memberId: string): void {
    const outlet = this.#outlets.get(memberId);
    if (outlet?.open !== undefined) this.#seal(memberId, outlet);
  }

  /** ANSWERS: what was held has its replies. False: nobody waits for them. */
  answered(firstId: number, memberId: string, answers: Buffer): boolean {
    const batch = this.#sent.get(firstId);
    if (batch === undefined || batch.memberId !== memberId) return false;
    this.#takeAnswers(batch, answers, 0);
    this.#forget(batch);
    return true;
  }

  /** A member was found dead: what is under way there will not be answered. */
  memberDied(memberId: string): void {
    for (const batch of [...this.#sent.values()]) {
      if (batch.memberId !== memberId) continue;
      batch.request?.cancel();
      this.#sent.delete(batch.firstId);
      const wasSent = batch.hasOutcome || batch.request?.wasSent === true;
      const reason = wasSent
        ? 'it was found dead'
        : `${this.calls.nameOf(memberId)} was found dead`;
      for (const slot of batch.slots) this.#lost(slot, wasSent, reason);
    }
  }

  /** First ids of batches of which some commands are held, with the member. */
  *held(): Generator<readonly [memberId: string, firstId: number]> {
    for (const [firstId, { hasOutcome, memberId }] of this.#sent) {
      if (hasOutcome) yield [memberId, firstId];
    }
  }

  /** The member knows nothing of the batch any more; false: it is none. */
  forgotten(firstId: number): boolean {
    const batch = this.#sent.get(firstId);
    if (batch?.hasOutcome !== true) return false;
    this.#sent.delete(firstId);
    for (const slot of batch.slots) this.#lost(slot, true, 'it knows nothing of it any more');
    return true;
  }

  #newOutlet(memberId: string): Outlet {
    // Those of members that have left hold no commands.
    for (const [id, { open }] of this.#outlets) {
      const isMember = this.#links.responsibility.current.members.some((one) => one.id === id);
      if (open === undefined && !isMember) this.#outlets.delete(id);
    }
    const outlet = new Outlet();
    this.#outlets.set(memberId, outlet);
    return outlet;
  }

  #seal(memberId: string, outlet: Outlet): void {
    const batch = outlet.open!;
    outlet.open = undefined;
    batch.firstId = this.calls.takeIds(batch.slots.length);
    this.#sent.set(batch.firstId, batch);
    const { bytes } = batch;
    // Without a spread of another object: there are many of these.
    const header = encodeHeader({
      epoch: this.#links.responsibility.view.epoch,
      generation: batch.generation,
      id: batch.firstId,
      lane: 0,
      database: batch.database,
      protocol: batch.protocol,
      flags: batch.flags,
      readLevel: batch.readLevel,
      writeLevel: batch.writeLevel,
      dueMs: this.calls.dueMs(memberId),
    });
    const commands = outlet.staging.buf.subarray(0, bytes);
    const words = ['CALLS', header, commands];
    const done: Done = (error, reply) => {
      if (error === null) this.#replied(batch, reply);
      else this.#failed(batch, error);
    };
    const sent =
      outlet.failure ?? this.#links.request(memberId, 'data', words, CALL_TIMEOUT_MS, done);
    if ('done' in sent) {
      batch.request = sent;
      const end = sent.bytes.length - CRLF_BYTES;
      batch.sent = sent.bytes.subarray(end - bytes, end);
      return;
    }
    batch.sent = Buffer.from(commands);
    outlet.failure = sent;
    outlet.failedCount += 1;
    // Not at once: this may be in the middle of a client's turn.
    this.#server.store.world.timers.soon(() => {
      outlet.failedCount -= 1;
      if (outlet.failedCount === 0) outlet.failure = undefined;
      this.#failed(batch, sent);
    });
  }

  #failed(batch: Batch, error: PeerError): void {
    if (!this.#sent.delete(batch.firstId)) return;
    this.calls.unheard(batch.memberId, error);
    const { message, wasSent } = error;
    const who = this.calls.nameOf(batch.memberId);
    const reason = wasSent ? message : `${who} cannot be reached (${message})`;
    for (const slot of batch.slots) this.#lost(slot, wasSent, reason);
  }

  #lost(slot: Forwarded, wasSent: boolean, reason: string): void {
    if (slot.isAnswered || slot.call !== undefined) return;
    const { batch, command, isWrite } = slot;
    if (!wasSent) return this.#tryAgain(slot, `TRYAGAIN ${reason}`);
    const said = this.calls.unanswered(batch.memberId, command.fullName, isWrite, reason);
    if (isWrite) slot.fail(said);
    else this.#tryAgain(slot, said);
  }

  #tryAgain(slot: Forwarded, reason: string): void {
    slot.isAnswered = true;
    if (!slot.isGone) this.#again(slot, slot.batch.argsOf(slot), reason);
  }

  #replied(batch: Batch, reply: PeerReply): void {
    this.calls.heard(batch.memberId);
    if (!this.#sent.has(batch.firstId)) return;
    batch.hasOutcome = true;
    if (Buffer.isBuffer(reply)) {
      this.#takeOutcomes(batch, reply);
    } else {
      const text = reply instanceof Error ? reply.message : NONSENSE;
      for (const slot of batch.slots) slot.fail(text);
    }
    this.#forget(batch);
    if (this.#sent.has(batch.firstId)) this.calls.watchParked();
  }

  #takeOutcomes(batch: Batch, reply: Buffer): void {
    let at = 0;
    for (const [index, slot] of batch.slots.entries()) {
      const outcome = at < reply.length ? reply[at]! : -1;
      at += 1;
      if (outcome === REPLY && at + 4 <= reply.length) {
        const from = at - 1 + OUTCOME_BYTES;
        at = from + reply.readUInt32LE(at);
        if (at <= reply.length) {
          slot.finish(reply, from, at);
          continue;
        }
      } else if (outcome === HELD) {
        slot.isHeld = true;
        continue;
      } else if (outcome === PARKED) {
        this.#park(slot, index);
        continue;
      } else if (outcome === NOTMINE) {
        this.calls.refused(batch.memberId, batch.generation);
        this.#tryAgain(slot, 'TRYAGAIN the members do not agree yet on who owns what');
        continue;
      }
      at = reply.length;
      slot.fail(NONSENSE);
    }
    this.#takeAnswers(batch, reply, at);
  }

  #takeAnswers(batch: Batch, bytes: Buffer, from: number): void {
    let at = from;
    while (at + ANSWER_BYTES <= bytes.length) {
      const slot = batch.slots[bytes.readUInt32LE(at)];
      const start = at + ANSWER_BYTES;
      at = start + bytes.readUInt32LE(at + 4);
      if (slot === undefined || at > bytes.length) return;
      slot.finish(bytes, start, at);
    }
  }

  /** It is one Call among others from now on. */
  #park(slot: Forwarded, index: number): void {
    const { batch, isWrite, session } = slot;
    if (slot.isAnswered) return;
    const { database, firstId, flags, memberId, protocol, readLevel, writeLevel } = batch;
    const options: CallOptions = {
      verb: 'CALL',
      laneId: session.server.router!.laneIdOf(session),
      database,
      protocol,
      flags,
      readLevel,
      writeLevel,
      isWrite,
      name: slot.command.fullName,
      done: (reply) => slot.finish(reply, 0, reply.length),
      long: (source) => slot.pour(source),
      again: (reason) => this.#tryAgain(slot, reason),
    };
    slot.call = new Call(firstId + index, memberId, options);
    this.calls.park(slot.call);
    if (slot.isGone) this.calls.cancel(slot.call);
    if (slot.isLong) this.calls.answered(slot.call.id, memberId, undefined);
  }

  /** ANSWER of a command whose CALLS has not been answered yet. */
  answeredEarly(id: number, memberId: string, reply: Buffer | undefined): boolean {
    for (const batch of this.#sent.values()) {
      const slot = batch.slots[id - batch.firstId];
      if (slot === undefined || batch.memberId !== memberId) continue;
      if (reply === undefined) slot.isLong = true;
      else slot.finish(reply, 0, reply.length);
      return !slot.isGone;
    }
    return false;
  }

  #forget(batch: Batch): void {
    if (batch.hasOutcome && batch.isOver) this.#sent.delete(batch.firstId);
  }
}
