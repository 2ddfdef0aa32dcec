/** HRANDFIELD key [count [WITHVALUES]]: a negative count may name a field again and again. */
import type { Args } from '../../../resp/args.js';
import type { ReplyWriter } from '../../../resp/reply-writer.js';
import type { Session } from '../../server/session.js';
import { TYPE_HASH } from '../../types/types.js';
import { readCollection } from '../collections.js';
import { type CommandRow, READONLY } from '../command.js';
import { writeFlatPair, writeKey, writeNestedPair } from '../element-reply.js';
import { refusesPairs, signedCount } from '../int64.js';
import { replyRandom } from '../random-elements.js';
import { beginItems, SYNTAX_ERROR } from '../replies.js';

function hrandfield(session: Session, args: Args, reply: ReplyWriter): void {
  if (args.count > 2) {
    hrandfields(session, args, reply);
    return;
  }
  const hash = readCollection(session, args, 1, TYPE_HASH, reply);
  if (hash === undefined) return;
  if (hash.size === 0) reply.nil();
  else replyRandom(session, hash, -1, writeKey);
}

function hrandfields(session: Session, args: Args, reply: ReplyWriter): void {
  const count = signedCount(args, 2, reply);
  if (Number.isNaN(count)) return;
  const withValues = args.count === 4 && args.equalsIgnoreCase(3, 'WITHVALUES');
  if (args.count > 3 && !withValues) {
    reply.error(SYNTAX_ERROR);
    return;
  }
  if (withValues && refusesPairs(args, 2, reply)) return;
  const hash = readCollection(session, args, 1, TYPE_HASH, reply);
  if (hash === undefined) return;
  const found = hash.size === 0 ? 0 : count < 0 ? -count : Math.min(count, hash.size);
  const nests = beginItems(reply, found, withValues);
  if (found === 0) return;
  const writePair = nests ? writeNestedPair : writeFlatPair;
  replyRandom(session, hash, count, withValues ? writePair : writeKey);
}

export const hashRandomCommands: readonly CommandRow[] = [
  { name: 'hrandfield', arity: -2, flags: READONLY, keys: [1, 1, 1], handler: hrandfield },
];
