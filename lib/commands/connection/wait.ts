/**
 * WAIT: until so many other replicas have what this connection has written. A node that is alone
 * waits for nothing but time.
 *
 * WAITAOF: until what this node has is synced, `--fsync` or not. What others have synced is not known
 * here: replicas are waited for, and none is counted.
 */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import { neededOf } from '../../replication/levels.js';
import type { Session, Written } from '../../server/session.js';
import { blockMs } from '../block-timeout.js';
import type { CommandRow } from '../command.js';
import { NOT_INTEGER } from '../replies.js';

/** WAIT numreplicas timeout */
function wait(session: Session, args: Args, reply: ReplyWriter): void {
  const replicas = args.int64(1);
  if (Number.isNaN(replicas)) {
    reply.error(NOT_INTEGER);
    return;
  }
  const timeoutMs = blockMs(args, 2, reply);
  if (timeoutMs < 0) return;
  const { replication } = session.server;
  if (replication?.isOn === true) waitForReplicas(session, args, replicas, timeoutMs);
  else if (replicas <= 0) reply.integer(0);
  else waitForTime(session, args, timeoutMs, (target) => target.integer(0));
}

/**
 * Of what other members have written for the connection it is known what their level ensures: less
 * than that is waited for, more is not.
 */
function waitForReplicas(session: Session, args: Args, wanted: number, timeoutMs: number): void {
  const { blocking, replication } = session.server;
  replication!.turnEnds();
  const { awayLevel, first, last } = takeWritten(session);
  const away = awayLevel < 0 ? Number.POSITIVE_INFINITY : othersAt(session, awayLevel);
  const count = (): number => {
    const here = first === 0 ? replication!.reachableCount : replication!.countOthers(first, last);
    return Math.min(away, here);
  };
  const target = Math.min(wanted, away);
  if (count() >= target) {
    session.reply.integer(count());
    return;
  }
  waitForTime(session, args, timeoutMs, (reply) => reply.integer(count()));
  const { blocked } = session;
  // In a transaction it does not wait.
  if (blocked === undefined) return;
  replication!.watch(() => {
    if (session.blocked !== blocked) return true;
    if (count() < target) return false;
    blocking.unblock(session, false);
    return true;
  });
}

/** What the session has written since its last WAIT; if that is nothing, what that one was about. */
function takeWritten(session: Session): Written {
  const { awayLevel, writtenFirst: first, writtenLast: last } = session;
  if (first === 0 && awayLevel < 0) return session.waited;
  session.waited = { awayLevel, first, last };
  session.writtenFirst = 0;
  session.awayLevel = -1;
  return session.waited;
}

/** How many replicas but the owner have what was acknowledged at a level. */
function othersAt({ server }: Session, level: number): number {
  return neededOf(level, server.router!.ring.replicaCount) - 1;
}

/** WAITAOF numlocal numreplicas timeout */
function waitAof(session: Session, args: Args, reply: ReplyWriter): void {
  const local = args.int64(1);
  const replicas = args.int64(2);
  if (Number.isNaN(local)) {
    reply.error(NOT_INTEGER);
    return;
  }
  if (local < 0 || local > 1) {
    reply.error('ERR value is out of range, value must between 0 and 1');
    return;
  }
  if (Number.isNaN(replicas)) {
    reply.error(NOT_INTEGER);
    return;
  }
  if (replicas < 0) {
    reply.error('ERR value is out of range, must be positive');
    return;
  }
  const timeoutMs = blockMs(args, 3, reply);
  if (timeoutMs < 0) return;
  const { persistence } = session.server;
  if (local > 0 && persistence === undefined) {
    reply.error('ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.');
    return;
  }
  if (local + replicas === 0) writeSynced(reply, false);
  else waitForSync(session, args, { timeoutMs, replicas });
}

function waitForSync(
  session: Session,
  args: Args,
  { timeoutMs, replicas }: { readonly timeoutMs: number; readonly replicas: number },
): void {
  const { blocking, persistence } = session.server;
  let isSynced = false;
  waitForTime(session, args, timeoutMs, (reply) => writeSynced(reply, isSynced));
  const { blocked } = session;
  // In a transaction it does not wait.
  if (blocked === undefined) return;
  persistence?.settle((isDone) => {
    isSynced = isDone;
    // A disk that fails may do so for any time: who asked is told at once.
    if (session.blocked === blocked && (replicas === 0 || !isDone))
      blocking.unblock(session, false);
  });
}

function writeSynced(reply: ReplyWriter, isSynced: boolean): void {
  reply.array(2);
  reply.integer(isSynced ? 1 : 0);
  reply.integer(0);
}

function waitForTime(
  session: Session,
  args: Args,
  timeoutMs: number,
  timedOut: (reply: ReplyWriter) => void,
): void {
  session.block(args, { keys: [], timeoutMs, timedOut });
}

export const waitCommands: readonly CommandRow[] = [
  { name: 'wait', arity: 3, flags: 0, handler: wait },
  { name: 'waitaof', arity: 4, flags: 0, handler: waitAof },
];
