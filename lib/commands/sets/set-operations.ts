/** SINTER, SUNION, SDIFF and their STORE forms, and SINTERCARD. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import { type CommandRow, type Handler, READONLY, WRITE } from '../command.js';
import { refusesKey } from '../lookup.js';
import { SYNTAX_ERROR } from '../replies.js';
import { CountSink, DistinctSink, FoundSink, StoreSink } from './set-sinks.js';
import { type SetOperation, SetTask } from './set-task.js';

function combine(operation: SetOperation): Handler {
  return (session, args, reply) => {
    const sink = operation === 'union' ? new DistinctSink(session) : new FoundSink(session);
    const keys = [1, args.count - 1] as const;
    new SetTask(session, args, reply, { operation, keys, sink }).run();
  };
}

function store(operation: SetOperation): Handler {
  const event = `s${operation}store`;
  return (session, args, reply) => {
    if (refusesKey(args, 1, reply)) return;
    const keys = [2, args.count - 2] as const;
    const sink = new StoreSink(session, event);
    new SetTask(session, args, reply, { operation, keys, sink }).run();
  };
}

/** SINTERCARD numkeys key [key ...] [LIMIT limit] */
function sintercard(session: Session, args: Args, reply: ReplyWriter): void {
  const keyCount = args.int64(1);
  if (!(keyCount >= 1)) {
    reply.error('ERR numkeys should be greater than 0');
    return;
  }
  if (keyCount > args.count - 2) {
    reply.error("ERR Number of keys can't be greater than number of args");
    return;
  }
  let limit = 0;
  for (let i = 2 + keyCount; i < args.count; i += 2) {
    if (!args.equalsIgnoreCase(i, 'LIMIT') || i + 1 === args.count) {
      reply.error(SYNTAX_ERROR);
      return;
    }
    limit = args.int64(i + 1);
    if (!(limit >= 0)) {
      reply.error("ERR LIMIT can't be negative");
      return;
    }
  }
  const keys = [2, keyCount] as const;
  const sink = new CountSink(limit);
  new SetTask(session, args, reply, { operation: 'inter', keys, sink }).run();
}

export const setOperationCommands: readonly CommandRow[] = [
  { name: 'sinter', arity: -2, flags: READONLY, keys: [1, -1, 1], handler: combine('inter') },
  { name: 'sunion', arity: -2, flags: READONLY, keys: [1, -1, 1], handler: combine('union') },
  { name: 'sdiff', arity: -2, flags: READONLY, keys: [1, -1, 1], handler: combine('diff') },
  { name: 'sintercard', arity: -3, flags: READONLY, handler: sintercard },
  { name: 'sinterstore', arity: -3, flags: WRITE, keys: [1, -1, 1], handler: store('inter') },
  { name: 'sunionstore', arity: -3, flags: WRITE, keys: [1, -1, 1], handler: store('union') },
  { name: 'sdiffstore', arity: -3, flags: WRITE, keys: [1, -1, 1], handler: store('diff') },
];
