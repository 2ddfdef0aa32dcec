/**
 * CALLS: runs what a member has sent in one batch, in slices, one command after the other.
 *
 *   CALLS <header> <commands>       -> bulk: what became of each     batch-codec.ts draws both
 *   ANSWERS <first id> <answers>    of what was held     -> integer: 1, or 0: nobody waits
 *
 * All that a batch has written waits for replicas as one, and its replies travel in one ANSWERS. What
 * must wait for something else (it blocks, runs in slices, or its lane is busy) is parked as a CALL
 * would be.
 */
import { Args } from '../../resp/args.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';
import type { CommitWaiter } from '../server/commit-gate.js';
import { PendingWrites } from '../server/pending-writes.js';
import type { Server } from '../server/server.js';
import type { Session, Task } from '../server/session.js';
import { Bytes, CommandReader, HELD, NOTMINE, PARKED } from './batch-codec.js';
import { type CallHeader, decodeHeader } from './call-header.js';
import { EXEC_WORDS } from './calls.js';
import { DISK_FAILED, type Guest, type GuestOptions, type Guests } from './guests.js';
import { BAD_HEADER, type Job, type JobKeeper } from './job.js';
import { errorReply } from './raw-reply.js';

/** A longer reply is answered alone, and so is any once the batch has so many bytes of them. */
const REPLY_BYTES_MAX = 64 * 1024;
const REPLIES_BYTES_MAX = 1024 * 1024;
/** Commands between two looks at the clock. */
const LOOK_COMMANDS = 8;

export interface BatchServerParts {
  readonly server: Server;
  readonly guests: Guests;
  readonly keeper: JobKeeper;
}

export class BatchServer {
  readonly parts: BatchServerParts;
  /** Batches that wait for replicas, by member and first id. */
  readonly #held = new Map<string, HeldReplies>();

  constructor(parts: BatchServerParts) {
    this.parts = parts;
  }

  get heldCount(): number {
    let count = 0;
    for (const { indexes } of this.#held.values()) count += indexes.length;
    return count;
  }

  holds(id: string): boolean {
    return this.#held.has(id);
  }

  /** The verb. */
  run(session: Session, args: Args, reply: ReplyWriter): void {
    const header = args.count === 3 ? decodeHeader(args, 1, session.peer!.clock) : undefined;
    if (header === undefined) {
      reply.error(BAD_HEADER);
      return;
    }
    const reader = new CommandReader(args.buf, args.starts[2]!, args.ends[2]!, new Args());
    if (reader.count() < 1) {
      reply.error('ERR calls whose commands cannot be read');
      return;
    }
    session.defer(new BatchRun(this, session, header, reader));
  }

  memberDied(memberId: string): void {
    for (const [id, held] of this.#held) if (held.memberId === memberId) this.#held.delete(id);
  }

  /** Waits for replicas and the disk. False: there is nothing to wait for. */
  hold(held: HeldReplies, writes: PendingWrites): boolean {
    const { keeper, server } = this.parts;
    const { firstId, memberId } = held;
    const id = `${memberId}/${firstId}`;
    held.over = () => {
      // The member was found dead meanwhile.
      if (this.#held.get(id) !== held) return;
      const words = ['ANSWERS', String(firstId), held.bytes.written];
      keeper.deliver(memberId, words, () => {
        if (this.#held.get(id) === held) this.#held.delete(id);
      });
    };
    if (!server.commits.hold(held, writes)) return false;
    this.#held.set(id, held);
    return true;
  }
}

/** Replies to what one batch has written. */
class HeldReplies implements CommitWaiter {
  readonly memberId: string;
  readonly firstId: number;
  readonly indexes: number[] = [];
  bytes = new Bytes();
  over: () => void = () => {};

  constructor(memberId: string, firstId: number) {
    this.memberId = memberId;
    this.firstId = firstId;
  }

  add(index: number, buf: Buffer, from: number, to: number): void {
    this.indexes.push(index);
    this.bytes.answer(index, buf, from, to);
  }

  safe(): void {
    this.over();
  }

  inDoubt(text: string): void {
    const reply = errorReply(text);
    this.bytes = new Bytes();
    for (const index of this.indexes) this.bytes.answer(index, reply, 0, reply.length);
    this.over();
  }

  doubtful(): void {
    this.inDoubt(DISK_FAILED);
  }
}

class BatchRun implements Task {
  readonly #owner: BatchServer;
  readonly #session: Session;
  readonly #memberId: string;
  readonly #header: CallHeader;
  readonly #options: GuestOptions;
  readonly #reader: CommandReader;
  readonly #outcomes = new Bytes();
  #held: HeldReplies | undefined;
  readonly #writes = new PendingWrites();
  #guest: Guest | undefined;
  #index = 0;
  #isRefused = false;
  #isKept = false;

  constructor(owner: BatchServer, session: Session, header: CallHeader, reader: CommandReader) {
    const { database, protocol, readLevel, writeLevel } = header;
    this.#owner = owner;
    this.#session = session;
    this.#memberId = session.peer!.memberId;
    this.#header = header;
    const remote = `member ${this.#memberId.slice(0, 8)}`;
    this.#options = { database, protocol, readLevel, writeLevel, remote };
    this.#reader = reader;
  }

  step(deadlineMs: number): boolean {
    const { keeper, server } = this.#owner.parts;
    const { clock } = server.store.world;
    // A slice is short beside the time that is left when its sender gives it up.
    this.#isRefused ||= !keeper.mayBegin(this.#memberId, this.#header);
    let left = LOOK_COMMANDS;
    for (;;) {
      const next = this.#reader.next();
      if (next === null) break;
      this.#run(next.args, next.lane);
      this.#index += 1;
      left -= 1;
      if (left > 0) continue;
      left = LOOK_COMMANDS;
      if (clock.monotonicMs() < deadlineMs) continue;
      // The bytes of the request last for its turn.
      if (!this.#isKept) this.#reader.keep();
      this.#isKept = true;
      return false;
    }
    this.#finish();
    return true;
  }

  cancel(): void {
    this.#giveBack();
  }

  #run(args: Args, lane: number): void {
    const { keeper, guests, server } = this.#owner.parts;
    const { dispatcher } = server;
    const outcomes = this.#outcomes;
    const command = dispatcher.find(args);
    // Of a container it is the subcommand that knows its keys.
    const known = command?.children === undefined ? command : dispatcher.lookup(args);
    this.#isRefused ||= !keeper.isOwn(this.#memberId, this.#header, known, args);
    if (this.#isRefused) {
      outcomes.mark(NOTMINE);
      return;
    }
    if (keeper.isBusy(this.#memberId, lane)) {
      const refusal = keeper.await(this.#job(lane, args.clone()));
      if (refusal === undefined) outcomes.mark(PARKED);
      else this.#reply(errorReply(refusal));
      return;
    }
    this.#guest ??= guests.take(this.#options);
    const guest = this.#guest;
    if (!guest.runAtOnce(args, command)) {
      this.#park(guest, lane);
      return;
    }
    const { reply, session } = guest;
    const { writes } = session;
    const isHeld = writes.isOpen;
    const bytes = (isHeld ? this.#held?.bytes.at : outcomes.at) ?? 0;
    if (!guest.isPlain || reply.at > REPLY_BYTES_MAX || bytes > REPLIES_BYTES_MAX) {
      this.#park(guest, lane);
    } else if (isHeld) {
      this.#writes.absorb(writes);
      this.#held ??= new HeldReplies(this.#memberId, this.#header.id);
      this.#held.add(this.#index, reply.buf, 0, reply.at);
      outcomes.mark(HELD);
      guest.took();
    } else {
      outcomes.outcome(reply.buf, 0, reply.at);
      guest.took();
    }
  }

  /** The guest goes on with this command alone. */
  #park(guest: Guest, lane: number): void {
    this.#guest = undefined;
    this.#owner.parts.keeper.adopt(this.#job(lane, EXEC_WORDS), guest);
    this.#outcomes.mark(PARKED);
  }

  #reply(reply: Buffer): void {
    this.#outcomes.outcome(reply, 0, reply.length);
  }

  #job(lane: number, args: Args): Job {
    const header = { ...this.#header, id: this.#header.id + this.#index, lane };
    return { memberId: this.#memberId, header, options: this.#options, args, isExec: false };
  }

  #finish(): void {
    this.#giveBack();
    const held = this.#held;
    if (held !== undefined && !this.#owner.hold(held, this.#writes.take())) {
      this.#outcomes.append(held.bytes);
    }
    const { reply } = this.#session;
    reply.bulk(this.#outcomes.buf, 0, this.#outcomes.at);
  }

  #giveBack(): void {
    if (this.#guest !== undefined) this.#owner.parts.guests.giveBack(this.#guest);
    this.#guest = undefined;
  }
}
