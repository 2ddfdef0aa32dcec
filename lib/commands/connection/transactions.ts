/** MULTI, EXEC, DISCARD, WATCH, UNWATCH. Queueing itself is the dispatcher's. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import { GATE_MULTI, type Session } from '../../server/session.js';
import { COUNTS, type CommandRow, FAST, NOT_QUEUED } from '../command.js';

function multi(session: Session, _args: Args, reply: ReplyWriter): void {
  if (session.inTransaction) {
    reply.error('ERR MULTI calls can not be nested');
    return;
  }
  session.transaction = { queue: [], bytes: 0, failed: false };
  session.setGate(GATE_MULTI, true);
  reply.ok();
}

function discard(session: Session, _args: Args, reply: ReplyWriter): void {
  if (!session.inTransaction) {
    reply.error('ERR DISCARD without MULTI');
    return;
  }
  session.discard();
  reply.ok();
}

function exec(session: Session, _args: Args, reply: ReplyWriter): void {
  const transaction = session.transaction;
  if (transaction === undefined) {
    reply.error('ERR EXEC without MULTI');
    return;
  }
  expireWatched(session);
  const dirty = session.dirty;
  session.discard();
  if (transaction.failed) {
    reply.error('EXECABORT Transaction discarded because of previous errors.');
    return;
  }
  if (dirty) {
    reply.nilArray();
    return;
  }
  const { dispatcher, store } = session.server;
  reply.array(transaction.queue.length);
  dispatcher.atomic = true;
  try {
    for (const { command, args } of transaction.queue) {
      if ((command.flags & COUNTS) !== 0) store.expireDue(Number.POSITIVE_INFINITY);
      dispatcher.call(session, command, args);
    }
  } finally {
    dispatcher.atomic = false;
  }
}

/** A watched key that has expired by now has changed, even if nobody has looked at it since. */
function expireWatched(session: Session): void {
  for (const { database, key } of session.watched.values()) {
    const bytes = Buffer.from(key, 'latin1');
    session.server.store.databases[database]!.peek(bytes, 0, bytes.length);
  }
}

function watch(session: Session, args: Args, reply: ReplyWriter): void {
  if (session.inTransaction) {
    reply.error('ERR WATCH inside MULTI is not allowed');
    return;
  }
  for (let i = 1; i < args.count; i += 1) {
    session.database.peek(args.buf, args.starts[i]!, args.ends[i]!);
    session.watch(args.string(i));
  }
  reply.ok();
}

function unwatch(session: Session, _args: Args, reply: ReplyWriter): void {
  session.unwatch();
  reply.ok();
}

export const transactionCommands: readonly CommandRow[] = [
  { name: 'multi', arity: 1, flags: FAST | NOT_QUEUED, handler: multi },
  { name: 'exec', arity: 1, flags: NOT_QUEUED, handler: exec },
  { name: 'discard', arity: 1, flags: FAST | NOT_QUEUED, handler: discard },
  {
    name: 'watch',
    arity: -2,
    flags: FAST | NOT_QUEUED,
    keys: [1, -1, 1],
    handler: watch,
  },
  { name: 'unwatch', arity: 1, flags: FAST, handler: unwatch },
];
