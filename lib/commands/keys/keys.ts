/** Keys whatever they hold: removing, naming, copying, moving and counting them. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import type { Database } from '../../store/database.js';
import { NOTIFY_GENERIC } from '../../store/notify.js';
import { typeName } from '../../types/types.js';
import { COUNTS, type CommandRow, FAST, READONLY, WRITE } from '../command.js';
import { databaseOf, int32Of } from '../database-index.js';
import { findKey, inspectKey, notifyKey, readKey, refusesKey, removeKey } from '../lookup.js';
import { AT_ONCE_MAX, inSlices, pieces } from '../many-arguments.js';
import { INDEX_OUT_OF_RANGE, NO_SUCH_KEY, replyKey, SYNTAX_ERROR } from '../replies.js';
import { CountTask } from './count-task.js';
import { type Transfer, transfer } from './transfer.js';

const SAME_OBJECT = 'ERR source and destination objects are the same';

function del(session: Session, args: Args, reply: ReplyWriter): void {
  if (args.count > AT_ONCE_MAX) return delInSlices(session, args, reply);
  reply.integer(removeKeys(session.database, args, 1, args.count));
}

/** Apart, for its closures would cost each DEL a context. */
function delInSlices(session: Session, args: Args, reply: ReplyWriter): void {
  const { database } = session;
  inSlices(session, args, function* (own) {
    let removed = 0;
    yield* pieces(own, 1, (from, to) => {
      removed += removeKeys(database, own, from, to);
    });
    reply.integer(removed);
  });
}

/** Removes the keys in the arguments [from, to); how many there were. */
function removeKeys(database: Database, args: Args, from: number, to: number): number {
  let removed = 0;
  for (let i = from; i < to; i += 1) {
    if (!removeKey(database, args, i)) continue;
    removed += 1;
    notifyKey(database, NOTIFY_GENERIC, 'del', args, i);
  }
  return removed;
}

function exists(session: Session, args: Args, reply: ReplyWriter): void {
  if (args.count > AT_ONCE_MAX) {
    new CountTask(session, args, reply, inspectKey).run();
    return;
  }
  const database = session.database;
  let found = 0;
  for (let i = 1; i < args.count; i += 1) {
    if (inspectKey(database, args, i) !== 0) found += 1;
  }
  reply.integer(found);
}

function touch(session: Session, args: Args, reply: ReplyWriter): void {
  if (args.count > AT_ONCE_MAX) {
    new CountTask(session, args, reply, readKey).run();
    return;
  }
  const database = session.database;
  let found = 0;
  for (let i = 1; i < args.count; i += 1) {
    if (readKey(database, args, i) !== 0) found += 1;
  }
  reply.integer(found);
}

function type(session: Session, args: Args, reply: ReplyWriter): void {
  const leaf = inspectKey(session.database, args, 1);
  reply.simple(leaf === 0 ? 'none' : typeName(session.database.tree, leaf));
}

function rename(session: Session, args: Args, reply: ReplyWriter): void {
  transfer(session, args, reply, planRename);
}

function renamenx(session: Session, args: Args, reply: ReplyWriter): void {
  transfer(session, args, reply, planRenamenx);
}

function planRename(session: Session, args: Args, reply: ReplyWriter): Transfer | undefined {
  const { database } = session;
  if (findKey(database, args, 1) === 0) {
    reply.error(NO_SUCH_KEY);
  } else if (sameArguments(args, 1, 2)) {
    reply.ok();
  } else if (!refusesKey(args, 2, reply)) {
    return {
      source: database,
      i: 1,
      target: database,
      j: 2,
      moves: true,
      event: 'rename',
      success: 'OK',
    };
  }
  return undefined;
}

function planRenamenx(session: Session, args: Args, reply: ReplyWriter): Transfer | undefined {
  const { database } = session;
  if (findKey(database, args, 1) === 0) {
    reply.error(NO_SUCH_KEY);
  } else if (!refusesKey(args, 2, reply)) {
    if (findKey(database, args, 2) === 0) {
      return {
        source: database,
        i: 1,
        target: database,
        j: 2,
        moves: true,
        event: 'rename',
        success: 1,
      };
    }
    reply.integer(0);
  }
  return undefined;
}

function sameArguments(args: Args, i: number, j: number): boolean {
  const { buf, starts, ends } = args;
  return buf.compare(buf, starts[i], ends[i], starts[j], ends[j]) === 0;
}

function copy(session: Session, args: Args, reply: ReplyWriter): void {
  transfer(session, args, reply, planCopy);
}

function planCopy(session: Session, args: Args, reply: ReplyWriter): Transfer | undefined {
  const source = session.database;
  let target: Database | undefined = source;
  let replaces = false;
  for (let i = 3; i < args.count; i += 1) {
    if (args.equalsIgnoreCase(i, 'REPLACE')) {
      replaces = true;
    } else if (args.equalsIgnoreCase(i, 'DB') && i + 1 < args.count) {
      i += 1;
      target = databaseOf(session, args, i, reply);
      if (target === undefined) return undefined;
    } else {
      reply.error(SYNTAX_ERROR);
      return undefined;
    }
  }
  if (target === source && sameArguments(args, 1, 2)) {
    reply.error(SAME_OBJECT);
    return undefined;
  }
  const isThere = readKey(source, args, 1) !== 0;
  if (isThere && refusesKey(args, 2, reply)) return undefined;
  if (!isThere || (findKey(target, args, 2) !== 0 && !replaces)) {
    reply.integer(0);
    return undefined;
  }
  return { source, i: 1, target, j: 2, moves: false, event: 'copy', success: 1 };
}

function move(session: Session, args: Args, reply: ReplyWriter): void {
  transfer(session, args, reply, planMove);
}

function planMove(session: Session, args: Args, reply: ReplyWriter): Transfer | undefined {
  const source = session.database;
  const target = databaseOf(session, args, 2, reply);
  if (target === undefined) return undefined;
  if (target === source) {
    reply.error(SAME_OBJECT);
  } else if (findKey(source, args, 1) === 0 || findKey(target, args, 1) !== 0) {
    reply.integer(0);
  } else {
    return { source, i: 1, target, j: 1, moves: true, event: 'move', success: 1 };
  }
  return undefined;
}

function randomkey(session: Session, _args: Args, reply: ReplyWriter): void {
  const database = session.database;
  const size = database.size();
  if (size === 0) {
    reply.nil();
    return;
  }
  const index = session.server.store.world.random.below(size);
  replyKey(reply, database, database.tree.nth(index));
}

function swapdb(session: Session, args: Args, reply: ReplyWriter): void {
  const first = int32Of(args, 1);
  const second = int32Of(args, 2);
  const store = session.server.store;
  if (Number.isNaN(first)) {
    reply.error('ERR invalid first DB index');
  } else if (Number.isNaN(second)) {
    reply.error('ERR invalid second DB index');
  } else if (store.databases[first] === undefined || store.databases[second] === undefined) {
    reply.error(INDEX_OUT_OF_RANGE);
  } else if (session.server.ring?.isAlone === false) {
    reply.error('ERR SWAPDB is not supported in a ring of several members, not executed');
  } else {
    if (first !== second) store.swap(first, second);
    reply.ok();
  }
}

function dbsize(session: Session, _args: Args, reply: ReplyWriter): void {
  reply.integer(session.database.size());
}

/** SYNC and ASYNC are the same: a tree is cut off at once, its memory comes back in slices. */
function isFlushMode(args: Args, reply: ReplyWriter): boolean {
  if (args.count === 1) return true;
  const isMode = args.equalsIgnoreCase(1, 'SYNC') || args.equalsIgnoreCase(1, 'ASYNC');
  if (args.count === 2 && isMode) return true;
  reply.error(SYNTAX_ERROR);
  return false;
}

function flushdb(session: Session, args: Args, reply: ReplyWriter): void {
  if (!isFlushMode(args, reply)) return;
  session.database.flush();
  reply.ok();
}

function flushall(session: Session, args: Args, reply: ReplyWriter): void {
  if (!isFlushMode(args, reply)) return;
  session.server.store.flushAll();
  reply.ok();
}

export const keyCommands: readonly CommandRow[] = [
  { name: 'del', arity: -2, flags: WRITE | FAST, keys: [1, -1, 1], handler: del },
  { name: 'unlink', arity: -2, flags: WRITE | FAST, keys: [1, -1, 1], handler: del },
  { name: 'exists', arity: -2, flags: READONLY | FAST, keys: [1, -1, 1], handler: exists },
  { name: 'touch', arity: -2, flags: READONLY | FAST, keys: [1, -1, 1], handler: touch },
  { name: 'type', arity: 2, flags: READONLY | FAST, keys: [1, 1, 1], handler: type },
  { name: 'rename', arity: 3, flags: WRITE, keys: [1, 2, 1], handler: rename },
  { name: 'renamenx', arity: 3, flags: WRITE | FAST, keys: [1, 2, 1], handler: renamenx },
  { name: 'copy', arity: -3, flags: WRITE, keys: [1, 2, 1], handler: copy },
  { name: 'move', arity: 3, flags: WRITE | FAST, keys: [1, 1, 1], handler: move },
  { name: 'randomkey', arity: 1, flags: READONLY | COUNTS, handler: randomkey },
  { name: 'swapdb', arity: 3, flags: WRITE | FAST, handler: swapdb },
  { name: 'dbsize', arity: 1, flags: READONLY | FAST | COUNTS, handler: dbsize },
  { name: 'flushdb', arity: -1, flags: WRITE, handler: flushdb },
  { name: 'flushall', arity: -1, flags: WRITE, handler: flushall },
];
