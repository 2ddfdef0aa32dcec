/** Hashes: fields one by one and several at a time, and the hash as a whole. */
import type { Leaf } from '../../../radix/leaf.js';
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import type { Collection } from '../../store/collection.js';
import { NOTIFY_HASH } from '../../store/notify.js';
import { fitsMirror, isSmall, putField } from '../../types/hashes.js';
import { TYPE_HASH } from '../../types/types.js';
import { findCollection, readCollection, refusesSubKey } from '../collections.js';
import { type CommandRow, FAST, READONLY, WRITE } from '../command.js';
import { replyElements } from '../element-range.js';
import { type ElementWriter, writeFlatPair, writeKey, writeValue } from '../element-reply.js';
import { type ScanKind, scanElements } from '../element-scan.js';
import { refusesKey } from '../lookup.js';
import {
  type ChangeEnd,
  changeBy,
  removeElements,
  replyCount,
  replyForEach,
} from '../many-arguments.js';
import { MIRROR_KEY_TOO_LONG, replyValue, wrongArity } from '../replies.js';

function hset(session: Session, args: Args, reply: ReplyWriter): void {
  setFields(session, args, 'hset', reply, hsetEnd);
}

function hsetEnd(session: Session, hash: Collection, added: number): void {
  hash.notify(NOTIFY_HASH, 'hset');
  session.reply.integer(added);
}

function hmset(session: Session, args: Args, reply: ReplyWriter): void {
  setFields(session, args, 'hmset', reply, hmsetEnd);
}

function hmsetEnd(session: Session, hash: Collection): void {
  hash.notify(NOTIFY_HASH, 'hset');
  session.reply.ok();
}

function setFields(
  session: Session,
  args: Args,
  command: string,
  reply: ReplyWriter,
  end: ChangeEnd,
): void {
  if ((args.count & 1) !== 0) {
    reply.error(wrongArity(command));
    return;
  }
  if (refusesKey(args, 1, reply)) return;
  for (let i = 2; i < args.count; i += 2) {
    if (refusesSubKey(args, i, reply)) return;
  }
  const hash = findCollection(session, args, 1, TYPE_HASH, reply);
  if (hash === undefined) return;
  for (let i = 2; i < args.count && hash.sub.isMirrored; i += 2) {
    if (refusesMirrored(hash, args, i, reply)) return;
  }
  changeBy(session, hash, args, putArguments, end);
}

/** Writes the fields and values in the arguments [from, to); how many are new. */
function putArguments(hash: Collection, args: Args, from: number, to: number): number {
  let added = 0;
  for (let i = from; i < to; i += 2) if (putArgument(hash, args, i)) added += 1;
  return added;
}

/** Writes the field in argument `i` and its value in the next one; true if it is new. */
function putArgument(hash: Collection, args: Args, i: number): boolean {
  const { buf, starts, ends } = args;
  return putField(hash, buf, starts[i]!, ends[i]!, buf, starts[i + 1]!, ends[i + 1]!);
}

/** True, the error replied, if the field in argument `i` and its value are too long for a mirror. */
function refusesMirrored(hash: Collection, args: Args, i: number, reply: ReplyWriter): boolean {
  const { buf, starts, ends } = args;
  const fieldBytes = ends[i]! - starts[i]!;
  if (fitsMirror(hash, fieldBytes, buf, starts[i + 1]!, ends[i + 1]!)) return false;
  reply.error(MIRROR_KEY_TOO_LONG);
  return true;
}

/** The field in argument `i`; 0: there is none. */
function fieldOf(hash: Collection, args: Args, i: number): Leaf {
  return hash.find(args.buf, args.starts[i]!, args.ends[i]!);
}

function hsetnx(session: Session, args: Args, reply: ReplyWriter): void {
  if (refusesKey(args, 1, reply) || refusesSubKey(args, 2, reply)) return;
  const hash = findCollection(session, args, 1, TYPE_HASH, reply);
  if (hash === undefined) return;
  if (fieldOf(hash, args, 2) !== 0) {
    reply.integer(0);
    return;
  }
  if (refusesMirrored(hash, args, 2, reply)) return;
  putArgument(hash, args, 2);
  hash.notify(NOTIFY_HASH, 'hset');
  reply.integer(1);
}

function hget(session: Session, args: Args, reply: ReplyWriter): void {
  const hash = readCollection(session, args, 1, TYPE_HASH, reply);
  if (hash !== undefined) writeField(reply, hash, args, 2);
}

function hmget(session: Session, args: Args, reply: ReplyWriter): void {
  const hash = readCollection(session, args, 1, TYPE_HASH, reply);
  if (hash !== undefined) replyForEach(session, hash, args, 2, writeField);
}

function writeField(reply: ReplyWriter, hash: Collection, args: Args, i: number): void {
  const field = fieldOf(hash, args, i);
  if (field === 0) reply.nil();
  else replyValue(reply, hash.database, field);
}

function hexists(session: Session, args: Args, reply: ReplyWriter): void {
  const hash = readCollection(session, args, 1, TYPE_HASH, reply);
  if (hash !== undefined) reply.integer(fieldOf(hash, args, 2) === 0 ? 0 : 1);
}

function hstrlen(session: Session, args: Args, reply: ReplyWriter): void {
  const hash = readCollection(session, args, 1, TYPE_HASH, reply);
  if (hash === undefined) return;
  const field = fieldOf(hash, args, 2);
  reply.integer(field === 0 ? 0 : hash.elements.valueBytes(field));
}

function hlen(session: Session, args: Args, reply: ReplyWriter): void {
  const hash = readCollection(session, args, 1, TYPE_HASH, reply);
  if (hash !== undefined) reply.integer(hash.size);
}

const hdelEnd = replyCount(NOTIFY_HASH, 'hdel');

function hdel(session: Session, args: Args, reply: ReplyWriter): void {
  const hash = findCollection(session, args, 1, TYPE_HASH, reply);
  if (hash !== undefined) changeBy(session, hash, args, removeElements, hdelEnd);
}

function hgetall(session: Session, args: Args, reply: ReplyWriter): void {
  const hash = readCollection(session, args, 1, TYPE_HASH, reply);
  if (hash === undefined) return;
  reply.map(hash.size);
  replyElements(session, hash, writeFlatPair);
}

function hkeys(session: Session, args: Args, reply: ReplyWriter): void {
  replyAll(session, args, reply, writeKey);
}

function hvals(session: Session, args: Args, reply: ReplyWriter): void {
  replyAll(session, args, reply, writeValue);
}

function replyAll(session: Session, args: Args, reply: ReplyWriter, write: ElementWriter): void {
  const hash = readCollection(session, args, 1, TYPE_HASH, reply);
  if (hash === undefined) return;
  reply.array(hash.size);
  replyElements(session, hash, write);
}

const SCAN: ScanKind = {
  name: 'HSCAN',
  type: TYPE_HASH,
  items: 2,
  write: writeFlatPair,
  isSmall,
};

function hscan(session: Session, args: Args, reply: ReplyWriter): void {
  scanElements(session, args, reply, SCAN);
}

export const hashCommands: readonly CommandRow[] = [
  { name: 'hset', arity: -4, flags: WRITE | FAST, keys: [1, 1, 1], handler: hset },
  { name: 'hsetnx', arity: 4, flags: WRITE | FAST, keys: [1, 1, 1], handler: hsetnx },
  { name: 'hmset', arity: -4, flags: WRITE | FAST, keys: [1, 1, 1], handler: hmset },
  { name: 'hget', arity: 3, flags: READONLY | FAST, keys: [1, 1, 1], handler: hget },
  { name: 'hmget', arity: -3, flags: READONLY | FAST, keys: [1, 1, 1], handler: hmget },
  { name: 'hexists', arity: 3, flags: READONLY | FAST, keys: [1, 1, 1], handler: hexists },
  { name: 'hstrlen', arity: 3, flags: READONLY | FAST, keys: [1, 1, 1], handler: hstrlen },
  { name: 'hlen', arity: 2, flags: READONLY | FAST, keys: [1, 1, 1], handler: hlen },
  { name: 'hdel', arity: -3, flags: WRITE | FAST, keys: [1, 1, 1], handler: hdel },
  { name: 'hgetall', arity: 2, flags: READONLY, keys: [1, 1, 1], handler: hgetall },
  { name: 'hkeys', arity: 2, flags: READONLY, keys: [1, 1, 1], handler: hkeys },
  { name: 'hvals', arity: 2, flags: READONLY, keys: [1, 1, 1], handler: hvals },
  { name: 'hscan', arity: -3, flags: READONLY, keys: [1, 1, 1], handler: hscan },
];
