/**
 * Commands that wait: BLPOP and its kin for a key, WAIT for time. The session that sent one
 * executes nothing else until one of its keys is ready, its time is over, CLIENT UNBLOCK ends it,
 * or its connection goes; all others go on.
 *
 * A command of any type blocks like this, once it has found nothing to do:
 *
 *   function blpop(session: Session, args: Args, reply: ReplyWriter): void {
 *     const timeoutMs = blockTimeoutMs(args, args.count - 1, reply);
 *     if (timeoutMs < 0) return;                        // the error is replied
 *     const keys = [...];                               // positions of its keys, as in [1, 2]
 *     for (const at of keys) if (popFrom(session, args, at)) return;    // or an error about types
 *     session.block(args, { type: 'list', keys, timeoutMs, retry: popFrom });
 *   }
 *
 *   // Pops from the key that is argument `at` and replies; false, with nothing replied, if there
 *   // is nothing to pop or the key holds something else.
 *   function popFrom(session: Session, args: Args, at: number): boolean { ... }
 *
 * Whoever adds to a list, sorted set or stream, or makes a key, calls `database.signalReady(key)`.
 * Order is Redis's: keys are served in the order in which they were signalled, after the command,
 * transaction or script that signalled them; of those who wait for a key the longest waiting comes
 * first; who waits for several keys is served by the first of them that is ready. In a ring the wait
 * goes on at the new owner when the keys get one (`moveOn`), behind those who wait there.
 *
 * Invariant: a session waits at most once, and then has `suspended` set.
 * Source: Redis blocked.c (`handleClientsBlockedOnKeys`).
 */
import type { Args } from '../../resp/args.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';
import type { Timer } from '../../world/world.js';
import { afterWaiting } from '../commands/block-again.js';
import { errorReply } from '../routing/raw-reply.js';
import type { KeyWaiter, ReadyKey, WaitedType } from '../store/wait-table.js';
import type { Server } from './server.js';
import { GATE_REPLY_MODE, type Session } from './session.js';

interface TimeOptions {
  /** 0 = it waits for ever. */
  readonly timeoutMs: number;
  /** Replies when the time is over. Default: a null array. */
  readonly timedOut?: (reply: ReplyWriter) => void;
  /** Replies instead of waiting, in MULTI and in scripts. Default: as `timedOut`. */
  readonly notBlocking?: (reply: ReplyWriter) => void;
}

interface KeyOptions extends TimeOptions {
  /** What the value of a key must be to serve the command. */
  readonly type: WaitedType;
  /** Positions of the arguments that are the keys to wait for. */
  readonly keys: readonly number[];
  /**
   * Does the command for the key that is argument `at` alone, which has been signalled. True if
   * it has replied, be it with an error, or replies in slices; false, nothing replied, if the key
   * is no use to it.
   */
  readonly retry: (session: Session, args: Args, at: number) => boolean;
  /** `retry` is called, too, when a key has gone (XREADGROUP). Default: false. */
  readonly wantsRemovals?: boolean;
  /** Of streams that are read from what was last in them: the ids behind which they are read. */
  readonly idsBefore?: () => readonly string[];
}

/** Without a type and keys, only time ends it (WAIT). */
export type BlockOptions = KeyOptions | TimeOptions;

const UNBLOCKED = 'UNBLOCKED client unblocked via CLIENT UNBLOCK';

function nilArray(reply: ReplyWriter): void {
  reply.nilArray();
}

/** One session that waits. */
export class Blocked implements KeyWaiter {
  readonly session: Session;
  readonly args: Args;
  readonly options: BlockOptions;
  readonly database: number;
  /** Where each key stands among the arguments; a key that is given twice counts once. */
  readonly places = new Map<string, number>();
  /** Monotonic ms. */
  readonly sinceMs: number;
  timer: Timer | undefined;
  readonly #blocking: Blocking;
  readonly #byKey: KeyOptions | undefined;

  constructor(blocking: Blocking, session: Session, args: Args, options: BlockOptions) {
    this.#blocking = blocking;
    this.session = session;
    this.args = args.clone();
    this.options = options;
    this.sinceMs = session.server.store.world.clock.monotonicMs();
    this.database = session.databaseIndex;
    this.#byKey = 'keys' in options ? options : undefined;
    for (const at of this.#byKey?.keys ?? []) {
      const key = args.string(at);
      if (!this.places.has(key)) this.places.set(key, at);
    }
  }

  get type(): WaitedType {
    return this.#byKey!.type;
  }

  get wantsRemovals(): boolean {
    return this.#byKey!.wantsRemovals ?? false;
  }

  get idsBefore(): readonly string[] {
    return this.#byKey?.idsBefore?.() ?? [];
  }

  tryKey(key: string): boolean {
    const { args, session } = this;
    const { retry } = this.#byKey!;
    return this.#blocking.retry(this, key, () => retry(session, args, this.places.get(key)!));
  }
}

export class Blocking {
  readonly #server: Server;
  readonly #blocked = new Set<Blocked>();
  #timedCount = 0;
  /** Sessions that go on in the next turn with what they sent meanwhile. */
  #resumable: Session[] = [];
  /** By session that is served in slices: the key that nobody else is served from meanwhile. */
  readonly #served = new Map<Session, ReadyKey>();
  #isServing = false;

  constructor(server: Server) {
    this.#server = server;
  }

  get size(): number {
    return this.#blocked.size;
  }

  /** Sessions that wait for a limited time. */
  get timedCount(): number {
    return this.#timedCount;
  }

  /** See `Session.block`. */
  block(session: Session, args: Args, options: BlockOptions): void {
    const { timedOut = nilArray, notBlocking = timedOut } = options;
    if (this.#server.dispatcher.atomic) {
      notBlocking(session.reply);
      return;
    }
    const blocked = new Blocked(this, session, args, options);
    const { waits, world } = this.#server.store;
    for (const key of blocked.places.keys()) waits.add(blocked.database, key, blocked);
    session.blocked = blocked;
    session.suspended = true;
    this.#blocked.add(blocked);
    if (options.timeoutMs === 0) return;
    this.#timedCount += 1;
    blocked.timer = world.timers.after(options.timeoutMs, () => this.#timeOut(blocked), true);
  }

  /** Serves those whose keys are ready; to be called between commands. */
  serve(): void {
    if (this.#isServing) return;
    this.#isServing = true;
    const { waits } = this.#server.store;
    for (let ready = waits.takeReady(); ready !== undefined; ready = waits.takeReady()) {
      const useless = new Set<WaitedType>();
      for (const waiter of waits.waitersOf(ready.database, ready.key)) {
        // The next one's turn comes when that is over.
        if (this.#isBeingServed(ready)) break;
        if (useless.has(waiter.type) || waiter.tryKey(ready.key)) continue;
        // Each reader of a stream waits for another entry of it.
        if (waiter.type !== 'stream') useless.add(waiter.type);
      }
    }
    this.#isServing = false;
  }

  #isBeingServed({ database, key }: ReadyKey): boolean {
    for (const served of this.#served.values()) {
      if (served.key === key && served.database === database) return true;
    }
    return false;
  }

  /** Tries a command again; false if the key is no use to it. */
  retry(blocked: Blocked, key: string, attempt: () => boolean): boolean {
    const { session } = blocked;
    // It is on its way out, and what it would get would be lost: the next one's turn.
    if (session.closing) return true;
    const server = this.#server;
    const { reply } = session;
    const mark = reply.mark();
    const errors = reply.errorCount;
    const outer = server.current;
    server.store.beginCommand();
    server.current = session;
    const before = server.store.changeCount;
    let isServed = true;
    try {
      isServed = attempt();
    } catch (error) {
      reply.rewind(mark);
      server.failed(session, error);
    }
    server.current = outer;
    session.noteWrites(before);
    if (isServed) this.#finish(blocked, mark, errors);
    if (session.task !== undefined) this.#served.set(session, { database: blocked.database, key });
    return isServed;
  }

  /** A session that was served in slices is done, or gone. */
  leaveKey(session: Session): void {
    const ready = this.#served.get(session);
    if (ready === undefined) return;
    this.#served.delete(session);
    this.#server.store.waits.readyAgain(ready);
  }

  /** CLIENT UNBLOCK: as if the time were over, or with an error. False if it does not wait. */
  unblock(session: Session, withError: boolean): boolean {
    const { blocked } = session;
    if (blocked === undefined) return false;
    const { timedOut = nilArray } = blocked.options;
    this.#end(blocked, withError ? (reply) => reply.error(UNBLOCKED) : timedOut);
    return true;
  }

  /**
   * The ring has changed: who waits for keys of other members waits there. A client's command begins
   * anew, with the time that is left, and the router takes it; a guest's is refused, which tells the
   * member that sent it to do the same.
   */
  moveOn(isElsewhere: (args: Args) => boolean, refusal: string): void {
    for (const blocked of [...this.#blocked]) {
      if (blocked.places.size === 0 || !isElsewhere(blocked.args)) continue;
      if (blocked.session.isGuest) this.#refuse(blocked, refusal);
      else this.#beginAnew(blocked);
    }
  }

  /** This node is about to stop: what guests wait for they are to wait for elsewhere. */
  refuseGuests(refusal: string): void {
    for (const { session } of [...this.#blocked]) {
      if (session.isGuest) this.refuse(session, refusal);
    }
  }

  /** As `moveOn`, of one guest; nothing if it does not wait for keys. */
  refuse({ blocked }: Session, refusal: string): void {
    if (blocked !== undefined && blocked.places.size > 0) this.#refuse(blocked, refusal);
  }

  #refuse(blocked: Blocked, refusal: string): void {
    const refused = errorReply([refusal, ...blocked.idsBefore].join(' '));
    this.#end(blocked, (reply) => reply.raw(refused, 0, refused.length));
  }

  #beginAnew(blocked: Blocked): void {
    const { args, idsBefore, session, sinceMs } = blocked;
    const waitedMs = this.#server.store.world.clock.monotonicMs() - sinceMs;
    this.#release(blocked);
    session.postponed = afterWaiting(args, waitedMs, idsBefore);
    if (session.taskMuted && session.replyMode === 'on') {
      // CLIENT REPLY SKIP was about this command.
      session.replyMode = 'skip';
      session.setGate(GATE_REPLY_MODE, true);
    }
    this.#goOn(session);
  }

  /** The connection is gone. */
  forget(session: Session): void {
    if (session.blocked !== undefined) this.#release(session.blocked);
    if (!this.#served.has(session)) return;
    this.leaveKey(session);
    const { dispatcher, store } = this.#server;
    store.world.timers.soon(() => dispatcher.serveReady());
  }

  #timeOut(blocked: Blocked): void {
    this.#server.store.refresh();
    const { timedOut = nilArray } = blocked.options;
    this.#end(blocked, timedOut);
  }

  #end(blocked: Blocked, write: (reply: ReplyWriter) => void): void {
    const { reply } = blocked.session;
    const mark = reply.mark();
    const errors = reply.errorCount;
    write(reply);
    this.#finish(blocked, mark, errors);
  }

  /** The reply has been written since `mark`: the session goes on. */
  #finish(blocked: Blocked, mark: number, errors: number): void {
    const { session } = blocked;
    const { reply } = session;
    this.#release(blocked);
    if (reply.errorCount !== errors) this.#server.countError(reply.lastError);
    if (session.taskMuted) reply.rewind(mark);
    // What is left to be done in slices lets the session go once it has replied.
    if (session.task !== undefined) return;
    this.#goOn(session);
    session.deliverPushes();
    session.carrier.flushSoon();
  }

  #goOn(session: Session): void {
    session.taskMuted = false;
    session.suspended = false;
    this.#resumable.push(session);
    // Not at once: this may be in the middle of another session's turn.
    if (this.#resumable.length === 1) {
      this.#server.store.world.timers.soon(() => this.#resume());
    }
  }

  #release(blocked: Blocked): void {
    const { waits } = this.#server.store;
    for (const key of blocked.places.keys()) waits.remove(blocked.database, key, blocked);
    if (blocked.timer !== undefined) this.#timedCount -= 1;
    blocked.timer?.cancel();
    blocked.session.blocked = undefined;
    this.#blocked.delete(blocked);
  }

  #resume(): void {
    const sessions = this.#resumable;
    this.#resumable = [];
    for (const session of sessions) if (!session.suspended) session.carrier.resume();
  }
}
