/**
 * The fields of a hash and the members of a set in their order, as ordered.ts has it for keys:
 *
 *    HRANGE key min max [REV] [LIMIT offset count] [WITHVALUES]       HCOUNT key min max
 *    HRANK key field     HREVRANK key field     HNTH key index [WITHVALUES]
 *    HNEXT key field     HPREV key field
 *
 * and SRANGE, SCOUNT ..., without values. What is not there has no elements.
 */
import type { Leaf } from '../../../radix/leaf.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Collection } from '../../store/collection.js';
import { TYPE_HASH, TYPE_SET } from '../../types/types.js';
import { readCollection } from '../collections.js';
import { type CommandRow, FAST, type Handler, READONLY } from '../command.js';
import { replyElementRange } from '../element-range.js';
import { writeFlatPair, writeKey, writeNestedPair } from '../element-reply.js';
import { beginItems } from '../replies.js';
import { highRank, lowRank, refusesInterval } from './interval.js';
import { nthOf } from './nth.js';
import { rangePart, rangeRequest } from './range-options.js';

interface Kind {
  readonly type: number;
  /** The letter that the names of its commands begin with. */
  readonly letter: 'h' | 's';
  readonly hasValues: boolean;
}

function range({ type, hasValues }: Kind): Handler {
  return (session, args, reply) => {
    const request = rangeRequest(args, 4, hasValues, reply);
    if (request === undefined || refusesInterval(args, 2, reply)) return;
    const collection = readCollection(session, args, 1, type, reply);
    if (collection === undefined) return;
    const { elements } = collection;
    const low = lowRank(elements, args, 2);
    const part = rangePart(request, low, highRank(elements, args, 3), false);
    const nests = beginItems(reply, part.count, request.withValues);
    const writePair = nests ? writeNestedPair : writeFlatPair;
    const write = request.withValues ? writePair : writeKey;
    replyElementRange(session, collection, part, write);
  };
}

function count({ type }: Kind): Handler {
  return (session, args, reply) => {
    if (refusesInterval(args, 2, reply)) return;
    const collection = readCollection(session, args, 1, type, reply);
    if (collection === undefined) return;
    const { elements } = collection;
    reply.integer(Math.max(0, highRank(elements, args, 3) - lowRank(elements, args, 2)));
  };
}

function rank({ type }: Kind, reverse: boolean): Handler {
  return (session, args, reply) => {
    const collection = readCollection(session, args, 1, type, reply);
    if (collection === undefined) return;
    const from = args.starts[2]!;
    const to = args.ends[2]!;
    if (collection.find(args.buf, from, to) === 0) {
      reply.nil();
      return;
    }
    const before = collection.elements.rank(args.buf, from, to);
    reply.integer(reverse ? collection.size - 1 - before : before);
  };
}

function nth({ type, hasValues }: Kind): Handler {
  return nthOf({
    open: (session, args, reply) => readCollection(session, args, 1, type, reply),
    byValue: false,
    write: writeKey,
    ...(hasValues ? { writePair: writeNestedPair } : {}),
  });
}

function neighbour({ type }: Kind, step: 'next' | 'prev'): Handler {
  return (session, args, reply) => {
    const collection = readCollection(session, args, 1, type, reply);
    if (collection === undefined) return;
    const element = collection.elements[step](args.buf, args.starts[2]!, args.ends[2]!);
    replyNeighbour(collection, reply, element);
  };
}

function replyNeighbour({ database }: Collection, reply: ReplyWriter, element: Leaf): void {
  if (element === 0) reply.nil();
  else writeKey(reply, database, element);
}

function rowsOf(kind: Kind): CommandRow[] {
  const row = (name: string, arity: number, handler: Handler, flags = FAST): CommandRow => {
    const fullName = kind.letter + name;
    return { name: fullName, arity, flags: READONLY | flags, keys: [1, 1, 1], handler };
  };
  return [
    row('range', -4, range(kind), 0),
    row('count', 4, count(kind)),
    row('rank', 3, rank(kind, false)),
    row('revrank', 3, rank(kind, true)),
    row('nth', kind.hasValues ? -3 : 3, nth(kind)),
    row('next', 3, neighbour(kind, 'next')),
    row('prev', 3, neighbour(kind, 'prev')),
  ];
}

export const orderedElementCommands: readonly CommandRow[] = [
  ...rowsOf({ type: TYPE_HASH, letter: 'h', hasValues: true }),
  ...rowsOf({ type: TYPE_SET, letter: 's', hasValues: false }),
];
