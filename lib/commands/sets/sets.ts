/** Sets: members one by one and several at a time, and the set as a whole. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import type { Collection } from '../../store/collection.js';
import { NOTIFY_SET } from '../../store/notify.js';
import { addMember, expectMembers, isSmallSet } from '../../types/sets.js';
import { TYPE_SET } from '../../types/types.js';
import { findCollection, readCollection, refusesSubKey } from '../collections.js';
import { type CommandRow, FAST, READONLY, WRITE } from '../command.js';
import { replyElements } from '../element-range.js';
import { writeKey } from '../element-reply.js';
import { type ScanKind, scanElements } from '../element-scan.js';
import { refusesKey } from '../lookup.js';
import { changeBy, removeElements, replyCount, replyForEach } from '../many-arguments.js';

const saddEnd = replyCount(NOTIFY_SET, 'sadd');
const sremEnd = replyCount(NOTIFY_SET, 'srem');

function sadd(session: Session, args: Args, reply: ReplyWriter): void {
  if (refusesKey(args, 1, reply)) return;
  for (let i = 2; i < args.count; i += 1) {
    if (refusesSubKey(args, i, reply)) return;
  }
  const set = findCollection(session, args, 1, TYPE_SET, reply);
  if (set !== undefined) changeBy(session, set, args, addMembers, saddEnd);
}

/** Adds the members in the arguments [from, to); how many are new. */
function addMembers(set: Collection, args: Args, from: number, to: number): number {
  const { buf, count, ends, starts } = args;
  const isNew = !set.exists;
  if (from === 2 && !isNew) expectMembers(set, count - 2, false);
  let added = 0;
  for (let i = from; i < to; i += 1) {
    if (addMember(set, buf, starts[i]!, ends[i]!)) added += 1;
    if (isNew && i === 2) expectMembers(set, count - 2, true);
  }
  return added;
}

function srem(session: Session, args: Args, reply: ReplyWriter): void {
  const set = findCollection(session, args, 1, TYPE_SET, reply);
  if (set !== undefined) changeBy(session, set, args, removeElements, sremEnd);
}

function smove(session: Session, args: Args, reply: ReplyWriter): void {
  const { buf, starts, ends } = args;
  const source = findCollection(session, args, 1, TYPE_SET, reply, 0);
  if (source === undefined) return;
  if (!source.exists) {
    reply.integer(0);
    return;
  }
  const target = findCollection(session, args, 2, TYPE_SET, reply, 1);
  if (target === undefined) return;
  const isThere = has(source, args, 3);
  const isSame = source.sub.head === target.sub.head;
  if (isThere && !isSame) {
    if (refusesKey(args, 2, reply)) return;
    source.remove(buf, starts[3]!, ends[3]!);
    source.notify(NOTIFY_SET, 'srem');
    // Removing may have changed what the target was turned to.
    target.openQuietly(buf, starts[2]!, ends[2]!, TYPE_SET);
    if (addMember(target, buf, starts[3]!, ends[3]!)) target.notify(NOTIFY_SET, 'sadd');
  }
  reply.integer(isThere ? 1 : 0);
}

/** Whether the member in argument `i` is there. */
function has(set: Collection, args: Args, i: number): boolean {
  return set.find(args.buf, args.starts[i]!, args.ends[i]!) !== 0;
}

function sismember(session: Session, args: Args, reply: ReplyWriter): void {
  const set = readCollection(session, args, 1, TYPE_SET, reply);
  if (set !== undefined) reply.integer(has(set, args, 2) ? 1 : 0);
}

function smismember(session: Session, args: Args, reply: ReplyWriter): void {
  const set = readCollection(session, args, 1, TYPE_SET, reply);
  if (set !== undefined) replyForEach(session, set, args, 2, writeIsMember);
}

function writeIsMember(reply: ReplyWriter, set: Collection, args: Args, i: number): void {
  reply.integer(has(set, args, i) ? 1 : 0);
}

function scard(session: Session, args: Args, reply: ReplyWriter): void {
  const set = readCollection(session, args, 1, TYPE_SET, reply);
  if (set !== undefined) reply.integer(set.size);
}

function smembers(session: Session, args: Args, reply: ReplyWriter): void {
  const set = readCollection(session, args, 1, TYPE_SET, reply);
  if (set === undefined) return;
  reply.set(set.size);
  replyElements(session, set, writeKey);
}

const SCAN: ScanKind = {
  name: 'SSCAN',
  type: TYPE_SET,
  items: 1,
  write: writeKey,
  isSmall: isSmallSet,
};

function sscan(session: Session, args: Args, reply: ReplyWriter): void {
  scanElements(session, args, reply, SCAN);
}

export const setCommands: readonly CommandRow[] = [
  { name: 'sadd', arity: -3, flags: WRITE | FAST, keys: [1, 1, 1], handler: sadd },
  { name: 'srem', arity: -3, flags: WRITE | FAST, keys: [1, 1, 1], handler: srem },
  { name: 'smove', arity: 4, flags: WRITE | FAST, keys: [1, 2, 1], handler: smove },
  { name: 'sismember', arity: 3, flags: READONLY | FAST, keys: [1, 1, 1], handler: sismember },
  { name: 'smismember', arity: -3, flags: READONLY | FAST, keys: [1, 1, 1], handler: smismember },
  { name: 'scard', arity: 2, flags: READONLY | FAST, keys: [1, 1, 1], handler: scard },
  { name: 'smembers', arity: 2, flags: READONLY, keys: [1, 1, 1], handler: smembers },
  { name: 'sscan', arity: -3, flags: READONLY, keys: [1, 1, 1], handler: sscan },
];
