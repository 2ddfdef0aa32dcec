/**
 * How a session of radix.Sync travels between two members: as requests of whoever began it, on the
 * channel `bulk`. docs/protocol-loops.md draws it.
 *
 *   initiator                                        responder
 *     | SYNC OPEN  session epoch bytes  ---------------> |   a session, if the epoch is the same
 *     | <----------------------------  [state, bytes]    |
 *     | SYNC FRAME session bytes        ---------------> |
 *     | <----------------------------  [state, bytes]    |   until the state is 2: it is over
 *     | SYNC CLOSE session              ---------------> |   given up
 *
 * Why requests alone and not messages both ways: the protocol is a conversation in which one side
 * speaks and the other listens, so an answer has its request; a connection that works one way only
 * is enough; and an equal range costs one round trip.
 */
import type { SyncSession } from '../../radix/sync/session.js';

export const SYNC_VERB = 'SYNC';

/** The responder waits for what the initiator says. */
export const STATE_LISTENS = 0;
/** It has more to say: it should be asked for that, with or without bytes. */
export const STATE_SPEAKS = 1;
/** It has ended the session well. */
export const STATE_OVER = 2;

/** With so many bytes a message is sent; one frame (64 KiB) more may be in it. */
export const MESSAGE_BYTES = 32 * 1024;
/** What a message may have at most. */
export const MESSAGE_BYTES_MAX = 128 * 1024;

/** Frames of a session, until they are a message. */
export class Outgoing {
  #frames: Buffer[] = [];
  #bytes = 0;

  get isFull(): boolean {
    return this.#bytes >= MESSAGE_BYTES;
  }

  get isEmpty(): boolean {
    return this.#bytes === 0;
  }

  /**
   * Lets the session work until `isLate` or the message is full. True: the message is as long as it
   * will be; the session waits for the other side, has ended, or must first be rid of it.
   */
  fill(session: SyncSession, isLate: () => boolean): boolean {
    for (;;) {
      const hasMore = session.work();
      const hasTaken = this.#take(session);
      if (this.isFull || (!hasMore && !hasTaken)) return true;
      if (isLate()) return false;
    }
  }

  take(): Buffer {
    const bytes = this.#frames.length === 1 ? this.#frames[0]! : Buffer.concat(this.#frames);
    this.#frames = [];
    this.#bytes = 0;
    return bytes;
  }

  #take(session: SyncSession): boolean {
    let hasTaken = false;
    while (!this.isFull) {
      const frame = session.take();
      if (frame === null) break;
      this.#frames.push(frame);
      this.#bytes += frame.length;
      hasTaken = true;
    }
    return hasTaken;
  }
}
