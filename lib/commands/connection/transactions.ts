/** MULTI, EXEC, DISCARD, WATCH, UNWATCH. Queueing itself is the dispatcher's. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import { GATE_MULTI, type QueuedCommand, type Session } from '../../server/session.js';
import { COUNTS, type CommandRow, FAST, NOT_QUEUED } from '../command.js';
import { AT_ONCE_MAX, pieces, type Slices, sliced } from '../many-arguments.js';

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
  reply.array(transaction.queue.length);
  runQueue(session, transaction.queue, 0);
}

/** Runs queued commands; a slow script among them lets the loop turn, and the rest follows it. */
function runQueue(session: Session, queue: readonly QueuedCommand[], from: number): void {
  const { dispatcher, scripts, store } = session.server;
  dispatcher.atomic = true;
  try {
    for (let i = from; i < queue.length; i += 1) {
      const { command, args } = queue[i]!;
      if ((command.flags & COUNTS) !== 0) store.expireDue(Number.POSITIVE_INFINITY);
      dispatcher.call(session, command, args);
      const script = scripts.runner.running;
      if (script === undefined) continue;
      script.afterwards = () => runQueue(session, queue, i + 1);
      return;
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
  if (args.count <= AT_ONCE_MAX) {
    watchSome(session, args, 1, args.count);
    reply.ok();
    return;
  }
  // Each is watched from its turn on: before the reply, which is what the client goes by.
  const work = function* (own: Args): Slices {
    yield* pieces(own, 1, (from, to) => watchSome(session, own, from, to));
    reply.ok();
  };
  session.defer(sliced(session, args, work));
}

/** Watches the keys in the arguments [from, to). */
function watchSome(session: Session, args: Args, from: number, to: number): void {
  for (let i = from; i < to; i += 1) {
    session.database.peek(args.buf, args.starts[i]!, args.ends[i]!);
    session.watch(args.string(i));
  }
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
