/**
 * `POST` and `Host:` are no commands: they are how a browser, lured by a web page, would speak to a
 * node on its own machine. Such a connection is closed at once, as Redis does, so that what follows
 * in the body is not executed.
 */
import type { Session } from '../../server/session.js';
import { type CommandRow, HIDDEN, NO_AUTH, NOT_QUEUED, REFUSED } from '../command.js';

function closeAtOnce(session: Session): void {
  const client = session.carrier.remote;
  session.server.log.warn({ client }, 'closed: it speaks HTTP, as in a cross-protocol attack');
  session.carrier.destroy();
}

const flags = NO_AUTH | NOT_QUEUED | HIDDEN | REFUSED;

export const httpGuardCommands: readonly CommandRow[] = [
  { name: 'post', arity: -1, flags, handler: closeAtOnce },
  { name: 'host:', arity: -1, flags, handler: closeAtOnce },
];
