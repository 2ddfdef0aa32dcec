/**
 * One client connection: bytes in, requests out of them one after the other, replies back, each
 * turn's in one write.
 *
 * Backpressure: a client that does not read is not read from either. Once `PENDING_BYTES_MAX` of
 * replies wait for the system, no further request is executed and the socket is paused; what was
 * already read of it is at most one chunk.
 *
 * A client that has gone: what of its requests has not begun never does. It may also have closed its
 * side only, and still read (`nc`): what it has sent to a ring then has a second to begin.
 *
 * Invariant: requests of a connection are executed one at a time and in order, and `reply` holds
 * their replies in that order.
 */
import { Args } from '../../resp/args.js';
import type { ChunkPool } from '../../resp/chunk-pool.js';
import { ReplyWriter } from '../../resp/reply-writer.js';
import { NEED_MORE, PROTOCOL_ERROR, RequestReader } from '../../resp/request-reader.js';
import type { Link, LinkHandler } from '../../world/world.js';
import type { CommitWaiter } from './commit-gate.js';
import { SERVER_RING } from './gates.js';
import type { Deferred } from './loop-budget.js';
import type { PendingWrites } from './pending-writes.js';
import type { Server } from './server.js';
import { type Carrier, GATE_NO_AUTH, GATE_REPLY_MODE, Session } from './session.js';

/** Replies waiting for the system beyond which a connection stops executing, bytes. */
const PENDING_BYTES_MAX = 1024 * 1024;
/** Replies up to this wait for the end of the turn, bytes. */
const SOON_BYTES_MAX = 32 * 1024;
/** Requests that a client that waits for a reply may send ahead before it is not read from, bytes. */
const WAITING_QUERY_BYTES_MAX = 64 * 1024;
/** In which what a client has sent before it closed its side may begin, ms. */
const ENDED_MAX_MS = 1000;
/** Replies gathered within one turn beyond which they are sent on their way, bytes. */
const FLUSH_BYTES = 256 * 1024;

/** Bytes of requests executed between two looks at the clock. */
const LOOK_BYTES = 8 * 1024;

/** The request at hand. One for all connections: nothing of a request outlives its command. */
const args = new Args();

export class Connection implements LinkHandler, Carrier, CommitWaiter, Deferred {
  readonly session: Session;
  readonly #server: Server;
  readonly #link: Link;
  readonly #reader: RequestReader;
  readonly #reply: ReplyWriter;
  #paused = false;
  /** When the client has closed its side, monotonic ms. */
  #endedMs: number | undefined;
  #closed = false;
  #running = false;
  #isFlushPlanned = false;
  /** Its replies are held back until what was changed is safe; nothing is executed. */
  #isHeld = false;
  #heldMark = 0;
  /** The time of the loop's turn is spent: it goes on in the next one. */
  #isDeferred = false;
  /** What it waits for replicas with. */
  #heldWrites: PendingWrites | undefined;
  /** What is before this has been handed to the link. */
  #sentMark = 0;
  /** Bytes of replies that the server's count has. */
  #countedBytes = 0;
  /** Where the reply to the request at hand begins. */
  #mark = 0;

  constructor(server: Server, link: Link, pool: ChunkPool, id: number) {
    this.#server = server;
    this.#link = link;
    this.#reader = new RequestReader(server.limits);
    this.#reply = new ReplyWriter(pool);
    const nowMs = server.store.world.clock.wallMs();
    this.session = new Session({ id, server, reply: this.#reply, carrier: this, nowMs });
    const mustAuthenticate = server.settings.requirepass !== '';
    this.session.setGate(GATE_NO_AUTH, mustAuthenticate);
    this.#reader.authenticated = !mustAuthenticate;
  }

  get remote(): string {
    return this.#link.remote;
  }

  get local(): string {
    return this.#link.local;
  }

  get remoteHost(): string {
    return this.#link.remoteHost;
  }

  get isUnix(): boolean {
    return this.#link.isUnix;
  }

  get queryBytes(): number {
    return this.#reader.bufferedBytes;
  }

  get replyMark(): number {
    return this.#mark;
  }

  get isAwaiting(): boolean {
    if (this.#closed || this.#isBlocked) return false;
    const { lane, task } = this.session;
    return this.#isHeld || task !== undefined || lane?.isEmpty === false;
  }

  data(buf: Buffer, bytes: number): void {
    if (this.#closed || this.session.closing) return;
    this.#server.bytesIn += bytes;
    this.#server.reads += 1;
    this.#reader.feed(buf, 0, bytes);
    this.#turn();
    this.#reader.keep();
    if (this.#isWaiting) this.#pauseOrResume();
  }

  drained(): void {
    this.#reply.drained();
    this.#send();
    this.#server.wakeTasks();
    if (!this.#running) this.#turn();
  }

  ended(): void {
    this.#endedMs ??= this.#server.store.world.clock.monotonicMs();
    // What it waits for must go to somebody who is still there.
    if (this.#isBlocked) {
      this.destroy();
      return;
    }
    if (this.#hasUnderWay()) return;
    // A client may close its side and still wait for the replies to what it sent.
    if (!this.#mustGoOn()) this.#finish();
  }

  /** Whether there is, or may be, more to execute or to send. */
  #mustGoOn(): boolean {
    return this.session.suspended || this.#stalled() || this.#isHeld || this.#isDeferred;
  }

  closed(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reply.release();
    this.#server.forget(this.session);
  }

  flush(): void {
    this.#isFlushPlanned = false;
    if (!this.#closed) this.#send();
    this.#server.checkOutput(this.session);
  }

  flushSoon(): void {
    if (this.#reply.pendingBytes > SOON_BYTES_MAX) {
      this.flush();
    } else if (!this.#isFlushPlanned && !this.#closed) {
      this.#isFlushPlanned = true;
      this.#server.flushes.add(this);
    }
  }

  safe(): void {
    this.#isHeld = false;
    if (this.#closed) return;
    // What a task has replied since may tell of later changes; what is pushed is no reply.
    const isListening = this.session.isSubscribed || this.#server.monitors.has(this.session);
    if (isListening || this.#reply.mark() === this.#heldMark) this.#sendNow();
    else this.#send();
    // Its task may have waited until what was held back has left.
    if (this.session.task !== undefined) this.#server.wakeTasks();
    if (this.session.closing) this.#finish();
    else if (!this.#running) this.#turn();
  }

  /** Whether its last writes survive is open, and there is no reply that says so: it hears none. */
  doubtful(): void {
    this.#isHeld = false;
    this.destroy();
  }

  /**
   * Each reply since the first write that is in doubt becomes the error: what was read after it
   * may tell of it. Where a reply has begun to leave, or pushes lie between replies, the connection
   * is closed instead.
   */
  inDoubt(text: string): void {
    const writes = this.#heldWrites!;
    const { session } = this;
    const reply = this.#reply;
    const isListening = session.isSubscribed || this.#server.monitors.has(session);
    const isWhole = reply.mark() === this.#heldMark && writes.mark >= this.#sentMark;
    // The request at hand may wait for something, or for its turn once these replies have left.
    const isWaiting = session.suspended || session.postponed !== undefined;
    const isPartial = isWaiting && reply.mark() !== this.#mark;
    const isMuted = (session.gate & GATE_REPLY_MODE) !== 0;
    if (isListening || isPartial || isMuted || !isWhole) {
      this.doubtful();
      return;
    }
    if (!this.#closed) {
      reply.rewind(writes.mark);
      // Then no reply to it is there yet.
      const count = writes.requests - (isWaiting ? 1 : 0);
      for (let n = 0; n < count; n += 1) {
        reply.error(text);
        this.#server.countError(text);
      }
      this.#heldMark = reply.mark();
      if (isWaiting) this.#mark = this.#heldMark;
    }
    this.safe();
  }

  resume(): void {
    if (this.#closed || this.#running) return;
    this.#turn();
  }

  goOn(): void {
    this.#isDeferred = false;
    if (!this.#closed) this.#turn(true);
  }

  setAuthenticated(authenticated: boolean): void {
    this.#reader.authenticated = authenticated;
  }

  closeSoon(): void {
    this.session.closing = true;
    if (!this.#running) this.#finish();
  }

  destroy(): void {
    this.session.closing = true;
    if (!this.#closed) this.#link.destroy();
  }

  /** Executes what can be executed now, and sends the replies. */
  #turn(wasDeferred = false): void {
    const server = this.#server;
    const session = this.session;
    const startMs = server.beginTurn();
    if (!wasDeferred && !this.#isDeferred) this.#defersAt(startMs);
    session.lastActiveMs = server.store.nowMs;
    this.#running = true;
    server.current = session;
    while (!this.#executeAll());
    server.current = undefined;
    if (session.task === undefined) session.deliverPushes();
    this.#running = false;
    const endMs = server.endTurn(startMs, session.isForClients);
    if (session.closing) {
      this.#finish();
      return;
    }
    if (this.#reply.mark() !== this.#countedBytes) this.flushSoon();
    if (!this.#isDeferred) this.#defersAt(endMs);
    this.#pauseOrResume();
    if (this.#endedMs !== undefined) this.ended();
  }

  /** True if the time of the loop's turn is spent: then it goes on in the next one. */
  #looksAtTime(): boolean {
    return this.#defersAt(this.#server.store.world.clock.monotonicMs());
  }

  #defersAt(nowMs: number): boolean {
    const { budget } = this.#server;
    if (!budget.isSpent(nowMs)) return false;
    this.#isDeferred = true;
    budget.defer(this);
    return true;
  }

  /** False if a command failed in a way that it should not, and there may be more to execute. */
  #executeAll(): boolean {
    try {
      this.#executeWhileWanted();
      return true;
    } catch (error) {
      this.#reply.rewind(this.#mark);
      this.#server.failed(this.session, error);
      return false;
    }
  }

  #executeWhileWanted(): void {
    const session = this.session;
    const dispatcher = this.#server.dispatcher;
    const reply = this.#reply;
    const reader = this.#reader;
    const { persistence, store } = this.#server;
    let lookAtBytes = reader.unreadBytes - LOOK_BYTES;
    while (!session.suspended && !session.closing && !this.#isHeld && !this.#isDeferred) {
      if (this.#endedMs !== undefined && this.#isTooLate(this.#endedMs)) return;
      if (persistence?.isFull === true && !this.#isControl) {
        this.#server.awaitDisk(session);
        return;
      }
      const postponed = session.postponed;
      if (postponed !== undefined) {
        session.postponed = undefined;
        this.#mark = reply.mark();
        const before = store.changeCount;
        dispatcher.execute(session, postponed);
        if (store.changeCount !== before) session.noteWrites(before);
        continue;
      }
      if (reply.pendingBytes > FLUSH_BYTES) {
        this.#send();
        if (this.#stalled() || this.#isHeld || this.#looksAtTime()) return;
      }
      if (reader.unreadBytes <= lookAtBytes) {
        lookAtBytes = reader.unreadBytes - LOOK_BYTES;
        if (this.#looksAtTime()) return;
      }
      const found = reader.next(args);
      if (found === NEED_MORE) return;
      if (found === PROTOCOL_ERROR) {
        // The error follows the replies that are under way.
        if (this.#hasUnderWay()) return;
        if (reader.error !== '') reply.error(reader.error);
        session.closing = true;
        return;
      }
      this.#mark = reply.mark();
      if (session.levelsAfter !== undefined) session.resetLevels();
      const before = store.changeCount;
      const { isOpen } = session.writes;
      dispatcher.execute(session, args);
      if (isOpen && (session.suspended || reply.mark() !== this.#mark)) {
        session.writes.requests += 1;
      }
      if (store.changeCount !== before) session.noteWrites(before);
    }
  }

  /**
   * The client of a ring closed its side so long ago that nothing more of it begins: it may have written
   * anew by another member. A node by itself runs it all, as Redis does.
   */
  #isTooLate(endedMs: number): boolean {
    if ((this.#server.dispatcher.gate & SERVER_RING) === 0) return false;
    if (this.#server.store.world.clock.monotonicMs() - endedMs <= ENDED_MAX_MS) return false;
    this.session.postponed = undefined;
    return true;
  }

  /** Sends what may leave: nothing before what it tells of is safe. */
  #send(): void {
    if (this.#isHeld) return;
    const { commits, persistence } = this.#server;
    const { writes } = this.session;
    const mayWait = (persistence !== undefined || writes.isOpen) && !this.#isControl;
    if (mayWait && this.#reply.pendingBytes > 0) {
      if (commits.hold(this, writes)) {
        this.#isHeld = true;
        this.#heldMark = this.#reply.mark();
        this.#heldWrites = writes.take();
        return;
      }
      writes.clear();
    }
    this.#sendNow();
  }

  #sendNow(): void {
    const written = this.#reply.mark();
    this.#sentMark = written;
    if (written !== this.#countedBytes) {
      this.#server.bytesOut += written - this.#countedBytes;
      this.#server.writes += 1;
      this.#countedBytes = written;
    }
    this.#reply.flush(this.#link);
  }

  /** Whether somebody lives must not depend on how fast this node's disk is. */
  get #isControl(): boolean {
    return this.session.peer?.channel === 'control';
  }

  #stalled(): boolean {
    return this.#reply.pendingBytes > PENDING_BYTES_MAX;
  }

  #pauseOrResume(): void {
    const isDiskFull = this.#server.persistence?.isFull === true && !this.#isControl;
    const waits = this.#isWaiting || isDiskFull;
    const pause = this.#stalled() || this.#isDeferred || (waits && !this.#readsAhead());
    if (pause === this.#paused) return;
    this.#paused = pause;
    if (pause) this.#link.pause();
    else this.#link.resume();
  }

  /** It executes nothing, or nothing for now. */
  get #isWaiting(): boolean {
    return this.session.suspended || this.#isHeld || this.#isBlocked;
  }

  /** A client that waits for something is read from, to hear when it goes. */
  #readsAhead(): boolean {
    const isMember = this.session.peer !== undefined && !this.#isHeld;
    return !isMember && this.#reader.bufferedBytes <= WAITING_QUERY_BYTES_MAX;
  }

  /** Whether replies from the ring are to come; then `resume` is called after the last of them. */
  #hasUnderWay(): boolean {
    const { lane } = this.session;
    if (lane === undefined || lane.isEmpty) return false;
    lane.isLast = true;
    return true;
  }

  /** Its command blocks, here or at another member. */
  get #isBlocked(): boolean {
    return this.session.blocked !== undefined || this.session.lane?.blocking !== undefined;
  }

  /** Executes nothing more; closes once the replies have left, at the latest when they drain. */
  #finish(): void {
    if (this.#closed) return;
    this.session.closing = true;
    this.#send();
    if (this.isAwaiting) this.#hasUnderWay();
    else if (this.#reply.pendingBytes === 0) this.#link.end();
  }
}
