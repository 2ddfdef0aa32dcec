/** Who a client is: the one user `default`, with or without a password. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Args } from '../../../resp/args.js';
import type { Session } from '../../server/session.js';
import { clientLine } from './client-info.js';

export const WRONG_PASSWORD = 'WRONGPASS invalid username-password pair or user is disabled.';
export const NO_PASSWORD_SET =
  'ERR AUTH <password> called without any password configured for the default user. ' +
  'Are you sure your configuration is correct?';
export const DEFAULT_USER = 'default';

/** Whether `args[password]` lets the user in; counts it, and notes it in the log, if not. */
export function isAdmitted(session: Session, user: string, args: Args, password: number): boolean {
  const wanted = session.server.settings.requirepass;
  const admitted = user === DEFAULT_USER && (wanted === '' || isSame(args.bytes(password), wanted));
  if (!admitted) noteRefusal(session, user, args);
  return admitted;
}

function noteRefusal(session: Session, user: string, args: Args): void {
  const { server } = session;
  server.deniedLogins += 1;
  const context = server.dispatcher.atomic ? 'multi' : 'toplevel';
  const client = clientLine(session, server.store.nowMs).trimEnd();
  server.aclLog.add({ context, object: args.string(0), user, client }, server);
}

function isSame(given: Buffer, wanted: string): boolean {
  return timingSafeEqual(sha256(given), sha256(Buffer.from(wanted)));
}

/** Hashes are of one length whatever the passwords are, so that comparing tells nothing of it. */
export function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}
