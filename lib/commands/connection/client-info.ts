/** One line of CLIENT LIST, with the fields and the order of Redis 7.2, and 7.4's `watch`. */
import { GATE_MONITOR, GATE_NO_TOUCH, type Session } from '../../server/session.js';
import { redirectOf } from './client-tracking.js';

/** The line of a session, with its line feed; one character per byte. */
export function clientLine(session: Session, nowMs: number): string {
  const { carrier, reply, subscriptions, transaction } = session;
  const queryBytes = carrier.queryBytes;
  const transactionBytes = transaction?.bytes ?? 0;
  const total = queryBytes + transactionBytes + reply.heldBytes;
  const fields = [
    `id=${session.id}`,
    `addr=${carrier.remote}`,
    `laddr=${carrier.local}`,
    'fd=-1',
    `name=${session.name}`,
    `age=${seconds(nowMs - session.createdMs)}`,
    `idle=${seconds(nowMs - session.lastActiveMs)}`,
    `flags=${flagsOf(session)}`,
    `db=${session.databaseIndex}`,
    `sub=${subscriptions?.channel.size ?? 0}`,
    `psub=${subscriptions?.pattern.size ?? 0}`,
    `ssub=${subscriptions?.shard.size ?? 0}`,
    `multi=${transaction?.queue.length ?? -1}`,
    `watch=${session.watched.size}`,
    `qbuf=${queryBytes}`,
    'qbuf-free=0 argv-mem=0',
    `multi-mem=${transactionBytes}`,
    `rbs=${reply.heldBytes}`,
    `rbp=${reply.heldBytes}`,
    'obl=0 oll=0',
    `omem=${reply.pendingBytes + session.queuedPushBytes}`,
    `tot-mem=${total}`,
    `events=${reply.pendingBytes > 0 && reply.heldBytes > 0 ? 'rw' : 'r'}`,
    `cmd=${session.lastCommand?.fullName ?? 'NULL'}`,
    `user=${session.user}`,
    `redir=${redirectOf(session)}`,
    `resp=${reply.protocol}`,
    `lib-name=${session.libName}`,
    `lib-ver=${session.libVersion}`,
  ];
  return `${fields.join(' ')}\n`;
}

function flagsOf(session: Session): string {
  let flags = '';
  if ((session.gate & GATE_MONITOR) !== 0) flags += 'O';
  if (session.isSubscribed) flags += 'P';
  if (session.inTransaction) flags += 'x';
  if (session.suspended) flags += 'b';
  if (session.tracking !== undefined) flags += 't';
  if (session.tracking?.isBroken === true) flags += 'R';
  if (session.tracking?.options.isBroadcast === true) flags += 'B';
  if (session.dirty) flags += 'd';
  if (session.closing) flags += 'c';
  if (session.carrier.isUnix) flags += 'U';
  if (session.noEvict) flags += 'e';
  if ((session.gate & GATE_NO_TOUCH) !== 0) flags += 'T';
  return flags === '' ? 'N' : flags;
}

function seconds(ms: number): number {
  return Math.max(0, Math.floor(ms / 1000));
}
