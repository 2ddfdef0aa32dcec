/** `client-output-buffer-limit`: how much a client may leave unread, by its class. */
import { classOf } from '../commands/connection/client-class.js';
import type { Server } from './server.js';
import type { Session } from './session.js';

/** Output that a watcher (MONITOR) may leave unread before it is cut off, bytes. */
const MONITOR_BYTES_MAX = 32 * 1024 * 1024;

/** True if a session leaves more unread than it may, or has for longer than it may. */
export function isOverOutputLimit(server: Server, session: Session): boolean {
  const pending = session.reply.pendingBytes + session.queuedPushBytes;
  if (server.monitors.has(session) && pending > MONITOR_BYTES_MAX) return true;
  const limits = server.settings.clientOutputBufferLimit;
  const { hardBytes, softBytes, softSeconds } = limits[classOf(session)];
  if (hardBytes !== 0 && pending > hardBytes) return true;
  if (softBytes === 0 || pending <= softBytes) {
    session.softLimitSinceMs = 0;
    return false;
  }
  const { nowMs } = server.store;
  if (session.softLimitSinceMs === 0) session.softLimitSinceMs = nowMs;
  return nowMs - session.softLimitSinceMs > softSeconds * 1000;
}
