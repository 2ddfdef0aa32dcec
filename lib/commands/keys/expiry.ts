/** When keys go: EXPIRE and its kin, TTL and its kin, PERSIST. */
import type { Leaf } from '../../../radix/leaf.js';
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import { NOTIFY_GENERIC } from '../../store/notify.js';
import { type CommandRow, FAST, READONLY, WRITE } from '../command.js';
import { findKey, inspectKey, notifyKey } from '../lookup.js';
import { NOT_INTEGER, shortText } from '../replies.js';
import { conditionOf, GT, holds, LT, NX } from './expire-conditions.js';
import { expiryTimeMs, invalidExpireTime } from './expire-time.js';

function expire(session: Session, args: Args, reply: ReplyWriter): void {
  expireKey(session, args, 'expire', 1000, session.server.store.nowMs, reply);
}

function pexpire(session: Session, args: Args, reply: ReplyWriter): void {
  expireKey(session, args, 'pexpire', 1, session.server.store.nowMs, reply);
}

function expireat(session: Session, args: Args, reply: ReplyWriter): void {
  expireKey(session, args, 'expireat', 1000, 0, reply);
}

function pexpireat(session: Session, args: Args, reply: ReplyWriter): void {
  expireKey(session, args, 'pexpireat', 1, 0, reply);
}

function expireKey(
  session: Session,
  args: Args,
  command: string,
  unitMs: 1 | 1000,
  baseMs: number,
  reply: ReplyWriter,
): void {
  const conditions = args.count === 3 ? 0 : readConditions(args, reply);
  if (conditions < 0) return;
  const timeMs = expiryTimeMs(args, 2, unitMs, baseMs);
  if (!(timeMs < Number.POSITIVE_INFINITY)) {
    reply.error(Number.isNaN(timeMs) ? NOT_INTEGER : invalidExpireTime(command));
    return;
  }
  const database = session.database;
  const leaf = findKey(database, args, 1);
  if (leaf === 0 || !holds(conditions, timeMs, database.tree.expiryMs(leaf))) {
    reply.integer(0);
    return;
  }
  const from = args.starts[1]!;
  const to = args.ends[1]!;
  // A time of 0 would mean no expiry.
  const isPast = timeMs <= database.store.nowMs;
  if (isPast) database.remove(args.buf, from, to);
  else database.setExpiry(args.buf, from, to, timeMs);
  notifyKey(database, NOTIFY_GENERIC, isPast ? 'del' : 'expire', args, 1);
  reply.integer(1);
}

/** The conditions from argument 3 on; -1, the error replied, if they are none or contradict. */
function readConditions(args: Args, reply: ReplyWriter): number {
  let conditions = 0;
  for (let i = 3; i < args.count; i += 1) {
    const condition = conditionOf(args, i);
    if (condition === 0) {
      reply.error(`ERR Unsupported option ${shortText(args.string(i), Number.POSITIVE_INFINITY)}`);
      return -1;
    }
    conditions |= condition;
  }
  if ((conditions & NX) !== 0 && conditions !== NX) {
    reply.error('ERR NX and XX, GT or LT options at the same time are not compatible');
    return -1;
  }
  if ((conditions & GT) !== 0 && (conditions & LT) !== 0) {
    reply.error('ERR GT and LT options at the same time are not compatible');
    return -1;
  }
  return conditions;
}

const NO_KEY = -2;
const NO_EXPIRY = -1;

/** Milliseconds since 1970, NO_EXPIRY or NO_KEY. */
function expiryOf(session: Session, args: Args): number {
  const database = session.database;
  const leaf: Leaf = inspectKey(database, args, 1);
  if (leaf === 0) return NO_KEY;
  const expiryMs = database.tree.expiryMs(leaf);
  return expiryMs === 0 ? NO_EXPIRY : expiryMs;
}

function ttl(session: Session, args: Args, reply: ReplyWriter): void {
  const expiryMs = expiryOf(session, args);
  const leftMs = expiryMs - session.server.store.nowMs;
  reply.integer(expiryMs < 0 ? expiryMs : Math.floor((leftMs + 500) / 1000));
}

function pttl(session: Session, args: Args, reply: ReplyWriter): void {
  const expiryMs = expiryOf(session, args);
  reply.integer(expiryMs < 0 ? expiryMs : expiryMs - session.server.store.nowMs);
}

function expiretime(session: Session, args: Args, reply: ReplyWriter): void {
  const expiryMs = expiryOf(session, args);
  reply.integer(expiryMs < 0 ? expiryMs : Math.floor((expiryMs + 500) / 1000));
}

function pexpiretime(session: Session, args: Args, reply: ReplyWriter): void {
  reply.integer(expiryOf(session, args));
}

function persist(session: Session, args: Args, reply: ReplyWriter): void {
  const database = session.database;
  const leaf = findKey(database, args, 1);
  if (leaf === 0 || database.tree.expiryMs(leaf) === 0) {
    reply.integer(0);
    return;
  }
  database.setExpiry(args.buf, args.starts[1]!, args.ends[1]!, 0);
  notifyKey(database, NOTIFY_GENERIC, 'persist', args, 1);
  reply.integer(1);
}

export const expiryCommands: readonly CommandRow[] = [
  { name: 'expire', arity: -3, flags: WRITE | FAST, keys: [1, 1, 1], handler: expire },
  { name: 'pexpire', arity: -3, flags: WRITE | FAST, keys: [1, 1, 1], handler: pexpire },
  { name: 'expireat', arity: -3, flags: WRITE | FAST, keys: [1, 1, 1], handler: expireat },
  { name: 'pexpireat', arity: -3, flags: WRITE | FAST, keys: [1, 1, 1], handler: pexpireat },
  { name: 'ttl', arity: 2, flags: READONLY | FAST, keys: [1, 1, 1], handler: ttl },
  { name: 'pttl', arity: 2, flags: READONLY | FAST, keys: [1, 1, 1], handler: pttl },
  { name: 'expiretime', arity: 2, flags: READONLY | FAST, keys: [1, 1, 1], handler: expiretime },
  { name: 'pexpiretime', arity: 2, flags: READONLY | FAST, keys: [1, 1, 1], handler: pexpiretime },
  { name: 'persist', arity: 2, flags: WRITE | FAST, keys: [1, 1, 1], handler: persist },
];
