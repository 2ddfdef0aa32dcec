/**
 * Behind: plain commands for keys of this node, of clients that have others under way elsewhere. Each
 * is run at once, and its reply waits in the lane for those before it.
 *
 *   command --> guest --plain reply--> copied to the chunk --> slot of the lane
 *                     --in slices, held--> a Call, which fills the slot later
 *
 * Why a guest: what the client's own session writes leaves at once, and its pending writes tell of what
 * lies in its writer. Why not always a Call: it takes closures and a Buffer for each command, and a third
 * of what comes to a ring of three is for itself.
 */

import type { Args } from '../../resp/args.js';
import { copyBytes } from '../../resp/bytes.js';
import { type Command, MAY_WRITE } from '../commands/command.js';
import type { Session } from '../server/session.js';
import type { Calls } from './calls.js';
import type { Guest } from './guests.js';
import type { Lane, Slot } from './lane.js';
import { pour } from './pour.js';
import { errorReply } from './raw-reply.js';

/** Replies lie one behind the other in buffers of so many bytes; a quarter is one's own. */
const CHUNK_BYTES = 16 * 1024;
const SHARED_BYTES_MAX = CHUNK_BYTES / 4;

export class Behind {
  readonly #calls: Calls;
  #chunk = Buffer.allocUnsafe(0);
  #at = 0;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  /** The lane has something under way, and room. */
  run(session: Session, lane: Lane, command: Command, args: Args, epoch: number): void {
    const { guests } = this.#calls;
    const slot = lane.add(epoch);
    const { databaseIndex: database, readLevel, writeLevel } = session;
    const { protocol } = session.reply;
    const guest = guests.take({ database, protocol, readLevel, writeLevel, remote: 'ring' });
    const isOver = guest.runAtOnce(args, command);
    if (!isOver || guest.session.writes.isOpen || !guest.isPlain) {
      this.#wait(guest, session, lane, slot, command);
      return;
    }
    this.#finish(lane, slot, guest.reply.buf, guest.reply.at);
    guest.took();
    guests.giveBack(guest);
  }

  #finish(lane: Lane, slot: Slot, reply: Buffer, bytes: number): void {
    if (bytes > SHARED_BYTES_MAX) {
      lane.finish(slot, Buffer.from(reply.subarray(0, bytes)));
      return;
    }
    if (this.#chunk.length - this.#at < bytes) {
      this.#chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
      this.#at = 0;
    }
    const from = this.#at;
    copyBytes(reply, 0, bytes, this.#chunk, from);
    this.#at += bytes;
    lane.finishWith(slot, this.#chunk, from, this.#at);
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
