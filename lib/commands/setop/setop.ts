/**
 * SETOP expression [MIN bound] [MAX bound] [REV] [LIMIT offset count] [WITHVALUES]
 *       [STORE key [AS HASH|SET|ZSET]]
 *
 * god's set expressions over hashes, sets and sorted sets (docs/setop.md). SETOP_RO is the same
 * without STORE, for scripts that may not write and clients that remember what they read.
 */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import { type CommandRow, type FoundKey, READONLY, WRITE } from '../command.js';
import { SYNTAX_ERROR } from '../replies.js';
import { replySetop } from './setop-reply.js';
import { readSetopRequest } from './setop-request.js';
import { storeSetop } from './setop-store.js';

const READ_FLAGS = ['RO', 'access'];
const WRITE_FLAGS = ['OW', 'update'];

function setop(session: Session, args: Args, reply: ReplyWriter): void {
  const request = readSetopRequest(args);
  if (typeof request === 'string') reply.error(request);
  else if (request.options.target > 0) storeSetop(session, request, reply);
  else replySetop(session, request, reply);
}

function setopReadOnly(session: Session, args: Args, reply: ReplyWriter): void {
  const request = readSetopRequest(args);
  if (typeof request === 'string') reply.error(request);
  else if (request.options.target > 0) reply.error(SYNTAX_ERROR);
  else replySetop(session, request, reply);
}

/** The keys in the expression, then that of STORE; none if the request makes no sense. */
function keysOfSetop(args: Args): FoundKey[] {
  const request = readSetopRequest(args);
  if (typeof request === 'string') return [];
  const { expression, keys, options } = request;
  const at = (i: number, flags: readonly string[]): FoundKey => {
    return { buf: keys.buf, from: keys.starts[i]!, to: keys.ends[i]!, flags };
  };
  const found = expression.keys.map((_, k) => at(k + 1, READ_FLAGS));
  return options.target === 0 ? found : [...found, at(0, WRITE_FLAGS)];
}

export const setopCommands: readonly CommandRow[] = [
  { name: 'setop', arity: -2, flags: WRITE, keysWithin: keysOfSetop, handler: setop },
  { name: 'setop_ro', arity: -2, flags: READONLY, keysWithin: keysOfSetop, handler: setopReadOnly },
];
