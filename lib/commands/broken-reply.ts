/** A reply in slices that cannot go on: part of it has left, so the client is told by closing. */
import type { Session } from '../server/session.js';

export function breakOff(session: Session, error: unknown): void {
  const command = session.lastCommand?.fullName;
  const client = session.carrier.remote;
  session.server.log.error({ err: error, client, command }, 'a reply was broken off');
  session.carrier.destroy();
}
