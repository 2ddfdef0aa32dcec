/**
 * Commands for tests of blocking alone: queues of single characters, kept in strings.
 * QPUSH key text, BQPOP key ... timeout, BQMOVE from to timeout.
 */
import { blockTimeoutMs } from '../../lib/commands/block-timeout.js';
import { type CommandRow, FAST, WRITE } from '../../lib/commands/command.js';
import type { Session } from '../../lib/server/session.js';
import type { Args } from '../../resp/args.js';
import type { ReplyWriter } from '../../resp/reply-writer.js';

const CLOSED = Buffer.from('closed');

function push(session: Session, args: Args, reply: ReplyWriter): void {
  append(session, args, 1, args.bytes(2));
  reply.ok();
}

function append(session: Session, args: Args, at: number, text: Buffer): void {
  const { database } = session;
  const { buf, starts, ends } = args;
  const from = starts[at]!;
  const to = ends[at]!;
  const leaf = database.find(buf, from, to);
  const bytes = leaf === 0 ? 0 : database.tree.valueBytes(leaf);
  database.patch(buf, from, to, bytes, text, 0, text.length);
  database.signalReady(buf, from, to);
}

/** Takes the first character; undefined if there is none, or the queue is closed. */
function take(session: Session, args: Args, at: number): Buffer | undefined {
  const { database } = session;
  const { buf, starts, ends } = args;
  const from = starts[at]!;
  const to = ends[at]!;
  const leaf = database.find(buf, from, to);
  if (leaf === 0) return undefined;
  const value = Buffer.from(database.tree.value(leaf));
  if (value.equals(CLOSED)) return undefined;
  if (value.length === 1) database.remove(buf, from, to);
  else database.set(buf, from, to, value, 1, value.length, 0);
  return value.subarray(0, 1);
}

function popAt(session: Session, args: Args, at: number): boolean {
  const text = take(session, args, at);
  if (text === undefined) return false;
  session.reply.array(2);
  session.reply.bulkLatin1(args.string(at));
  session.reply.bulk(text, 0, 1);
  return true;
}

function pop(session: Session, args: Args, reply: ReplyWriter): void {
  const timeoutMs = blockTimeoutMs(args, args.count - 1, reply);
  if (timeoutMs < 0) return;
  const keys = Array.from({ length: args.count - 2 }, (_, index) => index + 1);
  for (const at of keys) if (popAt(session, args, at)) return;
  session.block(args, { type: 'list', keys, timeoutMs, retry: popAt });
}

function moveAt(session: Session, args: Args, at: number): boolean {
  const text = take(session, args, at);
  if (text === undefined) return false;
  append(session, args, 2, text);
  session.reply.bulk(text, 0, 1);
  return true;
}

function move(session: Session, args: Args, reply: ReplyWriter): void {
  const timeoutMs = blockTimeoutMs(args, 3, reply);
  if (timeoutMs < 0 || moveAt(session, args, 1)) return;
  const notBlocking = (target: ReplyWriter) => target.nil();
  session.block(args, { type: 'list', keys: [1], timeoutMs, retry: moveAt, notBlocking });
}

/** Waits until the key has gone. */
function gone(session: Session, args: Args, reply: ReplyWriter): void {
  const retry = (target: Session, given: Args, at: number) => {
    const isThere = target.database.peek(given.buf, given.starts[at]!, given.ends[at]!) !== 0;
    if (!isThere) target.reply.simple('GONE');
    return !isThere;
  };
  if (retry(session, args, 1)) return;
  const timedOut = () => reply.nil();
  const wantsRemovals = true;
  session.block(args, { type: 'stream', keys: [1], timeoutMs: 0, retry, timedOut, wantsRemovals });
}

export const queueCommands: readonly CommandRow[] = [
  { name: 'qpush', arity: 3, flags: WRITE | FAST, keys: [1, 1, 1], handler: push },
  { name: 'bqpop', arity: -3, flags: WRITE, keys: [1, -2, 1], handler: pop },
  { name: 'bqmove', arity: 4, flags: WRITE, keys: [1, 2, 1], handler: move },
  { name: 'bgone', arity: 2, flags: WRITE, keys: [1, 1, 1], handler: gone },
];
