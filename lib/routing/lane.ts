/**
 * What one client has under way in the ring: commands whose replies come from elsewhere, in the
 * order in which they were sent.
 *
 *   slots    [ GET a | DEL b c | GET d ]      replies arrive in any order
 *              |         |       `- has come, waits for those before it
 *              |         `- asked of two members
 *              `- head: once its reply is here, it and those behind it that have theirs are written
 *
 * While there is a slot GATE_LANE is set in the session, and whatever cannot take a slot (because
 * it is answered from the session itself, as SELECT) waits until the lane is empty.
 * Invariant: replies are written whole, and in the order of the slots.
 */
import { GATE_LANE, type Session } from '../server/session.js';
import type { LongSource } from './long-replies.js';

/** Commands of one client under way. */
const SLOTS_MAX = 128;
/** Replies that wait for those before them, beyond which no command is added, bytes. */
const WAITING_BYTES_MAX = 1024 * 1024;

export class Slot {
  /** Its bytes are reply[from, to). */
  reply: Buffer | undefined;
  from = 0;
  to = 0;
  /** CLIENT REPLY: it is not wanted. */
  isMuted = false;
  /** Where its reply is to be fetched from. */
  source: LongSource | undefined;
  /** Runs as soon as all before it are answered. */
  whenHead: (() => void) | undefined;
  /** The client is gone: what is under way ends. */
  cancel?(): void;
  /** Ends a command that blocks; `withError` as CLIENT UNBLOCK says it. */
  unblock: ((withError: boolean) => void) | undefined;
  /** Runs when the reply has been written, or never will be. */
  over: ((isWritten: boolean) => void) | undefined;
}

export class Lane {
  readonly #session: Session;
  readonly #slots: Slot[] = [];
  #waitingBytes = 0;
  /** Nothing may follow what is under way: it blocks, or is to be tried again. */
  isClosed = false;
  /** The view under which all of it was sent. */
  epoch = 0;
  /** When a command was last answered while others were to be tried again, monotonic ms. */
  progressMs = 0;
  /** The client sends no more: its connection is to go on once the lane is empty. */
  isLast = false;
  #isResuming = false;
  /** A command under way may be sent to a member that has had others behind it. */
  #asksAnew = false;

  constructor(session: Session) {
    this.#session = session;
  }

  get isEmpty(): boolean {
    return this.#slots.length === 0;
  }

  /** A command that blocks is under way. */
  get blocking(): Slot | undefined {
    // Nothing follows what blocks.
    if (!this.isClosed) return undefined;
    return this.#slots.find((slot) => slot.unblock !== undefined);
  }

  mayAdd(epoch: number): boolean {
    if (this.isEmpty) return true;
    if (this.isClosed || this.epoch !== epoch) return false;
    return this.#slots.length < SLOTS_MAX && this.#waitingBytes < WAITING_BYTES_MAX;
  }

  add(epoch: number): Slot {
    const slot = new Slot();
    this.addSlot(slot, epoch);
    return slot;
  }

  addSlot(slot: Slot, epoch: number): void {
    this.epoch = epoch;
    this.#slots.push(slot);
    this.#session.setGate(GATE_LANE, true);
  }

  /** What is told at once, of a command that is not run, follows what is under way nevertheless. */
  finishNow(reply: Buffer): void {
    this.finish(this.add(this.epoch), reply);
  }

  /** The reply to the command that was added last is not wanted. */
  muteLast(): void {
    const last = this.#slots.at(-1);
    if (last !== undefined) last.isMuted = true;
  }

  whenLastIsWritten(over: (isWritten: boolean) => void): void {
    this.#slots.at(-1)!.over = over;
  }

  /** The reply of `slot` is fetched from there: its member begins nothing of the lane until then. */
  hasLong(slot: Slot, source: LongSource): void {
    slot.source = source;
    if (this.#asksAnew) source.yieldLane();
  }

  /**
   * A command is about to be sent, perhaps to a member that makes the reply to one behind it: that must
   * not hold it up, for it will not be fetched before.
   */
  asksAnew(): void {
    this.#asksAnew = true;
    for (const { source } of this.#slots) source?.yieldLane();
  }

  /** Runs when all before it are answered: at once, if they are. */
  whenHead(slot: Slot, run: () => void): void {
    if (this.#slots[0] === slot) run();
    else slot.whenHead = run;
  }

  finish(slot: Slot, reply: Buffer): void {
    if (this.isClosed) this.progressMs = this.#session.server.store.world.clock.monotonicMs();
    this.finishWith(slot, reply, 0, reply.length);
  }

  /** It was tried in vain. */
  giveUp(slot: Slot, reply: Buffer): void {
    this.finishWith(slot, reply, 0, reply.length);
  }

  /** Its reply is buf[from, to), which stays as it is. */
  finishWith(slot: Slot, buf: Buffer, from: number, to: number): void {
    const session = this.#session;
    slot.reply = buf;
    slot.from = from;
    slot.to = to;
    this.#waitingBytes += to - from;
    if (this.#slots[0] !== slot) return;
    let head: Slot | undefined = slot;
    for (; head?.reply !== undefined; head = this.#slots[0]) {
      this.#slots.shift();
      this.#waitingBytes -= head.to - head.from;
      if (!head.isMuted) session.reply.raw(head.reply, head.from, head.to);
      head.over?.(true);
    }
    if (session.server.current !== session) session.carrier.flushSoon();
    if (head === undefined) this.#drained();
    else if (head.whenHead !== undefined) run(head);
  }

  /** The client is gone. */
  cancel(): void {
    const slots = this.#slots.splice(0);
    for (const slot of slots) {
      slot.cancel?.();
      slot.over?.(false);
    }
    this.#session.setGate(GATE_LANE, false);
  }

  #drained(): void {
    const session = this.#session;
    this.isClosed = false;
    this.#asksAnew = false;
    session.setGate(GATE_LANE, false);
    if ((!session.suspended && !this.isLast) || this.#isResuming) return;
    // Not at once: this may be in the middle of another session's turn, or of its own.
    this.#isResuming = true;
    session.server.store.world.timers.soon(() => {
      this.#isResuming = false;
      if (!this.isEmpty) return;
      session.suspended = false;
      session.carrier.resume();
    });
  }
}

function run(slot: Slot): void {
  const { whenHead } = slot;
  slot.whenHead = undefined;
  whenHead?.();
}
