/**
 * Behind: plain commands for keys of this node, of clients that have others under way elsewhere. Each
 * is run at once, and its reply waits in the lane for those before it.
 *
 *   command --> guest --plain reply----> copied to the chunk --> slot of the lane
 *                     --it has written-> the same, and held with those of the turn --> slots
 *                     --in slices, long-> a Call, which fills the slot later
 *
 * Why a guest: what the client's own session writes leaves at once, and its pending writes tell of what
 * lies in its writer. Why not always a Call: it takes closures and a Buffer for each command, and a third
 * of what comes to a ring of three is for itself. Why the writes of a turn wait as one: each that waits
 * alone ends the turn for replicas, so that every command would be a batch of its own to each of them.
 */

import type { Args } from '../../resp/args.js';
import { copyBytes } from '../../resp/bytes.js';
import { type Command, MAY_WRITE } from '../commands/command.js';
import type { CommitWaiter } from '../server/commit-gate.js';
import type { Flushable } from '../server/flush-queue.js';
import { PendingWrites } from '../server/pending-writes.js';
import type { Server } from '../server/server.js';
import type { Session } from '../server/session.js';
import type { Calls } from './calls.js';
import { DISK_FAILED, type Guest } from './guests.js';
import { type Lane, Slot } from './lane.js';
import { pour } from './pour.js';
import { errorReply } from './raw-reply.js';

/** Replies lie one behind the other in buffers of so many bytes; a quarter is one's own. */
const CHUNK_BYTES = 16 * 1024;
const SHARED_BYTES_MAX = CHUNK_BYTES / 4;

/** A command that is run here, and where its reply lies. */
class BehindSlot extends Slot {
  buf: Buffer | undefined;
  start = 0;
  end = 0;
  readonly #lane: Lane;
  #isGone = false;

  constructor(lane: Lane) {
    super();
    this.#lane = lane;
  }

  override cancel(): void {
    this.#isGone = true;
  }

  /** The reply that it has goes to the client. */
  release(): void {
    if (!this.#isGone) this.#lane.finishWith(this, this.buf!, this.start, this.end);
  }
}

/** What commands of a turn have written at one level, and those commands. */
class HeldWrites implements CommitWaiter {
  readonly writes = new PendingWrites();
  readonly #slots: BehindSlot[] = [];

  add(slot: BehindSlot, writes: PendingWrites): void {
    this.#slots.push(slot);
    this.writes.absorb(writes);
  }

  safe(): void {
    for (const slot of this.#slots) slot.release();
  }

  inDoubt(text: string): void {
    const reply = errorReply(text);
    for (const slot of this.#slots) {
      slot.buf = reply;
      slot.start = 0;
      slot.end = reply.length;
    }
    this.safe();
  }

  doubtful(): void {
    this.inDoubt(DISK_FAILED);
  }
}

export class Behind implements Flushable {
  readonly #server: Server;
  readonly #calls: Calls;
  #chunk = Buffer.allocUnsafe(0);
  #at = 0;
  /** What the turn at hand has written so far. */
  #held: HeldWrites | undefined;
  #isQueued = false;

  constructor(server: Server, calls: Calls) {
    this.#server = server;
    this.#calls = calls;
  }

  /** The lane has something under way, and room. */
  run(session: Session, lane: Lane, command: Command, args: Args, epoch: number): void {
    const { guests } = this.#calls;
    const slot = new BehindSlot(lane);
    lane.addSlot(slot, epoch);
    const { databaseIndex: database, readLevel, writeLevel } = session;
    const { protocol } = session.reply;
    const guest = guests.take({ database, protocol, readLevel, writeLevel, remote: 'ring' });
    if (!guest.runAtOnce(args, command) || !guest.isPlain) {
      this.#wait(guest, session, lane, slot, command);
      return;
    }
    this.#keep(slot, guest.reply.buf, guest.reply.at);
    guest.took();
    const { writes } = guest.session;
    const hasWritten = writes.isOpen;
    if (hasWritten) this.#hold(slot, writes);
    guests.giveBack(guest);
    if (!hasWritten) slot.release();
  }

  /** The turn has been executed. */
  flush(): void {
    this.#isQueued = false;
    this.#seal();
  }

  #seal(): void {
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined && !this.#server.commits.hold(held, held.writes)) held.safe();
  }

  #hold(slot: BehindSlot, writes: PendingWrites): void {
    if (this.#held !== undefined && this.#held.writes.level !== writes.level) this.#seal();
    this.#held ??= new HeldWrites();
    this.#held.add(slot, writes);
    if (this.#isQueued) return;
    this.#isQueued = true;
    this.#server.flushes.add(this);
  }

  #keep(slot: BehindSlot, reply: Buffer, bytes: number): void {
    if (bytes > SHARED_BYTES_MAX) {
      slot.buf = Buffer.from(reply.subarray(0, bytes));
      slot.end = bytes;
      return;
    }
    if (this.#chunk.length - this.#at < bytes) {
      this.#chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
      this.#at = 0;
    }
    slot.buf = this.#chunk;
    slot.start = this.#at;
    copyBytes(reply, 0, bytes, this.#chunk, this.#at);
    this.#at += bytes;
    slot.end = this.#at;
  }

  #wait(guest: Guest, session: Session, lane: Lane, slot: Slot, command: Command): void {
    const call = this.#calls.waitHere(guest, {
      verb: 'CALL',
      laneId: 0,
      database: session.databaseIndex,
      protocol: session.reply.protocol,
      flags: 0,
      readLevel: session.readLevel,
      writeLevel: session.writeLevel,
      isWrite: (command.flags & MAY_WRITE) !== 0,
      name: command.fullName,
      done: (reply) => lane.finish(slot, reply),
      long: (source) => pour(source, session, lane, slot),
      again: (reason) => lane.finish(slot, errorReply(reason)),
    });
    slot.cancel = () => this.#calls.cancel(call);
  }
}
