/**
 * When fields of a hash go, as in Redis 7.4:
 *
 *    HEXPIRE key seconds [NX|XX|GT|LT] FIELDS count field [field ...]    HPEXPIRE, HEXPIREAT, HPEXPIREAT
 *    HTTL key FIELDS count field [field ...]            HPTTL, HEXPIRETIME, HPEXPIRETIME, HPERSIST
 *
 * They answer a number for each field. A field whose time is past goes at once.
 */
import { TIMED_SUB_KEY_BYTES_MAX } from '../../../radix/element-expiries.js';
import type { Leaf } from '../../../radix/leaf.js';
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import type { Collection } from '../../store/collection.js';
import { NOTIFY_HASH } from '../../store/notify.js';
import { markTimed } from '../../types/hashes.js';
import { TYPE_HASH } from '../../types/types.js';
import { findCollection, readCollection } from '../collections.js';
import { type CommandRow, FAST, type Handler, READONLY, WRITE } from '../command.js';
import { conditionOf, holds } from '../keys/expire-conditions.js';
import { invalidExpireTime } from '../keys/expire-time.js';
import { replyForEach } from '../many-arguments.js';
import { NOT_INTEGER } from '../replies.js';

const NO_FIELD = -2;
const NO_EXPIRY = -1;
const NOT_MET = 0;
const DONE = 1;
const REMOVED = 2;

/** The latest time that Redis takes, ms since 1970. */
const TIME_MAX_MS = 2 ** 46 - 1;

const NO_FIELDS = 'ERR Mandatory argument FIELDS is missing or not at the right position';
const WRONG_COUNT = 'ERR The `numfields` parameter must match the number of arguments';
const COUNT_NOT_POSITIVE = 'ERR Parameter `numFields` should be greater than 0';
const COUNT_NOT_POSITIVE_TO_READ = 'ERR Number of fields must be a positive integer';
const FIELD_TOO_LONG = `ERR a field longer than ${TIMED_SUB_KEY_BYTES_MAX} bytes cannot expire`;

/** Where the fields begin that FIELDS at argument `i` announces; NaN, the error replied. */
function fieldsAt(args: Args, i: number, notPositive: string, reply: ReplyWriter): number {
  if (!args.equalsIgnoreCase(i, 'FIELDS')) {
    reply.error(NO_FIELDS);
    return Number.NaN;
  }
  const count = i + 1 < args.count ? args.int64(i + 1) : Number.NaN;
  if (!(count >= 1)) {
    reply.error(notPositive);
    return Number.NaN;
  }
  if (count === args.count - i - 2) return i + 2;
  reply.error(WRONG_COUNT);
  return Number.NaN;
}

function fieldOf(hash: Collection, { buf, starts, ends }: Args, i: number): Leaf {
  return hash.find(buf, starts[i]!, ends[i]!);
}

/** Argument 2 as ms since 1970; NaN, the error replied, if it is no time for a field. */
function timeOf(args: Args, unitMs: number, baseMs: number, reply: ReplyWriter): number {
  const count = args.int64(2);
  if (Number.isNaN(count)) reply.error(NOT_INTEGER);
  else if (count < 0) reply.error('ERR invalid expire time, must be >= 0');
  else if (count * unitMs > TIME_MAX_MS - baseMs) {
    reply.error(invalidExpireTime(args.string(0).toLowerCase()));
  } else return count * unitMs + baseMs;
  return Number.NaN;
}

function expiring(unitMs: number, isRelative: boolean): Handler {
  return (session, args, reply) => {
    const hash = findCollection(session, args, 1, TYPE_HASH, reply);
    if (hash === undefined) return;
    const { nowMs } = session.server.store;
    const timeMs = timeOf(args, unitMs, isRelative ? nowMs : 0, reply);
    if (Number.isNaN(timeMs)) return;
    const condition = conditionOf(args, 3);
    const first = fieldsAt(args, condition === 0 ? 3 : 4, COUNT_NOT_POSITIVE, reply);
    if (Number.isNaN(first) || refusesFields(hash, args, first, reply)) return;
    if (hash.exists) markTimed(hash);
    const isPast = timeMs <= nowMs;
    changeFields(session, hash, args, first, isPast ? 'hdel' : 'hexpire', (some, own, i) => {
      return expire(some, own, i, condition, timeMs);
    });
  };
}

/** Does `change` to the fields from argument `first` on, replies what it returns for each, and tells of it. */
function changeFields(
  session: Session,
  hash: Collection,
  args: Args,
  first: number,
  event: string,
  change: (hash: Collection, args: Args, i: number) => number,
): void {
  let changed = 0;
  const write = (reply: ReplyWriter, some: Collection, own: Args, i: number): void => {
    const code = change(some, own, i);
    if (code >= DONE) changed += 1;
    reply.integer(code);
  };
  replyForEach(session, hash, args, first, write, (all) => {
    if (event === 'hdel') all.database.store.expiredElements += changed;
    if (changed > 0) all.notify(NOTIFY_HASH, event);
  });
}

/** True, the error replied, if a field is too long to be kept in the order of expiries. */
function refusesFields(hash: Collection, args: Args, first: number, reply: ReplyWriter): boolean {
  for (let i = first; i < args.count; i += 1) {
    if (args.length(i) <= TIMED_SUB_KEY_BYTES_MAX || fieldOf(hash, args, i) === 0) continue;
    reply.error(FIELD_TOO_LONG);
    return true;
  }
  return false;
}

function expire(
  hash: Collection,
  args: Args,
  i: number,
  condition: number,
  timeMs: number,
): number {
  const field = fieldOf(hash, args, i);
  if (field === 0) return NO_FIELD;
  if (!holds(condition, timeMs, hash.elements.expiryMs(field))) return NOT_MET;
  const { buf, starts, ends } = args;
  if (timeMs <= hash.database.store.nowMs) {
    hash.remove(buf, starts[i]!, ends[i]!);
    return REMOVED;
  }
  hash.setElementExpiry(buf, starts[i]!, ends[i]!, timeMs);
  return DONE;
}

/** `unitMs`: rounded up to it, as Redis does. */
function telling(unitMs: number, isRelative: boolean): Handler {
  const write = (reply: ReplyWriter, hash: Collection, args: Args, i: number): void => {
    const field = fieldOf(hash, args, i);
    const expiryMs = field === 0 ? 0 : hash.elements.expiryMs(field);
    const baseMs = isRelative ? hash.database.store.nowMs : 0;
    if (field === 0) reply.integer(NO_FIELD);
    else if (expiryMs === 0) reply.integer(NO_EXPIRY);
    else reply.integer(Math.ceil((expiryMs - baseMs) / unitMs));
  };
  return (session, args, reply) => {
    const hash = readCollection(session, args, 1, TYPE_HASH, reply);
    if (hash === undefined) return;
    const first = fieldsAt(args, 2, COUNT_NOT_POSITIVE_TO_READ, reply);
    if (!Number.isNaN(first)) replyForEach(session, hash, args, first, write);
  };
}

function hpersist(session: Session, args: Args, reply: ReplyWriter): void {
  const hash = findCollection(session, args, 1, TYPE_HASH, reply);
  if (hash === undefined) return;
  const first = fieldsAt(args, 2, COUNT_NOT_POSITIVE_TO_READ, reply);
  if (!Number.isNaN(first)) changeFields(session, hash, args, first, 'hpersist', persist);
}

function persist(hash: Collection, args: Args, i: number): number {
  const field = fieldOf(hash, args, i);
  if (field === 0) return NO_FIELD;
  if (hash.elements.expiryMs(field) === 0) return NO_EXPIRY;
  hash.setElementExpiry(args.buf, args.starts[i]!, args.ends[i]!, 0);
  return DONE;
}

function writing(name: string, arity: number, handler: Handler): CommandRow {
  return { name, arity, flags: WRITE | FAST, keys: [1, 1, 1], handler };
}

function reading(name: string, handler: Handler): CommandRow {
  return { name, arity: -5, flags: READONLY | FAST, keys: [1, 1, 1], handler };
}

export const hashExpiryCommands: readonly CommandRow[] = [
  writing('hexpire', -6, expiring(1000, true)),
  writing('hpexpire', -6, expiring(1, true)),
  writing('hexpireat', -6, expiring(1000, false)),
  writing('hpexpireat', -6, expiring(1, false)),
  writing('hpersist', -5, hpersist),
  reading('httl', telling(1000, true)),
  reading('hpttl', telling(1, true)),
  reading('hexpiretime', telling(1000, false)),
  reading('hpexpiretime', telling(1, false)),
];
