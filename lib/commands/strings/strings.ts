/**
 * Whole strings: GET and SET with all their relatives, and several keys at a time.
 *
 * The commands that are sent most stand here: none of them allocates.
 */
import { FETCH_KEYS_MAX, fetchKeys } from '../../../radix/fetch.js';
import type { Leaf } from '../../../radix/leaf.js';
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import type { Database } from '../../store/database.js';
import { NOTIFY_GENERIC, NOTIFY_STRING } from '../../store/notify.js';
import { type CommandRow, FAST, READONLY, WRITE } from '../command.js';
import { futureTimeMs, invalidExpireTime } from '../keys/expire-time.js';
import {
  findKey,
  isWrongType,
  notifyKey,
  peekKey,
  readStringKey,
  refusesKey,
  removeKey,
} from '../lookup.js';
import { AT_ONCE_MAX, inSlices, pieces } from '../many-arguments.js';
import { NOT_INTEGER, replyShortValue, replyValue, SYNTAX_ERROR, wrongArity } from '../replies.js';
import { AT_ONCE_BYTES, isLong, LongReply, replyLong } from './long-value.js';
import { MgetTask } from './mget-task.js';
import {
  OPTION_AT,
  OPTION_GET,
  OPTION_KEEPTTL,
  OPTION_NX,
  OPTION_PERSIST,
  OPTION_XX,
  readGetexOptions,
  readSetOptions,
  timeArgument,
  unitMsOf,
} from './set-options.js';

function get(session: Session, args: Args, reply: ReplyWriter): void {
  const database = session.database;
  const leaf = readStringKey(database, args, 1);
  if (isLong(database, leaf)) replyLong(session, reply, leaf);
  else replyStringOrNil(reply, database, leaf);
}

/** Replies a value or nil; false if it was the error about the type. */
function replyStringOrNil(reply: ReplyWriter, database: Database, leaf: Leaf): boolean {
  if (leaf > 0) {
    replyValue(reply, database, leaf);
    return true;
  }
  if (isWrongType(leaf, reply)) return false;
  reply.nil();
  return true;
}

function set(session: Session, args: Args, reply: ReplyWriter): void {
  if (args.count > 3) {
    setWithOptions(session, args, reply);
    return;
  }
  if (refusesKey(args, 1, reply)) return;
  setArgument(session.database, args, 2, 0);
  reply.ok();
}

/** Writes argument `value` as the value of the key in argument 1. */
function setArgument(database: Database, args: Args, value: number, expiryMs: number): void {
  const { buf, starts, ends } = args;
  database.set(buf, starts[1]!, ends[1]!, buf, starts[value]!, ends[value]!, expiryMs);
  notifyKey(database, NOTIFY_STRING, 'set', args, 1);
}

function setWithOptions(session: Session, args: Args, reply: ReplyWriter): void {
  const database = session.database;
  const options = readSetOptions(args);
  if (options < 0) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  const expiryMs = optionTimeMs(session, args, options, 'set', reply);
  if (expiryMs < 0 || refusesKey(args, 1, reply)) return;
  if ((options & OPTION_GET) === 0) {
    const isSet = setIfWanted(database, args, options, findKey(database, args, 1), expiryMs);
    if (isSet) reply.ok();
    else reply.nil();
    return;
  }
  const leaf = readStringKey(database, args, 1);
  if (isLong(database, leaf)) {
    replyLong(session, reply, leaf, () => setIfWanted(database, args, options, leaf, expiryMs));
  } else if (replyStringOrNil(reply, database, leaf)) {
    setIfWanted(database, args, options, leaf, expiryMs);
  }
}

/** False: NX or XX forbids it. */
function setIfWanted(
  database: Database,
  args: Args,
  options: number,
  leaf: Leaf,
  expiryMs: number,
): boolean {
  const blocking = leaf === 0 ? OPTION_XX : OPTION_NX;
  if ((options & blocking) !== 0) return false;
  const keeps = leaf !== 0 && (options & OPTION_KEEPTTL) !== 0;
  setArgument(database, args, 2, keeps ? database.tree.expiryMs(leaf) : expiryMs);
  if (expiryMs !== 0) notifyKey(database, NOTIFY_GENERIC, 'expire', args, 1);
  return true;
}

/** The expiry that the options name, 0 for none; -1, the error replied, if it is not one. */
function optionTimeMs(
  session: Session,
  args: Args,
  options: number,
  command: string,
  reply: ReplyWriter,
): number {
  const i = timeArgument(options);
  if (i === 0) return 0;
  const baseMs = (options & OPTION_AT) !== 0 ? 0 : session.database.store.nowMs;
  return checkedTimeMs(futureTimeMs(args, i, unitMsOf(options), baseMs), command, reply);
}

function checkedTimeMs(timeMs: number, command: string, reply: ReplyWriter): number {
  if (timeMs < Number.POSITIVE_INFINITY) return timeMs;
  reply.error(Number.isNaN(timeMs) ? NOT_INTEGER : invalidExpireTime(command));
  return -1;
}

function setnx(session: Session, args: Args, reply: ReplyWriter): void {
  if (refusesKey(args, 1, reply)) return;
  const database = session.database;
  if (findKey(database, args, 1) !== 0) {
    reply.integer(0);
    return;
  }
  setArgument(database, args, 2, 0);
  reply.integer(1);
}

function setex(session: Session, args: Args, reply: ReplyWriter): void {
  setFor(session, args, 1000, 'setex', reply);
}

function psetex(session: Session, args: Args, reply: ReplyWriter): void {
  setFor(session, args, 1, 'psetex', reply);
}

function setFor(
  session: Session,
  args: Args,
  unitMs: 1 | 1000,
  command: string,
  reply: ReplyWriter,
): void {
  const database = session.database;
  const timeMs = futureTimeMs(args, 2, unitMs, database.store.nowMs);
  const expiryMs = checkedTimeMs(timeMs, command, reply);
  if (expiryMs < 0 || refusesKey(args, 1, reply)) return;
  setArgument(database, args, 3, expiryMs);
  notifyKey(database, NOTIFY_GENERIC, 'expire', args, 1);
  reply.ok();
}

function getset(session: Session, args: Args, reply: ReplyWriter): void {
  if (refusesKey(args, 1, reply)) return;
  const database = session.database;
  const leaf = readStringKey(database, args, 1);
  if (isLong(database, leaf)) {
    replyLong(session, reply, leaf, () => setArgument(database, args, 2, 0));
  } else if (replyStringOrNil(reply, database, leaf)) setArgument(database, args, 2, 0);
}

function getdel(session: Session, args: Args, reply: ReplyWriter): void {
  const database = session.database;
  const leaf = readStringKey(database, args, 1);
  if (isLong(database, leaf)) replyLong(session, reply, leaf, () => del(database, args));
  else if (replyStringOrNil(reply, database, leaf) && leaf > 0) del(database, args);
}

function del(database: Database, args: Args): void {
  if (removeKey(database, args, 1)) notifyKey(database, NOTIFY_GENERIC, 'del', args, 1);
}

function getex(session: Session, args: Args, reply: ReplyWriter): void {
  const database = session.database;
  const options = readGetexOptions(args);
  if (options < 0) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  const leaf = readStringKey(database, args, 1);
  if (leaf <= 0) {
    replyStringOrNil(reply, database, leaf);
    return;
  }
  const expiryMs = optionTimeMs(session, args, options, 'getex', reply);
  if (expiryMs < 0) return;
  const persists = (options & OPTION_PERSIST) !== 0 && database.tree.expiryMs(leaf) !== 0;
  if (isLong(database, leaf)) {
    replyLong(session, reply, leaf, () => expire(database, args, expiryMs, persists));
  } else {
    replyValue(reply, database, leaf);
    expire(database, args, expiryMs, persists);
  }
}

/** Expiry 0: none is given; then only `persists` changes something. */
function expire(database: Database, args: Args, expiryMs: number, persists: boolean): void {
  if (expiryMs === 0 && !persists) return;
  const event = persists ? 'persist' : expiryMs <= database.store.nowMs ? 'del' : 'expire';
  database.setExpiry(args.buf, args.starts[1]!, args.ends[1]!, expiryMs);
  notifyKey(database, NOTIFY_GENERIC, event, args, 1);
}

function mget(session: Session, args: Args, reply: ReplyWriter): void {
  if (args.count > AT_ONCE_MAX) {
    new MgetTask(session, args, reply).run();
    return;
  }
  const database = session.database;
  let bytesAtOnce = 0;
  reply.array(args.count - 1);
  for (let i = 1; i < args.count; i += 1) {
    if ((i - 1) % FETCH_KEYS_MAX === 0) fetchArguments(database, args, i, 1);
    const leaf = readStringKey(database, args, i);
    if (leaf <= 0) reply.nil();
    else if (!replyShortValue(reply, database, leaf)) {
      bytesAtOnce += database.tree.valueBytes(leaf);
      if (bytesAtOnce > AT_ONCE_BYTES) return mgetRest(session, args, reply, i, leaf);
      replyValue(reply, database, leaf);
    }
  }
}

/** From argument `from` on, whose value, at `first`, and those before it are long altogether. */
function mgetRest(
  session: Session,
  args: Args,
  reply: ReplyWriter,
  from: number,
  first: Leaf,
): void {
  const { database } = session;
  const long = new LongReply(session, reply);
  let leaf = first;
  for (let i = from; i < args.count; i += 1) {
    if (i > from) leaf = readStringKey(database, args, i);
    long.add(leaf, 0, leaf > 0 ? database.tree.valueBytes(leaf) : 0);
  }
  long.send();
}

function mset(session: Session, args: Args, reply: ReplyWriter): void {
  if (refusesPairs(args, 'mset', reply)) return;
  if (args.count > AT_ONCE_MAX) return msetInSlices(session, args, reply);
  setPairs(session.database, args, 1, args.count);
  reply.ok();
}

/** Apart, for its closures would cost each MSET a context. */
function msetInSlices(session: Session, args: Args, reply: ReplyWriter): void {
  const { database } = session;
  inSlices(session, args, function* (own) {
    yield* pieces(own, 1, (from, to) => setPairs(database, own, from, to));
    reply.ok();
  });
}

function msetnx(session: Session, args: Args, reply: ReplyWriter): void {
  if (refusesPairs(args, 'msetnx', reply)) return;
  if (args.count > AT_ONCE_MAX) return msetnxInSlices(session, args, reply);
  const { database } = session;
  const mayWrite = !isAnyThere(database, args, 1, args.count);
  if (mayWrite) setPairs(database, args, 1, args.count);
  reply.integer(mayWrite ? 1 : 0);
}

function msetnxInSlices(session: Session, args: Args, reply: ReplyWriter): void {
  const { database } = session;
  inSlices(session, args, function* (own) {
    let mayWrite = true;
    yield* pieces(own, 1, (from, to) => {
      if (mayWrite) mayWrite = !isAnyThere(database, own, from, to);
    });
    if (mayWrite) yield* pieces(own, 1, (from, to) => setPairs(database, own, from, to));
    reply.integer(mayWrite ? 1 : 0);
  });
}

/** Whether one of the keys is there, in the pairs in the arguments [from, to). */
function isAnyThere(database: Database, args: Args, from: number, to: number): boolean {
  for (let i = from; i < to; i += 2) if (peekKey(database, args, i) !== 0) return true;
  return false;
}

/** True, the error replied, if these are not pairs of values and keys that may be written. */
function refusesPairs(args: Args, command: string, reply: ReplyWriter): boolean {
  if ((args.count & 1) === 0) {
    reply.error(wrongArity(command));
    return true;
  }
  for (let i = 1; i < args.count; i += 2) {
    if (refusesKey(args, i, reply)) return true;
  }
  return false;
}

/** Has the next keys, each `step` arguments behind the other, on their way while others are dealt with. */
function fetchArguments({ tree }: Database, args: Args, first: number, step: number): void {
  fetchKeys(tree, args.buf, args.starts, args.ends, first, args.count, step);
}

/** Writes the keys and values in the arguments [from, to). */
function setPairs(database: Database, args: Args, from: number, to: number): void {
  const { buf, starts, ends } = args;
  for (let i = from; i < to; i += 2) {
    if ((i - from) % (2 * FETCH_KEYS_MAX) === 0) fetchArguments(database, args, i, 2);
    database.set(buf, starts[i]!, ends[i]!, buf, starts[i + 1]!, ends[i + 1]!, 0);
    notifyKey(database, NOTIFY_STRING, 'set', args, i);
  }
}

export const stringCommands: readonly CommandRow[] = [
  { name: 'get', arity: 2, flags: READONLY | FAST, keys: [1, 1, 1], handler: get },
  { name: 'set', arity: -3, flags: WRITE | FAST, keys: [1, 1, 1], handler: set },
  { name: 'setnx', arity: 3, flags: WRITE | FAST, keys: [1, 1, 1], handler: setnx },
  { name: 'setex', arity: 4, flags: WRITE | FAST, keys: [1, 1, 1], handler: setex },
  { name: 'psetex', arity: 4, flags: WRITE | FAST, keys: [1, 1, 1], handler: psetex },
  { name: 'getset', arity: 3, flags: WRITE | FAST, keys: [1, 1, 1], handler: getset },
  { name: 'getdel', arity: 2, flags: WRITE | FAST, keys: [1, 1, 1], handler: getdel },
  { name: 'getex', arity: -2, flags: WRITE | FAST, keys: [1, 1, 1], handler: getex },
  { name: 'mget', arity: -2, flags: READONLY | FAST, keys: [1, -1, 1], handler: mget },
  { name: 'mset', arity: -3, flags: WRITE | FAST, keys: [1, -1, 2], handler: mset },
  { name: 'msetnx', arity: -3, flags: WRITE | FAST, keys: [1, -1, 2], handler: msetnx },
];
