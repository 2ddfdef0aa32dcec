/** ZUNION, ZINTER, ZDIFF, their STORE forms, and ZINTERCARD. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import { type CommandRow, type Handler, READONLY, WRITE } from '../command.js';
import { refusesKey } from '../lookup.js';
import { NOT_INTEGER, SYNTAX_ERROR } from '../replies.js';
import { CombineTask, type Operation } from './combine-task.js';

function combine(operation: Operation): Handler {
  const form = { takesWeights: operation !== 'diff', takesScores: true, takesLimit: false };
  const name = `z${operation}`;
  return (session, args, reply) => {
    const keyCount = operandCount(args, 1, name, reply);
    if (keyCount === 0) return;
    const what = { operation, form, firstKey: 2, keyCount, target: 0 };
    new CombineTask(session, args, reply, what).run();
  };
}

function store(operation: Operation): Handler {
  const form = { takesWeights: operation !== 'diff', takesScores: false, takesLimit: false };
  const name = `z${operation}store`;
  return (session, args, reply) => {
    if (refusesKey(args, 1, reply)) return;
    const keyCount = operandCount(args, 2, name, reply);
    if (keyCount === 0) return;
    const what = { operation, form, firstKey: 3, keyCount, target: 1 };
    new CombineTask(session, args, reply, what).run();
  };
}

function zintercard(session: Session, args: Args, reply: ReplyWriter): void {
  const keyCount = operandCount(args, 1, 'zintercard', reply);
  if (keyCount === 0) return;
  const form = { takesWeights: false, takesScores: false, takesLimit: true };
  const what = { operation: 'inter', form, firstKey: 2, keyCount, target: 0 } as const;
  new CombineTask(session, args, reply, what).run();
}

/** The number of operands in argument `i`; 0 if an error was replied. */
function operandCount(args: Args, i: number, name: string, reply: ReplyWriter): number {
  const count = args.int64(i);
  if (Number.isNaN(count)) reply.error(NOT_INTEGER);
  else if (count < 1) reply.error(`ERR at least 1 input key is needed for '${name}' command`);
  else if (count > args.count - i - 1) reply.error(SYNTAX_ERROR);
  else return count;
  return 0;
}

export const combineCommands: readonly CommandRow[] = [
  { name: 'zunion', arity: -3, flags: READONLY, handler: combine('union') },
  { name: 'zinter', arity: -3, flags: READONLY, handler: combine('inter') },
  { name: 'zdiff', arity: -3, flags: READONLY, handler: combine('diff') },
  { name: 'zintercard', arity: -3, flags: READONLY, handler: zintercard },
  { name: 'zunionstore', arity: -4, flags: WRITE, keys: [1, 1, 1], handler: store('union') },
  { name: 'zinterstore', arity: -4, flags: WRITE, keys: [1, 1, 1], handler: store('inter') },
  { name: 'zdiffstore', arity: -4, flags: WRITE, keys: [1, 1, 1], handler: store('diff') },
];
