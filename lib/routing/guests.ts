/**
 * Guests: sessions without a connection, that run what another member, or the router itself, wants
 * to have run here. A guest is an ordinary session in every respect but two: its requests are
 * routed no further, and its reply goes, as bytes, to whoever asked.
 *
 *   run(command) --> answered at once: `done` is called within `run`
 *                --> in slices, blocked, held back: `done` is called later; `run` returns the guest
 *                --> a long reply: `done` gets a stream as soon as there is too much for a message
 *
 * The stream is what its writer is linked to from then on: a task waits for it as for a client.
 *
 * Invariant: a guest that is in `#idle` has nothing under way, and nothing of its last reply.
 */
import type { Args } from '../../resp/args.js';
import { ReplyWriter } from '../../resp/reply-writer.js';
import type { Command } from '../commands/command.js';
import type { CommitWaiter } from '../server/commit-gate.js';
import type { Server } from '../server/server.js';
import {
  type Carrier,
  GATE_MULTI,
  GUESTS_ID,
  type KeyspacePart,
  type QueuedCommand,
  Session,
} from '../server/session.js';
import type { Database } from '../store/database.js';
import { type ReplyMaker, ReplyStream } from './long-replies.js';
import { errorReply } from './raw-reply.js';

/** Guests kept for later. */
const IDLE_MAX = 64;
/** A longer reply is fetched in portions, bytes. Not more than a task lets lie in its writer. */
const REPLY_BYTES_MAX = 1024 * 1024;
/** The longest that is sent in one piece to who needs it so, with room for its frame, bytes. */
const WHOLE_BYTES_MAX = 60 * 1024 * 1024;

export const DISK_FAILED =
  'INDOUBT applied in memory at the owner; its disk has failed, so it may not be kept';
const NOTHING = Buffer.alloc(0);
const BROKEN_OFF = 'ERR the reply broke off, see the log of the node';

/** `long`: the reply comes from there, and not in `reply`. */
export type Answered = (reply: Buffer, long?: ReplyStream) => void;

export interface GuestLimits {
  /** What KEYS and SCAN look at; undefined = all. */
  readonly part?: KeyspacePart | undefined;
  /** The database that it works on, in place of a numbered one. */
  readonly side?: Database | undefined;
  /** The reply is wanted in one piece, or an error if it is too long for that. */
  readonly isWhole?: boolean;
}

export interface GuestOptions extends GuestLimits {
  readonly database: number;
  readonly protocol: 2 | 3;
  /** LEVEL_... of the client. */
  readonly readLevel: number;
  readonly writeLevel: number;
  /** Whom MONITOR and the log show. */
  readonly remote: string;
}

export class Guests {
  replyBytesMax = REPLY_BYTES_MAX;
  wholeBytesMax = WHOLE_BYTES_MAX;
  readonly #server: Server;
  readonly #idle: Guest[] = [];

  constructor(server: Server) {
    this.#server = server;
  }

  /** Runs a command; the guest if the reply is still to come, undefined if `done` has got it. */
  run(options: GuestOptions, args: Args, done: Answered): Guest | undefined {
    return this.take(options).run(args, done);
  }

  /** Runs commands as a transaction; `isDirty`: what it watched has changed. */
  runTransaction(
    options: GuestOptions,
    queue: QueuedCommand[],
    isDirty: boolean,
    exec: Args,
    done: Answered,
  ): Guest | undefined {
    const guest = this.take(options);
    const { session } = guest;
    session.transaction = { queue, bytes: 0, failed: false };
    session.setGate(GATE_MULTI, true);
    session.dirty = isDirty;
    return guest.run(exec, done);
  }

  /** One for commands that follow each other: see `runAtOnce`. */
  take(options: GuestOptions): Guest {
    const guest = this.#idle.pop() ?? new Guest(this.#server, this);
    guest.remote = options.remote;
    guest.isWhole = options.isWhole === true;
    guest.session.databaseIndex = options.database;
    guest.session.reply.protocol = options.protocol;
    guest.session.setLevels(options.readLevel, options.writeLevel);
    guest.session.part = options.part;
    guest.session.side = options.side;
    return guest;
  }

  giveBack(guest: Guest): void {
    if (this.#idle.length < IDLE_MAX) this.#idle.push(guest);
  }
}

export class Guest implements Carrier, CommitWaiter, ReplyMaker {
  remote = '';
  /** Its reply is wanted in one piece. */
  isWhole = false;
  readonly remoteHost = '';
  readonly local = 'ring';
  readonly isUnix = false;
  readonly queryBytes = 0;
  /** Each of its replies is one of its own. */
  readonly replyMark = 0;
  readonly isAwaiting = false;
  readonly session: Session;
  readonly reply: ReplyWriter;
  readonly #server: Server;
  readonly #owner: Guests;
  #done: Answered | undefined;
  /** What has left the writer so far, of a reply in slices. */
  #pieces: Buffer[] = [];
  #pieceBytes = 0;
  /** Where its reply goes, once it is too long for one piece. */
  #stream: ReplyStream | undefined;
  /** It waits for replicas and the disk: its reply is ready. */
  #isHeld = false;

  constructor(server: Server, owner: Guests) {
    this.#server = server;
    this.#owner = owner;
    this.reply = new ReplyWriter(server.pool);
    const nowMs = server.store.world.clock.wallMs();
    this.session = new Session({ id: GUESTS_ID, server, reply: this.reply, carrier: this, nowMs });
    this.session.isGuest = true;
  }

  /** What it was to run has been run: only the reply waits, for replicas or the disk. */
  get isExecuted(): boolean {
    return this.#isHeld && !this.session.suspended;
  }

  run(args: Args, done: Answered): Guest | undefined {
    this.#done = done;
    this.#execute(args);
    return this.#goOn() ? undefined : this;
  }

  /**
   * Runs one of several commands. True: it is over, its reply in `reply`, and what it wrote in
   * `session.writes`; the caller takes both. False: `wait` is to be called. `command`: what it is, if
   * that is known.
   */
  runAtOnce(args: Args, command?: Command): boolean {
    this.#execute(args, command);
    return !this.session.suspended && this.session.postponed === undefined;
  }

  /** What was run at once goes on until `done` is called: later, or now (then undefined). */
  wait(done: Answered): Guest | undefined {
    this.#done = done;
    return this.#goOn() ? undefined : this;
  }

  /** The reply lies in one piece, from 0 to `reply.at`. */
  get isPlain(): boolean {
    return this.#pieceBytes === 0 && this.reply.pendingBytes === this.reply.at;
  }

  /** What was in one piece has been taken. */
  took(): void {
    const { reply } = this;
    reply.rewind(reply.mark() - reply.at);
  }

  /** Nobody wants the reply any more: what is under way ends. */
  cancel(): void {
    this.#done = undefined;
    this.#stream = undefined;
    this.session.writes.clear();
    this.#server.forget(this.session);
    this.reply.release();
  }

  flush(): void {
    if (this.isWhole) this.#keep();
    else if (this.reply.pendingBytes > this.#owner.replyBytesMax || this.#stream !== undefined) {
      this.#pour();
    }
  }

  taken(): void {
    this.reply.drained();
    this.#pour();
    this.#server.wakeTasks();
  }

  flushSoon(): void {
    // What has been written leaves when the command is over.
  }

  resume(): void {
    this.#goOn();
  }

  setAuthenticated(): void {}

  closeSoon(): void {
    this.destroy();
  }

  destroy(): void {
    this.#breakOff(BROKEN_OFF);
  }

  safe(): void {
    this.#isHeld = false;
    this.#goOn();
  }

  inDoubt(text: string): void {
    this.#isHeld = false;
    // Who has got some of the reply cannot be told otherwise; nor is there a reply yet while it is made.
    if (this.#stream !== undefined || this.session.suspended) return this.#breakOff(text);
    if (this.#done === undefined) return;
    this.#keep();
    this.#takePieces();
    this.#giveReply(errorReply(text));
  }

  doubtful(): void {
    this.inDoubt(DISK_FAILED);
  }

  /** True once the reply, or a stream, has been handed over. */
  #goOn(): boolean {
    const { session } = this;
    while (!session.suspended && session.postponed !== undefined) {
      const { postponed } = session;
      session.postponed = undefined;
      this.#execute(postponed);
    }
    if (this.#done === undefined && this.#stream === undefined) return false;
    if (session.suspended) {
      // What its first slice has written leaves the writer, or the others would wait for that.
      if (session.task !== undefined) this.flush();
      return this.#done === undefined;
    }
    if (!this.#mayLeave()) return this.#done === undefined;
    if (this.#stream !== undefined) this.#pour();
    else this.#finish();
    return true;
  }

  /** False: what it has written waits for replicas and the disk. */
  #mayLeave(): boolean {
    const { writes } = this.session;
    if (!this.#isHeld && writes.isOpen) {
      this.#isHeld = this.#server.commits.hold(this, writes.take());
    }
    return !this.#isHeld;
  }

  /** The command is over, and all of its reply is here. */
  #finish(): void {
    const { replyBytesMax, wholeBytesMax } = this.#owner;
    if (this.isPlain && this.reply.at <= replyBytesMax) return this.#giveReply(this.#takePlain());
    if (!this.isWhole && this.reply.pendingBytes > replyBytesMax) return this.#pour();
    this.#keep();
    const bytes = this.#pieceBytes;
    const pieces = this.#takePieces();
    if (bytes <= wholeBytesMax) return this.#giveReply(Buffer.concat(pieces));
    const address = this.#server.ring?.address ?? 'this member';
    const text =
      `ERR the reply of ${address} has ${bytes} bytes, and no more than ${wholeBytesMax} are ` +
      'gathered from a member: ask for less, or ask it itself';
    this.#giveReply(errorReply(text));
  }

  #giveReply(reply: Buffer): void {
    const done = this.#done!;
    this.#done = undefined;
    this.#owner.giveBack(this);
    done(reply);
  }

  /** What may leave is there to be fetched. */
  #pour(): void {
    if (!this.#mayLeave()) return;
    const done = this.#done;
    this.#done = undefined;
    this.#stream ??= new ReplyStream(this);
    const stream = this.#stream;
    this.reply.flush(stream);
    if (!this.session.suspended && this.reply.pendingBytes === 0) {
      this.#stream = undefined;
      stream.end();
      this.#owner.giveBack(this);
    }
    done?.(NOTHING, stream);
  }

  #breakOff(text: string): void {
    const done = this.#done;
    this.#stream?.breakOff();
    this.cancel();
    done?.(errorReply(text));
  }

  /** What has left the writer is kept for a reply in one piece. */
  #keep(): void {
    this.reply.flush({
      write: (buf, from, to) => {
        this.#pieceBytes += to - from;
        // Beyond the limit it is counted alone: nobody will get it.
        if (this.#pieceBytes <= this.#owner.wholeBytesMax) this.#pieces.push(copyOf(buf, from, to));
        return true;
      },
    });
  }

  #execute(args: Args, command?: Command): void {
    const server = this.#server;
    const outer = server.current;
    const mark = this.reply.mark();
    const before = server.store.changeCount;
    server.current = this.session;
    try {
      if (command === undefined) server.dispatcher.execute(this.session, args);
      else server.dispatcher.executeHere(this.session, args, command);
    } catch (error) {
      this.reply.rewind(mark);
      server.failed(this.session, error);
    }
    server.current = outer;
    this.session.noteWrites(before);
  }

  #takePlain(): Buffer {
    const bytes = copyOf(this.reply.buf, 0, this.reply.at);
    this.took();
    return bytes;
  }

  #takePieces(): Buffer[] {
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#pieceBytes = 0;
    return pieces;
  }
}

function copyOf(buf: Buffer, from: number, to: number): Buffer {
  const copy = Buffer.allocUnsafe(to - from);
  buf.copy(copy, 0, from, to);
  return copy;
}
