/**
 * The fields of a mirrored hash in the order of their values; fields with equal values in the order
 * of the fields. Intervals are of values.
 *
 *    HVRANGE key min max [REV] [LIMIT offset count] [WITHVALUES]       HVCOUNT key min max
 *    HVRANK key field     HVREVRANK key field     HVNTH key index [WITHVALUES]
 */
import type { Leaf } from '../../../radix/leaf.js';
import { Mirror, MirroredElement } from '../../../radix/mirror.js';
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import type { Collection } from '../../store/collection.js';
import type { Database } from '../../store/database.js';
import { TYPE_HASH } from '../../types/types.js';
import { readCollection } from '../collections.js';
import { type CommandRow, FAST, type Handler, READONLY } from '../command.js';
import { replyElementRange } from '../element-range.js';
import { highValueRank, lowValueRank, refusesInterval } from '../ordered/interval.js';
import { nthOf } from '../ordered/nth.js';
import { rangePart, rangeRequest } from '../ordered/range-options.js';
import { beginItems } from '../replies.js';

const NOT_MIRRORED = 'ERR the hash has no order by value, HMIRROR key ON gives it one';
const BOUND_TOO_LONG = 'ERR min or max is too long for a mirrored hash';

/** The field at hand. */
const mirrored = new MirroredElement();

// Leaves of a mirror: see ElementWriter.

function writeMirrored(reply: ReplyWriter, { tree }: Database, leaf: Leaf): void {
  mirrored.read(tree, leaf);
  reply.bulk(mirrored.key, mirrored.subKeyFrom, mirrored.keyBytes);
}

function writeFlatMirrored(reply: ReplyWriter, database: Database, leaf: Leaf): void {
  writeMirrored(reply, database, leaf);
  reply.bulk(mirrored.value, 0, mirrored.valueBytes);
}

function writeNestedMirrored(reply: ReplyWriter, database: Database, leaf: Leaf): void {
  reply.array(2);
  writeFlatMirrored(reply, database, leaf);
}

/** The mirrored hash at argument 1, empty if nothing is there; undefined if an error was replied. */
function readMirrored(session: Session, args: Args, reply: ReplyWriter): Collection | undefined {
  const hash = readCollection(session, args, 1, TYPE_HASH, reply);
  if (hash === undefined || !hash.exists || hash.sub.isMirrored) return hash;
  reply.error(NOT_MIRRORED);
  return undefined;
}

/** True, the error replied, if arguments 2 and 3 are no interval of values. */
function refusesValues(args: Args, reply: ReplyWriter): boolean {
  if (refusesInterval(args, 2, reply)) return true;
  for (let i = 2; i <= 3; i += 1) {
    if (Mirror.fits(args.buf, args.starts[i]!, args.ends[i]!, 0)) continue;
    reply.error(BOUND_TOO_LONG);
    return true;
  }
  return false;
}

function hvrange(session: Session, args: Args, reply: ReplyWriter): void {
  const request = rangeRequest(args, 4, true, reply);
  if (request === undefined || refusesValues(args, reply)) return;
  const hash = readMirrored(session, args, reply);
  if (hash === undefined) return;
  const { mirror } = hash;
  const low = lowValueRank(mirror, args, 2);
  const part = rangePart(request, low, highValueRank(mirror, args, 3), true);
  const nests = beginItems(reply, part.count, request.withValues);
  const writePair = nests ? writeNestedMirrored : writeFlatMirrored;
  replyElementRange(session, hash, part, request.withValues ? writePair : writeMirrored);
}

function hvcount(session: Session, args: Args, reply: ReplyWriter): void {
  if (refusesValues(args, reply)) return;
  const hash = readMirrored(session, args, reply);
  if (hash === undefined) return;
  const { mirror } = hash;
  reply.integer(Math.max(0, highValueRank(mirror, args, 3) - lowValueRank(mirror, args, 2)));
}

function rank(reverse: boolean): Handler {
  return (session, args, reply) => {
    const hash = readMirrored(session, args, reply);
    if (hash === undefined) return;
    const field = hash.find(args.buf, args.starts[2]!, args.ends[2]!);
    if (field === 0) {
      reply.nil();
      return;
    }
    const before = rankOf(hash, field);
    reply.integer(reverse ? hash.size - 1 - before : before);
  };
}

function rankOf({ elements, mirror }: Collection, field: Leaf): number {
  const value = elements.value(field);
  const name = elements.key(field);
  mirror.makeKey(value, 0, value.length, name, 0, name.length);
  return mirror.tree.rank(mirror.key, 0, mirror.keyBytes);
}

const hvnth = nthOf({
  open: readMirrored,
  byValue: true,
  write: writeMirrored,
  writePair: writeNestedMirrored,
});

const READ_FAST = READONLY | FAST;

export const hashValueCommands: readonly CommandRow[] = [
  { name: 'hvrange', arity: -4, flags: READONLY, keys: [1, 1, 1], handler: hvrange },
  { name: 'hvcount', arity: 4, flags: READ_FAST, keys: [1, 1, 1], handler: hvcount },
  { name: 'hvrank', arity: 3, flags: READ_FAST, keys: [1, 1, 1], handler: rank(false) },
  { name: 'hvrevrank', arity: 3, flags: READ_FAST, keys: [1, 1, 1], handler: rank(true) },
  { name: 'hvnth', arity: -3, flags: READ_FAST, keys: [1, 1, 1], handler: hvnth },
];
