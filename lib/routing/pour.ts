/**
 * Writes a long reply to a client, a portion at a time, once all replies before it are written.
 *
 * While the client does not read no more is fetched. Nothing of the session is executed or written
 * in between, pushes included. If the rest does not come the connection is closed: what a client has
 * got of a reply cannot be taken back.
 */
import type { Session, Task } from '../server/session.js';
import type { Lane, Slot } from './lane.js';
import type { LongSource } from './long-replies.js';

/** Replies not yet sent beyond which it waits for the client, bytes. */
const PENDING_BYTES_MAX = 1024 * 1024;
const LOOK_MS = 5;
const NOTHING = Buffer.alloc(0);

/** Says that a reply is under way: its work is done as portions arrive. */
const POURING: Task = { step: () => true };

export function pour(source: LongSource, session: Session, lane: Lane, slot: Slot): void {
  lane.isClosed = true;
  lane.hasLong(slot, source);
  const cancel = slot.cancel?.bind(slot);
  const state = { isGone: false };
  slot.cancel = () => {
    state.isGone = true;
    source.end();
    cancel?.();
  };
  lane.whenHead(slot, () => {
    if (slot.isMuted) {
      source.end();
      lane.finish(slot, NOTHING);
      return;
    }
    session.task = POURING;
    session.suspended = true;
    pourOn(source, session, state, () => {
      session.task = undefined;
      source.end();
      session.deliverPushes();
      lane.finish(slot, NOTHING);
    });
  });
}

function pourOn(
  source: LongSource,
  session: Session,
  state: { readonly isGone: boolean },
  over: () => void,
): void {
  const { carrier, reply, server } = session;
  const taken = (portion: Buffer | undefined): void => {
    if (state.isGone) return;
    if (portion === undefined) {
      server.log.warn({ client: carrier.remote }, 'a long reply broke off: the client is cut off');
      carrier.destroy();
      return;
    }
    if (portion.length === 0) return over();
    reply.raw(portion, 0, portion.length);
    carrier.flush();
    goOn();
  };
  const goOn = (): void => {
    if (state.isGone) return;
    if (reply.pendingBytes <= PENDING_BYTES_MAX) source.next(taken);
    else server.store.world.timers.after(LOOK_MS, goOn);
  };
  goOn();
}
