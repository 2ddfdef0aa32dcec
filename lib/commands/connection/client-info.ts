/** One line of CLIENT LIST, with the fields and the order of Redis 7.2. */
import { GATE_MONITOR, GATE_NO_TOUCH, type Session } from '../../server/session.js';

/** The line of a session, with its line feed; one character per byte. */
export function clientLine(session: Session, nowMs: number): string {
  const { carrier, reply, transaction } = session;
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
    'sub=0 psub=0 ssub=0',
    `multi=${transaction?.queue.length ?? -1}`,
    `qbuf=${queryBytes}`,
    'qbuf-free=0 argv-mem=0',
    `multi-mem=${transactionBytes}`,
    `rbs=${reply.heldBytes}`,
    `rbp=${reply.heldBytes}`,
    'obl=0 oll=0',
    `omem=${reply.pendingBytes}`,
    `tot-mem=${total}`,
    `events=${reply.pendingBytes > 0 && reply.heldBytes > 0 ? 'rw' : 'r'}`,
    `cmd=${session.lastCommand?.fullName ?? 'NULL'}`,
    `user=${session.user}`,
    'redir=-1',
    `resp=${reply.protocol}`,
    `lib-name=${session.libName}`,
    `lib-ver=${session.libVersion}`,
  ];
  return `${fields.join(' ')}\n`;
}

function flagsOf(session: Session): string {
  let flags = '';
  if ((session.gate & GATE_MONITOR) !== 0) flags += 'O';
  if (session.inTransaction) flags += 'x';
  if (session.suspended) flags += 'b';
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
